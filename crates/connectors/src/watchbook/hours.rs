//! Hours of duty as people write them: `mon-fri 09:00-17:00`, `sat,sun 10:00-18:00`, `daily 22:00-06:00`.

use jiff::civil::{Time, Weekday};
use kernel::book::DutyHours;

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// Reads hours of duty, or says what is wrong with them.
pub(super) fn parse(text: &str) -> Result<DutyHours, String> {
    let form = || format!("`{text}` is not hours of duty");
    let (days, times) = text.split_at(text.find(|c: char| c.is_ascii_digit()).ok_or_else(form)?);
    let (from, until) = times.split_once('-').ok_or_else(form)?;
    let until = until.trim();
    let until = if until == "24:00" { Time::midnight() } else { time(until)? };
    Ok(DutyHours { days: weekdays(days.trim())?, from: time(from.trim())?, until })
}

/// The days of a list of days and ranges, in the order of the week; a range may go over the weekend.
fn weekdays(text: &str) -> Result<Vec<Weekday>, String> {
    if text == "daily" {
        return Ok(DAYS.map(|(_, day)| day).to_vec());
    }
    let mut on = [false; DAYS.len()];
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (index(first)?, index(last)?);
        let length = (last + DAYS.len() - first) % DAYS.len();
        for offset in 0..=length {
            if let Some(day) = on.get_mut((first + offset) % DAYS.len()) {
                *day = true;
            }
        }
    }
    Ok(DAYS.iter().zip(on).filter(|(_, on)| *on).map(|((_, day), _)| *day).collect())
}

fn index(text: &str) -> Result<usize, String> {
    let found = DAYS.iter().position(|(name, _)| *name == text.trim());
    found.ok_or_else(|| format!("`{text}` is not a day: write mon, tue, wed, thu, fri, sat, sun or daily"))
}

fn time(text: &str) -> Result<Time, String> {
    let wrong = || format!("`{text}` is not a time of day such as 09:00");
    let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
    let two_digits = |part: &str| (part.len() == 2).then(|| part.parse::<i8>().ok()).flatten();
    let (hour, minute) = two_digits(hour).zip(two_digits(minute)).ok_or_else(wrong)?;
    Time::new(hour, minute, 0, 0).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<String, String> {
        parse(text).map(|hours| {
            let days: Vec<String> = hours.days.iter().map(|day| format!("{day:?}")[..2].to_owned()).collect();
            format!("{} {} {}", days.join(""), hours.from, hours.until)
        })
    }

    #[test]
    fn hours_are_read_as_people_write_them() {
        let table = [
            ("mon-fri 09:00-17:00", "MoTuWeThFr 09:00:00 17:00:00"),
            ("sat, sun 10:00-18:00", "SaSu 10:00:00 18:00:00"),
            ("fri-mon 22:00-06:00", "MoFrSaSu 22:00:00 06:00:00"),
            ("daily 00:00 - 24:00", "MoTuWeThFrSaSu 00:00:00 00:00:00"),
            ("wed 08:30-09:15", "We 08:30:00 09:15:00"),
        ];
        for (text, days) in table {
            assert_eq!(shown(text).as_deref(), Ok(days), "{text}");
        }
    }

    #[test]
    fn what_is_not_hours_is_refused() {
        let wrong = ["", "mon", "mon 9:00-17:00", "mon 09:00", "mo 09:00-17:00", "mon 25:00-26:00", "mon 24:00-06:00"];
        for text in wrong {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
