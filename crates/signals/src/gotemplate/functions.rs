//! Every function by name: what it is given, and what it does. Go's own are in `builtins`, those that make numbers
//! readable in `humanize`; Prometheus' others are here.

use core::net::IpAddr;
use std::cmp::Ordering;
use std::rc::Rc;

use regex::{Regex, RegexBuilder};

use super::builtins::{self, query_escape};
use super::humanize;
use super::printf;
use super::value::{Map, SAMPLE, VALUE_DEPTH_MAX, Value};
use super::{ANSWER_SERIES_MAX, PATTERNS_MAX, QUERIES_MAX, Query, TEXT_BYTES_MAX};

/// The most bytes of a regular expression.
const PATTERN_BYTES_MAX: usize = 4096;
/// The most bytes that a compiled regular expression may take.
const PATTERN_SIZE_MAX: usize = 1 << 20;

/// What a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Param {
    Any,
    Text,
    Samples,
    Sample,
}

impl Param {
    /// Go's name for the type.
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::Text => "string",
            Self::Samples => "template.queryResult",
            Self::Sample => SAMPLE,
        }
    }

    /// Whether it takes a value.
    pub fn takes(self, value: &Value) -> bool {
        match self {
            Self::Any => true,
            Self::Text => matches!(value, Value::Text(_)),
            Self::Samples => matches!(value, Value::List(_)),
            Self::Sample => matches!(value, Value::Record(record) if record.type_name == SAMPLE),
        }
    }
}

/// What a function takes.
#[derive(Debug)]
pub(super) struct Signature {
    pub name: &'static str,
    pub params: &'static [Param],
    /// Whether any number of [`Param::Any`] may follow.
    pub rest: bool,
}

const fn exactly(name: &'static str, params: &'static [Param]) -> Signature {
    Signature { name, params, rest: false }
}

const fn least(name: &'static str, params: &'static [Param]) -> Signature {
    Signature { name, params, rest: true }
}

use Param::{Any, Sample, Samples, Text};

#[rustfmt::skip]
const SIGNATURES: &[Signature] = &[
    // Go's.
    least("and", &[Any]), least("or", &[Any]), exactly("not", &[Any]), least("call", &[Any]),
    least("eq", &[Any]), exactly("ne", &[Any, Any]), exactly("lt", &[Any, Any]), exactly("le", &[Any, Any]),
    exactly("gt", &[Any, Any]), exactly("ge", &[Any, Any]),
    exactly("len", &[Any]), least("index", &[Any]), least("slice", &[Any]),
    least("print", &[]), least("println", &[]), least("printf", &[Text]),
    least("html", &[]), least("js", &[]), least("urlquery", &[]),
    // Prometheus'.
    exactly("query", &[Text]), exactly("first", &[Samples]), exactly("label", &[Text, Sample]),
    exactly("value", &[Sample]), exactly("strvalue", &[Sample]), exactly("sortByLabel", &[Text, Samples]),
    least("args", &[]),
    exactly("reReplaceAll", &[Text, Text, Text]), exactly("match", &[Text, Text]), exactly("safeHtml", &[Text]),
    exactly("title", &[Text]), exactly("toUpper", &[Text]), exactly("toLower", &[Text]),
    exactly("graphLink", &[Text]), exactly("tableLink", &[Text]), exactly("urlQueryEscape", &[Text]),
    exactly("stripPort", &[Text]), exactly("stripDomain", &[Text]),
    exactly("humanize", &[Any]), exactly("humanize1024", &[Any]), exactly("humanizeDuration", &[Any]),
    exactly("humanizePercentage", &[Any]), exactly("humanizeTimestamp", &[Any]),
    exactly("toTime", &[Any]), exactly("toDuration", &[Any]), exactly("parseDuration", &[Text]),
    exactly("now", &[]), exactly("pathPrefix", &[]), exactly("externalURL", &[]),
];

/// The signature of a function.
pub(super) fn signature(name: &str) -> Option<&'static Signature> {
    SIGNATURES.iter().find(|signature| signature.name == name)
}

/// Whether there is a function of that name.
pub(super) fn known(name: &str) -> bool {
    signature(name).is_some()
}

/// What functions know besides their arguments, and how often they may ask.
pub(super) struct World<'a> {
    query: &'a dyn Query,
    at_millis: i64,
    external_url: &'a str,
    queries: usize,
    patterns: usize,
}

impl<'a> World<'a> {
    pub fn new(query: &'a dyn Query, at_millis: i64, external_url: &'a str) -> Self {
        Self { query, at_millis, external_url, queries: 0, patterns: 0 }
    }

    /// Calls a function with arguments that fit its signature. `and` and `or` are not called here.
    pub fn call(&mut self, name: &str, values: &[Value]) -> Result<Value, String> {
        let result = match go(name, values) {
            Some(result) => result?,
            None => self.prometheus(name, values)?,
        };
        match &result {
            Value::Text(text) if text.len() > TEXT_BYTES_MAX => {
                Err(format!("the text would be longer than {TEXT_BYTES_MAX} bytes"))
            }
            _ => Ok(result),
        }
    }

