//! Watches the logs of services: which patterns their lines have, which of these are new, and which changed their rate.
//!
//! ```text
//!   tap --> one Stream for each service (pure, in signals::templates::stream) --> what is shown: patterns, findings
//!             |                 '-- every second: stand --> signals::Command::Pattern --> facts
//!             |-- counts of lines, every fifteen seconds --> the store of series
//!             '-- kept in the vault, so that a restart knows the patterns
//! ```
//!
//! What is raised is asked of the journal each time, and compared with what should be; so whatever was said and not recorded
//! is said again, and nothing is said twice.
//!
//! Invariants, each with a test of its name in `tests.rs`:
//! - PW-1 A new pattern raises once, and what is found while that is raised joins it.
//! - PW-2 A signal clears when there was nothing more of it for as long as the watchbook says, and no earlier.
//! - PW-3 A restart knows the patterns, and takes no pause for silence.
//! - PW-4 At most [`STREAMS_MAX`] logs are watched; the lines of others are counted, and said.
//! - PW-5 What the watchbook does not let raise is shown and raises nothing.
//! - PW-6 Nothing is said before what was kept is read, and what cannot be read of it clears nothing.

mod counts;
mod log;
#[cfg(test)]
mod tests;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use kernel::book::LogFinding;
use kernel::time::between;
use kernel::{Actor, Book, Labels, LogEvent, RuleName, Seconds, Timestamp};
use parking_lot::{Mutex, MutexGuard};
use signals::templates::stream::Stand;
use signals::templates::{TemplateId, telling};
use signals::{Change, Cleared, Kind, Ruled, Verdict};
use tokio::time::MissedTickBehavior;

use crate::ruler::SeriesStore;
use crate::tap::TapQueue;
use crate::{Engine, Error, Read};
use counts::Counts;
use log::Log;

pub use view::{Finder, FindingView, LogView, PatternView, Watched};

/// The most logs that are watched, one for each service that log events name.
pub const STREAMS_MAX: usize = 200;
/// After how long without a line a log gives its place to another.
pub const STREAM_IDLE: Seconds = Seconds::hours(24);
/// The longest name of a service, in bytes; the rest is cut.
pub const SERVICE_BYTES_MAX: usize = 200;
/// How long new patterns are gathered at least when a change of the service was reported within [`CHANGE_WITHIN`].
pub const GATHER_AFTER_CHANGE: Seconds = Seconds::minutes(3);
/// For how long a change counts as the likely reason of what is found.
pub const CHANGE_WITHIN: Seconds = Seconds::minutes(30);
/// The label that names a service.
const SERVICE: &str = "service";
/// How often minutes are closed and signals looked at.
const BEAT: Duration = Duration::from_secs(1);
/// How many events are looked at before readers have their say: a few milliseconds' work.
const EVENTS_UNDER_LOCK: usize = 256;
/// The most logs that are kept in one turn.
const KEPT_A_TURN: usize = 10;
/// Under which kind the vault keeps logs.
const VAULT: &str = "log-patterns";
/// Under which key it keeps the list of them. No log has it: theirs end in a slash.
const INDEX: &str = "index";

/// Watches logs. One for a node.
pub struct PatternWatch {
    engine: Engine,
    series: Arc<dyn SeriesStore>,
    state: Mutex<State>,
}

struct State {
    /// The watchbook that is gone by.
    book: Arc<Book>,
    logs: BTreeMap<Box<str>, Log>,
    /// Whether what was kept is read.
    loaded: bool,
    counts: Counts,
    /// Whether the list of logs is another than the one that is kept.
    index_changed: bool,
    /// Logs that gave their place to others and are still in the vault.
    gone: Vec<Box<str>>,
    /// Lines of services for which there was no place.
    unwatched: u64,
    /// Lines that were left out of the tap's queue.
    left_out: u64,
}

/// Signals that are raised, and recent changes, as the journal has them.
struct Journal {
    raised: BTreeMap<(RuleName, Labels), Timestamp>,
    changes: Vec<Change>,
}

