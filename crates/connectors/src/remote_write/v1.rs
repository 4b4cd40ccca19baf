//! `prometheus.WriteRequest`.
//!
//! ```text
//! WriteRequest  1 TimeSeries  3 MetricMetadata
//! TimeSeries    1 Label  2 Sample  3 Exemplar  4 Histogram
//! Sample        1 double value  2 int64 timestamp
//! ```

use super::labels::LabelBytes;
use super::wire::{Fields, Malformed};
use super::{Contents, Sink, histogram};

pub(super) fn read(message: &[u8], sink: &mut impl Sink) -> Result<Contents, Malformed> {
    let (mut contents, mut scattered) = (Contents::default(), Vec::new());
    let walked = walk(message, &mut contents, &mut scattered, sink);
    walked.map_err(|what| Malformed { series: contents.series, what })?;
    Ok(contents)
}

fn walk(
    message: &[u8],
    contents: &mut Contents,
    scattered: &mut Vec<u8>,
    sink: &mut impl Sink,
) -> Result<(), &'static str> {
    let mut fields = Fields::of(message);
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => {
                contents.series += 1;
                series(field.bytes()?, contents, scattered, sink)?;
            }
            3 => contents.metadata += 1,
            _ => {}
        }
    }
    Ok(())
}

fn series(
    message: &[u8],
    contents: &mut Contents,
    scattered: &mut Vec<u8>,
    sink: &mut impl Sink,
) -> Result<(), &'static str> {
    sink.series(LabelBytes::of(labels(message, scattered)?));
    let mut fields = Fields::of(message);
    while let Some((number, field)) = fields.next()? {
        match number {
            2 => {
                let (at, born, value) = sample(field.bytes()?)?;
                contents.floats += 1;
                sink.float(at, born, value);
            }
            3 => contents.exemplars += 1,
            4 => histogram::read(field.bytes()?, 0, contents, sink)?,
            _ => {}
        }
    }
    Ok(())
}

/// The bytes of all labels. They stand together, unless a sender is odd.
#[inline]
fn labels<'a>(message: &'a [u8], scattered: &'a mut Vec<u8>) -> Result<&'a [u8], &'static str> {
    let (mut fields, mut first, mut end, mut together) = (Fields::of(message), None, 0, true);
    loop {
        let before = fields.place();
        let Some((number, _)) = fields.next()? else { break };
        if number == 1 {
            together &= first.is_none() || before == end;
            first.get_or_insert(before);
            end = fields.place();
        }
    }
    if together {
        return Ok(message.get(first.unwrap_or(0)..end).unwrap_or_default());
    }
    scattered.clear();
    let mut fields = Fields::of(message);
    loop {
        let before = fields.place();
        let Some((number, _)) = fields.next()? else { return Ok(scattered) };
        if number == 1 {
            scattered.extend_from_slice(message.get(before..fields.place()).unwrap_or_default());
        }
    }
}

/// The instant, the birth and the value; 1.0 has no births.
#[inline]
pub(super) fn sample(message: &[u8]) -> Result<(i64, i64, f64), &'static str> {
    let (mut fields, mut at, mut born, mut value) = (Fields::of(message), 0, 0, 0.0);
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => value = field.double()?,
            2 => at = field.number()? as i64,
            3 => born = field.number().unwrap_or(0) as i64,
            _ => {}
        }
    }
    Ok((at, born, value))
}
