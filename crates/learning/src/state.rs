//! What this room remembers: each review with its words and actions; it is at the same time what readers see. No rules.

use std::collections::BTreeMap;

use jiff::civil::Date;
use kernel::area::Stamp;
use kernel::{Actor, IncidentId, PersonName, Sensitivity, Seq, Timestamp};
use serde::{Deserialize, Serialize};

use crate::REVIEWS_KEPT_MAX;
use crate::event::{About, Event};
use crate::words::{ActionKind, ReviewId, Section, Source};

/// What is remembered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    reviews: BTreeMap<ReviewId, Review>,
    by_incident: BTreeMap<IncidentId, ReviewId>,
    last: u32,
}

/// One review.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Review {
    /// Its number.
    pub id: ReviewId,
    /// Who may read it.
    pub sensitivity: Sensitivity,
    /// The incident, as the journal tells it, without names.
    pub source: Source,
    /// When it was drafted.
    pub opened_at: Timestamp,
    /// The words of each section.
    pub sections: BTreeMap<Section, Words>,
    /// What is to be done.
    pub actions: Vec<Action>,
    /// When it was last published, in which fact, and its text at that moment. Earlier editions are in the journal.
    pub published: Option<(Timestamp, Seq, String)>,
    /// How often it was published.
    pub edition: u32,
    /// Whether something was written after that.
    pub changed: bool,
}

/// The words of a section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// What it says, as Markdown.
    pub text: String,
    /// How often people wrote it; zero while it is as it was drafted.
    pub revision: u32,
    /// When it was last written, and by whom.
    pub written: (Timestamp, Actor),
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
    /// Until when, the day included.
    pub due: Date,
    /// What it is meant to do.
    pub kind: ActionKind,
    /// When it was done, and what shows it.
    pub done: Option<(Timestamp, String)>,
    /// When it was dropped, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped: Option<(Timestamp, String)>,
}

impl Action {
    /// Whether it is neither done nor dropped.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.done.is_none() && self.dropped.is_none()
    }

    /// Whether it is open and its day is over.
    #[must_use]
    pub fn is_overdue(&self, today: Date) -> bool {
        self.is_open() && self.due < today
    }
}

impl Review {
    /// The words of a section; empty when there are none.
    #[must_use]
    pub fn section(&self, section: Section) -> &str {
        self.sections.get(&section).map_or("", |words| &words.text)
    }

    /// How often a section was written: what an edit must know.
    #[must_use]
    pub fn revision(&self, section: Section) -> u32 {
        self.sections.get(&section).map_or(0, |words| words.revision)
    }

    /// Whether everybody may read it.
    #[must_use]
    pub fn is_published(&self) -> bool {
        self.published.is_some()
    }

    /// The actions that are neither done nor dropped.
    pub fn open_actions(&self) -> impl Iterator<Item = &Action> {
        self.actions.iter().filter(|action| action.is_open())
    }

    /// What its facts carry.
    pub(crate) fn about(&self) -> About {
        About { review: self.id, sensitivity: self.sensitivity }
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
        self.by_incident.get(&incident).and_then(|id| self.reviews.get(id))
    }

    /// The open actions of all reviews, the earliest due first.
    #[must_use]
    pub fn open_actions(&self) -> Vec<(&Review, &Action)> {
        let reviews = self.reviews.values();
        let mut actions: Vec<_> =
            reviews.flat_map(|review| review.open_actions().map(move |action| (review, action))).collect();
        actions.sort_by_key(|(review, action)| (action.due, review.id, action.number));
        actions
    }

    /// Who may read a review.
    #[must_use]
    pub fn sensitivity_of(&self, id: ReviewId) -> Option<Sensitivity> {
        self.review(id).map(|review| review.sensitivity)
    }

    pub(crate) fn next_id(&self) -> ReviewId {
        ReviewId(self.last.saturating_add(1))
    }

    pub(crate) fn evolve(&mut self, stamp: Stamp<'_>, event: &Event) {
        if let Event::ReviewOpened { about, source, sections } = event {
            self.open(stamp, *about, source, sections);
        } else if let Some(review) = self.reviews.get_mut(&event.review()) {
            review.changed |= !matches!(event, Event::ActionCompleted { .. });
            review.apply(stamp, event);
        }
    }

    fn open(&mut self, stamp: Stamp<'_>, about: About, source: &Source, sections: &[(Section, String)]) {
        let About { review: id, sensitivity } = about;
        self.last = self.last.max(id.0);
        self.by_incident.insert(source.incident, id);
        let mut review = Review {
            id,
            sensitivity,
            source: source.clone(),
            opened_at: stamp.at,
            sections: BTreeMap::new(),
            actions: Vec::new(),
            published: None,
            edition: 0,
            changed: false,
        };
        review.draft(stamp, sections);
        self.reviews.insert(id, review);
        self.forget();
    }

    /// Lets a review go that is published and has nothing left to be done, the oldest first; where there is none, the
    /// oldest. The journal has them all.
    fn forget(&mut self) {
        while self.reviews.len() > REVIEWS_KEPT_MAX {
            let over = |own: &&Review| own.is_published() && !own.changed && own.open_actions().next().is_none();
            let goes = self.reviews.values().find(over).or_else(|| self.reviews.values().next());
            let Some(gone) = goes.map(|own| own.id).and_then(|id| self.reviews.remove(&id)) else { return };
            self.by_incident.remove(&gone.source.incident);
        }
    }
}

impl Review {
    fn draft(&mut self, stamp: Stamp<'_>, sections: &[(Section, String)]) {
        for (section, text) in sections {
            self.write(stamp, *section, text, 0);
        }
    }

    fn write(&mut self, stamp: Stamp<'_>, section: Section, text: &str, revision: u32) {
        let written = (stamp.at, stamp.actor.clone());
        self.sections.insert(section, Words { text: text.to_owned(), revision, written });
    }

    fn apply(&mut self, stamp: Stamp<'_>, event: &Event) {
        match event {
            Event::ReviewOpened { .. } => {}
            Event::SourceRenewed { about, source, sections } => {
                (self.source, self.sensitivity) = ((**source).clone(), about.sensitivity);
                self.draft(stamp, sections);
            }
            Event::SectionEdited { section, text, revision, .. } => self.write(stamp, *section, text, *revision),
            Event::ActionAdded { action, title, owner, due, kind, .. } => {
                let (number, title, owner) = (*action, title.clone(), owner.clone());
                self.actions.push(Action { number, title, owner, due: *due, kind: *kind, done: None, dropped: None });
            }
            Event::ActionCompleted { action, evidence, .. } => {
                self.end(*action, |own| own.done = Some((stamp.at, evidence.clone())));
            }
            Event::ActionDropped { action, why, .. } => {
                self.end(*action, |own| own.dropped = Some((stamp.at, why.clone())));
            }
            Event::ReviewPublished { edition, text, .. } => {
                self.published = Some((stamp.at, stamp.seq, text.clone()));
                (self.edition, self.changed) = (*edition, false);
            }
        }
    }

    fn end(&mut self, number: u32, end: impl FnOnce(&mut Action)) {
        if let Some(action) = self.actions.iter_mut().find(|action| action.number == number) {
            end(action);
        }
    }
}
