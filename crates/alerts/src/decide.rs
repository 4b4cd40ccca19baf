//! The rules, one function per command: here those of people and of the clock; `observe`, `silence` and `escalate` hold
//! the others.

use kernel::Fingerprint;
use kernel::area::Context;
use kernel::time::Timestamp;

use crate::command::{Command, RESOLVE_TIMEOUT, TEXT_BYTES_MAX};
use crate::deadline::bucket_of;
use crate::draft::Draft;
use crate::escalate::record_attempt;
use crate::event::{Event, ResolvedBy};
use crate::id::PageId;
use crate::observe::observe;
use crate::page::{Page, Phase};
use crate::refusal::Refusal;
use crate::shift;
use crate::silence::{self, Wanted};
use crate::state::{State, Timer};

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
            shift::take(state, context, schedule, person, from, until)
        }
        Command::CancelOverride { id } => shift::cancel(state, id),
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
        Phase::Acknowledged { by, at, .. } => Err(Refusal::AlreadyAcknowledged { page, by: by.to_string(), at: *at }),
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
