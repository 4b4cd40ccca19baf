//! `watchkeeper rules noise` and `slo status`: what the rules of a running server did.

use clap::Subcommand;
use kernel::Seconds;

use super::ask::{Ask, Server, Shape};
use super::operation as op;
use crate::table::Columns;

const NOISE_COLUMNS: Columns = &[
    ("group", "group"),
    ("rule", "rule"),
    ("firings", "fired"),
    ("paged", "paged"),
    ("acted_on", "acted on"),
    ("ignored", "ignored"),
    ("short", "under 5 min"),
    ("flaps", "came back"),
    ("suggestion", "suggestion"),
];
const SLO_COLUMNS: Columns = &[
    ("service", "service"),
    ("name", "objective"),
    ("objective", "promise %"),
    ("period", "over"),
    ("burning", "burning"),
    ("burn_rate", "burn rate"),
    ("budget_left", "budget left"),
];

/// The verbs of `watchkeeper rules` that need a server.
#[derive(Debug, Subcommand)]
pub enum LiveRulesVerb {
    /// Say how noisy each live rule was: how often it fired, whom that helped, and what would have been quieter.
    Noise {
        /// How far back: such as 30d or 12h, at most 366d.
        #[arg(long, value_name = "SPAN", default_value = "30d")]
        since: Seconds,
        #[command(flatten)]
        server: Server,
    },
}

impl LiveRulesVerb {
    /// What it asks, and of whom.
    pub fn ask(self) -> (Ask, Server) {
        match self {
            Self::Noise { since, server } => {
                let columns = &[("rules", NOISE_COLUMNS)];
                (Ask::thing(op::NOISE).query("since", Some(since)).shown(Shape::Thing(columns)), server)
            }
        }
    }
}

/// The verbs of `watchkeeper slo` that need a server.
#[derive(Debug, Subcommand)]
pub enum LiveSloVerb {
    /// Say how the live objectives stand: how fast each error budget burns, and how much of it is left.
    Status(#[command(flatten)] Server),
}

impl LiveSloVerb {
    /// What it asks, and of whom.
    pub fn ask(self) -> (Ask, Server) {
        match self {
            Self::Status(server) => {
                let empty =
                    "the watchbook has no objectives; put files in the form of OpenSLO or sloth into its folder slo";
                (Ask::list(op::SLOS, SLO_COLUMNS, empty), server)
            }
        }
    }
}
