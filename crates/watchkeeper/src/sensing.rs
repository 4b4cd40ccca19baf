//! Our own eyes: each health check of the live watchbook asks on its own beat, and what it finds becomes a sample and a look.

use std::collections::BTreeMap;
use std::time::Duration;

use connectors::checks;
use engine::Engine;
use kernel::sample::{METRIC_NAME, Sample};
use kernel::{Actor, Labels, RuleName};
use telemetry::metrics::Store;
use tokio::task::JoinHandle;

/// How often the list of checks is compared with the live watchbook.
const COMPARE_EVERY: Duration = Duration::from_secs(1);
/// The most checks that run at once; what is above is left out and said in the log.
const CHECKS_MAX: usize = 1000;

/// Runs the checks of whatever watchbook is live until the engine stops.
pub async fn run(engine: Engine, samples: Store) {
    let Ok(client) = checks::client().inspect_err(|error| tracing::error!(%error, "health checks cannot run")) else {
        return;
    };
    let mut running: BTreeMap<RuleName, (kernel::book::Check, JoinHandle<()>)> = BTreeMap::new();
    let mut ticks = tokio::time::interval(COMPARE_EVERY);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = engine.stopped() => break,
        }
        let book = engine.book();
        running.retain(|name, (check, task)| {
            let same = book.checks.get(name) == Some(check);
            if !same {
                task.abort();
            }
            same
        });
        for (name, check) in book.checks.iter().take(CHECKS_MAX) {
            if !running.contains_key(name) {
                let task = watch(engine.clone(), client.clone(), samples.clone(), name.clone(), check.clone());
                running.insert(name.clone(), (check.clone(), tokio::spawn(task)));
            }
        }
    }
    running.into_values().for_each(|(_, task)| task.abort());
}

async fn watch(engine: Engine, client: reqwest::Client, samples: Store, name: RuleName, check: kernel::book::Check) {
    let actor = Actor::system("signals");
    let mut ticks = tokio::time::interval(check.every.std().max(Duration::from_secs(1)));
    loop {
        ticks.tick().await;
        let found = checks::check(&client, &check).await;
        if let Err(failure) = samples.push(&measured(&engine, &name, &check, &found), engine.now()) {
            tracing::warn!(%failure, check = %name, "what a health check measured could not be kept");
        }
        let command = signals::Command::Checked {
            check: name.clone(),
            healthy: found.healthy,
            reason: found.reason,
            latency_ms: found.latency_ms,
        };
        if let Err(error) = engine.ask(&actor, command).await {
            tracing::warn!(%error, check = %name, "what a health check found could not be recorded");
        }
    }
}

/// A check's result as samples, so that any rule can use it.
fn measured(engine: &Engine, name: &RuleName, check: &kernel::book::Check, found: &checks::CheckResult) -> Vec<Sample> {
    let sample = |metric: &str, value: f64| {
        let pairs = [(METRIC_NAME, metric), ("check", name.as_str()), ("service", check.service.as_str())];
        let series = Labels::from_pairs(pairs).ok()?;
        Some(Sample { series, at: engine.now(), value })
    };
    let up = if found.healthy { 1.0 } else { 0.0 };
    let seconds = f64::from(found.latency_ms) / 1000.0;
    [sample("check_up", up), sample("check_seconds", seconds)].into_iter().flatten().collect()
}
