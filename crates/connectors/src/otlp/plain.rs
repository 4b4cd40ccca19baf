//! Numbers read from a body without building its message: the points of gauges and of cumulative sums.
//!
//! Senders write the same resources, names and attributes again and again. So a series is named by a key: the number of its
//! resource, which [`Resources`] gives, its metric's name, unit and kind, and the bytes of its attributes. Whoever knows the
//! key's series need not read any of these. Labels are made only of the points that [`Plain::name`] is told of.
//!
//! What stands beside such points (histograms, deltas, exemplars, fields of a later OTLP) is read as a message. A body in
//! which anything is wrong is nothing here: it is judged as a whole where messages are read.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use kernel::{Labels, Timestamp};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::metrics::v1::{Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::resource::v1::Resource;
use promql::Millis;
use prost::Message;

use super::names::{self, Kind};
use super::translate::{self, NO_RECORDED_VALUE, Pairs};
use super::{LABELS_BYTES_PER_REQUEST_MAX, SAMPLES_PER_REQUEST_MAX};
use crate::remote_write::wire::{Fields, Value};

/// The most resources that have a number; points of others are read as messages.
pub const RESOURCES_MAX: usize = 100_000;
/// The most bytes of these.
pub const RESOURCES_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How keys begin; no other way into the store begins its keys so.
const MARK: u8 = 0xfe;
/// How many bytes of labels a byte of a body may become, at most: an escape such as `\u0000` in the JSON of a list.
const BYTES_PER_BYTE: usize = 8;
const CUMULATIVE: u64 = 2;

/// The resources that were seen, each with a number that no other one ever has. One for all requests.
#[derive(Debug, Default)]
pub struct Resources(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// Its number; none for one whose labels pass the limits of a series.
    numbers: HashMap<Box<[u8]>, Option<u32>>,
    bytes: usize,
}

impl Resources {
    /// The number of a resource; `None` where it is not to be read here.
    fn number(&self, resource: &[u8]) -> Option<u32> {
        // Nothing that holds the lock can leave a number half given.
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = seen.numbers.get(resource) {
            return *known;
        }
        if seen.numbers.len() >= RESOURCES_MAX || seen.bytes + resource.len() > RESOURCES_BYTES_MAX {
            return None;
        }
        let is_narrow = !translate::is_wide(&translate::resource_labels(&Resource::decode(resource).ok()?.attributes));
        let number = u32::try_from(seen.numbers.len()).ok().filter(|_| is_narrow);
        seen.bytes += resource.len();
        seen.numbers.insert(resource.into(), number);
        number
    }
}

/// The numbers of a body, in their order, and what else it holds.
#[derive(Debug, Default)]
pub struct Plain<'b> {
    points: Vec<Point<'b>>,
    keys: Vec<u8>,
    metrics: Vec<Header<'b>>,
    others: ExportMetricsServiceRequest,
    named: HashMap<usize, Result<Labels, &'static str>>,
    /// How many bytes all labels have, at most.
    bytes: usize,
    received: Millis,
}

#[derive(Debug)]
struct Point<'b> {
    metric: usize,
    key: Range<usize>,
    message: &'b [u8],
    at: Millis,
    value: f64,
}

/// What the points of a metric have in common.
#[derive(Debug, Clone, Copy)]
struct Header<'b> {
    resource: &'b [u8],
    name: &'b str,
    unit: &'b str,
    kind: Kind,
}

/// One number on its way.
#[derive(Debug, Clone, Copy)]
pub struct Number<'p> {
    /// What its series is known by.
    pub key: &'p [u8],
    /// The labels of its series, where they were made.
    pub labels: Option<&'p Labels>,
    /// When.
    pub at: Millis,
    /// What.
    pub value: f64,
}

impl<'b> Plain<'b> {
    /// Reads a body in protobuf; `None` where it is to be read as a message. Points without a time get `received`.
    #[must_use]
    pub fn read(body: &'b [u8], resources: &Resources, received: Timestamp) -> Option<Self> {
        let mut plain = Self { received: received.as_millisecond(), ..Self::default() };
        let mut fields = Fields::of(body);
        while let Some((number, field)) = fields.next().ok()? {
            match (number, field) {
                (1, Value::Bytes(resource)) => plain.resource(resource, resources)?,
                _ => return None,
            }
        }
        Some(plain)
    }

