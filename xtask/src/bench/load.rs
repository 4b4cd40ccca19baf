//! Load: prepared requests sent as fast as answers come (closed loop), or by the clock whatever comes back (open loop).

use super::Measured;
use super::http::Door;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long one answer may take before the bench gives up.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// How long an answer may take in an open loop before its connection is given up.
const OPEN_LOOP_PATIENCE: Duration = Duration::from_secs(60);
/// How long before the first request of an open loop its schedule begins.
const RUN_UP: Duration = Duration::from_millis(50);

/// What a closed loop saw.
#[derive(Debug)]
pub struct Blast {
    /// From the first request to the last answer.
    pub elapsed: Duration,
    /// Time of each request, sorted.
    pub times: Vec<Duration>,
    /// When each request was sent, in the order in which they were given.
    pub sent: Vec<Instant>,
}

/// Sends every request once over `connections` connections, each waiting for its answer; all must be 2xx.
pub fn blast(door: &Door, requests: &[Vec<u8>], connections: usize) -> Measured<Blast> {
    let next = AtomicUsize::new(0);
    let one = || -> Measured<Vec<(usize, Instant, Duration)>> {
        let mut connection = door.open(PATIENCE)?;
        let mut seen = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(request) = requests.get(index) else { return Ok(seen) };
            let sent = Instant::now();
            expect_success(connection.send(request)?.status)?;
            seen.push((index, sent, sent.elapsed()));
        }
    };
    let began = Instant::now();
    let mut seen = side_by_side(connections, |_| one())?.concat();
    let elapsed = began.elapsed();
    seen.sort_unstable();
    let mut times: Vec<Duration> = seen.iter().map(|(_, _, time)| *time).collect();
    times.sort_unstable();
    Ok(Blast { elapsed, times, sent: seen.into_iter().map(|(_, sent, _)| sent).collect() })
}

/// What an open loop saw.
#[derive(Debug)]
pub struct Paced {
    /// When each request was due.
    pub due: Vec<Instant>,
    /// How many requests had no good answer, or were not sent since their connection still waited for one.
    pub unanswered: usize,
}

/// Sends request `i` at `i / rate` seconds, over `connections` connections in turn. A connection that waits too long for
/// an answer sends no more: what it should have sent is lost, as it is for a client that gives up.
pub fn paced(door: &Door, requests: &[Vec<u8>], rate: f64, connections: usize) -> Measured<Paced> {
    let start = Instant::now() + RUN_UP;
    let due: Vec<Instant> = (0..requests.len()).map(|i| start + Duration::from_secs_f64(i as f64 / rate)).collect();
    let answered = side_by_side(connections, |lane| {
        let mut connection = door.open(OPEN_LOOP_PATIENCE)?;
        let mut answered = 0;
        for (request, due) in requests.iter().zip(&due).skip(lane).step_by(connections) {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let Ok(answer) = connection.send(request) else { break };
            expect_success(answer.status)?;
            answered += 1;
        }
        Ok(answered)
    })?;
    let answered: usize = answered.into_iter().sum();
    Ok(Paced { due, unanswered: requests.len() - answered })
}

/// Runs `work` on `count` threads and collects what each says, or the first error.
pub fn side_by_side<T: Send>(count: usize, work: impl Fn(usize) -> Measured<T> + Sync) -> Measured<Vec<T>> {
    thread::scope(|scope| {
        let lanes: Vec<_> = (0..count)
            .map(|lane| {
                let work = &work;
                scope.spawn(move || work(lane))
            })
            .collect();
        lanes.into_iter().map(|lane| lane.join().unwrap_or_else(|_| Err("a load thread panicked".into()))).collect()
    })
}

fn expect_success(status: u16) -> Measured {
    if status / 100 == 2 { Ok(()) } else { Err(format!("the server answered {status}").into()) }
}

/// The quantile `q` of sorted durations, in milliseconds; zero where there are none.
pub fn quantile(sorted: &[Duration], q: f64) -> f64 {
    let rank = (sorted.len() as f64 * q).ceil() as usize;
    sorted.get(rank.max(1) - 1).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::quantile;
    use std::time::Duration;

    #[test]
    fn quantiles_are_by_nearest_rank() {
        let times: Vec<Duration> = (1..=100).map(Duration::from_millis).collect();
        let cases = [(0.5, 50.0), (0.99, 99.0), (1.0, 100.0), (0.0, 1.0)];
        for (q, expected) in cases {
            assert_eq!(quantile(&times, q), expected);
        }
        assert_eq!(quantile(&[], 0.5), 0.0);
    }
}
