//! A line of a log becomes words in which what varies is `<*>`: the first half of mining. Knows no template.
//!
//! One pass over the bytes. A word is what stands between spaces; inside it, delimiters part atoms. An atom that is a
//! value by its form becomes `<*>`, and so does whatever follows `key=`. A value that is written as several words is one:
//! a number with its unit, a date with the name of its month, a list, a number said again in brackets.

use super::atom::{self, Kind};
use super::{LINE_BYTES_MAX, LINE_WORDS_MAX, WORD_BYTES_MAX};

/// What stands for a value.
pub(crate) const VALUE: &str = "<*>";
/// The longest quoted or bracketed value, in bytes; a longer one is read word by word.
const VALUE_BYTES_MAX: usize = 256;

/// The words of one line. Its buffers are used again for the next.
#[derive(Debug, Default, Clone)]
pub(crate) struct Words {
    text: String,
    ends: Vec<usize>,
    /// Where the value ends that was written last.
    value_end: Option<usize>,
    cut: bool,
}

impl Words {
    /// Reads a line; what is over the limits becomes one value at its end.
    pub(crate) fn read(&mut self, line: &str) {
        self.text.clear();
        self.ends.clear();
        self.value_end = None;
        let line = line.trim_ascii();
        let kept = line.floor_char_boundary(LINE_BYTES_MAX);
        self.cut = kept < line.len();
        let line = &line[..kept];
        let mut at = 0;
        while let Some(byte) = line.as_bytes().get(at) {
            if !byte.is_ascii_whitespace() {
                at = self.step(line, at, *byte);
                continue;
            }
            self.end_word();
            at += 1;
            if self.ends.len() >= LINE_WORDS_MAX - 1 {
                self.cut |= at < line.len();
                break;
            }
        }
        self.end_word();
        if self.cut {
            self.value();
            self.end_word();
        }
    }

    /// Whether the line was longer than the limits.
    pub(crate) fn was_cut(&self) -> bool {
        self.cut
    }

