//! What a browser's session needs besides its secret, which is [`crate::token::secret_text`] in a cookie: the token that its
//! forms carry, so that no other site can send them.

use crate::secret::{mac, same};

/// The token for the forms of a session, from the cookie's text.
#[must_use]
pub fn form_token(cookie: &str) -> String {
    mac(cookie.as_bytes(), &[b"form"]).to_string()
}

/// Whether a form carries the token of its session.
#[must_use]
pub fn form_token_is(cookie: &str, given: &str) -> bool {
    same(form_token(cookie).as_bytes(), given.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_token_belongs_to_one_session() {
        assert!(form_token_is("one", &form_token("one")));
        assert!(!form_token_is("one", &form_token("two")));
        assert!(!form_token_is("one", ""));
        assert_ne!(form_token("one"), "one");
    }
}
