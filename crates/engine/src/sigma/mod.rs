//! Runs the watchbook's Sigma rules over the log events that come in, and tells the room `signals` what became of their
//! matches.
//!
//! ```text
//!   tap --> signals::sigma::Detection (pure) --> what stands, held against what is raised --> signals::Command::Match --> facts
//!                        '-- counts, windows and baselines, kept in the vault
//! ```
//!
//! Matches are no facts: a signal is raised with the first of a rule and a group, cleared when it has been quiet, and all
//! between is counted here. What stands is compared with what is raised on every turn, so that what could not be recorded
//! is said again, and a restart neither clears nor repeats anything.
//!
//! Invariants, each with a test of its name in `tests.rs`:
//! - SW-1 Matches of one rule and group are one raised signal, however many there are, until it has been quiet.
//! - SW-2 A rule on trial, one whose alerts were right too seldom, and one whose level has no severity raise nothing; they
//!   are counted and shown.
//! - SW-3 Exceptions apply until their last day is over, also when that passes while the server runs.
//! - SW-4 A correlation counts events by the time at which they happened, up to the lateness, and goes on after a restart.
//! - SW-5 A restart, and the loss of what was kept, leave raised signals raised.
//! - SW-6 Events for which there was no room are counted and shown.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::Offset;
use kernel::book::sigma::Handled;
use kernel::{Actor, Book, Digest, LogEvent, RuleName, Timestamp};
use parking_lot::{Mutex, MutexGuard};
use serde::Serialize;
use serde::de::DeserializeOwned;
use signals::sigma::{
    Detection, Exception, Handling, Memory, Rule, Seen, Standing, Uncounted, Verdicts, Wrong, compile,
};
use signals::{Kind, Ruled, Signal};
use tokio::time::MissedTickBehavior;

use crate::tap::{Batch, LogTap, TapQueue};
use crate::{Engine, Error, Read};

/// How often it is looked whether events came in.
const BEAT: Duration = Duration::from_millis(100);
/// How often what stands is looked at when no events come.
const IDLE: jiff::SignedDuration = jiff::SignedDuration::from_secs(1);
/// After how long without an event the windows of correlations close by the clock.
const SILENCE: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);
/// How often what rules and correlations remember is kept.
const KEEP_EVERY: jiff::SignedDuration = jiff::SignedDuration::from_secs(5);
/// How often what baselines remember is kept: it is much, and changes slowly.
const KEEP_BASELINES_EVERY: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);
/// The most events that are looked at in one turn.
const EVENTS_AT_ONCE: usize = 20_000;
/// How many of them are looked at before readers have their say: a few milliseconds' work.
const EVENTS_UNDER_LOCK: usize = 256;
/// The most outcomes in one command.
const OUTCOMES_AT_ONCE: usize = 2000;
/// Under which kind the vault keeps what is remembered.
const VAULT: &str = "sigma";
/// The vault's key of what rules remember.
const MEMORY: &str = "memory";
/// The vault's key of what correlations remember.
const CORRELATIONS: &str = "correlations";
/// What the vault's keys of baselines begin with.
const BASELINE: &str = "baseline/";

/// Runs Sigma rules. One for a node.
pub struct SigmaWatch {
    engine: Engine,
    queue: TapQueue,
    running: Mutex<Running>,
    counts: Counts,
}

/// How many events were looked at and left out, as the memory of the rules has it.
#[derive(Default)]
struct Counts {
    looked_at: AtomicU64,
    left_out: AtomicU64,
}

/// The rules of the live watchbook at work.
#[derive(Default)]
struct Running {
    /// Of which book they are, and for which day their exceptions were looked at.
    of: Option<(Digest, Date)>,
    detection: Option<Detection>,
    wrong: Vec<Wrong>,
    last: Last,
}

/// When things were last done.
#[derive(Debug, Clone, Copy, Default)]
struct Last {
    turn: Option<Timestamp>,
    event: Option<Timestamp>,
    kept: Option<Timestamp>,
    baselines_kept: Option<Timestamp>,
}

