//! Regular expressions in RE2's syntax, as Prometheus takes them.
//!
//! The `regex` crate is RE2's child: linear time, no look-around. What the two write differently is translated; the rest
//! is left as it is.

use std::iter::Peekable;
use std::str::Chars;

use regex::{Regex, RegexBuilder};

/// How much memory a compiled pattern may take.
const PATTERN_BYTES_MAX: usize = 2 << 20;
/// How long a pattern may be.
const PATTERN_LENGTH_MAX: usize = 16 << 10;

/// Compiles a pattern, anchored at both ends; `.` matches a line break as well.
///
/// # Errors
/// What is wrong with the pattern, or that it is larger than allowed.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > PATTERN_LENGTH_MAX {
        return Err(format!("the pattern is longer than {PATTERN_LENGTH_MAX} bytes; use fewer alternatives"));
    }
    let translated = translate(pattern);
    // Alone first, so that a parenthesis inside cannot close the one around it.
    build(&translated)?;
    build(&format!("^(?s:{translated})$"))
}

/// Compiles a pattern that may match anywhere.
///
/// # Errors
/// As for [`compile`].
pub(crate) fn compile_search(pattern: &str) -> Result<Regex, String> {
    build(&translate(pattern))
}

fn build(pattern: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(pattern).size_limit(PATTERN_BYTES_MAX).nest_limit(64).build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(limit) => {
            format!("the compiled pattern is larger than {limit} bytes; simplify it")
        }
        other => format!("error parsing regexp: {}", other.to_string().lines().last().unwrap_or_default().trim()),
    })
}

/// Rewrites RE2's syntax into that of the `regex` crate.
fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut chars = pattern.chars().peekable();
    let mut class = None;
    while let Some(c) = chars.next() {
        match (c, class) {
            ('\\', _) => escape(&mut chars, class.is_some(), &mut out),
            ('[', None) => {
                out.push('[');
                out.extend(chars.next_if_eq(&'^'));
                if chars.next_if_eq(&']').is_some() {
                    out.push_str("\\]");
                }
                class = Some(());
            }
            ('[', Some(())) if chars.peek() == Some(&':') => posix(&mut chars, &mut out),
            (']', Some(())) => {
                out.push(']');
                class = None;
            }
            ('[' | '&' | '~', Some(())) => out.extend(['\\', c]),
            ('-', Some(())) if out.ends_with('-') => out.push_str("\\-"),
            ('{', None) if !repeats(&chars) => out.push_str("\\{"),
            _ => out.push(c),
        }
    }
    out
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
