//! Every limit once, with its refusal, and that the others go on.

use super::*;

const A: Pairs<'static> = &[("__name__", "a")];

fn with(settings: Settings) -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), settings).unwrap();
    (dir, store)
}

fn only(appended: &Appended, reason: Reason, example: &str) {
    assert_eq!((appended.tally.refused(reason), appended.tally.refused_all()), (1, 1), "{appended}");
    assert_eq!(appended.example(reason), Some(example));
    assert_eq!(appended.to_string(), format!("1 {}, such as {example}", reason.words()));
}

#[test]
fn samples_out_of_their_time_are_refused() {
    let (_dir, store) = with(Settings { keep: 3_600 * SECOND, ..settings() });
    let now = T0 + 3_600 * SECOND;
    assert_eq!(
        write_at(&store, now, &[(&[("__name__", "long ago")], T0 - 1, 1.0)]).tally.kept,
        1,
        "its series has no newer one"
    );
    only(&write_at(&store, now, &[(A, now + 300 * SECOND + 1, 1.0)]), Reason::TooNew, "a");
    assert_eq!(write_at(&store, now, &[(A, T0, 1.0), (A, now, 2.0)]).tally.kept, 2);
    only(&write_at(&store, now, &[(A, now, 3.0)]), Reason::Conflict, "a");
    assert_eq!(write_at(&store, now, &[(A, now, 2.0)]).tally.duplicates, 1);
    only(&write_at(&store, now, &[(A, now - 600 * SECOND - 1, 3.0)]), Reason::TooOld, "a");
    assert_eq!(write_at(&store, now, &[(A, now - 600 * SECOND, 3.0)]).tally.late, 1);
    assert_eq!(write_at(&store, now, &[(A, now - 600 * SECOND, 3.0)]).tally.duplicates, 1);
    only(&write_at(&store, now, &[(A, now - 600 * SECOND, 4.0)]), Reason::Conflict, "a");
    assert_eq!(points(&store, "a"), [(0, 1.0), (3000, 3.0), (3600, 2.0)]);
    assert_eq!(store.stats().tally.refused_all(), 4);
}

#[test]
fn labels_that_make_no_set_are_refused() {
    let (_dir, store) = with(Settings { labels_per_series: 3, series_bytes: 100, ..settings() });
    let long = "x".repeat(100);
    let twice: Pairs<'_> = &[("__name__", "a"), ("b", "1"), ("b", "2")];
    let cases: [(Pairs<'_>, Reason, &str); 5] = [
        (twice, Reason::BadLabels, r#"a{b="2"}"#),
        (&[("", "a"), ("__name__", "a")], Reason::BadLabels, r#"a{="a"}"#),
        (&[("b", "1")], Reason::Unnamed, r#"{b="1"}"#),
        (&[("__name__", "a"), ("b", "1"), ("c", "1"), ("d", "1")], Reason::TooManyLabels, r#"a{b="1", c="1", d="1"}"#),
        (&[("__name__", "a"), ("b", &long)], Reason::LabelTooLong, &format!("a{{b={long:?}}}")),
    ];
    for (pairs, reason, example) in cases {
        only(&write(&store, &[(pairs, T0, 1.0)]), reason, example);
    }
    let mut appender = store.appender(T0).unwrap();
    appender.series(b"?", || Err("the label's value is not UTF-8"));
    appender.float(T0, 0, 1.0);
    only(&appender.finish().unwrap(), Reason::BadLabels, "the label's value is not UTF-8");
    assert_eq!((store.stats().series, store.stats().label_bytes), (0, 0));
}

#[test]
fn a_label_bomb_costs_its_sender_and_nobody_else() {
    let (_dir, store) = with(Settings { series: 50, values_per_name: 40, names: 10, ..settings() });
    let bomb = |name: &str, i: usize| {
        let value = i.to_string();
        write(&store, &[(&[("__name__", "bomb"), (name, &value)], T0, 1.0), (A, T0 + i as i64, 2.0)])
    };
    let (mut kept, mut refused) = (0, 0);
    for i in 0..5_000 {
        let appended = bomb("id", i);
        (kept, refused) = (kept + appended.tally.kept, refused + appended.tally.refused(Reason::OverValues));
    }
    assert_eq!((kept, refused, store.stats().series), (5_040, 4_960, 41));
    let bytes = store.stats().label_bytes;
    only(&bomb("id", 77), Reason::OverValues, r#"bomb{id="77"}"#);
    (0..9).for_each(|i| drop(bomb(&format!("n{i}"), 1)));
    only(&bomb("n9", 1), Reason::OverNames, r#"bomb{n9="1"}"#);
    (2..3).for_each(|i| drop(bomb("n1", i)));
    assert_eq!(store.stats().series, 50);
    only(&bomb("n1", 3), Reason::OverSeries, r#"bomb{n1="3"}"#);
    assert!(store.stats().label_bytes < bytes + 400, "{bytes}");
    assert_eq!(points(&store, "a").len(), 5_000);
}

#[test]
fn the_memory_for_labels_is_bounded() {
    let (_dir, store) = with(Settings { label_bytes: 30, ..settings() });
    let series = |value: &'static str| write(&store, &[(&[("__name__", value)], T0, 1.0)]);
    assert_eq!((series("abcdef").tally.kept, series("abcdefg").tally.kept), (1, 1));
    only(&series("c"), Reason::OverLabelBytes, "c");
}

#[test]
fn an_example_is_short_and_comes_once() {
    let (_dir, store) = with(Settings { series: 0, ..settings() });
    let long = "é".repeat(300);
    let pairs: Pairs<'_> = &[("__name__", "a"), ("b", &long)];
    let appended = write(&store, &[(A, T0, 1.0), (pairs, T0, 1.0)]);
    assert_eq!(appended.to_string(), "2 over the limit of series, such as a");
    let appended = write(&store, &[(pairs, T0, 1.0)]);
    assert!(appended.to_string().len() < 300 && appended.to_string().ends_with("é.."), "{appended}");
}

#[test]
fn a_query_over_too_many_samples_is_refused_with_their_number() {
    let (_dir, store) = with(Settings { query_samples: 150, ..settings() });
    let samples: Vec<_> = (0..100).map(|i| (A, T0 + i * SECOND, 1.0)).collect();
    write(&store, &samples);
    let everything = Wanted { matchers: &[is("__name__", "a")], after: Millis::MIN, until: Millis::MAX };
    assert_eq!(store.select(everything).unwrap()[0].points.len(), 100);
    store.flush(T0 + 100 * SECOND).unwrap();
    let samples: Vec<_> = (100..200).map(|i| (A, T0 + i * SECOND, 1.0)).collect();
    write(&store, &samples);
    let message = store.select(everything).unwrap_err().0;
    assert!(message.contains("200 samples") && message.contains("at most 150"), "{message}");
}

#[test]
fn many_keys_of_one_series_are_served_without_being_remembered() {
    let (_dir, store) = with(settings());
    let mut appender = store.appender(T0 + 99).unwrap();
    for i in 0..99_u8 {
        appender.series(&[i + 1], || Ok::<_, Infallible>(A.to_vec()));
        appender.float(T0 + i64::from(i), 0, 1.0);
    }
    assert_eq!(appender.finish().unwrap().tally.kept, 99);
    assert!(store.stats().label_bytes < 20);
}
