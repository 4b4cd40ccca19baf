//! What the API and the page *Backtest* have in common: texts become a backtest, and it is begun on threads that stand back.

use std::sync::Arc;

use connectors::rules::check;
use engine::backtests::Wanted;
use kernel::book::rules::RuleFile;
use kernel::{Actor, Seconds};
use promql::Millis;

use crate::state::AppState;

/// The longest file of rules, in bytes.
pub const TEXT_BYTES_MAX: usize = 128 * 1024;
/// The furthest that a backtest looks back.
pub const HISTORY_MAX: Seconds = Seconds(400 * 86_400);

/// Rules as they were given.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// A rule file.
    pub rules: &'a str,
    /// Another one to compare with; empty for none.
    pub compare: &'a str,
    /// How far back.
    pub history: Seconds,
}

/// Why nothing was begun.
#[derive(Debug)]
pub enum NotBegun {
    /// A field is wrong, for this reason.
    Wrong(&'static str, String),
    /// The engine did not take it.
    Engine(engine::Error),
}

/// Begins a backtest; its number.
///
/// # Errors
/// When the rules or the time are wrong, the actor may not, or too much waits.
pub fn begin(state: &AppState, actor: &Actor, given: Given<'_>) -> Result<u64, NotBegun> {
    state.engine.may(actor, engine::Read::of("signals:read")).map_err(NotBegun::Engine)?;
    let file = file("rules", given.rules)?;
    let other = (!given.compare.trim().is_empty()).then(|| self::file("compare", given.compare)).transpose()?;
    let (start, end) = span(state, given.history)?;
    let wanted = Wanted { file, other, start, end };
    let (id, lend) = state.backtests.ask(actor, wanted).map_err(NotBegun::Engine)?;
    if lend {
        let backtests = Arc::clone(&state.backtests);
        state.long.spawn(async move { backtests.work() });
    }
    Ok(id)
}

fn file(field: &'static str, text: &str) -> Result<RuleFile, NotBegun> {
    if text.len() > TEXT_BYTES_MAX {
        let message = format!("rules here have at most {TEXT_BYTES_MAX} bytes: replay fewer at once");
        return Err(NotBegun::Wrong(field, message));
    }
    check(field, text.as_bytes()).whole().map_err(|findings| NotBegun::Wrong(field, findings.to_string()))
}

/// From when to when: as far back as is wanted and as there are samples.
fn span(state: &AppState, history: Seconds) -> Result<(Millis, Millis), NotBegun> {
    let wrong = |message: String| NotBegun::Wrong("history", message);
    if history == Seconds::ZERO || history > HISTORY_MAX {
        return Err(wrong(format!("look back between 1s and {HISTORY_MAX}")));
    }
    let end = state.engine.now().as_millisecond();
    let oldest = state.stores.metrics.stats().oldest;
    let oldest = oldest.ok_or_else(|| wrong("there are no samples yet: send some first".to_owned()))?;
    Ok((end.saturating_sub(Millis::from(history.0).saturating_mul(1000)).max(oldest), end))
}
