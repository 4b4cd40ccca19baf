//! The seven scenarios. Each tells what happens, and answers with what was lost or repeated.

use super::{End, Stage};
use crate::bench::Measured;
use crate::bench::alerts::Maker;
use crate::bench::hook::Page;
use crate::bench::machine;
use std::collections::{BTreeMap, BTreeSet};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What was counted, how much, and what it should be at most.
pub type Reading = (&'static str, f64, Option<f64>);

/// A scenario.
pub struct Scenario {
    /// What happens.
    pub tells: &'static str,
    /// How long a group waits before it pages.
    pub group_wait: Duration,
    /// How long a group waits before it tells what changed, also that an alert is over.
    pub group_interval: Duration,
    /// Plays it.
    pub play: fn(&mut Stage, End) -> Measured<Vec<Reading>>,
}

/// What Alertmanager does by itself.
const LONG: Duration = Duration::from_secs(300);
/// Short enough to see an alert's end within the scenario.
const SHORT: Duration = Duration::from_secs(5);

/// Scenarios in which the process ends.
pub const ENDING: [Scenario; 5] = [
    Scenario {
        tells: "K1: 100 alerts accepted, end inside group_wait",
        group_wait: Duration::from_secs(10),
        group_interval: LONG,
        play: accepted,
    },
    Scenario {
        tells: "K2: 10 silences made, end 3 s later",
        group_wait: Duration::ZERO,
        group_interval: LONG,
        play: silenced,
    },
    Scenario {
        tells: "K3: 50 pages sent, end, sent again",
        group_wait: Duration::ZERO,
        group_interval: LONG,
        play: resent,
    },
    Scenario {
        tells: "K4: 50 paged, end, then resolved",
        group_wait: Duration::ZERO,
        group_interval: SHORT,
        play: resolved,
    },
    Scenario {
        tells: "K5: 20 pages refused with 503, end, well again",
        group_wait: Duration::ZERO,
        group_interval: LONG,
        play: refused,
    },
];

/// Scenarios in which it lasts and the receiver fails.
pub const LASTING: [Scenario; 2] = [
    Scenario {
        tells: "K6: receiver says 503 for 60 s",
        group_wait: Duration::ZERO,
        group_interval: LONG,
        play: unavailable,
    },
    Scenario {
        tells: "K7: receiver says 429 for 40 s",
        group_wait: Duration::ZERO,
        group_interval: LONG,
        play: throttled,
    },
];

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long pages may take to come after a restart or a recovery.
const WAIT: Duration = Duration::from_secs(60);
/// How long something that must not come is waited for.
const WATCH: Duration = Duration::from_secs(8);

fn accepted(stage: &mut Stage, end: End) -> Measured<Vec<Reading>> {
    send(stage, &Maker::firing(), 100)?;
    stage.restart(end)?;
    let visible = count(stage, "/api/v2/alerts")?;
    let paged = stage.hook.wait_for(100, false, WAIT);
    Ok(vec![
        lost("alerts lost", 100, visible),
        lost("pages lost", 100, paged),
        ("repeated", repeated(stage, false), Some(0.0)),
    ])
}

fn silenced(stage: &mut Stage, end: End) -> Measured<Vec<Reading>> {
    let (starts, ends) = (machine::now(), machine::now() + jiff::SignedDuration::from_hours(1));
    for number in 0..10 {
        let body = format!(
            r#"{{"matchers":[{{"name":"seq","value":"s{number}","isRegex":false,"isEqual":true}}],"startsAt":"{starts:.3}","endsAt":"{ends:.3}","createdBy":"bench","comment":"crash"}}"#
        );
        stage.server()?.door.post("/api/v2/silences", &body, PATIENCE)?;
    }
    sleep(Duration::from_secs(3));
    stage.restart(end)?;
    let left = count(stage, "/api/v2/silences")?;
    send(stage, &Maker::firing(), 10)?;
    sleep(WATCH);
    Ok(vec![
        lost("silences lost", 10, left),
        ("silenced alerts that page", stage.hook.first_taken(false).len() as f64, Some(0.0)),
    ])
}

fn resent(stage: &mut Stage, end: End) -> Measured<Vec<Reading>> {
    let maker = Maker::firing();
    send(stage, &maker, 50)?;
    let paged = stage.hook.wait_for(50, false, WAIT);
    stage.restart(end)?;
    send(stage, &maker, 50)?;
    sleep(WATCH);
    Ok(vec![lost("pages lost", 50, paged), ("repeated", repeated(stage, false), Some(0.0))])
}

fn resolved(stage: &mut Stage, end: End) -> Measured<Vec<Reading>> {
    let maker = Maker::firing();
    send(stage, &maker, 50)?;
    stage.hook.wait_for(50, false, WAIT);
    stage.restart(end)?;
    send(stage, &maker.resolved(), 50)?;
    let told = stage.hook.wait_for(50, true, WAIT);
    Ok(vec![lost("resolves lost", 50, told), ("repeated", repeated(stage, true), Some(0.0))])
}

fn refused(stage: &mut Stage, end: End) -> Measured<Vec<Reading>> {
    stage.hook.set_mood(503);
    send(stage, &Maker::firing(), 20)?;
    let deadline = Instant::now() + WAIT;
    while stage.hook.requests() < 40 && Instant::now() < deadline {
        sleep(Duration::from_millis(100));
    }
    stage.restart(end)?;
    stage.hook.set_mood(200);
    let paged = stage.hook.wait_for(20, false, WAIT);
    Ok(vec![lost("pages lost", 20, paged), ("repeated", repeated(stage, false), Some(0.0))])
}

fn unavailable(stage: &mut Stage, _: End) -> Measured<Vec<Reading>> {
    recovery(stage, 503, Duration::from_secs(60))
}

fn throttled(stage: &mut Stage, _: End) -> Measured<Vec<Reading>> {
    recovery(stage, 429, Duration::from_secs(40))
}

/// The receiver refuses for a while; says how many of five pages came after it was well again, and how soon.
fn recovery(stage: &mut Stage, status: u16, bad_for: Duration) -> Measured<Vec<Reading>> {
    stage.hook.set_mood(status);
    send(stage, &Maker::firing(), 5)?;
    sleep(bad_for);
    stage.hook.set_mood(200);
    let well = Instant::now();
    let paged = stage.hook.wait_for(5, false, WAIT);
    let mut readings = vec![lost("pages lost within 60 s", 5, paged)];
    let came: Vec<f64> =
        stage.hook.first_taken(false).values().map(|at| at.saturating_duration_since(well).as_secs_f64()).collect();
    if let (Some(first), Some(last)) = (came.iter().copied().reduce(f64::min), came.iter().copied().reduce(f64::max)) {
        readings.push(("first page after recovery, s", first, None));
        readings.push(("last page after recovery, s", last, None));
    }
    Ok(readings)
}

fn send(stage: &Stage, maker: &Maker, alerts: u64) -> Measured {
    stage.server()?.door.post("/api/v2/alerts", &maker.batch(0, alerts), PATIENCE)?;
    Ok(())
}

fn count(stage: &Stage, path: &str) -> Measured<usize> {
    let answer = stage.server()?.door.get(path, PATIENCE)?;
    let list: serde_json::Value = serde_json::from_slice(&answer.body)?;
    Ok(list.as_array().ok_or_else(|| format!("GET {path}: not a list"))?.len())
}

fn lost(name: &'static str, expected: usize, there: usize) -> Reading {
    (name, expected.saturating_sub(there) as f64, Some(0.0))
}

/// Pages that were taken again without the idempotency key of the first.
fn repeated(stage: &Stage, resolved: bool) -> f64 {
    again(stage.hook.pages().into_iter().filter(|page| page.resolved == resolved)) as f64
}

fn again(pages: impl Iterator<Item = Page>) -> usize {
    let mut keys: BTreeMap<String, BTreeSet<Option<String>>> = BTreeMap::new();
    let mut again = 0;
    for page in pages {
        let known = keys.entry(page.seq).or_default();
        let same_key = page.key.is_some() && known.contains(&page.key);
        if !known.is_empty() && !same_key {
            again += 1;
        }
        known.insert(page.key);
    }
    again
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_with_the_first_ones_key_is_not_a_repetition() {
        let page = |seq: &str, key: Option<&str>| Page {
            seq: seq.to_owned(),
            resolved: false,
            key: key.map(str::to_owned),
            at: Instant::now(),
            status: 200,
        };
        let count = |pages: &[(&str, Option<&str>)]| again(pages.iter().map(|(seq, key)| page(seq, *key)));
        assert_eq!(count(&[("s1", None), ("s2", None)]), 0);
        assert_eq!(count(&[("s1", None), ("s1", None)]), 1);
        assert_eq!(count(&[("s1", Some("a")), ("s1", Some("a"))]), 0);
        assert_eq!(count(&[("s1", Some("a")), ("s1", Some("b")), ("s1", Some("a"))]), 1);
    }
}
