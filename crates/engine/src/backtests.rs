//! Backtests in the running server: rule files replayed over the samples at hand, one after the other, on a thread that the
//! caller lends. They are asked for, looked at and ended by whoever may read signals; only whoever asked for one ends it.
//!
//! A replay reads and writes nothing that lasts: it is no fact, and a restart forgets it. At most [`WAITING_MAX`] wait or
//! run, one of each person; at most [`KEPT_MAX`] are remembered.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use kernel::area::RefusalKind;
use kernel::book::rules::RuleFile;
use kernel::{Actor, Timestamp};
use parking_lot::Mutex;
use promql::{Millis, SeriesSource};
use signals::alerting::{Plan, Setting};
use signals::backtest::{
    Comparison, Help, INCIDENTS_MAX, Judged, Options, PastIncident, Progress, Report, RuleReport, Work, compare,
    replay_with,
};

use crate::ruler::INTERVAL;
use crate::{Engine, Error, Read, Refusal};

/// The most backtests that wait or run.
pub const WAITING_MAX: usize = 4;
/// The most backtests that are remembered; the oldest that is done goes first.
pub const KEPT_MAX: usize = 32;
/// The most rules of the files of one backtest.
pub const RULES_MAX: usize = 200;
/// What stands for the reason of a suggestion that counts incidents which its reader may not see.
const NOT_TOLD: &str = "The reason counts incidents that you may not see: ask for a backtest of your own";
/// The action that access policies know.
const READ: &str = "signals:read";

/// What is replayed.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The rules.
    pub file: RuleFile,
    /// Other rules, to compare with.
    pub other: Option<RuleFile>,
    /// The first instant.
    pub start: Millis,
    /// The last instant.
    pub end: Millis,
}

/// What a backtest found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// What the rules would have done.
    pub report: Report,
    /// What the other ones would have.
    pub other: Option<Report>,
    /// How they differ.
    pub comparison: Option<Comparison>,
}

/// Where a backtest stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    /// Others run before it.
    Waiting,
    /// It runs, and is so far.
    Running(Progress),
    /// It is done.
    Done(Arc<Found>),
    /// It came to nothing, for this reason.
    Failed(String),
    /// Whoever asked for it ended it.
    Cancelled,
}

impl Stage {
    /// Whether nothing more will become of it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        !matches!(self, Self::Waiting | Self::Running(_))
    }
}

/// A backtest as readers see it.
#[derive(Debug, Clone)]
pub struct Backtest {
    /// Its number, since the start of the server.
    pub id: u64,
    /// Who asked for it.
    pub by: Actor,
    /// When.
    pub asked: Timestamp,
    /// What is replayed.
    pub wanted: Arc<Wanted>,
    /// Where it stands.
    pub stage: Stage,
}

/// The backtests of a server. One for a node.
pub struct Backtests {
    engine: Engine,
    series: Arc<dyn SeriesSource + Send + Sync>,
    all: Mutex<All>,
}

#[derive(Default)]
struct All {
    last: u64,
    kept: VecDeque<Job>,
    /// Whether somebody works on them.
    worked_on: bool,
}

struct Job {
    seen: Backtest,
    incidents: Vec<PastIncident>,
    beat: Arc<Beat>,
}

/// What is replayed next.
struct Next {
    id: u64,
    wanted: Arc<Wanted>,
    incidents: Vec<PastIncident>,
    beat: Arc<Beat>,
}

/// What a running replay and those who wait for it share.
#[derive(Default)]
struct Beat {
    done: AtomicUsize,
    of: AtomicUsize,
    cancelled: AtomicBool,
}

impl Help for Beat {
    fn together(&self, work: Vec<Work<'_>>) {
        std::thread::scope(|scope| {
            let mut work = work.into_iter();
            let own = work.next();
            work.for_each(|part| drop(scope.spawn(part)));
            own.into_iter().for_each(|part| part());
        });
    }

    fn goes_on(&self, progress: Progress) -> bool {
        self.done.store(progress.done, Ordering::Relaxed);
        self.of.store(progress.of, Ordering::Relaxed);
        !self.cancelled.load(Ordering::Relaxed)
    }
}

fn refused(kind: RefusalKind, field: Option<&'static str>, message: impl Into<String>) -> Error {
    Error::Refused(Refusal { kind, field, message: message.into() })
}

