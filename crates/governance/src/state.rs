//! What this room remembers: a fold of its events, and what readers ask of it. No rules here.

use std::collections::BTreeMap;
use std::sync::Arc;

use kernel::area::Stamp;
use kernel::{Digest, PersonName, Timestamp};
use serde::{Deserialize, Serialize};

use crate::REPEAT_AFTER;
use crate::event::{Event, SessionId};

/// What this room remembers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct State {
    book: Option<LiveBook>,
    refused_book: Option<Digest>,
    /// How many errors it had. Snapshots from before this was kept are read as well.
    #[serde(default)]
    refused_findings: u32,
    tokens: BTreeMap<Box<str>, Token>,
    people: BTreeMap<PersonName, Access>,
    sessions: BTreeMap<SessionId, Session>,
    checkpoint: Option<Checkpointed>,
    /// When the server last started, and as which version.
    pub started: Option<(Timestamp, String)>,
    denials: Recent,
    reads: Recent,
    /// Denials that were heard and not recorded since the last that was.
    #[serde(skip)]
    unrecorded: u32,
}

/// The watchbook that is live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveBook {
    /// The digest over its files.
    pub digest: Digest,
    /// Its Git commit, when it is a clean checkout.
    pub commit: Option<String>,
    /// Where it was read.
    pub source: String,
    /// Since when.
    pub since: Timestamp,
}

/// A program's token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// What it may do.
    pub scopes: Arc<[Box<str>]>,
    /// When it was issued.
    pub issued: Timestamp,
    /// Until when it works.
    pub expires: Timestamp,
    /// When it was revoked, if it was.
    pub revoked: Option<Timestamp>,
}

/// What is known about a person's way in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Access {
    /// When they last set a password.
    pub password_set: Option<Timestamp>,
    /// Until when their newest invitation is good.
    pub invited_until: Option<Timestamp>,
    /// How many wrong passwords in a row there were.
    pub failures: u32,
    /// Until when no password is tried for them.
    pub locked_until: Option<Timestamp>,
}

/// A session, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Whose it is.
    pub person: PersonName,
    /// When it was opened.
    pub opened: Timestamp,
    /// Until when it lasts at most.
    pub expires: Timestamp,
}

/// The largest checkpoint that was signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpointed {
    /// How many facts it covers.
    pub size: u64,
    /// The root over them.
    pub root: Digest,
    /// When it was signed.
    pub at: Timestamp,
}

/// What was recorded within the last [`REPEAT_AFTER`], so that repeats are not.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Recent(BTreeMap<String, Timestamp>);

impl Recent {
    /// Whether recording this would repeat what was just recorded, or be one too many.
    pub(crate) fn holds_back(&self, key: &str, now: Timestamp, max: usize) -> bool {
        let fresh = |at: &Timestamp| REPEAT_AFTER.after(*at) > now;
        self.0.get(key).is_some_and(fresh)
            || (self.0.len() >= max && self.0.values().filter(|at| fresh(at)).count() >= max)
    }

    /// How many there are whose keys begin with a text.
    pub(crate) fn count_of(&self, prefix: &str, now: Timestamp) -> usize {
        let own = self.0.range(prefix.to_owned()..).take_while(|(key, _)| key.starts_with(prefix));
        own.filter(|(_, at)| REPEAT_AFTER.after(**at) > now).count()
    }

    fn note(&mut self, key: String, at: Timestamp) {
        self.0.retain(|_, noted| REPEAT_AFTER.after(*noted) > at);
        self.0.insert(key, at);
    }
}

/// What makes two denials, or two reads, the same.
pub(crate) fn repeat_key(parts: &[&str]) -> String {
    parts.join("\n")
}

impl Token {
    /// Whether it works at an instant.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && now < self.expires
    }
}

impl State {
    /// The watchbook that is live.
    #[must_use]
    pub fn live_book(&self) -> Option<&LiveBook> {
        self.book.as_ref()
    }

    /// The digest of the watchbook that was refused since the live one was applied.
    #[must_use]
    pub fn refused_book(&self) -> Option<Digest> {
        self.refused_book
    }

    /// How many errors the watchbook had that was refused since the live one was applied; `None` when none was.
    #[must_use]
    pub fn refused_findings(&self) -> Option<u32> {
        self.refused_book.map(|_| self.refused_findings)
    }

    /// The scopes of a token; `None` when it is unknown, revoked or expired.
    #[must_use]
    pub fn token_scopes(&self, name: &str, now: Timestamp) -> Option<Arc<[Box<str>]>> {
        self.tokens.get(name).filter(|token| token.is_live(now)).map(|token| Arc::clone(&token.scopes))
    }

