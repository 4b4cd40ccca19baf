//! Our own eyes: each health check of the live watchbook asks on its own beat, and what it finds becomes samples and a look.

use std::collections::BTreeMap;
use std::time::Duration;

use connectors::checks::{self, CheckResult, Looked, Prober};
use engine::{Engine, Read};
use kernel::book::probe::{CHECKS_MAX, Heartbeat};
use kernel::book::{Check, Probe};
use kernel::sample::{METRIC_NAME, Sample};
use kernel::{Actor, Labels, RuleName, Timestamp};
use telemetry::metrics::Store;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

/// How often the list of checks is compared with the live watchbook.
const COMPARE_EVERY: Duration = Duration::from_secs(1);
/// The longest time between two looks at whether a heartbeat is overdue.
const OVERDUE_LOOK_MAX: Duration = Duration::from_secs(30);

/// Runs the checks of whatever watchbook is live until the engine stops.
pub async fn run(engine: Engine, samples: Store) {
    let Ok(prober) = Prober::new().inspect_err(|error| tracing::error!(%error, "health checks cannot run")) else {
        return;
    };
    let mut running = Running::new();
    let mut left_out = 0;
    let mut ticks = tokio::time::interval(COMPARE_EVERY);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = engine.stopped() => break,
        }
        let book = engine.book();
        end_others(&mut running, &book.checks);
        for (name, check) in book.checks.iter().take(CHECKS_MAX) {
            if !running.contains_key(name) {
                let (engine, samples) = (engine.clone(), samples.clone());
                let eye = Eye { engine, samples, name: name.clone(), check: check.clone(), counted: BTreeMap::new() };
                let task = match check.probe {
                    Probe::Heartbeat(beat) => tokio::spawn(eye.await_beats(beat)),
                    _ => tokio::spawn(eye.watch(prober.clone())),
                };
                running.insert(name.clone(), (check.clone(), task));
            }
        }
        let above = book.checks.len().saturating_sub(CHECKS_MAX);
        if above > 0 && above != left_out {
            tracing::warn!(above, "health checks do not run: at most {CHECKS_MAX} do, the first by name");
        }
        left_out = above;
    }
    running.into_values().for_each(|(_, task)| task.abort());
}

/// The checks that run, each as it was when it began.
type Running = BTreeMap<RuleName, (Check, JoinHandle<()>)>;

/// Ends the checks that the watchbook has no more, or has otherwise, and lets go of those that ended by themselves, which
/// only a fault of ours can bring about: they begin anew.
fn end_others(running: &mut Running, live: &BTreeMap<RuleName, Check>) {
    running.retain(|name, (check, task)| {
        if task.is_finished() {
            tracing::error!(check = %name, "a health check ended by itself and begins anew");
        }
        let stays = live.get(name) == Some(check) && !task.is_finished();
        if !stays {
            task.abort();
        }
        stays
    });
}

/// One check that runs, and what it counted since it began.
struct Eye {
    engine: Engine,
    samples: Store,
    name: RuleName,
    check: Check,
    /// By metric and kind of failure.
    counted: BTreeMap<(&'static str, &'static str), u32>,
}

