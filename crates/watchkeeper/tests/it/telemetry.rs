//! Real clients of monitoring data: the OpenTelemetry SDK with all three signals by both protocols, a Prometheus that writes
//! to us, and `promtool query`. What they send arrives, is read by screens and verbs, and fires rules. Each is skipped where it
//! is not installed.

use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::hook::Hook;
use crate::server::{Base, Server, binary};
use crate::shop;

const PROMETHEUS: &str = "/usr/bin/prometheus";
const PROMTOOL: &str = "/usr/bin/promtool";

/// Rules over what the clients send: a counter, a native histogram, spans, an edge between two services, and log events.
const RULES: &str = r#"
groups:
  - name: sent
    interval: 1s
    rules:
      - alert: ManyOrders
        expr: sum by (service) (orders_total) > 4
        labels: { severity: info }
      - alert: SlowOrders
        expr: histogram_quantile(0.9, sum by (service) (rate(order_duration_seconds[2m]))) > 0.5
        labels: { severity: info }
      - alert: FailedCalls
        expr: sum by (service_name) (increase(traces_span_metrics_calls_total{status_code="STATUS_CODE_ERROR"}[2m])) > 0
        labels: { service: "{{ $labels.service_name }}", severity: info }
      - alert: SlowCalls
        expr: histogram_quantile(0.9, sum by (le, service_name) (rate(traces_span_metrics_duration_seconds_bucket[2m]))) > 0.2
        labels: { service: "{{ $labels.service_name }}", severity: info }
      - alert: CallsTheBank
        expr: increase(traces_service_graph_request_total{client="checkout", server="bank"}[2m]) > 0
        labels: { service: "{{ $labels.client }}", severity: info }
      - alert: ErrorsInLogs
        expr: sum by (service) (log_events_total{severity="error"}) > 0
        labels: { severity: info }
      - alert: PrometheusIsUp
        expr: up{job="itself"} == 1
        labels: { service: search, severity: info }
"#;

/// Sends all three signals. Its arguments: address, protocol, temporality.
const SDK: &str = r#"
import sys, time
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

url, protocol, temporality = sys.argv[1:]
if protocol == "grpc":
    from grpc import Compression
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    ways = [dict(endpoint=url, insecure=True, compression=Compression.Gzip)] * 3
else:
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    ways = [dict(endpoint=url + path, compression=Compression.Gzip) for path in ("/v1/metrics", "/v1/logs", "/v1/traces")]

checkout, bank = Resource({"service.name": "checkout"}), Resource({"service.name": "bank"})
wanted = AggregationTemporality[temporality]
metrics = OTLPMetricExporter(
    preferred_temporality={Counter: wanted, Histogram: wanted},
    preferred_aggregation={Histogram: ExponentialBucketHistogramAggregation()},
    **ways[0],
)
reader = PeriodicExportingMetricReader(metrics, export_interval_millis=3_600_000)
meters = MeterProvider(metric_readers=[reader], resource=checkout)
orders = meters.get_meter("test").create_counter("orders", unit="1")
took = meters.get_meter("test").create_histogram("order.duration", unit="s")
for amount in (2, 3):
    orders.add(amount)
    for tenth in range(1, 11):
        took.record(tenth / 10)
    assert meters.force_flush()

logs = LoggerProvider(resource=checkout)
logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(**ways[1])))
tracers = {}
for name, resource in (("checkout", checkout), ("bank", bank)):
    tracers[name] = TracerProvider(resource=resource)
    tracers[name].add_span_processor(BatchSpanProcessor(OTLPSpanExporter(**ways[2])))
now = time.time_ns()
root = tracers["checkout"].get_tracer("t").start_span("POST /orders", kind=SpanKind.SERVER, start_time=now - 900_000_000)
inside = set_span_in_context(root)
call = tracers["checkout"].get_tracer("t").start_span("pay", inside, kind=SpanKind.CLIENT, start_time=now - 700_000_000)
called = tracers["bank"].get_tracer("t").start_span(
    "book", set_span_in_context(call), kind=SpanKind.SERVER, start_time=now - 600_000_000, attributes={"order.id": 17})
