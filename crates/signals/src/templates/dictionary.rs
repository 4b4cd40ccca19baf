//! Words under small numbers, and what the form of a word says about it.

use std::collections::HashMap;

use super::line::VALUE;

/// The number of a word. Two are set aside: [`ANY`] and [`FORM`].
pub(crate) type Symbol = u32;
/// A place where templates that became one differ: any word may stand there.
pub(crate) const ANY: Symbol = 0;
/// A value by its form.
pub(crate) const FORM: Symbol = 1;
/// A word that no template has.
pub(crate) const UNSEEN: Symbol = Symbol::MAX;

/// The words that templates have.
#[derive(Debug, Clone)]
pub(crate) struct Dictionary {
    numbers: HashMap<Box<str>, Symbol>,
    words: Vec<Box<str>>,
}

impl Default for Dictionary {
    fn default() -> Self {
        Self { numbers: HashMap::from([(VALUE.into(), FORM)]), words: vec![VALUE.into(), VALUE.into()] }
    }
}

impl Dictionary {
    /// The number of a word, or [`UNSEEN`].
    pub(crate) fn find(&self, word: &str) -> Symbol {
        self.numbers.get(word).copied().unwrap_or(UNSEEN)
    }

    /// The number of a word, given now if it has none.
    pub(crate) fn learn(&mut self, word: &str) -> Symbol {
        if let Some(known) = self.numbers.get(word) {
            return *known;
        }
        let symbol = Symbol::try_from(self.words.len()).unwrap_or(UNSEEN);
        self.words.push(word.into());
        self.numbers.insert(word.into(), symbol);
        symbol
    }

    /// The word under a number.
    pub(crate) fn word(&self, symbol: Symbol) -> &str {
        self.words.get(symbol as usize).map_or(VALUE, |word| word)
    }

    /// How many words there are.
    pub(crate) fn len(&self) -> usize {
        self.words.len()
    }

    /// The words that were learned, in order of number.
    pub(crate) fn learned(&self) -> &[Box<str>] {
        self.words.get(2..).unwrap_or_default()
    }
}

/// A word without the punctuation around it.
fn core(word: &str) -> &str {
    word.trim_matches(|c: char| c.is_ascii_punctuation())
}

/// Whether a word is compound, as names are that somebody gave: `db-main`, `a.b.c`, `_priv/x`.
pub(crate) fn is_compound(word: &str) -> bool {
    core(word).bytes().any(|byte| matches!(byte, b'_' | b'-' | b'.' | b'/' | b'@' | b'\\'))
}

/// Whether the first word of a line may vary: it holds a value or is compound.
pub(crate) fn may_vary_first(word: &str) -> bool {
    word.contains(VALUE) || is_compound(word)
}

/// Whether a word is built like the name of a thing: compound, with capitals inside, or with signs that prose has not.
pub(crate) fn is_name(word: &str) -> bool {
    let bytes = core(word).as_bytes();
    let signs = bytes.iter().any(|byte| matches!(byte, b'$' | b':' | b'*' | b',' | b'+'));
    let humps = bytes.windows(2).any(|two| matches!(two, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase()));
    is_compound(word) || signs || humps
}

/// Whether a word is written in capitals: states, levels and methods are, and each says something else.
pub(crate) fn is_capitals(word: &str) -> bool {
    let capitals = word.bytes().filter(u8::is_ascii_uppercase).count();
    capitals > 1 && !word.bytes().any(|byte| byte.is_ascii_lowercase())
}

/// Whether a name is to be expected after a word.
pub(crate) fn announces_name(word: &str) -> bool {
    const WORDS: [&str; 11] = ["user", "username", "host", "from", "by", "name", "named", "for", "to", "on", "at"];
    word.ends_with('=') || WORDS.iter().any(|known| word.eq_ignore_ascii_case(known))
}
