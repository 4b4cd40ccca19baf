//! Clients and checkers of others, written in Python: schemathesis over the description of the API, the OpenTelemetry SDK at
//! the OTLP door. Each is skipped where it is not installed.

use std::process::{Output, Stdio};

use reqwest::Method;
use serde_json::json;
use tokio::process::Command;

use crate::house::{House, issue};

async fn run(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.kill_on_drop(true).output().await.unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{said}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_finds_nothing_that_the_description_does_not_say() {
    let Some(python) = testkit::python_with("schemathesis") else { return };
    let house = House::open().await;
    let scopes: Vec<String> =
        governance::AREAS.iter().flat_map(|area| [format!("{area}:read"), format!("{area}:write")]).collect();
    let token = issue(&house.engine, "almighty", &scopes.iter().map(String::as_str).collect::<Vec<_>>()).await;
    house.post("/incidents", json!({ "title": "Down", "severity": "P2", "why": "x", "services": ["checkout"] })).await;
    let place = testkit::temp_dir();
    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,\
                  response_headers_conformance";
    let mut command = Command::new(python);
    command.args(["-m", "schemathesis.cli", "run", &format!("{}/api/openapi.json", house.url)]);
    command.args(["--checks", checks, "--phases", "examples,coverage,fuzzing", "--max-examples", "8", "--seed", "1"]);
    command.args(["--generation-deterministic", "--no-color", "--header", &format!("Authorization: Bearer {token}")]);
    // It would revoke its own token, which it finds in the list, and wait for the end of a stream that has none.
    command.args(["--exclude-path", "/api/v1/tokens/{name}/revoke", "--exclude-path", "/api/v1/journal/live"]);
    command.args(["--warnings", "off"]);
    let said = run(command.current_dir(place.path()).stdin(Stdio::null())).await;
    assert!(said.contains("generated"), "{said}");
    let open = house.api(Method::GET, "/incidents/INC-1", None).await.0;
    assert!(open.is_success(), "it got in and left everything standing");
}

/// Sends a gauge, a sum and a histogram, as the arguments say: address, whether packed, temporality.
const METRICS: &str = r#"
import sys
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

url, packed, temporality = sys.argv[1:]
wanted = AggregationTemporality[temporality]
exporter = OTLPMetricExporter(
    endpoint=url + "/v1/metrics",
    compression=Compression.Gzip if packed == "gzip" else Compression.NoCompression,
    preferred_temporality={Counter: wanted, Histogram: wanted},
)
reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
provider = MeterProvider(metric_readers=[reader], resource=Resource({"service.name": "checkout"}))
meter = provider.get_meter("test")
orders = meter.create_counter("orders", unit="1")
took = meter.create_histogram("order.duration", unit="s")
meter.create_gauge("queue.depth").set(4)
for amount in (2, 3):
    orders.add(amount, {"region": "eu"})
    took.record(0.25)
    assert provider.force_flush()
provider.shutdown()
"#;

#[tokio::test(flavor = "multi_thread")]
async fn the_opentelemetry_sdk_pushes_metrics() {
    let Some(python) = testkit::python_with("opentelemetry.exporter.otlp.proto.http") else { return };
    for (packed, temporality) in [("plain", "CUMULATIVE"), ("gzip", "CUMULATIVE"), ("gzip", "DELTA")] {
        let house = House::open().await;
        run(Command::new(&python).args(["-c", METRICS, &house.url, packed, temporality]).env_clear()).await;
        let samples = house.samples.lock().unwrap().clone();
        let last = |name: &str| {
            let series = |sample: &&kernel::sample::Sample| sample.series.value("__name__") == name;
            samples
                .iter()
                .filter(series)
                .max_by_key(|sample| sample.at)
                .map(|sample| (sample.series.clone(), sample.value))
        };
        let (series, orders) = last("orders_total").unwrap();
        assert_eq!((series.value("service"), series.value("region"), orders), ("checkout", "eu", 5.0), "{temporality}");
        assert_eq!(last("order_duration_seconds_sum").map(|(_, sum)| sum), Some(0.5), "{temporality}");
        assert_eq!(last("order_duration_seconds_count").map(|(_, count)| count), Some(2.0), "{temporality}");
        assert_eq!(last("queue_depth").map(|(_, depth)| depth), Some(4.0), "{temporality}");
    }
}
