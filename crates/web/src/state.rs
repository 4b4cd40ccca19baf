//! What every handler is given: the engine, the configuration, and what the doors keep between requests. No rules.

use std::sync::Arc;

use connectors::otlp::{Plain, Resources, Totals};
use connectors::scrape::Board;
use connectors::watchbook::Findings;
use engine::backtests::Backtests;
use engine::patterns::PatternWatch;
use engine::records::Records;
use engine::ruler::Ruler;
use engine::sigma::SigmaWatch;
use engine::{Engine, Fact};
use futures::future::BoxFuture;
use kernel::sample::Sample;
use kernel::{Actor, LogEvent, Span};
use promql::{Labels, Point};
use telemetry::blocks::Blocks;
use telemetry::metrics::Store;
use tokio::sync::Semaphore;

use crate::doors::aside::PUSHES_MAX;
use crate::doors::caller::KnownTokens;
use crate::doors::prometheus::QUERIES_MAX;
use crate::long::LongReads;
use crate::metrics::Counters;
use crate::throttle::Throttles;

/// What every handler is given. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// The engine.
    pub engine: Engine,
    /// How this server was started.
    pub config: Arc<WebConfig>,
    /// Tokens that were checked before.
    pub tokens: Arc<KnownTokens>,
    /// Where received samples, log events and spans go.
    pub sinks: Sinks,
    /// Where monitoring data are read.
    pub stores: Stores,
    /// Places for queries that run at once.
    pub queries: Arc<Semaphore>,
    /// Rules replayed over the past.
    pub backtests: Arc<Backtests>,
    /// How noisy the rules were, as it was told last.
    pub(crate) noise: crate::noise::Last,
    /// Places for pushes of monitoring data that are kept at once.
    pub pushes: Arc<Semaphore>,
    /// The totals of what OTLP sends as deltas.
    pub totals: Arc<Totals>,
    /// The resources that OTLP bodies had, by number.
    pub resources: Arc<Resources>,
    /// What the doors count.
    pub counters: Arc<Counters>,
    /// Where lists are written that may be long.
    pub long: LongReads,
    /// Who asks too often.
    pub throttles: Arc<Throttles>,
    /// Reads the watchbook's files again; absent where the server has none.
    pub reload: Option<Reload>,
}

/// Reads the watchbook's files again and makes them live, as an actor who may; all or nothing.
pub type Reload = Arc<dyn Fn(Actor) -> BoxFuture<'static, Result<Vec<Fact>, NotReloaded>> + Send + Sync>;

/// Why the live watchbook stays.
#[derive(Debug)]
pub enum NotReloaded {
    /// The files are not good.
    Bad {
        /// Which files.
        source: String,
        /// Everything that is wrong with them.
        findings: Findings,
    },
    /// The engine did not take it.
    Engine(engine::Error),
}

/// How this server was started.
#[derive(Debug, Clone)]
pub struct WebConfig {
    /// Where people reach this server, without a slash at the end.
    pub base_url: String,
    /// Whether a program on this machine needs no token. It acts as [`crate::doors::caller::LOCAL`].
    pub trust_loopback: bool,
    /// Whether the session cookie is sent over HTTPS only.
    pub cookie_secure: bool,
    /// The version of this build.
    pub version: String,
}

/// Takes monitoring data in, and says what it refused.
///
/// # Errors
/// When nothing can be kept now, and the sender should try again.
pub type Sink<T> = Arc<dyn Fn(Vec<T>) -> Result<Refused, String> + Send + Sync>;

/// Takes the numbers of OTLP bodies whose series are known by their keys.
pub trait Numbers: Send + Sync {
    /// The places of those whose labels are needed, because their keys are not known.
    ///
    /// # Errors
    /// When nothing can be kept now, and the sender should try again.
    fn unknown(&self, plain: &Plain<'_>) -> Result<Vec<usize>, String>;

    /// Takes what it can, and says what was refused and why. Those that were not known have labels.
    ///
    /// # Errors
    /// As [`Numbers::unknown`].
    fn keep(&self, plain: &Plain<'_>) -> Result<Refused, String>;
}

/// Where received monitoring data go.
#[derive(Clone)]
pub struct Sinks {
    /// Numbers of OTLP bodies.
    pub numbers: Arc<dyn Numbers>,
    /// Samples of series.
    pub samples: Sink<Sample>,
    /// Native histograms, each with its series.
    pub histograms: Sink<(Labels, Point)>,
    /// Log events.
    pub logs: Sink<LogEvent>,
    /// Spans.
    pub spans: Sink<Span>,
}

/// Where monitoring data are read.
#[derive(Clone)]
pub struct Stores {
    /// Samples of series.
    pub metrics: Store,
    /// Log events.
    pub logs: Arc<Blocks<LogEvent>>,
    /// Spans.
    pub spans: Arc<Blocks<Span>>,
    /// What runs the rule files.
    pub ruler: Arc<Ruler>,
    /// What runs the Sigma rules.
    pub sigma: Arc<SigmaWatch>,
    /// What watches logs for patterns.
    pub patterns: Arc<PatternWatch>,
    /// The targets that are scraped.
    pub targets: Arc<Board>,
    /// Log events and spans that are kept elsewhere.
    pub records: Arc<Records>,
}

/// What of one push was not kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refused {
    /// How many.
    pub count: u64,
    /// Why, in words; empty when none was refused.
    pub why: String,
}

impl AppState {
    /// The state of a server that has just started.
    #[must_use]
    pub fn new(engine: Engine, config: WebConfig, sinks: Sinks, stores: Stores) -> Self {
        let (tokens, totals, counters, throttles) = (Arc::default(), Arc::default(), Arc::default(), Arc::default());
        let backtests = Arc::new(Backtests::new(engine.clone(), Arc::new(stores.metrics.clone())));
        Self {
            engine,
            config: Arc::new(config),
            backtests,
            tokens,
            sinks,
            stores,
            queries: Arc::new(Semaphore::new(QUERIES_MAX)),
            noise: crate::noise::Last::default(),
            pushes: Arc::new(Semaphore::new(PUSHES_MAX)),
            totals,
            resources: Arc::default(),
            counters,
            throttles,
            long: LongReads::default(),
            reload: None,
        }
    }

    /// The same, with files that can be read again.
    #[must_use]
    pub fn with_reload(self, reload: Reload) -> Self {
        Self { reload: Some(reload), ..self }
    }
}
