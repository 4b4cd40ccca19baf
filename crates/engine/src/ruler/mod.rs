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
//! At a start the two are compared, and the journal is right: what is raised there is raised here, and what is not is not,
//! whatever the state remembers. So no firing alert goes back to pending and none that is over is raised once more, whether
//! after a restart, an edit of its rule, or on another node.
//!
//! Invariants, each with a test of its name in `tests.rs`:
//! - RU-1 What a rule raises becomes one fact, however often it is said.
//! - RU-2 A restart, and the loss of the kept state, leave raised alerts raised.
//! - RU-3 A transition that could not be recorded is said again until it is.
//! - RU-4 A group whose rules fail says so and goes on; the other groups do not notice.
//! - RU-5 Evaluations that were missed are counted.
//! - RU-6 What is written is seen at once by the rules without `for` that read it, and by no other rule.
//! - RU-7 An alert that several rules raise under the same labels lasts until the last of them is over.
//! - RU-8 A source that does not answer leaves the alerts of its rules as they are.
//! - RU-9 What was over before a stop, or before its group left the watchbook, is not raised because it was remembered.

mod elsewhere;
mod group;
mod sharing;
#[cfg(test)]
mod tests;
mod view;
mod watching;

use std::collections::{BTreeMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use kernel::book::rules::RuleFile;
use kernel::book::source::Source;
use kernel::nodes::Part;
use kernel::{Actor, Book, Digest, RuleName, SourceName, Timestamp};
use parking_lot::Mutex;
use promql::ast::Matcher;
use promql::{Labels, Millis, Point, SeriesSource};
use signals::alerting::{Setting, State};
use signals::{Kind, Ruled};
use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;

use crate::{Engine, Error};
use elsewhere::{Errand, Outside};
use group::{Group, Remembered, Said};
use sharing::Shares;
use watching::Watching;

pub(crate) use elsewhere::{Door, SOURCE_UP};
pub use elsewhere::{Queries, Unanswered};
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
/// Under which kind it keeps what calls of `anomaly(..)` have learnt.
const LEARNT: &str = "ruling-learnt";

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
    /// What asks existing stores; without it, groups over sources wait.
    asker: Option<Arc<dyn Queries>>,
    running: Mutex<Running>,
    /// The groups over a source that this node has a lease of, where they are shared out.
    shares: Mutex<Shares>,
    /// Something was written of a watched series.
    written: Arc<Notify>,
}

