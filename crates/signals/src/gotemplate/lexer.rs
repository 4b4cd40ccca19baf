//! A template as tokens: text outside the braces, words inside. Decides nothing about their order.
//! The rules are those of Go's `text/template/parse`, including its trim markers and its messages.

use std::borrow::Cow;

use super::quote;

const LEFT: &str = "{{";
const RIGHT: &str = "}}";
/// The length of a trim marker: a minus and a space, or a space and a minus.
const MARKER_BYTES: usize = 2;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Error,
    Eof,
    Text,
    Left,
    Right,
    Space,
    Assign,
    Declare,
    Pipe,
    Variable,
    Field,
    Dot,
    Identifier,
    Bool,
    Nil,
    Rune,
    Number,
    Quoted,
    Raw,
    LeftParen,
    RightParen,
    Other,
    Block,
    Break,
    Continue,
    Define,
    Else,
    End,
    If,
    Range,
    Template,
    With,
}

/// A token and its place.
#[derive(Debug, Clone)]
pub(super) struct Token<'a> {
    pub kind: Kind,
    /// What was written, or the message of an error.
    pub text: Cow<'a, str>,
    /// The byte at which it begins.
    pub at: usize,
    /// The line, from one.
    pub line: usize,
}

impl Token<'_> {
    /// As messages show it.
    pub fn shown(&self) -> String {
        match self.kind {
            Kind::Eof => "EOF".to_owned(),
            Kind::Error => self.text.clone().into_owned(),
            kind if keyword(&self.text) == Some(kind) || kind == Kind::Dot => format!("<{}>", self.text),
            _ if self.text.len() > 10 => {
                let start: String = self.text.chars().take(10).collect();
                format!("{}...", quote::quote(&start))
            }
            _ => quote::quote(&self.text),
        }
    }
}

/// The kind of a word that is a keyword.
fn keyword(word: &str) -> Option<Kind> {
    Some(match word {
        "block" => Kind::Block,
        "break" => Kind::Break,
        "continue" => Kind::Continue,
        "define" => Kind::Define,
        "else" => Kind::Else,
        "end" => Kind::End,
        "if" => Kind::If,
        "nil" => Kind::Nil,
        "range" => Kind::Range,
        "template" => Kind::Template,
        "with" => Kind::With,
        _ => return None,
    })
}

/// The tokens of a template, ended by [`Kind::Eof`] or [`Kind::Error`].
pub(super) fn lex(source: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer { source, at: 0, line: 1, counted: 0, parens: 0, tokens: Vec::new() };
    if let Err(message) = lexer.text() {
        let (at, line) = (lexer.at, lexer.line_at(lexer.at));
        lexer.tokens.push(Token { kind: Kind::Error, text: message.into(), at, line });
    }
    lexer.tokens
}

