//! YAML as a tree in which every key and every value knows its place. Scalars stay text: what they mean is decided by
//! the key they stand under, so `no` is a country and `09:00` a time of day.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::finding::{Note, Spot};
use super::rule;

/// How deep lists and maps may be nested, each way of writing them counted on its own.
const DEPTH_MAX: usize = 32;

/// How many nodes the aliases of a file may repeat.
const ALIASED_MAX: usize = 100_000;

/// How much of YAML is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// The watchbook's: no aliases, no tags.
    Plain,
    /// With aliases, merge keys (`<<`) and tags, as the files of other programs may have.
    Full,
}

/// A value and its place.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub at: Spot,
    /// The last line that belongs to it.
    pub last_line: usize,
    pub value: Value,
}

/// What a value is.
#[derive(Debug, Clone)]
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

    /// How many nodes it has, itself included.
    fn size(&self) -> usize {
        match &self.value {
            Value::List(items) => 1 + items.iter().map(Self::size).sum::<usize>(),
            Value::Map(entries) => 1 + entries.iter().map(|(_, value)| 1 + value.size()).sum::<usize>(),
            Value::Text { .. } | Value::Broken => 1,
        }
    }
}

/// Reads one file. `None` when it is not YAML, of which a note says more.
pub(super) fn parse(file: usize, text: &str, notes: &mut Vec<Note>) -> Option<Node> {
    read(file, text, Dialect::Plain, notes)
}

/// Reads one file of a dialect. `None` when it is not YAML, of which a note says more.
pub(crate) fn read(file: usize, text: &str, dialect: Dialect, notes: &mut Vec<Note>) -> Option<Node> {
    let options = granit_parser::options! {
        emit_comments: false,
        emit_unresolved_aliases: true,
        flow_nesting_limit: DEPTH_MAX,
        block_nesting_limit: DEPTH_MAX,
    };
    let events = Parser::new_from_str_with_options(text, options);
    let mut tree = Tree { events, file, dialect, anchors: BTreeMap::new(), aliased: 0, notes };
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
    dialect: Dialect,
    anchors: BTreeMap<usize, Node>,
    aliased: usize,
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
        let empty = Node { at: Spot::top(self.file), last_line: 1, value: Value::Map(Vec::new()) };
        Ok(root.filter(|node| !node.is_null()).unwrap_or(empty))
    }

    fn next(&mut self) -> Result<Option<Step<'a>>, ScanError> {
        self.events.next_event().transpose()
    }

    /// The node that an event begins. The nesting limits of the parser bound the recursion.
    fn node(&mut self, event: Event<'a>, span: Span) -> Result<Node, ScanError> {
        let at = self.spot(&span);
        let mut last_line = last_line(&span);
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.untagged(tag.as_deref(), &span);
                let plain = style == ScalarStyle::Plain && tag.is_none();
                (Value::Text { text: text.into_owned(), plain }, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.untagged(tag.as_deref(), &span);
                (self.list(&mut last_line)?, anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.untagged(tag.as_deref(), &span);
                (self.map(&mut last_line)?, anchor)
            }
            Event::Alias(anchor) if self.dialect == Dialect::Full => (self.alias(anchor, &span), 0),
            Event::UnresolvedAlias(name) if self.dialect == Dialect::Full => {
                self.note(&span, &format!("the alias `*{name}` names nothing"), "define it above with `&`");
                (Value::Broken, 0)
            }
            _ => {
                self.note(&span, "aliases are not read", "write the value again");
                (Value::Broken, 0)
            }
        };
        let node = Node { at, last_line, value };
        if anchor != 0 && self.dialect == Dialect::Full {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    /// What an alias stands for. An anchor within itself is not yet known, so there are no circles.
    fn alias(&mut self, anchor: usize, span: &Span) -> Value {
        let Some(node) = self.anchors.get(&anchor) else {
            self.note(span, "an alias stands within what it names", "write the value again");
            return Value::Broken;
        };
        self.aliased = self.aliased.saturating_add(node.size());
        if self.aliased > ALIASED_MAX {
            let message = format!("the aliases of this file repeat more than {ALIASED_MAX} values");
            self.note(span, &message, "write fewer of them");
            return Value::Broken;
        }
        self.anchors.get(&anchor).map_or(Value::Broken, |node| node.value.clone())
    }

    fn list(&mut self, last_line: &mut usize) -> Result<Value, ScanError> {
        let mut items = Vec::new();
        while let Some((event, span)) = self.next()? {
            if matches!(event, Event::SequenceEnd) {
                break;
            }
            let item = self.node(event, span)?;
            *last_line = item.last_line.max(*last_line);
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn map(&mut self, last_line: &mut usize) -> Result<Value, ScanError> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut lines = BTreeMap::new();
        while let Some((event, span)) = self.next()? {
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let key = self.node(event, span)?;
            let Some((event, span)) = self.next()? else { break };
            let value = self.node(event, span)?;
            *last_line = value.last_line.max(*last_line);
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
        if self.dialect == Dialect::Full {
            self.merge(&mut entries);
        }
        Ok(Value::Map(entries))
    }

    /// Puts the entries of the maps under the key `<<` where the map itself has none of their names.
    fn merge(&mut self, entries: &mut Vec<(Key, Node)>) {
        let Some(at) = entries.iter().position(|(key, _)| key.text == "<<") else { return };
        let (key, merged) = entries.remove(at);
        let maps = match merged.value {
            Value::List(maps) => maps,
            value => vec![Node { value, ..merged }],
        };
        let mut known: BTreeSet<String> = entries.iter().map(|(key, _)| key.text.clone()).collect();
        for map in maps {
            match map.value {
                Value::Map(more) => {
                    entries.extend(more.into_iter().filter(|(name, _)| known.insert(name.text.clone())))
                }
                Value::Broken => {}
                _ => self.note_at(key.at, &rule::PLAIN_YAML, "`<<` must name a map".into(), None),
            }
        }
    }

    fn twice(&mut self, at: Spot, key: &str, first: usize) {
        let message = format!("`{key}` is given twice, first on line {first}");
        self.note_at(at, &rule::TWICE, message, Some("keep one of them".into()));
    }

    fn untagged(&mut self, tag: Option<&Tag>, span: &Span) {
        if let Some(tag) = tag.filter(|_| self.dialect == Dialect::Plain) {
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

/// The last line of a span; the text of a block ends before the line on which its span does.
fn last_line(span: &Span) -> usize {
    let (start, end) = (span.start.line().max(1), span.end.line().max(1));
    if end > start && span.end.col() == 0 { end - 1 } else { end.max(start) }
}