impl Backtests {
    /// No backtests, over series.
    #[must_use]
    pub fn new(engine: Engine, series: Arc<dyn SeriesSource + Send + Sync>) -> Self {
        Self { engine, series, all: Mutex::default() }
    }

    /// Asks for a backtest; its number, and whether the caller must now lend a thread to [`Backtests::work`].
    ///
    /// # Errors
    /// When the actor may not read signals, a rule cannot be run, there are too many rules, or too much waits.
    pub fn ask(&self, actor: &Actor, wanted: Wanted) -> Result<(u64, bool), Error> {
        self.engine.may(actor, Read::of(READ))?;
        plans("rules", &wanted.file)?;
        wanted.other.as_ref().map(|other| plans("compare", other)).transpose()?;
        let incidents = self.incidents(actor, wanted.start, wanted.end)?;
        let mut all = self.all.lock();
        let open = || all.kept.iter().filter(|job| !job.seen.stage.is_over());
        if open().any(|job| job.seen.by == *actor) {
            let message = "one of your backtests is not over: wait for it, or cancel it";
            return Err(refused(RefusalKind::Conflict, None, message));
        }
        if open().count() >= WAITING_MAX {
            let message = format!("{WAITING_MAX} backtests wait or run already: try again when one is over");
            return Err(refused(RefusalKind::Conflict, None, message));
        }
        all.last += 1;
        let (id, asked) = (all.last, self.engine.now());
        let seen = Backtest { id, by: actor.clone(), asked, wanted: Arc::new(wanted), stage: Stage::Waiting };
        all.kept.push_back(Job { seen, incidents, beat: Arc::default() });
        all.forget();
        Ok((id, !std::mem::replace(&mut all.worked_on, true)))
    }

    /// The incidents of a time that the actor may see. Restricted ones are left out: to list them would be to read them.
    fn incidents(&self, actor: &Actor, start: Millis, end: Millis) -> Result<Vec<PastIncident>, Error> {
        let reach = self.engine.reach(actor, "incidents:read");
        self.engine.read(actor, Read::of(READ), |world| {
            let open = world.incidents.list().into_iter();
            let open = open.filter(|one| one.sensitivity < kernel::Sensitivity::Restricted);
            let seen = open.filter(|incident| reach.covers(&incident.id.to_string(), incident.sensitivity));
            let mut all: Vec<PastIncident> =
                seen.map(past).filter(|one| (start..=end).contains(&one.declared)).collect();
            all.sort_by_key(|incident| std::cmp::Reverse(incident.declared));
            all.truncate(INCIDENTS_MAX);
            all
        })
    }

    /// Replays what waits, until nothing does. It blocks; a second caller returns at once where the first still works.
    pub fn work(&self) {
        let _end = OnEnd(self);
        while let Some(Next { id, wanted, incidents, beat }) = self.next() {
            let stage = match run(&wanted, &*self.series, incidents, &beat) {
                _ if beat.cancelled.load(Ordering::Relaxed) => Stage::Cancelled,
                Ok(found) => Stage::Done(Arc::new(found)),
                Err(why) => Stage::Failed(why),
            };
            self.set(id, stage);
        }
    }

    /// The next one that waits, which runs from now on; `None` gives the work back.
    fn next(&self) -> Option<Next> {
        let mut all = self.all.lock();
        let Some(job) = all.kept.iter_mut().find(|job| job.seen.stage == Stage::Waiting) else {
            all.worked_on = false;
            return None;
        };
        job.seen.stage = Stage::Running(Progress::default());
        Some(Next {
            id: job.seen.id,
            wanted: Arc::clone(&job.seen.wanted),
            incidents: std::mem::take(&mut job.incidents),
            beat: Arc::clone(&job.beat),
        })
    }

    fn set(&self, id: u64, stage: Stage) {
        let mut all = self.all.lock();
        if let Some(job) = all.kept.iter_mut().find(|job| job.seen.id == id) {
            job.seen.stage = stage;
        }
    }

    /// Every backtest that is remembered, the newest first, as [`Backtests::get`] shows it.
    ///
    /// # Errors
    /// When the actor may not read signals.
    pub fn list(&self, actor: &Actor) -> Result<Vec<Backtest>, Error> {
        self.engine.may(actor, Read::of(READ))?;
        let all: Vec<Backtest> = self.all.lock().kept.iter().rev().map(Job::seen).collect();
        all.into_iter().map(|seen| self.shown(actor, seen)).collect()
    }

