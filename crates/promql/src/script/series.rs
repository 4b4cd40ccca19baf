//! Lines of values: `requests{path="/"} 0+10x20 _x3 stale {{sum:1 count:1}}`.

use std::sync::Arc;

use super::{POINTS_MAX, notation};
use crate::{Histogram, Labels, Millis, Value, series_name};

/// A value at a place of a line.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// What.
    pub value: Value,
    /// Whether a histogram says what is known of its resets.
    pub hint_set: bool,
}

/// Splits a line into the labels of its series and what follows them.
///
/// # Errors
/// The line begins with no series.
pub(super) fn split(line: &str) -> Result<(Labels, &str), String> {
    let name = line.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':')).unwrap_or(line.len());
    let mut end = name;
    if line.get(name..).is_some_and(|rest| rest.starts_with('{')) {
        end += braces(line.get(name..).unwrap_or_default()).ok_or("the labels are not closed by \"}\"")?;
    }
    let (series, rest) = line.split_at_checked(end).unwrap_or((line, ""));
    if series.is_empty() || !(rest.is_empty() || rest.starts_with([' ', '\t', '@'])) {
        return Err(format!("expected a series at {line:?}"));
    }
    Ok((series_name(series).map_err(|error| format!("{series:?}: {error}"))?, rest))
}

/// The length of what stands in braces, with them. Braces in quotes do not count.
fn braces(text: &str) -> Option<usize> {
    let (mut quote, mut escaped) = (None, false);
    for (at, c) in text.char_indices() {
        match quote {
            _ if escaped => escaped = false,
            Some(open) if c == open => quote = None,
            Some('"' | '\'') if c == '\\' => escaped = true,
            Some(_) => {}
            None if matches!(c, '"' | '\'' | '`') => quote = Some(c),
            None if c == '}' => return Some(at + 1),
            None => {}
        }
    }
    None
}

/// Reads values in expanding notation: `1 2+3x4 _ stale {{...}}x2`. `None` where there is no sample.
///
/// # Errors
/// What cannot be read, or that there are more than [`POINTS_MAX`] values.
pub fn sequence(text: &str) -> Result<Vec<Option<Sample>>, String> {
    let mut all = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() && !rest.starts_with('#') {
        let after = item(rest, &mut all)?;
        if !after.is_empty() && !after.starts_with(char::is_whitespace) {
            return Err(format!("expected a blank at {after:?}"));
        }
        rest = after.trim_start();
    }
    Ok(all)
}

/// Reads one item; gives what follows it.
fn item<'a>(text: &'a str, all: &mut Vec<Option<Sample>>) -> Result<&'a str, String> {
    if let Some(rest) = text.strip_prefix('_') {
        let (times, rest) = times(rest)?;
        repeat(all, times.unwrap_or(1), |_| Ok(None))?;
        return Ok(rest);
    }
    if let Some(rest) = text.strip_prefix("stale") {
        let (times, rest) = times(rest)?;
        let stale = || Some(Sample { value: Value::stale(), hint_set: false });
        repeat(all, times.map_or(1, |times| times + 1), |_| Ok(stale()))?;
        return Ok(rest);
    }
    if text.starts_with("{{") { histograms(text, all) } else { floats(text, all) }
}

fn floats<'a>(text: &'a str, all: &mut Vec<Option<Sample>>) -> Result<&'a str, String> {
    let wrong = || format!("expected a value at {text:?}");
    let (start, rest) = notation::number(text).ok_or_else(wrong)?;
    let (step, rest) = match rest.starts_with(['+', '-']) {
        true => notation::number(rest).map(|(step, rest)| (Some(step), rest)).ok_or_else(wrong)?,
        false => (None, rest),
    };
    let (times, rest) = times(rest)?;
    if step.is_some() && times.is_none() {
        return Err(format!("a step needs \"x\" and how often, at {text:?}"));
    }
    let mut value = start;
    repeat(all, times.map_or(1, |times| times + 1), |first| {
        value += if first { 0.0 } else { step.unwrap_or(0.0) };
        Ok(Some(Sample { value: Value::Float(value), hint_set: false }))
    })?;
    Ok(rest)
}

fn histograms<'a>(text: &'a str, all: &mut Vec<Option<Sample>>) -> Result<&'a str, String> {
    let (start, hint_set, rest) = notation::histogram(text)?;
    let minus = rest.starts_with("-{{");
    let (step, rest) = match minus || rest.starts_with("+{{") {
        true => notation::histogram(rest.get(1..).unwrap_or_default()).map(|(step, _, rest)| (Some(step), rest))?,
        false => (None, rest),
    };
    let (times, rest) = times(rest)?;
    let mut current = start;
    repeat(all, times.map_or(1, |times| times + 1), |first| {
        if let Some(step) = step.as_ref().filter(|_| !first) {
            current = stepped(&current, step, minus)?;
        }
        Ok(Some(Sample { value: Value::Histogram(Arc::new(current.clone())), hint_set }))
    })?;
    Ok(rest)
}

fn stepped(current: &Histogram, step: &Histogram, minus: bool) -> Result<Histogram, String> {
    let next = if minus { current.sub(step) } else { current.add(step) };
    next.map(|combined| combined.histogram).map_err(|error| error.to_string())
}

/// Adds so many values, unless there get too many; the function is told whether it makes the first.
fn repeat(
    all: &mut Vec<Option<Sample>>,
    times: usize,
    mut make: impl FnMut(bool) -> Result<Option<Sample>, String>,
) -> Result<(), String> {
    if all.len().saturating_add(times) > POINTS_MAX {
        return Err(format!("a series has at most {POINTS_MAX} values"));
    }
    for at in 0..times {
        all.push(make(at == 0)?);
    }
    Ok(())
}

/// `x5`, if it stands here, and what follows it.
fn times(text: &str) -> Result<(Option<usize>, &str), String> {
    let Some(rest) = text.strip_prefix('x') else { return Ok((None, text)) };
    let (digits, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
    let times = digits.parse().ok().filter(|times| *times <= POINTS_MAX);
    let times = times.ok_or_else(|| format!("expected a number up to {POINTS_MAX} after \"x\" at {text:?}"))?;
    Ok((Some(times), after))
}

/// Reads when counters began, relative to their samples: `-1mx4 _ -30s+10sx2`. `None` where that is not said.
pub(super) fn births(text: &str) -> Result<Vec<Option<Millis>>, String> {
    let mut all = Vec::new();
    for word in text.split_whitespace() {
        let (item, count) = match word.rsplit_once('x') {
            Some((item, count)) => (item, Some(times(&format!("x{count}"))?.0.unwrap_or_default())),
            None => (word, None),
        };
        if item == "_" {
            all.resize(all.len() + count.unwrap_or(1), None);
        } else {
            let at = item.char_indices().skip(1).find(|(_, c)| matches!(c, '+' | '-')).map(|(at, _)| at);
            let (start, step) = item.split_at(at.unwrap_or(item.len()));
            let step = if step.is_empty() { 0 } else { notation::time(step)? };
            let mut value = notation::time(start)?;
            for _ in 0..=count.unwrap_or(0) {
                all.push(Some(value));
                value = value.saturating_add(step);
            }
        }
        if all.len() > POINTS_MAX {
            return Err(format!("a series has at most {POINTS_MAX} values"));
        }
    }
    Ok(all)
}
