//! A miner as it is written down, and what must hold for one that is read.

use serde::{Deserialize, Serialize};

use super::dictionary::{Dictionary, Symbol};
use super::tree::Template;
use super::{LINE_WORDS_MAX, Limits, Miner, Over};

/// A miner without what can be made from the rest. Two equal miners give equal bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Saved {
    limits: Limits,
    words: Vec<Box<str>>,
    templates: Vec<SavedTemplate>,
    /// The words with which each number was given, where they are not the template's own.
    given: Vec<(Box<[Symbol]>, u32)>,
    over: Over,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct SavedTemplate {
    words: Box<[Symbol]>,
    lines: u64,
    part_of: u32,
}

/// Why a text is not a miner that was written down.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SavedError {
    /// There is no catch-all.
    #[error("saved templates: the first must be the catch-all, which has no words: start with an empty miner instead")]
    CatchAll,
    /// A number is too large.
    #[error(
        "saved templates: template {template} names {what} {number}, of which there are {count}: start with an empty miner instead"
    )]
    Number {
        /// Which template.
        template: usize,
        /// What it names.
        what: &'static str,
        /// By which number.
        number: u32,
        /// How many there are.
        count: usize,
    },
    /// A word stands twice, or is one of those set aside.
    #[error("saved templates: the word {0:?} has two numbers: start with an empty miner instead")]
    Word(Box<str>),
    /// A template has too many words.
    #[error("saved templates: template {0} has more than {LINE_WORDS_MAX} words: start with an empty miner instead")]
    Length(usize),
}

impl From<Miner> for Saved {
    fn from(miner: Miner) -> Self {
        let template = |template: &Template| SavedTemplate {
            words: template.words.clone(),
            lines: template.lines,
            part_of: template.part_of,
        };
        let mut given: Vec<(Box<[Symbol]>, u32)> = miner.exact.into_iter().collect();
        given.sort_unstable_by_key(|(_, slot)| *slot);
        Self {
            limits: miner.limits,
            words: miner.dictionary.learned().to_vec(),
            templates: miner.templates.iter().map(template).collect(),
            given,
            over: miner.over,
        }
    }
}

impl TryFrom<Saved> for Miner {
    type Error = SavedError;

    fn try_from(saved: Saved) -> Result<Self, SavedError> {
        if saved.templates.first().is_none_or(|first| !first.words.is_empty() || first.part_of != 0) {
            return Err(SavedError::CatchAll);
        }
        let mut miner = Self::new(saved.limits);
        miner.dictionary = dictionary(&saved.words)?;
        miner.over = saved.over;
        let count = saved.templates.len();
        for (slot, template) in saved.templates.iter().enumerate() {
            check(&miner.dictionary, slot, &template.words)?;
            if template.part_of as usize > slot {
                return Err(SavedError::Number {
                    template: slot,
                    what: "the template",
                    number: template.part_of,
                    count,
                });
            }
        }
        let read = |template: &SavedTemplate| Template {
            words: template.words.clone(),
            text: miner.render(&template.words),
            lines: template.lines,
            part_of: template.part_of,
        };
        let templates: Vec<Template> = saved.templates.iter().skip(1).map(read).collect();
        let lines = saved.templates.first().map_or(0, |first| first.lines);
        miner.templates.extend(templates);
        if let Some(catch_all) = miner.templates.first_mut() {
            catch_all.lines = lines;
        }
        for (words, slot) in saved.given {
            check(&miner.dictionary, slot as usize, &words)?;
            if slot as usize >= count {
                return Err(SavedError::Number { template: count, what: "the template", number: slot, count });
            }
            miner.exact.insert(words, slot);
        }
        miner.hang();
        Ok(miner)
    }
}

fn dictionary(words: &[Box<str>]) -> Result<Dictionary, SavedError> {
    let mut dictionary = Dictionary::default();
    for word in words {
        let before = dictionary.len();
        dictionary.learn(word);
        if dictionary.len() == before {
            return Err(SavedError::Word(word.clone()));
        }
    }
    Ok(dictionary)
}

fn check(dictionary: &Dictionary, template: usize, words: &[Symbol]) -> Result<(), SavedError> {
    if words.len() > LINE_WORDS_MAX {
        return Err(SavedError::Length(template));
    }
    let unknown = words.iter().find(|word| **word as usize >= dictionary.len());
    unknown.map_or(Ok(()), |word| {
        Err(SavedError::Number { template, what: "the word", number: *word, count: dictionary.len() })
    })
}