struct Lexer<'a> {
    source: &'a str,
    at: usize,
    line: usize,
    /// Up to where lines were counted.
    counted: usize,
    parens: usize,
    tokens: Vec<Token<'a>>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.source.get(self.at..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Steps over the next character when it is wanted.
    fn accept(&mut self, wanted: impl Fn(char) -> bool) -> bool {
        match self.peek().filter(|c| wanted(*c)) {
            Some(c) => {
                self.at += c.len_utf8();
                true
            }
            None => false,
        }
    }

    fn accept_all(&mut self, wanted: impl Fn(char) -> bool + Copy) {
        while self.accept(wanted) {}
    }

    fn line_at(&mut self, at: usize) -> usize {
        let between = self.source.as_bytes().get(self.counted..at).unwrap_or(&[]);
        self.line += memchr::memchr_iter(b'\n', between).count();
        self.counted = self.counted.max(at);
        self.line
    }

    fn emit(&mut self, kind: Kind, from: usize) {
        let line = self.line_at(from);
        let text = self.source.get(from..self.at).unwrap_or("").into();
        self.tokens.push(Token { kind, text, at: from, line });
    }

    /// Text and actions in turn.
    fn text(&mut self) -> Result<(), String> {
        loop {
            let from = self.at;
            let Some(found) = self.rest().find(LEFT) else {
                self.at = self.source.len();
                self.last(from);
                return Ok(());
            };
            let open = from + found;
            let trimmed = self.source.get(open + LEFT.len()..).is_some_and(left_marker);
            let before = self.source.get(from..open).unwrap_or("");
            self.at = from + if trimmed { before.trim_end_matches(space).len() } else { before.len() };
            if self.at > from {
                self.emit(Kind::Text, from);
            }
            let marker = if trimmed { MARKER_BYTES } else { 0 };
            self.at = open + LEFT.len();
            if self.source.get(self.at + marker..).is_some_and(|rest| rest.starts_with("/*")) {
                self.at += marker;
                self.comment()?;
            } else {
                self.emit(Kind::Left, open);
                self.at += marker;
                self.parens = 0;
                self.action()?;
            }
        }
    }

    fn last(&mut self, from: usize) {
        if self.at > from {
            self.emit(Kind::Text, from);
        }
        self.emit(Kind::Eof, self.at);
    }

    fn comment(&mut self) -> Result<(), String> {
        let end = self.rest().find("*/").ok_or("unclosed comment")?;
        self.at += end + "*/".len();
        match self.right() {
            Some(trimmed) => self.close(trimmed),
            None => return Err("comment ends before closing delimiter".to_owned()),
        }
        Ok(())
    }

    /// Whether a closing delimiter is next, and whether it trims.
    fn right(&self) -> Option<bool> {
        let rest = self.rest();
        let marked = rest.starts_with(space) && rest.get(1..).is_some_and(|rest| rest.starts_with("-}}"));
        if marked { Some(true) } else { rest.starts_with(RIGHT).then_some(false) }
    }

    /// Steps over the closing delimiter and what it trims.
    fn close(&mut self, trimmed: bool) {
        self.at += RIGHT.len() + if trimmed { MARKER_BYTES } else { 0 };
        if trimmed {
            self.accept_all(space);
        }
    }

    /// The inside of an action, up to and with its closing delimiter.
    fn action(&mut self) -> Result<(), String> {
        loop {
            if let Some(trimmed) = self.right() {
                if self.parens > 0 {
                    return Err("unclosed left paren".to_owned());
                }
                let from = self.at + if trimmed { MARKER_BYTES } else { 0 };
                let line = self.line_at(from);
                self.tokens.push(Token { kind: Kind::Right, text: RIGHT.into(), at: from, line });
                self.close(trimmed);
                return Ok(());
            }
            self.word()?;
        }
    }

    fn word(&mut self) -> Result<(), String> {
        let from = self.at;
        let next = self.peek().ok_or("unclosed action")?;
        match next {
            c if space(c) => self.spaces(),
            '"' => self.quoted('"', "unterminated quoted string", Kind::Quoted)?,
            '\'' => self.quoted('\'', "unterminated character constant", Kind::Rune)?,
            '`' => self.raw()?,
            '$' => self.name(Kind::Variable)?,
            '.' if !self.rest().get(1..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) => {
                self.name(Kind::Field)?;
            }
            '.' | '+' | '-' | '0'..='9' => self.number()?,
            c if alphanumeric(c) => self.identifier()?,
            _ => {
                self.at += next.len_utf8();
                let kind = self.mark(next)?;
                self.emit(kind, from);
            }
        }
        Ok(())
    }

    /// A mark of one or two characters, of which the first was stepped over.
    fn mark(&mut self, first: char) -> Result<Kind, String> {
        match first {
            '=' => Ok(Kind::Assign),
            ':' if self.accept(|c| c == '=') => Ok(Kind::Declare),
            ':' => Err("expected :=".to_owned()),
            '|' => Ok(Kind::Pipe),
            '(' => {
                self.parens += 1;
                Ok(Kind::LeftParen)
            }
            ')' => {
                self.parens = self.parens.checked_sub(1).ok_or("unexpected right paren")?;
                Ok(Kind::RightParen)
            }
            c if c.is_ascii_graphic() => Ok(Kind::Other),
            c => Err(format!("unrecognized character in action: {}", code_point(c))),
        }
    }

    /// A run of spaces; the last one may belong to a trim marker.
    fn spaces(&mut self) {
        let from = self.at;
        self.accept_all(space);
        let last = self.at - 1;
        if self.source.get(self.at..).is_some_and(|rest| rest.starts_with("-}}")) {
            self.at = last;
        }
        if self.at > from {
            self.emit(Kind::Space, from);
        }
    }

    fn quoted(&mut self, mark: char, unterminated: &str, kind: Kind) -> Result<(), String> {
        let from = self.at;
        self.at += mark.len_utf8();
        loop {
            let c = self.peek().filter(|c| *c != '\n').ok_or(unterminated)?;
            self.at += c.len_utf8();
            if c == '\\' {
                let escaped = self.peek().filter(|c| *c != '\n').ok_or(unterminated)?;
                self.at += escaped.len_utf8();
            } else if c == mark {
                self.emit(kind, from);
                return Ok(());
            }
        }
    }

    fn raw(&mut self) -> Result<(), String> {
        let from = self.at;
        let end = self.rest().get(1..).and_then(|rest| rest.find('`')).ok_or("unterminated raw quoted string")?;
        self.at += end + 2;
        self.emit(Kind::Raw, from);
        Ok(())
    }

    /// A field or a variable, or the bare mark of one.
    fn name(&mut self, kind: Kind) -> Result<(), String> {
        let from = self.at;
        self.at += 1;
        let bare = self.at_end_of_word();
        self.accept_all(alphanumeric);
        self.end_of_word()?;
        let kind = if bare && kind == Kind::Field { Kind::Dot } else { kind };
        self.emit(kind, from);
        Ok(())
    }

    fn identifier(&mut self) -> Result<(), String> {
        let from = self.at;
        self.accept_all(alphanumeric);
        self.end_of_word()?;
        let word = self.source.get(from..self.at).unwrap_or("");
        let kind = match word {
            "true" | "false" => Kind::Bool,
            word => keyword(word).unwrap_or(Kind::Identifier),
        };
        self.emit(kind, from);
        Ok(())
    }

    fn end_of_word(&self) -> Result<(), String> {
        match self.peek() {
            Some(c) if !self.at_end_of_word() => Err(format!("bad character {}", code_point(c))),
            _ => Ok(()),
        }
    }

    fn at_end_of_word(&self) -> bool {
        let Some(c) = self.peek() else { return true };
        space(c) || matches!(c, '.' | ',' | '|' | ':' | '(' | ')') || self.rest().starts_with(RIGHT)
    }

    fn number(&mut self) -> Result<(), String> {
        let from = self.at;
        self.accept(|c| matches!(c, '+' | '-'));
        let mut radix = 10;
        if self.accept(|c| c == '0') {
            let mut prefix = |letters: &str, base| {
                if self.accept(|c| letters.contains(c)) {
                    radix = base;
                }
            };
            prefix("xX", 16);
            prefix("oO", 8);
            prefix("bB", 2);
        }
        let digit = move |c: char| c.is_digit(radix) || c == '_';
        self.accept_all(digit);
        if self.accept(|c| c == '.') {
            self.accept_all(digit);
        }
        let exponent = match radix {
            10 => "eE",
            16 => "pP",
            _ => "",
        };
        if self.accept(|c| exponent.contains(c)) {
            self.accept(|c| matches!(c, '+' | '-'));
            self.accept_all(|c| c.is_ascii_digit() || c == '_');
        }
        self.accept(|c| c == 'i');
        if self.accept(alphanumeric) {
            let bad = self.source.get(from..self.at).unwrap_or("");
            return Err(format!("bad number syntax: {}", quote::quote(bad)));
        }
        self.emit(Kind::Number, from);
        Ok(())
    }
}

fn space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn alphanumeric(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn left_marker(rest: &str) -> bool {
    rest.strip_prefix('-').is_some_and(|rest| rest.starts_with(space))
}

/// A character as Go's `%#U` shows it.
fn code_point(c: char) -> String {
    let code = u32::from(c);
    if quote::printable(c) { format!("U+{code:04X} '{c}'") } else { format!("U+{code:04X}") }
}