    /// One backtest, with the incidents that the actor may see; `None` where it is not remembered. Where there are others,
    /// what was counted of them is left out, and so is the reason of a suggestion, which counts them.
    ///
    /// # Errors
    /// When the actor may not read signals.
    pub fn get(&self, actor: &Actor, id: u64) -> Result<Option<Backtest>, Error> {
        self.engine.may(actor, Read::of(READ))?;
        let seen = self.all.lock().kept.iter().find(|job| job.seen.id == id).map(Job::seen);
        seen.map(|seen| self.shown(actor, seen)).transpose()
    }

    fn shown(&self, actor: &Actor, mut seen: Backtest) -> Result<Backtest, Error> {
        if let Stage::Done(found) = &seen.stage {
            seen.stage = Stage::Done(self.within_reach(actor, found)?);
        }
        Ok(seen)
    }

    /// What was found, without the incidents that a reader may not see.
    fn within_reach(&self, actor: &Actor, found: &Arc<Found>) -> Result<Arc<Found>, Error> {
        let reach = self.engine.reach(actor, "incidents:read");
        self.engine.read(actor, Read::of(READ), |world| {
            let sees = |judged: &Judged| {
                let known = judged.id.parse().ok().and_then(|id| world.incidents.sensitivity_of(id));
                known.is_some_and(|sensitivity| reach.covers(&judged.id, sensitivity))
            };
            let reports = || std::iter::once(&found.report).chain(&found.other);
            let judged = |report: &Report| {
                report.incidents.iter().chain(report.rules.iter().flat_map(|rule| &rule.incidents)).all(sees)
            };
            if reports().all(judged) {
                return Arc::clone(found);
            }
            let mut found = Found::clone(found);
            for report in std::iter::once(&mut found.report).chain(&mut found.other) {
                report.incidents.retain(sees);
                report.rules.iter_mut().for_each(|rule| narrow(rule, sees));
            }
            Arc::new(found)
        })
    }

    /// Ends a backtest of the actor's own, which may run on for a moment; `false` where it is not remembered.
    ///
    /// # Errors
    /// When the actor may not read signals, or somebody else asked for it.
    pub fn cancel(&self, actor: &Actor, id: u64) -> Result<bool, Error> {
        self.engine.may(actor, Read::of(READ))?;
        let mut all = self.all.lock();
        let Some(job) = all.kept.iter_mut().find(|job| job.seen.id == id) else { return Ok(false) };
        if job.seen.by != *actor {
            let message = format!("{} asked for this backtest: only they may cancel it", job.seen.by);
            return Err(refused(RefusalKind::Conflict, None, message));
        }
        job.beat.cancelled.store(true, Ordering::Relaxed);
        if !job.seen.stage.is_over() {
            job.seen.stage = Stage::Cancelled;
        }
        Ok(true)
    }
}

/// Leaves out of a rule's report the incidents that a reader does not see, and whatever counts them.
fn narrow(rule: &mut RuleReport, sees: impl Fn(&Judged) -> bool) {
    let all = rule.incidents.len();
    rule.incidents.retain(sees);
    if rule.incidents.len() < all {
        rule.settings.iter_mut().for_each(|tried| tried.incidents = (0, 0));
        rule.suggestion.iter_mut().for_each(|suggestion| suggestion.reason = NOT_TOLD.to_owned());
    }
}

/// Whatever ends the work, somebody else may take it up again.
struct OnEnd<'a>(&'a Backtests);

impl Drop for OnEnd<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut all = self.0.all.lock();
            all.worked_on = false;
            let running = all.kept.iter_mut().filter(|job| matches!(job.seen.stage, Stage::Running(_)));
            running.for_each(|job| job.seen.stage = Stage::Failed("the replay ended without an answer".to_owned()));
        }
    }
}

impl All {
    fn forget(&mut self) {
        while self.kept.len() > KEPT_MAX {
            let Some(oldest) = self.kept.iter().position(|job| job.seen.stage.is_over()) else { return };
            self.kept.remove(oldest);
        }
    }
}

