//! Other forms of a text that stand in logs: Base64, UTF-16, other dashes; and placeholders filled with values.

use rsigma_parser::SigmaString;

use super::modify::{self, Names};
use super::text::{Part, Pattern};

/// The most patterns that the placeholders of one value may make.
pub const EXPANDED_MAX: usize = 10_000;

/// The characters with which Windows programs let an option begin.
const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 with padding, RFC 4648.
pub(super) fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().chain([0, 0].iter()).take(3).fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        for at in 0..4 {
            let six = (bits >> (18 - 6 * at)) & 63;
            let letter = ALPHABET.get(six as usize).copied().unwrap_or(b'=');
            text.push(if at <= group.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

/// The three forms that bytes have inside longer Base64, by where in a group of three they start: only the characters
/// that depend on nothing but these bytes.
pub(super) fn base64_offsets(bytes: &[u8]) -> Vec<String> {
    let form = |offset: usize| {
        let padded: Vec<u8> = std::iter::repeat_n(b' ', offset).chain(bytes.iter().copied()).collect();
        let text = base64(&padded);
        let start = [0, 2, 3].get(offset).copied().unwrap_or(0);
        let cut = [0, 3, 2].get(padded.len() % 3).copied().unwrap_or(0);
        text.get(start..text.len().saturating_sub(cut)).unwrap_or_default().to_owned()
    };
    (0..3).map(form).filter(|text| !text.is_empty()).collect()
}

/// UTF-16, the low byte first.
pub(super) fn utf16_little(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// UTF-16, the high byte first.
pub(super) fn utf16_big(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// UTF-16, the low byte first, behind a byte order mark.
pub(super) fn utf16_marked(text: &str) -> Vec<u8> {
    [0xff, 0xfe].into_iter().chain(utf16_little(text)).collect()
}

/// The pattern with each kind of dash where an option begins: before a word, and not behind one.
pub(super) fn dashes(pattern: &Pattern) -> Vec<Pattern> {
    let mut forms = vec![pattern.clone()];
    for dash in DASHES {
        let with_dash = |part: &Part| match part {
            Part::Text(text) => Part::Text(with_dash(text, dash)),
            wildcard => wildcard.clone(),
        };
        let form = Pattern::new(pattern.parts().iter().map(with_dash));
        if !forms.contains(&form) {
            forms.push(form);
        }
    }
    forms
}

fn with_dash(text: &str, dash: char) -> String {
    let word = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric() || *c == '_');
    let chars: Vec<char> = text.chars().collect();
    let mut before = None;
    let mut changed = String::with_capacity(text.len());
    for (at, c) in chars.iter().enumerate() {
        let option = matches!(c, '-' | '/') && !word(before) && word(chars.get(at + 1));
        changed.push(if option { dash } else { *c });
        before = Some(c);
    }
    changed
}

/// The pattern with each of its `%placeholders%` replaced by each of their values; nothing when one has no values.
pub(super) fn expand(pattern: &Pattern, names: &mut dyn Names) -> Result<Vec<Pattern>, String> {
    let mut forms: Vec<Vec<Part>> = vec![Vec::new()];
    for part in pattern.parts() {
        let pieces = match part {
            Part::Text(text) => pieces(text),
            wildcard => vec![Piece::Part(wildcard.clone())],
        };
        for piece in pieces {
            let choices: Vec<Vec<Part>> = match piece {
                Piece::Part(part) => vec![vec![part]],
                Piece::Placeholder(name) => {
                    let Some(values) = names.placeholder(&name) else { return Ok(Vec::new()) };
                    values.iter().map(|value| modify::pattern(&SigmaString::new(value)).parts().to_vec()).collect()
                }
            };
            if forms.len().saturating_mul(choices.len()) > EXPANDED_MAX {
                return Err(format!("its placeholders make more than {EXPANDED_MAX} values"));
            }
            forms = forms
                .iter()
                .flat_map(|form| choices.iter().map(|choice| form.iter().chain(choice).cloned().collect()))
                .collect();
        }
    }
    Ok(forms.into_iter().map(Pattern::new).collect())
}

enum Piece {
    Part(Part),
    Placeholder(String),
}

/// A text cut at its placeholders.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('%') {
        let named = behind.split_once('%').filter(|(name, _)| is_name(name));
        match named {
            Some((name, behind)) => {
                pieces.push(Piece::Part(Part::Text(before.to_owned())));
                pieces.push(Piece::Placeholder(name.to_owned()));
                rest = behind;
            }
            None => {
                pieces.push(Piece::Part(Part::Text(format!("{before}%"))));
                rest = behind;
            }
        }
    }
    pieces.push(Piece::Part(Part::Text(rest.to_owned())));
    pieces
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}
