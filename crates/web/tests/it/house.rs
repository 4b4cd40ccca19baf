//! A small organisation with a server, and a client for each way in.

use std::path::Path;
use std::sync::{Arc, Mutex};

use connectors::otlp::{Number, Plain};
use engine::patterns::PatternWatch;
use engine::records::Records;
use engine::ruler::{Ruler, SeriesStore, Watch};
use engine::sigma::SigmaWatch;
use engine::tap::LogTap;
use engine::{Engine, Parts, Read};
use kernel::port::{Deliver, JournalStore, SampleSource};
use kernel::sample::{Sample, Window};
use kernel::{Actor, Area, Book, Matcher, Seconds, Seq, Timestamp};
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;
use telemetry::blocks::{Blocks, Limits, Taken};
use telemetry::metrics::{Settings, Store};
use testkit::{FakeWorld, MemoryStore, SeededChance, VirtualClock};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use web::{AppState, Refused, Sinks, Stores, WebConfig};

/// Everything that the tests' own token may do.
const SCOPES: [&str; 13] = [
    "alerts:read",
    "alerts:write",
    "signals:read",
    "signals:write",
    "incidents:read",
    "incidents:write",
    "comms:read",
    "comms:write",
    "learning:read",
    "learning:write",
    "journal:read",
    "governance:read",
    "watchbook:read",
];

/// Everything that a test holds.
pub struct House {
    pub engine: Engine,
    pub clock: VirtualClock,
    pub state: AppState,
    pub samples: Arc<Mutex<Vec<Sample>>>,
    pub histograms: Arc<Mutex<Vec<(promql::Labels, promql::Point)>>>,
    pub url: String,
    pub token: String,
    pub world: Arc<FakeWorld>,
    store: Arc<MemoryStore>,
    client: reqwest::Client,
    server: JoinHandle<()>,
    pub data: tempfile::TempDir,
}

impl Drop for House {
    fn drop(&mut self) {
        self.server.abort();
    }
}

struct NoSamples;

impl SampleSource for NoSamples {
    fn windows(&self, _: &str, _: &[Matcher], _: Timestamp, _: Timestamp) -> Vec<Window> {
        Vec::new()
    }
}

