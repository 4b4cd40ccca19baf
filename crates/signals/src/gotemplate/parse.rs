//! Tokens become a tree. The grammar, the order of its checks and its messages are those of Go's `text/template/parse`.

use super::functions;
use super::lexer::{Kind, Token, lex};
use super::node::{Branch, Call, Command, Node, Number, NumberValue, Operand, Pipe, Term, Trees};
use super::number;
use super::quote::{quote, unquote};
use super::{NESTING_MAX, TEMPLATE_BYTES_MAX};

/// Why a text is no template.
#[derive(Debug)]
pub(super) struct ParseError {
    pub line: usize,
    pub message: String,
}

type Parsed<T> = Result<T, ParseError>;

/// How a list of nodes ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    End,
    Else,
}

impl Ending {
    fn shown(self) -> &'static str {
        match self {
            Self::End => "{{end}}",
            Self::Else => "{{else}}",
        }
    }
}

/// What one action or piece of text became.
enum Piece {
    Node(Node),
    Ending(Ending),
}

/// Parses a text with all templates that it defines.
pub(super) fn parse(name: &str, source: &str) -> Parsed<Trees> {
    if source.len() > TEMPLATE_BYTES_MAX {
        let message = format!("the template is longer than {TEMPLATE_BYTES_MAX} bytes");
        return Err(ParseError { line: 1, message });
    }
    let mut parser = Parser {
        name,
        tokens: lex(source),
        next: 0,
        variables: vec!["$".to_owned()],
        ranges: 0,
        depth: 0,
        action_line: 0,
        trees: Trees::default(),
    };
    let main = parser.main()?;
    Ok(Trees { main, ..parser.trees })
}

struct Parser<'a> {
    name: &'a str,
    tokens: Vec<Token<'a>>,
    next: usize,
    /// The variables in scope.
    variables: Vec<String>,
    ranges: usize,
    depth: usize,
    action_line: usize,
    trees: Trees,
}