    /// The words in order; a word that is too long is a value.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let words = starts.zip(&self.ends).map(|(start, end)| &self.text[start..*end]);
        words.map(|word| if word.len() > WORD_BYTES_MAX { VALUE } else { word })
    }

    /// Takes one delimiter or one atom; says where the next begins.
    fn step(&mut self, line: &str, at: usize, byte: u8) -> usize {
        let rest = &line[at..];
        if byte == b'=' {
            return self.equals(line, at);
        }
        let inside =
            at.checked_sub(1).and_then(|before| line.as_bytes().get(before)).is_some_and(u8::is_ascii_alphanumeric);
        if !inside && let Some(length) = atom::colon_address(rest) {
            self.value();
            return at + length;
        }
        if !atom::is_inside(byte) {
            self.text.push(char::from(byte));
            return at + 1;
        }
        let dots = rest.bytes().take_while(|next| *next == b'.').count();
        if dots > 1 {
            // Dots that lead to a value, as many as the line needs.
            self.text.push_str("..");
            return at + dots;
        }
        let end = at + atom::length(rest);
        let written = &line[at..end];
        match atom::kind(written, &line[end..]) {
            Kind::Value => self.value(),
            Kind::Word => self.text.push_str(written),
            Kind::Numbered { name } => {
                self.text.push_str(written.get(..name).unwrap_or(written));
                self.text.push_str(VALUE);
            }
        }
        end
    }

    /// After a `=` that assigns stands a value, whatever it looks like.
    fn equals(&mut self, line: &str, at: usize) -> usize {
        let bytes = line.as_bytes();
        let compares = |byte: Option<&u8>| matches!(byte, Some(b'=' | b'<' | b'>' | b'!' | b'~'));
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        let has_key = self.text.len() > self.word_start();
        self.text.push('=');
        if !has_key || compares(before) || compares(bytes.get(at + 1)) {
            return at + 1;
        }
        let length = value_length(&line[at + 1..]);
        if length > 0 {
            self.value();
        }
        at + 1 + length
    }

    /// Writes a value; values that hang together by punctuation alone are one.
    fn value(&mut self) {
        let start = self.word_start();
        if let Some(end) = self.value_end.filter(|end| *end > start)
            && self.text[end..].bytes().all(is_glue)
        {
            self.text.truncate(end);
            return;
        }
        if matches!(&self.text[start..], "<" | ">" | "#" | "*") {
            self.text.truncate(start);
        }
        self.text.push_str(VALUE);
        self.value_end = Some(self.text.len());
    }

    fn word_start(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Ends the word, and joins it to the one before when both are one.
    fn end_word(&mut self) {
        let start = self.word_start();
        if self.text.len() == start {
            return;
        }
        if let Some(end) = self.value_end.filter(|end| *end > start)
            && self.text[end..].bytes().all(|byte| matches!(byte, b'#' | b'*' | b'='))
        {
            self.text.truncate(end);
        }
        let closes = self.text[start..].bytes().all(is_closing);
        if start > 0 && (closes || self.take_unit(start)) {
            self.join_last();
        } else if self.repeats(start) {
            self.text.truncate(start);
        } else if !self.join_value(start) {
            self.ends.push(self.text.len());
        }
        self.value_end = None;
    }

    /// Takes away a unit that follows a number; its punctuation stays and belongs to the number.
    fn take_unit(&mut self, start: usize) -> bool {
        let word = &self.text[start..];
        let unit = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric() && c != '%');
        let after = start + unit.len();
        let takes = self.text[..start].ends_with(VALUE) && atom::is_unit(unit);
        if takes {
            self.text.replace_range(start..after, "");
        }
        takes
    }

    /// The word before grows to the end of the text; then it may be one with the value before it.
    fn join_last(&mut self) {
        self.ends.pop();
        if !self.join_value(self.word_start()) {
            self.ends.push(self.text.len());
        }
    }

    /// Whether the word is the one before again and holds a value: a list of things of one kind.
    fn repeats(&self, start: usize) -> bool {
        let before = self.start_before();
        let word = &self.text[start..];
        start > 0 && self.text[before..start] == *word && word.contains(VALUE)
    }

    /// Joins a value to the values, and to the names of months and days, that stand before it.
    fn join_value(&mut self, start: usize) -> bool {
        let follows_value = start > 0 && self.text[..start].ends_with(VALUE);
        let Some(tail) = bare_value(&self.text[start..], follows_value) else { return false };
        let tail = tail.to_owned();
        let mut first = start;
        while let Some(end) = self.ends.last().copied() {
            let before = self.start_before();
            let word = &self.text[before..end];
            let listed = word.trim_end_matches([',', ';']);
            if listed.len() > VALUE.len() && listed.ends_with(VALUE) {
                // A list that began inside a word: `(1, 2, 3)`.
                self.ends.pop();
                first = before + listed.len() - VALUE.len();
                break;
            }
            if listed != VALUE && !atom::is_calendar(listed) {
                break;
            }
            self.ends.pop();
            first = before;
        }
        if first == start {
            return false;
        }
        self.text.truncate(first);
        self.text.push_str(VALUE);
        self.text.push_str(&tail);
        self.ends.push(self.text.len());
        true
    }

    /// Where the last word that was ended begins.
    fn start_before(&self) -> usize {
        self.ends.len().checked_sub(2).and_then(|at| self.ends.get(at)).copied().unwrap_or(0)
    }
}

/// What follows the value in a word that is nothing but one. After a value, brackets with a value or with nothing say it
/// again.
fn bare_value(word: &str, follows_value: bool) -> Option<&str> {
    let again = || word.strip_prefix("(<*>)").or_else(|| word.strip_prefix("()")).filter(|_| follows_value);
    let tail = word.strip_prefix(VALUE).or_else(again)?;
    tail.bytes().all(is_closing).then_some(tail)
}

/// Punctuation that ends a clause or closes a bracket.
fn is_closing(byte: u8) -> bool {
    matches!(byte, b')' | b']' | b'}' | b',' | b'.' | b';' | b':')
}

/// Punctuation that does not part two values of one word.
fn is_glue(byte: u8) -> bool {
    matches!(byte, b':' | b',' | b'.' | b'/' | b'-' | b'=' | b';' | b'|' | b'#' | b'*' | b'&' | b'^')
}

/// How long the value is that follows a `=`: to the closing quote, or to a space or a comma outside brackets. Brackets
/// that do not close in time hold nothing together.
fn value_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    if let Some(quote @ (b'"' | b'\'')) = bytes.first() {
        let closing = bytes.iter().take(VALUE_BYTES_MAX).skip(1).position(|byte| byte == quote);
        if let Some(length) = closing {
            return length + 2;
        }
    }
    let (mut depth, mut flat) = (0_usize, None);
    for (at, byte) in bytes.iter().enumerate().take(VALUE_BYTES_MAX) {
        let ends = byte.is_ascii_whitespace() || matches!(byte, b',' | b';' | b'&' | b'|');
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' if depth == 0 => return at,
            b')' | b']' | b'}' => depth -= 1,
            _ if ends && depth == 0 => return at,
            _ if ends => flat = flat.or(Some(at)),
            _ => {}
        }
    }
    flat.unwrap_or_else(|| bytes.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len()))
}
