//! Template filters: badges, chips and words that look alike on every screen.

use askama::{Result, Values};
use kernel::Severity;

use super::html::{Html, escape};
use super::{Chip, words};

/// A severity as a badge.
#[askama::filter_fn]
pub fn badge(severity: &Severity, _: &dyn Values) -> Result<Html> {
    let (class, name) = (severity.as_str().to_lowercase(), severity.as_str());
    Ok(Html::trusted(format!(r#"<span class="sev sev-{class}" title="severity {name}">{name}</span>"#)))
}

/// A severity as a large badge.
#[askama::filter_fn]
pub fn big_badge(severity: &Severity, _: &dyn Values) -> Result<Html> {
    let (class, name) = (severity.as_str().to_lowercase(), severity.as_str());
    Ok(Html::trusted(format!(r#"<span class="sev sev-lg sev-{class}" title="severity {name}">{name}</span>"#)))
}

/// A short word in its colour.
#[askama::filter_fn]
pub fn chip(chip: &Chip, _: &dyn Values) -> Result<Html> {
    Ok(Html::trusted(format!(r#"<span class="chip chip-{}">{}</span>"#, chip.tone.class(), escape(&chip.text))))
}

/// A person's letters in a round field of their colour; the name stands beside it, so it is hidden from readers.
#[askama::filter_fn]
pub fn face(person: &super::Named, _: &dyn Values) -> Result<Html> {
    let (colour, letters) = (words::colour(&person.name), escape(&words::initials(&person.title)));
    Ok(Html::trusted(format!(r#"<span class="face p{colour}" aria-hidden="true">{letters}</span>"#)))
}

/// `1 alert`, `2 alerts`.
#[askama::filter_fn]
pub fn counted(n: &usize, _: &dyn Values, one: &str, many: &str) -> Result<String> {
    Ok(words::count(*n, one, many))
}

/// Lower case, for class names.
#[askama::filter_fn]
pub fn class(severity: &Severity, _: &dyn Values) -> Result<String> {
    Ok(severity.as_str().to_lowercase())
}