impl PatternWatch {
    /// A watch that has seen nothing and does nothing until it is run.
    #[must_use]
    pub fn new(engine: Engine, series: Arc<dyn SeriesStore>) -> Self {
        let state = State {
            book: engine.book(),
            logs: BTreeMap::new(),
            loaded: false,
            counts: Counts::default(),
            index_changed: false,
            gone: Vec::new(),
            unwatched: 0,
            left_out: 0,
        };
        Self { engine, series, state: Mutex::new(state) }
    }

    /// Watches what comes through a tap until the engine stops. Until what was kept is read, lines wait in the tap.
    pub async fn run(self: Arc<Self>, tap: TapQueue) {
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            let loaded = self.state.lock().loaded;
            tokio::select! {
                batch = tap.next(), if loaded => {
                    let watch = Arc::clone(&self);
                    let heard = tokio::task::spawn_blocking(move || watch.hear(&batch.events, batch.left_out)).await;
                    if heard.is_err() {
                        tracing::error!("looking for patterns ended early");
                    }
                }
                _ = beat.tick() => {
                    if let Err(error) = self.turn().await {
                        tracing::warn!(%error, "what was found in logs could not be recorded; it is said again");
                    }
                }
                () = self.engine.stopped() => return,
            }
        }
    }

    /// Reads what was kept, unless that is done. What is of another form is learned anew.
    ///
    /// # Errors
    /// When the vault cannot be read; it is tried again with the next turn.
    async fn load(&self) -> Result<(), Error> {
        if self.state.lock().loaded {
            return Ok(());
        }
        let now = self.engine.now();
        let get = async |key: &str| self.engine.vault().vault_get(VAULT, key, now).await.map_err(failed);
        let index = get(INDEX).await?.and_then(|bytes| rmp_serde::from_slice::<Vec<Box<str>>>(&bytes).ok());
        let mut kept = Vec::new();
        for service in index.unwrap_or_default().into_iter().take(STREAMS_MAX) {
            let bytes = get(&key(&service)).await?;
            kept.push((service, bytes));
        }
        let journal = self.journal(now)?;
        self.state.lock().begin(kept, &journal, now);
        Ok(())
    }

    /// Takes log events that came now; `left_out` came as well and were not looked at.
    pub fn hear(&self, events: &[LogEvent], left_out: u64) {
        let now = self.engine.now();
        {
            let mut state = self.state.lock();
            state.left_out = state.left_out.saturating_add(left_out);
        }
        for some in events.chunks(EVENTS_UNDER_LOCK) {
            let mut state = self.state.lock();
            some.iter().for_each(|event| state.take(event, now));
            MutexGuard::unlock_fair(state);
        }
    }

    /// Closes minutes, says what is to be raised and cleared, counts, and keeps. Tests with a clock of their own call it.
    ///
    /// # Errors
    /// When something could not be recorded or kept; it is tried again with the next turn.
    pub async fn turn(&self) -> Result<(), Error> {
        self.load().await?;
        let now = self.engine.now();
        let journal = self.journal(now)?;
        let (said, outcomes) = self.state.lock().stand(&self.engine, &journal, now);
        if !outcomes.is_empty() {
            self.engine.ask(&Actor::system("signals"), signals::Command::Pattern { outcomes }).await?;
            self.state.lock().told(&said);
        }
        let samples = self.state.lock().counts.take(now);
        if let Err(error) = self.series.write(samples, now) {
            tracing::warn!(%error, "the counts of log events could not be written");
        }
        self.keep(now, false).await
    }

    /// Keeps everything that is not kept yet. To be called before the engine is stopped.
    ///
    /// # Errors
    /// When something cannot be kept.
    pub async fn finish(&self) -> Result<(), Error> {
        self.keep(self.engine.now(), true).await
    }

    fn journal(&self, now: Timestamp) -> Result<Journal, Error> {
        self.engine.read(&Actor::system("signals"), Read::of("signals:read"), |world| {
            let of_logs = world.signals.raised().filter(|signal| signal.kind == Kind::Pattern);
            let raised = of_logs.map(|signal| ((signal.rule.clone(), signal.series.clone()), signal.since)).collect();
            let recent = |change: &&Change| change.at <= now && between(change.at, now) <= CHANGE_WITHIN;
            Journal { raised, changes: world.signals.changes().filter(recent).cloned().collect() }
        })
    }

    async fn keep(&self, now: Timestamp, all: bool) -> Result<(), Error> {
        let (index, changed, gone) = self.state.lock().to_keep(now, all);
        let vault = self.engine.vault();
        for (service, bytes, version) in changed {
            vault.vault_put(VAULT, &key(&service), &bytes, None).await.map_err(failed)?;
            if let Some(log) = self.state.lock().logs.get_mut(&service) {
                log.note_kept(version, now);
            }
        }
        if let Some(services) = index {
            let bytes = rmp_serde::to_vec(&services).map_err(|error| Error::Failed { reason: error.to_string() })?;
            vault.vault_put(VAULT, INDEX, &bytes, None).await.map_err(failed)?;
            self.state.lock().index_changed = false;
        }
        for service in gone {
            vault.vault_take(VAULT, &key(&service), now).await.map_err(failed)?;
            self.state.lock().gone.retain(|other| *other != service);
        }
        Ok(())
    }
}

