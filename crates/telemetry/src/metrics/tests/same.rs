//! A store whose selectors stand, and whose windows are kept, answers every query as one that resolves and decodes each time.

use promql::{Data, Options, SourceFailure, instant, parse};
use proptest::prelude::*;

use super::model::copied;
use super::*;
use crate::metrics::Standing;

/// Resolves and decodes: nothing stands in it, and it only knows how to select.
struct Plain(Store);

impl SeriesSource for Plain {
    fn select(&self, wanted: Wanted<'_>) -> Result<Vec<Series>, SourceFailure> {
        self.0.select(wanted)
    }
}

/// With the selectors that stand for each.
const QUERIES: [&str; 16] = [
    "x > 1",
    "1 < x",
    "x == bool 2",
    "x{g=\"a\"} != -(1 + 1)",
    "x{g=~\"a|b\"}",
    "{g=\"b\"}",
    "sum by (g) (x)",
    "topk(1, x)",
    "timestamp(x) > 0",
    "absent(x{g=\"c\"})",
    "x offset 30s",
    "x unless y > 1",
    "x / on (g) y",
    "rate(x[2m])",
    "max_over_time(x{g=\"a\"}[90s])",
    "count_over_time(x[1m:15s]) + last_over_time(y[5m])",
];

#[derive(Debug, Clone)]
enum Step {
    /// A value of a series so many seconds before now, which moves on by so many.
    Write {
        series: u8,
        value: u8,
        back: i64,
        on: i64,
    },
    /// The same selectors anew.
    Watch,
    Flush,
    /// Nothing is written for some time.
    Wait,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let write = (0..6_u8, 0..6_u8, prop_oneof![6 => Just(0_i64), 2 => 0..200_i64, 1 => -20..0_i64], 0..25_i64);
    prop_oneof![
        60 => write.prop_map(|(series, value, back, on)| Step::Write { series, value, back, on }),
        2 => Just(Step::Watch),
        2 => Just(Step::Flush),
        1 => Just(Step::Wait),
        1 => Just(Step::Restart),
    ]
}

/// Two stores that are told the same.
struct Both {
    dirs: [tempfile::TempDir; 2],
    fast: Store,
    plain: Plain,
    standing: Vec<Standing>,
    now: Millis,
}

impl Both {
    fn new() -> Self {
        let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let (fast, plain) = (opened(dirs[0].path()), Plain(opened(dirs[1].path())));
        Self { dirs, fast, plain, standing: Vec::new(), now: T0 }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Write { series, value, back, on } => {
                self.now += on * SECOND;
                let name = if series % 3 == 2 { "y" } else { "x" };
                let group = ["a", "b", "c"][usize::from(series / 2)];
                let pairs = [("__name__", name), ("g", group)];
                let value = if *value == 5 { f64::from_bits(STALE_BITS) } else { f64::from(*value) };
                let sample = [(&pairs[..], self.now - back * SECOND, value)];
                let (fast, plain) =
                    (write_at(&self.fast, self.now, &sample), write_at(&self.plain.0, self.now, &sample));
                assert_eq!(fast.tally, plain.tally);
            }
            Step::Watch => self.standing = self.watched(),
            Step::Flush => [&self.fast, &self.plain.0]
                .into_iter()
                .for_each(|store| assert_eq!(store.flush(self.now).unwrap().removed, 0)),
            Step::Wait => self.now += 400 * SECOND,
            Step::Restart => {
                let dirs = [copied(self.dirs[0].path()), copied(self.dirs[1].path())];
                (self.fast, self.plain) = (opened(dirs[0].path()), Plain(opened(dirs[1].path())));
                self.dirs = dirs;
                self.standing = self.watched();
            }
        }
    }

    fn watched(&self) -> Vec<Standing> {
        let exprs: Vec<_> = QUERIES.iter().map(|query| parse(query).unwrap()).collect();
        let reads = exprs.iter().flat_map(promql::ast::Expr::reads);
        reads.map(|(selector, window)| self.fast.watch_window(&selector.matchers, window).unwrap()).collect()
    }

    /// What both say at an instant, to the bit and in order.
    fn ask(&self, query: &str, at: Millis) -> [Vec<(String, u64)>; 2] {
        let expr = parse(query).unwrap();
        let answer = |source: &dyn SeriesSource| match instant(&expr, source, at, &Options::default()).unwrap().data {
            Data::Vector(all) => {
                all.iter().map(|(labels, point)| (labels.to_string(), point.value.float().unwrap().to_bits())).collect()
            }
            other => panic!("{query} gives {other:?}"),
        };
        [answer(&self.fast), answer(&self.plain)]
    }
}

fn opened(dir: &Path) -> Store {
    Store::open(dir, Settings { idle_after: 300 * SECOND, recent: 120 * SECOND, ..settings() }).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_store_that_stands_answers_as_one_that_does_not(steps in prop::collection::vec(step(), 1..120)) {
        let mut both = Both::new();
        for (number, step) in steps.iter().enumerate() {
            both.take(step);
            let query = QUERIES[number % QUERIES.len()];
            for at in [both.now, both.now - 45 * SECOND] {
                let [fast, plain] = both.ask(query, at);
                prop_assert_eq!(fast, plain, "{} at {} s", query, (at - T0) / SECOND);
            }
        }
        for query in QUERIES {
            let [fast, plain] = both.ask(query, both.now);
            prop_assert_eq!(fast, plain, "{}", query);
        }
    }
}

#[test]
fn a_window_that_is_kept_is_read_without_its_chunks_and_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let x: Pairs<'_> = &[("__name__", "x")];
    let standing = store.watch_window(&[is("__name__", "x")], 100 * SECOND).unwrap();
    for second in 0..500 {
        write(&store, &[(x, T0 + second * SECOND, second as f64)]);
    }
    let points = |from: Millis| select(&store, &[is("__name__", "x")], T0 + from * SECOND, Millis::MAX)[0].points.len();
    let bound = crate::metrics::RECENT_POINTS_MAX as Millis;
    assert_eq!((points(490), points(499 - bound), points(498 - bound)), (9, bound as usize, bound as usize + 1));
    drop(standing);
    store.tend(T0).unwrap();
    assert_eq!(points(490), 9);
}

#[test]
fn a_listener_hears_of_what_stands_and_of_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let heard = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let ear = Arc::clone(&heard);
    store.listen(Box::new(move || assert!(ear.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < 2)));
    let _standing = store.watch(&[is("__name__", "x")]).unwrap();
    write(&store, &[(&[("__name__", "x")], T0, 1.0)]);
    write(&store, &[(&[("__name__", "y")], T0, 1.0)]);
    assert_eq!(heard.load(std::sync::atomic::Ordering::Relaxed), 1);
}