/// Everything that runs, as readers see it.
#[derive(Debug, Clone, Default)]
pub struct SigmaView {
    /// The rules, correlations and baselines in use, in the order in which they were loaded.
    pub rules: Vec<SigmaRuleView>,
    /// What of the files is not in use, and why.
    pub wrong: Vec<Wrong>,
    /// The exceptions that are past their last day.
    pub expired: Vec<Exception>,
    /// How many events were looked at.
    pub events: u64,
    /// How many of them were too large to be looked at whole.
    pub cut: u64,
    /// How many were left out, because more came than could be looked at.
    pub left_out: u64,
    /// What correlations did not count.
    pub uncounted: Uncounted,
}

/// One rule in use.
#[derive(Debug, Clone)]
pub struct SigmaRuleView {
    /// The name by which its signals are known.
    pub name: RuleName,
    /// What it says of itself.
    pub rule: Rule,
    /// How the watchbook handles it.
    pub handled: Handled,
    /// What is done with its matches now.
    pub handling: Handling,
    /// What responders said of its alerts.
    pub verdicts: Verdicts,
    /// How often it matched, and when.
    pub seen: Seen,
    /// How many matches came in during the last 24 hours.
    pub in_a_day: u64,
    /// What stands of it: raised, or what would be.
    pub standing: Vec<Standing>,
}

impl SigmaRuleView {
    /// Whether its title, its name, its file or one of its tags holds a text, in whatever case.
    #[must_use]
    pub fn holds(&self, text: &str) -> bool {
        let text = text.trim().to_lowercase();
        let rule = &self.rule;
        let mut own = [rule.title.as_str(), self.name.as_str(), &rule.file].into_iter();
        own.any(|own| own.to_lowercase().contains(&text))
            || rule.tags.iter().any(|tag| tag.to_lowercase().contains(&text))
    }
}

impl SigmaWatch {
    /// A watch over what comes through a tap, which does nothing until it is run.
    #[must_use]
    pub fn new(engine: Engine, tap: &LogTap) -> Self {
        Self { engine, queue: tap.watch(), running: Mutex::default(), counts: Counts::default() }
    }

