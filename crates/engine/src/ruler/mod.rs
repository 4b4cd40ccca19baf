//! Runs the watchbook's rule files: each group on its beat, over whatever series there are, and tells the room `signals`
//! what became of its alerts.
//!
//! ```text
//!   samples --> signals::alerting::evaluate (pure) --> samples of recording rules, ALERTS   --> the store of series
//!                        |                        '--> transitions --> signals::Command::Rule --> facts
//!                        '-- state, kept in the vault after its facts are durable
//! ```
//!
//! Facts come first and the state is kept after them, so a crash in between says a thing twice, which the room hears once.
//! At a start the two are compared: what is raised in the journal is raised here, whatever the state remembers. So no
//! firing alert goes back to pending, whether after a restart, an edit of its rule, or on another node.
//!
//! Invariants, each with a test of its name in `tests.rs`:
//! - RU-1 What a rule raises becomes one fact, however often it is said.
//! - RU-2 A restart, and the loss of the kept state, leave raised alerts raised.
//! - RU-3 A transition that could not be recorded is said again until it is.
//! - RU-4 A group whose rules fail says so and goes on; the other groups do not notice.
//! - RU-5 Evaluations that were missed are counted.
//! - RU-6 What is written is seen at once by the rules without `for` that read it, and by no other rule.

mod group;
#[cfg(test)]
mod tests;
mod view;
mod watching;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use kernel::{Actor, Digest, RuleName, Timestamp};
use parking_lot::Mutex;
use promql::ast::Matcher;
use promql::{Labels, Millis, Point, SeriesSource};
use signals::alerting::{Setting, State};
use signals::{Kind, Ruled};
use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;

use crate::{Engine, Error};
use group::{Group, Said};
use watching::Watching;

pub use view::{AlertView, GroupView, RuleView};

/// How often a group is evaluated that does not say.
pub const INTERVAL: Duration = Duration::from_secs(15);
/// How often the ruler looks whether a group is due.
const BEAT: Duration = Duration::from_millis(100);
/// How long rules that fire at once rest, at least and at most, after some of them were evaluated because something was
/// written: between these, so many times as long as that took. So writes that never end cost a tenth of a processor.
const REST_MIN: Duration = Duration::from_millis(10);
const REST_MAX: Duration = Duration::from_millis(100);
const REST_TIMES: u32 = 9;
/// How often it is looked whether there is anything to keep.
const KEEP_EVERY: Duration = Duration::from_secs(1);
/// How often it is asked whether people have dismissed alerts.
const HEED_EVERY: SignedDuration = SignedDuration::from_secs(1);
/// The most outcomes in one command.
const OUTCOMES_AT_ONCE: usize = 2000;
/// Under which kind the vault keeps what rules remember.
const VAULT: &str = "ruling";

/// Holds series: rules read them, and write what they record.
pub trait SeriesStore: SeriesSource + Send + Sync {
    /// Takes in what rules recorded.
    ///
    /// # Errors
    /// When it cannot be kept now; says why.
    fn write(&self, samples: Vec<(Labels, Point)>, now: Timestamp) -> Result<(), String>;

    /// Begins to watch the series that match, so that [`SeriesStore::take_written`] tells of them, and so that they are at
    /// hand, with the points of a window of so many milliseconds; `None` where that is not possible, and rules then wait for
    /// their beat.
    fn watch(&self, matchers: &[Matcher], window: Millis) -> Option<Watch>;

    /// The numbers of the watches of which something was written since this was last asked.
    fn take_written(&self) -> Vec<u32>;

    /// Calls `tell` whenever something was written of a watched series. Where nobody does, rules are looked after on the
    /// ruler's own beat.
    fn listen(&self, tell: Box<dyn Fn() + Send + Sync>) {
        drop(tell);
    }
}

/// A watch over series; ends when it is dropped.
pub struct Watch {
    /// Its number.
    pub id: u32,
    /// What keeps it.
    pub held: Box<dyn std::any::Any + Send + Sync>,
}

/// Runs rule files. One for a node.
pub struct Ruler {
    engine: Engine,
    series: Arc<dyn SeriesStore>,
    setting: Setting,
    running: Mutex<Running>,
    /// Something was written of a watched series.
    written: Arc<Notify>,
}

/// The groups of the live watchbook.
#[derive(Default)]
struct Running {
    /// Of which book they are.
    book: Option<Digest>,
    groups: Vec<Group>,
    watching: Watching,
    /// When it was last asked whether people have dismissed alerts.
    heeded: Option<Timestamp>,
}

