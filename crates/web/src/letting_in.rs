//! Letting people and programs in: invitations, by which a person sets a password, and tokens. The vault keeps the digest of
//! each under the name that it is for, so a newer one takes the place of the one before. Their texts are shown once.

use engine::{Engine, Error};
use kernel::port::StoreFailure;
use kernel::{Actor, PersonName, Seconds, Timestamp};

/// The vault's kind for invitations: the key is the person, the value the digest of the text.
const INVITES: &str = "invite";
/// The vault's kind for tokens: the key is the program's name, the value the digest of the text.
pub(crate) const TOKENS: &str = "token";
/// How long an invitation is good when nobody says how long.
pub const INVITE_LASTS: Seconds = Seconds::hours(72);

/// What lets somebody in.
#[derive(Debug)]
pub struct Issued {
    /// The token's text, or the path of the invitation's link. Shown once and kept nowhere.
    pub text: String,
    /// Until when it is good.
    pub expires: Timestamp,
}

/// Invites a person to set a password, by the path of a link. An earlier invitation of theirs ends.
///
/// # Errors
/// When it is denied or refused, or the vault cannot keep it.
pub async fn invite(engine: &Engine, actor: &Actor, person: &PersonName, lasts: Seconds) -> Result<Issued, Error> {
    let expires = lasts.after(engine.now());
    engine.ask(actor, governance::Command::IssueInvite { person: person.clone(), expires }).await?;
    let text = keep(engine, INVITES, person.as_str(), expires).await?;
    Ok(Issued { text: format!("/invite/{text}"), expires })
}

/// Issues a token.
///
/// # Errors
/// When it is denied or refused, or the vault cannot keep it.
pub async fn issue_token(
    engine: &Engine,
    actor: &Actor,
    name: &str,
    scopes: Vec<Box<str>>,
    lasts: Seconds,
) -> Result<Issued, Error> {
    let expires = lasts.after(engine.now());
    engine.ask(actor, governance::Command::IssueToken { name: name.into(), scopes, expires }).await?;
    let text = keep(engine, TOKENS, name, expires).await?;
    Ok(Issued { text, expires })
}

/// Makes a text under a name, and keeps its digest in place of the one before.
async fn keep(engine: &Engine, kind: &str, name: &str, expires: Timestamp) -> Result<String, Error> {
    let mut secret = [0; 32];
    engine.chance().fill(&mut secret);
    let text = governance::token::new(name, &secret);
    let digest = governance::token::digest(&text).to_string();
    engine.vault().vault_put(kind, name, digest.as_bytes(), Some(expires)).await.map_err(failed)?;
    Ok(text)
}

/// The person whose invitation this text is; `None` when it is none, or has ended.
pub(crate) async fn invited(engine: &Engine, text: &str) -> Result<Option<PersonName>, Error> {
    let Some(person) = claimed(engine, text) else { return Ok(None) };
    let kept = engine.vault().vault_get(INVITES, person.as_str(), engine.now()).await.map_err(failed)?;
    Ok(kept.is_some_and(|kept| governance::token::matches(text, &kept)).then_some(person))
}

/// Uses an invitation up: of all who come with it at the same time, one gets the person.
pub(crate) async fn accept(engine: &Engine, text: &str) -> Result<Option<PersonName>, Error> {
    // Looked at first, so that a text which is none of theirs does not end the one that is.
    let Some(person) = invited(engine, text).await? else { return Ok(None) };
    let kept = engine.vault().vault_take(INVITES, person.as_str(), engine.now()).await.map_err(failed)?;
    Ok(kept.is_some_and(|kept| governance::token::matches(text, &kept)).then_some(person))
}

/// Ends a person's invitation, if there is one.
pub(crate) async fn end_invitation(engine: &Engine, person: &PersonName) -> Result<(), Error> {
    engine.vault().vault_take(INVITES, person.as_str(), engine.now()).await.map_err(failed)?;
    Ok(())
}

/// The person of the watchbook whom a text names.
fn claimed(engine: &Engine, text: &str) -> Option<PersonName> {
    let person = PersonName::new(governance::token::name(text)?).ok()?;
    engine.book().people.contains_key(&person).then_some(person)
}

fn failed(failure: StoreFailure) -> Error {
    Error::Failed { reason: failure.to_string() }
}
