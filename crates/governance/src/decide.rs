//! The rules of this room, one function for each command. Reads the state and the watchbook; changes neither.

use kernel::area::{Context, RefusalKind, Refuse};
use kernel::{Actor, Digest, PersonName, Seconds, Timestamp};

use crate::command::Command;
use crate::event::{Event, SessionId};
use crate::policies::AREAS;
use crate::state::{State, repeat_key};
use crate::{
    DENIALS_OF_ONE_MAX, DENIALS_RECENT_MAX, INVITE_LASTS_MAX, LOCK_FIRST, LOCK_MAX, PASSWORD_FAILURES_FREE,
    READS_RECENT_MAX, SCOPES_MAX, SESSION_LASTS_MAX, SESSIONS_MAX, TEXT_BYTES_MAX, TOKEN_LASTS_MAX, TOKENS_MAX,
};

/// Why a rule says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The watchbook has no such person.
    #[error("person {0} is not in the watchbook: add them under people")]
    NoPerson(PersonName),
    /// It is somebody else's.
    #[error("that is {0}'s own: only they may change it")]
    NotTheirs(PersonName),
    /// Too many wrong passwords.
    #[error("too many wrong passwords for {person}: try again after {until}")]
    Locked {
        /// For whom.
        person: PersonName,
        /// Until when.
        until: Timestamp,
    },
    /// There is no such open session.
    #[error("session {0} is not open: it was closed or has ended")]
    NoSession(SessionId),
    /// There is no such token that works.
    #[error("token {0} does not work any more, or never did: see the list of tokens")]
    NoToken(Box<str>),
    /// There is a token of that name.
    #[error("token {0} exists already: revoke it first, or choose another name")]
    TokenExists(Box<str>),
    /// The name of a token is no name.
    #[error("the token's name is not good: {0}")]
    TokenName(#[from] kernel::NameError),
    /// A scope is not one.
    #[error("{0:?} is not a scope: write AREA:read, AREA:write or AREA:VERB, of {areas}", areas = AREAS.join(", "))]
    Scope(Box<str>),
    /// There are no scopes or too many.
    #[error("a token has from 1 to {SCOPES_MAX} scopes, this one has {0}")]
    Scopes(usize),
    /// There are too many tokens that work.
    #[error("there are {TOKENS_MAX} tokens that work: revoke some first")]
    TooManyTokens,
    /// The end is not after now, or too far off.
    #[error("the end must be after now and at most {0} off")]
    Expires(Seconds),
    /// The journal has another root at this size.
    #[error("a checkpoint of {size} facts with another root was signed: the journal was changed, stop and compare")]
    Forked {
        /// How many facts both cover.
        size: u64,
    },
}

impl Refuse for Refusal {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::NoPerson(_) | Self::NoSession(_) | Self::NoToken(_) => RefusalKind::NotFound,
            Self::NotTheirs(_)
            | Self::Locked { .. }
            | Self::TokenExists(_)
            | Self::TooManyTokens
            | Self::Forked { .. } => RefusalKind::Conflict,
            Self::TokenName(_) | Self::Scope(_) | Self::Scopes(_) | Self::Expires(_) => RefusalKind::Invalid,
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::NoPerson(_) | Self::NotTheirs(_) | Self::Locked { .. } => Some("person"),
            Self::NoSession(_) => Some("session"),
            Self::NoToken(_) | Self::TokenExists(_) | Self::TokenName(_) => Some("name"),
            Self::Scope(_) | Self::Scopes(_) => Some("scopes"),
            Self::Expires(_) => Some("expires"),
            Self::TooManyTokens => None,
            Self::Forked { .. } => Some("root"),
        }
    }
}