/// The groups of the live watchbook.
#[derive(Default)]
struct Running {
    /// Of which book they are.
    book: Option<Digest>,
    groups: Vec<Group>,
    /// The sources, and how they are asked.
    doors: BTreeMap<SourceName, (Source, Arc<Door>)>,
    /// How often sources were asked for a group.
    errands: u64,
    /// The names of series that are with us, whatever source a group is over.
    ours: Arc<HashSet<String>>,
    watching: Watching,
    /// When it was last asked whether people have dismissed alerts.
    heeded: Option<Timestamp>,
    /// When this node began to evaluate.
    started: Option<Timestamp>,
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
        Self { engine, series, setting, asker: None, running: Mutex::default(), shares: Mutex::default(), written }
    }

    /// The same, with what asks existing stores.
    #[must_use]
    pub fn with_sources(self, asker: Arc<dyn Queries>) -> Self {
        Self { asker: Some(asker), ..self }
    }

    /// Evaluates groups when they are due, and rules that fire at once when something was written for them, until the engine
    /// stops. What they remember is kept beside that: no rule waits for a disk; and once more at the end.
    pub async fn run(self: Arc<Self>) {
        tokio::join!(self.attend(), self.keep_on(), self.share_on());
        if matches!(self.engine.health(), crate::Health::Fenced { .. }) {
            // The node that writes now keeps its own.
            return;
        }
        if let Err(error) = self.keep(true).await {
            tracing::warn!(%error, "what rules remembered last could not be kept");
        }
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
            if let Err(error) = self.keep(false).await {
                tracing::warn!(%error, "what rules remember could not be kept; it is tried again");
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
        self.keep(false).await
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
            let own = running.groups.iter_mut().filter(|group| group.shard.is_none());
            own.for_each(|group| group.heed_dismissals(&is_raised, now));
        })
    }

    /// Makes the live watchbook's groups run. Groups that were running go on with what they remember.
    async fn follow(&self) -> Result<(), Error> {
        let book = self.engine.book();
        if self.running.lock().book == Some(book.digest) {
            return Ok(());
        }
        let now = self.engine.now();
        let mut groups = Vec::new();
        for file in &book.rule_files {
            for group in &file.groups {
                let mut made = Group::new(&file.path, group);
                if !self.is_here(&made) {
                    continue;
                }
                let known = self.take_over(&made, &book).await?;
                made.begin(known, &self.raised(&made)?, &|rule| is_shared(&book, rule), now);
                groups.push(made);
            }
        }
        let mut left = self.swap(&book, groups, now);
        let last = left.iter_mut().flat_map(|group| group.ended(now)).collect();
        if let Err(error) = self.series.write(last, now) {
            tracing::warn!(%error, "the series of rules that are gone go on for five minutes");
        }
        self.forget(&left, now).await;
        Ok(())
    }

    /// Whether a group is evaluated by this node.
    fn is_here(&self, group: &Group) -> bool {
        match (&group.book.source, self.sharing()) {
            (Some(_), Some(_)) => self.shares.lock().fence(&group.key()).is_some(),
            (Some(_), None) => true,
            (None, _) => self.engine.leads(),
        }
    }

    /// Takes what groups remembered that have left out of the vault: should they come back, they begin anew.
    async fn forget(&self, left: &[Group], now: Timestamp) {
        for (key, kind) in left.iter().flat_map(|group| [VAULT, LEARNT].map(|kind| (group.key(), kind))) {
            if let Err(error) = self.engine.vault().vault_take(kind, &key, now).await {
                tracing::warn!(%error, group = key, "what a group remembered that has left is still kept");
            }
        }
    }

    /// Lets these groups run in place of the others, and gives those that are gone.
    fn swap(&self, book: &Book, mut groups: Vec<Group>, now: Timestamp) -> Vec<Group> {
        let mut running = self.running.lock();
        for group in groups.iter_mut().filter(|group| group.book.source.is_some()) {
            if let Some(other) = running.groups.iter().find(|other| other.key() == group.key()) {
                group.count_on(other);
            }
        }
        if self.sharing().is_some() {
            // Whatever was given up meanwhile.
            groups.retain(|group| group.book.source.is_none() || group.shard.is_some());
        }
        running.watching = Watching::of(&groups, &running.watching, &*self.series);
        running.book = Some(book.digest);
        running.doors = elsewhere::doors(book, std::mem::take(&mut running.doors));
        running.ours = Arc::new(elsewhere::ours(book));
        running.started.get_or_insert(now);
        let keys: HashSet<String> = groups.iter().map(Group::key).collect();
        let left = std::mem::replace(&mut running.groups, groups);
        left.into_iter().filter(|group| !keys.contains(&group.key())).collect()
    }

    /// What this group remembers: of the one that runs, also where its file has another name now; else of the vault.
    async fn take_over(&self, group: &Group, book: &Book) -> Result<Remembered, Error> {
        let key = group.key();
        let is_left = |other: &&Group| {
            let same = |file: &RuleFile| file.path == other.file && file.groups.iter().any(|g| g.name == other.name());
            other.name() == group.name() && !book.rule_files.iter().any(same)
        };
        let known = {
            let running = self.running.lock();
            let of_key = running.groups.iter().find(|other| other.key() == key);
            let renamed = || running.groups.iter().find(is_left);
            of_key.or_else(renamed).map(|other| other.state.clone())
        };
        if let Some(state) = known {
            return Ok(Remembered::Working(state));
        }
        let kept = self.kept(VAULT, &key).await?;
        let mut state: State = kept.and_then(|bytes| rmp_serde::from_slice(&bytes).ok()).unwrap_or_default();
        let learnt = self.kept(LEARNT, &key).await?;
        state.relearn(learnt.and_then(|bytes| rmp_serde::from_slice(&bytes).ok()).unwrap_or_default());
        Ok(Remembered::Kept(state))
    }

    async fn kept(&self, kind: &str, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let kept = self.engine.vault().vault_get(kind, key, self.engine.now()).await;
        kept.map_err(|failure| Error::Failed { reason: failure.to_string() })
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

    /// Evaluates the groups that are due, and of the others the rules that may see something new. Groups over a source are
    /// evaluated when it has answered, which nobody here waits for.
    async fn evaluate(self: &Arc<Self>, is_due: impl Fn(&Group) -> bool + Send + 'static) {
        let ruler = Arc::clone(self);
        let evaluated = tokio::task::spawn_blocking(move || ruler.evaluate_now(&is_due)).await;
        match evaluated {
            Ok(errands) => errands.into_iter().for_each(|(errand, outside)| {
                tokio::spawn(Arc::clone(self).evaluate_elsewhere(errand, outside));
            }),
            Err(_) => tracing::error!("an evaluation of rules ended early"),
        }
    }

    /// How rules are evaluated now.
    fn setting_of(&self, running: &Running) -> Setting {
        Setting { started: running.started.map(Timestamp::as_millisecond), ..self.setting.clone() }
    }

    /// Evaluates what is due or asked, and gives the groups whose source is to be asked first. Readers are let in between two
    /// groups.
    fn evaluate_now(&self, is_due: &dyn Fn(&Group) -> bool) -> Vec<(Errand, Outside)> {
        let now = self.engine.now();
        let (count, setting) = {
            let running = self.running.lock();
            (running.groups.len(), self.setting_of(&running))
        };
        let mut errands = Vec::new();
        for place in 0..count {
            let mut running = self.running.lock();
            let Running { groups, doors, ours, errands: number, .. } = &mut *running;
            let Some(group) = groups.get_mut(place) else { return errands };
            match () {
                () if is_due(group) && group.book.source.is_some() => {
                    *number += 1;
                    errands.extend(self.errand(group, *number, doors, ours));
                }
                () if is_due(group) || group.is_asked() => self.evaluate_one(group, is_due(group), &setting, now),
                () => {}
            }
        }
        errands
    }

    /// What a group over a source needs to be asked for.
    fn errand(
        &self,
        group: &mut Group,
        number: u64,
        doors: &BTreeMap<SourceName, (Source, Arc<Door>)>,
        ours: &Arc<HashSet<String>>,
    ) -> Option<(Errand, Outside)> {
        let (name, (source, door)) = doors.get_key_value(group.book.source.as_ref()?)?;
        let outside = Outside {
            asker: Arc::clone(self.asker.as_ref()?),
            series: Arc::clone(&self.series),
            ours: Arc::clone(ours),
            door: Arc::clone(door),
            options: self.setting.options.clone(),
        };
        Some((group.errand(number, name.clone(), source.clone(), self.engine.now()), outside))
    }

    /// Asks the source of a group, and evaluates the group over the answers. A group that left or was edited meanwhile is let
    /// go: it asks anew.
    async fn evaluate_elsewhere(self: Arc<Self>, errand: Errand, outside: Outside) {
        let gathered = elsewhere::gather(&errand, &outside).await;
        let ruler = Arc::clone(&self);
        let evaluated = tokio::task::spawn_blocking(move || {
            let mut running = self.running.lock();
            let setting = self.setting_of(&running);
            let group = running.groups.iter_mut().find(|group| group.asking == Some(errand.number))?;
            group.asking = None;
            let over = gathered.over(&*self.series);
            let held = group.shard.map(|fence| (group.key(), fence));
            let mut shared = Vec::new();
            self.attempt(group, errand.evaluated, |group| {
                let mut samples = group.evaluate(&setting, &over, errand.evaluated);
                samples.extend(gathered.up(errand.evaluated.as_millisecond()));
                if held.is_some() {
                    shared.clone_from(&samples);
                }
                samples
            });
            held.map(|held| (held, shared))
        });
        match evaluated.await {
            Ok(None) => {}
            Ok(Some((held, samples))) => ruler.pass_on(held, samples).await,
            Err(_) => tracing::error!("an evaluation of rules over a source ended early"),
        }
    }

    /// Evaluates a group, or of it what was asked.
    fn evaluate_one(&self, group: &mut Group, whole: bool, setting: &Setting, now: Timestamp) {
        self.attempt(group, now, |group| match whole {
            true => group.evaluate(setting, &*self.series, now),
            false => group.answer(setting, &*self.series, now),
        });
    }

    /// Evaluates a group at an instant, and writes the samples of that. Should it end early by a mistake of ours, the other
    /// groups go on, and this one waits for its next beat.
    fn attempt(&self, group: &mut Group, at: Timestamp, evaluate: impl FnOnce(&mut Group) -> Vec<(Labels, Point)>) {
        let evaluated = catch_unwind(AssertUnwindSafe(|| evaluate(group)));
        let written = match evaluated {
            Ok(samples) => self.series.write(samples, self.engine.now()),
            Err(_) => {
                group.give_up(at);
                Err("the evaluation ended early by a mistake of the program: please report it".to_owned())
            }
        };
        if let Err(error) = written {
            group.note_unwritten(&error);
        }
    }

    /// Records what became of alerts, in pieces; a piece is forgotten only when it is recorded.
    async fn record(&self) -> Result<(), Error> {
        loop {
            let piece: Vec<Said> = {
                let running = self.running.lock();
                let own = running.groups.iter().filter(|group| group.shard.is_none());
                own.flat_map(Group::unsaid).take(OUTCOMES_AT_ONCE).collect()
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

    /// Keeps what groups remember, where it has changed. What cannot be kept is tried again, and the rest is kept.
    async fn keep(&self, at_once: bool) -> Result<(), Error> {
        let now = self.engine.now();
        let take = |group: &mut Group| {
            let shard = group.shard;
            let state = group.take_kept(now, at_once).map(|(name, bytes)| (VAULT, Part::State, name, bytes));
            let learnt = group.take_learnt(now, at_once).map(|(name, bytes)| (LEARNT, Part::Learnt, name, bytes));
            state.into_iter().chain(learnt).map(move |kept| (shard, kept))
        };
        let changed: Vec<_> = self.running.lock().groups.iter_mut().flat_map(take).collect();
        let mut outcome = Ok(());
        for (shard, (kind, part, name, bytes)) in changed {
            let kept = match (shard, self.sharing()) {
                // When another node has the shard, it keeps its own.
                (Some(fence), Some(nodes)) => nodes.keep_shard(&(name.clone(), fence), part, &bytes).await.map(|_| ()),
                _ => self.engine.vault().vault_put(kind, &name, &bytes, None).await,
            };
            if let Err(failure) = kept {
                outcome = Err(Error::Failed { reason: failure.to_string() });
                let mut running = self.running.lock();
                let unkept = running.groups.iter_mut().find(|group| group.key() == name);
                unkept.into_iter().for_each(|group| group.note_unkept(kind == LEARNT));
            }
        }
        outcome
    }

    /// Every group with its rules and their alerts, as readers see them. Waits while one is evaluated.
    ///
    /// # Errors
    /// When the actor may not read signals.
    pub async fn groups(self: &Arc<Self>, actor: &Actor) -> Result<Vec<GroupView>, Error> {
        self.engine.may(actor, crate::Read::of("signals:read"))?;
        let (ruler, url) = (Arc::clone(self), self.engine.base_url().to_owned());
        let node = move |group: &Group| group.shard.map(|_| url.clone());
        let view = move |group: &Group| (group.key(), GroupView { node: node(group), ..group.view() });
        let views = move || ruler.running.lock().groups.iter().map(view).collect::<BTreeMap<_, _>>();
        let own =
            tokio::task::spawn_blocking(views).await.map_err(|error| Error::Failed { reason: error.to_string() })?;
        let keys = own.keys().cloned().collect();
        let others =
            self.views_elsewhere(&keys).await.map_err(|failure| Error::Failed { reason: failure.to_string() })?;
        let mut all: Vec<GroupView> = own.into_values().chain(others).collect();
        let book = self.engine.book();
        let place = |view: &GroupView| {
            let files = book.rule_files.iter();
            let mut groups = files.flat_map(|file| file.groups.iter().map(|group| (&file.path, &group.name)));
            groups.position(|(path, name)| *path == view.file && *name == view.name)
        };
        all.sort_by_cached_key(place);
        Ok(all)
    }
}

/// Whether groups in several files have alerts of this name.
fn is_shared(book: &Book, rule: &RuleName) -> bool {
    let groups = book.rule_files.iter().flat_map(|file| &file.groups);
    groups.filter(|group| group.rule_names().any(|name| name == *rule)).count() > 1
}