    /// Looks at events as they come, until the engine stops; then keeps what is remembered.
    pub async fn run(self: Arc<Self>) {
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                _ = beat.tick() => {}
                () = self.engine.stopped() => break,
            }
            if !self.is_due() {
                continue;
            }
            if let Err(error) = self.turn().await {
                tracing::warn!(%error, "what Sigma rules found could not be recorded; it is said again");
            }
        }
        if matches!(self.engine.health(), crate::Health::Fenced { .. }) {
            // The node that writes now keeps its own.
            return;
        }
        if let Err(error) = self.keep(true).await {
            tracing::warn!(%error, "what Sigma rules remember could not be kept");
        }
    }

    fn is_due(&self) -> bool {
        let last = self.running.lock().last.turn;
        !self.queue.is_empty() || last.is_none_or(|last| self.engine.now().duration_since(last) >= IDLE)
    }

    /// Follows the live watchbook, looks at what has come in, and records what came of it. Tests with a clock of their own
    /// call it.
    ///
    /// # Errors
    /// When it could not be recorded; it is said with the next turn.
    pub async fn turn(self: &Arc<Self>) -> Result<(), Error> {
        self.follow().await?;
        let watch = Arc::clone(self);
        if tokio::task::spawn_blocking(move || watch.take_in()).await.is_err() {
            tracing::error!("a look at log events ended early");
        }
        self.settle().await?;
        self.keep(false).await
    }

    /// Makes the live watchbook's rules run. They are compiled anew on each new day, because exceptions end.
    async fn follow(&self) -> Result<(), Error> {
        let (book, now) = (self.engine.book(), self.engine.now());
        let of = (book.digest, Offset::UTC.to_datetime(now).date());
        if self.running.lock().of == Some(of) {
            return Ok(());
        }
        let sigma = Arc::clone(&book);
        let compiled = tokio::task::spawn_blocking(move || compile(&sigma.sigma, now)).await;
        let compiled =
            compiled.map_err(|error| Error::Failed { reason: format!("rules were not compiled: {error}") })?;
        let wrong = compiled.wrong.clone();
        let fresh = Detection::new(compiled, &book);
        let before = self.running.lock().detection.take();
        let detection = match before {
            Some(before) => fresh.after(before, book.sigma.handling.lateness),
            None => self.remembered(fresh, now).await?,
        };
        let mut running = self.running.lock();
        (running.of, running.detection, running.wrong) = (Some(of), Some(detection), wrong);
        self.count(&running);
        Ok(())
    }

    /// Rules that go on with what the vault has, set right by what is raised in the journal.
    async fn remembered(&self, fresh: Detection, now: Timestamp) -> Result<Detection, Error> {
        let memory: Memory = self.kept(MEMORY).await?.unwrap_or_default();
        let correlations = self.kept(CORRELATIONS).await?.unwrap_or_default();
        let mut detection = fresh.with_saved(memory, correlations);
        let keys: Vec<String> = detection.baseline_keys().map(str::to_owned).collect();
        for key in keys {
            if let Some(saved) = self.kept(&format!("{BASELINE}{key}")).await? {
                detection.restore_baseline(&key, saved);
            }
        }
        detection.begin(&self.raised()?, now);
        Ok(detection)
    }

    /// What the vault has under a key; nothing where it is of another form.
    async fn kept<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        let kept = self.engine.vault().vault_get(VAULT, key, self.engine.now()).await;
        let kept = kept.map_err(|failure| Error::Failed { reason: failure.to_string() })?;
        Ok(kept.and_then(|bytes| rmp_serde::from_slice(&bytes).ok()))
    }

    /// The raised signals of Sigma rules, from the facts.
    fn raised(&self) -> Result<Vec<Signal>, Error> {
        self.engine.read(&Actor::system("signals"), Read::of("signals:read"), |world| {
            world.signals.raised().filter(|signal| signal.kind == Kind::Sigma).cloned().collect()
        })
    }

    /// Looks at events that wait, as many as fit into one turn. Every few hundred, readers have their say.
    fn take_in(&self) {
        let now = self.engine.now();
        self.running.lock().last.turn = Some(now);
        let mut looked = 0;
        while let Some(batch) = self.queue.try_next() {
            looked += batch.events.len();
            self.running.lock().note_left_out(&batch);
            for some in batch.events.chunks(EVENTS_UNDER_LOCK) {
                let mut running = self.running.lock();
                running.look(some, now);
                self.count(&running);
                MutexGuard::unlock_fair(running);
            }
            if looked >= EVENTS_AT_ONCE {
                return;
            }
        }
        let mut running = self.running.lock();
        let silent = running.last.event.is_none_or(|event| now.duration_since(event) >= SILENCE);
        if let Some(detection) = running.detection.as_mut().filter(|_| silent) {
            detection.silence(now);
        }
    }

    fn count(&self, running: &Running) {
        let Some(memory) = running.detection.as_ref().map(Detection::memory) else { return };
        self.counts.looked_at.store(memory.events(), Ordering::Relaxed);
        self.counts.left_out.store(memory.left_out(), Ordering::Relaxed);
    }

    /// Holds what stands against what is raised, and records the difference, in pieces.
    async fn settle(&self) -> Result<(), Error> {
        let raised = self.raised()?;
        let (book, now) = (self.engine.book(), self.engine.now());
        let outcomes: Vec<Ruled> = self.engine.read(&Actor::system("signals"), Read::of("signals:read"), |world| {
            let pages = |rule: &RuleName| {
                let handled = book.sigma.rules.get(rule);
                handled.is_some_and(|handled| world.signals.handling(rule, handled) == Handling::Page)
            };
            let mut running = self.running.lock();
            running.detection.as_mut().map(|detection| detection.outcomes(&raised, &pages, now)).unwrap_or_default()
        })?;
        for piece in outcomes.chunks(OUTCOMES_AT_ONCE) {
            let outcomes = piece.to_vec();
            self.engine.ask(&Actor::system("signals"), signals::Command::Match { outcomes }).await?;
        }
        Ok(())
    }

    /// Keeps what is remembered, where it has changed and some time has passed, or at once when this is the end. What cannot
    /// be kept is tried again, and the rest is kept.
    async fn keep(&self, at_once: bool) -> Result<(), Error> {
        let mut outcome = Ok(());
        for (key, bytes) in self.to_keep(at_once) {
            if let Err(failure) = self.engine.vault().vault_put(VAULT, &key, &bytes, None).await {
                outcome = Err(Error::Failed { reason: failure.to_string() });
                self.running.lock().note_unkept(&key);
            }
        }
        outcome
    }

    fn to_keep(&self, at_once: bool) -> Vec<(String, Vec<u8>)> {
        let now = self.engine.now();
        let mut running = self.running.lock();
        let Running { detection, last, .. } = &mut *running;
        let Some(detection) = detection else { return Vec::new() };
        let rested = |kept: Option<Timestamp>, gap| at_once || kept.is_none_or(|kept| now.duration_since(kept) >= gap);
        let mut pieces = Vec::new();
        if rested(last.kept, KEEP_EVERY) && detection.take_changed() {
            last.kept = Some(now);
            pieces.push((MEMORY.to_owned(), bytes(detection.memory())));
            pieces.push((CORRELATIONS.to_owned(), bytes(&detection.saved_correlations())));
        }
        if rested(last.baselines_kept, KEEP_BASELINES_EVERY) {
            last.baselines_kept = Some(now);
            let baselines = detection.saved_baselines();
            pieces.extend(baselines.map(|(key, saved)| (format!("{BASELINE}{key}"), bytes(&saved))));
        }
        // What cannot be written down is not kept; nothing else is lost by it.
        pieces.into_iter().filter_map(|(key, bytes)| Some((key, bytes?))).collect()
    }

    /// How many events were looked at, and how many were left out because more came than could be looked at. Waits for nobody.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.counts.looked_at.load(Ordering::Relaxed), self.counts.left_out.load(Ordering::Relaxed))
    }

    /// Everything that runs. It is gathered on a thread of its own: it is much, and waits while events are looked at.
    ///
    /// # Errors
    /// When the actor may not read signals.
    pub async fn view(self: &Arc<Self>, actor: &Actor) -> Result<SigmaView, Error> {
        self.engine.may(actor, Read::of("signals:read"))?;
        let (watch, actor) = (Arc::clone(self), actor.clone());
        let view = tokio::task::spawn_blocking(move || watch.gather(&actor)).await;
        view.map_err(|error| Error::Failed { reason: error.to_string() })?
    }

    fn gather(&self, actor: &Actor) -> Result<SigmaView, Error> {
        let (book, now) = (self.engine.book(), self.engine.now());
        let mut view = self.running.lock().view(&book, now);
        self.engine.read(actor, Read::of("signals:read"), |world| {
            for rule in &mut view.rules {
                rule.handling = world.signals.handling(&rule.name, &rule.handled);
                rule.verdicts = world.signals.judged(&rule.name).map(signals::Judged::verdicts).unwrap_or_default();
            }
        })?;
        Ok(view)
    }
}

