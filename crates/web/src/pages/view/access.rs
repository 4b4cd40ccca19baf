//! The doors for people: log in, accept an invitation, one's own page, API tokens, what went wrong, which keys there are.

use askama::Template;
use kernel::Timestamp;

use super::{Chip, Chrome, filters};

/// The form that logs somebody in.
#[derive(Debug, Clone, Template)]
#[template(path = "login.html")]
pub struct LoginPage {
    /// The frame.
    pub chrome: Chrome,
    /// Where to go then.
    pub next: String,
}

/// The form behind an invitation.
#[derive(Debug, Clone, Template)]
#[template(path = "invite.html")]
pub struct InvitePage {
    /// The frame.
    pub chrome: Chrome,
    /// Who was invited; `None` when the link does not work any more.
    pub person: Option<super::Named>,
    /// The path of the link.
    pub action: String,
}

/// One's own page.
#[derive(Debug, Clone, Template)]
#[template(path = "me.html")]
pub struct MePage {
    /// The frame.
    pub chrome: Chrome,
    /// What people call them.
    pub title: String,
    /// Their roles.
    pub roles: Vec<String>,
    /// Their teams.
    pub teams: Vec<super::Named>,
    /// Their time zone.
    pub zone: String,
    /// How they are reached, best first.
    pub contacts: Vec<String>,
    /// When they last logged in.
    pub last_login: Option<Timestamp>,
    /// When this session ends.
    pub session_ends: Option<Timestamp>,
    /// Their next shifts: the schedule, from when, until when.
    pub shifts: Vec<(super::Named, Timestamp, Timestamp)>,
}

/// API tokens.
#[derive(Debug, Clone, Template)]
#[template(path = "tokens.html")]
pub struct TokensPage {
    /// The frame.
    pub chrome: Chrome,
    /// The tokens, live ones first.
    pub tokens: Vec<TokenRow>,
    /// The text of a token that was issued just now; it is shown once.
    pub issued: Option<String>,
    /// The invitation link that was made just now; it is shown once.
    pub invited: Option<(String, String)>,
    /// The people who can be invited.
    pub people: Vec<super::Named>,
}

/// A token in a list.
#[derive(Debug, Clone)]
pub struct TokenRow {
    /// Its name.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// Whether it works.
    pub state: Chip,
    /// Whether it can be revoked.
    pub live: bool,
    /// Until when.
    pub expires: Timestamp,
    /// When it was issued.
    pub issued_at: Timestamp,
}

/// What went wrong, with a way out.
#[derive(Debug, Clone, Template)]
#[template(path = "problem.html")]
pub struct ProblemPage {
    /// The frame.
    pub chrome: Chrome,
    /// The HTTP status.
    pub status: u16,
    /// What went wrong, in one line.
    pub what: String,
    /// The rule and a way out.
    pub message: String,
}

/// This node stands by.
#[derive(Debug, Clone, Template)]
#[template(path = "standby.html")]
pub struct StandbyPage {
    /// The frame.
    pub chrome: Chrome,
    /// Who leads, in one line.
    pub message: String,
    /// The same page of the node that leads.
    pub leader: Option<String>,
}

/// The keyboard's shortcuts.
#[derive(Debug, Clone, Template)]
#[template(path = "keys.html")]
pub struct KeysPage {
    /// The frame.
    pub chrome: Chrome,
}
