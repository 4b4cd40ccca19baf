//! Templates of updates: whether each is named for a stage, is well formed, and asks only for what an update has. They are
//! rendered over samples, as strictly as the server renders them.

use std::collections::BTreeSet;

use kernel::book::{UPDATE_FUEL, UPDATE_STAGES, UpdateWords};
use minijinja::value::Serde;
use minijinja::{Environment, ErrorKind, UndefinedBehavior};

use super::finding::{Note, Spot};
use super::{rule, scalars, suggest};

/// Notes what is wrong with a template.
pub(super) fn check(file: usize, name: &str, text: &str, notes: &mut Vec<Note>) {
    let top = Spot::top(file);
    if !UPDATE_STAGES.contains(&name) {
        let message = format!("no update begins with the template `{name}`");
        notes.push(Note { at: top, rule: &rule::UNUSED_TEMPLATE, message, hint: suggest::hint(name, UPDATE_STAGES) });
    }
    if let Some((line, message)) = scalars::template_error(text) {
        notes.push(Note { at: Spot { line, ..top }, rule: &rule::TEMPLATE, message, hint: None });
        return;
    }
    let unknown = unknown(text);
    for word in &unknown {
        let message = format!("an update has no `{word}`");
        let hint = suggest::hint(word, known().iter().map(String::as_str));
        notes.push(Note { at: spot(file, text, word), rule: &rule::TEMPLATE_WORD, message, hint });
    }
    if unknown.is_empty()
        && let Some((line, message)) = failure(text)
    {
        let hint = Some("try it with fewer filters; an update would begin with our own words instead".to_owned());
        notes.push(Note { at: Spot { line, ..top }, rule: &rule::TEMPLATE_WORD, message, hint });
    }
}

/// The names that a template may ask for.
fn known() -> Vec<String> {
    let [sample, _] = UpdateWords::samples();
    match serde_json::to_value(sample) {
        Ok(serde_json::Value::Object(words)) => words.keys().cloned().collect(),
        _ => Vec::new(),
    }
}

/// What a template asks for and an update does not have, wherever it stands.
fn unknown(text: &str) -> BTreeSet<String> {
    let (known, environment) = (known(), Environment::new());
    let asked = environment.template_from_str(text).map(|template| template.undeclared_variables(false));
    let given = |word: &String| known.contains(word) || environment.globals().any(|(global, _)| global == word);
    asked.unwrap_or_default().into_iter().filter(|word| !given(word)).collect()
}

/// Where a template first asks for a word.
fn spot(file: usize, text: &str, word: &str) -> Spot {
    let letter = |c: char| c.is_alphanumeric() || c == '_';
    let asks = |at: &usize| {
        let (before, rest) = text.split_at(*at);
        let last = |marks: [&str; 2]| marks.into_iter().filter_map(|mark| before.rfind(mark)).max();
        let whole = !before.ends_with(letter) && !before.ends_with('.') && !rest[word.len()..].starts_with(letter);
        whole && last(["{{", "{%"]) > last(["}}", "%}"])
    };
    let at = text.match_indices(word).map(|(at, _)| at).find(asks).unwrap_or(0);
    let (before, _) = text.split_at(at);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let (line, column) = (1 + before.matches('\n').count(), 1 + before[line_start..].chars().count());
    Spot { file, line, column, width: word.chars().count() }
}

/// The line on which a template fails over a sample, and how.
fn failure(text: &str) -> Option<(usize, String)> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(UPDATE_FUEL));
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    UpdateWords::samples().into_iter().find_map(|sample| match environment.render_str(text, Serde(&sample)) {
        Ok(rendered) if rendered.trim().is_empty() => Some((1, "it can come out empty".to_owned())),
        Ok(_) => None,
        Err(error) if error.kind() == ErrorKind::OutOfFuel => Some((1, "it takes too many steps".to_owned())),
        Err(error) => Some((error.line().unwrap_or(1), format!("it fails: {error}"))),
    })
}
