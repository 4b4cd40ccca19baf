//! What the operator's verbs and the server's first start have in common: letting people and programs in.

use engine::Engine;
use kernel::{Actor, PersonName, Seconds};

use crate::failure::Failure;

/// The vault's kind for invitations; the web takes them out.
pub const INVITES: &str = "invite";
/// The vault's kind for tokens.
pub const TOKENS: &str = "token";

/// Issues a token and gives its text, which is shown once and kept nowhere.
///
/// # Errors
/// When governance refuses it or the vault cannot keep its digest.
pub async fn issue_token(
    engine: &Engine,
    actor: &Actor,
    name: &str,
    scopes: Vec<Box<str>>,
    lasts: Seconds,
) -> Result<String, Failure> {
    let mut secret = [0; 32];
    engine.chance().fill(&mut secret);
    let text = governance::token::new(name, &secret);
    let expires = lasts.after(engine.now());
    engine.ask(actor, governance::Command::IssueToken { name: name.into(), scopes, expires }).await?;
    let digest = governance::token::digest(&text).to_string();
    engine.vault().vault_put(TOKENS, name, digest.as_bytes(), Some(expires)).await?;
    Ok(text)
}

/// Invites a person and gives the path of the link.
///
/// # Errors
/// When governance refuses it or the vault cannot keep it.
pub async fn invite(engine: &Engine, actor: &Actor, person: &PersonName, lasts: Seconds) -> Result<String, Failure> {
    let mut secret = [0; 32];
    engine.chance().fill(&mut secret);
    let text = governance::token::secret_text(&secret);
    let expires = lasts.after(engine.now());
    engine.ask(actor, governance::Command::IssueInvite { person: person.clone(), expires }).await?;
    let key = governance::token::digest(&text).to_string();
    engine.vault().vault_put(INVITES, &key, person.as_str().as_bytes(), Some(expires)).await?;
    Ok(format!("/invite/{text}"))
}
