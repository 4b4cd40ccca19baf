//! What each screen shows, as plain data with its template. Not where it comes from: `super::load` builds these from the world.
//!
//! Every page struct carries a [`Chrome`]: who looks, when, and what frames the screen. Times, badges and form fields are
//! written by its methods and by [`filters`], so that they look and behave alike everywhere.

pub mod access;
pub mod alert;
pub mod backtest;
pub mod chrome;
pub mod detection;
pub mod diff;
pub mod filters;
pub mod html;
pub mod incident;
pub mod journal;
pub mod logs;
pub mod monitoring;
pub mod now;
pub mod oncall;
pub mod page;
pub mod plot;
pub mod review;
pub mod scatter;
pub mod service;
pub mod sigma;
pub mod status;
pub mod traces;
pub mod words;

pub use chrome::{Chrome, Refused, Tab, Theme, Who};
pub use html::Html;

/// A name of the watchbook with what people call it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Named {
    /// The name in addresses.
    pub name: String,
    /// What people call it.
    pub title: String,
}

impl Named {
    /// A name and its title.
    #[must_use]
    pub fn new(name: impl Into<String>, title: impl Into<String>) -> Self {
        Self { name: name.into(), title: title.into() }
    }
}

/// The colour of a word; the word itself always says the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// Nothing special.
    #[default]
    Plain,
    /// Good.
    Ok,
    /// Worth knowing.
    Info,
    /// Needs attention soon.
    Warn,
    /// Needs attention now.
    Bad,
}

impl Tone {
    /// The end of the class names that carry this colour.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Ok => "ok",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }
}

/// A short word with a colour.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chip {
    /// Its colour.
    pub tone: Tone,
    /// What it says.
    pub text: String,
}

impl Chip {
    /// A word in a colour.
    #[must_use]
    pub fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self { tone, text: text.into() }
    }
}
