//! *Alert*: one alert and why it did or did not page; and *Silences*.

use askama::Template;
use kernel::{Severity, Timestamp};

use super::page::PageRow;
use super::{Chip, Chrome, Named, filters};

/// One alert.
#[derive(Debug, Clone, Template)]
#[template(path = "alert.html")]
pub struct AlertPage {
    /// The frame.
    pub chrome: Chrome,
    /// Its fingerprint.
    pub fingerprint: String,
    /// How bad it is.
    pub severity: Option<Severity>,
    /// Why it is that bad.
    pub severity_why: String,
    /// One line for people.
    pub title: String,
    /// Its identity.
    pub labels: Vec<(String, String)>,
    /// What it says to people.
    pub annotations: Vec<(String, String)>,
    /// The service it names.
    pub service: Option<Named>,
    /// Since when it fires.
    pub since: Timestamp,
    /// When it ends unless it is sent again.
    pub ends_at: Option<Timestamp>,
    /// When it was last sent.
    pub updated_at: Timestamp,
    /// Who reports it.
    pub source: String,
    /// Where it was made, when that is a web address.
    pub generator: Option<String>,
    /// What became of it.
    pub verdict: Chip,
    /// Each stage it passed, and what that stage said.
    pub stages: Vec<Stage>,
    /// The pages that tell of it.
    pub pages: Vec<PageRow>,
    /// The matchers of a silence for exactly this alert, one a line.
    pub matchers: String,
    /// The Sigma rule that raised it, which its reader may judge; and what was said of it so far.
    pub judge: Option<(String, &'static str)>,
}

impl AlertPage {
    /// Whether somebody was paged for it.
    #[must_use]
    pub fn paged(&self) -> bool {
        !self.pages.is_empty()
    }
}

/// One stage on the way from an alert to a page.
#[derive(Debug, Clone)]
pub struct Stage {
    /// What the stage is called.
    pub name: &'static str,
    /// Whether the alert passed.
    pub passed: bool,
    /// What it said.
    pub says: String,
    /// Where more can be read.
    pub link: Option<String>,
}

/// An alert that is not firing, or never was.
#[derive(Debug, Clone, Template)]
#[template(path = "gone.html")]
pub struct GonePage {
    /// The frame.
    pub chrome: Chrome,
    /// What was looked for.
    pub what: String,
    /// What to do instead.
    pub instead: String,
    /// Where that is.
    pub link: Option<Named>,
}

/// The list of silences.
#[derive(Debug, Clone, Template)]
#[template(path = "silences.html")]
pub struct SilencesPage {
    /// The frame.
    pub chrome: Chrome,
    /// Those that mute now.
    pub active: Vec<SilenceRow>,
    /// Those that have not begun.
    pub pending: Vec<SilenceRow>,
    /// The newest of those that are over.
    pub expired: Vec<SilenceRow>,
    /// What stands in the form: matchers, one a line.
    pub matchers: String,
    /// What stands in the form: the reason.
    pub comment: String,
}

/// A silence in a list.
#[derive(Debug, Clone)]
pub struct SilenceRow {
    /// Its id.
    pub id: String,
    /// Its conditions.
    pub matchers: Vec<String>,
    /// Why.
    pub comment: String,
    /// Who says so.
    pub by: String,
    /// When it begins.
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// How many alerts it mutes.
    pub mutes: usize,
}
