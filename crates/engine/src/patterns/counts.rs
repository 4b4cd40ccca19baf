//! Lines counted as series, so that any rule can use them: `log_events_total` by service and level, and
//! `log_template_events_total` by service and template.
//!
//! Counters begin at zero with each start of the server, as those of any process do. A zero stands before the first count
//! of each, because a counter that begins at one shows no increase.

use std::collections::BTreeMap;

use kernel::time::between;
use kernel::{Level, Seconds, Timestamp};
use promql::{Labels, Point};
use signals::templates::TemplateId;

/// How often counts are written.
pub(super) const WRITE_EVERY: Seconds = Seconds(15);
/// The most templates of one service that are counted as series; the first that come are.
pub const TEMPLATE_SERIES_MAX: usize = 100;
/// The most templates of all services that are.
pub const ALL_TEMPLATE_SERIES_MAX: usize = 5_000;

/// What is counted.
#[derive(Default)]
pub(super) struct Counts {
    services: BTreeMap<Box<str>, Service>,
    templates: usize,
    written: Option<Timestamp>,
}

#[derive(Default)]
struct Service {
    levels: BTreeMap<Level, Count>,
    templates: BTreeMap<TemplateId, Count>,
}

#[derive(Default)]
struct Count {
    lines: u64,
    /// Whether its zero was written.
    begun: bool,
}

impl Counts {
    /// Counts a line.
    pub(super) fn line(&mut self, service: &str, level: Level) {
        let count = self.service(service).levels.entry(level).or_default();
        count.lines = count.lines.saturating_add(1);
    }

    /// Counts a line of a template, where it is counted as a series.
    pub(super) fn pattern(&mut self, service: &str, id: TemplateId) {
        let has_room = self.templates < ALL_TEMPLATE_SERIES_MAX;
        let of = self.service(service);
        let is_known = of.templates.contains_key(&id);
        if !is_known && (!has_room || of.templates.len() >= TEMPLATE_SERIES_MAX) {
            return;
        }
        let count = of.templates.entry(id).or_default();
        count.lines = count.lines.saturating_add(1);
        self.templates += usize::from(!is_known);
    }

    fn service(&mut self, service: &str) -> &mut Service {
        if !self.services.contains_key(service) {
            self.services.insert(service.into(), Service::default());
        }
        self.services.entry(service.into()).or_default()
    }

    /// Counts a service no longer.
    pub(super) fn forget(&mut self, service: &str) {
        let gone = self.services.remove(service);
        self.templates -= gone.map_or(0, |service| service.templates.len());
    }

    /// The samples that are due.
    pub(super) fn take(&mut self, now: Timestamp) -> Vec<(Labels, Point)> {
        if self.written.is_some_and(|written| between(written, now) < WRITE_EVERY) {
            return Vec::new();
        }
        self.written = Some(now);
        let mut samples = Vec::new();
        for (service, counts) in &mut self.services {
            for (level, count) in &mut counts.levels {
                let labels = [("__name__", "log_events_total"), ("service", &**service), ("severity", level.as_str())];
                count.write(&labels, now, &mut samples);
            }
            for (id, count) in &mut counts.templates {
                let id = id.to_string();
                let labels = [("__name__", "log_template_events_total"), ("service", &**service), ("template", &*id)];
                count.write(&labels, now, &mut samples);
            }
        }
        samples
    }
}

impl Count {
    fn write(&mut self, labels: &[(&str, &str)], now: Timestamp, samples: &mut Vec<(Labels, Point)>) {
        let labels = Labels::from_pairs(labels.iter().copied().filter(|(_, value)| !value.is_empty()));
        if !self.begun {
            self.begun = true;
            samples.push((labels.clone(), Point::float(WRITE_EVERY.before(now).as_millisecond(), 0.0)));
        }
        samples.push((labels, Point::float(now.as_millisecond(), self.lines as f64)));
    }
}
