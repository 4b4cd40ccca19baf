//! *Review*: what is learnt from an incident: sections to write, the timeline as it was, actions to do.

use askama::Template;
use kernel::{Severity, Timestamp};

use super::incident::Moment;
use super::{Chip, Chrome, Named, filters};

/// The list of reviews.
#[derive(Debug, Clone, Template)]
#[template(path = "reviews.html")]
pub struct ReviewsPage {
    /// The frame.
    pub chrome: Chrome,
    /// The reviews, newest first.
    pub reviews: Vec<ReviewRow>,
    /// Actions that are not done, the one due first on top.
    pub actions: Vec<ActionRow>,
}

/// A review in a list.
#[derive(Debug, Clone)]
pub struct ReviewRow {
    /// Its number.
    pub id: u32,
    /// The incident's number.
    pub incident: u32,
    /// What the incident is called.
    pub title: String,
    /// How bad it was.
    pub severity: Severity,
    /// Draft or published.
    pub state: Chip,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// How many actions are done, and how many there are.
    pub actions: (usize, usize),
}

/// An action in a list.
#[derive(Debug, Clone)]
pub struct ActionRow {
    /// Its number within the review.
    pub id: u32,
    /// The review's number.
    pub review: u32,
    /// What is to be done.
    pub title: String,
    /// What it does about the cause: prevent, detect, respond.
    pub kind: String,
    /// Who does it.
    pub owner: Named,
    /// Until when, as a date.
    pub due: String,
    /// Whether that is past.
    pub late: bool,
    /// What shows that it is done.
    pub evidence: Option<String>,
    /// Why it is not done after all.
    pub dropped: Option<String>,
}

/// One review.
#[derive(Debug, Clone, Template)]
#[template(path = "review.html")]
pub struct ReviewPage {
    /// The frame.
    pub chrome: Chrome,
    /// What stands in lists.
    pub row: ReviewRow,
    /// Why it was that bad.
    pub why: String,
    /// Whether it is shown to be edited: a draft always, a published one when asked for.
    pub draft: bool,
    /// When it was published.
    pub published_at: Option<Timestamp>,
    /// The times that count: what, and how long after the declaration.
    pub times: Vec<(String, String)>,
    /// The services.
    pub services: Vec<Named>,
    /// The sections, in order.
    pub sections: Vec<Section>,
    /// What happened, in order.
    pub timeline: Vec<Moment>,
    /// The actions.
    pub actions: Vec<ActionRow>,
    /// What is missing before it can be published; whether each is there.
    pub needs: Vec<(String, bool)>,
    /// The people who can own an action.
    pub people: Vec<Named>,
    /// The kinds of action.
    pub kinds: Vec<Named>,
}

impl ReviewPage {
    /// Whether nothing is missing.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.needs.iter().all(|(_, there)| *there)
    }
}

/// A section of a review.
#[derive(Debug, Clone)]
pub struct Section {
    /// Its name in forms and what people call it.
    pub name: Named,
    /// The revision that is shown; a save over another one is refused.
    pub revision: u32,
    /// What to write there.
    pub hint: &'static str,
    /// What stands there.
    pub text: String,
}
