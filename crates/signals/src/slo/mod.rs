//! Service-level objectives: from what is promised to the rules that say when the promise is in danger.
//!
//! A [`kernel::book::slo::Slo`] names a share of good events over a period. What may go wrong is its error budget. [`burn_rates`] says how
//! fast the budget may burn over which two windows before somebody must know: the multi-window, multi-burn-rate alerts of
//! the Google SRE workbook, with its published numbers. [`generate`] makes the recording and alerting rules of it, and
//! [`to_yaml`] writes them as Prometheus reads them.
//!
//! The names of the recorded series and of their labels are those of sloth, so that dashboards made for it work.
//!
//! ```text
//!   SLI query -> slo:sli_error:ratio_rate{5m,30m,1h,2h,6h,1d,3d} -> both windows above factor * budget -> alert
//!                        '-> the whole period -> burn rate, budget that is left
//! ```
//!
//! **Little traffic.** One error among three requests is a third of all of them, and would page. With `min_events: k` an
//! alert needs at least `k` bad events in its long window as well. Together with the ratio that is: fire only when
//! `bad >= max(k, factor * budget * total)`.

mod query;
mod refusal;
mod rules;
mod status;
#[cfg(test)]
mod tests;
mod windows;
mod yaml;

pub use refusal::Refusal;
pub use rules::{Group, Plugins, Rule, generate, objective_of};
pub use status::{Burn, Status, status};
pub use windows::{BurnRate, Catalogue, PERIOD_DEFAULT, burn_rates, duration, factor, published};
pub use yaml::to_yaml;
