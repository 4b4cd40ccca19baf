//! Selectors of series, and when they look.

use super::lex::Token;
use super::{Fault, Node, Parser};
use crate::ast::{At, Expr, Matcher, Pattern, Selector, Test, When, WindowMode};
use crate::functions::Kind;
use crate::{Labels, METRIC_NAME};

impl Parser<'_> {
    /// `name{a="b"}`; the name is the word that comes next, if any is given.
    pub(super) fn selector(&mut self, name: Option<&str>) -> Result<Node, Fault> {
        let start = self.here();
        let may_be_empty = std::mem::take(&mut self.may_be_empty);
        let mut matchers = Vec::new();
        if let Some(name) = name {
            self.advance();
            matchers.push(Matcher { name: METRIC_NAME.to_owned(), test: Test::Is(name.to_owned()) });
        }
        if self.at_mark("{") {
            self.matchers(&mut matchers)?;
        }
        if let (Some(name), Some(other)) = (name, matchers.iter().skip(1).find(|matcher| matcher.name == METRIC_NAME)) {
            let message = format!("metric name must not be set twice: {name:?} or {:?}", value_of(&other.test));
            self.complain(start, message);
        }
        if !may_be_empty && matchers.iter().all(|matcher| matcher.holds("")) {
            self.complain(start, "vector selector must contain at least one non-empty matcher");
        }
        let selector = Selector { matchers, when: When::default(), mode: WindowMode::Plain };
        Ok(Node { expr: Expr::Selector(selector), kind: Kind::Vector, start, height: 1 })
    }

    /// `{a="b", "c.d"=~"e", "metric.name"}`
    fn matchers(&mut self, all: &mut Vec<Matcher>) -> Result<(), Fault> {
        const PLACE: &str = " in label matching";
        self.advance();
        while !self.take_mark("}") {
            let (label, quoted) = match self.peek() {
                Token::Word => (self.word().unwrap_or_default().to_owned(), false),
                Token::Text(text) => (text.clone(), true),
                _ => return Err(self.unexpected(&format!("{PLACE}, expected identifier or \"}}\""))),
            };
            let at = self.here();
            if all.len() >= super::LABELS_MAX {
                return Err(Fault { at, message: format!("a selector has at most {} matchers", super::LABELS_MAX) });
            }
            self.advance();
            if quoted && (self.at_mark(",") || self.at_mark("}")) {
                self.quoted_name(label, at, all);
            } else {
                let matcher = self.matcher(label, PLACE)?;
                all.push(matcher);
            }
            if !self.at_mark("}") {
                self.expect_mark(",", PLACE)?;
            }
        }
        Ok(())
    }

    /// A metric's name in quotes, which stands first among the matchers.
    fn quoted_name(&mut self, name: String, at: usize, all: &mut Vec<Matcher>) {
        if let Some(other) = all.iter().find(|matcher| matcher.name == METRIC_NAME) {
            let message = format!("metric name must not be set twice: {:?} or {name:?}", value_of(&other.test));
            self.complain(at, message);
        }
        all.insert(0, Matcher { name: METRIC_NAME.to_owned(), test: Test::Is(name) });
    }

    fn matcher(&mut self, name: String, place: &str) -> Result<Matcher, Fault> {
        let op = match *self.peek() {
            Token::Mark(mark @ ("=" | "!=" | "=~" | "!~")) => mark,
            _ => return Err(self.unexpected(&format!("{place}, expected label matching operator"))),
        };
        self.advance();
        let Token::Text(value) = self.peek().clone() else {
            return Err(self.unexpected(&format!("{place}, expected string")));
        };
        let at = self.here();
        self.advance();
        let mut pattern = |value: &str| {
            let regex = self.patterns.compile(value).map_err(|message| Fault { at, message })?;
            Ok(Pattern::compiled(value, regex))
        };
        let test = match op {
            "=" => Test::Is(value),
            "!=" => Test::IsNot(value),
            "=~" => Test::Matches(pattern(&value)?),
            _ => Test::MatchesNot(pattern(&value)?),
        };
        Ok(Matcher { name, test })
    }

    /// The labels of a series' name, up to the end of the text.
    pub(super) fn series(&mut self) -> Result<Labels, Fault> {
        let name = self.word();
        let mut matchers = Vec::new();
        if let Some(name) = name {
            self.advance();
            matchers.push(Matcher { name: METRIC_NAME.to_owned(), test: Test::Is(name.to_owned()) });
        }
        if self.at_mark("{") {
            self.matchers(&mut matchers)?;
        }
        if !matches!(self.peek(), Token::End) {
            return Err(self.unexpected(" in series name"));
        }
        matchers
            .iter()
            .map(|matcher| match &matcher.test {
                Test::Is(value) => Ok((matcher.name.as_str(), value.as_str())),
                _ => {
                    Err(Fault { at: 0, message: format!("a series has a value for {:?}, no condition", matcher.name) })
                }
            })
            .collect::<Result<Vec<_>, _>>()
            .map(Labels::from_pairs)
    }

    /// `@ 1609746000`, `@ start()`, `@ end()`
    pub(super) fn at_time(&mut self, node: &mut Node) -> Result<(), Fault> {
        const PLACE: &str = " in @";
        let at = self.here();
        self.advance();
        let edge = [("start", At::Start), ("end", At::End)].into_iter().find(|(word, _)| self.at_keyword(word));
        let time = if let Some((_, edge)) = edge {
            self.advance();
            self.expect_mark("(", PLACE)?;
            self.expect_mark(")", PLACE)?;
            edge
        } else {
            let seconds = self.signed_number(PLACE)?;
            let Some(millis) = super::period::millis(seconds) else {
                let written =
                    if seconds.is_finite() { format!("{seconds:.6}") } else { crate::histogram::number(seconds) };
                return Err(Fault { at, message: format!("timestamp out of bounds for @ modifier: {written}") });
            };
            At::Instant(millis)
        };
        let Some(when) = when_of(&mut node.expr) else {
            return Err(misplaced(at, "@"));
        };
        match when.at.replace(time) {
            Some(_) => Err(Fault { at, message: "@ <timestamp> may not be set multiple times".to_owned() }),
            None => Ok(()),
        }
    }

    /// `offset 5m`, `offset -(step() * 2)`
    pub(super) fn offset(&mut self, node: &mut Node) -> Result<(), Fault> {
        let at = self.here();
        self.advance();
        let offset = self.offset_length()?;
        let Some(when) = when_of(&mut node.expr) else {
            return Err(misplaced(at, "offset"));
        };
        match when.offset.replace(offset) {
            Some(_) => Err(Fault { at, message: "offset may not be set multiple times".to_owned() }),
            None => Ok(()),
        }
    }

    /// `anchored` or `smoothed`
    pub(super) fn extended(&mut self, node: &mut Node) -> Result<(), Fault> {
        let at = self.here();
        let (word, mode) = if self.at_keyword("anchored") {
            ("anchored", WindowMode::Anchored)
        } else {
            ("smoothed", WindowMode::Smoothed)
        };
        self.advance();
        let refused = |message: String| Err(Fault { at, message });
        let place = match &mut node.expr {
            Expr::Selector(selector) => &mut selector.mode,
            Expr::Window(_, _, mode) => mode,
            Expr::Subquery(_) => return refused(format!("{word} modifier is not supported for subqueries")),
            _ => return refused(format!("{word} modifier must be preceded by an instant or range vector selector")),
        };
        if *place != WindowMode::Plain && *place != mode {
            return refused("anchored and smoothed modifiers cannot be used together".to_owned());
        }
        *place = mode;
        Ok(())
    }
}

/// The time of an expression that has one.
fn when_of(expr: &mut Expr) -> Option<&mut When> {
    match expr {
        Expr::Selector(selector) | Expr::Window(selector, ..) => Some(&mut selector.when),
        Expr::Subquery(subquery) => Some(&mut subquery.when),
        _ => None,
    }
}

fn misplaced(at: usize, modifier: &str) -> Fault {
    let places = "an instant vector selector or range vector selector or a subquery";
    Fault { at, message: format!("{modifier} modifier must be preceded by {places}") }
}

/// The value or pattern of a matcher.
fn value_of(test: &Test) -> &str {
    match test {
        Test::Is(value) | Test::IsNot(value) => value,
        Test::Matches(pattern) | Test::MatchesNot(pattern) => pattern.source(),
    }
}
