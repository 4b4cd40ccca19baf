//! How words of the command line are read: instants, pairs, texts from files.

use std::io::Read as _;
use std::path::Path;

use clap::Args;
use clap::builder::PossibleValuesParser;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use kernel::port::Clock as _;
use kernel::{Seconds, Sensitivity, Timestamp};
use serde_json::{Map, Value};

use crate::failure::{Exit, Failure};
use crate::world::SystemClock;

/// A time with its offset, or a local time; `None` when the text is neither.
fn time(text: &str) -> Option<Result<Timestamp, String>> {
    let local = || {
        let zoned = text.parse::<DateTime>().ok()?.to_zoned_datetime(TimeZone::system());
        Some(zoned.map(|zoned| zoned.timestamp()).map_err(|error| error.to_string()))
    };
    text.parse::<Timestamp>().ok().map(Ok).or_else(local)
}

/// An instant: a time with its offset, a local time, or how long ago it was.
pub fn past(text: &str) -> Result<Timestamp, String> {
    let ago = || {
        let ago = text.parse::<Seconds>().map(|ago| ago.before(SystemClock.now()));
        ago.map_err(|_| "write a time such as 2026-11-24T09:00:00Z, or how long ago, such as 5m".to_owned())
    };
    time(text).unwrap_or_else(ago)
}

/// An instant: a time with its offset, a local time, or a duration from now.
pub fn instant(text: &str) -> Result<Timestamp, String> {
    if let Some(at) = time(text) {
        return at;
    }
    let lasts = text.parse::<Seconds>();
    lasts.map(|lasts| lasts.after(SystemClock.now())).map_err(|_| {
        "write a time such as 2026-11-24T09:00:00Z, a local time such as \"2026-11-24 09:00\", or a duration from now such as 8h"
            .to_owned()
    })
}

/// One of some words; completions and `--help` list them.
pub fn one_of(words: impl IntoIterator<Item = &'static str>) -> PossibleValuesParser {
    PossibleValuesParser::new(words)
}

/// Who may read something.
pub fn sensitivity() -> PossibleValuesParser {
    one_of(Sensitivity::ALL.map(Sensitivity::as_str))
}

/// `NAME=VALUE`.
pub fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("write NAME=VALUE, not {text:?}"))?;
    Ok((name.trim().to_owned(), value.trim_matches('"').to_owned()))
}

/// Pairs as a JSON object.
pub fn object(pairs: Vec<(String, String)>) -> Value {
    Value::Object(pairs.into_iter().map(|(name, value)| (name, Value::String(value))).collect::<Map<_, _>>())
}

/// A text, given or in a file.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Text {
    /// The text.
    #[arg(long)]
    text: Option<String>,
    /// A file that holds the text; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    file: Option<String>,
}

impl Text {
    /// The text itself.
    pub fn read(self) -> Result<String, Failure> {
        match (self.text, self.file.as_deref()) {
            (Some(text), _) => Ok(text),
            (None, Some("-")) => {
                let mut text = String::new();
                std::io::stdin()
                    .read_to_string(&mut text)
                    .map_err(|error| Failure::new(format!("cannot read standard input: {error}")))?;
                Ok(text)
            }
            (None, Some(path)) => std::fs::read_to_string(path)
                .map_err(|error| Failure::file("read", Path::new(path), &error).exit(Exit::Usage)),
            (None, None) => Ok(String::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_in_three_forms() {
        assert_eq!(instant("2026-11-24T09:00:00Z").unwrap().to_string(), "2026-11-24T09:00:00Z");
        assert_eq!(instant("2026-11-24T09:00:00+01:00").unwrap().to_string(), "2026-11-24T08:00:00Z");
        let ahead = instant("8h").unwrap().duration_since(SystemClock.now()).as_secs();
        assert!((8 * 3600 - 60..=8 * 3600).contains(&ahead), "{ahead}");
        assert!(instant("2026-11-24 09:00").is_ok());
        assert!(instant("noon").unwrap_err().contains("8h"));
        let ago = SystemClock.now().duration_since(past("5m").unwrap()).as_secs();
        assert!((299..360).contains(&ago) && past("noon").is_err(), "{ago}");
    }

    #[test]
    fn pairs_may_be_quoted_and_hold_an_equals_sign() {
        assert_eq!(pair("service=\"check out\"").unwrap(), ("service".into(), "check out".into()));
        assert_eq!(pair("expr=a=b").unwrap(), ("expr".into(), "a=b".into()));
        assert!(pair("service").unwrap_err().contains("NAME=VALUE"));
    }
}
