//! Values as Go's `fmt` prints them: the default form, and the verbs of `printf` with their flags and their complaints.

use super::TEXT_BYTES_MAX;
use super::number;
use super::quote::{self, quote, quoted};
use super::value::Value;

/// The widest field and the longest precision.
const WIDTH_MAX: usize = 10_000;

/// What stands between `%` and the verb.
#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    plus: bool,
    minus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    /// `%+v`: fields have their names.
    named: bool,
    /// `%#v`: texts are quoted.
    literal: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// A value in its default form, as `%v`.
pub(super) fn plain(value: &Value) -> String {
    let mut printer = Printer::default();
    printer.value(value, 'v', Flags::default());
    printer.out
}

/// Values as `print` joins them: with a space where neither of two neighbours is a text.
pub(super) fn print(values: &[Value]) -> String {
    let mut printer = Printer { pointer: true, ..Printer::default() };
    let mut text_before = true;
    for value in values {
        let text = matches!(value, Value::Text(_));
        if !text && !text_before {
            printer.out.push(' ');
        }
        text_before = text;
        printer.value(value, 'v', Flags::default());
    }
    printer.out
}

/// Values as `println` joins them.
pub(super) fn println(values: &[Value]) -> String {
    let mut printer = Printer { pointer: true, ..Printer::default() };
    for (i, value) in values.iter().enumerate() {
        if i > 0 {
            printer.out.push(' ');
        }
        printer.value(value, 'v', Flags::default());
    }
    printer.out.push('\n');
    printer.out
}

/// Values in a format.
pub(super) fn printf(format: &str, values: &[Value]) -> String {
    let mut job = Job {
        values,
        next: 0,
        reordered: false,
        bad_index: false,
        printer: Printer { pointer: true, ..Printer::default() },
    };
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        job.printer.out.push_str(rest.get(..at).unwrap_or(""));
        rest = job.verb(rest.get(at + 1..).unwrap_or(""));
        if job.printer.full() {
            return job.printer.out;
        }
    }
    job.printer.out.push_str(rest);
    job.extra();
    job.printer.out
}

/// One `printf`.
struct Job<'a> {
    values: &'a [Value],
    next: usize,
    reordered: bool,
    bad_index: bool,
    printer: Printer,
}

impl Job<'_> {
    /// Reads flags, width, precision and verb, prints, and gives what follows.
    fn verb<'f>(&mut self, format: &'f str) -> &'f str {
        self.bad_index = false;
        let (mut flags, rest) = flags(format);
        let mut rest = self.index(rest);
        (flags.width, rest) = self.width(rest, &mut flags);
        if let Some(after) = rest.strip_prefix('.') {
            let after = self.index(after);
            (flags.precision, rest) = self.precision(after);
        }
        rest = self.index(rest);
        let Some(verb) = rest.chars().next() else {
            self.printer.out.push_str("%!(NOVERB)");
            return "";
        };
        self.print_verb(verb, flags);
        rest.get(verb.len_utf8()..).unwrap_or("")
    }

    fn print_verb(&mut self, verb: char, flags: Flags) {
        if verb == '%' {
            return self.printer.out.push('%');
        }
        if self.bad_index {
            return self.printer.out.push_str(&format!("%!{verb}(BADINDEX)"));
        }
        let flags = match verb {
            'v' => Flags { named: flags.plus, literal: flags.sharp, plus: false, sharp: false, ..flags },
            _ => flags,
        };
        match self.values.get(self.next) {
            Some(value) => {
                self.next += 1;
                self.printer.value(value, verb, flags);
            }
            None => self.printer.out.push_str(&format!("%!{verb}(MISSING)")),
        }
    }

    /// Reads `[n]`, when it is there: which value is next, from one.
    fn index<'f>(&mut self, format: &'f str) -> &'f str {
        let Some(inner) = format.strip_prefix('[') else { return format };
        self.reordered = true;
        let Some((number, after)) = inner.split_once(']') else {
            self.bad_index = true;
            return inner;
        };
        match number.parse::<usize>().ok().filter(|n| (1..=self.values.len()).contains(n)) {
            Some(n) => self.next = n - 1,
            None => self.bad_index = true,
        }
        after
    }

    fn width<'f>(&mut self, format: &'f str, flags: &mut Flags) -> (Option<usize>, &'f str) {
        let Some(after) = format.strip_prefix('*') else { return count(format) };
        match self.star() {
            Some(width) => {
                if width < 0 {
                    (flags.minus, flags.zero) = (true, false);
                }
                (usize::try_from(width.unsigned_abs()).ok(), after)
            }
            None => {
                self.printer.out.push_str("%!(BADWIDTH)");
                (None, after)
            }
        }
    }

    fn precision<'f>(&mut self, format: &'f str) -> (Option<usize>, &'f str) {
        let Some(after) = format.strip_prefix('*') else {
            let (precision, rest) = count(format);
            return (Some(precision.unwrap_or(0)), rest);
        };
        match self.star() {
            Some(precision) => (usize::try_from(precision).ok(), after),
            None => {
                self.printer.out.push_str("%!(BADPREC)");
                (None, after)
            }
        }
    }

    /// The value that a `*` takes.
    fn star(&mut self) -> Option<i64> {
        let value = self.values.get(self.next)?;
        self.next += 1;
        match value {
            Value::Int(n) if n.unsigned_abs() <= WIDTH_MAX as u64 => Some(*n),
            _ => None,
        }
    }

    /// Says which values were not asked for.
    fn extra(&mut self) {
        let left = self.values.get(self.next..).unwrap_or(&[]);
        if self.reordered || left.is_empty() {
            return;
        }
        self.printer.out.push_str("%!(EXTRA ");
        for (i, value) in left.iter().enumerate() {
            if i > 0 {
                self.printer.out.push_str(", ");
            }
            self.printer.typed(value, Flags::default());
        }
        self.printer.out.push(')');
    }
}

