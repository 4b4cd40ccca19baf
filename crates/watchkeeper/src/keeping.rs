//! How long monitoring data are kept, and how much of them: options of `serve`.

use std::fmt;
use std::str::FromStr;

use clap::Args;
use kernel::Seconds;
use telemetry::blocks::Limits;
use telemetry::metrics::Settings;

/// The shortest time: rules and screens look back that far.
const AGE_MIN: Seconds = Seconds::hours(1);
/// The least bytes: room for a few blocks.
const BYTES_MIN: u64 = 64 << 20;

/// How long monitoring data are kept, and how much of them. Whichever limit comes first, the oldest go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct Keeping {
    /// How long samples are kept, by their own time; at least 1h.
    #[arg(long, env = "WATCHKEEPER_KEEP_METRICS", value_name = "DURATION", default_value = "72h")]
    keep_metrics: Age,
    /// How much of the disk samples may take, such as 16GiB; at least 64MiB.
    #[arg(long, env = "WATCHKEEPER_KEEP_METRICS_SIZE", value_name = "SIZE", default_value = "16GiB")]
    keep_metrics_size: Size,
    /// How long log events are kept, by when they came; at least 1h.
    #[arg(long, env = "WATCHKEEPER_KEEP_LOGS", value_name = "DURATION", default_value = "24h")]
    keep_logs: Age,
    /// How much of the disk log events may take; at least 64MiB.
    #[arg(long, env = "WATCHKEEPER_KEEP_LOGS_SIZE", value_name = "SIZE", default_value = "2GiB")]
    keep_logs_size: Size,
    /// How long spans are kept, by when they came; at least 1h.
    #[arg(long, env = "WATCHKEEPER_KEEP_TRACES", value_name = "DURATION", default_value = "24h")]
    keep_traces: Age,
    /// How much of the disk spans may take; at least 64MiB.
    #[arg(long, env = "WATCHKEEPER_KEEP_TRACES_SIZE", value_name = "SIZE", default_value = "2GiB")]
    keep_traces_size: Size,
}

impl Keeping {
    /// The limits of the metric store.
    #[must_use]
    pub fn metrics(&self) -> Settings {
        let keep = i64::from(self.keep_metrics.0.0) * 1000;
        Settings { keep, block_bytes: self.keep_metrics_size.0, ..Settings::default() }
    }

    /// The limits of the log events.
    #[must_use]
    pub fn logs(&self) -> Limits {
        Limits { age: self.keep_logs.0, bytes: self.keep_logs_size.0, ..Limits::default() }
    }

    /// The limits of the spans.
    #[must_use]
    pub fn traces(&self) -> Limits {
        Limits { age: self.keep_traces.0, bytes: self.keep_traces_size.0, ..Limits::default() }
    }
}

/// A time that is long enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Age(Seconds);

impl FromStr for Age {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let age: Seconds = text.parse().map_err(|error: kernel::time::SecondsError| error.to_string())?;
        if age < AGE_MIN { Err(format!("{age} is too short: keep them for at least {AGE_MIN}")) } else { Ok(Self(age)) }
    }
}

/// A number of bytes that is large enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Size(u64);

impl FromStr for Size {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match connectors::scrape::bytes(text) {
            None => Err("write a size such as 512MB or 16GiB".to_owned()),
            Some(bytes) if bytes < BYTES_MIN => Err(format!("{text} is too little: give them at least 64MiB")),
            Some(bytes) => Ok(Self(bytes)),
        }
    }
}

impl fmt::Display for Keeping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (metrics, logs, traces) = (self.keep_metrics.0, self.keep_logs.0, self.keep_traces.0);
        write!(f, "samples for {metrics}, log events for {logs}, spans for {traces}")
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Cli {
        #[command(flatten)]
        keeping: Keeping,
    }

    fn read(arguments: &[&str]) -> Result<Keeping, String> {
        let all = std::iter::once(&"serve").chain(arguments);
        Cli::try_parse_from(all).map(|cli| cli.keeping).map_err(|error| error.to_string())
    }

    #[test]
    fn what_nobody_says_is_what_the_stores_say() {
        let keeping = read(&[]).unwrap();
        let (metrics, usual) = (keeping.metrics(), Settings::default());
        assert_eq!((metrics.keep, metrics.block_bytes), (usual.keep, usual.block_bytes));
        assert_eq!((keeping.logs(), keeping.traces()), (Limits::default(), Limits::default()));
    }

    #[test]
    fn each_store_has_its_own_limits_and_what_is_too_little_is_refused() {
        let keeping = read(&["--keep-metrics", "30d", "--keep-logs", "1w", "--keep-traces-size", "512MB"]).unwrap();
        assert_eq!((keeping.metrics().keep, keeping.logs().age), (30 * 86_400_000, Seconds::hours(168)));
        assert_eq!((keeping.traces().bytes, keeping.logs().bytes), (512 << 20, Limits::default().bytes));
        for (flag, value, why) in [
            ("--keep-metrics", "10m", "at least 1h"),
            ("--keep-logs", "soon", "90s, 5m"),
            ("--keep-traces-size", "1MB", "at least 64MiB"),
            ("--keep-metrics-size", "much", "16GiB"),
        ] {
            let error = read(&[flag, value]).unwrap_err();
            assert!(error.contains(why) && error.contains(flag), "{error}");
        }
    }
}