called.set_status(Status(StatusCode.ERROR, "the account is closed"))
called.add_event("looked up", {"rows": 1}, now - 500_000_000)
called.end(now - 300_000_000)
call.end(now - 200_000_000)
logs.get_logger("test").emit(LogRecord(
    timestamp=now, context=inside, severity_number=SeverityNumber.ERROR, body="the card was refused"))
root.end(now)
assert logs.force_flush() and all(tracer.force_flush() for tracer in tracers.values())
print(format(root.get_span_context().trace_id, "032x"))
"#;

fn is_missing(program: &str) -> bool {
    let missing = !Path::new(program).exists();
    if missing {
        eprintln!("skipped: {program} is not installed");
    }
    missing
}

async fn run(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
    let said = String::from_utf8_lossy(&stdout).into_owned();
    assert!(status.success(), "{said}{}", String::from_utf8_lossy(&stderr));
    said
}

/// A server with the rules of these tests, which takes OTLP over gRPC at the address that is given back.
async fn open() -> (Server, String) {
    let grpc = format!("127.0.0.1:{}", testkit::free_port());
    let hook = Hook::start().await;
    let mut book = shop::book("webhook", &hook.url);
    book.push(("prometheus/sent.yaml", RULES.to_owned()));
    let server = Server::open_with(Base::Sqlite, &book, &["--otlp-grpc", &grpc, "--otlp-http", "off"]).await;
    (server, grpc)
}

/// Waits until alerts of these names fire, and gives them all.
async fn until_firing(server: &Server, names: &[&str]) -> Value {
    let fires = |alerts: &Value, name: &str| {
        alerts.as_array().unwrap().iter().any(|alert| alert["labels"]["alertname"] == name)
    };
    server.until_get("/alerts", |alerts| names.iter().all(|name| fires(alerts, name))).await
}

/// A verb that asks the server, and what it prints.
async fn verb(server: &Server, words: &[&str]) -> String {
    run(binary().args(words).args(["--server", &server.url, "--token", &server.token])).await
}

async fn assert_sdk_is_heard(python: &str, protocol: &str, temporality: &str) {
    let (server, grpc) = open().await;
    let url = if protocol == "grpc" { &grpc } else { &server.url };
    let said = run(Command::new(python).args(["-c", SDK, url, protocol, temporality]).env_clear()).await;
    let trace = said.trim();
    let names = ["ManyOrders", "SlowOrders", "FailedCalls", "SlowCalls", "CallsTheBank", "ErrorsInLogs"];
    let alerts = until_firing(&server, &names).await;
    let service = |name: &str| {
        let alert = alerts.as_array().unwrap().iter().find(|alert| alert["labels"]["alertname"] == name);
        alert.unwrap()["labels"]["service"].clone()
    };
    assert_eq!((service("SlowOrders"), service("FailedCalls")), (json!("checkout"), json!("bank")));
    assert_eq!(service("ErrorsInLogs"), "checkout", "log events are counted as series");
    assert_metrics_are_right(&server).await;
    assert_trace_is_read(&server, trace).await;
}

/// What was measured is what queries say, by the verb too.
async fn assert_metrics_are_right(server: &Server) {
    let count = verb(server, &["--json", "query", "histogram_count(order_duration_seconds)"]).await;
    let count: Value = serde_json::from_str(&count).unwrap();
    assert_eq!(count["data"]["result"][0]["value"][1], "20");
    let quantile = "histogram_quantile(0.85, order_duration_seconds)";
    let csv = verb(server, &["query", quantile, "--csv"]).await;
    let value: f64 = csv.trim().rsplit_once(',').unwrap().1.parse().unwrap();
    assert!((0.89..0.92).contains(&value), "of ten, eight took no longer than 0.8 s and the next one 0.9 s: {csv}");
    let table = verb(server, &["query", "orders_total", "--range", "2m", "--step", "1s"]).await;
    assert!(table.starts_with("VALUE") && table.contains("orders_total{"), "{table}");
    assert!(table.lines().nth(1).is_some_and(|line| line.starts_with('5')), "{table}");
}