impl House {
    /// A house with an empty journal, at the system's own time, because clients of others send theirs.
    pub async fn open() -> Self {
        #[expect(clippy::disallowed_methods, reason = "a client of another program compares our clock with its own")]
        let now = Timestamp::now();
        let (clock, store) = (VirtualClock::at(&now.to_string()), Arc::new(MemoryStore::new()));
        let world = Arc::new(FakeWorld::new());
        let engine = Engine::start(parts(&store, &world, &clock)).await.unwrap();
        let samples = Arc::new(Mutex::new(Vec::new()));
        let data = tempfile::tempdir().unwrap();
        let mut state = state(&engine, &samples, data.path());
        let histograms = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&histograms);
        state.sinks.histograms = Arc::new(move |taken| {
            kept.lock().unwrap().extend(taken);
            Ok(Refused::default())
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = web::app(state.clone());
        let server = tokio::spawn(web::listen::serve(listener, app, web::listen::Bounds::default()));
        let token = issue(&engine, "tester", &SCOPES).await;
        issue(&engine, web::doors::caller::LOCAL, &["alerts:write", "alerts:read", "signals:write"]).await;
        Self {
            engine,
            clock,
            state,
            samples,
            histograms,
            url,
            token,
            world,
            store,
            client: reqwest::Client::new(),
            server,
            data,
        }
    }

    /// Another engine over the same journal, after this one was stopped.
    pub async fn again(&self) -> Engine {
        Engine::start(parts(&self.store, &self.world, &self.clock)).await.unwrap()
    }

    /// The journal under it all.
    pub fn store(&self) -> &MemoryStore {
        &self.store
    }

    /// A request to a path, without a token.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// Asks our own API.
    pub async fn api(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let mut request = self.request(method, &format!("/api/v1{path}")).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        answer(request.send().await.unwrap()).await
    }

    /// Reads from our own API what must be there.
    pub async fn get(&self, path: &str) -> Value {
        let (status, value) = self.api(Method::GET, path, None).await;
        assert_eq!(status, StatusCode::OK, "{path}: {value}");
        value
    }

    /// Asks our own API for something that must be done.
    pub async fn post(&self, path: &str, body: Value) -> Value {
        let (status, value) = self.api(Method::POST, path, Some(body)).await;
        assert_eq!(status, StatusCode::OK, "{path}: {value}");
        value
    }

    /// Posts to a door as a program on this machine.
    pub async fn door(&self, path: &str, body: impl Into<reqwest::Body>) -> (StatusCode, Value) {
        answer(self.request(Method::POST, path).body(body).send().await.unwrap()).await
    }

    /// Reads from a door as a program on this machine.
    pub async fn look(&self, path: &str) -> Value {
        let (status, value) = answer(self.request(Method::GET, path).send().await.unwrap()).await;
        assert_eq!(status, StatusCode::OK, "{path}: {value}");
        value
    }

    /// Lets time pass and everything that is due be decided.
    pub async fn pass(&self, time: Seconds) {
        self.clock.advance(time);
        self.engine.wake().await.unwrap();
    }

    /// Waits until every message that was asked for has its answer in the journal.
    pub async fn settle(&self) {
        let (actor, mut changes) = (Actor::system("test"), self.engine.watch());
        let waiting = || {
            let count = |world: &engine::World| {
                let pages = <alerts::Alerts as Area>::outstanding(&world.alerts, &world.book);
                pages.len() + <comms::Comms as Area>::outstanding(&world.comms, &world.book).len()
            };
            self.engine.read(&actor, Read::of("alerts:read"), count).unwrap()
        };
        while waiting() > 0 {
            changes.changed().await.unwrap();
        }
    }

    /// The place of the next fact.
    pub fn next(&self) -> Seq {
        self.engine.read(&Actor::system("test"), Read::of("alerts:read"), |world| world.next).unwrap()
    }
}

fn parts(store: &Arc<MemoryStore>, world: &Arc<FakeWorld>, clock: &VirtualClock) -> Parts {
    Parts {
        store: Arc::clone(store) as Arc<dyn JournalStore>,
        deliver: Arc::clone(world) as Arc<dyn Deliver>,
        samples: Arc::new(NoSamples),
        clock: Arc::new(clock.clone()),
        chance: Arc::new(SeededChance::new(1)),
        book: book(),
        signing_seed: [1; 32],
        origin: "test.example/journal".into(),
        link_secret: [2; 32],
        base_url: "http://watch.example".into(),
        holder: "test".into(),
    }
}

/// The status of an answer and its JSON, `null` when there is none.
pub async fn answer(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

/// Issues a token and gives its text.
pub async fn issue(engine: &Engine, name: &str, scopes: &[&str]) -> String {
    let token = governance::token::new(name, &[7; 32]);
    let expires = Seconds::hours(1000).after(engine.now());
    let scopes = scopes.iter().map(|scope| (*scope).into()).collect();
    let command = governance::Command::IssueToken { name: name.into(), scopes, expires };
    engine.ask(&Actor::system("test"), command).await.unwrap();
    let digest = governance::token::digest(&token).to_string();
    engine.vault().vault_put("token", name, digest.as_bytes(), Some(expires)).await.unwrap();
    token
}

/// Far enough ahead that no record of a test is too new.
const NOW: kernel::Nanos = 4_000_000_000_000_000_000;

fn told(taken: Taken) -> Refused {
    Refused { count: taken.refused(), why: taken.reason() }
}

/// Series that nobody holds: the tests of rules at work are the engine's.
struct NoSeries;

impl promql::SeriesSource for NoSeries {
    fn select(&self, _: promql::Wanted<'_>) -> Result<Vec<promql::Series>, promql::SourceFailure> {
        Ok(Vec::new())
    }
}

impl SeriesStore for NoSeries {
    fn write(&self, _: Vec<(promql::Labels, promql::Point)>, _: Timestamp) -> Result<(), String> {
        Ok(())
    }
    fn watch(&self, _: &[promql::ast::Matcher], _: promql::Millis) -> Option<Watch> {
        None
    }
    fn take_written(&self) -> Vec<u32> {
        Vec::new()
    }
}

/// Empty stores in a directory of their own.
fn stores(engine: &Engine, data: &Path) -> Stores {
    Stores {
        metrics: Store::open(&data.join("metrics"), Settings::default()).unwrap(),
        logs: Arc::new(Blocks::open(data, Limits::default()).unwrap().0),
        spans: Arc::new(Blocks::open(data, Limits::default()).unwrap().0),
        ruler: Arc::new(Ruler::new(engine.clone(), Arc::new(NoSeries))),
        sigma: Arc::new(SigmaWatch::new(engine.clone(), &LogTap::default())),
        patterns: Arc::new(PatternWatch::new(engine.clone(), Arc::new(NoSeries))),
        targets: Arc::default(),
        records: Arc::new(Records::new(engine.clone())),
    }
}

fn state(engine: &Engine, samples: &Arc<Mutex<Vec<Sample>>>, data: &Path) -> AppState {
    let config = WebConfig {
        base_url: "http://watch.example".into(),
        trust_loopback: true,
        cookie_secure: false,
        version: "1.2.3".into(),
    };
    let kept = Arc::clone(samples);
    let sink = move |taken: Vec<Sample>| {
        let (good, bad): (Vec<_>, Vec<_>) = taken.into_iter().partition(|sample| sample.value >= 0.0);
        kept.lock().unwrap().extend(good);
        let why = if bad.is_empty() { String::new() } else { "below zero".to_owned() };
        Ok(Refused { count: bad.len() as u64, why })
    };
    let sink: web::Sink<Sample> = Arc::new(sink);
    let stores = stores(engine, data);
    let (logs, spans, patterns) = (Arc::clone(&stores.logs), Arc::clone(&stores.spans), Arc::clone(&stores.patterns));
    let sinks = Sinks {
        numbers: Arc::new(Named(Arc::clone(&sink))),
        samples: sink,
        histograms: Arc::new(|_| Ok(Refused::default())),
        logs: Arc::new(move |events| {
            patterns.hear(&events, 0);
            Ok(told(logs.push(events, NOW).unwrap()))
        }),
        spans: Arc::new(move |events| Ok(told(spans.push(events, NOW).unwrap()))),
    };
    AppState::new(engine.clone(), config, sinks, stores)
}

/// Knows no key, and so gives every number on as a sample.
struct Named(web::Sink<Sample>);

impl web::Numbers for Named {
    fn unknown(&self, plain: &Plain<'_>) -> Result<Vec<usize>, String> {
        Ok((0..plain.len()).collect())
    }

    fn keep(&self, plain: &Plain<'_>) -> Result<Refused, String> {
        let sample = |number: Number<'_>| {
            let at = Timestamp::from_millisecond(number.at).unwrap();
            Sample { series: number.labels.unwrap().clone(), at, value: number.value }
        };
        (self.0)(plain.numbers().map(sample).collect())
    }
}

/// The files of the tests' watchbook.
const FILES: [(&str, &str); 15] = [
    ("watchkeeper.yaml", "organisation: Test <Shop>\n"),
    ("services.yaml", "checkout: { title: Checkout, owner: shop, tier: 1, function: taking orders }\n"),
    ("teams.yaml", "shop: { title: Shop, members: [ada, bruno], policy: shop }\n"),
    (
        "people.yaml",
        "ada: { title: Ada, time_zone: Europe/Berlin, contacts: [ { mail: ada@shop.example } ], roles: [commander] }\n\
         bruno: { title: Bruno, time_zone: UTC, contacts: [ { mail: bruno@shop.example } ], roles: [responder] }\n\
         carl: { title: Carl, time_zone: UTC, contacts: [ { mail: carl@shop.example } ] }\n\
         dora: { title: Dora, time_zone: UTC, contacts: [ { mail: dora@shop.example } ], roles: [responder] }\n",
    ),
    (
        "access/carl.cedar",
        r#"@id("carl-may-log-in") forbid (principal == Person::"carl", action, resource) unless { context.action == "governance:session" };
           @id("dora-reads-no-incidents") forbid (principal == Person::"dora", action == Action::"incidents:read", resource);"#,
    ),
    ("channels.yaml", "mail: { kind: email, url: 'smtp://127.0.0.1:25', from: watch@shop.example }\n"),
    (
        "schedules.yaml",
        "primary: { title: Primary, time_zone: UTC, layers: [ { people: [ada, bruno], start: 2026-01-05 09:00, turn: 1w } ] }\n",
    ),
    (
        "policies.yaml",
        "shop: { title: Shop, steps: [ { page: [ { schedule: primary } ], wait: 5m } ] }\n\
         late: { title: Late, steps: [ { page: [ { person: bruno } ], wait: 5m } ] }\n",
    ),
    (
        "routes.yaml",
        r#"
route:
  group_by: [service]
  group_wait: 0s
  group_interval: 1m
  repeat_interval: 4h
  routes:
    - { matchers: ['severity="info"'], policy: late, group_wait: 5m }
inhibitions:
  - { source: ['severity="critical"'], target: ['severity="warning"'], equal: [service] }
"#,
    ),
    (
        "severity.yaml",
        r#"
- { when: ['severity="critical"'], severity: P1, declare: true, update_every: 30m, why: nobody can order }
- { severity: P4, update_every: 1d, why: nobody notices }
"#,
    ),
    (
        "prometheus/orders.yaml",
        "groups:\n- name: a/b\n  rules:\n  - alert: Orders <few>\n    expr: orders < 1\n    annotations: { summary: '<b>few</b>' }\n- name: totals\n  rules:\n  - record: shop:orders:sum\n    expr: sum by (shop) (orders)\n  - alert: Waits\n    expr: vector(1)\n    for: 1h\n",
    ),
    (
        "slo/orders.yaml",
        "version: prometheus/v1\nservice: <shop>\nslos:\n- name: orders\n  objective: 99.9\n  description: '<i>Orders</i>'\n  sli: { raw: { error_ratio_query: 'x[{{.window}}]' } }\n  alerting: { name: Burns }\n",
    ),
    ("checks.yaml", "front: { service: checkout, url: 'http://127.0.0.1:9/health', failures: 1 }\n"),
    ("status.yaml", "orders: { title: Orders & baskets, description: Placing an order, services: [checkout] }\n"),
    (
        "hooks.yaml",
        r#"
parcels:
  items: /reports
  labels: { alertname: Parcels, service: checkout, severity: warning, depot: '{{ item.depot }}' }
  annotations: { summary: '{{ item.text }}' }
  status: "{{ 'resolved' if item.state == 'normal' else 'firing' }}"
"#,
    ),
];

/// The tests' watchbook, read as any other.
fn book() -> Book {
    let files = FILES.map(|(name, text)| (name, text.as_bytes().to_vec()));
    let checked = connectors::watchbook::check_files(files);
    checked.book.unwrap_or_else(|| unreachable!("the tests' watchbook is not good:\n{}", checked.findings))
}
