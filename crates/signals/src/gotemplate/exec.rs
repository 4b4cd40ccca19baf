//! Walks the tree of a template and writes what it says, within a bounded number of steps. The order of evaluation and
//! the words of errors are those of Go's `text/template`.

use super::clock;
use super::functions::{self, Param, Signature, World};
use super::node::{Branch, Call, Command, Node, NumberValue, Operand, Pipe, Placed, Term, Trees};
use super::printf;
use super::quote::quote;
use super::value::Value;
use super::{NESTING_MAX, NO_VALUE, STEPS_MAX, TEXT_BYTES_MAX};

/// How deep a rendering may be within blocks and templates that call each other.
const DEPTH_MAX: usize = 2 * NESTING_MAX;

/// A message that says where it happened.
type Fault = String;

/// What follows after a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

/// One rendering.
pub(super) struct Machine<'a> {
    name: &'a str,
    /// The name of the template that is being walked.
    current: &'a str,
    source: &'a str,
    trees: &'a Trees,
    world: World<'a>,
    out: String,
    steps: usize,
    depth: usize,
    variables: Vec<(&'a str, Value)>,
    /// The operand that was looked at last; messages about values name it, as Go's do.
    seen: Option<&'a Operand>,
}

impl<'a> Machine<'a> {
    pub fn new(name: &'a str, source: &'a str, trees: &'a Trees, world: World<'a>) -> Self {
        let (out, variables) = (String::new(), Vec::new());
        Self { name, current: name, source, trees, world, out, steps: 0, depth: 0, variables, seen: None }
    }

    /// Renders the whole template over its data.
    pub fn run(mut self, dot: Value) -> Result<String, Fault> {
        self.variables.push(("$", dot.clone()));
        let trees = self.trees;
        self.walk(&dot, &trees.main)?;
        Ok(self.out)
    }

    /// An error about a part of the template.
    fn fault<T>(&self, at: &dyn Placed, message: impl AsRef<str>) -> Result<T, Fault> {
        let before = self.source.get(..at.at()).unwrap_or("");
        let line = 1 + before.matches('\n').count();
        let column = before.len() - before.rfind('\n').map_or(0, |end| end + 1);
        let (name, current) = (self.name, quote(self.current));
        Err(format!("{name}:{line}:{column}: executing {current} at <{at}>: {}", message.as_ref()))
    }

    /// An error about a value that was computed before.
    fn fault_seen<T>(&self, otherwise: &dyn Placed, message: impl AsRef<str>) -> Result<T, Fault> {
        self.fault(self.seen.map_or(otherwise, |operand| operand), message)
    }