impl<'a> Parser<'a> {
    /// The next token; the last one stays.
    fn peek(&self) -> Token<'a> {
        let end = Token { kind: Kind::Eof, text: "".into(), at: 0, line: 1 };
        self.tokens.get(self.next).or(self.tokens.last()).cloned().unwrap_or(end)
    }

    fn kind(&self) -> Kind {
        self.tokens.get(self.next).or(self.tokens.last()).map_or(Kind::Eof, |token| token.kind)
    }

    fn take(&mut self) -> Token<'a> {
        let token = self.peek();
        self.next = (self.next + 1).min(self.tokens.len());
        token
    }

    fn skip_spaces(&mut self) {
        while self.kind() == Kind::Space {
            self.next += 1;
        }
    }

    fn take_word(&mut self) -> Token<'a> {
        self.skip_spaces();
        self.take()
    }

    fn fail<T>(&self, message: impl Into<String>) -> Parsed<T> {
        let current = self.tokens.get(self.next.saturating_sub(1)).or(self.tokens.first());
        Err(ParseError { line: current.map_or(1, |token| token.line), message: message.into() })
    }

    fn unexpected<T>(&self, token: &Token<'_>, context: &str) -> Parsed<T> {
        let message = if token.kind == Kind::Error {
            let since = if self.action_line != 0 && self.action_line != token.line {
                let started = format!(" in action started at {}:{}", self.name, self.action_line);
                let short = started.strip_prefix(" in action").filter(|_| token.text.ends_with(" action"));
                short.map_or(started.clone(), str::to_owned)
            } else {
                String::new()
            };
            format!("{}{since}", token.text)
        } else {
            format!("unexpected {} in {context}", token.shown())
        };
        Err(ParseError { line: token.line, message })
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Parsed<Token<'a>> {
        let token = self.take_word();
        if token.kind == kind { Ok(token) } else { self.unexpected(&token, context) }
    }

    /// Runs a part one level deeper.
    fn deeper<T>(&mut self, part: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= NESTING_MAX {
            return self.fail(format!("nested deeper than {NESTING_MAX}"));
        }
        self.depth += 1;
        let parsed = part(self);
        self.depth -= 1;
        parsed
    }

    fn main(&mut self) -> Parsed<Vec<Node>> {
        let mut nodes = Vec::new();
        while self.kind() != Kind::Eof {
            if self.kind() == Kind::Left && self.defines() {
                self.definition()?;
                continue;
            }
            match self.piece()? {
                Piece::Node(node) => nodes.push(node),
                Piece::Ending(ending) => return self.fail(format!("unexpected {}", ending.shown())),
            }
        }
        Ok(nodes)
    }

    /// Steps over the head of a definition when one begins here.
    fn defines(&mut self) -> bool {
        let start = self.next;
        self.next += 1;
        let found = self.take_word().kind == Kind::Define;
        if !found {
            self.next = start;
        }
        found
    }

    /// A definition has variables of its own.
    fn definition(&mut self) -> Parsed<()> {
        const CONTEXT: &str = "define clause";
        let (name, _) = self.template_name(CONTEXT)?;
        self.expect(Kind::Right, CONTEXT)?;
        let (list, ending) = self.apart(Self::list)?;
        if ending != Ending::End {
            return self.fail(format!("unexpected {} in {CONTEXT}", ending.shown()));
        }
        self.add(name, list)
    }

    /// Runs a part that sees no variable but the dot it is given.
    fn apart<T>(&mut self, part: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        let variables = std::mem::replace(&mut self.variables, vec!["$".to_owned()]);
        let ranges = std::mem::take(&mut self.ranges);
        let parsed = self.deeper(part);
        (self.variables, self.ranges) = (variables, ranges);
        parsed
    }

    fn add(&mut self, name: String, list: Vec<Node>) -> Parsed<()> {
        let empty = |list: &[Node]| list.iter().all(|node| matches!(node, Node::Text(text) if text.trim().is_empty()));
        match self.trees.named.get(&name) {
            Some(known) if !empty(known) && !empty(&list) => {
                self.fail(format!("template: multiple definition of template {}", quote(&name)))
            }
            Some(known) if !empty(known) => Ok(()),
            _ => {
                self.trees.named.insert(name, list);
                Ok(())
            }
        }
    }

    /// A template's name, and how it was quoted.
    fn template_name(&mut self, context: &str) -> Parsed<(String, String)> {
        let token = self.take_word();
        match token.kind {
            Kind::Quoted | Kind::Raw => match unquote(&token.text) {
                Some(name) => Ok((name, token.text.into_owned())),
                None => self.fail("invalid syntax"),
            },
            _ => self.unexpected(&token, context),
        }
    }

    /// Nodes up to and with `end` or `else`.
    fn list(&mut self) -> Parsed<(Vec<Node>, Ending)> {
        let mut nodes = Vec::new();
        while self.kind() != Kind::Eof {
            match self.piece()? {
                Piece::Node(node) => nodes.push(node),
                Piece::Ending(ending) => return Ok((nodes, ending)),
            }
        }
        self.next = self.tokens.len();
        self.fail("unexpected EOF")
    }

    fn piece(&mut self) -> Parsed<Piece> {
        let token = self.take_word();
        match token.kind {
            Kind::Text => Ok(Piece::Node(Node::Text(token.text.into_owned()))),
            Kind::Left => {
                self.action_line = token.line;
                let piece = self.action();
                self.action_line = 0;
                piece
            }
            _ => self.unexpected(&token, "input"),
        }
    }

    fn action(&mut self) -> Parsed<Piece> {
        self.skip_spaces();
        let token = self.peek();
        let step = |parser: &mut Self| parser.next += 1;
        let node = match token.kind {
            Kind::If | Kind::With | Kind::Range => {
                step(self);
                self.deeper(|parser| parser.control(token.kind))?
            }
            Kind::Else => {
                step(self);
                return self.otherwise();
            }
            Kind::End => {
                step(self);
                self.expect(Kind::Right, "end")?;
                return Ok(Piece::Ending(Ending::End));
            }
            Kind::Break | Kind::Continue => {
                step(self);
                self.jump(&token)?
            }
            Kind::Template => {
                step(self);
                self.call()?
            }
            Kind::Block => {
                step(self);
                self.block()?
            }
            _ => Node::Action(self.pipeline("command", Kind::Right)?),
        };
        Ok(Piece::Node(node))
    }

    fn otherwise(&mut self) -> Parsed<Piece> {
        self.skip_spaces();
        // `else if` and `else with` are seen by the control around them.
        if !matches!(self.kind(), Kind::If | Kind::With) {
            self.expect(Kind::Right, "else")?;
        }
        Ok(Piece::Ending(Ending::Else))
    }

    fn jump(&mut self, token: &Token<'_>) -> Parsed<Node> {
        let (shown, node) =
            if token.kind == Kind::Break { ("{{break}}", Node::Break) } else { ("{{continue}}", Node::Continue) };
        self.expect(Kind::Right, shown)?;
        if self.ranges == 0 {
            return self.fail(format!("{shown} outside {{{{range}}}}"));
        }
        Ok(node)
    }

    /// `if`, `with` or `range`, of which the word was read.
    fn control(&mut self, kind: Kind) -> Parsed<Node> {
        let known = self.variables.len();
        let branch = self.branch(kind);
        self.variables.truncate(known);
        branch.map(match kind {
            Kind::If => Node::If,
            Kind::With => Node::With,
            _ => Node::Range,
        })
    }

    fn branch(&mut self, kind: Kind) -> Parsed<Branch> {
        let context = match kind {
            Kind::If => "if",
            Kind::With => "with",
            _ => "range",
        };
        let pipe = self.pipeline(context, Kind::Right)?;
        let inside = usize::from(kind == Kind::Range);
        self.ranges += inside;
        let list = self.list();
        self.ranges -= inside;
        let (list, ending) = list?;
        let otherwise = if ending == Ending::Else { self.else_part(kind)? } else { Vec::new() };
        Ok(Branch { pipe, list, otherwise })
    }

    fn else_part(&mut self, kind: Kind) -> Parsed<Vec<Node>> {
        if matches!(kind, Kind::If | Kind::With) && self.kind() == kind {
            self.next += 1;
            return Ok(vec![self.deeper(|parser| parser.control(kind))?]);
        }
        if matches!(self.kind(), Kind::If | Kind::With) {
            let token = self.take();
            return self.unexpected(&token, "else");
        }
        let (list, ending) = self.list()?;
        match ending {
            Ending::End => Ok(list),
            Ending::Else => self.fail(format!("expected end; found {}", ending.shown())),
        }
    }

    /// `template`, of which the word was read.
    fn call(&mut self) -> Parsed<Node> {
        const CONTEXT: &str = "template clause";
        self.skip_spaces();
        let at = self.peek().at;
        let (name, quoted) = self.template_name(CONTEXT)?;
        self.skip_spaces();
        let pipe = if self.kind() == Kind::Right {
            self.next += 1;
            None
        } else {
            Some(self.pipeline(CONTEXT, Kind::Right)?)
        };
        Ok(Node::Template(Call { at, name, quoted, pipe }))
    }

    /// `block`, of which the word was read: a definition and its use.
    fn block(&mut self) -> Parsed<Node> {
        const CONTEXT: &str = "block clause";
        self.skip_spaces();
        let at = self.peek().at;
        let (name, quoted) = self.template_name(CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Kind::Right)?;
        let (list, ending) = self.apart(Self::list)?;
        if ending != Ending::End {
            return self.fail(format!("unexpected {} in {CONTEXT}", ending.shown()));
        }
        self.add(name.clone(), list)?;
        Ok(Node::Template(Call { at, name, quoted, pipe: Some(pipe) }))
    }

    fn pipeline(&mut self, context: &str, end: Kind) -> Parsed<Pipe> {
        self.skip_spaces();
        let at = self.peek().at;
        let (variables, assigns) = self.declarations(context)?;
        let mut commands = Vec::new();
        loop {
            self.skip_spaces();
            let token = self.peek();
            match token.kind {
                kind if kind == end => {
                    self.next += 1;
                    break;
                }
                kind if operand(kind) => commands.push(self.command()?),
                _ => {
                    self.next += 1;
                    return self.unexpected(&token, context);
                }
            }
        }
        self.check_pipeline(&commands, context)?;
        Ok(Pipe { at, variables, assigns, commands })
    }

    fn check_pipeline(&self, commands: &[Command], context: &str) -> Parsed<()> {
        if commands.is_empty() {
            return self.fail(format!("missing value for {context}"));
        }
        for (stage, command) in (2..).zip(commands.iter().skip(1)) {
            let term = &command.first.term;
            if matches!(term, Term::Bool(_) | Term::Dot | Term::Nil | Term::Number(_) | Term::Text { .. }) {
                return self.fail(format!("non executable command in pipeline stage {stage}"));
            }
        }
        Ok(())
    }

    /// The variables that a pipeline declares or assigns, and whether it assigns.
    fn declarations(&mut self, context: &str) -> Parsed<(Vec<String>, bool)> {
        let mut variables = Vec::new();
        while self.kind() == Kind::Variable {
            let start = self.next;
            let name = self.take().text.into_owned();
            self.skip_spaces();
            let token = self.peek();
            if matches!(token.kind, Kind::Assign | Kind::Declare) {
                self.next += 1;
                self.variables.push(name.clone());
                variables.push(name);
                return Ok((variables, token.kind == Kind::Assign));
            }
            if !(token.kind == Kind::Other && token.text == ",") {
                self.next = start;
                break;
            }
            self.next += 1;
            self.variables.push(name.clone());
            variables.push(name);
            if context != "range" || variables.len() > 1 {
                return self.fail(format!("too many declarations in {context}"));
            }
            self.skip_spaces();
            if !matches!(self.kind(), Kind::Variable | Kind::Right | Kind::RightParen) {
                return self.fail("range can only initialize variables");
            }
        }
        Ok((variables, false))
    }

    fn command(&mut self) -> Parsed<Command> {
        let mut operands = Vec::new();
        self.skip_spaces();
        let at = self.peek().at;
        loop {
            self.skip_spaces();
            operands.extend(self.operand()?);
            let token = self.take();
            match token.kind {
                Kind::Space => {}
                Kind::Right | Kind::RightParen => {
                    self.next -= 1;
                    break;
                }
                Kind::Pipe => break,
                _ => return self.unexpected(&token, "operand"),
            }
        }
        let mut operands = operands.into_iter();
        match operands.next() {
            Some(first) => Ok(Command { at, first, rest: operands.collect() }),
            None => self.fail("empty command"),
        }
    }

    /// A term with its fields; `None` when no term is here.
    fn operand(&mut self) -> Parsed<Option<Operand>> {
        let Some(Operand { at, term }) = self.term()? else { return Ok(None) };
        let mut fields = Vec::new();
        let (start, at) = (at, if self.kind() == Kind::Field { self.peek().at } else { at });
        while self.kind() == Kind::Field {
            fields.push(self.take().text.trim_start_matches('.').to_owned());
        }
        if fields.is_empty() {
            return Ok(Some(Operand { at, term }));
        }
        let term = match term {
            Term::Field(mut names) => {
                names.extend(fields);
                Term::Field(names)
            }
            Term::Variable(name, mut names) => {
                names.extend(fields);
                Term::Variable(name, names)
            }
            Term::Function(_) | Term::Pipe(_) | Term::Chain(..) => {
                Term::Chain(Box::new(Operand { at: start, term }), fields)
            }
            term => {
                let shown = Operand { at, term }.to_string();
                return self.fail(format!("unexpected . after term {}", quote(&shown)));
            }
        };
        Ok(Some(Operand { at, term }))
    }

    fn term(&mut self) -> Parsed<Option<Operand>> {
        let token = self.peek();
        if !operand(token.kind) {
            return Ok(None);
        }
        self.next += 1;
        let text = token.text.into_owned();
        let term = match token.kind {
            Kind::Dot => Term::Dot,
            Kind::Nil => Term::Nil,
            Kind::Bool => Term::Bool(text == "true"),
            Kind::Field => Term::Field(vec![text.trim_start_matches('.').to_owned()]),
            Kind::Variable if !self.variables.contains(&text) => {
                return self.fail(format!("undefined variable {}", quote(&text)));
            }
            Kind::Variable => Term::Variable(text, Vec::new()),
            Kind::Identifier if !functions::known(&text) => {
                return self.fail(format!("function {} not defined", quote(&text)));
            }
            Kind::Identifier => Term::Function(text),
            Kind::Quoted | Kind::Raw => match unquote(&text) {
                Some(value) => Term::Text { text: value, literal: text },
                None => return self.fail("invalid syntax"),
            },
            Kind::LeftParen => {
                let pipe = self.deeper(|parser| parser.pipeline("parenthesized pipeline", Kind::RightParen))?;
                Term::Pipe(Box::new(pipe))
            }
            _ => Term::Number(self.number(text, token.kind)?),
        };
        Ok(Some(Operand { at: token.at, term }))
    }

    fn number(&self, literal: String, kind: Kind) -> Parsed<Number> {
        let value = if kind == Kind::Rune {
            let c = unquote(&literal).and_then(|text| {
                let mut chars = text.chars();
                chars.next().filter(|_| chars.next().is_none())
            });
            match c {
                Some(c) => NumberValue::Int(i64::from(u32::from(c))),
                None => return self.fail(format!("malformed character constant: {literal}")),
            }
        } else if let Some(value) = number::parse_int(&literal) {
            i64::try_from(value).map_or(NumberValue::Overflow, NumberValue::Int)
        } else {
            match number::parse_float(&literal) {
                Some(_) if !literal.contains(['.', 'e', 'E', 'p', 'P']) => {
                    return self.fail(format!("integer overflow: {}", quote(&literal)));
                }
                Some(value) => NumberValue::Float(value),
                None => return self.fail(format!("illegal number syntax: {}", quote(&literal))),
            }
        };
        Ok(Number { literal, value })
    }
}

/// Whether a token can begin an operand.
fn operand(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Bool
            | Kind::Rune
            | Kind::Dot
            | Kind::Field
            | Kind::Identifier
            | Kind::Number
            | Kind::Nil
            | Kind::Raw
            | Kind::Quoted
            | Kind::Variable
            | Kind::LeftParen
    )
}
