//! What stands in a record of the log: series and samples, one after the other.
//!
//! ```text
//! (slot << 3 | kind)  then   0 labels     count, (name, value) ..
//!                            1 float      instant, bits:64
//!                            2 float      instant, born, bits:64
//!                            3 histogram  instant, born, histogram
//!                            4 newest     instant, born, bits:64       the newest point of a series, which a block holds
//!                            5 newest     instant, born, histogram     already
//! ```
//! An instant is the distance from the one before in the record.

use std::sync::Arc;

use promql::{Histogram, Labels, Millis, Value};

use crate::metrics::codec::bytes::{Reader, put_number, put_signed, put_text};
use crate::metrics::codec::histogram;

/// One entry.
#[derive(Debug)]
pub(in crate::metrics) enum Entry<'a> {
    /// From here on this number means the series with these labels.
    Define { slot: u32, labels: Vec<(&'a str, &'a str)> },
    /// A sample.
    Sample { slot: u32, at: Millis, born: Millis, value: Value },
    /// The newest sample of a series; it is in a block.
    Newest { slot: u32, at: Millis, born: Millis, value: Value },
}

fn put_head(record: &mut Vec<u8>, slot: u32, kind: u64) {
    put_number(record, u64::from(slot) << 3 | kind);
}

pub(in crate::metrics) fn put_define(record: &mut Vec<u8>, slot: u32, labels: &Labels) {
    put_head(record, slot, 0);
    put_number(record, labels.len() as u64);
    for (name, value) in labels.iter() {
        put_text(record, name);
        put_text(record, value);
    }
}

#[inline]
pub(in crate::metrics) fn put_float(record: &mut Vec<u8>, slot: u32, distance: Millis, born: Millis, value: f64) {
    put_head(record, slot, if born == 0 { 1 } else { 2 });
    put_signed(record, distance);
    if born != 0 {
        put_signed(record, born);
    }
    record.extend_from_slice(&value.to_bits().to_le_bytes());
}

pub(in crate::metrics) fn put_histogram(
    record: &mut Vec<u8>,
    slot: u32,
    distance: Millis,
    born: Millis,
    value: &Histogram,
) {
    put_head(record, slot, 3);
    put_signed(record, distance);
    put_signed(record, born);
    histogram::put(record, value);
}

/// Appends the newest point of a series; the instant does not become the one that the next is written against.
pub(in crate::metrics) fn put_newest(record: &mut Vec<u8>, slot: u32, at: Millis, born: Millis, value: &Value) {
    put_head(record, slot, if value.float().is_some() { 4 } else { 5 });
    put_signed(record, at);
    put_signed(record, born);
    match value {
        Value::Float(value) => record.extend_from_slice(&value.to_bits().to_le_bytes()),
        Value::Histogram(value) => histogram::put(record, value),
    }
}

/// Reads the entries of a record.
#[derive(Debug)]
pub(in crate::metrics) struct Entries<'a> {
    reader: Reader<'a>,
    base: Millis,
}

impl<'a> Entries<'a> {
    pub(in crate::metrics) fn new(record: &'a [u8]) -> Self {
        Self { reader: Reader(record), base: 0 }
    }

    /// The next entry; `Some(None)` when the rest makes no sense, `None` at the end.
    pub(in crate::metrics) fn next(&mut self) -> Option<Option<Entry<'a>>> {
        (!self.reader.is_empty()).then(|| self.read())
    }

    fn read(&mut self) -> Option<Entry<'a>> {
        let reader = &mut self.reader;
        let head = reader.number()?;
        let slot = u32::try_from(head >> 3).ok()?;
        let kind = head & 7;
        if kind == 0 {
            let count = reader.count(2)?;
            let labels = (0..count).map(|_| Some((reader.text()?, reader.text()?)));
            return Some(Entry::Define { slot, labels: labels.collect::<Option<_>>()? });
        }
        let distance = reader.signed()?;
        let born = if kind == 1 { 0 } else { reader.signed()? };
        let value = match kind {
            1 | 2 | 4 => Value::Float(f64::from_bits(reader.fixed()?)),
            3 | 5 => Value::Histogram(Arc::new(histogram::get(reader)?)),
            _ => return None,
        };
        if kind >= 4 {
            return Some(Entry::Newest { slot, at: distance, born, value });
        }
        self.base = self.base.wrapping_add(distance);
        Some(Entry::Sample { slot, at: self.base, born, value })
    }
}
