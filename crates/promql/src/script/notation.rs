//! Single values as scripts write them: numbers, lengths of time, histograms.

use std::sync::Arc;

use crate::histogram::{CUSTOM_BUCKETS, Histogram, ResetHint};
use crate::parse::number;
use crate::{Millis, parse};

/// How many buckets a histogram may be written with.
const BUCKETS_MAX: usize = 10_000;

/// A length of time, perhaps negative; a bare number counts as seconds.
pub(super) fn time(text: &str) -> Result<Millis, String> {
    let (sign, plain) = match text.strip_prefix('-') {
        Some(plain) => (-1, plain),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let seconds = || plain.parse().ok().and_then(parse::millis_of);
    let millis =
        number::duration(plain).or_else(seconds).ok_or_else(|| format!("not a valid duration string: {text:?}"))?;
    Ok(sign * millis)
}

/// The number at the beginning of a text, and what follows it.
pub(super) fn number(text: &str) -> Option<(f64, &str)> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    for (word, value) in [("inf", f64::INFINITY), ("nan", f64::NAN)] {
        if let Some((start, rest)) = unsigned.split_at_checked(3).filter(|(start, _)| start.eq_ignore_ascii_case(word))
        {
            return Some((sign * value, rest.get(start.len() - 3..)?));
        }
    }
    let (value, rest) = unsigned.split_at_checked(number_length(unsigned))?;
    Some((sign * value.parse::<f64>().ok()?, rest))
}

/// How many bytes of a text are a decimal number without a sign.
fn number_length(text: &str) -> usize {
    let digits = |from: usize| text.bytes().skip(from).take_while(u8::is_ascii_digit).count();
    let mut length = digits(0);
    if text.as_bytes().get(length) == Some(&b'.') {
        length += 1 + digits(length + 1);
    }
    if matches!(text.as_bytes().get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.as_bytes().get(length + 1), Some(b'+' | b'-')));
        let exponent = digits(length + 1 + sign);
        length += if exponent > 0 { 1 + sign + exponent } else { 0 };
    }
    length
}

/// The histogram at the beginning of a text, whether it says something of resets, and what follows it.
pub(super) fn histogram(text: &str) -> Result<(Histogram, bool, &str), String> {
    let inside = text.strip_prefix("{{").ok_or("expected \"{{\"")?;
    let (inside, rest) = inside.split_once("}}").ok_or("a histogram is not closed by \"}}\"")?;
    let mut written = Written::default();
    let mut left = inside.trim_start();
    while !left.is_empty() {
        left = written.field(left)?.trim_start();
    }
    let hint_set = written.hint_set;
    Ok((written.histogram(), hint_set, rest))
}

/// The fields of a histogram as far as they are read.
#[derive(Default)]
struct Written {
    plain: Histogram,
    hint_set: bool,
    buckets: Vec<f64>,
    offset: i32,
    negative_buckets: Vec<f64>,
    negative_offset: i32,
}

impl Written {
    /// Reads one field; gives what follows it.
    fn field<'a>(&mut self, text: &'a str) -> Result<&'a str, String> {
        let (key, rest) = text.split_once(':').ok_or_else(|| format!("expected a field and a colon at {text:?}"))?;
        let plain = &mut self.plain;
        match key {
            "schema" => whole(rest, &mut plain.schema),
            "sum" => one(rest, &mut plain.sum),
            "count" => one(rest, &mut plain.count),
            "z_bucket" => one(rest, &mut plain.zero_count),
            "z_bucket_w" => one(rest, &mut plain.zero_threshold),
            "buckets" => list(rest, &mut self.buckets),
            "n_buckets" => list(rest, &mut self.negative_buckets),
            "offset" => whole(rest, &mut self.offset),
            "n_offset" => whole(rest, &mut self.negative_offset),
            "custom_values" => {
                let mut bounds = Vec::new();
                let rest = list(rest, &mut bounds)?;
                plain.bounds = Arc::from(bounds);
                Ok(rest)
            }
            "counter_reset_hint" => {
                let (word, rest) = rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()));
                plain.reset = hint(word)?;
                self.hint_set = true;
                Ok(rest)
            }
            _ => Err(format!("a histogram has no field {key:?}")),
        }
    }

    fn histogram(self) -> Histogram {
        let positive = (self.offset..).zip(self.buckets).collect();
        let negative = (self.negative_offset..).zip(self.negative_buckets).collect();
        Histogram { positive, negative, ..self.plain }
    }
}

fn hint(word: &str) -> Result<ResetHint, String> {
    Ok(match word {
        "unknown" => ResetHint::Unknown,
        "reset" => ResetHint::Reset,
        "not_reset" => ResetHint::NoReset,
        "gauge" => ResetHint::Gauge,
        _ => return Err(format!("counter_reset_hint is unknown, reset, not_reset or gauge, not {word:?}")),
    })
}

fn one<'a>(text: &'a str, place: &mut f64) -> Result<&'a str, String> {
    let (value, rest) = number(text).ok_or_else(|| format!("expected a number at {text:?}"))?;
    *place = value;
    Ok(rest)
}

/// A schema or an offset: any whole number that a histogram's index can be.
fn whole<'a>(text: &'a str, place: &mut i32) -> Result<&'a str, String> {
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (value, rest) = text.split_at(end);
    let range = -1_000_000..=1_000_000;
    let value = value.parse().ok().filter(|value| range.contains(value));
    *place = value.ok_or_else(|| format!("expected a whole number at {text:?}"))?;
    Ok(rest)
}

fn list<'a>(text: &'a str, place: &mut Vec<f64>) -> Result<&'a str, String> {
    let inside = text.strip_prefix('[').ok_or_else(|| format!("expected \"[\" at {text:?}"))?;
    let (inside, rest) = inside.split_once(']').ok_or("a list is not closed by \"]\"")?;
    for word in inside.split([' ', '\t', ',']).filter(|word| !word.is_empty()) {
        match number(word) {
            Some((value, "")) if place.len() < BUCKETS_MAX => place.push(value),
            Some((_, "")) => return Err(format!("a histogram has at most {BUCKETS_MAX} buckets")),
            _ => return Err(format!("expected a number, not {word:?}")),
        }
    }
    Ok(rest)
}

/// What is wrong with a histogram that is to be loaded, if anything is.
pub(super) fn fault(histogram: &Histogram) -> Option<String> {
    let exponential = (-4..=8).contains(&histogram.schema);
    if !exponential && histogram.schema != CUSTOM_BUCKETS {
        return Some(format!("a schema is -53 or from -4 to 8, not {}", histogram.schema));
    }
    if !histogram.bounds.is_sorted_by(|a, b| a < b) {
        return Some("the custom values must ascend".to_owned());
    }
    None
}
