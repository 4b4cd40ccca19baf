//! Values that a word announces, such as `password=..` and `API_TOKEN: ..`.
//!
//! How much the value must look like a secret depends on the word and on what stands between. A password that is assigned
//! may be anything but a placeholder. After other words it must look random, and after weak ones, such as `key`, it must
//! be longer, because logs have many keys that open nothing.

use std::ops::Range;

use super::form::{before, byte, is_mixed, is_placeholder, is_random, part, run};
use super::{Hit, Kind};

/// How far the rest of an identifier may go after its word, as in `secret_access_key`.
const REST_MAX: usize = 32;
/// How many bytes may stand between the identifier and its value.
const BETWEEN_MAX: usize = 12;
/// The longest value.
const VALUE_MAX: usize = 4096;
/// The shortest password.
const PASSWORD_MIN: usize = 3;

const PASSWORD: Kind = Kind::secret("password");
const SECRET: Kind = Kind::secret("secret");

/// How strongly a word announces a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strength {
    /// What is assigned to it is a password.
    Password,
    /// The same, but the word is also a part of others: `pass`.
    ShortPassword,
    /// A secret follows.
    Strong,
    /// A secret may follow.
    Weak,
    /// A secret follows if it is assigned.
    Assigned,
}

/// Whether a kind was given for want of a better one.
pub(crate) fn is_general(kind: Kind) -> bool {
    kind == SECRET || kind == PASSWORD
}

/// What stands between a word and its value.
struct Between {
    /// Where the value begins.
    value: usize,
    /// Whether it is assigned: by `=` or `:`, or as the value of an option.
    assigned: bool,
    /// The quote in which it stands.
    quote: Option<u8>,
    /// Whether only spaces stand between.
    spaces: bool,
}

/// Looks for the value that the word at `at` announces.
pub(crate) fn look(text: &str, at: Range<usize>, strength: Strength) -> Option<Hit> {
    if !stands_alone(text, &at, strength) {
        return None;
    }
    let between = between(text, &at)?;
    let range = value(text, &between);
    let value = part(text, range.clone());
    if value.is_empty() || is_placeholder(value) || byte(text, range.end) == Some(b'(') {
        return None;
    }
    let (kind, is_secret) = match strength {
        Strength::Password | Strength::ShortPassword => (PASSWORD, is_password(value, &between)),
        Strength::Strong => (SECRET, is_random(value, between.assigned)),
        Strength::Weak => (SECRET, is_random(value, false) && (between.assigned || !is_uuid(value))),
        Strength::Assigned => (SECRET, between.assigned && is_random(value, true)),
    };
    is_secret.then_some(Hit { kind, range })
}

/// Whether the word is not just a part of another. `KEY` in `KEYBOARD` is; `apiKey`, `keys` and `KEY_ID` are not.
fn stands_alone(text: &str, at: &Range<usize>, strength: Strength) -> bool {
    let word = part(text, at.clone());
    let left = before(text, at.start);
    let right = byte(text, at.end).filter(u8::is_ascii_alphabetic);
    let lower = word.bytes().last().is_some_and(|byte| byte.is_ascii_lowercase());
    let goes_on = right.is_some_and(|byte| byte.is_ascii_lowercase() == lower && !byte.eq_ignore_ascii_case(&b's'));
    match strength {
        Strength::Password | Strength::Strong | Strength::Assigned => true,
        Strength::Weak => !goes_on,
        Strength::ShortPassword => {
            let humps = left.is_some_and(|byte| byte.is_ascii_lowercase()) && word.starts_with('P');
            right.is_none() && (humps || left.is_none_or(|byte| !byte.is_ascii_alphabetic()))
        }
    }
}

/// Reads what stands between the word and its value: the rest of the identifier, signs that assign, quotes, spaces.
fn between(text: &str, at: &Range<usize>) -> Option<Between> {
    let rest = run(text, at.end, REST_MAX, |byte| byte.is_ascii_alphabetic() || byte == b'_');
    let mut here = at.end + rest;
    if byte(text, here).is_some_and(|byte| byte.is_ascii_digit())
        && matches!(byte(text, here + 1), Some(b'=' | b':' | b'"'))
    {
        here += 1;
    }
    let start = here;
    let (mut assigned, mut quote, mut spaces) = (false, None, true);
    for _ in 0..BETWEEN_MAX {
        match byte(text, here)? {
            b' ' | b'\t' => quote = None,
            b'\r' | b'\n' if assigned => quote = None,
            sign @ (b'=' | b':' | b'>') => {
                let compares = sign == b'=' && byte(text, here + 1) == Some(b'=');
                if compares {
                    return None;
                }
                (assigned, spaces) = (true, false);
            }
            sign @ (b'"' | b'\'' | b'`') => (quote, spaces) = (Some(sign), false),
            b'-' | b'.' | b'\\' | b',' | b'(' | b'[' | b'|' | b']' | b')' => spaces = false,
            b'?' | b'@' | b'*' | b'#' | b'!' if !assigned => spaces = false,
            _ => break,
        }
        here += 1;
    }
    let option = text
        .get(at.start.saturating_sub(24)..at.start)
        .is_some_and(|front| front.rsplit([' ', '\t', '"', '\'']).next().is_some_and(|word| word.starts_with("--")));
    (here > start || rest == 0).then_some(Between { value: here, assigned: assigned || option, quote, spaces })
}

/// Where the value is: to the closing quote, or to a sign that ends it.
fn value(text: &str, between: &Between) -> Range<usize> {
    let start = between.value;
    let quoted = between.quote.map(|quote| run(text, start, VALUE_MAX, |byte| byte != quote && byte != b'\n'));
    let closed = quoted.filter(|length| {
        byte(text, start + length) == between.quote && !part(text, start..start + length).contains("${")
    });
    let plain = |byte: u8| {
        !byte.is_ascii_whitespace()
            && !matches!(
                byte,
                b'"' | b'\'' | b'`' | b',' | b';' | b')' | b'}' | b']' | b'<' | b'>' | b'|' | b'&' | b'('
            )
    };
    let length = closed.unwrap_or_else(|| run(text, start, VALUE_MAX, plain));
    let end = text.floor_char_boundary(start + length);
    let kept = part(text, start..end).trim_end_matches(['.', ':', '\\', '!', '?']).len();
    start..start + kept
}

/// Whether what follows a word for a password is one.
fn is_password(value: &str, between: &Between) -> bool {
    let signs = value.bytes().any(|byte| byte.is_ascii_punctuation() && !matches!(byte, b'-' | b'_' | b'.' | b'/'));
    let unusual = value.len() >= 6 && (is_mixed(value) || signs) && !value.contains("://");
    if between.assigned || between.quote.is_some() {
        let prose = value.contains(' ') && !signs && !is_mixed(value);
        return value.len() >= PASSWORD_MIN && !prose && !value.starts_with('/');
    }
    between.spaces && unusual
}

/// Whether a value is a UUID, by its form.
fn is_uuid(value: &str) -> bool {
    let lengths = value.split('-').map(str::len);
    value.len() == 36
        && lengths.eq([8, 4, 4, 4, 12])
        && value.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}
