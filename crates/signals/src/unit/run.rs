//! Runs the tests of a file.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use kernel::book::rules::RuleFile;
use kernel::book::unit::{AlertTest, Test, TestFile};
use promql::{Millis, Options};

use super::shelf::Shelf;
use super::{EVALUATIONS_MAX, FAILURES_MAX, Failed, Failure, Report, compare, input};
use crate::alerting::{Instance, Plan, Planned, Setting, State, evaluate, vector};
use crate::anomaly::Scored;

/// Runs every test of a file over its rule files.
#[must_use]
pub fn run(file: &TestFile, rules: &[RuleFile]) -> Report {
    each(file, |test| {
        let (plans, broken) = plans(file, rules);
        if !broken.is_empty() {
            let failure = |message| Failure { line: test.at.line, message };
            return broken.into_iter().map(failure).collect();
        }
        Running::new(file, test, &plans).map_or_else(|failure| vec![failure], Running::run)
    })
}

/// The report of a file whose rule files cannot be loaded: every test fails for that reason.
#[must_use]
pub fn refused(file: &TestFile, why: &str) -> Report {
    each(file, |test| vec![Failure { line: test.at.line, message: why.to_owned() }])
}

fn each(file: &TestFile, run: impl Fn(&Test) -> Vec<Failure>) -> Report {
    let mut report = Report { file: file.path.clone(), ..Report::default() };
    for (test, number) in file.tests.iter().zip(1..) {
        let mut failures = run(test);
        failures.truncate(FAILURES_MAX);
        if failures.is_empty() {
            report.passed += 1;
            continue;
        }
        let name = if test.name.is_empty() { format!("test {number}") } else { test.name.clone() };
        report.failed.push(Failed { test: name, line: test.at.line, failures });
    }
    report
}

/// The groups in the order of evaluation. A group that is named twice by patterns is there once.
fn plans(file: &TestFile, rules: &[RuleFile]) -> (Vec<Plan>, Vec<String>) {
    let (mut plans, mut broken, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for rules in rules {
        for group in &rules.groups {
            if seen.insert((&rules.path, &group.name)) {
                let (plan, wrong) = Plan::of(&rules.path, group);
                plans.push(plan);
                broken.extend(wrong.iter().map(ToString::to_string));
            }
        }
    }
    let order = |plan: &Plan| file.group_eval_order.iter().position(|name| *name == plan.group).unwrap_or(0);
    plans.sort_by_key(order);
    (plans, broken)
}

/// A test that is being run.
struct Running<'a> {
    file: &'a TestFile,
    test: &'a Test,
    plans: &'a [Plan],
    states: Vec<State>,
    shelf: Shelf,
    setting: Setting,
    failures: Vec<Failure>,
}

impl<'a> Running<'a> {
    fn new(file: &'a TestFile, test: &'a Test, plans: &'a [Plan]) -> Result<Self, Failure> {
        if let Some(nameless) = test.alerts.iter().find(|alert| alert.alertname.is_empty()) {
            let message = "an item under alert_rule_test has no alertname: add one".to_owned();
            return Err(Failure { line: nameless.at.line, message });
        }
        let external = test.external_labels.iter().map(|(name, value)| (name.clone(), value.clone()));
        let subquery_step = millis(file.evaluation_interval);
        let setting = Setting {
            external_labels: external.collect(),
            external_url: test.external_url.clone(),
            options: Options { subquery_step, ..Options::default() },
            started: None,
        };
        let states = plans.iter().map(|_| State::default()).collect();
        let shelf = Shelf::new(input::series(test)?);
        Ok(Self { file, test, plans, states, shelf, setting, failures: Vec::new() })
    }

    fn run(mut self) -> Vec<Failure> {
        let interval = millis(self.file.evaluation_interval).max(1);
        let end = self.last();
        if end / interval > EVALUATIONS_MAX {
            let message = format!("this test needs more than {EVALUATIONS_MAX} evaluations: test a shorter time");
            return vec![Failure { line: self.test.at.line, message }];
        }
        let mut times = self.alert_times();
        let mut since = 0;
        while since <= end {
            if !self.evaluate(self.test.start.saturating_add(since)) {
                return self.failures;
            }
            while let Some(first) = times.first().copied().filter(|time| *time < since + interval) {
                self.compare_alerts(first);
                times.remove(&first);
            }
            since += interval;
        }
        for query in &self.test.queries {
            let at = self.test.start.saturating_add(millis(query.eval_time));
            if let Some(message) = self.ask(query, at) {
                self.failures.push(Failure { line: query.at.line, message });
            }
        }
        self.failures
    }

