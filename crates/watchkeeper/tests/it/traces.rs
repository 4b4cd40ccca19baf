//! The server's traces as a collector receives them, and what happens when the collector takes none.

use std::process::Stdio;

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::Child;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use crate::server::{PATIENCE, binary};
use crate::shop;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// Takes OTLP and pages; answers OTLP with one status, and hands on what came.
struct Outside {
    url: String,
    exports: UnboundedReceiver<ExportTraceServiceRequest>,
    pages: UnboundedReceiver<()>,
}

impl Outside {
    async fn open(answer: StatusCode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let ((export, exports), (page, pages)) = (unbounded_channel(), unbounded_channel());
        let collect = move |body: Bytes| async move {
            export.send(ExportTraceServiceRequest::decode(body).unwrap()).unwrap();
            answer
        };
        let paged = move || async move { page.send(()).unwrap() };
        let router = Router::new().route("/v1/traces", post(collect)).route("/pager", post(paged));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, exports, pages }
    }
}

/// A server that sends its traces there.
struct Traced {
    home: TempDir,
    url: String,
    process: Child,
}

impl Traced {
    async fn start(outside: &Outside, every: &str) -> Self {
        let home = testkit::temp_dir();
        let book = home.path().join("watchbook");
        std::fs::create_dir(&book).unwrap();
        for (name, text) in shop::book("webhook", &format!("{}/pager", outside.url)) {
            std::fs::write(book.join(name), text).unwrap();
        }
        let log = std::fs::File::create(home.path().join("log.txt")).unwrap();
        let mut command = binary();
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(home.path().join("data"));
        command.arg("--watchbook").arg(book).stdout(Stdio::piped()).stderr(log);
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", &outside.url).env("OTEL_BSP_SCHEDULE_DELAY", every);
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let first = timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap().unwrap();
        // A pipe that nobody reads would stop the server.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let url = first.strip_prefix("Watchkeeper is at ").unwrap().to_owned();
        Self { home, url, process }
    }

    async fn alert(&self) {
        let alerts = r#"[{"labels":{"alertname":"Slow","service":"search"}}]"#;
        let request = reqwest::Client::new().post(format!("{}/api/v2/alerts", self.url)).body(alerts);
        let request = request.header("content-type", "application/json");
        let answer = request.header("traceparent", format!("00-{TRACE}-{CALLER}-01")).send().await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
    }

    /// Ends it as a supervisor does, and gives its log.
    async fn terminate(mut self) -> String {
        let pid = self.process.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args(["-s", "TERM", &pid]).status().unwrap().success());
        let ended = timeout(PATIENCE, self.process.wait()).await.expect("it ends when it is told to").unwrap();
        let log = std::fs::read_to_string(self.home.path().join("log.txt")).unwrap();
        assert!(ended.success(), "{log}");
        log
    }
}

fn value<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Value> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    found.value.as_ref()?.value.as_ref()
}

fn text(span: &Span, key: &str) -> String {
    match value(&span.attributes, key) {
        Some(Value::StringValue(text)) => text.clone(),
        other => panic!("{}: {key} is {other:?}", span.name),
    }
}

fn number(span: &Span, key: &str) -> i64 {
    match value(&span.attributes, key) {
        Some(Value::IntValue(number)) => *number,
        other => panic!("{}: {key} is {other:?}", span.name),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_request_its_command_the_append_and_the_delivery_are_spans() {
    let mut outside = Outside::open(StatusCode::OK).await;
    // So long that only the flush at the end can have sent anything.
    let server = Traced::start(&outside, "3600000").await;
    server.alert().await;
    timeout(PATIENCE, outside.pages.recv()).await.unwrap().unwrap();
    let guess = format!("{}/ack/1?person=bruno&key=guessed-secret", server.url);
    reqwest::get(guess).await.unwrap();
    server.terminate().await;

    let mut spans = Vec::new();
    while let Ok(export) = outside.exports.try_recv() {
        let whole = format!("{export:?}");
        for private in ["guessed-secret", "bruno", "ada@", "Lindqvist", "Slow"] {
            assert!(!whole.contains(private), "{private} is in {whole}");
        }
        for resource in export.resource_spans {
            let name = value(&resource.resource.as_ref().unwrap().attributes, "service.name").cloned();
            assert_eq!(name, Some(Value::StringValue("watchkeeper".into())));
            spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }
    let named = |name: &str| {
        let found = spans.iter().find(|span| span.name == name);
        found.unwrap_or_else(|| panic!("no {name} among {:?}", spans.iter().map(|s| &s.name).collect::<Vec<_>>()))
    };
    let request = named("POST /api/v2/alerts");
    assert_eq!((hex(&request.trace_id), hex(&request.parent_span_id)), (TRACE.to_owned(), CALLER.to_owned()));
    assert_eq!(
        (text(request, "http.route"), number(request, "http.response.status_code")),
        ("/api/v2/alerts".into(), 200)
    );
    let command = named("alerts:observe");
    assert_eq!((&command.trace_id, &command.parent_span_id), (&request.trace_id, &request.span_id));
    assert_eq!((text(command, "area"), text(command, "outcome")), ("alerts".into(), "done".into()));
    assert!(number(command, "facts") >= 3, "the alert, its page and what was asked for it");
    let append = named("append");
    assert!(number(append, "facts") >= 1 && number(append, "bytes") >= 1);
    let delivery = named("delivery");
    assert_eq!((text(delivery, "channel"), text(delivery, "kind")), ("out".into(), "Webhook".into()));
    assert_eq!((number(delivery, "number"), text(delivery, "outcome")), (1, "accepted".into()));
    named("GET /ack/{page}");
}

#[tokio::test]
async fn a_collector_that_takes_nothing_costs_one_line() {
    let mut outside = Outside::open(StatusCode::SERVICE_UNAVAILABLE).await;
    let server = Traced::start(&outside, "50").await;
    for _ in 0..3 {
        server.alert().await;
        timeout(PATIENCE, outside.exports.recv()).await.expect("spans are tried").unwrap();
    }
    let log = server.terminate().await;
    assert_eq!(log.matches("spans are lost").count(), 1, "{log}");
    assert!(!log.contains("ERROR"), "{log}");
}