impl Running {
    /// Notes that a piece could not be kept. Baselines are tried again as late as ever: they change slowly.
    fn note_unkept(&mut self, key: &str) {
        if let Some(detection) = self.detection.as_mut().filter(|_| !key.starts_with(BASELINE)) {
            detection.note_changed();
        }
    }

    fn note_left_out(&mut self, batch: &Batch) {
        let Some(detection) = &mut self.detection else { return };
        if batch.left_out > 0 {
            let left_out = batch.left_out;
            tracing::warn!(left_out, "log events were not looked at by Sigma rules: more came than there is time for");
            detection.note_left_out(left_out);
        }
    }

    fn look(&mut self, events: &[LogEvent], now: Timestamp) {
        let Some(detection) = &mut self.detection else { return };
        events.iter().for_each(|event| detection.observe(event, now));
        self.last.event = Some(now);
    }

    /// What is known here; what the facts say of each rule is still to be filled in.
    fn view(&self, book: &Book, now: Timestamp) -> SigmaView {
        let Some(detection) = &self.detection else { return SigmaView::default() };
        let memory = detection.memory();
        let rule = |(name, rule, handled): (&RuleName, &Rule, &Handled)| {
            let seen = memory.seen(name).cloned().unwrap_or_default();
            SigmaRuleView {
                name: name.clone(),
                rule: rule.clone(),
                // Between two books the live one decides what a rule may do.
                handled: book.sigma.rules.get(name).unwrap_or(handled).clone(),
                handling: Handling::Shown,
                verdicts: Verdicts::default(),
                in_a_day: seen.in_a_day(now),
                seen,
                standing: memory.standing(name).to_vec(),
            }
        };
        SigmaView {
            rules: detection.rules().map(rule).collect(),
            wrong: self.wrong.clone(),
            expired: detection.expired().to_vec(),
            events: memory.events(),
            cut: memory.cut(),
            left_out: memory.left_out(),
            uncounted: detection.uncounted(),
        }
    }
}

fn bytes<T: Serialize>(what: &T) -> Option<Vec<u8>> {
    rmp_serde::to_vec_named(what).ok()
}