/// What was said of a log, to be noted when it is recorded.
type Said = Vec<(Box<str>, LogFinding)>;
/// What is to be kept: the list of logs where it changed, logs with their version, and those to forget.
type ToKeep = (Option<Vec<Box<str>>>, Vec<(Box<str>, Vec<u8>, u64)>, Vec<Box<str>>);

impl State {
    /// Goes on with what was kept. A log of which a signal is raised and nothing can be read begins anew, and so does the quiet
    /// of its signal: nobody listened for a while.
    fn begin(&mut self, kept: Vec<(Box<str>, Option<Vec<u8>>)>, journal: &Journal, now: Timestamp) {
        let book = Arc::clone(&self.book);
        for (service, bytes) in kept {
            if let Some(log) = bytes.and_then(|bytes| Log::read(&bytes, book.logs.of(&service), now)) {
                self.logs.insert(service, log);
            }
        }
        let read: BTreeSet<Box<str>> = self.logs.keys().cloned().collect();
        for (rule, identity) in journal.raised.keys() {
            let service = identity.value(SERVICE);
            let is_of = |what: &LogFinding| what.alert_name() == rule.as_str();
            let Some(what) = LogFinding::ALL.into_iter().find(is_of) else { continue };
            if !read.contains(service) && (self.logs.contains_key(service) || self.logs.len() < STREAMS_MAX) {
                let new = || Log::new(book.logs.of(service), now);
                self.logs.entry(service.into()).or_insert_with(new).stream.begin_quiet(what, now);
                self.index_changed = true;
            }
        }
        self.loaded = true;
    }

    fn take(&mut self, event: &LogEvent, now: Timestamp) {
        let service = event.origin.service();
        let service = service.get(..service.floor_char_boundary(SERVICE_BYTES_MAX)).unwrap_or_default();
        let is_known = self.logs.contains_key(service);
        if !is_known && !self.make_room(now) {
            self.unwatched = self.unwatched.saturating_add(1);
            return;
        }
        let book = Arc::clone(&self.book);
        let watch = book.logs.of(service);
        if !is_known {
            self.logs.insert(service.into(), Log::new(watch, now));
            self.index_changed = true;
        }
        let Some(log) = self.logs.get_mut(service) else { return };
        let level = event.level();
        self.counts.line(service, level);
        if let Some(id) = watch.watch.then(|| log.observe(now, event, level, watch)).flatten() {
            self.counts.pattern(service, id);
        }
    }

    /// Whether there is a place for another log; one that was idle for long gives its own.
    fn make_room(&mut self, now: Timestamp) -> bool {
        if self.logs.len() < STREAMS_MAX {
            return true;
        }
        let idle = self.logs.iter().min_by_key(|(_, log)| log.stream.last());
        let idle = idle.filter(|(_, log)| STREAM_IDLE.after(log.stream.last()) <= now).map(|(name, _)| name.clone());
        idle.is_some_and(|service| {
            self.logs.remove(&service);
            self.counts.forget(&service);
            self.gone.push(service);
            self.index_changed = true;
            true
        })
    }

