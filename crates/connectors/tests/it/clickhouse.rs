//! Log events and spans out of ClickHouse's real engine: what was stored is what is read, whatever is in it.

use std::num::NonZeroU8;

use connectors::clickhouse::Reader;
use connectors::sources::Unanswered;
use kernel::book::SecretRef;
use kernel::book::source::{Source, SourceKind, Table, Tables};
use kernel::search::{LogsWanted, Place, TracesWanted};
use kernel::{Nanos, Seconds};
use testkit::clickhouse::{ClickHouse, PASSWORD, TABLES, USER};

const SECOND: Nanos = 1_000_000_000;
/// 2026-01-05T09:00:00Z
const NINE: Nanos = 1_767_603_600 * SECOND;

fn source(store: &ClickHouse, password: &std::path::Path) -> Source {
    let tables = Tables {
        database: "otel".into(),
        logs: "otel_logs".into(),
        traces: "otel_traces".into(),
        follow: Table::ALL.to_vec(),
        every: Seconds(1),
        lateness: Seconds(60),
    };
    Source {
        kind: SourceKind::ClickHouse(tables),
        url: store.url(),
        user: Some(USER.into()),
        secret: Some(SecretRef::File(password.display().to_string())),
        timeout: Seconds(30),
        at_once: NonZeroU8::MIN,
        rules: Vec::new(),
    }
}

async fn run(store: &ClickHouse, statement: &str) {
    let request = reqwest::Client::new().post(store.url()).body(statement.to_owned());
    let answer = request.header("X-ClickHouse-User", USER).header("X-ClickHouse-Key", PASSWORD).send().await.unwrap();
    let status = answer.status();
    assert!(status.is_success(), "{statement}: {}", answer.text().await.unwrap());
}

/// A store with the exporter's tables, and where its password is.
async fn open() -> Option<(ClickHouse, tempfile::TempDir, Source)> {
    let store = ClickHouse::open()?;
    for table in TABLES {
        run(&store, table).await;
    }
    let home = testkit::temp_dir();
    let password = home.path().join("password");
    std::fs::write(&password, PASSWORD).unwrap();
    let source = source(&store, &password);
    Some((store, home, source))
}

const LOGS: &str = r#"INSERT INTO otel.otel_logs (Timestamp, TraceId, SpanId, TraceFlags, SeverityText, SeverityNumber, ServiceName, Body,
    ResourceAttributes, ScopeName, LogAttributes) VALUES
    ('2026-01-05 09:00:00.000000001', '4BF92F3577B34DA6A3CE929D0E0E4736', '00f067aa0ba902b7', 1, 'ERROR', 17, 'shop', 'card ''refused''\twith a \\ and \n a line',
        map('service.name', 'shop', 'host', 'till-1'), 'pay', map('order.id', '17', 'note', 'it''s {text:String}')),
    ('2026-01-05 09:00:00.000000001', '00000000000000000000000000000000', '', 0, '', 0, 'shop', '{"message":"said","n":[1,2.5,null]}', map(), '', map()),
    ('2026-01-05 09:00:01', '', '', 0, 'WARN', 13, 'bank', unhex('ff41'), map('k', unhex('fe')), '', map()),
    ('2026-01-05 09:00:01', '', '', 0, 'INFO', 9, 'bank', 'twice', map(), '', map()),
    ('2026-01-05 09:00:01', '', '', 0, 'INFO', 9, 'bank', 'twice', map(), '', map())"#;