    /// The latest time that a test asks about, from the start.
    fn last(&self) -> Millis {
        let alerts = self.test.alerts.iter().map(|test| test.eval_time);
        alerts.chain(self.test.queries.iter().map(|test| test.eval_time)).max().map_or(0, millis)
    }

    fn alert_times(&self) -> BTreeSet<Millis> {
        self.test.alerts.iter().map(|test| millis(test.eval_time)).collect()
    }

    /// Lets samples come and evaluates all groups; whether nothing went wrong.
    fn evaluate(&mut self, at: Millis) -> bool {
        let mut wrong = Vec::new();
        if let Err(error) = self.shelf.advance(at) {
            wrong.push(error);
        } else {
            for (plan, state) in self.plans.iter().zip(&mut self.states) {
                let outcome = evaluate(plan, &self.setting, &self.shelf, at, state);
                let rule = |name: &str, message: &str| format!("rule {name:?}, time {at} ms: {message}");
                wrong.extend(outcome.errors.iter().map(|error| rule(&error.name, &error.message)));
                for (labels, point) in outcome.samples {
                    let stale = point.value.is_stale();
                    let refused = self.shelf.add(&labels, point).err().filter(|_| !stale);
                    // That a series ends which another rule writes as well is nothing.
                    wrong.extend(refused.map(|error| rule(labels.name(), &error)));
                }
            }
        }
        let failure = |message| Failure { line: self.test.at.line, message };
        self.failures.extend(wrong.iter().cloned().map(failure));
        wrong.is_empty()
    }

    /// Compares the alerts at a time with what the tests of that time expect.
    fn compare_alerts(&mut self, time: Millis) {
        let tests: Vec<&AlertTest> = self.test.alerts.iter().filter(|test| millis(test.eval_time) == time).collect();
        let firing = self.firing(&tests);
        let mut failures = Vec::new();
        for test in tests {
            let got = firing.get(&*test.alertname).map(Vec::as_slice).unwrap_or_default();
            if let Some(difference) = compare::alerts(&test.alertname, &test.expected, got) {
                let message = format!("alert {}, time {:?}: {difference}", test.alertname, test.eval_time);
                failures.push(Failure { line: test.at.line, message });
            }
        }
        self.failures.extend(failures);
    }

    /// The alerts that fire now, by name.
    fn firing(&self, tests: &[&AlertTest]) -> BTreeMap<&str, Vec<&Instance>> {
        let wanted: HashSet<&str> = tests.iter().map(|test| &*test.alertname).collect();
        let mut firing: BTreeMap<&str, Vec<&Instance>> = BTreeMap::new();
        for (plan, state) in self.plans.iter().zip(&self.states) {
            for rule in &plan.rules {
                if let Planned::Alert(rule) = rule
                    && wanted.contains(&*rule.name)
                {
                    let alerts = state.active(&rule.key).filter(|alert| alert.is_firing());
                    firing.entry(&rule.name).or_default().extend(alerts);
                }
            }
        }
        firing
    }

    /// Asks a query, and compares the answer with what is expected.
    fn ask(&self, test: &kernel::book::unit::QueryTest, at: Millis) -> Option<String> {
        let place = |message: String| format!("query {:?}, time {:?}: {message}", test.expr, test.eval_time);
        let answer = promql::parse(&test.expr).map_err(|error| error.to_string());
        let answer = answer.and_then(|expr| vector(&expr, &Scored(&self.shelf), at, &self.setting.options));
        let both = answer.and_then(|answer| Ok((compare::expected(test)?, compare::got(answer))));
        match both {
            Err(message) => Some(place(message)),
            Ok((expected, got)) => compare::samples(expected, got, self.file.fuzzy_compare).map(place),
        }
    }
}

fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}
