//! Text to tree: a Pratt parser of PromQL, with everything that Prometheus knows behind its feature flags.
//!
//! ```text
//! text --lex--> tokens --expr--> tree, its types checked on the way --> the first complaint, or the tree
//! ```
//!
//! A query that is no PromQL is refused at the place where it stops to be. Errors of type are found on the way and told
//! only when the whole is PromQL, as Prometheus does it. Depth and length are limited, so that no text overflows the
//! stack of whoever walks the tree.

mod binary;
mod call;
mod check;
mod expr;
mod lex;
pub(crate) mod number;
mod pattern;
mod period;
mod selector;
pub(crate) mod text;
mod write;

use crate::ast::Expr;
use crate::functions::Kind;
use crate::{Error, Labels};
use lex::{Lexeme, Token};

pub(crate) use check::written_op;
pub(crate) use pattern::{compile as compile_pattern, compile_search};
pub(crate) use period::millis as millis_of;

/// How long a query may be, in bytes.
pub const QUERY_BYTES_MAX: usize = 128 << 10;
/// How deep a query may be nested.
pub const NESTING_MAX: usize = 64;
/// How high its tree may be; a chain of operators of the same rank makes it as high as it is long.
pub const HEIGHT_MAX: usize = 200;

/// How many labels a list, or matchers a selector, may have.
const LABELS_MAX: usize = 1000;

/// Parses a query and checks its types.
///
/// # Errors
/// The place and the reason when it is no PromQL, does not fit its types, or is longer or deeper than allowed.
pub fn parse(query: &str) -> Result<Expr, Error> {
    if query.len() > QUERY_BYTES_MAX {
        let message = format!("the query is longer than {QUERY_BYTES_MAX} bytes; split it with recording rules");
        return Err(Error::Parse { line: 1, column: 1, message });
    }
    let mut parser = Parser::new(query);
    let parsed = parser.query();
    let tree = parsed.map_err(|fault| parser.error(fault))?;
    match parser.complaint.take() {
        Some(fault) => Err(parser.error(fault)),
        None => Ok(tree),
    }
}

/// Parses the name of a series: `name{a="b"}`. All its matchers must be `=`.
///
/// # Errors
/// The place and the reason when it is no name of a series.
pub fn series_name(text: &str) -> Result<Labels, Error> {
    let mut parser = Parser::new(text);
    let labels = parser.series();
    labels.map_err(|fault| parser.error(fault))
}

/// What is wrong, and at which byte.
#[derive(Debug)]
struct Fault {
    at: usize,
    message: String,
}

