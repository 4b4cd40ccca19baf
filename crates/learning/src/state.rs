//! What this room remembers: each review with its words and actions. No rules.

use std::collections::BTreeMap;

use jiff::civil::Date;
use kernel::area::Stamp;
use kernel::{IncidentId, PersonName, Seq, Timestamp};
use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::words::{ActionKind, ReviewId, Section, Source};

/// What is remembered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub(crate) reviews: BTreeMap<ReviewId, Review>,
}

/// One review.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Review {
    /// Its number.
    pub id: ReviewId,
    /// The incident, as the journal tells it.
    pub source: Source,
    /// When it was drafted.
    pub opened_at: Timestamp,
    /// The words of each section, and how often it was written.
    pub sections: BTreeMap<Section, (String, u32)>,
    /// What is to be done.
    pub actions: Vec<Action>,
    /// When it was last published, in which fact, and its text at that moment.
    pub published: Option<(Timestamp, Seq, String)>,
    /// Whether something was written after that.
    pub changed: bool,
}

/// Something to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Its number within the review, counted from one.
    pub number: u32,
    /// What is to be done.
    pub title: String,
    /// Who sees to it.
    pub owner: PersonName,
    /// Until when.
    pub due: Date,
    /// What it is meant to do.
    pub kind: ActionKind,
    /// When it was done, and what shows it.
    pub done: Option<(Timestamp, String)>,
}

impl Review {
    /// The words of a section; empty when there are none.
    #[must_use]
    pub fn section(&self, section: Section) -> &str {
        self.sections.get(&section).map_or("", |(text, _)| text.as_str())
    }

    /// How often a section was written.
    #[must_use]
    pub fn revision(&self, section: Section) -> u32 {
        self.sections.get(&section).map_or(0, |(_, revision)| *revision)
    }

    /// Whether everybody may read it.
    #[must_use]
    pub fn is_published(&self) -> bool {
        self.published.is_some()
    }
}

impl State {
    /// All reviews, the newest first.
    pub fn reviews(&self) -> impl Iterator<Item = &Review> {
        self.reviews.values().rev()
    }

    /// One review.
    #[must_use]
    pub fn review(&self, id: ReviewId) -> Option<&Review> {
        self.reviews.get(&id)
    }

    /// The review of an incident.
    #[must_use]
    pub fn of_incident(&self, incident: IncidentId) -> Option<&Review> {
        self.reviews.values().find(|review| review.source.incident == incident)
    }

    pub(crate) fn next_id(&self) -> ReviewId {
        ReviewId(self.reviews.last_key_value().map_or(1, |(id, _)| id.0.saturating_add(1)))
    }

    pub(crate) fn evolve(&mut self, stamp: Stamp<'_>, event: &Event) {
        if let Event::ReviewOpened { review, source, sections } = event {
            let drafted = Review {
                id: *review,
                source: (**source).clone(),
                opened_at: stamp.at,
                sections: sections.iter().map(|(section, text)| (*section, (text.clone(), 0))).collect(),
                actions: Vec::new(),
                published: None,
                changed: false,
            };
            self.reviews.insert(*review, drafted);
            return;
        }
        let Some(review) = self.reviews.get_mut(&event.review()) else { return };
        review.changed = true;
        match event {
            Event::ReviewOpened { .. } => {}
            Event::SourceRenewed { source, .. } => review.source = (**source).clone(),
            Event::SectionEdited { section, text, revision, .. } => {
                review.sections.insert(*section, (text.clone(), *revision));
            }
            Event::ActionAdded { action, title, owner, due, kind, .. } => {
                let (title, owner) = (title.clone(), owner.clone());
                review.actions.push(Action { number: *action, title, owner, due: *due, kind: *kind, done: None });
            }
            Event::ActionCompleted { action, evidence, .. } => {
                let done = review.actions.iter_mut().filter(|own| own.number == *action);
                done.for_each(|own| own.done = Some((stamp.at, evidence.clone())));
            }
            Event::ReviewPublished { text, .. } => {
                review.published = Some((stamp.at, stamp.seq, text.clone()));
                review.changed = false;
            }
        }
    }
}
