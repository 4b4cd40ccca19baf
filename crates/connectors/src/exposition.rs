//! Prometheus' text format 0.0.4 and OpenMetrics 1.0, read line by line. A line stays text until somebody asks for its
//! labels, because most series were seen before.

use kernel::sample::METRIC_NAME;

use crate::text;

/// The content type of OpenMetrics.
const OPEN_METRICS: &str = "application/openmetrics-text";
/// The line that ends OpenMetrics.
const END: &str = "# EOF";

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Prometheus' own: timestamps in milliseconds.
    Plain,
    /// OpenMetrics: timestamps in seconds, exemplars behind samples, an end.
    OpenMetrics,
}

impl Form {
    /// The form that a content type names.
    #[must_use]
    pub fn of(content_type: &str) -> Self {
        let kind = content_type.split(';').next().unwrap_or("").trim();
        if kind.eq_ignore_ascii_case(OPEN_METRICS) { Self::OpenMetrics } else { Self::Plain }
    }
}

/// Why a text is not in the format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct ExpositionError {
    /// Counts from one.
    pub line: usize,
    /// Which rule the line breaks.
    pub what: What,
}

/// Which rule a line breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum What {
    /// It does not begin with a name.
    #[error("a metric's name was expected")]
    Name,
    /// Its labels are not `name="value"` between braces.
    #[error("labels are written {{name=\"value\", ...}}")]
    Labels,
    /// A label stands there twice.
    #[error("label {0:?} is given twice")]
    Twice(String),
    /// Its value is not a number.
    #[error("{0:?} is not a number")]
    Value(String),
    /// Its timestamp is not one.
    #[error("{0:?} is not a timestamp in {1}")]
    Timestamp(String, &'static str),
    /// Something follows after the timestamp.
    #[error("{0:?} follows after the sample")]
    Rest(String),
    /// OpenMetrics that does not end, or goes on after its end.
    #[error("OpenMetrics ends with one line `# EOF`")]
    End,
}

/// One sample of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Line<'a> {
    /// Its place, from one.
    pub number: usize,
    /// Its name and labels, as they stand there.
    pub series: &'a str,
    /// Its value.
    pub value: f64,
    /// Its timestamp in milliseconds, where it has one.
    pub at: Option<i64>,
}

/// The samples of a text in its order.
#[derive(Debug, Clone)]
pub struct Lines<'a> {
    rest: std::iter::Zip<std::str::Lines<'a>, std::ops::RangeFrom<usize>>,
    form: Form,
    ended: bool,
    last: usize,
}

/// Reads a text. After an error nothing more comes.
#[must_use]
pub fn lines(text: &str, form: Form) -> Lines<'_> {
    Lines { rest: text.lines().zip(1..), form, ended: false, last: 0 }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Result<Line<'a>, ExpositionError>;

    fn next(&mut self) -> Option<Self::Item> {
        for (line, number) in self.rest.by_ref() {
            self.last = number;
            let line = line.trim_matches([' ', '\t', '\r']);
            if self.ended && self.form == Form::OpenMetrics {
                return self.stop(What::End);
            }
            self.ended |= line == END;
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match sample(line, number, self.form) {
                Ok(sample) => return Some(Ok(sample)),
                Err(what) => return self.stop(what),
            }
        }
        if self.form == Form::OpenMetrics && !self.ended {
            self.ended = true;
            return self.stop(What::End);
        }
        None
    }
}

impl<'a> Lines<'a> {
    fn stop(&mut self, what: What) -> Option<Result<Line<'a>, ExpositionError>> {
        let line = self.last.max(1);
        self.rest = "".lines().zip(1..);
        self.ended = true;
        Some(Err(ExpositionError { line, what }))
    }
}