    fn prometheus(&mut self, name: &str, values: &[Value]) -> Result<Value, String> {
        match (name, values) {
            ("query", [Value::Text(expression)]) => self.ask(expression),
            ("first", [Value::List(list)]) => {
                list.first().cloned().ok_or_else(|| "first() called on vector with no elements".to_owned())
            }
            ("label", [Value::Text(label), sample]) => Ok(label_of(sample, label)),
            ("strvalue", [sample]) => Ok(label_of(sample, "__value__")),
            ("value", [sample]) => sample.field("Value"),
            ("sortByLabel", [Value::Text(label), Value::List(list)]) => Ok(sorted(label, list)),
            ("args", values) => args(values),
            ("reReplaceAll", [Value::Text(pattern), Value::Text(with), Value::Text(text)]) => {
                let compiled =
                    self.compile(pattern).map_err(|reason| format!("regexp: Compile(`{pattern}`): {reason}"))?;
                replace_all(&compiled, with, text)
            }
            ("match", [Value::Text(pattern), Value::Text(text)]) => {
                Ok(Value::Bool(self.compile(pattern)?.is_match(text)))
            }
            ("now", []) => Ok(Value::Float(seconds(self.at_millis))),
            ("externalURL", []) => Ok(Value::text(self.external_url)),
            ("pathPrefix", []) => Ok(Value::text(url_path(self.external_url))),
            (name, [Value::Text(text)]) if textual(name) => Ok(Value::text(of_text(name, text))),
            ("parseDuration", [Value::Text(text)]) => humanize::parse_duration(text).map(Value::Float),
            (name, [value]) => of_number(name, humanize::to_float(value)?),
            _ => Err("wrong arguments".to_owned()),
        }
    }

    fn ask(&mut self, expression: &str) -> Result<Value, String> {
        self.queries += 1;
        if self.queries > QUERIES_MAX {
            return Err(format!("more than {QUERIES_MAX} queries in one template"));
        }
        let answer = self.query.query(expression)?;
        if answer.len() > ANSWER_SERIES_MAX {
            return Err(format!(
                "the query gives {} series, and a template takes at most {ANSWER_SERIES_MAX}",
                answer.len()
            ));
        }
        Ok(Value::List(Rc::new(answer.iter().map(|(labels, value)| Value::sample(labels, *value)).collect())))
    }

    fn compile(&mut self, pattern: &str) -> Result<Regex, String> {
        self.patterns += 1;
        if self.patterns > PATTERNS_MAX {
            return Err(format!("more than {PATTERNS_MAX} regular expressions in one template"));
        }
        if pattern.len() > PATTERN_BYTES_MAX {
            return Err(format!("the regular expression is longer than {PATTERN_BYTES_MAX} bytes"));
        }
        RegexBuilder::new(pattern).size_limit(PATTERN_SIZE_MAX).build().map_err(|error| {
            let reason = error.to_string();
            match reason.lines().last().unwrap_or("").trim_start_matches("error: ") {
                "unclosed group" => format!("error parsing regexp: missing closing ): `{pattern}`"),
                "unopened group" => format!("error parsing regexp: unexpected ): `{pattern}`"),
                "unclosed character class" => format!("error parsing regexp: missing closing ]: `{pattern}`"),
                reason => format!("error parsing regexp: {reason}: `{pattern}`"),
            }
        })
    }
}

fn seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
}

/// Go's own functions; `None` when the name is none of them.
fn go(name: &str, values: &[Value]) -> Option<Result<Value, String>> {
    let truth = |result: Result<bool, String>| result.map(Value::Bool);
    Some(match (name, values) {
        ("not", [value]) => Ok(Value::Bool(!value.truth())),
        ("eq", values) => truth(builtins::eq(values)),
        ("ne", values) => truth(builtins::eq(values).map(|equal| !equal)),
        ("lt", [a, b]) => truth(builtins::order(a, b).map(|order| order == Some(Ordering::Less))),
        ("le", [a, b]) => truth(builtins::order(a, b).map(|order| order.is_some_and(Ordering::is_le))),
        // As in Go these are the negations of the two above, so that both hold for what is no number.
        ("gt", [a, b]) => truth(builtins::order(a, b).map(|order| !order.is_some_and(Ordering::is_le))),
        ("ge", [a, b]) => truth(builtins::order(a, b).map(|order| order != Some(Ordering::Less))),
        ("len", [value]) => builtins::len(value),
        ("index", values) => builtins::index(values),
        ("slice", values) => builtins::slice(values),
        ("print", values) => Ok(Value::text(printf::print(values))),
        ("println", values) => Ok(Value::text(printf::println(values))),
        ("printf", [Value::Text(format), values @ ..]) => Ok(Value::text(printf::printf(format, values))),
        ("html", values) => Ok(Value::text(builtins::html(&builtins::joined(values)))),
        ("js", values) => Ok(Value::text(builtins::js(&builtins::joined(values)))),
        ("urlquery", values) => Ok(Value::text(query_escape(&builtins::joined(values)))),
        ("call", [Value::Missing | Value::Nil, ..]) => Err("call of nil".to_owned()),
        ("call", [value, ..]) => Err(format!("non-function of type {}", value.type_name())),
        _ => return None,
    })
}

