//! Personal data that are numbers, or begin with a few capitals and go on with digits. One pass finds where digits begin;
//! each start is looked at once, within a limit.

use super::checks;
use super::form::{before, byte, part, run, words_before};
use super::{Hit, Kind, Policy};

/// The most bytes of one candidate.
const NUMBER_MAX: usize = 48;
/// How far before a telephone number a word may stand that names it.
const CONTEXT_MAX: usize = 24;

/// What the numbers of a text are.
pub(crate) fn find(text: &str, policy: Policy) -> Vec<Hit> {
    let bytes = text.as_bytes();
    let mut hits: Vec<Hit> = Vec::new();
    let mut at = 0;
    while let Some(found) = bytes.iter().skip(at).position(u8::is_ascii_digit) {
        let start = at + found;
        let digits = run(text, start, usize::MAX, |byte| byte.is_ascii_digit());
        let hit = look(text, start, digits, policy)
            .filter(|hit| hits.last().is_none_or(|last| hit.range.start >= last.range.end));
        at = hit.as_ref().map_or(start + digits, |hit| hit.range.end.max(start + digits));
        hits.extend(hit);
    }
    hits
}

fn look(text: &str, start: usize, digits: usize, policy: Policy) -> Option<Hit> {
    let capital = |at: Option<u8>| at.is_some_and(|byte| byte.is_ascii_uppercase());
    if policy.personal {
        let hit = if capital(before(text, start)) {
            capitals(text, start)
        } else {
            number(text, start, digits).or_else(|| beneficiary(text, start))
        };
        if hit.is_some() {
            return hit;
        }
    }
    if policy.network_addresses { address(text, start, digits).or_else(|| hardware(text, start)) } else { None }
}

/// Two capitals and digits: a bank account or a British national insurance number.
fn capitals(text: &str, start: usize) -> Option<Hit> {
    let first = start.checked_sub(2)?;
    let pair = text.get(first..start)?;
    let apart = before(text, first).is_none_or(|byte| !byte.is_ascii_alphanumeric());
    if !apart || !pair.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    if let Some(end) = account(text, first, pair) {
        return Some(Hit { kind: Kind::personal("iban"), range: first..end });
    }
    insurance(text, first, pair).map(|end| Hit { kind: Kind::personal("uk-nino"), range: first..end })
}

/// Where the IBAN ends that begins at a place.
fn account(text: &str, first: usize, country: &str) -> Option<usize> {
    let length = checks::iban_length(country)?;
    let mut compact = String::with_capacity(length);
    for (at, byte) in text.bytes().enumerate().skip(first).take(NUMBER_MAX) {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' => compact.push(char::from(byte)),
            b' ' if compact.len().is_multiple_of(4) && compact.len() < length => continue,
            _ => return None,
        }
        if compact.len() == length {
            let ends = self::byte(text, at + 1).is_none_or(|next| !next.is_ascii_alphanumeric());
            return (ends && checks::iban(&compact)).then_some(at + 1);
        }
    }
    None
}

/// Where the national insurance number ends: six digits, in pairs or not, and a letter from A to D.
fn insurance(text: &str, first: usize, pair: &str) -> Option<usize> {
    let barred =
        ["BG", "GB", "NK", "KN", "TN", "NT", "ZZ"].contains(&pair) || pair.contains(['D', 'F', 'I', 'Q', 'U', 'V']);
    let length = run(text, first + 2, 12, |byte| byte.is_ascii_digit() || matches!(byte, b' ' | b'A'..=b'D'));
    let rest = part(text, first + 2..first + 2 + length).trim_end();
    let compact: String = rest.chars().filter(|c| *c != ' ').collect();
    let end = first + 2 + rest.len();
    let fits = compact.len() == 7
        && compact.ends_with(|c: char| c.is_ascii_uppercase())
        && checks::digits(&compact).count() == 6;
    let ends = byte(text, end).is_none_or(|byte| !byte.is_ascii_alphanumeric());
    (!barred && !pair.ends_with('O') && fits && ends).then_some(end)
}

