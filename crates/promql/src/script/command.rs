//! Commands and their blocks: `clear`, `load`, `eval` and what is expected of it.

use regex::Regex;

use super::notation::time;
use super::series::{Sample, births, sequence, split};
use crate::{Labels, Millis};

/// A command and the lines under it, up to the next empty line or comment.
#[derive(Debug)]
pub(super) struct Block<'a> {
    /// Where the command stands, counted from one.
    pub(super) line: usize,
    head: &'a str,
    body: Vec<(usize, &'a str)>,
}

/// What a block says.
pub(super) enum Command {
    Clear,
    Load(Load),
    Eval(Eval),
}

/// Samples to load.
pub(super) struct Load {
    /// From one value to the next.
    pub(super) interval: Millis,
    /// Whether classic histograms become histograms with custom buckets as well.
    pub(super) with_custom_buckets: bool,
    pub(super) lines: Vec<LoadLine>,
}

/// The samples of one series.
pub(super) struct LoadLine {
    pub(super) labels: Labels,
    pub(super) values: Vec<Option<Sample>>,
    /// When the counter began, relative to each value. Empty when nothing is said.
    pub(super) births: Vec<Option<Millis>>,
}

/// A query and what is expected of it.
pub(super) struct Eval {
    pub(super) query: String,
    pub(super) span: Span,
    pub(super) expect: Expect,
}

/// When a query is asked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Span {
    Instant(Millis),
    Range(Grid),
}

/// Steps of a range.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    pub(super) start: Millis,
    pub(super) end: Millis,
    pub(super) step: Millis,
}

/// What is expected.
#[derive(Default)]
pub(super) struct Expect {
    /// Errors; none when the query must succeed.
    pub(super) fail: Vec<Said>,
    pub(super) warn: Vec<Said>,
    pub(super) info: Vec<Said>,
    pub(super) no_warn: bool,
    pub(super) no_info: bool,
    /// The order of the series matters.
    pub(super) ordered: bool,
    /// The steps of the values, for an instant query that gives windows.
    pub(super) window: Option<Grid>,
    /// A scalar.
    pub(super) number: Option<f64>,
    /// A text.
    pub(super) text: Option<String>,
    pub(super) series: Vec<(Labels, Vec<Option<Sample>>)>,
}

/// What a message must say.
pub(super) enum Said {
    Anything,
    Exactly(String),
    Like(Regex),
}

/// Where something is wrong, and what.
type Wrong = (usize, String);

/// Cuts a script into blocks.
pub(super) fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut all: Vec<Block<'_>> = Vec::new();
    let mut open = false;
    for (at, line) in text.lines().enumerate() {
        let (line, number) = (line.trim(), at + 1);
        if line.is_empty() || line.starts_with('#') {
            open = false;
        } else if open && !is_head(line) {
            if let Some(block) = all.last_mut() {
                block.body.push((number, line));
            }
        } else {
            all.push(Block { line: number, head: line, body: Vec::new() });
            open = line != "clear";
        }
    }
    all
}

/// Whether a line under another is a command of its own, although no empty line is between.
fn is_head(line: &str) -> bool {
    let (first, rest) = word(line);
    match first {
        "clear" => rest.is_empty(),
        "load" | "load_with_nhcb" => time(rest).is_ok(),
        _ => first.starts_with("eval") && matches!(word(rest).0, "instant" | "range"),
    }
}

/// Reads a block.
pub(super) fn read(block: &Block<'_>) -> Result<Command, Wrong> {
    let (first, rest) = word(block.head);
    match first.to_ascii_lowercase().as_str() {
        "clear" => Ok(Command::Clear),
        "load" => load(block, rest, false).map(Command::Load),
        "load_with_nhcb" => load(block, rest, true).map(Command::Load),
        name if name.starts_with("eval") => eval(block, name, rest).map(Command::Eval),
        name => Err((block.line, format!("a command is load, clear or eval, not {name:?}"))),
    }
}

