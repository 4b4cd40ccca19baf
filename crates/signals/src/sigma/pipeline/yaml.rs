//! YAML as JSON values: what a pipeline's file says, before it is given a meaning.

use granit_parser::{Event, Parser, ScalarStyle, ScanError, StrInput};
use serde_json::{Map, Number, Value};

/// How deep lists and maps may be nested.
const DEPTH_MAX: usize = 32;
/// The most bytes of one file.
pub const PIPELINE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Reads the one document of a file. Aliases are refused, so a small file stays small.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    if text.len() > PIPELINE_BYTES_MAX {
        return Err(format!("it has {} bytes, limit {PIPELINE_BYTES_MAX}: split it", text.len()));
    }
    let options = granit_parser::options! {
        emit_comments: false,
        emit_unresolved_aliases: true,
        flow_nesting_limit: DEPTH_MAX,
        block_nesting_limit: DEPTH_MAX,
    };
    let mut reader = Reader { events: Parser::new_from_str_with_options(text, options) };
    reader.document()
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
}

fn place(error: &ScanError) -> String {
    format!("line {}: this is not YAML: {}", error.marker().line().max(1), error.kind())
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<Value, String> {
        let mut root = None;
        while let Some((event, line)) = self.next()? {
            match event {
                Event::StreamStart | Event::DocumentEnd => {}
                Event::StreamEnd => break,
                Event::DocumentStart(..) if root.is_some() => {
                    return Err(format!("line {line}: a second document begins here: keep one document per file"));
                }
                Event::DocumentStart(..) => {}
                event => root = Some(self.node(event, line)?),
            }
        }
        Ok(root.unwrap_or(Value::Null))
    }

    fn next(&mut self) -> Result<Option<(Event<'a>, usize)>, String> {
        match self.events.next_event() {
            None => Ok(None),
            Some(Ok((event, span))) => Ok(Some((event, span.start.line().max(1)))),
            Some(Err(error)) => Err(place(&error)),
        }
    }

    /// The value that an event begins. The nesting limits of the parser bound the recursion.
    fn node(&mut self, event: Event<'a>, line: usize) -> Result<Value, String> {
        match event {
            Event::Scalar(text, ScalarStyle::Plain, ..) => Ok(plain(&text)),
            Event::Scalar(text, ..) => Ok(Value::String(text.into_owned())),
            Event::SequenceStart(..) => self.list(),
            Event::MappingStart(..) => self.map(),
            _ => Err(format!("line {line}: aliases are not read: write the value again")),
        }
    }

    fn list(&mut self) -> Result<Value, String> {
        let mut items = Vec::new();
        while let Some((event, line)) = self.next()? {
            if matches!(event, Event::SequenceEnd) {
                break;
            }
            items.push(self.node(event, line)?);
        }
        Ok(Value::Array(items))
    }

    fn map(&mut self) -> Result<Value, String> {
        let mut entries = Map::new();
        while let Some((event, line)) = self.next()? {
            let key = match event {
                Event::MappingEnd => break,
                Event::Scalar(text, ..) => text.into_owned(),
                _ => return Err(format!("line {line}: a key must be a text")),
            };
            let Some((event, line)) = self.next()? else { break };
            let value = self.node(event, line)?;
            if entries.contains_key(&key) {
                return Err(format!("line {line}: the key {key} stands here a second time"));
            }
            entries.insert(key, value);
        }
        Ok(Value::Object(entries))
    }
}

/// What a scalar without quotes means in the core schema of YAML 1.2, as far as pipelines need it.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => {
            let starts = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
            let whole = || text.parse::<i64>().ok().map(Number::from);
            let float = || text.parse::<f64>().ok().and_then(Number::from_f64);
            let number = if starts { whole().or_else(float) } else { None };
            number.map_or_else(|| Value::String(text.to_owned()), Value::Number)
        }
    }
}