    /// What is to be raised and cleared now.
    fn stand(&mut self, engine: &Engine, journal: &Journal, now: Timestamp) -> (Said, Vec<Ruled>) {
        self.follow(engine);
        let (mut said, mut outcomes, mut raised) = (Said::new(), Vec::new(), journal.raised.clone());
        for (service, log) in &mut self.logs {
            log.stream.advance(now);
            let watch = self.book.logs.of(service);
            let identity = telling::identity(service);
            let change =
                journal.changes.iter().find(|change| change.service.as_ref().is_some_and(|s| s.as_str() == &**service));
            let gather = watch.gather_for.max(if change.is_some() { GATHER_AFTER_CHANGE } else { Seconds::ZERO });
            for what in LogFinding::ALL {
                let Ok(rule) = RuleName::new(what.alert_name()) else { continue };
                let since = raised.remove(&(rule.clone(), identity.clone()));
                let verdict = match log.stream.stand(what, watch, since, gather, now) {
                    Stand::Stay => continue,
                    Stand::Clear => Verdict::Cleared { value: None, why: Cleared::Recovered },
                    Stand::Raise(findings) => {
                        said.push((service.clone(), what));
                        let page = page(engine.base_url(), service);
                        let told = telling::tell(what, watch, service, &findings, change, &page);
                        let (labels, annotations, value) = (told.labels, told.annotations, told.value);
                        Verdict::Raised { labels, annotations, value }
                    }
                };
                outcomes.push(Ruled { rule, identity: identity.clone(), verdict });
            }
        }
        // Nothing is known any more of the logs of these.
        let vanished = |(rule, identity): (RuleName, Labels)| {
            let verdict = Verdict::Cleared { value: None, why: Cleared::Vanished };
            Ruled { rule, identity, verdict }
        };
        outcomes.extend(raised.into_keys().map(vanished));
        (said, outcomes)
    }

    /// Goes by the live watchbook.
    fn follow(&mut self, engine: &Engine) {
        let book = engine.book();
        if book.digest != self.book.digest {
            self.logs.iter_mut().for_each(|(service, log)| log.stream.adopt(book.logs.of(service)));
            self.book = book;
        }
    }

    fn told(&mut self, said: &Said) {
        for (service, what) in said {
            if let Some(log) = self.logs.get_mut(service) {
                log.stream.told(*what);
            }
        }
    }

    fn to_keep(&self, now: Timestamp, all: bool) -> ToKeep {
        let index = self.index_changed.then(|| self.logs.keys().cloned().collect());
        let due = self.logs.iter().filter(|(_, log)| if all { log.is_changed() } else { log.is_due(now) });
        let due = due.take(if all { STREAMS_MAX } else { KEPT_A_TURN });
        let bytes = due.filter_map(|(service, log)| Some((service.clone(), log.bytes()?, log.stream.version())));
        (index, bytes.collect(), self.gone.clone())
    }

    /// The logs with their services, in order.
    fn named(&self) -> impl Iterator<Item = (&str, &Log)> {
        self.logs.iter().map(|(service, log)| (&**service, log))
    }

    /// The log of a service, and the number that a template has by now.
    fn current(&self, service: &str, id: TemplateId) -> Option<(&Log, TemplateId, &str)> {
        let log = self.logs.get(service)?;
        let (id, text) = log.stream.current(id)?;
        Some((log, id, text))
    }
}

fn key(service: &str) -> String {
    format!("log/{service}/")
}

fn failed(failure: kernel::port::StoreFailure) -> Error {
    Error::Failed { reason: failure.to_string() }
}

/// Where the patterns of a service are shown.
fn page(base_url: &str, service: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let encoded = service.bytes().map(|byte| match byte {
        byte if plain(byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    format!("{base_url}/logs/patterns?service={}", encoded.collect::<String>())
}
