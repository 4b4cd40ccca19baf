//! The rules, one function per command: here those of people and of the clock; `observe`, `silence` and `escalate` hold
//! the others.

use kernel::area::Context;
use kernel::time::{Seconds, Timestamp};
use kernel::{Fingerprint, PersonName, ScheduleName};

use crate::command::{Command, RESOLVE_TIMEOUT, TEXT_BYTES_MAX};
use crate::deadline::bucket_of;
use crate::draft::Draft;
use crate::escalate::record_attempt;
use crate::event::{Event, ResolvedBy};
use crate::id::{OverrideId, PageId};
use crate::observe::observe;
use crate::page::{Page, Phase};
use crate::refusal::Refusal;
use crate::silence::{self, Wanted};
use crate::state::{State, Timer};

/// The longest override of a schedule.
pub const OVERRIDE_MAX: Seconds = Seconds::hours(24 * 90);
/// The most overrides of one schedule that are remembered.
pub const OVERRIDES_MAX: usize = 1000;

pub(crate) fn decide(state: &State, context: &Context<'_>, command: Command) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::Observe { source, alerts } => observe(state, context, &source, alerts),
        Command::Acknowledge { page, note } => acknowledge(state, context, page, note),
        Command::AcknowledgeAlert { alert, note } => acknowledge_alert(state, context, alert, &note),
        Command::Resolve { alert, note } => resolve(state, context, alert, note),
        Command::CreateSilence { matchers, starts_at, ends_at, created_by, comment, replaces } => {
            silence::create(state, context, Wanted { matchers, starts_at, ends_at, created_by, comment, replaces })
        }
        Command::ExpireSilence { id } => silence::expire(state, context, id),
        Command::OverrideShift { schedule, person, from, until } => {
            override_shift(state, context, schedule, person, from, until)
        }
        Command::CancelOverride { id } => match state.override_of(id) {
            Some(_) => Ok(vec![Event::OverrideCancelled { id }]),
            None => Err(Refusal::OverrideUnknown(id)),
        },
        Command::RecordAttempt { delivery, attempt } => record_attempt(state, context, delivery, attempt),
        Command::Resume => Ok(resume(state, context.now)),
    }
}

/// Refuses a text that is too long.
pub(crate) fn check_text(field: &'static str, text: &str, most: usize) -> Result<(), Refusal> {
    if text.len() > most { Err(Refusal::TextTooLong { field, bytes: text.len() }) } else { Ok(()) }
}

/// Who takes a page takes it once; a second word of the same actor changes nothing.
fn acknowledge(state: &State, context: &Context<'_>, page: PageId, note: String) -> Result<Vec<Event>, Refusal> {
    check_text("note", &note, TEXT_BYTES_MAX)?;
    let found = state.pages.get(&page).ok_or(Refusal::PageUnknown(page))?;
    match &found.phase {
        Phase::Told | Phase::Exhausted => Ok(vec![Event::PageAcknowledged { page, note }]),
        Phase::Acknowledged { by, .. } if by == context.actor => Ok(Vec::new()),
        Phase::Acknowledged { by, at, .. } => {
            Err(Refusal::AlreadyAcknowledged { page, by: by.to_string(), at: *at })
        }
        Phase::Closed { .. } => Err(Refusal::PageClosed(page)),
    }
}

fn acknowledge_alert(
    state: &State,
    context: &Context<'_>,
    alert: Fingerprint,
    note: &str,
) -> Result<Vec<Event>, Refusal> {
    let pages = state.pages_of(alert).ok_or(Refusal::AlertUnknown(alert))?;
    let decided = pages.iter().map(|page| acknowledge(state, context, page.id, note.to_owned()));
    let (mut events, mut refusal) = (Vec::new(), None);
    for one in decided {
        match one {
            Ok(more) => events.extend(more),
            Err(why) => refusal = Some(why),
        }
    }
    match refusal {
        _ if pages.is_empty() => Err(Refusal::AlertNotPaged(alert)),
        Some(why) if events.is_empty() => Err(why),
        _ => Ok(events),
    }
}

