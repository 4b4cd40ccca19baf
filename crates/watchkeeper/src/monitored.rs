//! Monitoring data of this node: the stores that keep them, and the sinks by which the doors fill these.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use engine::Engine;
use kernel::{LogEvent, Nanos, Span};
use telemetry::Recent;
use telemetry::blocks::{Blocks, BlocksFailure, Kept, Limits};
use tokio::time::MissedTickBehavior;
use web::{Refused, Sinks};

use crate::failure::Failure;

/// How often what came is made to survive the end of the machine, and what is old is forgotten.
const TEND_EVERY: Duration = Duration::from_secs(1);

/// The stores. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Monitored {
    /// Samples of series.
    pub samples: Arc<Recent>,
    /// Log events.
    pub logs: Arc<Blocks<LogEvent>>,
    /// Spans.
    pub spans: Arc<Blocks<Span>>,
}

impl Monitored {
    /// Opens the stores of a data directory, and says in the log what had to be set aside.
    ///
    /// # Errors
    /// When a store's folder cannot be used.
    pub fn open(data: &Path) -> Result<Self, Failure> {
        Ok(Self { samples: Arc::new(Recent::default()), logs: blocks(data)?, spans: blocks(data)? })
    }

    /// The sinks for the doors.
    #[must_use]
    pub fn sinks(&self, engine: &Engine) -> Sinks {
        let (samples, clock) = (Arc::clone(&self.samples), engine.clone());
        let sink = move |taken| {
            let pushed = samples.push(taken, clock.now());
            Ok(Refused { count: pushed.refused(), why: pushed.to_string() })
        };
        Sinks { samples: Arc::new(sink), logs: into(&self.logs, engine), spans: into(&self.spans, engine) }
    }

    /// Tends the stores until the engine stops.
    pub async fn tend(self, engine: Engine) {
        let mut ticks = tokio::time::interval(TEND_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = engine.stopped() => return,
            }
            let (stores, now) = (self.clone(), nanos(&engine));
            let tended = tokio::task::spawn_blocking(move || [stores.logs.tend(now), stores.spans.tend(now)]).await;
            let failures = tended.into_iter().flatten().filter_map(Result::err);
            failures.for_each(|failure| tracing::warn!(%failure, "monitoring data could not be tended"));
        }
    }
}

fn blocks<T: Kept>(data: &Path) -> Result<Arc<Blocks<T>>, Failure> {
    let (blocks, aside) =
        Blocks::open(data, Limits::default()).map_err(|failure| Failure::new(format!("{failure}")))?;
    aside.iter().for_each(|failure: &BlocksFailure| tracing::warn!(%failure, "monitoring data were set aside"));
    Ok(Arc::new(blocks))
}

fn into<T: Kept>(blocks: &Arc<Blocks<T>>, engine: &Engine) -> web::Sink<T> {
    let (blocks, clock) = (Arc::clone(blocks), engine.clone());
    Arc::new(move |records| {
        let taken = blocks.push(records, nanos(&clock)).map_err(|failure| failure.to_string())?;
        Ok(Refused { count: taken.refused(), why: taken.reason() })
    })
}

fn nanos(engine: &Engine) -> Nanos {
    i64::try_from(engine.now().as_nanosecond()).unwrap_or(i64::MAX)
}