pub(crate) fn decide(state: &State, context: &Context<'_>, command: Command) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::ApplyBook { digest, commit, source } => Ok(apply_book(state, digest, commit, source)),
        Command::RefuseBook { digest, findings, source } => Ok(refuse_book(state, digest, findings, source)),
        Command::RecordDenial { actor, action, resource, reason } => {
            Ok(record_denial(state, context.now, actor, action, resource, reason))
        }
        Command::RecordRead { actor, resource } => Ok(record_read(state, context.now, actor, resource)),
        Command::IssueInvite { person, expires } => issue_invite(context, person, expires),
        Command::SetPassword { person } => set_password(context, person),
        Command::RecordPasswordFailure { person } => record_password_failure(state, context, person),
        Command::OpenSession { person, expires } => open_session(state, context, person, expires),
        Command::CloseSession { session } => close_session(state, context, session),
        Command::EndSessions { person } => Ok(end_sessions(state, context.now, &person)),
        Command::IssueToken { name, scopes, expires } => issue_token(state, context.now, name, scopes, expires),
        Command::RevokeToken { name } => revoke_token(state, context.now, name),
        Command::RecordCheckpoint { size, root } => record_checkpoint(state, size, root),
        Command::RecordStart { version } => Ok(vec![Event::Started { version: cut(version) }]),
    }
}

fn apply_book(state: &State, digest: Digest, commit: Option<String>, source: String) -> Vec<Event> {
    let live = state.live_book().is_some_and(|book| book.digest == digest && book.commit == commit);
    // Going back to the live one is told too, when another was refused meanwhile: it ends that trouble.
    if live && state.refused_book().is_none() {
        Vec::new()
    } else {
        vec![Event::BookApplied { digest, commit, source: cut(source) }]
    }
}

fn refuse_book(state: &State, digest: Digest, findings: u32, source: String) -> Vec<Event> {
    let known = state.refused_book() == Some(digest);
    if known { Vec::new() } else { vec![Event::BookRefused { digest, findings, source: cut(source) }] }
}

/// Whether a denial is left out, because it repeats one or there are too many.
pub(crate) fn leaves_out(state: &State, now: Timestamp, actor: &Actor, action: &str, resource: &str) -> bool {
    let key = repeat_key(&[&actor.to_string(), action, &cut(resource.to_owned())]);
    let own = || state.denials().count_of(&repeat_key(&[&actor.to_string(), ""]), now);
    state.denials().holds_back(&key, now, DENIALS_RECENT_MAX) || own() >= DENIALS_OF_ONE_MAX
}

fn record_denial(
    state: &State,
    now: Timestamp,
    actor: Actor,
    action: Box<str>,
    resource: String,
    reason: String,
) -> Vec<Event> {
    if leaves_out(state, now, &actor, &action, &resource) {
        return Vec::new();
    }
    let (resource, reason) = (cut(resource), cut(reason));
    vec![Event::CommandDenied { actor, action, resource, reason, unrecorded: state.unrecorded() }]
}

fn record_read(state: &State, now: Timestamp, actor: Actor, resource: String) -> Vec<Event> {
    let resource = cut(resource);
    let key = repeat_key(&[&actor.to_string(), &resource]);
    let repeats = state.reads().holds_back(&key, now, READS_RECENT_MAX);
    if repeats { Vec::new() } else { vec![Event::RestrictedRead { actor, resource }] }
}

fn issue_invite(context: &Context<'_>, person: PersonName, expires: Timestamp) -> Result<Vec<Event>, Refusal> {
    known(context, &person)?;
    ends(context.now, expires, INVITE_LASTS_MAX)?;
    Ok(vec![Event::InviteIssued { person, expires }])
}

fn set_password(context: &Context<'_>, person: PersonName) -> Result<Vec<Event>, Refusal> {
    known(context, &person)?;
    theirs(context.actor, &person)?;
    Ok(vec![Event::PasswordSet { person }])
}

fn record_password_failure(state: &State, context: &Context<'_>, person: PersonName) -> Result<Vec<Event>, Refusal> {
    known(context, &person)?;
    unlocked(state, context.now, &person)?;
    let failures = state.access(person.as_str()).map_or(0, |access| access.failures).saturating_add(1);
    let locked_until = lock(failures).map(|lock| lock.after(context.now));
    Ok(vec![Event::PasswordFailed { person, failures, locked_until }])
}

/// How long nobody may try after so many failures in a row: twice as long each time, up to [`LOCK_MAX`].
fn lock(failures: u32) -> Option<Seconds> {
    let doublings = failures.checked_sub(PASSWORD_FAILURES_FREE)?;
    let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
    Some(Seconds(LOCK_FIRST.0.saturating_mul(factor)).min(LOCK_MAX))
}