    /// All tokens there ever were, by name.
    pub fn tokens(&self) -> impl Iterator<Item = (&str, &Token)> {
        self.tokens.iter().map(|(name, token)| (&**name, token))
    }

    /// The token of a name.
    #[must_use]
    pub fn token(&self, name: &str) -> Option<&Token> {
        self.tokens.get(name)
    }

    /// What is known about a person's way in.
    #[must_use]
    pub fn access(&self, person: &str) -> Option<&Access> {
        self.people.get(person)
    }

    /// Until when no password is tried for a person, if that is so now.
    #[must_use]
    pub fn locked_until(&self, person: &str, now: Timestamp) -> Option<Timestamp> {
        self.people.get(person)?.locked_until.filter(|until| now < *until)
    }

    /// A session that is open now. Whoever holds its secret is that person.
    #[must_use]
    pub fn session(&self, session: &SessionId, now: Timestamp) -> Option<&Session> {
        self.sessions.get(session).filter(|open| now < open.expires)
    }

    /// A person's sessions that are open now, the oldest first.
    #[must_use]
    pub fn sessions_of(&self, person: &PersonName, now: Timestamp) -> Vec<(&SessionId, &Session)> {
        let mut open: Vec<_> =
            self.sessions.iter().filter(|(_, open)| open.person == *person && now < open.expires).collect();
        open.sort_by_key(|(_, session)| session.opened);
        open
    }

    /// The largest checkpoint that was signed.
    #[must_use]
    pub fn checkpoint(&self) -> Option<&Checkpointed> {
        self.checkpoint.as_ref()
    }

    pub(crate) fn denials(&self) -> &Recent {
        &self.denials
    }

    pub(crate) fn reads(&self) -> &Recent {
        &self.reads
    }

    pub(crate) fn unrecorded(&self) -> u32 {
        self.unrecorded
    }

    /// Counts a denial that will not be recorded.
    pub(crate) fn note_unrecorded(&mut self) {
        self.unrecorded = self.unrecorded.saturating_add(1);
    }

    pub(crate) fn evolve(&mut self, stamp: Stamp<'_>, event: &Event) {
        let at = stamp.at;
        match event {
            Event::BookApplied { digest, commit, source } => {
                let (commit, source) = (commit.clone(), source.clone());
                self.book = Some(LiveBook { digest: *digest, commit, source, since: at });
                self.refused_book = None;
            }
            Event::BookRefused { digest, findings, .. } => {
                (self.refused_book, self.refused_findings) = (Some(*digest), *findings);
            }
            Event::CommandDenied { actor, action, resource, .. } => {
                self.denials.note(repeat_key(&[&actor.to_string(), action, resource]), at);
                self.unrecorded = 0;
            }
            Event::RestrictedRead { actor, resource } => {
                self.reads.note(repeat_key(&[&actor.to_string(), resource]), at);
            }
            Event::TokenIssued { name, scopes, expires } => {
                let scopes = scopes.as_slice().into();
                self.tokens.insert(name.clone(), Token { scopes, issued: at, expires: *expires, revoked: None });
            }
            Event::TokenRevoked { name } => {
                if let Some(token) = self.tokens.get_mut(name) {
                    token.revoked = Some(at);
                }
            }
            Event::CheckpointSigned { size, root } => {
                self.checkpoint = Some(Checkpointed { size: *size, root: *root, at });
            }
            Event::Started { version } => self.started = Some((at, version.clone())),
            Event::InviteIssued { .. }
            | Event::PasswordSet { .. }
            | Event::PasswordFailed { .. }
            | Event::SessionOpened { .. }
            | Event::SessionClosed { .. } => self.evolve_person(at, event),
        }
    }

    fn evolve_person(&mut self, at: Timestamp, event: &Event) {
        match event {
            Event::InviteIssued { person, expires } => self.person(person).invited_until = Some(*expires),
            Event::PasswordSet { person } => {
                *self.person(person) = Access { password_set: Some(at), ..Access::default() };
                self.sessions.retain(|_, session| session.person != *person);
            }
            Event::PasswordFailed { person, failures, locked_until } => {
                let access = self.person(person);
                (access.failures, access.locked_until) = (*failures, *locked_until);
            }
            Event::SessionOpened { person, session, expires } => {
                let access = self.person(person);
                (access.failures, access.locked_until) = (0, None);
                self.sessions.retain(|_, session| at < session.expires);
                let opened = Session { person: person.clone(), opened: at, expires: *expires };
                self.sessions.insert(session.clone(), opened);
            }
            Event::SessionClosed { session, .. } => {
                self.sessions.remove(session);
            }
            _ => {}
        }
    }

    fn person(&mut self, person: &PersonName) -> &mut Access {
        self.people.entry(person.clone()).or_default()
    }
}
