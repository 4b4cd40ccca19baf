//! Where the samples of a backtest come from: the store of a stopped server, a server with Prometheus' API, or a script.

use std::path::{Path, PathBuf};

use clap::Args;
use promql::{MemorySource, Millis, Series, SeriesSource, SourceFailure, Wanted, script};
use telemetry::metrics::{Settings, Store};

use crate::elsewhere::Elsewhere;
use crate::failure::{Exit, Failure};
use crate::node::Node;
use crate::rules;
use crate::world::{SystemChance, SystemClock};
use kernel::port::Clock as _;

/// The most samples that one query of a replay touches.
const QUERY_SAMPLES_MAX: usize = 50_000_000;

/// Where the samples of the past are.
#[derive(Debug, Args)]
pub struct Place {
    /// The data directory of a server, which must be stopped.
    #[arg(long, env = "WATCHKEEPER_DATA_DIR", default_value = "./watchkeeper-data", value_name = "DIR")]
    data: PathBuf,
    /// A server with Prometheus' query API instead, such as http://localhost:9090. A series that ended there is seen for up
    /// to five minutes more, because the API does not say when it ended.
    #[arg(long, value_name = "URL", conflicts_with = "samples")]
    url: Option<String>,
    /// A script of samples in the form of Prometheus' promqltest instead; its time begins in 1970.
    #[arg(long, value_name = "SCRIPT")]
    samples: Option<PathBuf>,
}

/// The samples of the past.
pub enum Past {
    /// The embedded store, and the claim on its directory.
    Stored(Store, #[expect(dead_code, reason = "held so that no server starts meanwhile")] Node),
    /// Another server.
    Elsewhere(Elsewhere),
    /// A script.
    Script(MemorySource),
}

impl Place {
    /// Opens the samples.
    ///
    /// # Errors
    /// When they cannot be read, or a server uses the directory.
    pub fn open(&self) -> Result<Past, Failure> {
        match (&self.url, &self.samples) {
            (Some(url), _) => Elsewhere::new(url).map(Past::Elsewhere),
            (None, Some(path)) => scripted(path),
            (None, None) => stored(&self.data),
        }
    }
}

fn scripted(path: &Path) -> Result<Past, Failure> {
    let bytes = rules::bytes(path)?;
    let loaded = script::samples(&path.display().to_string(), &String::from_utf8_lossy(&bytes));
    loaded.map(Past::Script).map_err(|failed| Failure::new(failed.message).exit(Exit::Usage))
}

fn stored(data: &Path) -> Result<Past, Failure> {
    let dir = data.join("metrics");
    if !dir.is_dir() {
        let message = format!("there are no samples in {}", data.display());
        let hint = "name the data directory of a server with --data, or another source with --url or --samples";
        return Err(Failure::new(message).hint(hint).exit(Exit::Usage));
    }
    let claim = Node::claim(data, &SystemChance)
        .map_err(|failure| failure.hint("stop the server first, or ask it with --url URL/prometheus"))?;
    let settings = Settings { query_samples: QUERY_SAMPLES_MAX, ..Settings::default() };
    let store = Store::open(&dir, settings).map_err(|failure| Failure::new(failure.to_string()))?;
    Ok(Past::Stored(store, claim))
}

impl Past {
    /// The last instant: now, or the newest sample of a script.
    pub fn end(&self) -> Millis {
        match self {
            Self::Script(source) => source.newest().unwrap_or(0),
            Self::Stored(..) | Self::Elsewhere(_) => SystemClock.now().as_millisecond(),
        }
    }

    /// The first instant that there may be.
    pub fn start(&self) -> Millis {
        match self {
            Self::Script(_) | Self::Elsewhere(_) => 0,
            Self::Stored(store, _) => store.stats().oldest.unwrap_or(0),
        }
    }
}

impl SeriesSource for Past {
    fn select(&self, wanted: Wanted<'_>) -> Result<Vec<Series>, SourceFailure> {
        match self {
            Self::Stored(store, _) => store.select(wanted),
            Self::Elsewhere(elsewhere) => elsewhere.select(wanted),
            Self::Script(source) => source.select(wanted),
        }
    }
}
