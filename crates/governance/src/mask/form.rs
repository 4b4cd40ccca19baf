//! What a run of bytes looks like: which signs it has, whether it is random, whether it stands for a secret that is not
//! there.

use std::ops::Range;

/// The signs that a run may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signs {
    /// Digits.
    Digits,
    /// Digits and the letters a to f.
    Hex,
    /// Capitals and digits.
    Upper,
    /// Letters and digits.
    Alnum,
    /// Letters, digits, `-` and `_`.
    Word,
    /// The same and `.`, `~`, `:` and `!`.
    Dotted,
    /// Base64 of either alphabet, and its padding.
    Base64,
}

impl Signs {
    /// Whether a byte is one of them.
    pub(crate) fn has(self, byte: u8) -> bool {
        match self {
            Self::Digits => byte.is_ascii_digit(),
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Alnum => byte.is_ascii_alphanumeric(),
            Self::Word => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'),
            Self::Dotted => Self::Word.has(byte) || matches!(byte, b'.' | b'~' | b':' | b'!'),
            Self::Base64 => Self::Word.has(byte) || matches!(byte, b'+' | b'/' | b'='),
        }
    }
}

/// How many bytes from `at` on pass a test, at most `most`.
pub(crate) fn run(text: &str, at: usize, most: usize, test: impl Fn(u8) -> bool) -> usize {
    text.as_bytes().iter().skip(at).take(most).take_while(|byte| test(**byte)).count()
}

/// The byte before a place.
pub(crate) fn before(text: &str, at: usize) -> Option<u8> {
    at.checked_sub(1).and_then(|before| text.as_bytes().get(before)).copied()
}

/// The byte at a place.
pub(crate) fn byte(text: &str, at: usize) -> Option<u8> {
    text.as_bytes().get(at).copied()
}

/// Whether no letter or digit stands before a place.
pub(crate) fn starts_here(text: &str, at: usize) -> bool {
    before(text, at).is_none_or(|byte| !byte.is_ascii_alphanumeric())
}

/// The bytes before a place, at most `most` of them, in lower case.
pub(crate) fn words_before(text: &str, at: usize, most: usize) -> String {
    let start = text.floor_char_boundary(at.saturating_sub(most));
    text.get(start..at).unwrap_or_default().to_ascii_lowercase()
}

/// The part of a text in a range; empty when there is none.
pub(crate) fn part(text: &str, range: Range<usize>) -> &str {
    text.get(range).unwrap_or_default()
}

/// Whether both a digit and a letter are in a text.
pub(crate) fn is_mixed(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit()) && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Whether a text looks as if chance had made it. Not a name, a path, a host, a date or a number.
pub(crate) fn is_random(text: &str, assigned: bool) -> bool {
    if is_date(text) || is_pointer(text) || is_path(text) || is_host(text) || is_call(text) {
        return false;
    }
    let segments = || text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|segment| !segment.is_empty());
    let longest = segments().map(str::len).max().unwrap_or(0);
    let (mut mixed, mut mixed_bytes, mut mixed_longest) = (0_usize, 0_usize, 0_usize);
    for segment in segments().filter(|segment| is_mixed(segment)) {
        mixed += 1;
        mixed_bytes += segment.len();
        mixed_longest = mixed_longest.max(segment.len());
    }
    if mixed_longest >= 10 || (mixed > 1 && mixed_bytes >= 12) {
        return true;
    }
    if !assigned && longest < 20 {
        return false;
    }
    let letters = longest >= 20 && segments().any(|segment| segment.len() == longest && is_scrambled(segment));
    let digits = assigned && longest >= 16 && text.bytes().all(|byte| byte.is_ascii_digit());
    let spread = assigned && text.len() >= 20 && is_mixed(text) && varied(text) >= 12;
    letters || digits || spread
}