fn sample(line: &str, number: usize, form: Form) -> Result<Line<'_>, What> {
    let (series, rest) = split(line)?;
    let rest = match form {
        Form::OpenMetrics => rest.split_once(" # ").map_or(rest, |(sample, _)| sample),
        Form::Plain => rest,
    };
    let mut words = rest.split_ascii_whitespace();
    let value = value(words.next().unwrap_or(""))?;
    let at = words.next().map(|word| timestamp(word, form)).transpose()?;
    match words.next() {
        Some(more) => Err(What::Rest(shown(more))),
        None => Ok(Line { number, series, value, at }),
    }
}

/// A line cut behind its labels.
fn split(line: &str) -> Result<(&str, &str), What> {
    let end = line.find(|c: char| !is_name(c)).unwrap_or(line.len());
    if end == 0 || line.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(What::Name);
    }
    let (_, rest) = line.split_at(end);
    let Some(inner) = rest.trim_start().strip_prefix('{') else { return Ok(line.split_at(end)) };
    let (mut quoted, mut escaped) = (false, false);
    for (place, c) in inner.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '}' if !quoted => return Ok(line.split_at(line.len() - inner.len() + place + 1)),
            _ => {}
        }
    }
    Err(What::Labels)
}

/// The labels of a series as [`Line::series`] writes it, the metric's name among them, in the order of the text. Values may be
/// empty.
///
/// # Errors
/// When they are not well formed.
pub fn pairs(series: &str) -> Result<Vec<(String, String)>, What> {
    let end = series.find(|c: char| !is_name(c)).unwrap_or(series.len());
    let (name, rest) = series.split_at(end);
    let mut all = vec![(METRIC_NAME.to_owned(), name.to_owned())];
    if let Some(inner) = rest.trim_start().strip_prefix('{') {
        labels(inner, &mut all)?;
    }
    let twice = |(at, (name, _)): (usize, &(String, String))| {
        all.iter().skip(at + 1).any(|(other, _)| other == name).then(|| What::Twice(name.clone()))
    };
    match all.iter().enumerate().find_map(twice) {
        Some(twice) => Err(twice),
        None => Ok(all),
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | ':')
}

/// Reads labels up to the closing brace.
fn labels(text: &str, pairs: &mut Vec<(String, String)>) -> Result<(), What> {
    let mut rest = text.trim_start();
    loop {
        if rest.starts_with('}') {
            return Ok(());
        }
        let (name, after) = rest.split_once('=').ok_or(What::Labels)?;
        let name = name.trim_end();
        if name.is_empty() || name.contains(':') || !name.chars().all(is_name) {
            return Err(What::Labels);
        }
        let quoted = after.trim_start().strip_prefix('"').ok_or(What::Labels)?;
        let (value, after) = unquoted(quoted).ok_or(What::Labels)?;
        pairs.push((name.to_owned(), value));
        let after = after.trim_start();
        rest = match after.strip_prefix(',') {
            Some(more) => more.trim_start(),
            None if after.starts_with('}') => after,
            None => return Err(What::Labels),
        };
    }
}

/// A value up to its closing quote with its escapes undone, and what follows.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((place, c)) = chars.next() {
        match c {
            '"' => return Some((value, text.get(place + 1..)?)),
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                c @ ('\\' | '"') => value.push(c),
                other => value.extend(['\\', other]),
            },
            c => value.push(c),
        }
    }
    None
}

fn value(word: &str) -> Result<f64, What> {
    word.parse().map_err(|_| What::Value(shown(word)))
}

/// The longest timestamp, in seconds since 1970, either way: the year 9999.
const SECONDS_MAX: f64 = 253_402_300_799.0;

fn timestamp(word: &str, form: Form) -> Result<i64, What> {
    match form {
        Form::Plain => word.parse().map_err(|_| What::Timestamp(shown(word), "milliseconds")),
        Form::OpenMetrics => {
            let seconds = word.parse().ok().filter(|seconds: &f64| seconds.abs() <= SECONDS_MAX);
            let seconds = seconds.ok_or_else(|| What::Timestamp(shown(word), "seconds"))?;
            #[expect(clippy::cast_possible_truncation, reason = "within bounds")]
            Ok((seconds * 1000.0) as i64)
        }
    }
}

fn shown(word: &str) -> String {
    text::one_line(word, 60)
}
