//! Texts as Go writes them in source: quoted with escapes, and back.

/// Whether a character is shown as it is between quotes.
pub(super) fn printable(c: char) -> bool {
    matches!(c, '\'' | '"' | '\\') || c.escape_debug().len() == 1
}

/// A text between double quotes, as `%q` prints it.
pub(super) fn quote(text: &str) -> String {
    quoted(text, '"', false)
}

/// A text between marks. `ascii` escapes whatever is not ASCII.
pub(super) fn quoted(text: &str, mark: char, ascii: bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(mark);
    text.chars().for_each(|c| escape(c, mark, ascii, &mut out));
    out.push(mark);
    out
}

fn escape(c: char, mark: char, ascii: bool, out: &mut String) {
    let code = u32::from(c);
    match c {
        c if c == mark || c == '\\' => out.extend(['\\', c]),
        '\u{7}' => out.push_str("\\a"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{b}' => out.push_str("\\v"),
        c if printable(c) && (c.is_ascii() || !ascii) => out.push(c),
        _ if code < 0x20 || code == 0x7f => out.push_str(&format!("\\x{code:02x}")),
        _ if code < 0x1_0000 => out.push_str(&format!("\\u{code:04x}")),
        _ => out.push_str(&format!("\\U{code:08x}")),
    }
}

/// The text that a literal stands for, marks included; `None` when it is not one. Bytes that are no UTF-8 are replaced.
pub(super) fn unquote(literal: &str) -> Option<String> {
    let mark = literal.chars().next()?;
    let inner = literal.strip_prefix(mark)?.strip_suffix(mark)?;
    if mark == '`' {
        return Some(inner.replace('\r', ""));
    }
    let (mut rest, mut bytes) = (inner, Vec::with_capacity(inner.len()));
    while let Some(c) = rest.chars().next() {
        if c == mark || c == '\n' {
            return None;
        }
        rest = rest.get(c.len_utf8()..)?;
        if c == '\\' {
            rest = unescape(rest, mark, &mut bytes)?;
        } else {
            push(c, &mut bytes);
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn push(c: char, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

/// What follows a backslash; gives what follows the escape.
fn unescape<'a>(rest: &'a str, mark: char, bytes: &mut Vec<u8>) -> Option<&'a str> {
    let c = rest.chars().next()?;
    let after = rest.get(c.len_utf8()..)?;
    let byte = match c {
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 11,
        '\\' => b'\\',
        c if c == mark => u8::try_from(mark).ok()?,
        '0'..='7' => {
            bytes.push(u8::from_str_radix(rest.get(..3)?, 8).ok()?);
            return rest.get(3..);
        }
        'x' => {
            bytes.push(u8::try_from(hex(after, 2)?).ok()?);
            return after.get(2..);
        }
        'u' | 'U' => {
            let digits = if c == 'u' { 4 } else { 8 };
            push(char::from_u32(hex(after, digits)?)?, bytes);
            return after.get(digits..);
        }
        _ => return None,
    };
    bytes.push(byte);
    Some(after)
}

/// A number of exactly so many hexadecimal digits.
fn hex(text: &str, digits: usize) -> Option<u32> {
    let digits = text.get(..digits).filter(|digits| digits.chars().all(|c| c.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}