/// Letters in an order that no word or joined words have: both cases by turns, or one case for longer than words are.
fn is_scrambled(text: &str) -> bool {
    let capitals = text.bytes().filter(u8::is_ascii_uppercase).count();
    let one_case = capitals == 0 || capitals == text.len();
    let share = capitals * 100 / text.len().max(1);
    (one_case && varied(text) >= 5) || ((25..=95).contains(&share) && varied(text) >= 8)
}

/// How many different bytes a text has.
pub(crate) fn varied(text: &str) -> u32 {
    let seen = text.bytes().fold(0_u128, |seen, byte| seen | 1_u128.checked_shl(u32::from(byte)).unwrap_or(0));
    seen.count_ones()
}

/// Whether a text is a number of at most 64 bits in hexadecimal, as programs print addresses and handles.
fn is_pointer(text: &str) -> bool {
    let rest = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    rest.is_some_and(|rest| rest.len() <= 16 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Whether a text begins like a date of ISO 8601.
fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    (0..4).all(digit) && bytes.get(4) == Some(&b'-') && digit(5) && digit(6) && bytes.get(7) == Some(&b'-')
}

/// Whether a text is a path: it begins with a slash, or has one between words in lower case.
fn is_path(text: &str) -> bool {
    let lower = !text.bytes().any(|byte| byte.is_ascii_uppercase() || matches!(byte, b'+' | b'='));
    let long = text.split(|c: char| !c.is_ascii_alphanumeric()).any(|segment| segment.len() >= 16 && is_mixed(segment));
    let rooted = text.starts_with(['/', '~', '\\']) || text.contains(":\\") || text.contains("://");
    rooted || (text.contains('/') && lower && !long)
}

/// Whether a text is a host or a file: names parted by dots, of which the last is a short word.
fn is_host(text: &str) -> bool {
    let Some((front, last)) = text.rsplit_once('.') else { return false };
    let last = last.split([':', '/']).next().unwrap_or_default();
    let word = (2..=8).contains(&last.len()) && last.bytes().all(|byte| byte.is_ascii_lowercase());
    word && front.split('.').all(|label| label.len() <= 24) && !front.is_empty()
}

/// Whether a text is code that fetches a value, such as `os.getenv(` or `params[:key]`.
fn is_call(text: &str) -> bool {
    text.contains(['(', '[', '{', '<']) || text.contains("::")
}

/// Whether a text stands where a secret would: a variable, stars, dots, or words that say so.
pub(crate) fn is_placeholder(text: &str) -> bool {
    const WORDS: [&str; 34] = [
        "null",
        "nil",
        "none",
        "true",
        "false",
        "undefined",
        "string",
        "str",
        "required",
        "optional",
        "incorrect",
        "invalid",
        "wrong",
        "expired",
        "missing",
        "empty",
        "changed",
        "reset",
        "failed",
        "mismatch",
        "denied",
        "ok",
        "yes",
        "no",
        "not",
        "is",
        "was",
        "has",
        "for",
        "and",
        "or",
        "must",
        "hidden",
        "redacted",
    ];
    const PARTS: [&str; 6] = ["your", "placeholder", "changeme", "redacted", "<masked", "filtered"];
    let lower = text.to_ascii_lowercase();
    let fetched = ["process.env", "os.environ", "env.", "self.", "this.", "config.", "req.", "params."];
    let label = ["Password", "Passwort", "Secret", "Token", "Key"].contains(&text);
    let dots = text.starts_with("...") || (text.contains("...") && text.len() < 24);
    varied(text) < 2
        || label
        || dots
        || text.starts_with(['$', '{', '<', '%', '(', '[', '&', '+'])
        || text.starts_with("#{")
        || ["***", "xxxx", "####", "____", "----"].iter().any(|part| lower.contains(part))
        || WORDS.contains(&lower.as_str())
        || PARTS.iter().any(|part| lower.contains(part))
        || fetched.iter().any(|start| lower.starts_with(start))
}
