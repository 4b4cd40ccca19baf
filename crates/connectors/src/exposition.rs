//! Prometheus' text format 0.0.4: read from a text, or fetched from a target. All of a text is taken, or nothing.

use kernel::labels::LabelsError;
use kernel::sample::{METRIC_NAME, Sample};
use kernel::{Labels, Timestamp};
use reqwest::Client;
use reqwest::header::ACCEPT;

use crate::http;
use crate::text;

/// How much a target may answer.
pub const SCRAPE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The series that says whether a target answered.
pub const UP: &str = "up";

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
    /// Its value is not a number.
    #[error("{0:?} is not a number")]
    Value(String),
    /// Its timestamp is not in milliseconds.
    #[error("{0:?} is not a timestamp in milliseconds")]
    Timestamp(String),
    /// Something follows after the timestamp.
    #[error("{0:?} follows after the sample")]
    Rest(String),
    /// Its labels break a rule of all labels.
    #[error(transparent)]
    Set(#[from] LabelsError),
}

/// What a scrape brought.
#[derive(Debug, Clone, PartialEq)]
pub struct Scraped {
    /// The samples, and always [`UP`] as the last.
    pub samples: Vec<Sample>,
    /// Why the target did not answer as it should.
    pub failure: Option<String>,
}

/// Fetches a target's samples. `target` are the labels that the watchbook gives it, such as `job` and `instance`.
pub async fn scrape(client: &Client, url: &str, target: &Labels, now: Timestamp) -> Scraped {
    let (mut samples, failure) = match fetch(client, url, target, now).await {
        Ok(samples) => (samples, None),
        Err(reason) => (Vec::new(), Some(reason)),
    };
    let up = Labels::from_pairs([(METRIC_NAME, UP)]).and_then(|name| target.with(&name)).unwrap_or_default();
    samples.push(Sample { series: up, at: now, value: if failure.is_none() { 1.0 } else { 0.0 } });
    Scraped { samples, failure }
}

async fn fetch(client: &Client, url: &str, target: &Labels, now: Timestamp) -> Result<Vec<Sample>, String> {
    let request = client.get(url).header(ACCEPT, "text/plain;version=0.0.4").timeout(http::TOTAL_TIMEOUT);
    let response = request.send().await.map_err(|error| http::fault(&error).1)?;
    if !response.status().is_success() {
        return Err(format!("status {}", response.status()));
    }
    let body = http::beginning(response, SCRAPE_BYTES_MAX + 1).await.map_err(|error| http::fault(&error).1)?;
    if body.len() > SCRAPE_BYTES_MAX {
        return Err(format!("the answer has more than {SCRAPE_BYTES_MAX} bytes"));
    }
    let said = std::str::from_utf8(&body).map_err(|_| "the answer is not UTF-8".to_owned())?;
    parse(said, target, now).map_err(|error| error.to_string())
}

/// Reads a text. The labels of `target` win; a label of the same name that the text gives becomes `exported_name`.
/// Samples without a timestamp get `now`.
///
/// # Errors
/// Says which line breaks which rule.
pub fn parse(text: &str, target: &Labels, now: Timestamp) -> Result<Vec<Sample>, ExpositionError> {
    let lines = text.lines().zip(1..).map(|(line, number)| (line.trim_matches([' ', '\t', '\r']), number));
    let samples = lines.filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
    samples
        .map(|(line, number)| sample(line, target, now).map_err(|what| ExpositionError { line: number, what }))
        .collect()
}

fn sample(line: &str, target: &Labels, now: Timestamp) -> Result<Sample, What> {
    let end = line.find(|c: char| !is_name(c)).unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(What::Name);
    }
    let mut pairs = Vec::new();
    let rest = match rest.trim_start().strip_prefix('{') {
        Some(inner) => labels(inner, &mut pairs)?,
        None => rest,
    };
    let mut words = rest.split_ascii_whitespace();
    let value = number(words.next().unwrap_or(""))?;
    let at = words.next().map_or(Ok(now), timestamp)?;
    if let Some(more) = words.next() {
        return Err(What::Rest(shown(more)));
    }
    Ok(Sample { series: series(name, pairs, target)?, at, value })
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | ':')
}

fn series(name: &str, pairs: Vec<(&str, String)>, target: &Labels) -> Result<Labels, LabelsError> {
    let own = pairs.into_iter().filter(|(_, value)| !value.is_empty()).map(|(label, value)| {
        if target.get(label).is_some() { (format!("exported_{label}"), value) } else { (label.to_owned(), value) }
    });
    let fixed = target.iter().chain([(METRIC_NAME, name)]).map(|(label, value)| (label.to_owned(), value.to_owned()));
    Labels::from_pairs(own.chain(fixed))
}

/// Reads labels up to the closing brace, and returns what follows it.
fn labels<'a>(text: &'a str, pairs: &mut Vec<(&'a str, String)>) -> Result<&'a str, What> {
    let mut rest = text.trim_start();
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return Ok(after);
        }
        let (name, after) = rest.split_once('=').ok_or(What::Labels)?;
        let name = name.trim_end();
        if name.is_empty() || !name.chars().all(is_name) {
            return Err(What::Labels);
        }
        let quoted = after.trim_start().strip_prefix('"').ok_or(What::Labels)?;
        let (value, after) = unquoted(quoted).ok_or(What::Labels)?;
        pairs.push((name, value));
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
            '"' => return Some((value, &text[place + 1..])),
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

fn number(word: &str) -> Result<f64, What> {
    word.parse().map_err(|_| What::Value(shown(word)))
}

fn timestamp(word: &str) -> Result<Timestamp, What> {
    let at = word.parse().ok().and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok());
    at.ok_or_else(|| What::Timestamp(shown(word)))
}

fn shown(word: &str) -> String {
    text::one_line(word, 60)
}
