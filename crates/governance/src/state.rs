//! What governance remembers: the live watchbook, the tokens, failed logins, the last seal. No rules, no secrets.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use kernel::area::Stamp;
use kernel::{Actor, Digest, PersonName, Seconds, Seq, Timestamp};
use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::limits::{LOGIN_FAILURES_FREE, LOGIN_WAIT_FIRST, LOGIN_WAIT_MAX, RECENT_MAX};

/// What is remembered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The live watchbook.
    pub book: Option<Book>,
    /// Tokens by name.
    pub tokens: BTreeMap<Box<str>, Token>,
    /// Failed logins in a row, and when the last one was.
    failures: BTreeMap<PersonName, (u32, Timestamp)>,
    /// When each person last logged in.
    pub logins: BTreeMap<PersonName, Timestamp>,
    /// The newest denials and restricted reads, newest first: place, instant, and what in words.
    pub recent: VecDeque<(Seq, Timestamp, String)>,
    /// The size and the root of the last signed checkpoint.
    pub sealed: Option<(u64, Digest)>,
    /// When the server last started, and as which version.
    pub started: Option<(Timestamp, String)>,
}

/// The watchbook that is live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    /// The digest over its files.
    pub digest: Digest,
    /// Its Git commit.
    pub commit: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// Who made it live.
    pub by: Actor,
}

/// An API token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// What it may do.
    pub scopes: Arc<[Box<str>]>,
    /// Until when it works.
    pub expires: Timestamp,
    /// When it was issued, and by whom.
    pub issued: (Timestamp, Actor),
    /// Whether it was revoked.
    pub revoked: bool,
}

impl State {
    /// The scopes of a token that works now.
    #[must_use]
    pub fn token_scopes(&self, name: &str, now: Timestamp) -> Option<Arc<[Box<str>]>> {
        let token = self.tokens.get(name)?;
        (!token.revoked && now < token.expires).then(|| Arc::clone(&token.scopes))
    }

    /// How long a person must wait before the next login; `None` when they may try now.
    #[must_use]
    pub fn login_wait(&self, person: &PersonName, now: Timestamp) -> Option<Seconds> {
        let (failures, last) = self.failures.get(person)?;
        let beyond = failures.checked_sub(LOGIN_FAILURES_FREE)?;
        let wait = LOGIN_WAIT_FIRST.0.saturating_mul(2_u32.saturating_pow(beyond.min(16))).min(LOGIN_WAIT_MAX.0);
        let passed = kernel::time::between(*last, now).0;
        wait.checked_sub(passed).filter(|left| *left > 0).map(Seconds)
    }

    pub(crate) fn evolve(&mut self, stamp: Stamp<'_>, event: &Event) {
        match event {
            Event::BookApplied { digest, commit, .. } => {
                let (since, by) = (stamp.at, stamp.actor.clone());
                self.book = Some(Book { digest: *digest, commit: commit.clone(), since, by });
            }
            Event::CommandDenied { actor, action, resource, reason } => {
                self.note(stamp, format!("{actor} was denied {action} of {resource}: {reason}"));
            }
            Event::RestrictedRead { actor, resource } => self.note(stamp, format!("{actor} read {resource}")),
            Event::SessionOpened { person } => {
                self.failures.remove(person);
                self.logins.insert(person.clone(), stamp.at);
            }
            Event::LoginFailed { person } => {
                let count = self.failures.get(person).map_or(0, |(count, _)| *count);
                self.failures.insert(person.clone(), (count.saturating_add(1), stamp.at));
            }
            Event::PasswordSet { person } => {
                self.failures.remove(person);
            }
            Event::TokenIssued { name, scopes, expires } => {
                let issued = (stamp.at, stamp.actor.clone());
                let token = Token { scopes: scopes.as_slice().into(), expires: *expires, issued, revoked: false };
                self.tokens.insert(name.clone(), token);
            }
            Event::TokenRevoked { name } => {
                if let Some(token) = self.tokens.get_mut(name) {
                    token.revoked = true;
                }
            }
            Event::CheckpointSigned { size, root } => self.sealed = Some((*size, *root)),
            Event::Started { version } => self.started = Some((stamp.at, version.clone())),
            Event::BookRefused { .. } | Event::SessionClosed { .. } | Event::InviteIssued { .. } => {}
        }
    }

    fn note(&mut self, stamp: Stamp<'_>, what: String) {
        self.recent.push_front((stamp.seq, stamp.at, what));
        self.recent.truncate(RECENT_MAX);
    }
}