impl Eye {
    async fn watch(mut self, prober: Prober) {
        let mut ticks = tokio::time::interval(self.check.every.std().max(Duration::from_secs(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let Looked { result, unconfirmed } = prober.look(&self.check).await;
            let unconfirmed = unconfirmed.map(|fault| ("check_unconfirmed_total", fault.as_str()));
            self.keep(&result, unconfirmed);
            self.tell(result).await;
        }
    }

    /// Says when a beat is overdue, again and again while it is. Beats themselves are told to the engine by whoever beats.
    async fn await_beats(mut self, beat: Heartbeat) {
        let (every, began) = (self.check.every, self.engine.now());
        let often = (every.std() + beat.grace.std()) / 10;
        let mut ticks = tokio::time::interval(often.clamp(Duration::from_secs(1), OVERDUE_LOOK_MAX));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let since = self.last_beat().map_or(began, |last| last.max(began));
            match checks::overdue(beat, every, since, self.engine.now()) {
                Some(result) => {
                    self.keep(&result, None);
                    self.tell(result).await;
                }
                None => self.push(vec![("check_up", None, 1.0)]),
            }
        }
    }

    fn last_beat(&self) -> Option<Timestamp> {
        let read = self.engine.read(&Actor::system("signals"), Read::of("signals:read"), |world| {
            world.signals.check(&self.name).and_then(|note| note.healthy_at)
        });
        read.inspect_err(|error| tracing::warn!(%error, check = %self.name, "the last beat is not known"))
            .ok()
            .flatten()
    }

    async fn tell(&self, found: CheckResult) {
        let command = signals::Command::Checked {
            check: self.name.clone(),
            healthy: found.healthy,
            fault: found.fault.map_or("", |fault| fault.as_str()),
            reason: found.reason,
            latency_ms: found.latency_ms,
        };
        if let Err(error) = self.engine.ask(&Actor::system("signals"), command).await {
            tracing::warn!(%error, check = %self.name, "what a health check found could not be recorded");
        }
    }

    /// Keeps a result as samples, so that any rule can use it, and counts its failures by kind.
    fn keep(&mut self, found: &CheckResult, unconfirmed: Option<(&'static str, &'static str)>) {
        let failed = found.fault.map(|fault| ("check_failures_total", fault.as_str()));
        let mut all = vec![("check_up", None, if found.healthy { 1.0 } else { 0.0 })];
        if !matches!(self.check.probe, Probe::Heartbeat(_)) {
            all.push(("check_seconds", None, f64::from(found.latency_ms) / 1000.0));
        }
        for key in failed.into_iter().chain(unconfirmed) {
            let first = !self.counted.contains_key(&key);
            let count = self.counted.entry(key).or_default();
            *count = count.saturating_add(1);
            if first {
                // A counter that begins at one shows no increase, so its zero is told first.
                self.push_at(&[(key.0, Some(key.1), 0.0)], before(self.engine.now()));
            }
        }
        all.extend(self.counted.iter().map(|((metric, fault), count)| (*metric, Some(*fault), f64::from(*count))));
        self.push(all);
    }

    fn push(&self, all: Vec<(&str, Option<&str>, f64)>) {
        self.push_at(&all, self.engine.now());
    }

    fn push_at(&self, all: &[(&str, Option<&str>, f64)], at: Timestamp) {
        let sample = |(metric, fault, value): &(&str, Option<&str>, f64)| {
            let (check, service) = (self.name.as_str(), self.check.service.as_str());
            let fixed = [(METRIC_NAME, *metric), ("check", check), ("service", service)];
            let series = Labels::from_pairs(fixed.into_iter().chain(fault.map(|fault| ("fault", fault)))).ok()?;
            Some(Sample { series, at, value: *value })
        };
        let samples: Vec<Sample> = all.iter().filter_map(sample).collect();
        if let Err(failure) = self.samples.push(&samples, self.engine.now()) {
            tracing::warn!(%failure, check = %self.name, "what a health check measured could not be kept");
        }
    }
}

fn before(now: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(now.as_millisecond().saturating_sub(1)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use kernel::Seconds;
    use kernel::book::Tally;

    use super::*;

    #[tokio::test]
    async fn a_check_that_ended_by_itself_begins_anew_and_one_that_runs_stays() {
        let check = Check {
            service: "checkout".parse().unwrap(),
            probe: Probe::Heartbeat(Heartbeat { grace: Seconds(5) }),
            every: Seconds(5),
            timeout: Seconds(2),
            tally: Tally::new(1, 1).unwrap(),
            successes: 1,
            second_look: false,
            labels: Labels::default(),
        };
        let names = ["ended", "runs", "gone"].map(|name| RuleName::new(name).unwrap());
        let [ended, runs, gone] = names.clone();
        let live: BTreeMap<RuleName, Check> = [ended.clone(), runs.clone()].map(|name| (name, check.clone())).into();
        let forever = || tokio::spawn(std::future::pending());
        let mut running = Running::from([
            (ended, (check.clone(), tokio::spawn(async {}))),
            (runs.clone(), (check.clone(), forever())),
            (gone, (check, forever())),
        ]);
        while !running.get(&names[0]).unwrap().1.is_finished() {
            tokio::task::yield_now().await;
        }
        end_others(&mut running, &live);
        assert_eq!(running.keys().collect::<Vec<_>>(), [&runs]);
    }
}
