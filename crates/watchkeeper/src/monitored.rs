//! Monitoring data of this node: the stores that keep them, and the sinks by which the doors fill these.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use connectors::otlp::Plain;
use connectors::scrape::Board;
use engine::Engine;
use engine::patterns::PatternWatch;
use engine::records::{self, Records};
use engine::ruler::Ruler;
use engine::sigma::SigmaWatch;
use engine::tap::LogTap;
use governance::mask::{Class, Masked, Masker, Policy};
use kernel::attribute::Attribute;
use kernel::log::Origin;
use kernel::sample::Sample;
use kernel::{LogEvent, Nanos, Span, Timestamp};
use promql::{Labels, Point};
use telemetry::blocks::{Blocks, BlocksFailure, Kept, Limits};
use telemetry::metrics::{Appender, Store};
use telemetry::span_metrics::{Batch, SpanMetrics};
use tokio::time::MissedTickBehavior;
use web::{Numbers, Refused, Sinks, Stores};

use crate::failure::Failure;
use crate::keeping::Keeping;
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

/// Numbers whose series the store knows by their keys.
struct Keys {
    store: Store,
    clock: Engine,
}

impl Keys {
    fn appender(&self) -> Result<Appender<'_>, String> {
        self.store.appender(self.clock.now().as_millisecond()).map_err(|failure| failure.to_string())
    }
}

impl Numbers for Keys {
    fn unknown(&self, plain: &Plain<'_>) -> Result<Vec<usize>, String> {
        let mut appender = self.appender()?;
        let unknown = plain.numbers().enumerate().filter(|(_, number)| !appender.knows(number.key));
        Ok(unknown.map(|(place, _)| place).collect())
    }

    fn keep(&self, plain: &Plain<'_>) -> Result<Refused, String> {
        let mut appender = self.appender()?;
        for number in plain.numbers() {
            let labels = || number.labels.map(|labels| labels.iter().collect()).ok_or("the series was just forgotten");
            appender.series(number.key, labels);
            appender.float(number.at, 0, number.value);
        }
        let appended = appender.finish().map_err(|failure| failure.to_string())?;
        Ok(Refused { count: appended.tally.refused_all(), why: appended.to_string() })
    }
}

