//! The miner: a tree of templates by the number of their words and how they begin, and the numbers given to them.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::dictionary::{ANY, Dictionary, FORM, Symbol, UNSEEN, may_vary_first};
use super::line::Words;
use super::merge::variation;
use super::saved::Saved;
use super::{CATCH_ALL, Found, Limits, Over, TemplateId};

/// The most times that templates become one because of one line.
const MERGES_MAX: usize = 8;
/// The text of the template for which there was no room.
const CATCH_ALL_TEXT: &str = "<...>";

/// A template and what was seen of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Template {
    /// Empty when it became part of another, and for the catch-all.
    pub words: Box<[Symbol]>,
    pub text: Box<str>,
    pub lines: u64,
    /// The template that it is part of by now; itself while it is alive.
    pub part_of: u32,
}

/// A leaf: how many words, and the first word, or [`FORM`] for a first word that may vary.
type Leaf = (usize, Symbol);

/// Finds the templates of lines as they stream by.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(into = "Saved", try_from = "Saved")]
pub struct Miner {
    pub(crate) limits: Limits,
    pub(crate) dictionary: Dictionary,
    /// By number. The first is the catch-all.
    pub(crate) templates: Vec<Template>,
    pub(crate) alive: usize,
    /// Templates that are alive, in order of number.
    leaves: HashMap<Leaf, Vec<u32>>,
    /// The words with which a number was given. They stay good when it became part of another.
    pub(crate) exact: HashMap<Box<[Symbol]>, u32>,
    pub(crate) over: Over,
    line: Words,
    symbols: Vec<Symbol>,
    merged: Vec<TemplateId>,
}