fn flags(format: &str) -> (Flags, &str) {
    let mut flags = Flags::default();
    let mut rest = format;
    while let Some(c) = rest.chars().next() {
        match c {
            '#' => flags.sharp = true,
            '+' => flags.plus = true,
            ' ' => flags.space = true,
            '-' => (flags.minus, flags.zero) = (true, false),
            '0' => flags.zero = !flags.minus,
            _ => break,
        }
        rest = rest.get(1..).unwrap_or("");
    }
    (flags, rest)
}

/// A decimal count; what is too large counts as none.
fn count(format: &str) -> (Option<usize>, &str) {
    let end = format.find(|c: char| !c.is_ascii_digit()).unwrap_or(format.len());
    let (digits, rest) = format.split_at(end);
    (digits.parse().ok().filter(|n| *n <= WIDTH_MAX), rest)
}

#[derive(Default)]
struct Printer {
    out: String,
    /// Whether a pointer shows that it is one.
    pointer: bool,
}

impl Printer {
    /// Whether more than a text may have was printed; what prints then stops.
    fn full(&self) -> bool {
        self.out.len() > TEXT_BYTES_MAX
    }

    fn value(&mut self, value: &Value, verb: char, flags: Flags) {
        if self.full() {
            return;
        }
        if verb == 'T' {
            return self.text(value.type_name(), 's', flags);
        }
        if self.pointer && matches!(value, Value::Record(record) if record.type_name.starts_with('*')) {
            self.out.push('&');
        }
        if let Some(text) = value.own_text().filter(|_| matches!(verb, 'v' | 's' | 'q' | 'x' | 'X')) {
            return self.text(&text, verb, flags);
        }
        match value {
            Value::Missing | Value::Nil if verb == 'v' => self.pad("<nil>", flags),
            Value::Bool(truth) if matches!(verb, 't' | 'v') => self.pad(if *truth { "true" } else { "false" }, flags),
            Value::Int(n) => self.int(*n, verb, flags),
            Value::Duration(n) => self.int(*n, verb, flags),
            Value::Float(n) => self.float(*n, verb, flags),
            Value::Text(text) => self.text(text, verb, flags),
            Value::List(list) => self.list(list, verb, flags),
            Value::Map(map) => self.map(map.entries.iter().map(|(key, value)| (&**key, value)), verb, flags),
            Value::Record(record) => self.record(&record.fields, verb, flags),
            other => self.complain(other, verb, flags),
        }
    }

    /// `type=value`.
    fn typed(&mut self, value: &Value, flags: Flags) {
        if matches!(value, Value::Missing | Value::Nil) {
            return self.out.push_str("<nil>");
        }
        self.out.push_str(value.type_name());
        self.out.push('=');
        self.value(value, 'v', flags);
    }

    /// What is printed when a verb does not fit.
    fn complain(&mut self, value: &Value, verb: char, flags: Flags) {
        self.out.push_str("%!");
        self.out.push(verb);
        self.out.push('(');
        self.typed(value, flags);
        self.out.push(')');
    }

    fn list(&mut self, list: &[Value], verb: char, flags: Flags) {
        self.out.push('[');
        for (i, value) in list.iter().enumerate() {
            if i > 0 {
                self.out.push(' ');
            }
            self.value(value, verb, flags);
            if self.full() {
                return;
            }
        }
        self.out.push(']');
    }