/// The trace is found, read as a tree, and leads to its log event and back.
async fn assert_trace_is_read(server: &Server, trace: &str) {
    let found = server.get("/traces?service=bank&error=true&min_duration=250ms&attribute=order.id=17").await;
    assert_eq!((&found["traces"][0]["trace"], &found["whole"]), (&json!(trace), &json!(true)), "{found}");
    assert_eq!((&found["traces"][0]["operation"], &found["traces"][0]["spans"]), (&json!("POST /orders"), &json!(3)));
    let shown = server.get(&format!("/traces/{trace}")).await;
    let spans = shown["spans"].as_array().unwrap();
    let tree: Vec<String> = spans.iter().map(|span| format!("{} {}", span["depth"], span["operation"])).collect();
    assert_eq!(tree, ["0 \"POST /orders\"", "1 \"pay\"", "2 \"book\""]);
    assert_eq!(
        (&spans[2]["message"], &spans[2]["events"][0]["name"]),
        (&json!("the account is closed"), &json!("looked up"))
    );
    let page = server.page(&format!("/traces/{trace}")).await;
    let parts = ["book", "the account is closed", "order.id", "looked up", &format!("/logs?trace={trace}")];
    parts.iter().for_each(|part| assert!(page.contains(part), "{part} is not on {page}"));
    let logs = server.page(&format!("/logs?trace={trace}")).await;
    assert!(logs.contains("the card was refused") && logs.contains(&format!("/traces/{trace}")), "{logs}");
    let list = server.page("/traces?operation=BOOK&error=true").await;
    assert!(list.contains("POST /orders") && list.contains(&format!("/traces/{trace}")), "{list}");
    let told = verb(server, &["traces", "search", "--service", "bank", "--from", "10m"]).await;
    assert!(told.contains(trace), "{told}");
    let told = verb(server, &["traces", "show", trace]).await;
    assert!(told.contains("the account is closed"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_opentelemetry_sdk_is_heard_over_http() {
    let Some(python) = testkit::python_with("opentelemetry.exporter.otlp.proto.http") else { return };
    assert_sdk_is_heard(&python, "http", "CUMULATIVE").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_opentelemetry_sdk_is_heard_over_grpc() {
    let Some(python) = testkit::python_with("opentelemetry.exporter.otlp.proto.grpc") else { return };
    assert_sdk_is_heard(&python, "grpc", "DELTA").await;
}

/// A Prometheus that looks at itself once a second and writes what it sees to us.
fn prometheus(home: &Path, us: &str) -> Child {
    let own = format!("127.0.0.1:{}", testkit::free_port());
    let config = format!(
        "global: {{ scrape_interval: 1s }}\n\
         scrape_configs: [ {{ job_name: itself, static_configs: [ {{ targets: ['{own}'] }} ] }} ]\n\
         remote_write: [ {{ url: '{us}/api/v1/write', queue_config: {{ batch_send_deadline: 1s }} }} ]\n"
    );
    std::fs::write(home.join("prometheus.yml"), config).unwrap();
    let listen = format!("--web.listen-address={own}");
    let mut command = Command::new(PROMETHEUS);
    command.args(["--config.file=prometheus.yml", "--storage.tsdb.path=data", &listen]).current_dir(home);
    command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_prometheus_writes_to_us_and_promtool_reads_it_back() {
    if is_missing(PROMETHEUS) || is_missing(PROMTOOL) {
        return;
    }
    let (server, _) = open().await;
    let home = testkit::temp_dir();
    let _prometheus = prometheus(home.path(), &server.url);
    let alerts = until_firing(&server, &["PrometheusIsUp"]).await;
    assert_eq!(alerts[0]["labels"]["job"], "itself");
    let us = format!("{}/prometheus", server.url.replacen("http://", &format!("http://any:{}@", server.token), 1));
    let promtool = async |words: &[&str]| run(Command::new(PROMTOOL).arg("query").args(words)).await;
    let instant = promtool(&["instant", &us, "sum by (job) (up)"]).await;
    assert!(instant.starts_with("{job=\"itself\"} => 1 @["), "{instant}");
    let series = promtool(&["series", "--match=prometheus_build_info", &us]).await;
    assert!(series.contains("job=\"itself\"") && series.contains("version="), "{series}");
    let labels = promtool(&["labels", &us, "job"]).await;
    assert!(labels.lines().any(|line| line == "itself"), "{labels}");
    let range = promtool(&["range", "--step=1s", &us, "up"]).await;
    assert!(range.contains("job=\"itself\"") && range.contains("1 @["), "{range}");
}
