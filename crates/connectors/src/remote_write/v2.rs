//! `io.prometheus.write.v2.Request`: every text once, in a table of symbols.
//!
//! ```text
//! Request     4 string symbol  5 TimeSeries
//! TimeSeries  1 uint32 label reference  2 Sample  3 Histogram  4 Exemplar  5 Metadata  6 int64 created
//! Sample      1 double value  2 int64 timestamp  3 int64 start
//! ```

use super::labels::{BadLabels, LABELS_BYTES_MAX, LABELS_MAX, LabelBytes, put};
use super::wire::{Fields, Malformed};
use super::{Contents, Sink, histogram, v1};

/// The most symbols of one message.
pub const SYMBOLS_MAX: usize = 1_000_000;

pub(super) fn read(message: &[u8], sink: &mut impl Sink) -> Result<Contents, Malformed> {
    let mut contents = Contents::default();
    let walked = symbols(message).and_then(|symbols| walk(message, &symbols, &mut contents, sink));
    walked.map_err(|what| Malformed { series: contents.series, what })?;
    Ok(contents)
}

/// The symbols may stand behind the series that use them.
fn symbols(message: &[u8]) -> Result<Vec<&str>, &'static str> {
    let (mut fields, mut symbols) = (Fields::of(message), Vec::new());
    while let Some((number, field)) = fields.next()? {
        if number == 4 {
            if symbols.len() >= SYMBOLS_MAX {
                return Err("there are more than 1000000 symbols: send fewer series at once");
            }
            symbols.push(std::str::from_utf8(field.bytes()?).map_err(|_| "a symbol is not UTF-8")?);
        }
    }
    Ok(symbols)
}

fn walk(message: &[u8], symbols: &[&str], contents: &mut Contents, sink: &mut impl Sink) -> Result<(), &'static str> {
    let (mut fields, mut key) = (Fields::of(message), Vec::new());
    while let Some((number, field)) = fields.next()? {
        if number == 5 {
            contents.series += 1;
            series(field.bytes()?, symbols, &mut key, contents, sink)?;
        }
    }
    Ok(())
}

fn series(
    message: &[u8],
    symbols: &[&str],
    key: &mut Vec<u8>,
    contents: &mut Contents,
    sink: &mut impl Sink,
) -> Result<(), &'static str> {
    let (problem, created) = name(message, symbols, key)?;
    sink.series(problem.map_or_else(|| LabelBytes::of(key), LabelBytes::bad));
    let mut fields = Fields::of(message);
    while let Some((number, field)) = fields.next()? {
        match number {
            2 => {
                let (at, born, value) = v1::sample(field.bytes()?)?;
                contents.floats += 1;
                sink.float(at, if born == 0 { created } else { born }, value);
            }
            3 => histogram::read(field.bytes()?, created, contents, sink)?,
            4 => contents.exemplars += 1,
            5 => contents.metadata += 1,
            _ => {}
        }
    }
    Ok(())
}

/// Writes the labels into `key`; returns what is wrong with them, and when the series was created.
fn name(message: &[u8], symbols: &[&str], key: &mut Vec<u8>) -> Result<(Option<BadLabels>, i64), &'static str> {
    key.clear();
    let (mut fields, mut created, mut problem) = (Fields::of(message), 0, None);
    let (mut half, mut count) = (None, 0);
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => field.numbers(|reference| {
                let symbol = usize::try_from(reference).ok().and_then(|place| symbols.get(place));
                match (half.take(), symbol) {
                    _ if problem.is_some() => {}
                    (_, None) => problem = Some(BadLabels::NoSymbol),
                    (None, Some(name)) => half = Some(*name),
                    (Some(name), Some(value)) => {
                        count += 1;
                        problem = too_much(count, key.len() + name.len() + value.len());
                        if problem.is_none() {
                            put(key, name, value);
                        }
                    }
                }
            })?,
            6 => created = field.number()? as i64,
            _ => {}
        }
    }
    Ok((problem.or(half.map(|_| BadLabels::Odd)), created))
}

fn too_much(labels: usize, bytes: usize) -> Option<BadLabels> {
    if labels > LABELS_MAX {
        return Some(BadLabels::TooMany);
    }
    (bytes > LABELS_BYTES_MAX).then_some(BadLabels::TooLong)
}
