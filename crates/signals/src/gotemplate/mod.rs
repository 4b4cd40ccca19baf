//! Go templates as Prometheus' rules use them in labels and annotations: the language of Go's `text/template` with the
//! functions and variables that Prometheus adds. A template means here what it means there, in its output and, as far as
//! that is sensible, in the words of its errors.
//!
//! Templates are written by others, so everything is bounded: the text by [`TEMPLATE_BYTES_MAX`], nesting by
//! [`NESTING_MAX`], work by [`STEPS_MAX`], [`QUERIES_MAX`] and [`PATTERNS_MAX`], and what comes out by [`TEXT_BYTES_MAX`].
//!
//! ```text
//! lexer -> parse (node) -> exec: functions (builtins, humanize, clock) over values, printed by number and printf
//! ```
//!
//! Not as in Go: `\d`, `\w` and `\s` of regular expressions know Unicode; a pointer inside a list prints as what it
//! points to, not as an address; `printf` prints no float with `%b` and `%x`, and takes no `#` for floats; half a character
//! that `slice` cuts off is a replacement character.

mod builtins;
mod clock;
mod exec;
mod functions;
mod humanize;
mod lexer;
mod node;
mod number;
mod parse;
#[cfg(test)]
mod peer;
mod printf;
mod quote;
#[cfg(test)]
mod tests;
mod used;
mod value;

pub use used::Used;

use exec::Machine;
use functions::World;
use value::{Map, Value};

/// The most bytes of a template.
pub const TEMPLATE_BYTES_MAX: usize = 64 * 1024;
/// How deep actions, parentheses and calls of templates may be nested.
pub const NESTING_MAX: usize = 50;
/// How many steps one rendering may take.
pub const STEPS_MAX: usize = 100_000;
/// How many queries one rendering may ask.
pub const QUERIES_MAX: usize = 100;
/// How many series an answer to a query may have.
pub const ANSWER_SERIES_MAX: usize = 10_000;
/// How many regular expressions one rendering may compile.
pub const PATTERNS_MAX: usize = 50;
/// The most bytes of a text, be it a value within the template or what comes out of it.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;

/// What is printed where there is no value.
const NO_VALUE: &str = "<no value>";
/// What stands before each template, so that the variables of an alert are known.
const VARIABLES: &str =
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}";

/// What a template may ask for.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The labels of the series or the alert: `$labels`, `.Labels`.
    pub labels: &'a [(String, String)],
    /// The labels of this installation: `$externalLabels`, `.ExternalLabels`.
    pub external_labels: &'a [(String, String)],
    /// Where this installation is reached: `$externalURL`, `.ExternalURL`.
    pub external_url: &'a str,
    /// What the expression gave: `$value`, `.Value`.
    pub value: ScopeValue<'a>,
}

/// The value of an alert.
#[derive(Debug, Clone, Copy)]
pub enum ScopeValue<'a> {
    /// A number.
    Float(f64),
    /// A native histogram, as it is printed.
    Histogram(&'a str),
}

/// Answers the queries of a template, at the time of the rendering.
pub trait Query {
    /// The labels and values of an instant query's answer, in its order.
    ///
    /// # Errors
    /// When there is no answer; says why.
    fn query(&self, expression: &str) -> Result<Answer, String>;
}

/// Series with their labels and one value each.
pub type Answer = Vec<(Vec<(String, String)>, f64)>;

/// Renders a template. `name` is what its errors call it; Prometheus says `__alert_NAME`. A label that is not there is
/// the empty text.
///
/// # Errors
/// When it is no template, or fails; in Prometheus' words, without the brackets that an annotation puts around them.
pub fn render(name: &str, text: &str, scope: &Scope<'_>, query: &dyn Query, at_millis: i64) -> Result<String, String> {
    let whole = format!("{VARIABLES}{text}");
    let trees = parse::parse(name, &whole).map_err(|error| {
        format!("error parsing template {name}: template: {name}:{}: {}", error.line, error.message)
    })?;
    let world = World::new(query, at_millis, scope.external_url);
    let machine = Machine::new(name, &whole, &trees, world);
    machine.run(data(scope)).map_err(|message| format!("error executing template {name}: template: {message}"))
}

/// Fills a template whose dot has these words, such as `.window`, and one group of further words, such as
/// `.options.job`. It can ask no query.
///
/// # Errors
/// When it is no template, fails, or asks for a word that is not there.
pub fn fill(
    name: &str,
    text: &str,
    words: &[(&str, &str)],
    group: (&str, &[(String, String)]),
) -> Result<String, String> {
    let trees = parse::parse(name, text).map_err(|error| format!("line {}: {}", error.line, error.message))?;
    let texts = words.iter().map(|(word, value)| ((*word).into(), Value::text(value)));
    let inner = group.1.iter().map(|(word, value)| (word.as_str().into(), Value::text(value))).collect();
    let inner = Value::Map(Map { entries: inner, texts: false, depth: 1 }.into());
    let entries = texts.chain([(group.0.into(), inner)]).collect();
    let machine = Machine::new(name, text, &trees, World::new(&NoQuery, 0, ""));
    let filled = machine.run(Value::Map(Map { entries, texts: false, depth: 2 }.into()))?;
    if filled.contains(NO_VALUE) { Err("it asks for a word that is not there".to_owned()) } else { Ok(filled) }
}

/// Answers nothing.
struct NoQuery;

impl Query for NoQuery {
    fn query(&self, _: &str) -> Result<Answer, String> {
        Err("no query can be asked here".to_owned())
    }
}

/// Parses a template without rendering it, and says what it asks for.
///
/// # Errors
/// When it is no template; the message begins with the line.
pub fn check(text: &str) -> Result<Used, String> {
    let whole = format!("{VARIABLES}{text}");
    let trees = parse::parse("template", &whole).map_err(|error| format!("line {}: {}", error.line, error.message))?;
    Ok(used::used(&trees))
}

/// The dot of a template.
fn data(scope: &Scope<'_>) -> Value {
    let value = match scope.value {
        ScopeValue::Float(value) => Value::Float(value),
        ScopeValue::Histogram(text) => Value::Histogram(text.into()),
    };
    Value::record(
        value::DATA,
        vec![
            ("Labels", Value::texts(scope.labels)),
            ("ExternalLabels", Value::texts(scope.external_labels)),
            ("ExternalURL", Value::text(scope.external_url)),
            ("Value", value),
        ],
    )
}
