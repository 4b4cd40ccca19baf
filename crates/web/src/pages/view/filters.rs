//! Template filters: badges, chips and words that look alike on every screen.

#![expect(missing_docs, reason = "the attribute of each filter makes items of its own")]

use std::fmt::Display;

use askama::{Result, Values};
use kernel::Severity;

use super::html::{Html, escape};
use super::{Chip, Named, words};

/// Something given by value or by reference, as templates happen to hold it.
pub trait Given<T> {
    /// What is given.
    fn given(&self) -> &T;
}

impl<T> Given<T> for T {
    fn given(&self) -> &T {
        self
    }
}

impl<T> Given<T> for &T {
    fn given(&self) -> &T {
        self
    }
}

impl<T> Given<T> for &&T {
    fn given(&self) -> &T {
        self
    }
}

/// A severity as a badge.
#[askama::filter_fn]
pub fn badge(severity: impl Given<Severity>, _: &dyn Values) -> Result<Html> {
    let name = severity.given().as_str();
    let class = name.to_lowercase();
    Ok(Html::trusted(format!(r#"<span class="sev sev-{class}" title="severity {name}">{name}</span>"#)))
}

/// A severity as a large badge.
#[askama::filter_fn]
pub fn big_badge(severity: impl Given<Severity>, _: &dyn Values) -> Result<Html> {
    let name = severity.given().as_str();
    let class = name.to_lowercase();
    Ok(Html::trusted(format!(r#"<span class="sev sev-lg sev-{class}" title="severity {name}">{name}</span>"#)))
}

/// A short word in its colour.
#[askama::filter_fn]
pub fn chip(chip: impl Given<Chip>, _: &dyn Values) -> Result<Html> {
    let chip = chip.given();
    Ok(Html::trusted(format!(r#"<span class="chip chip-{}">{}</span>"#, chip.tone.class(), escape(&chip.text))))
}

/// A person's letters in a round field of their colour; the name stands beside it, so it is hidden from readers.
#[askama::filter_fn]
pub fn face(person: impl Given<Named>, _: &dyn Values) -> Result<Html> {
    let person = person.given();
    let (colour, letters) = (words::colour(&person.name), escape(&words::initials(&person.title)));
    Ok(Html::trusted(format!(r#"<span class="face p{colour}" aria-hidden="true">{letters}</span>"#)))
}

/// `1 alert`, `2 alerts`.
#[askama::filter_fn]
pub fn counted(n: impl Display, _: &dyn Values, one: &str, many: &str) -> Result<String> {
    let n = n.to_string();
    Ok(if n == "1" { format!("1 {one}") } else { format!("{n} {many}") })
}

/// Lower case, for class names.
#[askama::filter_fn]
pub fn class(severity: impl Given<Severity>, _: &dyn Values) -> Result<String> {
    Ok(severity.given().as_str().to_lowercase())
}
