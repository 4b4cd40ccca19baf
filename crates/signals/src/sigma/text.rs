//! Texts without case, and the patterns of Sigma values: `*` stands for any text, `?` for one character.

use std::borrow::Cow;

use memchr::memmem;

/// A character as it is compared without case. One character stays one character, so that `?` keeps its meaning; the
/// few letters whose other case is longer, such as `ß`, equal only themselves.
fn fold_char(c: char) -> char {
    let upper = only(c.to_uppercase()).unwrap_or(c);
    only(upper.to_lowercase()).unwrap_or(upper)
}

/// The one character of a mapping.
fn only(mut mapped: impl Iterator<Item = char>) -> Option<char> {
    mapped.next().filter(|_| mapped.next().is_none())
}

/// A text as it is compared without case.
pub(super) fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Cow::Owned(text.to_ascii_lowercase());
        }
        return Cow::Borrowed(text);
    }
    let fold_any = |c: char| if c.is_ascii() { c.to_ascii_lowercase() } else { fold_char(c) };
    Cow::Owned(text.chars().map(fold_any).collect())
}

/// A piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Part {
    /// This very text; never empty in a [`Pattern`].
    Text(String),
    /// Any text, also none.
    Any,
    /// One character.
    One,
}

/// A text with wildcards. Neighbouring texts are one part, and so are neighbouring `*`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Pattern(Vec<Part>);

impl Pattern {
    /// The pattern that these parts make in this order.
    pub fn new(parts: impl IntoIterator<Item = Part>) -> Self {
        let mut pattern = Self::default();
        parts.into_iter().for_each(|part| pattern.push(part));
        pattern
    }

    /// A text in which nothing is a wildcard.
    pub fn literal(text: impl Into<String>) -> Self {
        Self::new([Part::Text(text.into())])
    }

    fn push(&mut self, part: Part) {
        match (self.0.last_mut(), part) {
            (_, Part::Text(text)) if text.is_empty() => {}
            (Some(Part::Text(before)), Part::Text(text)) => before.push_str(&text),
            (Some(Part::Any), Part::Any) => {}
            (_, part) => self.0.push(part),
        }
    }

    /// The parts.
    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    /// The text, when nothing in it is a wildcard.
    pub fn plain(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// This pattern with any text before it, after it, or both.
    pub fn open(self, before: bool, after: bool) -> Self {
        let any = |wanted: bool| wanted.then_some(Part::Any);
        Self::new(any(before).into_iter().chain(self.0).chain(any(after)))
    }

    /// This pattern for texts that are compared without case.
    pub fn folded(self) -> Self {
        let fold_part = |part: Part| match part {
            Part::Text(text) => Part::Text(fold(&text).into_owned()),
            wildcard => wildcard,
        };
        Self::new(self.0.into_iter().map(fold_part))
    }

    /// What has to be done to compare with it.
    pub fn shape(self) -> Shape {
        match self.0.as_slice() {
            [] => Shape::Exact(String::new()),
            [Part::Any] => Shape::Anything,
            [Part::Text(text)] => Shape::Exact(text.clone()),
            [Part::Text(text), Part::Any] => Shape::Starts(text.clone()),
            [Part::Any, Part::Text(text)] => Shape::Ends(text.clone()),
            [Part::Any, Part::Text(text), Part::Any] => Shape::Contains(text.clone()),
            _ => Shape::Glob(Glob::new(&self.0)),
        }
    }
}

/// A pattern by how it is compared.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    /// Every text.
    Anything,
    /// This text.
    Exact(String),
    /// Texts that start so.
    Starts(String),
    /// Texts that end so.
    Ends(String),
    /// Texts in which this stands.
    Contains(String),
    /// Everything else.
    Glob(Glob),
}

/// A pattern with wildcards inside: runs without `*`, each of which must follow the one before.
#[derive(Debug, Clone)]
pub(super) struct Glob {
    runs: Vec<Run>,
    /// Whether the first run may stand anywhere, and whether the last one may.
    open: (bool, bool),
}

impl Glob {
    fn new(parts: &[Part]) -> Self {
        let runs = parts.split(|part| *part == Part::Any).filter(|run| !run.is_empty());
        let open = (parts.first() == Some(&Part::Any), parts.last() == Some(&Part::Any));
        Self { runs: runs.map(|run| Run(run.to_vec())).collect(), open }
    }

    /// Whether the whole text matches. The first place where a run fits is always good enough, so nothing is tried twice.
    pub fn matches(&self, text: &str) -> bool {
        let Some((last, before)) = self.runs.split_last() else { return true };
        let mut rest = text;
        for (at, run) in before.iter().enumerate() {
            let left = if at == 0 && !self.open.0 { run.strip(rest) } else { run.find(rest) };
            match left {
                Some(left) => rest = left,
                None => return false,
            }
        }
        match (before.is_empty() && !self.open.0, self.open.1) {
            (true, true) => last.strip(rest).is_some(),
            (true, false) => last.strip(rest).is_some_and(str::is_empty),
            (false, true) => last.find(rest).is_some(),
            (false, false) => last.ends(rest),
        }
    }

    /// The longest text that has to stand in whatever matches, and whether at its start or its end.
    pub fn literal(&self) -> Option<(&str, bool, bool)> {
        let texts = self.runs.iter().enumerate().flat_map(|(run, Run(parts))| {
            parts.iter().enumerate().filter_map(move |(at, part)| match part {
                Part::Text(text) => Some((text.as_str(), (run, at), parts.len())),
                Part::Any | Part::One => None,
            })
        });
        let (text, (run, at), length) = texts.max_by_key(|(text, ..)| text.len())?;
        let starts = run == 0 && at == 0 && !self.open.0;
        let ends = run + 1 == self.runs.len() && at + 1 == length && !self.open.1;
        Some((text, starts, ends))
    }
}

/// Texts and single wildcards that stand together.
#[derive(Debug, Clone)]
struct Run(Vec<Part>);

impl Run {
    /// What is left of the text behind this run, when the text starts with it.
    fn strip<'t>(&self, text: &'t str) -> Option<&'t str> {
        self.0.iter().try_fold(text, |rest, part| match part {
            Part::Text(wanted) => rest.strip_prefix(wanted.as_str()),
            Part::One | Part::Any => {
                let mut chars = rest.chars();
                chars.next().map(|_| chars.as_str())
            }
        })
    }

    /// What is left behind the first place where this run stands.
    fn find<'t>(&self, text: &'t str) -> Option<&'t str> {
        if let Some(Part::Text(first)) = self.0.first() {
            let mut places = memmem::find_iter(text.as_bytes(), first.as_bytes());
            return places.find_map(|at| self.strip(text.get(at..)?));
        }
        text.char_indices().find_map(|(at, _)| self.strip(text.get(at..)?))
    }

    /// Whether the text ends with this run.
    fn ends(&self, text: &str) -> bool {
        let length: usize = self.0.iter().map(Part::chars).sum();
        let mut chars = text.chars();
        // The run is as many characters long as its parts, so there is one place only where it can start.
        let skipped = length == 0 || chars.nth_back(length - 1).is_some();
        skipped && text.get(chars.as_str().len()..).and_then(|tail| self.strip(tail)).is_some_and(str::is_empty)
    }
}

impl Part {
    fn chars(&self) -> usize {
        match self {
            Self::Text(text) => text.chars().count(),
            Self::One => 1,
            Self::Any => 0,
        }
    }
}
