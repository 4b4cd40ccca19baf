//! Series as CSV: a head line, then an instant, a value and perhaps a label a row. Quotes, line ends and the form of the
//! instant vary from file to file; an instant without a zone is UTC.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::error::Error;

/// A row of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// When it was measured, in seconds since the epoch.
    pub at: i64,
    /// What was measured; NaN when the field is empty.
    pub value: f64,
    /// Whether a third field says that the row is anomalous.
    pub labelled: bool,
}

/// Reads the rows of a file; `name` is told with an error.
pub fn rows(name: &str, bytes: &[u8]) -> Result<Vec<Row>, Box<dyn Error>> {
    let text = std::str::from_utf8(bytes).map_err(|error| format!("{name}: {error}"))?;
    let lines = text.lines().enumerate().skip(1).filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(index, line)| row(line).map_err(|error| format!("{name}:{}: {error}", index + 1).into())).collect()
}

fn row(line: &str) -> Result<Row, Box<dyn Error>> {
    let mut fields = line.split(',').map(|field| field.trim().trim_matches('"'));
    let (at, value) = (fields.next().unwrap_or_default(), fields.next().ok_or("there is no value")?);
    let value =
        if value.is_empty() { f64::NAN } else { value.parse().map_err(|error| format!("{value:?}: {error}"))? };
    let labelled = fields.next().is_some_and(|label| label.parse::<f64>().is_ok_and(|label| label != 0.0));
    Ok(Row { at: instant(at)?, value, labelled })
}

/// Seconds since the epoch of an instant, with or without a zone.
pub fn instant(text: &str) -> Result<i64, Box<dyn Error>> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at.as_second());
    }
    let civil: DateTime = text.parse().map_err(|error| format!("{text:?}: {error}"))?;
    Ok(TimeZone::UTC.to_timestamp(civil)?.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_whatever_their_form() {
        let text = "TimeStamp,Value,Label\n1970-01-01 00:01:00,7,1\r\n\"1970-01-01T00:02:00Z\",\"0.5\",\"0\"\n\n\
                    1970-01-01 01:00:00+01:00,,0.0\n1970-01-01 00:00:03.000000,-1e3\n";
        let read = rows("a.csv", text.as_bytes()).unwrap();
        let plain: Vec<_> = read.iter().map(|row| (row.at, row.labelled)).collect();
        assert_eq!(plain, [(60, true), (120, false), (0, false), (3, false)]);
        assert_eq!((read[0].value, read[1].value, read[3].value), (7.0, 0.5, -1e3));
        assert!(read[2].value.is_nan());
    }

    #[test]
    fn an_error_names_the_line() {
        let error = |text: &str| rows("a.csv", text.as_bytes()).unwrap_err().to_string();
        assert!(error("t,v\n1970-01-01 00:01:00,7\nyesterday,7").starts_with("a.csv:3: \"yesterday\""));
        assert!(error("t,v\n1970-01-01 00:01:00,x").starts_with("a.csv:2: \"x\""));
        assert!(error("t,v\n1970-01-01 00:01:00").starts_with("a.csv:2: there is no value"));
    }
}
