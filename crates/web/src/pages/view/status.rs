//! *Status page*: what customers read. Public, calm, and made for a phone.

use askama::Template;
use kernel::Timestamp;

use super::{Chip, Chrome, Tone, filters};

/// The status page.
#[derive(Debug, Clone, Template)]
#[template(path = "status.html")]
pub struct StatusPage {
    /// The frame.
    pub chrome: Chrome,
    /// The colour of the whole.
    pub tone: Tone,
    /// The whole in one sentence.
    pub verdict: String,
    /// The components.
    pub components: Vec<ComponentRow>,
    /// What goes on.
    pub notices: Vec<Notice>,
    /// What is over: days and their notices, newest first.
    pub past: Vec<(String, Vec<Notice>)>,
}

/// A component.
#[derive(Debug, Clone)]
pub struct ComponentRow {
    /// What customers call it.
    pub title: String,
    /// What it does.
    pub description: String,
    /// How it is.
    pub status: Chip,
}

/// Something customers were told, with its updates.
#[derive(Debug, Clone)]
pub struct Notice {
    /// Its number.
    pub id: u32,
    /// What it is called.
    pub title: String,
    /// The components it names.
    pub components: String,
    /// The updates, newest first.
    pub updates: Vec<NoticeUpdate>,
}

/// One update of a notice.
#[derive(Debug, Clone)]
pub struct NoticeUpdate {
    /// The stage.
    pub stage: Chip,
    /// When it was published.
    pub at: Timestamp,
    /// What it says.
    pub text: String,
}