#[tokio::test]
async fn log_events_are_read_in_the_order_of_their_places_and_searched_for() {
    let Some((store, _home, source)) = open().await else { return };
    run(&store, LOGS).await;
    let reader = Reader::new().unwrap();
    let until = NINE + 3600 * SECOND;
    assert_eq!(
        reader.counts(&source, Table::Logs, NINE, until).await,
        Ok(vec![(1_767_603_600, 2), (1_767_603_601, 3)])
    );

    let (mut place, mut read) = (Place::at(NINE), std::collections::BTreeSet::new());
    loop {
        let page = reader.logs_from(&source, place, until, 2).await.unwrap();
        assert!(page.rows.iter().all(|(at, _)| *at >= place), "{page:?}");
        place = page.rows.last().map_or(place, |(at, _)| at.next());
        read.extend(page.rows.iter().map(|(place, _)| *place));
        if page.whole {
            break;
        }
    }
    let all = reader.logs_from(&source, Place::at(NINE), until, 100).await.unwrap();
    assert!(all.whole && all.rows.is_sorted_by_key(|(place, _)| *place), "{all:?}");
    let texts: std::collections::BTreeSet<String> = all.rows.iter().map(|(_, event)| event.body.to_string()).collect();
    assert_eq!(texts.len(), 4, "{texts:?}");
    assert_eq!(all.rows.len(), 5, "what is there twice is read twice");
    assert_eq!(all.rows.iter().map(|(place, _)| *place).collect::<std::collections::BTreeSet<_>>(), read);
    assert_eq!(read.len(), 4, "and has one place");

    let card = &all.rows.iter().find(|(_, event)| event.severity == 17).unwrap().1;
    assert_eq!(card.body.text(), Some("card 'refused'\twith a \\ and \n a line"));
    assert_eq!(
        (&*card.trace, &*card.span, card.at),
        ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", NINE + 1)
    );
    assert_eq!((card.origin.service(), &*card.origin.scope), ("shop", "pay"));
    let other = &all.rows.iter().find(|(_, event)| event.severity == 0).unwrap().1;
    assert_eq!((&*other.line(), &*other.trace, other.origin.service()), ("said", "", "shop"));
    let bytes = &all.rows.iter().find(|(_, event)| event.severity == 13).unwrap().1;
    assert_eq!(bytes.body.text(), Some("\u{fffd}A"));

    let any = LogsWanted { from: NINE, until, limit: 10, ..LogsWanted::default() };
    let attribute = |name: &str, value: Option<&str>| Some((name.to_owned(), value.map(str::to_owned)));
    let cases = [
        (any.clone(), 5),
        (LogsWanted { service: Some("shop".into()), ..any.clone() }, 2),
        (LogsWanted { service: Some("' OR 1=1 --".into()), ..any.clone() }, 0),
        (LogsWanted { severity: 13, ..any.clone() }, 2),
        (LogsWanted { text: "REFUSED'\tWITH A \\ AND \n".into(), ..any.clone() }, 1),
        (LogsWanted { text: "{text:String}".into(), ..any.clone() }, 1),
        (LogsWanted { text: "%".into(), ..any.clone() }, 0),
        (LogsWanted { attribute: attribute("order.id", Some("17")), ..any.clone() }, 1),
        (LogsWanted { attribute: attribute("host", None), ..any.clone() }, 1),
        (LogsWanted { attribute: attribute("host", Some("")), ..any.clone() }, 0),
        (LogsWanted { until: NINE + 5, ..any.clone() }, 2),
    ];
    for (wanted, found) in cases {
        let page = reader.logs(&source, &wanted).await.unwrap();
        assert_eq!(page.rows.len(), found, "{wanted:?}");
        assert!(page.rows.is_sorted_by(|(a, _), (b, _)| a.at >= b.at));
    }
    let volume = reader.volume(&source, &LogsWanted { until: NINE + 2 * SECOND, ..any }, 2).await.unwrap();
    assert_eq!(volume, [[1, 0, 1], [0, 1, 2]]);
}

const SPANS: &str = r#"INSERT INTO otel.otel_traces (Timestamp, TraceId, SpanId, ParentSpanId, SpanName, SpanKind, ServiceName, ResourceAttributes,
    SpanAttributes, Duration, StatusCode, StatusMessage, `Events.Timestamp`, `Events.Name`, `Events.Attributes`,
    `Links.TraceId`, `Links.SpanId`, `Links.TraceState`, `Links.Attributes`) VALUES
    ('2026-01-05 09:00:00', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', '1111111111111111', '', 'POST /orders', 'Server', 'shop', map('service.name', 'shop'),
        map('http.route', '/orders'), 250000000, 'Unset', '', ['2026-01-05 09:00:00.1', '2026-01-05 09:00:00.2'], ['one', 'two'],
        [map('a', 'b'), map()], ['bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb'], ['3333333333333333'], [''], [map('why', 'so')]),
    ('2026-01-05 09:00:00.05', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', '2222222222222222', '1111111111111111', 'pay', 'SPAN_KIND_CLIENT', 'bank', map(),
        map(), 100000000, 'STATUS_CODE_ERROR', 'no money', [], [], [], [], [], [], []),
    ('2026-01-05 09:00:02', 'it''s\\strange', '', '', 'odd', '', '', map(), map(), 5, '', '', [], [], [], [], [], [], [])"#;

