//! Monitoring data of this node: the stores that keep them, and the sinks by which the doors fill these.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use connectors::scrape::Board;
use engine::Engine;
use engine::patterns::PatternWatch;
use engine::records::{self, Records};
use engine::ruler::Ruler;
use engine::sigma::SigmaWatch;
use engine::tap::LogTap;
use governance::mask::{Masker, Policy};
use kernel::sample::Sample;
use kernel::{LogEvent, Nanos, Span, Timestamp};
use promql::{Labels, Point};
use telemetry::blocks::{Blocks, BlocksFailure, Kept, Limits};
use telemetry::metrics::{Settings, Store};
use telemetry::span_metrics::{Batch, SpanMetrics};
use tokio::time::MissedTickBehavior;
use web::{Refused, Sinks, Stores};

use crate::failure::Failure;
use crate::series::Embedded;

/// How often what came is made to survive the end of the machine, and what is old is forgotten.
const TEND_EVERY: Duration = Duration::from_secs(1);

/// What masks log events and spans.
pub type Masking = Arc<Masker>;

/// The stores. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Monitored {
    /// Samples of series.
    pub metrics: Store,
    /// Log events.
    pub logs: Arc<Blocks<LogEvent>>,
    /// Spans.
    pub spans: Arc<Blocks<Span>>,
    /// What spans count for.
    pub counted: Arc<SpanMetrics>,
    /// Where log events are handed to whoever watches them.
    pub tap: LogTap,
}

/// Whoever watches monitoring data, for readers to see.
pub struct Watchers<'a> {
    /// Rule files.
    pub ruler: &'a Arc<Ruler>,
    /// Sigma rules.
    pub sigma: &'a Arc<SigmaWatch>,
    /// Patterns of logs.
    pub patterns: &'a Arc<PatternWatch>,
    /// Targets that are scraped.
    pub targets: &'a Arc<Board>,
    /// Log events and spans that are kept elsewhere.
    pub records: &'a Arc<Records>,
}

impl Monitored {
    /// Opens the stores of a data directory, and says in the log what had to be set aside.
    ///
    /// # Errors
    /// When a store's folder cannot be used.
    pub fn open(data: &Path, now: Timestamp) -> Result<Self, Failure> {
        let opened = Store::open(&data.join("metrics"), Settings::default());
        let metrics = opened.map_err(|failure| Failure::new(failure.to_string()))?;
        let (counted, tap) = (Arc::new(SpanMetrics::new(now)), LogTap::default());
        Ok(Self { metrics, logs: blocks(data)?, spans: blocks(data)?, counted, tap })
    }

    /// The sinks for the doors.
    #[must_use]
    pub fn sinks(&self, engine: &Engine) -> Sinks {
        let (metrics, clock) = (self.metrics.clone(), engine.clone());
        let sink = move |samples: Vec<Sample>| {
            let appended = metrics.push(&samples, clock.now()).map_err(|failure| failure.to_string())?;
            Ok(Refused { count: appended.tally.refused_all(), why: appended.to_string() })
        };
        let (series, clock) = (self.series(), engine.clone());
        let histograms = move |points: Vec<(Labels, Point)>| {
            let appended = series.append(&points, clock.now()).map_err(|failure| failure.to_string())?;
            Ok(Refused { count: appended.tally.refused_all(), why: appended.to_string() })
        };
        let (masker, logs, spans) =
            (Arc::new(Masker::new(Policy::default())), into(&self.logs, engine), into(&self.spans, engine));
        let (of_spans, counted, clock) = (Arc::clone(&masker), Arc::clone(&self.counted), engine.clone());
        let tap = self.tap.clone();
        Sinks {
            samples: Arc::new(sink),
            histograms: Arc::new(histograms),
            logs: Arc::new(move |mut events: Vec<LogEvent>| {
                events.iter_mut().for_each(|event| event.rewrite(&mut |text| mask(&masker, text)));
                let copy = tap.copy(&events);
                // What the store does not take at all is sent again, and seen then.
                let refused = logs(events)?;
                copy.iter().for_each(|copy| tap.offer(copy));
                Ok(refused)
            }),
            spans: Arc::new(move |mut all: Vec<Span>| {
                all.iter_mut().for_each(|span| span.rewrite(&mut |text| mask(&of_spans, text)));
                let batch = Batch::of(&all);
                let refused = spans(all)?;
                counted.add(batch, clock.now());
                Ok(refused)
            }),
        }
    }

    /// Where rows of sources go that are followed: to whoever watches log events, and to the counts of spans.
    #[must_use]
    pub fn followed(&self, engine: &Engine) -> records::Sinks {
        let (counted, clock) = (Arc::clone(&self.counted), engine.clone());
        let spans = move |spans: Vec<Span>| counted.add(Batch::of(&spans), clock.now());
        records::Sinks { logs: self.tap.clone(), spans: Arc::new(spans), series: self.series() }
    }

    /// The metric store as the ruler uses it.
    #[must_use]
    pub fn series(&self) -> Arc<Embedded> {
        Arc::new(Embedded(self.metrics.clone()))
    }

    /// Where the doors and pages read.
    #[must_use]
    pub fn stores(&self, watchers: Watchers<'_>) -> Stores {
        let Watchers { ruler, sigma, patterns, targets, records } = watchers;
        let (logs, spans) = (Arc::clone(&self.logs), Arc::clone(&self.spans));
        let (ruler, sigma, patterns) = (Arc::clone(ruler), Arc::clone(sigma), Arc::clone(patterns));
        let (targets, records) = (Arc::clone(targets), Arc::clone(records));
        Stores { metrics: self.metrics.clone(), logs, spans, ruler, sigma, patterns, targets, records }
    }

    fn tend_now(&self, at: Timestamp) -> Vec<String> {
        let now = nanos(at);
        let blocks = [self.logs.tend(now), self.spans.tend(now)].into_iter().filter_map(Result::err);
        let mut troubles: Vec<String> = blocks.map(|failure| failure.to_string()).collect();
        troubles.extend(self.metrics.tend(now / 1_000_000).err().map(|failure| failure.to_string()));
        if let Some(samples) = self.counted.due(at) {
            troubles.extend(self.tell(&samples, at));
        }
        troubles.extend(self.metrics.troubles());
        troubles
    }

    /// Keeps the samples that spans come to; says what was refused.
    fn tell(&self, samples: &[Sample], now: Timestamp) -> Option<String> {
        match self.metrics.push(samples, now) {
            Ok(appended) if appended.tally.refused_all() == 0 => None,
            Ok(appended) => Some(format!("series made of spans: {appended}")),
            Err(failure) => Some(failure.to_string()),
        }
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
            let (stores, now) = (self.clone(), engine.now());
            if let Ok(troubles) = tokio::task::spawn_blocking(move || stores.tend_now(now)).await {
                troubles.iter().for_each(|trouble| tracing::warn!(%trouble, "monitoring data"));
            }
        }
    }
}

/// Puts names in place of the secrets and personal data of a text, before anything of it is kept.
pub(crate) fn mask(masker: &Masker, text: &mut String) {
    if let Cow::Owned(masked) = masker.mask(text).text {
        *text = masked;
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
        let taken = blocks.push(records, nanos(clock.now())).map_err(|failure| failure.to_string())?;
        Ok(Refused { count: taken.refused(), why: taken.reason() })
    })
}

fn nanos(at: Timestamp) -> Nanos {
    i64::try_from(at.as_nanosecond()).unwrap_or(i64::MAX)
}