    fn step(&mut self, at: &dyn Placed) -> Result<(), Fault> {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            return self.fault(at, format!("the template takes more than {STEPS_MAX} steps"));
        }
        Ok(())
    }

    fn write(&mut self, text: &str) -> Result<(), Fault> {
        if self.out.len() + text.len() > TEXT_BYTES_MAX {
            return Err(format!("{}: the text would be longer than {TEXT_BYTES_MAX} bytes", self.name));
        }
        self.out.push_str(text);
        Ok(())
    }

    fn walk(&mut self, dot: &Value, nodes: &'a [Node]) -> Result<Flow, Fault> {
        for node in nodes {
            let flow = match node {
                Node::Text(text) => {
                    self.write(text)?;
                    Flow::Next
                }
                Node::Action(pipe) => {
                    let value = self.pipe(dot, pipe)?;
                    if pipe.variables.is_empty() {
                        self.print(&value)?;
                    }
                    Flow::Next
                }
                Node::If(branch) => self.scoped(|machine| machine.choose(dot, branch, false))?,
                Node::With(branch) => self.scoped(|machine| machine.choose(dot, branch, true))?,
                Node::Range(branch) => self.scoped(|machine| machine.range(dot, branch))?,
                Node::Template(call) => self.template(dot, call)?,
                Node::Break => Flow::Break,
                Node::Continue => Flow::Continue,
            };
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    /// Runs a part whose variables end with it.
    fn scoped<T>(&mut self, part: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        let known = self.variables.len();
        self.depth += 1;
        let result = part(self);
        self.depth -= 1;
        self.variables.truncate(known);
        result
    }

    fn print(&mut self, value: &Value) -> Result<(), Fault> {
        match value {
            Value::Missing | Value::Nil => self.write(NO_VALUE),
            Value::Text(text) => self.write(text),
            value => self.write(&printf::plain(value)),
        }
    }

    /// `if`, or `with` when the value becomes the dot.
    fn choose(&mut self, dot: &Value, branch: &'a Branch, with: bool) -> Result<Flow, Fault> {
        let value = self.pipe(dot, &branch.pipe)?;
        if value.truth() {
            self.walk(if with { &value } else { dot }, &branch.list)
        } else {
            self.walk(dot, &branch.otherwise)
        }
    }

    fn range(&mut self, dot: &Value, branch: &'a Branch) -> Result<Flow, Fault> {
        let items = self.pipe(dot, &branch.pipe)?;
        let mut any = false;
        let known = self.variables.len();
        let mut turn = |machine: &mut Self, key: Value, item: &Value| -> Result<Flow, Fault> {
            any = true;
            machine.step(&branch.pipe)?;
            machine.turn(branch, key, item.clone())?;
            let flow = machine.walk(item, &branch.list)?;
            machine.variables.truncate(known);
            Ok(flow)
        };
        match &items {
            Value::List(list) => {
                for (key, item) in (0..).zip(list.iter()) {
                    if turn(self, Value::Int(key), item)? == Flow::Break {
                        break;
                    }
                }
            }
            Value::Map(map) => {
                for (key, item) in &map.entries {
                    if turn(self, Value::Text(key.clone()), item)? == Flow::Break {
                        break;
                    }
                }
            }
            Value::Int(count) => {
                for key in 0..*count {
                    if turn(self, Value::Int(key), &Value::Int(key))? == Flow::Break {
                        break;
                    }
                }
            }
            Value::Missing | Value::Nil => {}
            other => {
                return self.fault(&branch.pipe, format!("range can't iterate over {}", printf::plain(other)));
            }
        }
        if !any {
            self.walk(dot, &branch.otherwise)?;
        }
        Ok(Flow::Next)
    }

    /// Gives the variables of a range their values for one turn.
    fn turn(&mut self, branch: &'a Branch, key: Value, item: Value) -> Result<(), Fault> {
        let values = match branch.pipe.variables.as_slice() {
            [] => return Ok(()),
            [one] => vec![(one, item)],
            [first, second, ..] => vec![(first, key), (second, item)],
        };
        for (name, value) in values {
            self.set(&branch.pipe, name, value)?;
        }
        Ok(())
    }

    /// Assigns a variable that is there; the parser and [`Self::pipe`] have declared the others.
    fn set(&mut self, at: &dyn Placed, name: &str, value: Value) -> Result<(), Fault> {
        match self.variables.iter_mut().rev().find(|(known, _)| *known == name) {
            Some((_, place)) => *place = value,
            None => return self.fault(at, format!("undefined variable: {name}")),
        }
        Ok(())
    }

    fn template(&mut self, dot: &Value, call: &'a Call) -> Result<Flow, Fault> {
        self.step(call)?;
        let trees = self.trees;
        let Some((name, list)) = trees.named.get_key_value(&call.name) else {
            return self.fault(call, format!("template {} not defined", quote(&call.name)));
        };
        if self.depth >= DEPTH_MAX {
            return self.fault(call, format!("exceeded maximum template depth ({DEPTH_MAX})"));
        }
        let dot = match &call.pipe {
            Some(pipe) => self.scoped(|machine| machine.pipe(dot, pipe))?,
            None => Value::Missing,
        };
        let variables = std::mem::replace(&mut self.variables, vec![("$", dot.clone())]);
        let caller = std::mem::replace(&mut self.current, name);
        self.depth += 1;
        let result = self.walk(&dot, list);
        self.depth -= 1;
        (self.current, self.variables) = (caller, variables);
        result.map(|_| Flow::Next)
    }

    /// The value of a pipeline, which its variables take.
    fn pipe(&mut self, dot: &Value, pipe: &'a Pipe) -> Result<Value, Fault> {
        let mut value = None;
        for command in &pipe.commands {
            value = Some(self.command(dot, command, value)?);
        }
        let value = value.unwrap_or(Value::Missing);
        for name in &pipe.variables {
            if pipe.assigns {
                self.set(pipe, name, value.clone())?;
            } else {
                self.variables.push((name, value.clone()));
            }
        }
        Ok(value)
    }

    /// A command; `last` is the value of the one before, which becomes its last argument.
    fn command(&mut self, dot: &Value, command: &'a Command, last: Option<Value>) -> Result<Value, Fault> {
        self.step(command)?;
        let Command { first, rest, .. } = command;
        self.seen = Some(first);
        match &first.term {
            Term::Function(name) => return self.function(dot, (first, command), name, rest, last),
            Term::Field(names) => return self.fields(dot, first, dot.clone(), names, rest, last),
            Term::Variable(name, names) if !names.is_empty() => {
                let base = self.variable(first, name)?;
                return self.fields(dot, first, base, names, rest, last);
            }
            Term::Chain(base, names) => {
                let base = self.operand(dot, base)?;
                return self.fields(dot, first, base, names, rest, last);
            }
            _ => {}
        }
        if !rest.is_empty() || last.is_some() {
            return self.fault(first, format!("can't give argument to non-function {first}"));
        }
        match &first.term {
            Term::Nil => self.fault(first, "nil is not a command"),
            _ => self.operand(dot, first),
        }
    }

    fn variable(&self, at: &dyn Placed, name: &str) -> Result<Value, Fault> {
        match self.variables.iter().rev().find(|(known, _)| *known == name) {
            Some((_, value)) => Ok(value.clone()),
            None => self.fault(at, format!("undefined variable: {name}")),
        }
    }

    /// The value of an operand that is given no arguments.
    fn operand(&mut self, dot: &Value, operand: &'a Operand) -> Result<Value, Fault> {
        self.step(operand)?;
        self.seen = Some(operand);
        match &operand.term {
            Term::Dot => Ok(dot.clone()),
            Term::Nil => Ok(Value::Nil),
            Term::Bool(value) => Ok(Value::Bool(*value)),
            Term::Number(number) => match number.value {
                NumberValue::Int(value) => Ok(Value::Int(value)),
                NumberValue::Float(value) => Ok(Value::Float(value)),
                NumberValue::Overflow => self.fault(operand, format!("{} overflows int", number.literal)),
            },
            Term::Text { text, .. } => Ok(Value::text(text)),
            Term::Field(names) => self.fields(dot, operand, dot.clone(), names, &[], None),
            Term::Variable(name, names) => {
                let base = self.variable(operand, name)?;
                self.fields(dot, operand, base, names, &[], None)
            }
            Term::Chain(base, names) => {
                let base = self.operand(dot, base)?;
                self.fields(dot, operand, base, names, &[], None)
            }
            Term::Function(name) => self.function(dot, (operand, operand), name, &[], None),
            Term::Pipe(pipe) => self.scoped(|machine| machine.pipe(dot, pipe)),
        }
    }

    /// Follows fields; the last one may be a method with arguments.
    fn fields(
        &mut self,
        dot: &Value,
        at: &dyn Placed,
        base: Value,
        names: &'a [String],
        rest: &'a [Operand],
        last: Option<Value>,
    ) -> Result<Value, Fault> {
        let mut value = base;
        let given = !rest.is_empty() || last.is_some();
        for (i, name) in names.iter().enumerate() {
            let ends = i + 1 == names.len();
            if ends && given && !has_methods(&value) {
                let message = match value.field(name) {
                    Err(message) => message,
                    Ok(_) if matches!(value, Value::Map(_)) => format!("{name} is not a method but has arguments"),
                    Ok(_) => format!("{name} has arguments but cannot be invoked as function"),
                };
                return self.fault_seen(at, message);
            }
            let mut values = Vec::new();
            if ends {
                for operand in rest {
                    values.push(self.operand(dot, operand)?);
                }
                values.extend(last.clone());
            }
            let result = method(&value, name, &values).unwrap_or_else(|| value.field(name));
            value = result.or_else(|message| self.fault_seen(at, message))?;
        }
        Ok(value)
    }

    /// Calls a function; messages about the call name the `whole` command, others the function alone.
    fn function(
        &mut self,
        dot: &Value,
        (alone, whole): (&dyn Placed, &dyn Placed),
        name: &str,
        rest: &'a [Operand],
        last: Option<Value>,
    ) -> Result<Value, Fault> {
        let Some(signature) = functions::signature(name) else {
            return self.fault(alone, format!("{} is not a defined function", quote(name)));
        };
        let given = rest.len() + usize::from(last.is_some());
        let wanted = signature.params.len();
        if given < wanted || (given > wanted && !signature.rest) {
            let least = if signature.rest { "at least " } else { "" };
            return self.fault(alone, format!("wrong number of args for {name}: want {least}{wanted} got {given}"));
        }
        if matches!(name, "and" | "or") {
            return self.lazily(dot, name == "or", rest, last);
        }
        let values = self.arguments(dot, alone, signature, rest, last)?;
        self.world.call(name, &values).or_else(|message| self.fault(whole, format!("error calling {name}: {message}")))
    }

    /// `and`, `or`: the first value that decides, or the last one.
    fn lazily(&mut self, dot: &Value, or: bool, rest: &'a [Operand], last: Option<Value>) -> Result<Value, Fault> {
        let mut value = Value::Missing;
        for operand in rest {
            value = self.operand(dot, operand)?;
            if value.truth() == or {
                return Ok(value);
            }
        }
        Ok(last.unwrap_or(value))
    }

    fn arguments(
        &mut self,
        dot: &Value,
        at: &dyn Placed,
        signature: &Signature,
        rest: &'a [Operand],
        last: Option<Value>,
    ) -> Result<Vec<Value>, Fault> {
        let mut params = signature.params.iter().copied().chain(std::iter::repeat(Param::Any));
        let mut values = Vec::with_capacity(rest.len() + 1);
        for (operand, param) in rest.iter().zip(&mut params) {
            let value = self.operand(dot, operand)?;
            if !param.takes(&value) {
                return self.fault_seen(operand, unfit(operand, param, &value));
            }
            values.push(value);
        }
        if let Some(value) = last {
            let param = params.next().unwrap_or(Param::Any);
            if !param.takes(&value) {
                return self.fault_seen(at, wrong_type(param, &value));
            }
            values.push(value);
        }
        Ok(values)
    }
}

/// Why an operand does not fit a parameter.
fn unfit(operand: &Operand, param: Param, value: &Value) -> String {
    match &operand.term {
        Term::Nil => format!("cannot assign nil to {}", param.type_name()),
        Term::Bool(_) | Term::Number(_) if param == Param::Text => format!("expected string; found {operand}"),
        Term::Bool(_) | Term::Number(_) | Term::Text { .. } => {
            format!("can't handle {operand} for arg of type {}", param.type_name())
        }
        _ => wrong_type(param, value),
    }
}

fn wrong_type(param: Param, value: &Value) -> String {
    match value {
        Value::Missing | Value::Nil => format!("invalid value; expected {}", param.type_name()),
        value => format!("wrong type for value; expected {}; got {}", param.type_name(), value.type_name()),
    }
}

/// Whether a value is of a type that has methods.
fn has_methods(value: &Value) -> bool {
    matches!(value, Value::Time(_) | Value::Duration(_) | Value::Histogram(_))
}

/// Calls a method of a time or a duration; `None` when there is no such method.
fn method(value: &Value, name: &str, values: &[Value]) -> Option<Result<Value, String>> {
    let count = |wanted: usize| {
        let given = values.len();
        let message = format!("wrong number of args for {name}: want {wanted} got {given}");
        if given == wanted { Ok(()) } else { Err(message) }
    };
    let result = match value {
        Value::Time(millis) => {
            if name == "Format" {
                return Some(count(1).and_then(|()| match values {
                    [Value::Text(layout)] => Ok(Value::text(clock::format(clock::civil(*millis), layout))),
                    _ => Err("wrong type for value; expected string".to_owned()),
                }));
            }
            of_time(*millis, name)?
        }
        Value::Duration(nanos) => of_duration(*nanos, name)?,
        Value::Histogram(text) if name == "String" => Value::Text(text.clone()),
        _ => return None,
    };
    Some(count(0).map(|()| result))
}

fn of_time(millis: i64, name: &str) -> Option<Value> {
    let time = clock::civil(millis);
    Some(match name {
        "String" => Value::text(clock::time(millis)),
        "UTC" | "Local" => Value::Time(millis),
        "Unix" => Value::Int(millis.div_euclid(1000)),
        "UnixMilli" => Value::Int(millis),
        "UnixNano" => Value::Int(millis.saturating_mul(1_000_000)),
        "Year" => Value::Int(time.year().into()),
        "YearDay" => Value::Int(time.day_of_year().into()),
        "Month" => Value::text(clock::month(time)),
        "Weekday" => Value::text(clock::weekday(time)),
        "Day" => Value::Int(time.day().into()),
        "Hour" => Value::Int(time.hour().into()),
        "Minute" => Value::Int(time.minute().into()),
        "Second" => Value::Int(time.second().into()),
        _ => return None,
    })
}

fn of_duration(nanos: i64, name: &str) -> Option<Value> {
    Some(match name {
        "String" => Value::text(clock::duration(nanos)),
        "Hours" => Value::Float(nanos as f64 / 3.6e12),
        "Minutes" => Value::Float(nanos as f64 / 6e10),
        "Seconds" => Value::Float(nanos as f64 / 1e9),
        "Milliseconds" => Value::Int(nanos / 1_000_000),
        "Microseconds" => Value::Int(nanos / 1000),
        "Nanoseconds" => Value::Int(nanos),
        _ => return None,
    })
}