    fn map<'v>(&mut self, entries: impl Iterator<Item = (&'v str, &'v Value)>, verb: char, flags: Flags) {
        self.out.push_str("map[");
        for (i, (key, value)) in entries.enumerate() {
            if i > 0 {
                self.out.push(' ');
            }
            self.text(key, verb, flags);
            self.out.push(':');
            self.value(value, verb, flags);
            if self.full() {
                return;
            }
        }
        self.out.push(']');
    }

    fn record(&mut self, fields: &[(&str, Value)], verb: char, flags: Flags) {
        self.out.push('{');
        for (i, (name, value)) in fields.iter().enumerate() {
            if i > 0 {
                self.out.push(' ');
            }
            if flags.named {
                self.out.push_str(name);
                self.out.push(':');
            }
            self.value(value, verb, flags);
        }
        self.out.push('}');
    }

    fn text(&mut self, text: &str, verb: char, flags: Flags) {
        let cut: String = match flags.precision {
            Some(precision) => text.chars().take(precision).collect(),
            None => text.to_owned(),
        };
        match verb {
            'v' if flags.literal => self.pad(&quote(&cut), flags),
            'v' | 's' => self.pad(&cut, flags),
            'q' if flags.sharp && !cut.contains(['`', '\r']) && !cut.chars().any(|c| c.is_control() && c != '\t') => {
                self.pad(&format!("`{cut}`"), flags);
            }
            'q' => self.pad(&quoted(&cut, '"', flags.plus), flags),
            'x' | 'X' => {
                let bytes = text.as_bytes();
                let bytes = bytes.get(..flags.precision.unwrap_or(bytes.len())).unwrap_or(bytes);
                self.pad(&hex(bytes, verb, flags), flags);
            }
            _ => self.complain(&Value::text(text), verb, flags),
        }
    }

    fn int(&mut self, n: i64, verb: char, flags: Flags) {
        let magnitude = n.unsigned_abs();
        let (prefix, digits) = match verb {
            'v' | 'd' => ("", magnitude.to_string()),
            'b' => ("0b", format!("{magnitude:b}")),
            'o' => ("0", format!("{magnitude:o}")),
            'O' => ("0o", format!("{magnitude:o}")),
            'x' => ("0x", format!("{magnitude:x}")),
            'X' => ("0X", format!("{magnitude:X}")),
            'c' | 'q' | 'U' => return self.pad(&rune(n, verb, flags), flags),
            _ => return self.complain(&Value::Int(n), verb, flags),
        };
        let prefix = if flags.sharp || verb == 'O' { prefix } else { "" };
        let sign = if n < 0 {
            "-"
        } else if flags.plus {
            "+"
        } else if flags.space {
            " "
        } else {
            ""
        };
        if flags.precision == Some(0) && n == 0 {
            return self.pad("", Flags { zero: false, ..flags });
        }
        let zeros = match (flags.precision, flags.width) {
            (Some(precision), _) => precision,
            (None, Some(width)) if flags.zero => width.saturating_sub(sign.len()),
            _ => 0,
        };
        let digits = format!("{digits:0>zeros$}");
        self.pad(&format!("{sign}{prefix}{digits}"), Flags { zero: false, ..flags });
    }

    fn float(&mut self, n: f64, verb: char, flags: Flags) {
        let precision = match (verb, flags.precision) {
            ('e' | 'E' | 'f' | 'F', None) => Some(6),
            (_, precision) => precision,
        };
        let text = match verb {
            'v' => number::float(n, 'g', precision),
            'e' | 'E' | 'f' | 'F' | 'g' | 'G' => number::float(n, verb, precision),
            _ => return self.complain(&Value::Float(n), verb, flags),
        };
        let (sign, digits) = match text.strip_prefix(['-', '+']) {
            Some(digits) if text.starts_with('-') => ("-", digits),
            Some(digits) => (if flags.space && !flags.plus { " " } else { "+" }, digits),
            None if flags.plus => ("+", &*text),
            None if flags.space => (" ", &*text),
            None => ("", &*text),
        };
        let zero = flags.zero && n.is_finite();
        let width = flags.width.filter(|_| zero).unwrap_or(0).saturating_sub(sign.len());
        self.pad(&format!("{sign}{digits:0>width$}"), Flags { zero: false, ..flags });
    }

    /// Pads to the width, in characters.
    fn pad(&mut self, text: &str, flags: Flags) {
        let missing = flags.width.unwrap_or(0).saturating_sub(text.chars().count());
        let fill = if flags.zero && !flags.minus { "0" } else { " " }.repeat(missing);
        if flags.minus {
            self.out.push_str(text);
            self.out.push_str(&fill);
        } else {
            self.out.push_str(&fill);
            self.out.push_str(text);
        }
    }
}

fn rune(n: i64, verb: char, flags: Flags) -> String {
    let c = u32::try_from(n).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER);
    match verb {
        'c' => c.to_string(),
        'q' => quoted(&c.to_string(), '\'', flags.plus),
        _ if flags.sharp && quote::printable(c) => format!("U+{n:04X} '{c}'"),
        _ => format!("U+{n:04X}"),
    }
}

fn hex(bytes: &[u8], verb: char, flags: Flags) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    let prefix = if verb == 'x' { "0x" } else { "0X" };
    for (i, byte) in bytes.iter().enumerate() {
        if i > 0 && flags.space {
            out.push(' ');
        }
        if flags.sharp && (i == 0 || flags.space) {
            out.push_str(prefix);
        }
        out.push_str(&if verb == 'x' { format!("{byte:02x}") } else { format!("{byte:02X}") });
    }
    out
}
