//! The text of a query cut into tokens.

use super::number;

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A word: a keyword, a function, a metric or a label, as the grammar has it.
    Word,
    /// A number.
    Number(f64),
    /// A length of time such as `1h30m`, in milliseconds.
    Duration(i64),
    /// A text without its quotes.
    Text(String),
    /// An operator or a mark.
    Mark(&'static str),
    /// What cannot be read, and why. Nothing follows.
    Bad(String),
    /// The end of the query.
    End,
}

/// A token and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lexeme {
    /// What it is.
    pub(super) token: Token,
    /// Its first byte.
    pub(super) start: usize,
    /// The byte after its last.
    pub(super) end: usize,
}

/// Marks of more than one character stand before those that begin them.
const MARKS: [&str; 26] = [
    "==", "=~", "!=", "!~", "</", "<=", ">/", ">=", "=", "<", ">", "+", "-", "*", "/", "%", "^", "(", ")", "{", "}",
    "[", "]", ",", "@", ":",
];

/// Cuts a text into tokens. The last is always [`Token::End`] or [`Token::Bad`].
pub(super) fn lex(text: &str) -> Vec<Lexeme> {
    let mut lexer = Lexer { text, at: 0, enclosed: false };
    let mut all = Vec::new();
    loop {
        lexer.skip_blanks();
        let start = lexer.at;
        let token = lexer.next();
        let last = matches!(token, Token::End | Token::Bad(_));
        all.push(Lexeme { token, start, end: lexer.at });
        if last {
            return all;
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    /// Between braces or brackets, where a colon is no part of a word.
    enclosed: bool,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Passes over white space and comments.
    fn skip_blanks(&mut self) {
        loop {
            let rest = self.rest().trim_start_matches([' ', '\t', '\n', '\r']);
            self.at = self.text.len() - rest.len();
            if !rest.starts_with('#') {
                return;
            }
            self.at += rest.find('\n').unwrap_or(rest.len());
        }
    }

    fn next(&mut self) -> Token {
        let rest = self.rest();
        let mut chars = rest.chars();
        let (first, second) = (chars.next(), chars.next());
        match first {
            None => Token::End,
            Some(c) if c.is_ascii_digit() || (c == '.' && second.is_some_and(|c| c.is_ascii_digit())) => self.number(),
            Some('"' | '\'' | '`') => self.text(),
            Some(c) if c.is_ascii_alphabetic() || c == '_' || (c == ':' && !self.enclosed) => self.word(),
            Some(c) => self.mark(c),
        }
    }

    fn word(&mut self) -> Token {
        let colon = !self.enclosed;
        let part = |c: char| c.is_ascii_alphanumeric() || c == '_' || (c == ':' && colon);
        self.at += self.rest().find(|c| !part(c)).unwrap_or(self.rest().len());
        Token::Word
    }

    fn mark(&mut self, first: char) -> Token {
        let Some(mark) = MARKS.into_iter().find(|mark| self.rest().starts_with(mark)) else {
            return Token::Bad(format!("unexpected character: {first:?}"));
        };
        self.at += mark.len();
        match mark {
            "{" | "[" => self.enclosed = true,
            "}" | "]" => self.enclosed = false,
            _ => {}
        }
        Token::Mark(mark)
    }

    /// A number or a duration: the longest run of letters, digits, dots and underscores, with the sign of an exponent.
    fn number(&mut self) -> Token {
        let rest = self.rest();
        let hexadecimal = rest.starts_with("0x") || rest.starts_with("0X");
        let mut before = ' ';
        let length = rest.find(|c: char| {
            let sign = matches!(c, '+' | '-') && matches!(before, 'e' | 'E') && !hexadecimal;
            before = c;
            !(c.is_ascii_alphanumeric() || c == '.' || c == '_' || sign)
        });
        let run = rest.get(..length.unwrap_or(rest.len())).unwrap_or_default();
        self.at += run.len();
        if let Some(value) = number::literal(run) {
            return Token::Number(value);
        }
        match number::duration(run) {
            Some(millis) => Token::Duration(millis),
            None => Token::Bad(format!("bad number or duration syntax: {run:?}")),
        }
    }

    fn text(&mut self) -> Token {
        match super::text::quoted(self.rest()) {
            Ok((text, length)) => {
                self.at += length;
                Token::Text(text)
            }
            Err(reason) => Token::Bad(reason),
        }
    }
}