fn label_of(sample: &Value, label: &str) -> Value {
    match sample.field("Labels") {
        Ok(Value::Map(labels)) => labels.get(label),
        _ => Value::text(""),
    }
}

fn sorted(label: &str, list: &[Value]) -> Value {
    let key = |sample: &Value| match label_of(sample, label) {
        Value::Text(text) => text,
        _ => "".into(),
    };
    let mut list = list.to_vec();
    list.sort_by_cached_key(key);
    Value::List(Rc::new(list))
}

/// `args`: values by the names `arg0`, `arg1` and so on, for one template to give to another.
fn args(values: &[Value]) -> Result<Value, String> {
    let depth = 1 + values.iter().map(Value::depth).max().unwrap_or(0);
    if depth > VALUE_DEPTH_MAX {
        return Err(format!("values are nested deeper than {VALUE_DEPTH_MAX}"));
    }
    let entries = values.iter().enumerate().map(|(i, value)| (format!("arg{i}").into(), value.clone())).collect();
    Ok(Value::Map(Rc::new(Map { entries, texts: false, depth })))
}

/// Replaces every match; in `with`, `$1` and `${name}` are groups and `$$` is a dollar.
fn replace_all(pattern: &Regex, with: &str, text: &str) -> Result<Value, String> {
    let (mut out, mut done) = (String::new(), 0);
    for captures in pattern.captures_iter(text) {
        let Some(found) = captures.get(0) else { continue };
        out.push_str(text.get(done..found.start()).unwrap_or(""));
        captures.expand(with, &mut out);
        done = found.end();
        if out.len() > TEXT_BYTES_MAX {
            return Err(format!("the text would be longer than {TEXT_BYTES_MAX} bytes"));
        }
    }
    out.push_str(text.get(done..).unwrap_or(""));
    Ok(Value::text(out))
}

/// Whether a function takes a text and gives one.
fn textual(name: &str) -> bool {
    matches!(
        name,
        "safeHtml"
            | "title"
            | "toUpper"
            | "toLower"
            | "graphLink"
            | "tableLink"
            | "urlQueryEscape"
            | "stripPort"
            | "stripDomain"
    )
}

fn of_text(name: &str, text: &str) -> String {
    match name {
        "title" => title(text),
        "toUpper" => text.to_uppercase(),
        "toLower" => text.to_lowercase(),
        "graphLink" => format!("/graph?g0.expr={}&g0.tab=0", query_escape(text)),
        "tableLink" => format!("/graph?g0.expr={}&g0.tab=1", query_escape(text)),
        "urlQueryEscape" => query_escape(text),
        "stripPort" => split_port(text).map_or_else(|| text.to_owned(), |(host, _)| host.to_owned()),
        "stripDomain" => strip_domain(text),
        _ => text.to_owned(),
    }
}

fn of_number(name: &str, value: f64) -> Result<Value, String> {
    Ok(match name {
        "humanize" => Value::text(humanize::metric(value)),
        "humanize1024" => Value::text(humanize::binary(value)),
        "humanizeDuration" => Value::text(humanize::duration(value)),
        "humanizePercentage" => Value::text(humanize::percentage(value)),
        "humanizeTimestamp" => Value::text(humanize::timestamp(value)?),
        "toTime" => Value::Time(humanize::to_millis(value)?),
        "toDuration" => Value::Duration(humanize::nanos(value).unwrap_or(i64::MIN)),
        _ => return Err("wrong arguments".to_owned()),
    })
}

/// The first letter of each word in upper case.
fn title(text: &str) -> String {
    let mut inside = false;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if inside {
            out.push(c);
        } else {
            out.extend(c.to_uppercase());
        }
        inside = if c.is_ascii() { c.is_ascii_alphanumeric() || c == '_' } else { !c.is_whitespace() };
    }
    out
}

/// Host and port, where there is a port; the host of `[::1]:80` is without brackets.
fn split_port(text: &str) -> Option<(&str, &str)> {
    let (host, port) = text.rsplit_once(':')?;
    let host = match host.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']')?,
        None if host.contains(':') => return None,
        None => host,
    };
    (!host.contains(['[', ']']) && !port.contains(['[', ']'])).then_some((host, port))
}

/// The first label of a host's name, with its port; addresses stay.
fn strip_domain(text: &str) -> String {
    let (host, port) = split_port(text).unwrap_or((text, ""));
    if host.parse::<IpAddr>().is_ok() {
        return text.to_owned();
    }
    let name = host.split('.').next().unwrap_or(host);
    match port {
        "" => name.to_owned(),
        port if name.contains(':') => format!("[{name}]:{port}"),
        port => format!("{name}:{port}"),
    }
}

/// The path of a URL.
fn url_path(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = if rest.len() == url.len() {
        rest
    } else {
        rest.get(rest.find(['/', '?', '#']).unwrap_or(rest.len())..).unwrap_or("")
    };
    path.split(['?', '#']).next().unwrap_or("")
}