fn open_session(
    state: &State,
    context: &Context<'_>,
    person: PersonName,
    expires: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    known(context, &person)?;
    theirs(context.actor, &person)?;
    unlocked(state, context.now, &person)?;
    ends(context.now, expires, SESSION_LASTS_MAX)?;
    let open = state.sessions_of(&person, context.now);
    let surplus = (open.len() + 1).saturating_sub(SESSIONS_MAX);
    let mut events: Vec<Event> = open.iter().take(surplus).map(|(session, _)| closed(&person, session)).collect();
    events.push(Event::SessionOpened { person, session: SessionId::of(context.nonce), expires });
    Ok(events)
}

fn close_session(state: &State, context: &Context<'_>, session: SessionId) -> Result<Vec<Event>, Refusal> {
    let Some(open) = state.session(&session, context.now) else { return Err(Refusal::NoSession(session)) };
    theirs(context.actor, &open.person)?;
    Ok(vec![closed(&open.person, &session)])
}

fn end_sessions(state: &State, now: Timestamp, person: &PersonName) -> Vec<Event> {
    state.sessions_of(person, now).into_iter().map(|(session, _)| closed(person, session)).collect()
}

fn closed(person: &PersonName, session: &SessionId) -> Event {
    Event::SessionClosed { person: person.clone(), session: session.clone() }
}

fn issue_token(
    state: &State,
    now: Timestamp,
    name: Box<str>,
    scopes: Vec<Box<str>>,
    expires: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    kernel::name::check(&name)?;
    if state.token(&name).is_some_and(|token| token.is_live(now)) {
        return Err(Refusal::TokenExists(name));
    }
    if state.tokens().filter(|(_, token)| token.is_live(now)).count() >= TOKENS_MAX {
        return Err(Refusal::TooManyTokens);
    }
    if scopes.is_empty() || scopes.len() > SCOPES_MAX {
        return Err(Refusal::Scopes(scopes.len()));
    }
    if let Some(wrong) = scopes.iter().find(|scope| !is_scope(scope)) {
        return Err(Refusal::Scope(wrong.clone()));
    }
    ends(now, expires, TOKEN_LASTS_MAX)?;
    Ok(vec![Event::TokenIssued { name, scopes, expires }])
}

fn is_scope(text: &str) -> bool {
    text.split_once(':').is_some_and(|(area, verb)| AREAS.contains(&area) && kernel::name::check(verb).is_ok())
}

fn revoke_token(state: &State, now: Timestamp, name: Box<str>) -> Result<Vec<Event>, Refusal> {
    match state.token(&name) {
        Some(token) if token.is_live(now) => Ok(vec![Event::TokenRevoked { name }]),
        _ => Err(Refusal::NoToken(name)),
    }
}

fn record_checkpoint(state: &State, size: u64, root: Digest) -> Result<Vec<Event>, Refusal> {
    match state.checkpoint() {
        Some(last) if last.size == size && last.root != root => Err(Refusal::Forked { size }),
        Some(last) if last.size >= size => Ok(Vec::new()),
        _ => Ok(vec![Event::CheckpointSigned { size, root }]),
    }
}

fn known(context: &Context<'_>, person: &PersonName) -> Result<(), Refusal> {
    if context.book.people.contains_key(person) { Ok(()) } else { Err(Refusal::NoPerson(person.clone())) }
}

/// A person's own things are changed by that person alone, and by Watchkeeper where its operator says so.
fn theirs(actor: &Actor, person: &PersonName) -> Result<(), Refusal> {
    match actor {
        Actor::System(_) => Ok(()),
        Actor::Person(own) if own == person => Ok(()),
        _ => Err(Refusal::NotTheirs(person.clone())),
    }
}

fn unlocked(state: &State, now: Timestamp, person: &PersonName) -> Result<(), Refusal> {
    match state.locked_until(person.as_str(), now) {
        Some(until) => Err(Refusal::Locked { person: person.clone(), until }),
        None => Ok(()),
    }
}

fn ends(now: Timestamp, expires: Timestamp, max: Seconds) -> Result<(), Refusal> {
    if now < expires && expires <= max.after(now) { Ok(()) } else { Err(Refusal::Expires(max)) }
}

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
    text
}
