//! Texts in quotes, with Go's escapes.

/// Reads a text that begins with a quote; gives it without quotes and escapes, and its length with them.
pub(crate) fn quoted(text: &str) -> Result<(String, usize), String> {
    let quote = text.chars().next().unwrap_or('"');
    if quote == '`' {
        let end = text.get(1..).and_then(|rest| rest.find('`')).ok_or("unterminated raw string")?;
        return Ok((text.get(1..=end).unwrap_or_default().to_owned(), end + 2));
    }
    let mut bytes = Vec::new();
    let mut rest = text.get(1..).unwrap_or_default();
    loop {
        let Some(c) = rest.chars().next().filter(|c| *c != '\n') else {
            return Err("unterminated quoted string".to_owned());
        };
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        match c {
            _ if c == quote => return Ok((String::from_utf8_lossy(&bytes).into_owned(), text.len() - rest.len())),
            '\\' => rest = escaped(rest, quote, &mut bytes)?,
            _ => bytes.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
}

/// Reads what follows a backslash; gives the rest.
fn escaped<'a>(rest: &'a str, quote: char, bytes: &mut Vec<u8>) -> Result<&'a str, String> {
    let c = rest.chars().next().ok_or("escape sequence not terminated")?;
    let after = rest.get(c.len_utf8()..).unwrap_or_default();
    let byte = match c {
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 11,
        '\\' => b'\\',
        'x' => return coded(after, 2, 16, bytes),
        'u' => return coded(after, 4, 16, bytes),
        'U' => return coded(after, 8, 16, bytes),
        '0'..='7' => return coded(rest, 3, 8, bytes),
        '"' | '\'' if c == quote => u8::try_from(c).unwrap_or(b'"'),
        _ => return Err(format!("unknown escape sequence U+{:04X} '{c}'", u32::from(c))),
    };
    bytes.push(byte);
    Ok(after)
}

/// Reads the digits of a byte or of a character.
fn coded<'a>(rest: &'a str, digits: usize, base: u32, bytes: &mut Vec<u8>) -> Result<&'a str, String> {
    let wrong = rest.chars().take(digits).find(|c| !c.is_digit(base));
    if let Some(c) = wrong {
        return Err(format!("illegal character U+{:04X} '{c}' in escape sequence", u32::from(c)));
    }
    let cut = || "escape sequence not terminated".to_owned();
    let code = rest.get(..digits).ok_or_else(cut)?;
    let code = u32::from_str_radix(code, base).map_err(|error| error.to_string())?;
    if digits <= 3 {
        bytes.push(u8::try_from(code).map_err(|_| format!("octal escape value {code} over 255"))?);
    } else {
        let c = char::from_u32(code).ok_or("escape sequence is an invalid Unicode code point")?;
        bytes.extend(c.encode_utf8(&mut [0; 4]).bytes());
    }
    Ok(rest.get(digits..).unwrap_or_default())
}

/// A text in double quotes, such that [`quoted`] reads it back.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
