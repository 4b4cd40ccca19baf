//! ClickHouse's real engine behind its HTTP interface, with the tables that OpenTelemetry's exporter makes. It ends when it is
//! dropped, and also when the test process dies, because it reads from it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use tempfile::TempDir;

/// How long the start may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Who may ask.
pub const USER: &str = "watchkeeper";
/// Their password.
pub const PASSWORD: &str = "hunter2222";
/// What speaks HTTP before the engine.
const SERVER: &str = include_str!("clickhouse.py");

/// The statements that make the exporter's tables in the database `otel`.
pub const TABLES: [&str; 3] = [
    "CREATE DATABASE otel",
    "CREATE TABLE otel.otel_logs (Timestamp DateTime64(9) CODEC(Delta(8), ZSTD(1)), \
     TimestampTime DateTime DEFAULT toDateTime(Timestamp), TraceId String, SpanId String, TraceFlags UInt8, \
     SeverityText LowCardinality(String), SeverityNumber UInt8, ServiceName LowCardinality(String), Body String, \
     ResourceSchemaUrl LowCardinality(String), ResourceAttributes Map(LowCardinality(String), String), \
     ScopeSchemaUrl LowCardinality(String), ScopeName String, ScopeVersion LowCardinality(String), \
     ScopeAttributes Map(LowCardinality(String), String), LogAttributes Map(LowCardinality(String), String), \
     INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1) ENGINE = MergeTree \
     PARTITION BY toDate(TimestampTime) PRIMARY KEY (ServiceName, TimestampTime) \
     ORDER BY (ServiceName, TimestampTime, Timestamp)",
    "CREATE TABLE otel.otel_traces (Timestamp DateTime64(9) CODEC(Delta, ZSTD(1)), TraceId String, SpanId String, \
     ParentSpanId String, TraceState String, SpanName LowCardinality(String), SpanKind LowCardinality(String), \
     ServiceName LowCardinality(String), ResourceAttributes Map(LowCardinality(String), String), ScopeName String, \
     ScopeVersion String, SpanAttributes Map(LowCardinality(String), String), Duration UInt64, \
     StatusCode LowCardinality(String), StatusMessage String, \
     Events Nested (Timestamp DateTime64(9), Name LowCardinality(String), Attributes Map(LowCardinality(String), String)), \
     Links Nested (TraceId String, SpanId String, TraceState String, Attributes Map(LowCardinality(String), String)), \
     INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1) ENGINE = MergeTree \
     PARTITION BY toDate(Timestamp) ORDER BY (ServiceName, SpanName, toDateTime(Timestamp))",
];

/// A store that can be stopped and started again; what it holds stays.
#[derive(Debug)]
pub struct ClickHouse {
    python: String,
    home: TempDir,
    port: u16,
    server: Option<Child>,
}

impl ClickHouse {
    /// Starts it. `None` when no Python has its engine; then a line beginning with `skipped:` says so and the test should
    /// return.
    ///
    /// # Panics
    /// When there is one, but it does not start.
    #[must_use]
    pub fn open() -> Option<Self> {
        let python = crate::python_with("chdb")?;
        let mut opened = Self { python, home: crate::temp_dir(), port: crate::free_port(), server: None };
        opened.start();
        Some(opened)
    }

    /// Starts it again, at the same address.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(&mut self) {
        let mut command = Command::new(&self.python);
        command.args(["-c", SERVER]).arg(self.home.path().join("engine")).arg(self.port.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = command.spawn().expect("Python can be run");
        let output = BufReader::new(server.stdout.take().expect("its output is piped"));
        let (sender, lines) = channel();
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        lines.recv_timeout(PATIENCE).expect("the store says its port");
        self.server = Some(server);
    }

    /// Stops it, as an outage does.
    pub fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }

    /// Where its HTTP interface is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for ClickHouse {
    fn drop(&mut self) {
        self.stop();
    }
}
