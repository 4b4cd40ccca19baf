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
const BETWEEN_MAX: usize = 40;
/// The longest word that may stand between.
const WORD_MAX: usize = 10;
/// How much of a value is looked at.
const JUDGED_MAX: usize = 160;
/// The longest value.
const VALUE_MAX: usize = 16 * 1024;
/// The shortest secret that only a `-` or a `.` joins to its word; names of pods are made like that, too, so no word
/// may stand between.
const JOINED_MIN: usize = 20;
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
    matches!(kind.name(), "secret" | "password" | "api-key" | "live-key")
}

/// Whether a kind is that of a value which only a word announced.
pub(crate) fn is_announced(kind: Kind) -> bool {
    kind == PASSWORD || kind == SECRET
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

/// Looks for the value that the word at `at` announces. One more word may stand between, as in `token is ..`.
pub(crate) fn look(text: &str, at: Range<usize>, strength: Strength) -> Option<Hit> {
    if !stands_alone(text, &at, strength) {
        return None;
    }
    let rest = run(text, at.end, REST_MAX, |byte| byte.is_ascii_alphabetic() || byte == b'_');
    let option = is_option(text, at.start);
    let first = between(text, at.end + rest, option)?;
    judge(text, &first, strength).or_else(|| {
        let word = run(text, first.value, WORD_MAX + 1, |byte| byte.is_ascii_alphabetic());
        let open = first.quote.is_none() && (1..=WORD_MAX).contains(&word);
        let after = byte(text, first.value + word);
        let attribute = part(text, first.value..first.value + word) == "value" && after == Some(b'=');
        let parted = attribute || matches!(after, Some(b' ' | b'-' | b':'));
        let second = between(text, first.value + word, first.assigned).filter(|_| open && parted)?;
        judge(text, &second, strength)
    })
}

/// Whether what stands there is a secret.
fn judge(text: &str, between: &Between, strength: Strength) -> Option<Hit> {
    let range = value(text, between);
    let value = part(text, range.clone());
    if value.is_empty() || is_placeholder(value) || byte(text, range.end) == Some(b'(') {
        return None;
    }
    let joined = !between.assigned && !between.spaces && between.quote.is_none();
    let first = value.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    let long = !joined || (value.len() >= JOINED_MIN && is_mixed(first));
    let (kind, is_secret) = match strength {
        Strength::Password | Strength::ShortPassword => (PASSWORD, is_password(value, between)),
        Strength::Strong => (SECRET, long && is_random(value, between.assigned)),
        Strength::Weak => (SECRET, long && is_random(value, false) && (between.assigned || !is_uuid(value))),
        Strength::Assigned => (SECRET, between.assigned && is_random(value, true)),
    };
    if !is_secret {
        return None;
    }
    let end = if range.len() + 4 < JUDGED_MAX { range.end } else { whole(text, between, range.end) };
    Some(Hit { kind, range: range.start..end })
}

/// Where a value ends that is longer than what was looked at.
fn whole(text: &str, between: &Between, from: usize) -> usize {
    let inside = |byte: u8| between.quote.map_or_else(|| is_plain(byte), |quote| byte != quote && byte != b'\n');
    text.floor_char_boundary(from + run(text, from, VALUE_MAX, inside))
}

/// Whether a byte may be in a value without quotes.
fn is_plain(byte: u8) -> bool {
    let ends =
        matches!(byte, b'"' | b'\'' | b'`' | b',' | b';' | b')' | b'}' | b']' | b'<' | b'>' | b'|' | b'&' | b'(');
    !byte.is_ascii_whitespace() && !ends
}

/// Whether the word is a part of an option of a command: `--db-password`.
fn is_option(text: &str, start: usize) -> bool {
    let front = part(text, text.floor_char_boundary(start.saturating_sub(REST_MAX))..start);
    front.rsplit([' ', '\t', '"', '\'']).next().is_some_and(|word| word.starts_with("--"))
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

/// Reads what stands between the word and its value: signs that assign, quotes, spaces. Nothing when there is no value:
/// an empty one, a comparison, a call, or something else after a comma.
fn between(text: &str, start: usize, option: bool) -> Option<Between> {
    let number = run(text, start, 3, |byte| byte.is_ascii_digit() || byte == b' ');
    let counted =
        byte(text, start + number) == Some(b':') || (number == 1 && matches!(byte(text, start + 1), Some(b'=' | b'"')));
    let mut here = if counted { start + number } else { start };
    let (mut assigned, mut quote, mut spaces) = (option, None, true);
    for _ in 0..BETWEEN_MAX {
        let sign = byte(text, here)?;
        match sign {
            b' ' | b'\t' | b'\r' | b'\n' => quote = None,
            b'=' if byte(text, here + 1) == Some(b'=') => return None,
            b'>' if !matches!(before(text, here), Some(b'=' | b'-')) => return None,
            b'=' | b':' | b'>' => (assigned, spaces) = (true, false),
            b',' | b'(' | b')' if assigned => return None,
            b'"' | b'\'' | b'`' => (quote, spaces) = (Some(sign), false),
            b'-' | b'.' | b'\\' | b',' | b'(' | b'[' | b'|' | b']' | b')' => spaces = false,
            _ => break,
        }
        here += 1;
    }
    Some(Between { value: here, assigned, quote, spaces: spaces && here > start })
}

/// Where the value is: to the closing quote, or to a sign that ends it.
fn value(text: &str, between: &Between) -> Range<usize> {
    let start = between.value;
    let quoted = between.quote.map(|quote| run(text, start, JUDGED_MAX, |byte| byte != quote && byte != b'\n'));
    let closed = quoted.filter(|length| byte(text, start + length) == between.quote || *length == JUDGED_MAX);
    let length = closed.unwrap_or_else(|| run(text, start, JUDGED_MAX, is_plain));
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
