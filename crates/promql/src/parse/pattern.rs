//! Regular expressions in RE2's syntax, as Prometheus takes them.
//!
//! The `regex` crate is RE2's child: linear time, no look-around. What the two write differently is translated; the rest
//! is left as it is.

use std::iter::Peekable;
use std::str::Chars;

use regex::{Regex, RegexBuilder};

/// How much memory a compiled pattern may take.
const PATTERN_BYTES_MAX: usize = 1 << 20;
/// How much memory a pattern takes that is compiled at once. Larger ones are rare and slow to compile.
const SMALL_PATTERN_BYTES: usize = 48 << 10;
/// How long a pattern may be.
const PATTERN_LENGTH_MAX: usize = 16 << 10;
/// How many patterns one query may have.
const PATTERNS_MAX: usize = 200;
/// How many patterns of one query may be large.
const LARGE_PATTERNS_MAX: usize = 4;

/// What the patterns of one query may still cost.
#[derive(Debug)]
pub(crate) struct Budget {
    patterns: usize,
    large: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { patterns: PATTERNS_MAX, large: LARGE_PATTERNS_MAX }
    }
}

impl Budget {
    /// Compiles one more pattern, anchored at both ends; `.` matches a line break as well.
    ///
    /// # Errors
    /// What is wrong with the pattern, or that it or all of them are larger than allowed.
    pub(crate) fn compile(&mut self, pattern: &str) -> Result<Regex, String> {
        self.patterns = self
            .patterns
            .checked_sub(1)
            .ok_or_else(|| format!("a query has at most {PATTERNS_MAX} patterns; join some with \"|\""))?;
        let anchored = format!("^(?s:{})$", translate(pattern)?);
        match build(&anchored, SMALL_PATTERN_BYTES) {
            Err(regex::Error::CompiledTooBig(_)) if self.large > 0 => {
                self.large -= 1;
                build(&anchored, PATTERN_BYTES_MAX).map_err(|error| told(&error))
            }
            Err(regex::Error::CompiledTooBig(_)) => {
                Err(format!("a query has at most {LARGE_PATTERNS_MAX} large patterns; simplify this one"))
            }
            other => other.map_err(|error| told(&error)),
        }
    }
}

/// Compiles one pattern, anchored at both ends; `.` matches a line break as well.
///
/// # Errors
/// What is wrong with the pattern, or that it is larger than allowed.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    Budget::default().compile(pattern)
}

/// Compiles a pattern that may match anywhere.
///
/// # Errors
/// As for [`compile`].
pub(crate) fn compile_search(pattern: &str) -> Result<Regex, String> {
    build(&translate(pattern)?, PATTERN_BYTES_MAX).map_err(|error| told(&error))
}

fn build(pattern: &str, bytes_max: usize) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).size_limit(bytes_max).nest_limit(64).build()
}

fn told(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(limit) => {
            format!("the compiled pattern is larger than {limit} bytes; simplify it")
        }
        other => format!("error parsing regexp: {}", other.to_string().lines().last().unwrap_or_default().trim()),
    }
}

/// Rewrites RE2's syntax into that of the `regex` crate.
///
/// # Errors
/// The pattern is too long, or closes a parenthesis that it did not open: it must not close one around it.
fn translate(pattern: &str) -> Result<String, String> {
    if pattern.len() > PATTERN_LENGTH_MAX {
        return Err(format!("the pattern is longer than {PATTERN_LENGTH_MAX} bytes; use fewer alternatives"));
    }
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut chars = pattern.chars().peekable();
    let (mut in_class, mut open) = (false, 0_usize);
    while let Some(c) = chars.next() {
        match c {
            '\\' => escape(&mut chars, in_class, &mut out),
            '[' if !in_class => {
                class(&mut chars, &mut out);
                in_class = true;
            }
            '[' if chars.peek() == Some(&':') => posix(&mut chars, &mut out),
            '[' | '&' | '~' if in_class => out.extend(['\\', c]),
            '-' if in_class && out.ends_with('-') => out.push_str("\\-"),
            '{' if !in_class && !repeats(&chars) => out.push_str("\\{"),
            ')' if !in_class && open == 0 => return Err("error parsing regexp: unexpected )".to_owned()),
            _ => {
                open = open + usize::from(c == '(' && !in_class) - usize::from(c == ')' && !in_class);
                in_class &= c != ']';
                out.push(c);
            }
        }
    }
    Ok(out)
}

/// Copies the beginning of a class, where a bracket is only itself.
fn class(chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    out.push('[');
    out.extend(chars.next_if_eq(&'^'));
    if chars.next_if_eq(&']').is_some() {
        out.push_str("\\]");
    }
}

/// Copies `[:alpha:]`; what only looks like one is a set of characters with a bracket in it.
fn posix(chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    let rest: String = chars.clone().take(16).collect();
    match rest.find(":]") {
        Some(end)
            if rest
                .get(1..end)
                .is_some_and(|name| name.trim_start_matches('^').bytes().all(|b| b.is_ascii_lowercase())) =>
        {
            out.push('[');
            out.extend(chars.by_ref().take(end + 2));
        }
        _ => out.push_str("\\["),
    }
}

/// Whether what follows a brace makes it a repetition: `{2}`, `{2,}`, `{2,5}`.
fn repeats(chars: &Peekable<Chars<'_>>) -> bool {
    let inside: String = chars.clone().take_while(|c| *c != '}').take(16).collect();
    let closed = chars.clone().nth(inside.len()) == Some('}');
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    closed
        && match inside.split_once(',') {
            None => number(&inside),
            Some((least, most)) => number(least) && (most.is_empty() || number(most)),
        }
}

/// Rewrites what follows a backslash. Classes of characters are those of ASCII.
fn escape(chars: &mut Peekable<Chars<'_>>, in_class: bool, out: &mut String) {
    let Some(c) = chars.next() else {
        return out.push('\\');
    };
    match c {
        'd' if in_class => out.push_str("0-9"),
        'w' if in_class => out.push_str("0-9A-Za-z_"),
        's' if in_class => out.push_str("\\t\\n\\x0C\\r "),
        'd' => out.push_str("[0-9]"),
        'w' => out.push_str("[0-9A-Za-z_]"),
        's' => out.push_str("[\\t\\n\\x0C\\r ]"),
        'D' => out.push_str("[^0-9]"),
        'W' => out.push_str("[^0-9A-Za-z_]"),
        'S' => out.push_str("[^\\t\\n\\x0C\\r ]"),
        'b' if !in_class => out.push_str("(?-u:\\b)"),
        'Q' if !in_class => literal(chars, out),
        '<' | '>' => out.push(c),
        '0'..='7' => octal(c, chars, out),
        _ => out.extend(['\\', c]),
    }
}

/// Copies everything up to `\E` with its special characters escaped.
fn literal(chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    while let Some(c) = chars.next() {
        if c == '\\' && chars.next_if_eq(&'E').is_some() {
            return;
        }
        out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
    }
}

/// A character by its octal number: three digits, or fewer after a zero. A single other digit would refer back, which
/// neither of the two knows.
fn octal(first: char, chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    let mut code = first.to_digit(8).unwrap_or_default();
    if first != '0' && !chars.peek().is_some_and(|c| c.is_digit(8)) {
        return out.extend(['\\', first]);
    }
    for _ in 0..2 {
        let Some(digit) = chars.next_if(|c| c.is_digit(8)) else { break };
        code = code * 8 + digit.to_digit(8).unwrap_or_default();
    }
    out.push_str(&format!("\\x{{{code:X}}}"));
}
