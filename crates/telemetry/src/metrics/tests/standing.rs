//! Standing selectors: what they see, and that they hear of what is written and of who comes and goes.

use super::*;
use crate::metrics::{Look, Seen, Standing, StandingId};

fn seen(standing: &Standing) -> (Look, Vec<(String, Millis, f64)>) {
    let mut points = Vec::new();
    let look = standing.look(|newest| {
        points.push((newest.labels.to_string(), newest.at - T0, newest.value.float().unwrap()));
    });
    (look, points)
}

fn written(store: &Store) -> Vec<StandingId> {
    let mut ids = Vec::new();
    store.take_written(&mut ids);
    ids
}

#[test]
fn a_standing_selector_sees_the_newest_points_and_hears_of_writes() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let (a, b): (Pairs<'_>, Pairs<'_>) = (&[("__name__", "x"), ("g", "a")], &[("__name__", "x"), ("g", "b")]);
    write(&store, &[(a, T0, 1.0)]);
    let one = store.watch(&[is("__name__", "x"), is("g", "a")]).unwrap();
    let both = store.watch(&[is("__name__", "x"), matches("g", "a|b")]).unwrap();
    let any = store.watch(&[matches("g", ".+")]).unwrap();
    let none = store.watch(&[is("g", "c")]).unwrap();
    assert_eq!(written(&store), [one.id(), both.id(), any.id(), none.id()]);
    assert_eq!(seen(&one).1, [(r#"x{g="a"}"#.to_owned(), 0, 1.0)]);
    assert!(!seen(&one).0.written);

    assert!(write(&store, &[(b, T0 + 5, 2.0)]).watched);
    let (look, points) = seen(&both);
    assert_eq!((look.generation, look.written, look.series), (2, true, 2));
    assert_eq!(points, [(r#"x{g="a"}"#.to_owned(), 0, 1.0), (r#"x{g="b"}"#.to_owned(), 5, 2.0)]);
    assert_eq!((seen(&one).0.generation, written(&store)), (1, vec![any.id()]));

    // A late sample is a write, but not the newest.
    write_at(&store, T0 + 9, &[(b, T0 + 3, 9.0)]);
    assert_eq!((written(&store), seen(&any).1.len()), (vec![both.id(), any.id()], 2));
    assert_eq!(seen(&any).1[1].1, 5);
    let window = both.window(T0, T0 + 4).unwrap();
    assert_eq!(window.iter().map(|s| s.points.as_slice()).collect::<Vec<_>>(), [[Point::float(T0 + 3, 9.0)]]);

    // Several at once see the same, and what is not of this store is passed over.
    let elsewhere = tempfile::tempdir().unwrap();
    let foreign = open(elsewhere.path()).watch(&[is("g", "a")]).unwrap();
    let (mut seen_at_once, mut ends) = (Vec::new(), Vec::new());
    store.look_at([&one, &foreign, &both], |place, what| match what {
        Seen::Point(newest) => seen_at_once.push((place, newest.at - T0)),
        Seen::End(look) => ends.push((place, look.series, look.written)),
    });
    assert_eq!((seen_at_once, ends), (vec![(0, 0), (2, 0), (2, 5)], vec![(0, 1, false), (2, 2, false)]));

    drop(any);
    store.tend(T0).unwrap();
    assert_eq!(store.stats().standing, 3);
    write(&store, &[(b, T0 + 7, 2.0)]);
    assert_eq!(written(&store), [both.id()]);
    assert!(!write(&store, &[(&[("__name__", "y")], T0 + 8, 2.0)]).watched);
}

#[test]
fn a_series_that_is_idle_leaves_and_its_place_is_taken_again() {
    let dir = tempfile::tempdir().unwrap();
    let store =
        Store::open(dir.path(), Settings { idle_after: 60 * SECOND, recent: 60 * SECOND, ..settings() }).unwrap();
    let (a, b, c): (Pairs<'_>, Pairs<'_>, Pairs<'_>) =
        (&[("__name__", "x"), ("g", "a")], &[("__name__", "x"), ("g", "b")], &[("__name__", "x"), ("g", "c")]);
    let standing = store.watch(&[is("__name__", "x")]).unwrap();
    write(&store, &[(a, T0, 1.0), (b, T0, 1.0)]);
    write(&store, &[(b, T0 + 100 * SECOND, 2.0)]);
    let before = standing.generation();
    assert_eq!(store.flush(T0 + 100 * SECOND).unwrap().idle, 1);
    assert!(standing.generation() > before && seen(&standing).0.written);
    assert_eq!(seen(&standing).1, [(r#"x{g="b"}"#.to_owned(), 100_000, 2.0)]);
    write(&store, &[(c, T0 + 101 * SECOND, 3.0), (b, T0 + 101 * SECOND, 4.0)]);
    write(&store, &[(a, T0 + 102 * SECOND, 5.0)]);
    let expected: [&[(Millis, f64)]; 3] = [&[(0, 1.0), (102, 5.0)], &[(0, 1.0), (100, 2.0), (101, 4.0)], &[(101, 3.0)]];
    for store in [store.clone(), open(dir.path())] {
        let found: Vec<Vec<_>> = all(&store)
            .into_iter()
            .map(|s| s.points.iter().map(|p| ((p.at - T0) / SECOND, p.value.float().unwrap())).collect())
            .collect();
        assert_eq!(found, expected);
        assert_eq!(store.stats().series, 3);
    }
}

#[test]
fn what_is_recent_is_read_without_the_disk_and_what_is_older_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let a: Pairs<'_> = &[("__name__", "x")];
    let standing = store.watch(&[is("__name__", "x")]).unwrap();
    (0..4_000).for_each(|s| drop(write(&store, &[(a, T0 + s * SECOND, s as f64)])));
    store.flush(T0 + 4_000 * SECOND).unwrap();
    write(&store, &[(a, T0 + 4_000 * SECOND, 4_000.0)]);
    let window = |from| standing.window(T0 + from * SECOND, Millis::MAX).unwrap()[0].points.len();
    assert!((900..1_100).contains(&store.stats().head_samples), "{:?}", store.stats());
    assert_eq!((window(3_100), window(3_999), window(10), window(-1)), (900, 1, 3_990, 4_001));
    assert_eq!(points(&store, "x").len(), 4_001);
    // What was kept does not go into the next block again.
    store.flush(T0 + 4_000 * SECOND).unwrap();
    assert_eq!((store.stats().block_samples, points(&store, "x").len()), (4_001, 4_001));
    let block = std::fs::read_dir(dir.path()).unwrap().flatten().find(|e| e.file_name() == "block-0000000001").unwrap();
    std::fs::write(block.path(), b"").unwrap();
    assert_eq!((window(3_100), store.troubles().len()), (900, 0));
    assert!((900..1_100).contains(&window(10)));
    assert_eq!(store.troubles().len(), 1);
}

#[test]
fn after_a_flush_and_a_start_the_newest_points_are_known_still() {
    let dir = tempfile::tempdir().unwrap();
    let a: Pairs<'_> = &[("__name__", "x")];
    let store = open(dir.path());
    write(&store, &[(a, T0, 1.0)]);
    store.flush(T0).unwrap();
    drop(store);
    let store = open(dir.path());
    let standing = store.watch(&[is("__name__", "x")]).unwrap();
    assert_eq!(seen(&standing).1, [("x".to_owned(), 0, 1.0)]);
    let again = write(&store, &[(a, T0, 1.0), (a, T0, 2.0)]).tally;
    assert_eq!((again.duplicates, again.refused(Reason::Conflict)), (1, 1));
    // A late sample first, in a new part of the log, does not become the newest.
    store.flush(T0 + SECOND).unwrap();
    write_at(&store, T0 + SECOND, &[(a, T0 - 5, 7.0)]);
    drop((store, standing));
    let store = open(dir.path());
    assert_eq!(seen(&store.watch(&[is("__name__", "x")]).unwrap()).1, [("x".to_owned(), 0, 1.0)]);
    assert_eq!(all(&store)[0].points, [Point::float(T0 - 5, 7.0), Point::float(T0, 1.0)]);
}
