//! What sources report: alerts that open, go on, move or end. Not their groups' pages: see `flush`.

use std::sync::Arc;

use hashbrown::HashMap;
use kernel::area::Context;
use kernel::time::Timestamp;
use kernel::{Book, Fingerprint, Labels};

use crate::command::{OBSERVE_ALERTS_MAX, OWN_SOURCE, Observed, RESOLVE_TIMEOUT};
use crate::draft::Draft;
use crate::event::{AlertOpened, Event, Membership, Placement, ResolvedBy};
use crate::inhibit::Compiled;
use crate::refusal::Refusal;
use crate::state::{Alert, State};

impl Observed {
    /// Checks one alert by itself, so that a door can name the bad one and take the others.
    ///
    /// # Errors
    /// Says which rule it breaks, and the way out.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.labels.is_empty() {
            return Err("has no labels: give at least one");
        }
        match (self.starts_at, self.ends_at) {
            (Some(starts), Some(ends)) if ends < starts => Err("ends before it starts: correct one of the two times"),
            _ => Ok(()),
        }
    }

    fn is_resolved(&self, now: Timestamp) -> bool {
        self.ends_at.is_some_and(|ends| ends <= now)
    }

    fn ends(&self, source: &str, now: Timestamp) -> Option<Timestamp> {
        match self.ends_at {
            _ if source == OWN_SOURCE => None,
            None => Some(RESOLVE_TIMEOUT.after(now)),
            given => given,
        }
    }
}

/// Decides `Observe`. "Still firing" is no fact.
pub(crate) fn observe(
    state: &State,
    context: &Context<'_>,
    source: &str,
    alerts: Vec<Observed>,
) -> Result<Vec<Event>, Refusal> {
    check(&alerts)?;
    let now = context.now;
    let fingerprints: Vec<Fingerprint> = alerts.iter().map(|observed| observed.labels.fingerprint()).collect();
    let last = last_words(&fingerprints);
    let mut draft = Draft::new(state, context);
    for (index, (observed, alert)) in alerts.into_iter().zip(fingerprints).enumerate() {
        if last.get(&alert).is_some_and(|last| *last != index) {
            continue;
        }
        match (state.slot_of(alert), observed.is_resolved(now)) {
            (None, true) => {}
            (None, false) => draft.open_observed(source, alert, observed),
            (Some(slot), true) => {
                draft.resolve(slot, observed.ends_at.unwrap_or(now), ResolvedBy::Source, String::new());
            }
            (Some(slot), false) => draft.place_again(slot),
        }
    }
    draft.settle();
    Ok(draft.finish())
}

fn check(alerts: &[Observed]) -> Result<(), Refusal> {
    if alerts.len() > OBSERVE_ALERTS_MAX {
        return Err(Refusal::BatchTooLarge(alerts.len()));
    }
    let checked = alerts.iter().enumerate();
    checked
        .into_iter()
        .try_for_each(|(index, observed)| observed.check().map_err(|reason| Refusal::AlertInvalid { index, reason }))
}

/// The last place of each fingerprint; empty when there is but one alert.
fn last_words(fingerprints: &[Fingerprint]) -> HashMap<Fingerprint, usize> {
    if fingerprints.len() < 2 {
        return HashMap::new();
    }
    fingerprints.iter().enumerate().map(|(index, alert)| (*alert, index)).collect()
}

impl Draft<'_> {
    fn open_observed(&mut self, source: &str, alert: Fingerprint, observed: Observed) {
        let now = self.now();
        let starts_at = observed.starts_at.unwrap_or(now);
        let place = self.placement(&observed.labels, starts_at);
        let ends_at = observed.ends(source, now);
        let Observed { labels, annotations, generator_url, .. } = observed;
        self.open(AlertOpened {
            alert,
            labels,
            annotations,
            starts_at,
            ends_at,
            source: source.into(),
            generator_url,
            place,
        });
    }

    fn placement(&self, labels: &Labels, starts_at: Timestamp) -> Placement {
        let groups = self.memberships(labels, starts_at);
        let inhibits = self.compiled.inhibits(self.context.book, labels);
        Placement { groups, inhibits }
    }

    /// Puts an alert where the present watchbook wants it, when that is a newer one than it was last put by.
    fn place_again(&mut self, slot: u32) {
        let Some(alert) = self.state.alerts.get(slot) else { return };
        if alert.checked == mark(self.context.book) {
            return;
        }
        let place = self.placement(&alert.labels, alert.starts_at);
        if !self.is_placed(alert, &place) {
            self.reroute(slot, place);
        }
        self.reviews.push(slot);
    }

    fn is_placed(&self, alert: &Alert, place: &Placement) -> bool {
        let sits = |membership: &Membership| {
            let group = self.state.group_slot(membership.group);
            alert.seats.as_slice().iter().any(|seat| Some(seat.group) == group)
        };
        place.groups.len() == alert.seats.as_slice().len()
            && place.groups.iter().all(sits)
            && alert.inhibits() == place.inhibits
    }
}

/// A short mark of a watchbook, to notice another one. It is odd; see [`checked`].
fn mark(book: &Book) -> u64 {
    book.digest.0.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes)) | 1
}

/// The next mark of an alert that is heard of. An even one says that a decision may still be about to place it by this
/// watchbook, so that it does not matter whether a command is heard before or after it is decided.
fn checked(before: u64, mark: u64) -> u64 {
    if before | 1 == mark { mark } else { mark - 1 }
}

/// Notes what is heard but is no fact: that alerts still fire, and what they say now. Also indexes a new watchbook.
pub(crate) fn hear(state: &mut State, context: &Context<'_>, source: &str, alerts: &[Observed]) {
    if state.compiled.as_ref().is_none_or(|compiled| !compiled.fits(context.book)) {
        state.compiled = Some(Arc::new(Compiled::of(context.book)));
    }
    for observed in alerts.iter().filter(|observed| !observed.is_resolved(context.now)) {
        let Some(slot) = state.slot_of(observed.labels.fingerprint()) else { continue };
        refresh(state, context, source, slot, observed);
    }
}

fn refresh(state: &mut State, context: &Context<'_>, source: &str, slot: u32, observed: &Observed) {
    let Some(alert) = state.alerts.get_mut(slot) else { return };
    alert.updated_at = context.now;
    alert.checked = checked(alert.checked, mark(context.book));
    alert.starts_at = observed.starts_at.map_or(alert.starts_at, |starts| starts.min(alert.starts_at));
    let (from, to) = (alert.ends_at, later(alert.ends_at, observed.ends(source, context.now)));
    if from != to {
        alert.ends_at = to;
        state.deadlines.postpone(from, to, slot);
    }
    if !alert.note.is(source, &observed.annotations, &observed.generator_url) {
        state.rewrite(slot, source, &observed.annotations, &observed.generator_url);
    }
}

/// The later of two ends; never is later than any.
fn later(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    Some(one?.max(other?))
}
