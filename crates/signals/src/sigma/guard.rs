//! What is looked at before a rule file is parsed: that it cannot send the parser into the depths.

/// The most bytes of one file of rules.
pub const RULE_FILE_BYTES_MAX: usize = 1024 * 1024;
/// The most parentheses of a condition that may be open at once, and the most `not`s in a row.
pub const CONDITION_DEPTH_MAX: usize = 48;

/// The most bytes that the documents of a file may have, when each is as long as the whole file: so long they can
/// become by `action: global` and `action: repeat`.
pub const REPEATED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Refuses a file that is too large or whose conditions may be nested too deep. The parser works on conditions by
/// recursion before it checks their depth, so the whole text is taken for one condition here, escapes included.
pub(super) fn check(text: &str) -> Result<(), String> {
    if text.len() > RULE_FILE_BYTES_MAX {
        return Err(format!("it has {} bytes, limit {RULE_FILE_BYTES_MAX}: split it", text.len()));
    }
    let lines = text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']);
    let documents = 1 + lines.filter(|line| line.starts_with("---") || line.starts_with("...")).count();
    if text.len().saturating_mul(documents) > REPEATED_BYTES_MAX {
        return Err(format!("it has {documents} documents in {} bytes, too many for one file: split it", text.len()));
    }
    let (mut open, mut word, mut negations) = (0_usize, String::new(), 0_usize);
    for c in Unescaped(text.chars()).chain([' ']) {
        if c.is_alphanumeric() || matches!(c, '_' | '-') {
            word.push(c);
            continue;
        }
        match word.as_str() {
            "" => {}
            "not" => negations += 1,
            _ => negations = 0,
        }
        word.clear();
        match c {
            '(' => open += 1,
            ')' => open = open.saturating_sub(1),
            _ => {}
        }
        if open > CONDITION_DEPTH_MAX || negations > CONDITION_DEPTH_MAX {
            return Err(format!(
                "more than {CONDITION_DEPTH_MAX} parentheses are open at once, or that many `not` in a row"
            ));
        }
    }
    Ok(())
}

/// A text with the escapes of YAML's double quotes undone, wherever they stand.
struct Unescaped<'t>(std::str::Chars<'t>);

impl Iterator for Unescaped<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        loop {
            let c = self.0.next()?;
            if c != '\\' {
                return Some(c);
            }
            let mut rest = self.0.clone();
            let digits = match rest.next() {
                Some('x') => 2,
                Some('u') => 4,
                Some('U') => 8,
                Some('n' | 't' | 'r' | '_' | 'N' | 'L' | 'P' | ' ') => {
                    self.0 = rest;
                    return Some(' ');
                }
                Some('\n' | '\r') => {
                    // A line that goes on in the next one, without the space before it.
                    self.0 = rest.as_str().trim_start().chars();
                    continue;
                }
                _ => return Some(c),
            };
            let code = rest.as_str().get(..digits).and_then(|hex| u32::from_str_radix(hex, 16).ok());
            let Some(decoded) = code.and_then(char::from_u32) else { return Some(c) };
            self.0 = rest.as_str().get(digits..).unwrap_or_default().chars();
            return Some(decoded);
        }
    }
}