impl Miner {
    /// A miner that has seen nothing.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let catch_all = Template { text: CATCH_ALL_TEXT.into(), ..Template::default() };
        Self {
            limits,
            dictionary: Dictionary::default(),
            templates: vec![catch_all],
            alive: 0,
            leaves: HashMap::new(),
            exact: HashMap::new(),
            over: Over::default(),
            line: Words::default(),
            symbols: Vec::new(),
            merged: Vec::new(),
        }
    }

    /// Finds the template of one line: its message, without the time and the host that a header gives.
    pub fn observe(&mut self, line: &str) -> Found<'_> {
        self.merged.clear();
        self.line.read(line);
        self.over.cut += u64::from(self.line.was_cut());
        self.symbols.clear();
        self.symbols.extend(self.line.iter().map(|word| self.dictionary.find(word)));
        let (slot, is_new) = match self.known() {
            Some(slot) => (slot, false),
            None => match self.room() {
                Ok(leaf) => self.add(leaf),
                Err(count) => {
                    *count += 1;
                    (CATCH_ALL.0, false)
                }
            },
        };
        if let Some(template) = self.templates.get_mut(slot as usize) {
            template.lines += 1;
        }
        let template = self.templates.get(slot as usize).map_or(CATCH_ALL_TEXT, |template| &template.text);
        Found { id: TemplateId(slot), is_new, template, merged: &self.merged }
    }

    /// The template of a line that it has already, learning nothing.
    pub fn find(&mut self, line: &str) -> Option<TemplateId> {
        self.line.read(line);
        self.symbols.clear();
        self.symbols.extend(self.line.iter().map(|word| self.dictionary.find(word)));
        self.known().map(TemplateId)
    }

    /// The template that a number belongs to by now. A number that was never given is the catch-all's.
    #[must_use]
    pub fn current(&self, id: TemplateId) -> TemplateId {
        let mut slot = id.0;
        // Ends, because a template only becomes part of an older one.
        while let Some(template) = self.templates.get(slot as usize) {
            if template.part_of >= slot {
                return TemplateId(slot);
            }
            slot = template.part_of;
        }
        CATCH_ALL
    }

    /// The words of a template, with `<*>` for what varies.
    #[must_use]
    pub fn text(&self, id: TemplateId) -> &str {
        self.templates.get(self.current(id).0 as usize).map_or(CATCH_ALL_TEXT, |template| &template.text)
    }

    /// How many lines a template has had.
    #[must_use]
    pub fn lines(&self, id: TemplateId) -> u64 {
        self.templates.get(self.current(id).0 as usize).map_or(0, |template| template.lines)
    }

    /// Every template that is alive, in order of number; not the catch-all.
    pub fn templates(&self) -> impl Iterator<Item = (TemplateId, &str, u64)> {
        let alive = |(slot, template): &(u32, &Template)| template.part_of == *slot && *slot != CATCH_ALL.0;
        let all = (0..).zip(&self.templates).filter(alive);
        all.map(|(slot, template)| (TemplateId(slot), &*template.text, template.lines))
    }

    /// Lines for which there was no room, by reason.
    #[must_use]
    pub fn over(&self) -> Over {
        self.over
    }

    /// The template of the line that was read, if it has one.
    fn known(&self) -> Option<u32> {
        if let Some(slot) = self.exact.get(self.symbols.as_slice()) {
            return Some(self.current(TemplateId(*slot)).0);
        }
        let leaf = self.leaves.get(&self.leaf()?)?;
        let fits = |words: &[Symbol]| words.iter().zip(&self.symbols).all(|(a, b)| *a == ANY || a == b);
        let words = |slot: &u32| self.templates.get(*slot as usize).map_or(&[][..], |template| &template.words);
        let known = leaf.iter().filter(|slot| fits(words(slot)));
        // The one that says most; of two, the older.
        known.copied().min_by_key(|slot| words(slot).iter().filter(|word| **word == ANY).count())
    }

    /// The leaf of the line that was read; nothing for a line without a word.
    fn leaf(&self) -> Option<Leaf> {
        let (first, symbol) = (self.line.iter().next()?, *self.symbols.first()?);
        Some((self.symbols.len(), if may_vary_first(first) { FORM } else { symbol }))
    }

    /// Where a new template goes, or what counts the lines that find no room.
    fn room(&mut self) -> Result<Leaf, &mut u64> {
        let Some(leaf) = self.leaf() else { return Err(&mut self.over.empty) };
        let unseen = self.symbols.iter().filter(|symbol| **symbol == UNSEEN).count();
        if self.alive >= self.limits.templates {
            Err(&mut self.over.templates)
        } else if self.templates.len() > self.limits.numbers {
            Err(&mut self.over.numbers)
        } else if self.leaves.get(&leaf).is_some_and(|leaf| leaf.len() >= self.limits.leaf) {
            Err(&mut self.over.leaf)
        } else if self.dictionary.len() + unseen > self.limits.vocabulary {
            Err(&mut self.over.vocabulary)
        } else {
            Ok(leaf)
        }
    }

    /// Makes a template of the line that was read, and lets templates become one that now can. Says which the line has
    /// in the end, and whether that is a new one.
    fn add(&mut self, (length, first): Leaf) -> (u32, bool) {
        self.symbols.clear();
        for word in self.line.iter() {
            self.symbols.push(self.dictionary.learn(word));
        }
        let leaf = (length, if first == UNSEEN { self.symbols.first().copied().unwrap_or(FORM) } else { first });
        let slot = u32::try_from(self.templates.len()).unwrap_or(u32::MAX);
        let words: Box<[Symbol]> = self.symbols.as_slice().into();
        let template = Template { text: self.render(&words), lines: 0, part_of: slot, words: words.clone() };
        self.exact.insert(words, slot);
        self.templates.push(template);
        self.alive += 1;
        self.leaves.entry(leaf).or_default().push(slot);
        let mut last = slot;
        for _ in 0..MERGES_MAX {
            let Some(into) = self.merge(leaf, last) else { break };
            last = into;
        }
        self.merged.retain(|id| id.0 != slot);
        (last, last == slot)
    }

    /// Makes one template of `slot` and those of its leaf with which it varies; the oldest number stays.
    fn merge(&mut self, leaf: Leaf, slot: u32) -> Option<u32> {
        let members = self.leaves.get_mut(&leaf)?;
        let words = |slot: u32| self.templates.get(slot as usize).map_or(&[][..], |template| &template.words);
        let neighbours = members.iter().filter(|other| **other != slot).map(|other| (*other, words(*other)));
        let (places, mut parts) = variation(&self.dictionary, words(slot), neighbours)?;
        parts.push(slot);
        let mut joint: Vec<Symbol> = words(slot).to_vec();
        for (place, word) in joint.iter_mut().enumerate() {
            let any = places.has(place) || parts.iter().any(|part| words(*part).get(place) == Some(&ANY));
            *word = if any { ANY } else { *word };
        }
        let covered = |other: &u32| joint.iter().zip(words(*other)).all(|(a, b)| *a == ANY || a == b);
        parts = members.iter().copied().filter(covered).collect();
        let oldest = parts.iter().copied().min()?;
        members.retain(|member| *member == oldest || parts.binary_search(member).is_err());
        self.join(oldest, &parts, joint);
        Some(oldest)
    }

    fn join(&mut self, oldest: u32, parts: &[u32], joint: Vec<Symbol>) {
        let mut lines = 0;
        for part in parts {
            let Some(template) = self.templates.get_mut(*part as usize) else { continue };
            lines += template.lines;
            if *part != oldest {
                *template = Template { part_of: oldest, ..Template::default() };
                self.merged.push(TemplateId(*part));
                self.alive -= 1;
            }
        }
        let text = self.render(&joint);
        if let Some(template) = self.templates.get_mut(oldest as usize) {
            *template = Template { words: joint.into(), text, lines, part_of: oldest };
        }
    }

    /// The words of a template as text.
    pub(crate) fn render(&self, words: &[Symbol]) -> Box<str> {
        let words: Vec<&str> = words.iter().map(|word| self.dictionary.word(*word)).collect();
        words.join(" ").into()
    }

    /// Hangs every living template into its leaf. Only for a miner that was just read.
    pub(crate) fn hang(&mut self) {
        for (slot, template) in (0..).zip(&self.templates) {
            let Some(first) = template.words.first().copied() else { continue };
            let first = if may_vary_first(self.dictionary.word(first)) { FORM } else { first };
            self.leaves.entry((template.words.len(), first)).or_default().push(slot);
            self.alive += 1;
        }
    }
}