    fn resource(&mut self, message: &'b [u8], resources: &Resources) -> Option<()> {
        let (mut fields, mut resource, mut scopes) = (Fields::of(message), None, Vec::new());
        while let Some((number, field)) = fields.next().ok()? {
            match (number, field) {
                (1, Value::Bytes(one)) if resource.is_none() => resource = Some(one),
                (2, Value::Bytes(scope)) => scopes.push(scope),
                (3, Value::Bytes(url)) => drop(std::str::from_utf8(url).ok()?),
                _ => return None,
            }
        }
        let resource = resource.unwrap_or_default();
        let (number, mut others) = (resources.number(resource)?, Vec::new());
        for scope in scopes {
            self.scope(scope, (resource, number), &mut others)?;
        }
        if !others.is_empty() {
            let resource = Some(Resource::decode(resource).ok()?);
            let scope_metrics = vec![ScopeMetrics { metrics: others, ..ScopeMetrics::default() }];
            let all = ResourceMetrics { resource, scope_metrics, ..ResourceMetrics::default() };
            self.others.resource_metrics.push(all);
        }
        Some(())
    }

    fn scope(&mut self, message: &'b [u8], resource: (&'b [u8], u32), others: &mut Vec<Metric>) -> Option<()> {
        let mut fields = Fields::of(message);
        while let Some((number, field)) = fields.next().ok()? {
            match (number, field) {
                (1, Value::Bytes(scope)) => drop(InstrumentationScope::decode(scope).ok()?),
                (2, Value::Bytes(metric)) => {
                    if self.metric(metric, resource).is_none() {
                        others.push(Metric::decode(metric).ok()?);
                    }
                }
                (3, Value::Bytes(url)) => drop(std::str::from_utf8(url).ok()?),
                _ => return None,
            }
        }
        Some(())
    }

    /// Takes the points of a metric, or none of them.
    fn metric(&mut self, message: &'b [u8], (resource, number): (&'b [u8], u32)) -> Option<()> {
        let (mut fields, mut name, mut unit, mut data) = (Fields::of(message), "", "", None);
        while let Some((number, field)) = fields.next().ok()? {
            let Value::Bytes(bytes) = field else { return None };
            match number {
                1 => name = std::str::from_utf8(bytes).ok()?,
                2 => drop(std::str::from_utf8(bytes).ok()?),
                3 => unit = std::str::from_utf8(bytes).ok()?,
                5 | 7 if data.is_none() => data = Some((number == 7, bytes)),
                _ => return None,
            }
        }
        let (is_sum, data) = data.filter(|_| !name.is_empty())?;
        let kind = if is_sum { kind_of_sum(data)? } else { Kind::Gauge };
        let header = Header { resource, name, unit, kind };
        let (points, keys, bytes) = (self.points.len(), self.keys.len(), self.bytes);
        let taken = self.points(data, &header, &header.key(number));
        match taken {
            Some(()) => self.metrics.push(header),
            None => {
                self.points.truncate(points);
                self.keys.truncate(keys);
                self.bytes = bytes;
            }
        }
        taken
    }

    fn points(&mut self, data: &'b [u8], header: &Header<'b>, prefix: &[u8]) -> Option<()> {
        let mut fields = Fields::of(data);
        while let Some((number, field)) = fields.next().ok()? {
            if let (1, Value::Bytes(point)) = (number, field) {
                self.point(point, header, prefix)?;
            }
        }
        Some(())
    }

    fn point(&mut self, message: &'b [u8], header: &Header<'b>, prefix: &[u8]) -> Option<()> {
        let (mut fields, mut attributes, mut at, mut value, mut flags) = (Fields::of(message), 0..0, 0, None, 0);
        loop {
            let from = fields.place();
            let Some((number, field)) = fields.next().ok()? else { break };
            match (number, field) {
                (7, Value::Bytes(_)) if attributes.is_empty() => attributes = from..fields.place(),
                (7, Value::Bytes(_)) if attributes.end == from => attributes.end = fields.place(),
                (2, Value::Fixed(_)) => {}
                (3, Value::Fixed(nanoseconds)) => at = nanoseconds,
                (4, Value::Fixed(bits)) => value = Some(f64::from_bits(bits)),
                (6, Value::Fixed(bits)) => value = Some(bits.cast_signed() as f64),
                (8, Value::Number(number)) => flags = number,
                _ => return None,
            }
        }
        let gone = flags & u64::from(NO_RECORDED_VALUE) != 0;
        let value = if gone { f64::from_bits(promql::STALE_BITS) } else { value? };
        let at = if at == 0 { self.received } else { Millis::try_from(at / 1_000_000).ok()? };
        let attributes = message.get(attributes)?;
        self.bytes += BYTES_PER_BYTE * (header.resource.len() + prefix.len() + attributes.len());
        if self.points.len() >= SAMPLES_PER_REQUEST_MAX / 2 || self.bytes > LABELS_BYTES_PER_REQUEST_MAX {
            return None;
        }
        let from = self.keys.len();
        self.keys.extend_from_slice(prefix);
        self.keys.extend_from_slice(attributes);
        self.points.push(Point { metric: self.metrics.len(), key: from..self.keys.len(), message, at, value });
        Some(())
    }

    /// Makes the labels of some points' series, counted from zero; `None` where the body is not well formed after all, and is
    /// to be read as a message.
    #[must_use]
    pub fn name(&mut self, points: &[usize]) -> Option<()> {
        let (mut last, mut base): (Option<&[u8]>, Pairs) = (None, BTreeMap::new());
        for place in points {
            let Some(point) = self.points.get(*place) else { continue };
            let Some(Header { resource, name, unit, kind }) = self.metrics.get(point.metric).copied() else { continue };
            if last != Some(resource) {
                base = translate::resource_labels(&Resource::decode(resource).ok()?.attributes);
                last = Some(resource);
            }
            let data = NumberDataPoint::decode(point.message).ok()?;
            let labels = translate::series_of(&base, &names::metric(name, unit, kind), &data);
            self.named.insert(*place, labels);
        }
        Some(())
    }

    /// The numbers in order; those whose labels pass the limits of labels are left out.
    pub fn numbers(&self) -> impl Iterator<Item = Number<'_>> {
        self.points.iter().enumerate().filter_map(|(place, point)| {
            let labels = match self.named.get(&place) {
                Some(Ok(labels)) => Some(labels),
                Some(Err(_)) => return None,
                None => None,
            };
            let key = self.keys.get(point.key.clone())?;
            Some(Number { key, labels, at: point.at, value: point.value })
        })
    }

    /// How many numbers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// What else the body holds, how many numbers stand beside it, and why some of these were left out.
    pub(super) fn into_others(self) -> (ExportMetricsServiceRequest, usize, BTreeMap<&'static str, u64>) {
        let mut rejected = BTreeMap::new();
        for reason in self.named.values().filter_map(|labels| labels.as_ref().err()) {
            *rejected.entry(*reason).or_default() += 1;
        }
        (self.others, self.points.len(), rejected)
    }
}

impl Header<'_> {
    /// How the keys of its series begin.
    fn key(&self, resource: u32) -> Vec<u8> {
        let length = |text: &str| u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes();
        let mut key = vec![MARK, u8::from(self.kind == Kind::Counter)];
        key.extend(resource.to_le_bytes());
        for text in [self.name, self.unit] {
            key.extend(length(text));
            key.extend(text.as_bytes());
        }
        key
    }
}

/// The kind of a cumulative sum; `None` of another one.
fn kind_of_sum(data: &[u8]) -> Option<Kind> {
    let (mut fields, mut is_cumulative, mut only_grows) = (Fields::of(data), false, false);
    while let Some((number, field)) = fields.next().ok()? {
        match (number, field) {
            (1, Value::Bytes(_)) => {}
            (2, Value::Number(temporality)) => is_cumulative = temporality == CUMULATIVE,
            (3, Value::Number(monotonic)) => only_grows = monotonic != 0,
            _ => return None,
        }
    }
    is_cumulative.then_some(if only_grows { Kind::Counter } else { Kind::Gauge })
}

#[cfg(test)]
mod tests;
