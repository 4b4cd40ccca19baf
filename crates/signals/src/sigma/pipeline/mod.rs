//! Pipelines: files that say which events a rule's log source means, and how the rule's fields are called there.
//!
//! The form is pySigma's. What it cannot say is a further kind of transformation, `log_sources`: a table from log
//! sources to the event classes that hold their events, each with field names of its own. What a transformation of
//! pySigma does to queries of other products has no meaning here and is refused by name.

mod change;
mod plan;
mod yaml;

use std::collections::BTreeMap;

use serde_json::Value;

use change::{Change, Step};
pub(super) use change::{Condition, Source};
pub(super) use plan::FieldMap;
pub use yaml::PIPELINE_BYTES_MAX;

/// The pipeline that is used when nobody gives another.
const DEFAULT: &str = include_str!("default.yaml");
/// The option of the default pipeline that asks `process_creation` rules of the Security log's event 4688 too.
pub const AUDIT_PROCESS_CREATION: &str = "audit_process_creation";

/// A file of a pipeline that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("pipeline {pipeline}: {reason}")]
pub struct PipelineError {
    /// What the caller calls the file.
    pub pipeline: String,
    /// The place in it and what is wrong there.
    pub reason: String,
}

/// One or several pipeline files, applied in order of priority.
#[derive(Debug, Clone, Default)]
pub struct Pipeline {
    files: Vec<File>,
}

#[derive(Debug, Clone, Default)]
struct File {
    priority: i64,
    vars: BTreeMap<String, Vec<String>>,
    options: BTreeMap<String, bool>,
    steps: Vec<Step>,
}

impl Pipeline {
    /// The built-in pipeline for Windows, Sysmon, Linux and cloud sources.
    ///
    /// # Errors
    /// Never, unless the program was built with a broken file; a test reads it.
    pub fn built_in() -> Result<Self, PipelineError> {
        Self::parse("default.yaml", DEFAULT)
    }

    /// Reads one file; `name` is what errors call it.
    ///
    /// # Errors
    /// When the text is not YAML, or says what is not known.
    pub fn parse(name: &str, text: &str) -> Result<Self, PipelineError> {
        let file = yaml::parse(text).and_then(|value| File::read(&value));
        let file = file.map_err(|reason| PipelineError { pipeline: name.to_owned(), reason })?;
        Ok(Self { files: vec![file] })
    }

    /// This pipeline and another; what has the lower priority is applied first.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.files.extend(other.files);
        self.files.sort_by_key(|file| file.priority);
        self
    }

    /// This pipeline with an option of its files switched on or off.
    #[must_use]
    pub fn with_option(mut self, option: &str, on: bool) -> Self {
        for file in &mut self.files {
            file.options.insert(option.to_owned(), on);
        }
        self
    }

    /// The values of a placeholder.
    pub(super) fn placeholder(&self, name: &str) -> Option<Vec<String>> {
        let given = self.files.iter().find_map(|file| file.vars.get(name)).cloned();
        let wild = || self.steps().any(|(_, step)| matches!(step.change, Change::WildcardPlaceholders {}));
        given.or_else(|| wild().then(|| vec!["*".to_owned()]))
    }

    fn steps(&self) -> impl Iterator<Item = (&File, &Step)> {
        self.files.iter().flat_map(|file| file.steps.iter().map(move |step| (file, step)))
    }
}

impl File {
    fn read(value: &Value) -> Result<Self, String> {
        let Value::Object(entries) = value else {
            return Err("it is not a map with `transformations`".to_owned());
        };
        let mut file = Self::default();
        for (key, value) in entries {
            match key.as_str() {
                "priority" => file.priority = value.as_i64().ok_or("`priority` must be a whole number")?,
                "vars" => file.vars = change::texts_by_name(value).map_err(|reason| format!("vars: {reason}"))?,
                "options" => file.options = options(value)?,
                "transformations" => file.steps = steps(value)?,
                // What is for people, and what is for other products.
                "name" | "description" | "author" | "allowed_backends" => {}
                other => return Err(format!("the key `{other}` is not known here")),
            }
        }
        Ok(file)
    }

    fn is_on(&self, option: &str) -> bool {
        self.options.get(option).copied().unwrap_or(false)
    }
}

fn options(value: &Value) -> Result<BTreeMap<String, bool>, String> {
    let entries = value.as_object().ok_or("`options` must be a map of names to true or false")?;
    let one = |(name, value): (&String, &Value)| {
        let on = value.as_bool().ok_or_else(|| format!("option `{name}` must be true or false"))?;
        Ok((name.clone(), on))
    };
    entries.iter().map(one).collect()
}

fn steps(value: &Value) -> Result<Vec<Step>, String> {
    let items = value.as_array().ok_or("`transformations` must be a list")?;
    let one = |(at, item): (usize, &Value)| {
        let id = item.get("id").and_then(Value::as_str).map(|id| format!(" ({id})")).unwrap_or_default();
        Step::read(item).map_err(|reason| format!("transformation {}{id}: {reason}", at + 1))
    };
    items.iter().enumerate().map(one).collect()
}