impl Job {
    fn seen(&self) -> Backtest {
        let mut seen = self.seen.clone();
        if let Stage::Running(progress) = &mut seen.stage {
            *progress =
                Progress { done: self.beat.done.load(Ordering::Relaxed), of: self.beat.of.load(Ordering::Relaxed) };
        }
        seen
    }
}

fn past(incident: &incidents::Incident) -> PastIncident {
    let began = incident.detected_at.unwrap_or(incident.declared_at).min(incident.declared_at);
    PastIncident {
        id: incident.id.to_string(),
        services: incident.services.iter().map(ToString::to_string).collect(),
        began: began.as_millisecond(),
        declared: incident.declared_at.as_millisecond(),
        ended: incident.resolved_at.map(|at| at.as_millisecond()),
    }
}

/// The groups of a file, ready to run.
fn plans(field: &'static str, file: &RuleFile) -> Result<Vec<Plan>, Error> {
    let rules: usize = file.groups.iter().map(|group| group.rules.len()).sum();
    if rules == 0 {
        return Err(refused(RefusalKind::Invalid, Some(field), "there is no rule: give at least one"));
    }
    if rules > RULES_MAX {
        let message = format!("there are {rules} rules, of at most {RULES_MAX}: replay fewer at once");
        return Err(refused(RefusalKind::Invalid, Some(field), message));
    }
    let (plans, broken): (Vec<_>, Vec<_>) = file.groups.iter().map(|group| Plan::of(&file.path, group)).unzip();
    match broken.into_iter().flatten().next() {
        Some(broken) => Err(refused(RefusalKind::Invalid, Some(field), broken.to_string())),
        None => Ok(plans),
    }
}

fn run(
    wanted: &Wanted,
    series: &(dyn SeriesSource + Sync),
    incidents: Vec<PastIncident>,
    beat: &Beat,
) -> Result<Found, String> {
    let interval = Millis::try_from(INTERVAL.as_millis()).unwrap_or(Millis::MAX);
    let (start, end, setting) = (wanted.start, wanted.end, Setting::default());
    let options = Options { start, end, interval, setting, settings: true, incidents };
    let replayed = |file: &RuleFile| {
        let plans = plans("rules", file).map_err(|error| error.to_string())?;
        replay_with(&plans, series, &options, beat).map_err(|refusal| refusal.to_string())
    };
    let report = replayed(&wanted.file)?;
    let other = wanted.other.as_ref().map(replayed).transpose()?;
    let comparison = other.as_ref().map(|other| compare(&report, other));
    Ok(Found { report, other, comparison })
}

#[cfg(test)]
mod tests {
    use signals::backtest::{Durations, Lateness, Suggestion, Tried, Tuning};

    use super::*;

    fn judged(id: &str) -> Judged {
        Judged { id: id.to_owned(), declared: 1, raised: Some(1), early_by: Some(0), by: None }
    }

    #[test]
    fn nothing_counts_incidents_that_a_reader_does_not_see() {
        let suggestion = Suggestion { tuning: Tuning::default(), reason: "so are the 2 incidents".to_owned() };
        let tried = Tried {
            tuning: Tuning::default(),
            own: true,
            firings: 2,
            pages: 2,
            flaps: 0,
            short_share: None,
            delay: Lateness::default(),
            lingers: Lateness::default(),
            caught: (2, 2),
            incidents: (2, 2),
            pareto: true,
        };
        let report = RuleReport {
            group: "g".to_owned(),
            rule: "A".to_owned(),
            line: 1,
            hold: 0,
            evaluations: 9,
            firings: 2,
            pages: 2,
            durations: Durations::default(),
            flaps: 0,
            first: None,
            last: None,
            alerts: Vec::new(),
            alerts_not_listed: 0,
            errors: 0,
            error: None,
            listed: Vec::new(),
            incidents: vec![judged("1"), judged("2")],
            picture: None,
            settings: vec![tried],
            suggestion: Some(suggestion),
        };
        let mut seen = report.clone();
        narrow(&mut seen, |_| true);
        assert_eq!(seen, report);
        narrow(&mut seen, |judged| judged.id == "1");
        assert_eq!((&*seen.incidents, seen.settings[0].incidents), (&[judged("1")][..], (0, 0)));
        assert_eq!(seen.suggestion.map(|suggestion| suggestion.reason).as_deref(), Some(NOT_TOLD));
    }
}
