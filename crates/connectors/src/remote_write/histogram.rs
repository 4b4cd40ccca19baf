//! Native histograms, which both versions write alike: with whole numbers as differences, or with floats as they are.
//!
//! ```text
//! Histogram   1 uint64 count  2 double count  3 double sum  4 sint32 schema  5 double zero threshold
//!             6 uint64 zero count  7 double zero count
//!             8 span  9 sint64 difference  10 double count      of negative values
//!            11 span 12 sint64 difference  13 double count      of positive values
//!            14 reset hint  15 int64 timestamp  16 double bound  17 int64 start
//! BucketSpan  1 sint32 offset  2 uint32 length
//! ```

use promql::{CUSTOM_BUCKETS, Histogram, Millis, ResetHint};

use super::wire::{Fields, Value, signed};
use super::{Contents, Sink};

/// The resolutions of exponential buckets.
const SCHEMAS: std::ops::RangeInclusive<i32> = -4..=8;

/// What stands in the message.
#[derive(Debug, Default)]
struct Raw {
    histogram: Histogram,
    at: Millis,
    born: Millis,
    negative: Side,
    positive: Side,
    bounds: Vec<f64>,
}

/// The buckets on one side of zero.
#[derive(Debug, Default)]
struct Side {
    spans: Vec<(i64, u64)>,
    differences: Vec<i64>,
    counts: Vec<f64>,
}

/// Reads a histogram and gives it to the sink, or counts that it makes no sense.
pub(super) fn read(
    message: &[u8],
    created: Millis,
    contents: &mut Contents,
    sink: &mut impl Sink,
) -> Result<(), &'static str> {
    let raw = parse(message)?;
    let (at, born) = (raw.at, if raw.born == 0 { created } else { raw.born });
    match raw.made() {
        Ok(histogram) => {
            contents.histograms += 1;
            sink.histogram(at, born, histogram);
        }
        Err(why) => {
            contents.bad_histograms += 1;
            contents.why.get_or_insert_with(|| format!("series {}: a histogram {why}", contents.series));
        }
    }
    Ok(())
}

fn parse(message: &[u8]) -> Result<Raw, &'static str> {
    let (mut fields, mut raw) = (Fields::of(message), Raw::default());
    while let Some((number, field)) = fields.next()? {
        let histogram = &mut raw.histogram;
        match number {
            1 => histogram.count = field.number()? as f64,
            2 => histogram.count = field.double()?,
            3 => histogram.sum = field.double()?,
            4 => histogram.schema = signed(field.number()?) as i32,
            5 => histogram.zero_threshold = field.double()?,
            6 => histogram.zero_count = field.number()? as f64,
            7 => histogram.zero_count = field.double()?,
            8..=10 => raw.negative.take(number - 8, field)?,
            11..=13 => raw.positive.take(number - 11, field)?,
            14 => histogram.reset = hint(field.number()?),
            15 => raw.at = field.number()? as i64,
            16 => field.doubles(|bound| raw.bounds.push(bound))?,
            17 => raw.born = field.number()? as i64,
            _ => {}
        }
    }
    Ok(raw)
}

fn hint(number: u64) -> ResetHint {
    match number {
        1 => ResetHint::Reset,
        2 => ResetHint::NoReset,
        3 => ResetHint::Gauge,
        _ => ResetHint::Unknown,
    }
}

impl Raw {
    /// The histogram, or why it makes no sense.
    fn made(self) -> Result<Histogram, &'static str> {
        let mut histogram = self.histogram;
        histogram.positive = self.positive.buckets()?;
        histogram.negative = self.negative.buckets()?;
        if !self.bounds.is_sorted_by(|a, b| a < b) {
            return Err("has bounds that do not ascend");
        }
        if histogram.schema == CUSTOM_BUCKETS {
            let outside = |(index, _): &(i32, f64)| usize::try_from(*index).map_or(true, |i| i > self.bounds.len());
            if !histogram.negative.is_empty() || histogram.positive.iter().any(outside) {
                return Err("has custom bounds, and buckets outside of them");
            }
        } else if !SCHEMAS.contains(&histogram.schema) {
            return Err("has a schema that is neither -53 nor from -4 to 8");
        }
        histogram.bounds = self.bounds.into();
        Ok(histogram)
    }
}

impl Side {
    /// Takes one of its three fields in.
    fn take(&mut self, which: u64, field: Value<'_>) -> Result<(), &'static str> {
        match which {
            0 => self.spans.push(span(field.bytes()?)?),
            1 => field.numbers(|difference| self.differences.push(signed(difference)))?,
            _ => field.doubles(|count| self.counts.push(count))?,
        }
        Ok(())
    }

    /// The buckets by index, ascending. There are as many as counts, however long the spans say to be.
    fn buckets(self) -> Result<Vec<(i32, f64)>, &'static str> {
        let counts = if self.differences.is_empty() { self.counts } else { summed(&self.differences)? };
        let (mut buckets, mut counts) = (Vec::with_capacity(counts.len()), counts.into_iter());
        let mut index = 0_i64;
        for (place, (offset, length)) in self.spans.into_iter().enumerate() {
            if place > 0 && offset < 0 {
                return Err("has spans that overlap");
            }
            index = index.saturating_add(offset);
            for _ in 0..length {
                let count = counts.next().ok_or("has fewer counts than its spans have buckets")?;
                buckets.push((i32::try_from(index).map_err(|_| "has a bucket out of all range")?, count));
                index += 1;
            }
        }
        if counts.next().is_some() { Err("has more counts than its spans have buckets") } else { Ok(buckets) }
    }
}

fn summed(differences: &[i64]) -> Result<Vec<f64>, &'static str> {
    let mut sum = 0_i64;
    let mut add = |difference: &i64| {
        sum = sum.checked_add(*difference).filter(|sum| *sum >= 0)?;
        Some(sum as f64)
    };
    differences.iter().map(&mut add).collect::<Option<_>>().ok_or("has a count below zero")
}

fn span(message: &[u8]) -> Result<(i64, u64), &'static str> {
    let (mut fields, mut offset, mut length) = (Fields::of(message), 0, 0);
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => offset = signed(field.number()?),
            2 => length = field.number()?,
            _ => {}
        }
    }
    Ok((offset, length))
}