impl Monitored {
    /// Opens the stores of a data directory, and says in the log what had to be set aside.
    ///
    /// # Errors
    /// When a store's folder cannot be used.
    pub fn open(data: &Path, keeping: &Keeping, now: Timestamp) -> Result<Self, Failure> {
        let opened = Store::open(&data.join("metrics"), keeping.metrics());
        let metrics = opened.map_err(|failure| Failure::new(failure.to_string()))?;
        let (counted, tap) = (Arc::new(SpanMetrics::new(now)), LogTap::default());
        Ok(Self { metrics, logs: blocks(data, keeping.logs())?, spans: blocks(data, keeping.traces())?, counted, tap })
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
            numbers: Arc::new(Keys { store: self.metrics.clone(), clock: engine.clone() }),
            samples: Arc::new(sink),
            histograms: Arc::new(histograms),
            logs: Arc::new(move |mut events: Vec<LogEvent>| {
                events.iter_mut().for_each(|event| event.rewrite(&mut |name, value| mask(&masker, name, value)));
                mask_origins(&masker, events.iter_mut().map(|event| &mut event.origin));
                let copy = tap.copy(&events);
                // What the store does not take at all is sent again, and seen then.
                let refused = logs(events)?;
                copy.iter().for_each(|copy| tap.offer(copy));
                Ok(refused)
            }),
            spans: Arc::new(move |mut all: Vec<Span>| {
                all.iter_mut().for_each(|span| span.rewrite(&mut |name, value| mask(&of_spans, name, value)));
                mask_origins(&of_spans, all.iter_mut().map(|span| &mut span.origin));
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

/// Puts names in place of the secrets and personal data of a value, before anything of it is kept. A number is masked where
/// its name announces a secret, bytes where they are a text that holds something.
pub(crate) fn mask(masker: &Masker, name: &str, value: &mut Attribute) {
    let masked = match value {
        Attribute::Text(text) => owned(masker.mask_named(name, text)),
        Attribute::Bytes(bytes) => {
            std::str::from_utf8(bytes).ok().and_then(|text| owned(masker.mask_named(name, text)))
        }
        Attribute::Int(number) => {
            let text = number.to_string();
            let masked = masker.mask_named(name, &text);
            let announced = masked.found.iter().any(|hit| hit.kind.class() == Class::Secret);
            owned(masked).filter(|_| announced)
        }
        _ => None,
    };
    if let Some(masked) = masked {
        *value = Attribute::Text(masked);
    }
}

fn owned(masked: Masked<'_>) -> Option<String> {
    if let Cow::Owned(text) = masked.text { Some(text) } else { None }
}

/// Masks where records come from. Those that share it share it still.
pub(crate) fn mask_origins<'a>(masker: &Masker, origins: impl Iterator<Item = &'a mut Arc<Origin>>) {
    let mut last: Option<(Arc<Origin>, Arc<Origin>)> = None;
    for origin in origins {
        if let Some((_, after)) = last.as_ref().filter(|(before, _)| Arc::ptr_eq(before, origin)) {
            *origin = Arc::clone(after);
            continue;
        }
        let mut masked = Origin::clone(origin);
        masked.rewrite(&mut |name, value| mask(masker, name, value));
        let before = Arc::clone(origin);
        if masked != *before {
            *origin = Arc::new(masked);
        }
        last = Some((before, Arc::clone(origin)));
    }
}

fn blocks<T: Kept>(data: &Path, limits: Limits) -> Result<Arc<Blocks<T>>, Failure> {
    let (blocks, aside) = Blocks::open(data, limits).map_err(|failure| Failure::new(format!("{failure}")))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Attribute {
        Attribute::Text(text.to_owned())
    }

    fn pairs<const N: usize>(all: [(&str, Attribute); N]) -> Vec<(String, Attribute)> {
        all.map(|(name, value)| (name.to_owned(), value)).into()
    }

    #[test]
    fn a_secret_is_masked_wherever_a_log_event_or_a_span_says_it() {
        let masker = Masker::new(Policy::default());
        let command = Attribute::List(["mysqld", "--password", "hunter2"].map(text).into());
        let resource = [("service.name", text("shop")), ("process.command_args", command)];
        let line = text("mysqld --password=hunter2");
        let resource = [resource.to_vec(), vec![("process.command_line", line)]].concat();
        let resource = resource.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let origin = Arc::new(Origin { resource, ..Origin::default() });
        let inner = Attribute::Map(pairs([("password", text("hunter2")), ("user", text("ada"))]));
        let numbers = [("password", Attribute::Int(12_345_678)), ("at", Attribute::Int(4_111_111_111_111_111))];
        let mut event = LogEvent {
            name: "password=hunter2".to_owned(),
            body: Attribute::Map(pairs([("msg", text("login")), ("form", inner)])),
            attributes: [pairs(numbers), pairs([("db_password", Attribute::Bytes(b"hunter2".to_vec()))])].concat(),
            origin: Arc::clone(&origin),
            ..LogEvent::default()
        };
        event.rewrite(&mut |name, value| mask(&masker, name, value));
        let mut span = Span {
            name: "GET /reset?password=hunter2".to_owned(),
            events: vec![kernel::log::SpanEvent { name: "password=hunter2".to_owned(), ..Default::default() }],
            attributes: pairs([("password", text("hunter2"))]),
            origin,
            ..Span::default()
        };
        span.rewrite(&mut |name, value| mask(&masker, name, value));
        let mut origins = [Arc::clone(&event.origin), Arc::clone(&event.origin), Arc::clone(&span.origin)];
        mask_origins(&masker, origins.iter_mut());
        assert!(Arc::ptr_eq(&origins[0], &origins[1]), "what was shared is shared");
        let all = format!("{event:?}{span:?}").replace(&format!("{:?}", span.origin), "") + &format!("{origins:?}");
        for kept in ["login", "ada", "shop", "mysqld", "4111111111111111", "GET /reset?password=<masked:password>"] {
            assert!(all.contains(kept), "{kept} is gone: {all}");
        }
        for secret in ["hunter2", "12345678", &format!("{:?}", b"hunter2")] {
            assert!(!all.contains(secret), "{secret}: {all}");
        }
    }
}