/// A part of the tree, its type, where it stands and how high it is.
struct Node {
    expr: Expr,
    kind: Kind,
    start: usize,
    height: usize,
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Lexeme>,
    at: usize,
    nesting: usize,
    /// How many operators the current length of time has.
    period_operators: usize,
    /// What further regular expressions may cost.
    patterns: pattern::Budget,
    /// The first error of type.
    complaint: Option<Fault>,
    /// The next selector may match everything, because it only narrows another.
    may_be_empty: bool,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            tokens: lex::lex(text),
            at: 0,
            nesting: 0,
            period_operators: 0,
            patterns: pattern::Budget::default(),
            complaint: None,
            may_be_empty: false,
        }
    }

    fn query(&mut self) -> Result<Expr, Fault> {
        if matches!(self.peek(), Token::End) {
            return Err(Fault { at: 0, message: "no expression found in input".to_owned() });
        }
        let node = self.expr(0)?;
        match self.peek() {
            Token::End => Ok(node.expr),
            _ => Err(self.unexpected("")),
        }
    }

    /// The token that comes next.
    fn peek(&self) -> &Token {
        self.tokens.get(self.at).map_or(&Token::End, |lexeme| &lexeme.token)
    }

    /// Where the next token stands.
    fn here(&self) -> usize {
        self.tokens.get(self.at).map_or(self.text.len(), |lexeme| lexeme.start)
    }

    /// The word that comes next, as it is written.
    fn word(&self) -> Option<&'a str> {
        self.word_after(0)
    }

    /// The word that comes after the next so many tokens.
    fn word_after(&self, ahead: usize) -> Option<&'a str> {
        let lexeme = self.tokens.get(self.at + ahead)?;
        matches!(lexeme.token, Token::Word).then(|| self.text.get(lexeme.start..lexeme.end)).flatten()
    }

    /// Whether a keyword comes next; keywords may be written in capitals.
    fn at_keyword(&self, keyword: &str) -> bool {
        self.word().is_some_and(|word| word.eq_ignore_ascii_case(keyword))
    }

    /// Whether a mark comes next.
    fn at_mark(&self, mark: &str) -> bool {
        self.mark_after(0, mark)
    }

    /// Whether a mark comes after the next so many tokens.
    fn mark_after(&self, ahead: usize, mark: &str) -> bool {
        matches!(self.tokens.get(self.at + ahead), Some(Lexeme { token: Token::Mark(found), .. }) if *found == mark)
    }

    fn advance(&mut self) {
        self.at += 1;
    }

    /// Takes a mark if it comes next.
    fn take_mark(&mut self, mark: &str) -> bool {
        let found = self.at_mark(mark);
        self.at += usize::from(found);
        found
    }

    /// Takes a keyword if it comes next.
    fn take_keyword(&mut self, keyword: &str) -> bool {
        let found = self.at_keyword(keyword);
        self.at += usize::from(found);
        found
    }

    /// Takes a mark that must come next.
    fn expect_mark(&mut self, mark: &str, place: &str) -> Result<(), Fault> {
        if self.take_mark(mark) { Ok(()) } else { Err(self.unexpected(&format!("{place}, expected {mark:?}"))) }
    }

    /// Runs a part one level deeper.
    fn nested<T>(&mut self, part: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        if self.nesting >= NESTING_MAX {
            let message =
                format!("the query is nested deeper than {NESTING_MAX} levels; split it with recording rules");
            return Err(Fault { at: self.here(), message });
        }
        self.nesting += 1;
        let result = part(self);
        self.nesting -= 1;
        result
    }

    /// Notes an error of type; the first one is told.
    fn complain(&mut self, at: usize, message: impl Into<String>) {
        self.complaint.get_or_insert(Fault { at, message: message.into() });
    }

    /// What comes next cannot stand here; `place` begins with " in".
    fn unexpected(&self, place: &str) -> Fault {
        let lexeme = self.tokens.get(self.at);
        let raw = lexeme.and_then(|lexeme| self.text.get(lexeme.start..lexeme.end)).unwrap_or_default();
        let message = match self.peek() {
            Token::Bad(reason) => reason.clone(),
            token => format!("unexpected {}{place}", described(token, raw)),
        };
        Fault { at: self.here(), message }
    }

    /// An error for the outside: bytes become lines and columns.
    fn error(&self, fault: Fault) -> Error {
        let before = self.text.get(..fault.at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Error::Parse { line, column, message: fault.message }
    }
}

/// A token in Prometheus' words.
fn described(token: &Token, raw: &str) -> String {
    match token {
        Token::End => "end of input".to_owned(),
        Token::Number(_) => format!("number {raw:?}"),
        Token::Duration(_) => format!("duration {raw:?}"),
        Token::Text(_) => format!("string {raw:?}"),
        Token::Word if call::is_aggregation(raw) => format!("<aggr:{raw}>"),
        Token::Word if binary::named(raw).is_some() => format!("<op:{raw}>"),
        Token::Word if is_keyword(raw) => format!("<{raw}>"),
        Token::Word => format!("identifier {raw:?}"),
        Token::Mark(mark) => match *mark {
            "(" => "left parenthesis '('".to_owned(),
            ")" => "right parenthesis ')'".to_owned(),
            "{" | "}" | "[" | "]" | "," | ":" => format!("{mark:?}"),
            "@" => "<op:@>".to_owned(),
            _ => format!("<op:{mark}>"),
        },
        Token::Bad(reason) => reason.clone(),
    }
}

/// The words that have a meaning of their own and name a metric only in quotes, or where nothing else can stand.
const KEYWORDS: [&str; 19] = [
    "and",
    "anchored",
    "atan2",
    "bool",
    "by",
    "fill",
    "fill_left",
    "fill_right",
    "group_left",
    "group_right",
    "ignoring",
    "inf",
    "nan",
    "offset",
    "on",
    "or",
    "smoothed",
    "unless",
    "without",
];

/// Whether a word has a meaning of its own.
fn is_keyword(word: &str) -> bool {
    KEYWORDS.iter().any(|keyword| word.eq_ignore_ascii_case(keyword))
}

#[cfg(test)]
mod tests;
