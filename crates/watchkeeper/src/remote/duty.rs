//! `watchkeeper oncall …`: who is on duty, and who takes a shift.

use clap::Subcommand;
use kernel::Timestamp;
use serde_json::json;

use super::ask::Ask;
use super::operation as op;
use super::words::instant;
use crate::table::Columns;

/// The columns of duties, here and in *now*.
pub const DUTY_COLUMNS: Columns =
    &[("schedule", "schedule"), ("person", "on call"), ("since", "since"), ("until", "until"), ("by", "by")];
const SHIFT_COLUMNS: Columns = &[("from", "from"), ("until", "until"), ("person", "on call"), ("by", "by")];
const OVERRIDE_COLUMNS: Columns =
    &[("id", "override"), ("person", "on call"), ("from", "from"), ("until", "until"), ("actor", "by")];

/// `watchkeeper oncall …`
#[derive(Debug, Subcommand)]
pub enum OncallVerb {
    /// Who is on call now; this is what `watchkeeper oncall` alone does.
    List,
    /// List the shifts of a schedule, gaps included.
    Shifts {
        /// The schedule.
        schedule: String,
        /// From when; now, when not given.
        #[arg(long, value_name = "TIME", value_parser = instant)]
        from: Option<Timestamp>,
        /// Until when; two weeks, when not given.
        #[arg(long, value_name = "TIME", value_parser = instant)]
        until: Option<Timestamp>,
    },
    /// List the overrides of a schedule.
    Overrides {
        /// The schedule.
        schedule: String,
    },
    /// Take a shift, or give it to somebody.
    Override {
        /// The schedule.
        schedule: String,
        /// Who is on duty instead.
        person: String,
        /// From when; now, when not given.
        #[arg(long, value_name = "TIME", value_parser = instant)]
        from: Option<Timestamp>,
        /// Until when, such as 8h or "2026-11-24 18:00".
        #[arg(long, value_name = "TIME", value_parser = instant)]
        until: Timestamp,
    },
    /// Take an override back.
    Cancel {
        /// The override's id.
        id: String,
    },
}

impl OncallVerb {
    /// What it asks.
    pub fn ask(self) -> Ask {
        match self {
            Self::List => {
                Ask::list(op::ONCALL, DUTY_COLUMNS, "the watchbook has no schedule: add one to schedules.yaml")
            }
            Self::Shifts { schedule, from, until } => {
                let list = Ask::list(op::SHIFTS, SHIFT_COLUMNS, "there is no shift in that time");
                list.name(schedule).query("from", from).query("until", until)
            }
            Self::Overrides { schedule } => {
                let empty =
                    "nobody overrides it; take a shift with: watchkeeper oncall override SCHEDULE PERSON --until 8h";
                Ask::list(op::OVERRIDES, OVERRIDE_COLUMNS, empty).name(schedule)
            }
            Self::Override { schedule, person, from, until } => {
                Ask::act(op::OVERRIDE, json!({ "person": person, "from": from, "until": until })).name(schedule)
            }
            Self::Cancel { id } => Ask::act(op::CANCEL_OVERRIDE, json!({})).name(id),
        }
    }
}