/// A US Medicare number: eleven signs of which the form says where letters stand, in three groups or in one.
fn beneficiary(text: &str, start: usize) -> Option<Hit> {
    if !byte(text, start + 1).is_some_and(|byte| byte.is_ascii_uppercase()) || !stands_alone(text, start) {
        return None;
    }
    let length = run(text, start, 14, |byte| byte.is_ascii_digit() || byte.is_ascii_uppercase() || byte == b'-');
    let number = part(text, start..start + length);
    let compact: Vec<u8> = number.bytes().filter(|byte| *byte != b'-').collect();
    let letter = |byte: u8| byte.is_ascii_uppercase() && !matches!(byte, b'S' | b'L' | b'O' | b'I' | b'B' | b'Z');
    let form = b"1AX1AX1AA11";
    let fits = compact.len() == form.len()
        && compact.iter().zip(form).all(|(byte, wanted)| match wanted {
            b'1' => byte.is_ascii_digit(),
            b'A' => letter(*byte),
            _ => byte.is_ascii_digit() || letter(*byte),
        });
    let ends = byte(text, start + length).is_none_or(|byte| !byte.is_ascii_alphanumeric());
    (fits && ends).then(|| Hit { kind: Kind::personal("us-mbi"), range: start..start + length })
}

/// Whether a number begins where something else ends: not inside a word, a decimal, a path or an identifier.
fn stands_alone(text: &str, start: usize) -> bool {
    before(text, start)
        .is_none_or(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'.' | b'_' | b'-' | b'/' | b'%'))
}

/// Whether a number is over after a few digits, or is the year of a date: what most numbers in logs are.
fn is_short(text: &str, start: usize, digits: usize) -> bool {
    let digit = |at: usize| byte(text, start + at).is_some_and(|byte| byte.is_ascii_digit());
    let parts = matches!(byte(text, start + digits), Some(b' ' | b'-' | b'.' | b')'));
    let goes_on = parts && (digit(digits + 1) || matches!(byte(text, start + digits + 1), Some(b' ' | b'(')));
    let date = digits == 4 && digit(5) && digit(6) && !digit(7) && matches!(byte(text, start + 7), Some(b'-' | b'.'));
    date || (digits < 7 && !goes_on)
}

/// A number by itself: a card, a social security number, a telephone.
fn number(text: &str, start: usize, digits: usize) -> Option<Hit> {
    let open = before(text, start).filter(|byte| matches!(byte, b'+' | b'('));
    let first = start - usize::from(open.is_some());
    if digits > 19 || !stands_alone(text, first) || is_short(text, start, digits) {
        return None;
    }
    let length =
        run(text, start, NUMBER_MAX, |byte| byte.is_ascii_digit() || matches!(byte, b' ' | b'-' | b'.' | b'(' | b')'));
    let whole = part(text, start..start + length).trim_end_matches([' ', '-', '.', '(', ')']);
    let ends = byte(text, start + whole.len())
        .is_none_or(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'_' | b'/' | b':'));
    let count = checks::digits(whole).count();
    if !ends || !(7..=19).contains(&count) {
        return None;
    }
    let range = start..start + whole.len();
    if open.is_none() && is_card(whole, count) {
        return Some(Hit { kind: Kind::personal("payment-card"), range });
    }
    let groups: Vec<usize> = whole.split(['-', ' ', '.']).map(str::len).collect();
    if groups == [3, 2, 4] && whole.contains('-') && checks::ssn(whole) {
        return Some(Hit { kind: Kind::personal("us-ssn"), range });
    }
    if groups == [3, 3, 3, 2] && whole.contains('.') && checks::cpf(whole) {
        return Some(Hit { kind: Kind::personal("br-cpf"), range });
    }
    is_phone(text, first, whole, count, open).then(|| Hit { kind: Kind::personal("phone"), range: first..range.end })
}