#[tokio::test]
async fn spans_are_read_and_traces_searched_for() {
    let Some((store, _home, source)) = open().await else { return };
    run(&store, SPANS).await;
    let reader = Reader::new().unwrap();
    let until = NINE + 3600 * SECOND;
    let page = reader.spans_from(&source, Place::at(NINE), until, 10).await.unwrap();
    let [(_, root), (_, paid), (_, odd)] = &page.rows[..] else { panic!("{page:?}") };
    assert_eq!((root.kind, root.status, root.duration(), root.events.len()), (2, 0, 250_000_000, 2));
    assert_eq!((root.events[1].at, &*root.events[1].name), (NINE + 200_000_000, "two"));
    assert_eq!(root.events[0].attributes[0].1.text(), Some("b"));
    assert_eq!((&*root.links[0].span, root.links[0].attributes.len()), ("3333333333333333", 1));
    assert_eq!((paid.kind, paid.status, &*paid.status_message, paid.origin.service()), (3, 2, "no money", "bank"));
    assert_eq!((&*odd.trace, odd.origin.service()), ("it's\\strange", ""));

    let any = TracesWanted { from: 0, until: Nanos::MAX, limit: 10, ..TracesWanted::default() };
    let cases = [
        (any.clone(), 2),
        (TracesWanted { service: Some("bank".into()), failed: true, ..any.clone() }, 1),
        (TracesWanted { service: Some("shop".into()), failed: true, ..any.clone() }, 0),
        (TracesWanted { operation: Some("post /".into()), ..any.clone() }, 1),
        (TracesWanted { took: 250_000_001, ..any.clone() }, 0),
        (TracesWanted { attribute: Some(("http.route".into(), Some("/orders".into()))), ..any.clone() }, 1),
    ];
    for (wanted, found) in cases {
        assert_eq!(reader.traces(&source, &wanted).await.unwrap().len(), found, "{wanted:?}");
    }
    let listed = reader.traces(&source, &any).await.unwrap();
    assert_eq!(listed[0].trace, "it's\\strange", "the newest first");
    let line = &listed[1];
    assert_eq!((&*line.name, &*line.service, line.spans, line.failed, line.matched), ("POST /orders", "shop", 2, 1, 2));
    assert_eq!((line.end - line.start, line.services.len()), (250_000_000, 2));
    let trace = reader.trace(&source, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 10).await.unwrap();
    assert!(trace.whole && trace.rows.len() == 2);
    assert!(!reader.trace(&source, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 1).await.unwrap().whole);
}

#[tokio::test]
async fn what_the_store_says_against_it_is_told() {
    let Some((mut store, home, mut source)) = open().await else { return };
    let reader = Reader::new().unwrap();
    let asked = async |source: &Source| reader.counts(source, Table::Logs, 0, NINE).await;
    assert_eq!(asked(&source).await, Ok(Vec::new()));
    store.stop();
    let Err(Unanswered::Failed(why)) = asked(&source).await else { panic!("an outage passes") };
    assert!(why.starts_with("no connection") || why.starts_with("the answer broke off"), "{why}");
    store.start();
    assert_eq!(asked(&source).await, Ok(Vec::new()));

    std::fs::write(home.path().join("password"), "guessed-wrongly").unwrap();
    let Err(Unanswered::Refused(why)) = asked(&source).await else { panic!("a wrong password does not pass") };
    assert!(why.contains("Authentication failed") && !why.contains("guessed"), "{why}");
    std::fs::write(home.path().join("password"), PASSWORD).unwrap();
    if let SourceKind::ClickHouse(tables) = &mut source.kind {
        tables.logs = "nothing_here".into();
    }
    let Err(Unanswered::Refused(why)) = asked(&source).await else { panic!("there is no such table") };
    assert!(why.starts_with("status 404 Not Found: Code: 60. DB::Exception"), "{why}");
}
