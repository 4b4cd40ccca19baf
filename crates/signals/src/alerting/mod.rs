//! Rule files at work: recording rules and the state machine of alerting rules, as Prometheus has it, and what goes
//! beyond it. The same function, [`evaluate`], is used live, in unit tests and over the past.
//!
//! A [`Plan`] is a group of rules ready to run: its queries parsed, its templates checked. [`evaluate`] takes a plan, a
//! source of series, an instant and the [`State`] left by the evaluation before, and answers with an [`Outcome`]: samples
//! to write, transitions of alerts with their reasons, and an error for each rule that failed. It reads no clock, so a
//! replay of the same samples makes the same transitions.
//!
//! ```text
//!              in the answer        held for `for`, or in M of N
//!   inactive ---------------> pending ------------------------> firing <--. keep_firing_for, recover_when,
//!      ^                        |                                |  |     | on_missing: keep
//!      |   not in the answer    |                                |  '-----'
//!      |<-----------------------'                                |
//!      '---------------------------------------------------------'
//! ```
//!
//! Invariants, each a property in `tests/laws.rs`:
//! - AR-1 Between two clearings an alert is raised at most once, and it is cleared only when it is raised.
//! - AR-2 Under `on_missing: keep` an alert is never cleared because its series vanished.
//! - AR-3 With `recover_when` an alert is cleared only at an instant at which that holds.
//! - AR-4 With `for: M of N` an alert is raised only when M of the last N evaluations held.
//! - AR-5 While an alert flaps it is neither raised nor cleared.
//! - AR-6 The state written and read again goes on as if it never had been; an edit of `expr` or `for` clears nothing.
//!
//! | step | module |
//! |---|---|
//! | group of a file -> plan | `plan`, `presence` |
//! | answer -> labels and annotations | `render` |
//! | one alert, one evaluation | `step`, `flap` |
//! | a rule, a group | `rule`, `evaluate` |
//! | some rules between two beats, because something was written | `prompt`, `evaluate` |
//! | many instants at once, for a replay | `ahead`, `alone` |

mod ahead;
mod alone;
mod evaluate;
mod flap;
mod lookup;
mod outcome;
mod overlay;
mod plan;
mod presence;
mod prompt;
mod reconcile;
mod render;
mod rule;
mod state;
mod step;
#[cfg(test)]
mod tests;

pub(crate) use ahead::{Ahead, Answers, Grid, Names, Part, queries};
pub(crate) use alone::{Holding, Series, walk};
pub(crate) use evaluate::one;
pub use evaluate::{dismiss, evaluate, evaluate_at_once, raised_again};
pub use outcome::{Cleared, Outcome, RuleError, Transition, What};
pub(crate) use overlay::named;
pub use overlay::{Duplicate, Overlay};
pub use plan::{AlertPlan, Broken, Plan, Planned, RecordPlan};
pub use presence::presence;
pub(crate) use presence::{compared, is_comparison};
pub use prompt::Prompt;
pub use reconcile::{Known, let_go, reconcile};
pub use render::{annotations_of, vector};
pub(crate) use rule::Scene;
pub use state::{Instance, Phase, RuleState, State};

use promql::Millis;

/// The name of the series that say which alerts are active.
pub const ALERTS: &str = "ALERTS";
/// The name of the series that say since when.
pub const ALERTS_FOR_STATE: &str = "ALERTS_FOR_STATE";
/// The label that names an alert.
pub const ALERT_NAME: &str = "alertname";
/// The label of [`ALERTS`] that is `pending` or `firing`.
pub const ALERT_STATE: &str = "alertstate";
/// The label that says how bad an alert is.
pub const SEVERITY: &str = "severity";
/// How long an alert that is over is remembered, in milliseconds.
pub const RESOLVED_RETENTION: Millis = 15 * 60_000;
/// How long a pending alert outlives the samples of its series under `on_missing: keep`, in milliseconds.
pub const PENDING_GAP_MAX: Millis = 5 * 60_000;
/// How long after a start the absence of samples means nothing, because those who send them have to find their way back: as
/// long as a query looks back for the newest sample.
pub const START_GRACE: Millis = 5 * 60_000;
/// For how long nothing may have been evaluated until that is more than a reload or a late beat.
pub const GAP_MIN: Millis = 2 * 60_000;
/// For how long nothing may have been evaluated until a pending alert begins anew; as in Prometheus.
pub const OUTAGE_MAX: Millis = 60 * 60_000;
/// How many series a rule remembers to tell that they are missing.
pub const KNOWN_SERIES_MAX: usize = 10_000;
/// How long a series that vanished is called missing before it is forgotten, in milliseconds: seven days.
pub const MISSING_FORGOTTEN_AFTER: Millis = 7 * 86_400_000;
/// How many alerts a rule of a group without a limit may have.
pub const ALERTS_MAX: usize = 100_000;

/// What rules are evaluated under.
#[derive(Debug, Clone, Default)]
pub struct Setting {
    /// Labels of this installation, which templates see as `$externalLabels`.
    pub external_labels: Vec<(String, String)>,
    /// Where this installation is reached, which templates see as `$externalURL`.
    pub external_url: String,
    /// What queries may do.
    pub options: promql::Options,
    /// When whoever evaluates began to see samples, where that was not always so: see [`START_GRACE`].
    pub started: Option<Millis>,
}
