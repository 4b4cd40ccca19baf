//! The rules of governance, one function a command that has any.

use kernel::area::{Context, RefusalKind, Refuse, Stamp};
use kernel::{Area, Timestamp};

use crate::command::Command;
use crate::event::Event;
use crate::limits::{SCOPES_MAX, TOKEN_LASTS_MAX, TOKENS_MAX};
use crate::state::State;

/// The area of governance.
#[derive(Debug, Clone, Copy)]
pub struct Governance;

/// Why governance says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A live token has this name already.
    #[error("a token called {0:?} is live: revoke it first, or choose another name")]
    TokenExists(String),
    /// No live token has this name.
    #[error("no live token is called {0:?}")]
    NoToken(String),
    /// The token's name is not a name.
    #[error("{0}")]
    TokenName(kernel::NameError),
    /// The token has no scope, or too many.
    #[error("a token has between one and {SCOPES_MAX} scopes, such as alerts:write")]
    Scopes,
    /// A scope has not the form `area:read`, `area:write` or an action.
    #[error("{0:?} is not a scope: write one like alerts:write, alerts:read or incidents:declare")]
    Scope(String),
    /// The token would live too long, or be dead already.
    #[error("a token lives for at most {TOKEN_LASTS_MAX} from now")]
    Expiry,
    /// There are too many tokens.
    #[error("there are {TOKENS_MAX} tokens already: reuse a revoked name")]
    Many,
    /// No such person.
    #[error("the live watchbook has no person called {0:?}")]
    NoPerson(String),
}

impl Refuse for Refusal {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::TokenExists(_) | Self::Many => RefusalKind::Conflict,
            Self::NoToken(_) | Self::NoPerson(_) => RefusalKind::NotFound,
            Self::TokenName(_) | Self::Scopes | Self::Scope(_) | Self::Expiry => RefusalKind::Invalid,
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::TokenExists(_) | Self::NoToken(_) | Self::TokenName(_) | Self::Many => Some("name"),
            Self::Scopes | Self::Scope(_) => Some("scopes"),
            Self::Expiry => Some("expires"),
            Self::NoPerson(_) => Some("person"),
        }
    }
}

impl Area for Governance {
    const NAME: &'static str = "governance";
    type Command = Command;
    type Event = Event;
    type State = State;
    type Refusal = Refusal;

    fn decide(state: &State, context: &Context<'_>, command: Command) -> Result<Vec<Event>, Refusal> {
        let event = match command {
            Command::ApplyBook { digest, commit, source } => return Ok(apply_book(state, digest, commit, source)),
            Command::IssueToken { name, scopes, expires } => issue_token(state, context, name, scopes, expires)?,
            Command::RevokeToken { name } => revoke_token(state, name)?,
            Command::IssueInvite { person, expires } => {
                if !context.book.people.contains_key(&person) {
                    return Err(Refusal::NoPerson(person.to_string()));
                }
                Event::InviteIssued { person, expires }
            }
            Command::RefuseBook { source, errors, first } => Event::BookRefused { source, errors, first },
            Command::RecordDenial { actor, action, resource, reason } => {
                Event::CommandDenied { actor, action, resource, reason }
            }
            Command::RecordRead { actor, resource } => Event::RestrictedRead { actor, resource },
            Command::SetPassword { person } => Event::PasswordSet { person },
            Command::NoteLogin { person, succeeded: true } => Event::SessionOpened { person },
            Command::NoteLogin { person, succeeded: false } => Event::LoginFailed { person },
            Command::CloseSession { person } => Event::SessionClosed { person },
            Command::RecordCheckpoint { size, root } => Event::CheckpointSigned { size, root },
            Command::Start { version } => Event::Started { version },
        };
        Ok(vec![event])
    }

    fn evolve(state: &mut State, stamp: Stamp<'_>, event: &Event) {
        state.evolve(stamp, event);
    }
}

/// A book that is live already is not applied again.
fn apply_book(state: &State, digest: kernel::Digest, commit: Option<String>, source: String) -> Vec<Event> {
    let live = state.book.as_ref().is_some_and(|book| book.digest == digest && book.commit == commit);
    if live { Vec::new() } else { vec![Event::BookApplied { digest, commit, source }] }
}

fn issue_token(
    state: &State,
    context: &Context<'_>,
    name: Box<str>,
    scopes: Vec<Box<str>>,
    expires: Timestamp,
) -> Result<Event, Refusal> {
    kernel::name::check(&name).map_err(Refusal::TokenName)?;
    if state.token_scopes(&name, context.now).is_some() {
        return Err(Refusal::TokenExists(name.into()));
    }
    if state.tokens.len() >= TOKENS_MAX && !state.tokens.contains_key(&name) {
        return Err(Refusal::Many);
    }
    if scopes.is_empty() || scopes.len() > SCOPES_MAX {
        return Err(Refusal::Scopes);
    }
    let formed = |scope: &str| scope.split_once(':').is_some_and(|(area, verb)| !area.is_empty() && !verb.is_empty());
    if let Some(wrong) = scopes.iter().find(|scope| !formed(scope)) {
        return Err(Refusal::Scope(wrong.to_string()));
    }
    if expires <= context.now || expires > TOKEN_LASTS_MAX.after(context.now) {
        return Err(Refusal::Expiry);
    }
    Ok(Event::TokenIssued { name, scopes, expires })
}

fn revoke_token(state: &State, name: Box<str>) -> Result<Event, Refusal> {
    match state.tokens.get(&name) {
        Some(token) if !token.revoked => Ok(Event::TokenRevoked { name }),
        _ => Err(Refusal::NoToken(name.into())),
    }
}
