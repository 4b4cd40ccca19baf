//! Small cuts and escapes of text for the outside.

/// A text cut to so many bytes, at a character.
pub(crate) fn cut(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

/// A text on one line: runs of white space and control characters become one space, and the rest is cut.
pub(crate) fn one_line(text: &str, max: usize) -> String {
    let mut line = String::with_capacity(text.len().min(max));
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > max {
            line.truncate(line.floor_char_boundary(max));
            break;
        }
    }
    line
}

/// A text for HTML, safe within elements and quoted attributes.
pub(crate) fn html(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// A reason with every secret taken out, in case the other side repeated one.
pub(crate) fn hide<'a>(reason: &str, secrets: impl IntoIterator<Item = &'a str>) -> String {
    let long = secrets.into_iter().filter(|secret| secret.len() >= SECRET_BYTES_MIN);
    long.fold(reason.to_owned(), |reason, secret| reason.replace(secret, "[hidden]"))
}

/// Shorter texts are not hidden: they would blot out words that mean nothing.
const SECRET_BYTES_MIN: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_joined_escaped_and_hidden() {
        assert_eq!(cut("naïve", 3), "na");
        assert_eq!(one_line(" a\r\nb\t\u{7}c ", 99), "a b c");
        assert_eq!(one_line("abcdef ghi", 4), "abcd");
        assert_eq!(html(r#"<a href="x">'&"#), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
        assert_eq!(hide("token xoxb-123456 is bad", ["xoxb-123456", "is"]), "token [hidden] is bad");
    }
}