fn resolve(state: &State, context: &Context<'_>, alert: Fingerprint, note: String) -> Result<Vec<Event>, Refusal> {
    check_text("note", &note, TEXT_BYTES_MAX)?;
    let slot = state.slot_of(alert).ok_or(Refusal::AlertUnknown(alert))?;
    let mut draft = Draft::new(state, context);
    draft.resolve(slot, context.now, ResolvedBy::Person, note);
    draft.settle();
    Ok(draft.finish())
}

fn override_shift(
    state: &State,
    context: &Context<'_>,
    schedule: ScheduleName,
    person: PersonName,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    let invalid = |field, reason: String| Err(Refusal::ShiftInvalid { field, reason });
    if !context.book.schedules.contains_key(&schedule) {
        return invalid("schedule", format!("schedule {schedule} is not in the watchbook"));
    }
    if context.book.people.get(&person).is_none_or(|known| known.contacts.is_empty()) {
        return invalid("person", format!("{person} is not in the watchbook with a contact method: pages would be lost"));
    }
    if until <= from || until <= context.now {
        return invalid("until", "an override must end after it begins, and in the future".to_owned());
    }
    if OVERRIDE_MAX.after(from) < until {
        return invalid("until", "an override lasts at most 90 days: change the schedule in the watchbook".to_owned());
    }
    if state.overrides(&schedule).len() >= OVERRIDES_MAX {
        return invalid("schedule", format!("schedule {schedule} has 1000 overrides already: cancel some"));
    }
    let id = OverrideId(state.next_override);
    Ok(vec![Event::ShiftOverridden { id, schedule, person, from, until }])
}

/// Alerts that ended while nobody could hear of them get time to be sent again.
fn resume(state: &State, now: Timestamp) -> Vec<Event> {
    let until = RESOLVE_TIMEOUT.after(now);
    match state.deadlines.next() {
        Some(first) if first <= until => vec![Event::Resumed { until }],
        _ => Vec::new(),
    }
}

/// What is due by the clock: ends of alerts, silences, groups and steps, in this order and within the limit.
pub(crate) fn wake(state: &State, context: &Context<'_>) -> Vec<Event> {
    let mut draft = Draft::new(state, context);
    draft.expire_alerts();
    let timers: Vec<Timer> = state.timers.range(..=(context.now, LAST_TIMER)).map(|(_, timer)| *timer).collect();
    for timer in &timers {
        if let Timer::Silence(slot) = timer
            && !draft.is_full()
        {
            draft.turn_silence(*slot);
        }
    }
    draft.recheck_silences();
    for what in &state.unsettled {
        if !draft.is_full() {
            draft.recheck_deferred(what);
        }
    }
    draft.settle();
    for timer in timers {
        match timer {
            Timer::Group(slot) if !draft.is_full() => draft.flush_due(slot),
            Timer::Page(page) if !draft.is_full() => draft.page_due(page),
            _ => {}
        }
    }
    draft.finish()
}

/// The timer that sorts after all others of one instant.
const LAST_TIMER: Timer = Timer::Page(PageId(u64::MAX));

impl Draft<'_> {
    fn expire_alerts(&mut self) {
        let state = self.state;
        for (bucket, slot) in state.deadlines.due(self.now()) {
            if self.is_full() {
                return;
            }
            let Some(ends_at) = state.alerts.get(slot).and_then(|alert| alert.ends_at) else { continue };
            if bucket_of(ends_at) == bucket && !self.is_gone(slot) {
                self.resolve(slot, ends_at, ResolvedBy::Expired, String::new());
            }
        }
    }

    fn turn_silence(&mut self, slot: u32) {
        let Some(silence) = self.state.silences.get(slot) else { return };
        if silence.ends_at <= self.now() {
            self.expire_silence(silence);
        } else {
            self.start_silence(silence);
        }
    }

    /// A group whose time has come, unless this decision has settled it already.
    fn flush_due(&mut self, slot: u32) {
        let Some(group) = self.state.groups.get(slot) else { return };
        if !self.is_touched(group.key) {
            self.touch_due(group.key);
            self.settle_groups();
        }
    }

    /// A page whose next step is due, unless this decision has changed its group; then it stays due.
    fn page_due(&mut self, page: PageId) {
        let found: Option<&Page> = self.state.pages.get(&page);
        if let Some(page) = found.filter(|page| !self.is_touched(page.group)) {
            self.escalate_due(page);
        }
    }
}
