//! Chunks: some hundred points of one series, of one kind, born at one instant. Whole ones are never changed.

use std::sync::Arc;

use promql::{Histogram, Millis, Point, Value};

use super::codec::bytes::{Reader, put_signed};
use super::codec::{histogram, xor};

/// How many points a chunk has when it is whole.
pub(super) const POINTS_PER_CHUNK: u32 = 120;
/// A chunk of so many bytes is whole with fewer points.
pub(super) const CHUNK_BYTES: usize = 4_096;

/// What the points of a chunk are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Floats,
    Histograms,
}

impl Kind {
    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Float(_) => Self::Floats,
            Value::Histogram(_) => Self::Histograms,
        }
    }
}

/// Points that will not change any more.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chunk {
    pub head: Header,
    pub bytes: Box<[u8]>,
}

/// What is known of a chunk without decoding it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub kind: Kind,
    pub first: Millis,
    pub last: Millis,
    pub born: Millis,
    pub count: u32,
}

impl Header {
    /// Whether it may hold points in `(after, until]`.
    pub(super) fn overlaps(&self, after: Millis, until: Millis) -> bool {
        self.last > after && self.first <= until
    }
}

impl Chunk {
    /// Appends its points in `(after, until]`; `None` when its bytes make no sense.
    pub(super) fn read(&self, after: Millis, until: Millis, points: &mut Vec<Point>) -> Option<()> {
        read(&self.head, &self.bytes, after, until, points)
    }

    /// How much memory it takes, roughly.
    pub(super) fn weight(&self) -> u64 {
        (self.bytes.len() + size_of::<Self>() + 32) as u64
    }
}

/// Appends the points in `(after, until]` of a chunk that stands in two parts.
pub(super) fn read(head: &Header, bytes: &[u8], after: Millis, until: Millis, points: &mut Vec<Point>) -> Option<()> {
    let born = head.born;
    let wanted = |at: Millis| at > after && at <= until;
    match head.kind {
        Kind::Floats => xor::decode(bytes, head.count, |at, bits| {
            if wanted(at) {
                points.push(Point { at, born, value: Value::Float(f64::from_bits(bits)) });
            }
        }),
        Kind::Histograms => {
            let (mut reader, mut at) = (Reader(bytes), 0_i64);
            for _ in 0..head.count {
                at = at.checked_add(reader.signed()?)?;
                let histogram = histogram::get(&mut reader)?;
                if wanted(at) {
                    points.push(Point { at, born, value: Value::Histogram(Arc::new(histogram)) });
                }
            }
            Some(())
        }
    }
}

/// The chunk that grows.
#[derive(Debug)]
pub(super) struct Open {
    head: Header,
    points: Points,
}

#[derive(Debug)]
enum Points {
    Floats(xor::Encoder),
    Histograms(Vec<u8>),
}

impl Open {
    /// A chunk with nothing in it.
    pub(super) fn empty() -> Self {
        let head = Header { kind: Kind::Floats, first: 0, last: 0, born: 0, count: 0 };
        Self { head, points: Points::Floats(xor::Encoder::default()) }
    }

    pub(super) fn head(&self) -> &Header {
        &self.head
    }

    /// Whether a point of this kind and birth can go in.
    #[inline]
    pub(super) fn takes(&self, kind: Kind, born: Millis) -> bool {
        let count = self.head.count;
        count == 0 || count < POINTS_PER_CHUNK && self.head.kind == kind && self.head.born == born && !self.is_big()
    }

    fn is_big(&self) -> bool {
        let length = match &self.points {
            Points::Floats(encoder) => encoder.len(),
            Points::Histograms(bytes) => bytes.len(),
        };
        length >= CHUNK_BYTES
    }

    #[inline]
    fn note(&mut self, kind: Kind, at: Millis, born: Millis) {
        if self.head.count == 0 {
            self.head = Header { kind, first: at, last: at, born, count: 0 };
        }
        self.head.last = at;
        self.head.count += 1;
    }

    /// Appends a number; [`Open::takes`] has said yes.
    #[inline]
    pub(super) fn put_float(&mut self, at: Millis, born: Millis, bits: u64) {
        self.note(Kind::Floats, at, born);
        match &mut self.points {
            Points::Floats(encoder) => encoder.put(at, bits),
            Points::Histograms(_) => {
                let mut encoder = xor::Encoder::default();
                encoder.put(at, bits);
                self.points = Points::Floats(encoder);
            }
        }
    }

    /// Appends a histogram; [`Open::takes`] has said yes.
    pub(super) fn put_histogram(&mut self, at: Millis, born: Millis, value: &Histogram) {
        let before = if self.head.count == 0 { 0 } else { self.head.last };
        self.note(Kind::Histograms, at, born);
        if let Points::Floats(_) = self.points {
            self.points = Points::Histograms(Vec::new());
        }
        if let Points::Histograms(bytes) = &mut self.points {
            put_signed(bytes, at.wrapping_sub(before));
            histogram::put(bytes, value);
        }
    }

    /// What is in it so far.
    pub(super) fn copy(&self) -> Option<Chunk> {
        let bytes = match &self.points {
            _ if self.head.count == 0 => return None,
            Points::Floats(encoder) => encoder.to_bytes(),
            Points::Histograms(bytes) => bytes.as_slice().into(),
        };
        Some(Chunk { head: self.head, bytes })
    }

    /// Takes everything out as a whole chunk.
    pub(super) fn seal(&mut self) -> Option<Chunk> {
        let whole = self.copy();
        *self = Self::empty();
        whole
    }

    /// How much memory its points hold, in bytes.
    pub(super) fn capacity(&self) -> usize {
        match &self.points {
            Points::Floats(encoder) => encoder.capacity(),
            Points::Histograms(bytes) => bytes.capacity(),
        }
    }
}

/// Points in any order as chunks, in order of time where they were.
pub(super) fn chunks_of(points: &[Point]) -> Vec<Chunk> {
    let (mut open, mut whole) = (Open::empty(), Vec::new());
    for point in points {
        if !open.takes(Kind::of(&point.value), point.born) {
            whole.extend(open.seal());
        }
        match &point.value {
            Value::Float(value) => open.put_float(point.at, point.born, value.to_bits()),
            Value::Histogram(value) => open.put_histogram(point.at, point.born, value),
        }
    }
    whole.extend(open.seal());
    whole
}

/// Puts points into order of time; of those at the same instant the first stays.
pub(super) fn in_order(points: &mut Vec<Point>) {
    if !points.is_sorted_by(|a, b| a.at < b.at) {
        points.sort_by_key(|point| point.at);
        points.dedup_by_key(|point| point.at);
    }
}

/// Whether two values are the same to the bit.
pub(super) fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Float(one), Value::Float(other)) => one.to_bits() == other.to_bits(),
        (Value::Histogram(one), Value::Histogram(other)) => histogram::same(one, other),
        _ => false,
    }
}