impl Running {
    /// Asks the rules that fire at once and may see something new.
    fn hear(&mut self, written: &[u32]) {
        for (group, prompt) in self.watching.heard(written) {
            if let Some(group) = self.groups.get_mut(group) {
                group.ask(prompt);
            }
        }
    }
}

impl Ruler {
    /// A ruler over series, which does nothing until it is run.
    #[must_use]
    pub fn new(engine: Engine, series: Arc<dyn SeriesStore>) -> Self {
        let setting = Setting { external_url: engine.shared.base_url.clone(), ..Setting::default() };
        let written = Arc::new(Notify::new());
        let woken = Arc::clone(&written);
        series.listen(Box::new(move || woken.notify_one()));
        Self { engine, series, setting, running: Mutex::default(), written }
    }

    /// Evaluates groups when they are due, and rules that fire at once when something was written for them, until the engine
    /// stops. What they remember is kept beside that: no rule waits for a disk.
    pub async fn run(self: Arc<Self>) {
        tokio::join!(self.attend(), self.keep_on());
    }

    async fn attend(self: &Arc<Self>) {
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            let hears = !self.running.lock().watching.is_deaf();
            let outcome = tokio::select! {
                _ = beat.tick() => self.beat().await,
                () = self.written.notified(), if hears => self.answer().await,
                () = self.engine.stopped() => return,
            };
            if let Err(error) = outcome {
                tracing::warn!(%error, "what became of alerts could not be recorded; it is said again");
            }
        }
    }

    /// Evaluates the rules that fire at once and may see something new, records what came of it, and rests.
    async fn answer(self: &Arc<Self>) -> Result<(), Error> {
        let began = Instant::now();
        let outcome = if self.is_asked() {
            self.evaluate(|_| false).await;
            self.record().await
        } else {
            Ok(())
        };
        let rest = began.elapsed().saturating_mul(REST_TIMES).clamp(REST_MIN, REST_MAX);
        tokio::select! {
            () = tokio::time::sleep(rest) => {}
            () = self.engine.stopped() => {}
        }
        outcome
    }

    /// Hears what was written, and says whether any rule may see something new by it.
    fn is_asked(&self) -> bool {
        let written = self.series.take_written();
        let mut running = self.running.lock();
        running.hear(&written);
        running.groups.iter().any(Group::is_asked)
    }

    async fn keep_on(&self) {
        let mut ticks = tokio::time::interval(KEEP_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.engine.stopped() => return,
            }
            if let Err(error) = self.keep().await {
                tracing::warn!(%error, "what rules remember could not be kept; it is tried again when it has changed");
            }
        }
    }

    /// Follows the live watchbook, evaluates what is due now, records what came of it, and keeps what is remembered. Tests
    /// with a clock of their own call it.
    ///
    /// # Errors
    /// When outcomes could not be recorded; they are kept and said with the next turn.
    pub async fn turn(self: &Arc<Self>) -> Result<(), Error> {
        self.beat().await?;
        self.keep().await
    }

    async fn beat(self: &Arc<Self>) -> Result<(), Error> {
        self.follow().await?;
        let now = self.engine.now();
        if self.is_asked() || self.running.lock().groups.iter().any(|group| group.is_due(now)) {
            self.evaluate(move |group| group.is_due(now)).await;
        }
        self.record().await?;
        self.heed_dismissals()
    }

    /// Lets go of what people have dismissed, once in a while.
    fn heed_dismissals(&self) -> Result<(), Error> {
        let now = self.engine.now();
        {
            let mut running = self.running.lock();
            if running.heeded.is_some_and(|heeded| now.duration_since(heeded) < HEED_EVERY) {
                return Ok(());
            }
            running.heeded = Some(now);
        }
        self.engine.read(&Actor::system("signals"), crate::Read::of("signals:read"), |world| {
            let is_raised = |rule: &RuleName, identity: &kernel::Labels| world.signals.signal(rule, identity).is_some();
            let mut running = self.running.lock();
            running.groups.iter_mut().for_each(|group| group.heed_dismissals(&is_raised, now));
        })
    }

    /// Makes the live watchbook's groups run. Groups that were running go on with what they remember.
    async fn follow(&self) -> Result<(), Error> {
        let book = self.engine.book();
        if self.running.lock().book == Some(book.digest) {
            return Ok(());
        }
        let mut groups = Vec::new();
        for file in &book.rule_files {
            for group in &file.groups {
                let mut made = Group::new(&file.path, group);
                let known = self.take_over(&made).await?;
                made.begin(known, &self.raised(&made)?, self.engine.now());
                groups.push(made);
            }
        }
        let mut running = self.running.lock();
        running.watching = Watching::of(&groups, &running.watching, &*self.series);
        (running.book, running.groups) = (Some(book.digest), groups);
        Ok(())
    }

    /// What this group remembers: of the one that runs, else of the vault.
    async fn take_over(&self, group: &Group) -> Result<State, Error> {
        let key = group.key();
        let of_key = |other: &mut Group| (other.key() == key).then(|| other.hand_over());
        if let Some(state) = self.running.lock().groups.iter_mut().find_map(of_key) {
            return Ok(state);
        }
        let kept = self.engine.vault().vault_get(VAULT, &key, self.engine.now()).await;
        let kept = kept.map_err(|failure| Error::Failed { reason: failure.to_string() })?;
        Ok(kept.and_then(|bytes| rmp_serde::from_slice(&bytes).ok()).unwrap_or_default())
    }

    /// The raised signals of a group's rules, from the facts.
    fn raised(&self, group: &Group) -> Result<BTreeMap<RuleName, Vec<signals::Signal>>, Error> {
        self.engine.read(&Actor::system("signals"), crate::Read::of("signals:read"), |world| {
            let mut found = BTreeMap::<RuleName, Vec<_>>::new();
            let of_group = |signal: &&signals::Signal| {
                signal.kind == Kind::Alerting && group.rule_names().any(|name| name == signal.rule)
            };
            for signal in world.signals.raised().filter(of_group) {
                found.entry(signal.rule.clone()).or_default().push(signal.clone());
            }
            found
        })
    }

    /// Evaluates the groups that are due, and of the others the rules that may see something new.
    async fn evaluate(self: &Arc<Self>, is_due: impl Fn(&Group) -> bool + Send + 'static) {
        let ruler = Arc::clone(self);
        let evaluated = tokio::task::spawn_blocking(move || ruler.evaluate_now(&is_due)).await;
        if evaluated.is_err() {
            tracing::error!("an evaluation of rules ended early");
        }
    }

    fn evaluate_now(&self, is_due: &dyn Fn(&Group) -> bool) {
        let now = self.engine.now();
        let mut running = self.running.lock();
        for group in &mut running.groups {
            let samples = match () {
                () if is_due(group) => group.evaluate(&self.setting, &*self.series, now),
                () if group.is_asked() => group.answer(&self.setting, &*self.series, now),
                () => continue,
            };
            if let Err(error) = self.series.write(samples, now) {
                group.note_unwritten(&error);
            }
        }
    }

    /// Records what became of alerts, in pieces; a piece is forgotten only when it is recorded.
    async fn record(&self) -> Result<(), Error> {
        loop {
            let piece: Vec<Said> = {
                let running = self.running.lock();
                running.groups.iter().flat_map(Group::unsaid).take(OUTCOMES_AT_ONCE).collect()
            };
            if piece.is_empty() {
                return Ok(());
            }
            let outcomes: Vec<Ruled> = piece.iter().map(|said| said.outcome.clone()).collect();
            self.engine.ask(&Actor::system("signals"), signals::Command::Rule { outcomes }).await?;
            let mut running = self.running.lock();
            running.groups.iter_mut().for_each(|group| group.forget_said(&piece));
        }
    }

    /// Keeps what groups remember, where it has changed.
    async fn keep(&self) -> Result<(), Error> {
        let now = self.engine.now();
        let changed: Vec<(String, Vec<u8>)> =
            self.running.lock().groups.iter_mut().filter_map(|group| group.take_kept(now)).collect();
        for (name, bytes) in changed {
            let kept = self.engine.vault().vault_put(VAULT, &name, &bytes, None).await;
            kept.map_err(|failure| Error::Failed { reason: failure.to_string() })?;
        }
        Ok(())
    }

    /// Every group with its rules and their alerts, as readers see them.
    ///
    /// # Errors
    /// When the actor may not read signals.
    pub fn groups(&self, actor: &Actor) -> Result<Vec<GroupView>, Error> {
        self.engine.may(actor, crate::Read::of("signals:read"))?;
        Ok(self.running.lock().groups.iter().map(Group::view).collect())
    }
}