/// Whether a number is one of a card: a known range of issuers, Luhn's check, and groups as they are printed.
fn is_card(whole: &str, count: usize) -> bool {
    let compact: String = whole.chars().filter(char::is_ascii_digit).collect();
    let front = |length: usize| compact.get(..length).and_then(|front| front.parse::<u32>().ok()).unwrap_or(0);
    let issuer = match front(1) {
        4 => matches!(count, 13 | 16 | 19),
        5 => matches!(front(2), 50..=58) && matches!(count, 12..=19),
        3 => matches!((front(2), count), (34 | 37, 15) | (30 | 36 | 38 | 39, 14) | (35, 16)),
        2 => (matches!(front(4), 2221..=2720) && count == 16) || (matches!(front(4), 2131) && count == 15),
        6 => matches!(count, 12..=19),
        1 => front(4) == 1800 && count == 15,
        _ => false,
    };
    let groups: Vec<usize> = whole.split([' ', '-']).map(str::len).collect();
    let printed = matches!(groups.as_slice(), [_] | [4, 4, 4, 1..=7] | [4, 6, 4 | 5] | [4, 4, 4, 4, 3]);
    issuer
        && printed
        && whole.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b' ' | b'-'))
        && checks::luhn(whole)
}

/// Whether a number is one of a telephone: written with its country, as in North America, or after a word that says so.
fn is_phone(text: &str, first: usize, whole: &str, count: usize, open: Option<u8>) -> bool {
    let groups: Vec<usize> =
        whole.split(['-', ' ', '.', '(', ')']).map(str::len).filter(|length| *length > 0).collect();
    let parted = groups.len() > 1;
    match open {
        Some(b'+') => (8..=15).contains(&count) && !whole.starts_with('0'),
        Some(_) => groups == [3, 3, 4] && whole.as_bytes().get(3) == Some(&b')'),
        None if groups == [3, 3, 4] && whole.contains('-') => !whole.starts_with(['0', '1']),
        None if groups == [1, 3, 3, 4] && whole.starts_with('1') => true,
        None => (7..=15).contains(&count) && (parted || count >= 9) && names_phone(text, first),
    }
}

/// Whether a word stands before a place that names a telephone.
fn names_phone(text: &str, at: usize) -> bool {
    const WORDS: [&str; 9] = ["phone", "tel.", "tel:", "tel ", "mobile", "fax", "whatsapp", "cell", "call me"];
    let front = words_before(text, at, CONTEXT_MAX);
    WORDS.iter().any(|word| front.contains(word))
}

/// A public IPv4 address.
fn address(text: &str, start: usize, digits: usize) -> Option<Hit> {
    if digits > 3 || !stands_alone(text, start) && before(text, start) != Some(b'/') {
        return None;
    }
    let length = run(text, start, 16, |byte| byte.is_ascii_digit() || byte == b'.');
    let address = part(text, start..start + length).trim_end_matches('.');
    let address: core::net::Ipv4Addr = address.parse().ok()?;
    let inside = address.is_private() || address.is_loopback() || address.is_link_local() || address.is_unspecified();
    let other = address.is_broadcast() || address.is_multicast() || address.is_documentation();
    let end = start + address.to_string().len();
    let front = words_before(text, start, CONTEXT_MAX);
    let version =
        ["version", "release", "rolled back", "upgrade", "firmware", "build"].iter().any(|word| front.contains(word));
    (!inside && !other && !version).then(|| Hit { kind: Kind::personal("ip-address"), range: start..end })
}

/// A hardware address: six pairs of hexadecimal digits with colons or dashes between, of which `start` is the first digit.
fn hardware(text: &str, start: usize) -> Option<Hit> {
    let sign = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'-');
    let front = text.as_bytes().get(..start)?.iter().rev().take(17).take_while(|byte| sign(**byte)).count();
    let first = start - front;
    let length = run(text, first, 18, sign);
    let address = part(text, first..first + length);
    let by = |sign: char| address.split(sign).filter(|pair| pair.len() == 2).count() == 6;
    let fits = address.len() == 17 && (by(':') || by('-'));
    let apart = before(text, first).is_none_or(|byte| !byte.is_ascii_alphanumeric());
    (fits && apart).then_some(Hit { kind: Kind::personal("mac-address"), range: first..first + 17 })
}
