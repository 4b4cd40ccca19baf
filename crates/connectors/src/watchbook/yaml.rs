//! YAML as a tree in which every key and every value knows its place. Scalars stay text: what they mean is decided by
//! the key they stand under, so `no` is a country and `09:00` a time of day.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::finding::{Note, Spot};
use super::rule;

/// How deep lists and maps may be nested, each way of writing them counted on its own.
const DEPTH_MAX: usize = 32;

/// A value and its place.
#[derive(Debug)]
pub(crate) struct Node {
    pub at: Spot,
    pub value: Value,
}

/// What a value is.
#[derive(Debug)]
pub(crate) enum Value {
    /// A scalar; `plain` when it was written without quotes.
    Text { text: String, plain: bool },
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the file.
    Map(Vec<(Key, Node)>),
    /// Something that a note was already written about.
    Broken,
}

/// A key of a map and its place.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub at: Spot,
    pub text: String,
}

impl Node {
    /// Whether nothing was written, or `~` or `null`.
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Text { text, plain: true } if matches!(&**text, "" | "~" | "null"))
    }
}

/// Reads one file. `None` when it is not YAML, of which a note says more.
pub(crate) fn parse(file: usize, text: &str, notes: &mut Vec<Note>) -> Option<Node> {
    let options = granit_parser::options! {
        emit_comments: false,
        emit_unresolved_aliases: true,
        flow_nesting_limit: DEPTH_MAX,
        block_nesting_limit: DEPTH_MAX,
    };
    let mut tree = Tree { events: Parser::new_from_str_with_options(text, options), file, notes };
    match tree.document() {
        Ok(node) => Some(node),
        Err(error) => {
            let mark = error.marker();
            let at = Spot { file, line: mark.line().max(1), column: mark.col() + 1, width: 1 };
            let message = format!("this is not YAML: {}", error.kind());
            notes.push(Note { at, rule: &rule::SYNTAX, message, hint: None });
            None
        }
    }
}

struct Tree<'a> {
    events: Parser<'a, StrInput<'a>>,
    file: usize,
    notes: &'a mut Vec<Note>,
}

type Step<'a> = (Event<'a>, Span);

impl<'a> Tree<'a> {
    /// The only document of the file; an empty file is an empty map.
    fn document(&mut self) -> Result<Node, ScanError> {
        let mut root = None;
        while let Some((event, span)) = self.next()? {
            match event {
                Event::StreamStart | Event::DocumentEnd => {}
                Event::StreamEnd => break,
                Event::DocumentStart(..) if root.is_some() => {
                    self.note(&span, "a second document begins here", "keep one document per file");
                    break;
                }
                Event::DocumentStart(..) => {}
                event => root = Some(self.node(event, span)?),
            }
        }
        let empty = Node { at: Spot::top(self.file), value: Value::Map(Vec::new()) };
        Ok(root.filter(|node| !node.is_null()).unwrap_or(empty))
    }

    fn next(&mut self) -> Result<Option<Step<'a>>, ScanError> {
        self.events.next_event().transpose()
    }

    /// The node that an event begins. The nesting limits of the parser bound the recursion.
    fn node(&mut self, event: Event<'a>, span: Span) -> Result<Node, ScanError> {
        let at = self.spot(&span);
        let value = match event {
            Event::Scalar(text, style, _, tag) => {
                self.untagged(tag.as_deref(), &span);
                Value::Text { text: text.into_owned(), plain: style == ScalarStyle::Plain }
            }
            Event::SequenceStart(_, _, tag) => {
                self.untagged(tag.as_deref(), &span);
                self.list()?
            }
            Event::MappingStart(_, _, tag) => {
                self.untagged(tag.as_deref(), &span);
                self.map()?
            }
            _ => {
                self.note(&span, "aliases are not read", "write the value again");
                Value::Broken
            }
        };
        Ok(Node { at, value })
    }

    fn list(&mut self) -> Result<Value, ScanError> {
        let mut items = Vec::new();
        while let Some((event, span)) = self.next()? {
            if matches!(event, Event::SequenceEnd) {
                break;
            }
            items.push(self.node(event, span)?);
        }
        Ok(Value::List(items))
    }

    fn map(&mut self) -> Result<Value, ScanError> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut lines = BTreeMap::new();
        while let Some((event, span)) = self.next()? {
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let key = self.node(event, span)?;
            let Some((event, span)) = self.next()? else { break };
            let value = self.node(event, span)?;
            match key.value {
                Value::Text { text, .. } => match lines.entry(text.clone()) {
                    Entry::Vacant(free) => {
                        free.insert(key.at.line);
                        entries.push((Key { at: key.at, text }, value));
                    }
                    Entry::Occupied(first) => self.twice(key.at, &text, *first.get()),
                },
                Value::Broken => {}
                _ => self.note_at(key.at, &rule::PLAIN_YAML, "a key must be a text".into(), None),
            }
        }
        Ok(Value::Map(entries))
    }

    fn twice(&mut self, at: Spot, key: &str, first: usize) {
        let message = format!("`{key}` is given twice, first on line {first}");
        self.note_at(at, &rule::TWICE, message, Some("keep one of them".into()));
    }

    fn untagged(&mut self, tag: Option<&Tag>, span: &Span) {
        if let Some(tag) = tag {
            let message = format!("the tag `{}` is not read", tag.original());
            self.note(span, &message, "leave it out");
        }
    }

    fn note(&mut self, span: &Span, message: &str, hint: &str) {
        self.note_at(self.spot(span), &rule::PLAIN_YAML, message.into(), Some(hint.into()));
    }

    fn note_at(&mut self, at: Spot, rule: &'static rule::Rule, message: String, hint: Option<String>) {
        self.notes.push(Note { at, rule, message, hint });
    }

    fn spot(&self, span: &Span) -> Spot {
        let (start, end) = (span.start, span.end);
        let width = if start.line() == end.line() { end.col().saturating_sub(start.col()).max(1) } else { 1 };
        Spot { file: self.file, line: start.line().max(1), column: start.col() + 1, width }
    }
}