/// The first word of a text, and what follows it.
fn word(text: &str) -> (&str, &str) {
    let (first, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    (first, rest.trim_start())
}

fn load(block: &Block<'_>, rest: &str, with_custom_buckets: bool) -> Result<Load, Wrong> {
    let interval = time(rest).map_err(|message| (block.line, message))?;
    let mut lines: Vec<LoadLine> = Vec::new();
    let mut waiting: Option<(Labels, Vec<Option<Millis>>)> = None;
    for (line, text) in &block.body {
        let at = |message: String| (*line, message);
        let (labels, values) = split(text).map_err(at)?;
        if let Some(begun) = values.strip_prefix("@st") {
            waiting = Some((labels, births(begun).map_err(at)?));
            continue;
        }
        let values = sequence(values).map_err(at)?;
        let births = match waiting.take() {
            Some((named, births)) if named == labels && births.len() == values.len() => births,
            Some(_) => return Err((*line, format!("the @st line before {labels} is for another series or length"))),
            None => Vec::new(),
        };
        lines.push(LoadLine { labels, values, births });
    }
    Ok(Load { interval, with_custom_buckets, lines })
}

fn eval(block: &Block<'_>, name: &str, rest: &str) -> Result<Eval, Wrong> {
    let mut expect = Expect::default();
    match name.strip_prefix("eval").unwrap_or_default() {
        "" => {}
        "_fail" => expect.fail.push(Said::Anything),
        "_warn" => expect.warn.push(Said::Anything),
        "_info" => expect.info.push(Said::Anything),
        "_ordered" => expect.ordered = true,
        _ => return Err((block.line, format!("there is no command {name:?}"))),
    }
    let (span, query) = span(rest).map_err(|message| (block.line, message))?;
    for (line, text) in &block.body {
        expectation(text, &mut expect).map_err(|message| (*line, message))?;
    }
    Ok(Eval { query: query.to_owned(), span, expect })
}

/// `instant at 5m query` or `range from 0 to 5m step 1m query`
fn span(text: &str) -> Result<(Span, &str), String> {
    let (kind, rest) = word(text);
    match kind {
        "instant" => match after("at", rest) {
            Some((at, query)) => Ok((Span::Instant(time(at)?), query)),
            None => Ok((Span::Instant(0), rest)),
        },
        "range" => grid(rest).map(|(grid, query)| (Span::Range(grid), query)),
        _ => Err(format!("eval is instant or range, not {kind:?}")),
    }
}

/// `from 0 to 5m step 1m`, and what follows it.
fn grid(text: &str) -> Result<(Grid, &str), String> {
    let expected = "expected \"from START to END step STEP\"";
    let (start, rest) = after("from", text).ok_or(expected)?;
    let (end, rest) = after("to", rest).ok_or(expected)?;
    let (step, rest) = after("step", rest).ok_or(expected)?;
    Ok((Grid { start: time(start)?, end: time(end)?, step: time(step)? }, rest))
}

/// The word after a keyword, and what follows both.
fn after<'a>(keyword: &str, text: &'a str) -> Option<(&'a str, &'a str)> {
    let (first, rest) = word(text);
    (first == keyword).then(|| word(rest))
}

/// Reads one line under an `eval`.
fn expectation(text: &str, expect: &mut Expect) -> Result<(), String> {
    if let Some(message) = text.strip_prefix("expected_fail_message") {
        expect.fail = vec![Said::Exactly(message.trim().to_owned())];
        return Ok(());
    }
    if let Some(pattern) = text.strip_prefix("expected_fail_regexp") {
        expect.fail = vec![Said::Like(pattern_of(pattern)?)];
        return Ok(());
    }
    if let Some(("expect", rest)) = Some(word(text)).filter(|(_, rest)| !rest.is_empty() && is_expect(rest)) {
        return expect_line(rest, expect);
    }
    if let Some((value, "")) = super::notation::number(text) {
        expect.number = Some(value);
        return Ok(());
    }
    let (labels, values) = split(text)?;
    expect.series.push((labels, sequence(values)?));
    Ok(())
}

/// The words that follow `expect`.
const EXPECTED: [&str; 8] = ["fail", "warn", "no_warn", "info", "no_info", "ordered", "string", "range"];

/// Whether what follows `expect` makes it that keyword, and not a series of that name.
fn is_expect(rest: &str) -> bool {
    EXPECTED.contains(&word(rest).0)
}

fn expect_line(text: &str, expect: &mut Expect) -> Result<(), String> {
    let (kind, rest) = word(text);
    match kind {
        "fail" => expect.fail.push(said(rest)?),
        "warn" => expect.warn.push(said(rest)?),
        "info" => expect.info.push(said(rest)?),
        "no_warn" => expect.no_warn = true,
        "no_info" => expect.no_info = true,
        "ordered" => expect.ordered = true,
        "string" => expect.text = Some(crate::parse::text::quoted(rest)?.0),
        _ => {
            let rest = after("range", text).filter(|(vector, _)| *vector == "vector").map(|(_, rest)| rest);
            expect.window = Some(grid(rest.ok_or("expected \"range vector\"")?)?.0);
        }
    }
    Ok(())
}

/// `msg: text`, `regex: pattern`, or nothing.
fn said(text: &str) -> Result<Said, String> {
    if let Some(message) = text.strip_prefix("msg:") {
        return Ok(Said::Exactly(message.trim().to_owned()));
    }
    if let Some(pattern) = text.strip_prefix("regex:") {
        return Ok(Said::Like(pattern_of(pattern)?));
    }
    if text.is_empty() { Ok(Said::Anything) } else { Err(format!("expected msg: or regex: at {text:?}")) }
}

fn pattern_of(text: &str) -> Result<Regex, String> {
    crate::parse::compile_search(unquoted(text.trim()))
}

/// A text without the quotes around it.
fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}

impl Said {
    /// Whether a message says this. A place in the query at its end does not matter, nor do quotes around it here.
    pub(super) fn fits(&self, message: &str) -> bool {
        match self {
            Self::Anything => true,
            Self::Exactly(text) => {
                let fits = |text: &str| text == message || without_place(text) == without_place(message);
                fits(text) || fits(unquoted(text))
            }
            Self::Like(pattern) => pattern.is_match(message),
        }
    }
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Anything => f.write_str("any message"),
            Self::Exactly(text) => write!(f, "{text:?}"),
            Self::Like(pattern) => write!(f, "a message like {:?}", pattern.as_str()),
        }
    }
}

/// A message without ` (1:5)` at its end.
fn without_place(text: &str) -> &str {
    let place = |inside: &str| {
        inside.split_once(':').is_some_and(|(line, column)| {
            [line, column].iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
        })
    };
    match text.strip_suffix(')').and_then(|text| text.rsplit_once(" (")) {
        Some((before, inside)) if place(inside) => before,
        _ => text,
    }
}
