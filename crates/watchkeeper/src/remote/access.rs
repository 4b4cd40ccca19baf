//! Services and people of the live watchbook, and the tokens of programs.

use clap::Subcommand;
use kernel::Seconds;
use serde_json::json;

use super::ask::{Ask, Server, Shape};
use super::operation as op;
use crate::table::Columns;

const SERVICE_COLUMNS: Columns = &[
    ("service", "service"),
    ("tier", "tier"),
    ("owner", "owner"),
    ("policy", "policy"),
    ("depends_on", "needs"),
    ("incidents", "incidents"),
    ("function", "function"),
];
const PERSON_COLUMNS: Columns =
    &[("person", "person"), ("title", "name"), ("time_zone", "time zone"), ("roles", "roles")];
const TOKEN_COLUMNS: Columns = &[("name", "token"), ("state", "state"), ("expires", "expires"), ("scopes", "scopes")];

/// `watchkeeper service …`
#[derive(Debug, Subcommand)]
pub enum ServiceVerb {
    /// List the services of the live watchbook.
    List,
}

impl ServiceVerb {
    /// What it asks.
    pub fn ask(self) -> Ask {
        let Self::List = self;
        Ask::list(op::SERVICES, SERVICE_COLUMNS, "the watchbook has no service: add one to services.yaml")
    }
}

/// `watchkeeper person …`
#[derive(Debug, Subcommand)]
pub enum PersonVerb {
    /// List the people of the live watchbook.
    List,
    /// Log a person out everywhere.
    EndSessions {
        /// The person, as the watchbook names them.
        person: String,
    },
}

impl PersonVerb {
    /// What it asks.
    pub fn ask(self) -> Ask {
        match self {
            Self::List => Ask::list(op::PEOPLE, PERSON_COLUMNS, "the watchbook has nobody: add people to people.yaml"),
            Self::EndSessions { person } => Ask::act(op::END_SESSIONS, json!({})).name(person),
        }
    }
}

/// The tokens that there are.
pub fn tokens() -> Ask {
    let empty = "there is no token; issue one with: watchkeeper token issue NAME --scope SCOPE";
    Ask::list(op::TOKENS, TOKEN_COLUMNS, empty)
}

/// A token under a name; only its text is printed.
pub fn issue_token(name: &str, scopes: &[String], lasts: Seconds) -> Ask {
    let body = json!({ "name": name, "scopes": scopes, "lasts": lasts });
    Ask::act(op::ISSUE_TOKEN, body).shown(Shape::Field("token"))
}

/// A token lets nobody in any more.
pub fn revoke_token(name: &str) -> Ask {
    Ask::act(op::REVOKE_TOKEN, json!({})).name(name)
}

/// A link by which a person sets a password; only the link is printed.
pub fn invite(person: &str, lasts: Seconds) -> Ask {
    Ask::act(op::INVITE, json!({ "lasts": lasts })).name(person).shown(Shape::Field("url"))
}

/// The verbs of the watchbook that ask a running server.
#[derive(Debug, Subcommand)]
pub enum LiveBookVerb {
    /// Say which watchbook a running server has live.
    Live(#[command(flatten)] Server),
    /// Tell a running server to read its files again now: all or nothing, with every error.
    Apply(#[command(flatten)] Server),
}

impl LiveBookVerb {
    /// What it asks, and of whom.
    pub fn ask(self) -> (Ask, Server) {
        match self {
            Self::Live(server) => (live_book(), server),
            Self::Apply(server) => (Ask::act(op::APPLY_WATCHBOOK, json!({})), server),
        }
    }
}

/// Which watchbook is live.
pub fn live_book() -> Ask {
    Ask::thing(op::WATCHBOOK)
}
