//! The tree of a template, and how its parts are shown in messages.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

/// Every template of a text by name.
#[derive(Debug, Default)]
pub(super) struct Trees {
    /// The text outside all definitions.
    pub main: Vec<Node>,
    /// `define` and `block`.
    pub named: BTreeMap<String, Vec<Node>>,
}

/// A piece of a template.
#[derive(Debug)]
pub(super) enum Node {
    Text(String),
    Action(Pipe),
    If(Branch),
    With(Branch),
    Range(Branch),
    Template(Call),
    Break,
    Continue,
}

/// A pipeline with what follows when it has a value, and what otherwise.
#[derive(Debug)]
pub(super) struct Branch {
    pub pipe: Pipe,
    pub list: Vec<Node>,
    pub otherwise: Vec<Node>,
}

/// The use of a named template.
#[derive(Debug)]
pub(super) struct Call {
    pub at: usize,
    pub name: String,
    pub quoted: String,
    pub pipe: Option<Pipe>,
}

/// Commands, each given the value of the one before, and the variables that take the last one's.
#[derive(Debug)]
pub(super) struct Pipe {
    pub at: usize,
    pub variables: Vec<String>,
    /// Whether the variables exist already.
    pub assigns: bool,
    pub commands: Vec<Command>,
}

/// An operand, or a function or method with its arguments. Never empty.
#[derive(Debug)]
pub(super) struct Command {
    pub at: usize,
    pub first: Operand,
    pub rest: Vec<Operand>,
}

/// An operand and the byte at which it begins; with fields, that of the first field, which is what Go's messages name.
#[derive(Debug)]
pub(super) struct Operand {
    pub at: usize,
    pub term: Term,
}

/// What an operand is.
#[derive(Debug)]
pub(super) enum Term {
    Dot,
    Nil,
    Bool(bool),
    Number(Number),
    Text { text: String, literal: String },
    Field(Vec<String>),
    Variable(String, Vec<String>),
    Function(String),
    Chain(Box<Operand>, Vec<String>),
    Pipe(Box<Pipe>),
}

/// A literal number.
#[derive(Debug)]
pub(super) struct Number {
    pub literal: String,
    pub value: NumberValue,
}

/// What a literal number is when nothing else asks.
#[derive(Debug, Clone, Copy)]
pub(super) enum NumberValue {
    Int(i64),
    Float(f64),
    /// Larger than a signed integer.
    Overflow,
}

/// What a message can be about.
pub(super) trait Placed: Display {
    /// The byte at which it begins.
    fn at(&self) -> usize;
}

impl Placed for Operand {
    fn at(&self) -> usize {
        self.at
    }
}

impl Placed for Command {
    fn at(&self) -> usize {
        self.at
    }
}

impl Placed for Pipe {
    fn at(&self) -> usize {
        self.at
    }
}

impl Placed for Call {
    fn at(&self) -> usize {
        self.at
    }
}

impl Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{{template {}", self.quoted)?;
        if let Some(pipe) = &self.pipe {
            write!(f, " {pipe}")?;
        }
        write!(f, "}}}}")
    }
}

impl Display for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.variables.is_empty() {
            let sign = if self.assigns { "=" } else { ":=" };
            write!(f, "{} {sign} ", self.variables.join(", "))?;
        }
        for (i, command) in self.commands.iter().enumerate() {
            let between = if i > 0 { " | " } else { "" };
            write!(f, "{between}{command}")?;
        }
        Ok(())
    }
}

impl Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        self.rest.iter().try_for_each(|operand| write!(f, " {operand}"))
    }
}

impl Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields =
            |f: &mut fmt::Formatter<'_>, fields: &[String]| fields.iter().try_for_each(|name| write!(f, ".{name}"));
        match &self.term {
            Term::Dot => write!(f, "."),
            Term::Nil => write!(f, "nil"),
            Term::Bool(value) => write!(f, "{value}"),
            Term::Number(number) => write!(f, "{}", number.literal),
            Term::Text { literal, .. } => write!(f, "{literal}"),
            Term::Function(name) => write!(f, "{name}"),
            Term::Pipe(pipe) => write!(f, "({pipe})"),
            Term::Field(names) => fields(f, names),
            Term::Variable(name, names) => {
                write!(f, "{name}")?;
                fields(f, names)
            }
            Term::Chain(base, names) => {
                write!(f, "{base}")?;
                fields(f, names)
            }
        }
    }
}
