//! Personal data that only their name tells from other numbers: a patient's record, a passport, a date of birth.

use std::ops::{Range, RangeInclusive};

use super::checks;
use super::form::{byte, part, run, starts_here};
use super::{Hit, Kind};

/// How far from its name the datum may begin.
const BETWEEN_MAX: usize = 24;

/// What a word names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    /// The number of a medical record.
    Record,
    /// A passport.
    Passport,
    /// The date of a birth.
    Birth,
    /// A US National Provider Identifier.
    Npi,
    /// A British NHS number.
    Nhs,
    /// A US Social Security number without its dashes.
    Ssn,
    /// A driving licence.
    Driver,
    /// A national number of another country.
    National,
}

impl Name {
    /// The words, in lower case.
    pub(crate) const ALL: &[(&str, Self)] = &[
        ("mrn", Self::Record),
        ("medical record", Self::Record),
        ("passport", Self::Passport),
        ("dob", Self::Birth),
        ("date of birth", Self::Birth),
        ("birthdate", Self::Birth),
        ("date_of_birth", Self::Birth),
        ("born on", Self::Birth),
        ("npi", Self::Npi),
        ("nhs", Self::Nhs),
        ("ssn", Self::Ssn),
        ("social security", Self::Ssn),
        ("driver's license", Self::Driver),
        ("drivers license", Self::Driver),
        ("driver license", Self::Driver),
        ("driving licence", Self::Driver),
        ("dni", Self::National),
        ("nif", Self::National),
        ("bsn", Self::National),
        ("personnummer", Self::National),
        ("aadhaar", Self::National),
        ("steuer-id", Self::National),
        ("tax id", Self::National),
        ("national id", Self::National),
        ("national insurance", Self::National),
    ];
}

/// Looks for the datum after its name.
pub(crate) fn look(text: &str, at: Range<usize>, name: Name) -> Option<Hit> {
    let goes_on = byte(text, at.end).is_some_and(|byte| byte.is_ascii_alphabetic());
    if goes_on || !starts_here(text, at.start) {
        return None;
    }
    let skip = |byte: u8| matches!(byte, b' ' | b':' | b'=' | b'#' | b'"' | b'\'' | b'(' | b'.' | b'-' | b'\t' | b'_');
    let mut start = at.end;
    // Words such as `number`, `no` or `is` may stand between.
    for _ in 0..3 {
        start += run(text, start, BETWEEN_MAX, skip);
        let word = run(text, start, BETWEEN_MAX, |byte| byte.is_ascii_lowercase());
        if word == 0 || start + word > at.end + BETWEEN_MAX {
            break;
        }
        start += word;
    }
    let kind = |name| Kind::personal(name);
    let (length, kind) = match name {
        Name::Record => (code(text, start, 5..=12, 3)?, kind("medical-record-number")),
        Name::Passport => (code(text, start, 8..=9, 1)?, kind("passport-number")),
        Name::Driver => (code(text, start, 6..=18, 3)?, kind("driving-licence")),
        Name::National => (code(text, start, 8..=14, 3)?, kind("national-number")),
        Name::Birth => (date(text, start)?, kind("date-of-birth")),
        Name::Npi => (number(text, start, checks::npi)?, kind("us-npi")),
        Name::Nhs => (number(text, start, checks::nhs)?, kind("uk-nhs-number")),
        Name::Ssn => {
            (number(text, start, |text| checks::digits(text).count() == 9 && checks::ssn(text))?, kind("us-ssn"))
        }
    };
    Some(Hit { kind, range: start..start + length })
}

/// The length of a run of capitals and digits, of which so many are digits at least.
fn code(text: &str, start: usize, lengths: RangeInclusive<usize>, digits: usize) -> Option<usize> {
    let length = run(text, start, lengths.end() + 1, |byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let code = part(text, start..start + length).trim_end_matches('-');
    let enough = code.bytes().filter(u8::is_ascii_digit).count() >= digits;
    let lower = code.bytes().any(|byte| byte.is_ascii_lowercase());
    (enough && !lower && lengths.contains(&code.len())).then_some(code.len())
}

/// The length of a number in groups that passes a check.
fn number(text: &str, start: usize, check: impl Fn(&str) -> bool) -> Option<usize> {
    let length = run(text, start, 16, |byte| byte.is_ascii_digit() || matches!(byte, b' ' | b'-'));
    let number = part(text, start..start + length).trim_end_matches([' ', '-']);
    (!number.is_empty() && check(number)).then_some(number.len())
}

/// The length of a date: three groups of digits, or two and the name of a month.
fn date(text: &str, start: usize) -> Option<usize> {
    let length = run(text, start, 10, |byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'/' | b'.'));
    let date = part(text, start..start + length).trim_end_matches(['.', '-', '/']);
    let groups = date.split(['-', '/', '.']).filter(|group| !group.is_empty()).count();
    (groups == 3 && date.len() >= 6).then_some(date.len())
}
