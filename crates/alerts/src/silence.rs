//! Silences: who muted what until when, and the rules for writing and ending one. Not what they do: see `mute`.

use kernel::area::{Context, Stamp};
use kernel::time::{Seconds, Timestamp};
use kernel::{Actor, Labels, Matcher};
use serde::{Deserialize, Serialize};

use crate::command::TEXT_BYTES_MAX;
use crate::draft::Draft;
use crate::event::{Event, Muting};
use crate::id::SilenceId;
use crate::inhibit::all_hold;
use crate::refusal::Refusal;
use crate::state::{State, Timer};

/// How long a silence is remembered after its end.
pub const SILENCE_RETENTION: Seconds = Seconds::hours(120);
/// The most silences that are remembered at once, those that are over included.
pub const SILENCES_MAX: usize = 100_000;
/// How many old silences are forgotten when another one is written or ends.
const FORGOTTEN_AT_ONCE: usize = 16;
/// The most matchers of one silence.
pub const SILENCE_MATCHERS_MAX: usize = 64;

/// A silence, as it is remembered and as readers see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// Its id.
    pub id: SilenceId,
    /// The conditions, all of which must hold.
    pub matchers: Vec<Matcher>,
    /// When it begins.
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// Who says so, as the client named them, else the actor.
    pub created_by: String,
    /// Who wrote it.
    pub actor: Actor,
    /// Why.
    pub comment: String,
    /// When it was written or ended.
    pub updated_at: Timestamp,
    /// Whether the fact that it began was written.
    pub started: bool,
    /// Whether the fact that it is over was written.
    pub expired: bool,
}

/// Where a silence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SilenceStatus {
    /// It has not begun.
    Pending,
    /// It mutes.
    Active,
    /// It is over.
    Expired,
}

impl Silence {
    /// Where it stands at an instant.
    #[must_use]
    pub fn status(&self, at: Timestamp) -> SilenceStatus {
        if self.expired || self.ends_at <= at {
            SilenceStatus::Expired
        } else if self.starts_at <= at {
            SilenceStatus::Active
        } else {
            SilenceStatus::Pending
        }
    }

    /// Whether all its conditions hold for labels.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        all_hold(&self.matchers, labels)
    }

    /// When it is forgotten, once it is over.
    fn forget_at(&self) -> Option<Timestamp> {
        self.expired.then(|| SILENCE_RETENTION.after(self.ends_at))
    }

    /// When something is to be done about it.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        match (self.expired, self.started) {
            (true, _) => None,
            (false, true) => Some(self.ends_at),
            (false, false) => Some(self.starts_at.min(self.ends_at)),
        }
    }
}

/// What a client asks for.
pub(crate) struct Wanted {
    pub matchers: Vec<Matcher>,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    pub created_by: String,
    pub comment: String,
    pub replaces: Option<SilenceId>,
}

/// Decides `CreateSilence`. A silence keeps its id when only its end or its words change, as in Alertmanager;
/// otherwise the old one expires and a new one begins.
pub(crate) fn create(state: &State, context: &Context<'_>, wanted: Wanted) -> Result<Vec<Event>, Refusal> {
    check(state, context.now, &wanted)?;
    let now = context.now;
    let starts_at = wanted.starts_at.max(now);
    let old = match &wanted.replaces {
        None => None,
        Some(id) => Some(state.silence_of(id).ok_or_else(|| Refusal::SilenceUnknown(id.clone()))?),
    };
    let mut draft = Draft::new(state, context);
    let kept = old.filter(|old| continues(old, &wanted, now));
    let (id, starts_at) = match kept {
        Some(old) if old.status(now) == SilenceStatus::Active => (old.id.clone(), old.starts_at),
        Some(old) => (old.id.clone(), starts_at),
        None => (SilenceId::from_nonce(context.nonce), starts_at),
    };
    if kept.is_none()
        && let Some(old) = old.filter(|old| !old.expired)
    {
        draft.expire_silence(old);
    }
    let silence = Silence {
        id: id.clone(),
        matchers: wanted.matchers,
        starts_at,
        ends_at: wanted.ends_at,
        created_by: wanted.created_by,
        actor: context.actor.clone(),
        comment: wanted.comment,
        updated_at: now,
        started: kept.is_some_and(|old| old.started),
        expired: false,
    };
    draft.facts.push(Event::SilenceCreated {
        id,
        matchers: silence.matchers.clone(),
        starts_at,
        ends_at: silence.ends_at,
        created_by: silence.created_by.clone(),
        comment: silence.comment.clone(),
    });
    if starts_at <= now && !silence.started {
        draft.start_silence(&silence);
        draft.written = Some(silence);
    }
    draft.recheck_silences();
    draft.settle();
    Ok(draft.finish())
}

/// Whether what is wanted is the same silence with another end or other words.
fn continues(old: &Silence, wanted: &Wanted, now: Timestamp) -> bool {
    old.matchers == wanted.matchers
        && match old.status(now) {
            SilenceStatus::Active => wanted.starts_at == old.starts_at,
            SilenceStatus::Pending => wanted.starts_at >= now,
            SilenceStatus::Expired => false,
        }
}

fn check(state: &State, now: Timestamp, wanted: &Wanted) -> Result<(), Refusal> {
    let invalid = |field, reason: &str| Err(Refusal::SilenceInvalid { field, reason: reason.to_owned() });
    if wanted.matchers.is_empty() || wanted.matchers.iter().all(|matcher| matcher.accepts("")) {
        return invalid("matchers", "at least one matcher must not accept an absent label: this would mute everything");
    }
    if wanted.matchers.len() > SILENCE_MATCHERS_MAX {
        return invalid("matchers", "a silence has at most 64 matchers: write two silences");
    }
    if wanted.ends_at <= wanted.starts_at {
        return invalid("ends_at", "a silence must end after it begins");
    }
    if wanted.ends_at <= now {
        return invalid("ends_at", "a silence must end in the future");
    }
    if state.silences.len() >= SILENCES_MAX {
        return invalid(
            "matchers",
            "there are 100,000 silences already: expire some, they are forgotten after 120 hours",
        );
    }
    for (field, text) in [("comment", &wanted.comment), ("created_by", &wanted.created_by)] {
        crate::decide::check_text(field, text, TEXT_BYTES_MAX)?;
    }
    Ok(())
}

/// Decides `ExpireSilence`.
pub(crate) fn expire(state: &State, context: &Context<'_>, id: SilenceId) -> Result<Vec<Event>, Refusal> {
    let Some(silence) = state.silence_of(&id) else {
        return Err(Refusal::SilenceUnknown(id));
    };
    if silence.status(context.now) == SilenceStatus::Expired {
        return Err(Refusal::SilenceExpired(id));
    }
    let mut draft = Draft::new(state, context);
    draft.expire_silence(silence);
    draft.recheck_silences();
    draft.settle();
    Ok(draft.finish())
}

impl State {
    pub(crate) fn evolve_silence(&mut self, stamp: Stamp<'_>, event: &Event) {
        match event {
            Event::SilenceCreated { id, matchers, starts_at, ends_at, created_by, comment } => {
                let started = self.silence_of(id).is_some_and(|old| old.started);
                let by_actor = || stamp.actor.to_string();
                self.insert_silence(Silence {
                    id: id.clone(),
                    matchers: matchers.clone(),
                    starts_at: *starts_at,
                    ends_at: *ends_at,
                    created_by: if created_by.is_empty() { by_actor() } else { created_by.clone() },
                    actor: stamp.actor.clone(),
                    comment: comment.clone(),
                    updated_at: stamp.at,
                    started,
                    expired: false,
                });
                self.forget_silences(stamp.at);
            }
            Event::SilenceStarted { id } => self.change_silence(id, |silence| silence.started = true),
            Event::SilenceExpired { id } => {
                self.change_silence(id, |silence| {
                    silence.expired = true;
                    // Who ends a silence before it began leaves one that never was in force.
                    silence.ends_at = silence.ends_at.min(stamp.at);
                    silence.starts_at = silence.starts_at.min(silence.ends_at);
                    silence.updated_at = stamp.at;
                });
                self.forget_silences(stamp.at);
            }
            _ => {}
        }
    }

    pub(crate) fn insert_silence(&mut self, silence: Silence) {
        if let Some(slot) = self.by_silence.get(&silence.id).copied() {
            self.drop_silence(slot);
        }
        let (id, due, forget_at) = (silence.id.clone(), silence.due(), silence.forget_at());
        let slot = self.silences.insert(silence);
        self.by_silence.insert(id, slot);
        match (self.silences.get(slot), forget_at) {
            (_, Some(at)) => {
                self.expired.insert((at, slot));
            }
            (Some(silence), None) => self.conditions.add(slot, &silence.matchers),
            (None, None) => {}
        }
        self.retime(Timer::Silence(slot), None, due);
    }

    fn change_silence(&mut self, id: &SilenceId, change: impl FnOnce(&mut Silence)) {
        let Some(slot) = self.by_silence.get(id).copied() else { return };
        let Some(silence) = self.silences.get_mut(slot) else { return };
        let (was, was_expired) = (silence.due(), silence.expired);
        change(silence);
        let (is, forget_at) = (silence.due(), silence.forget_at());
        if let Some(at) = forget_at.filter(|_| !was_expired) {
            self.conditions.remove(slot, &silence.matchers);
            self.expired.insert((at, slot));
        }
        self.retime(Timer::Silence(slot), was, is);
    }

    fn drop_silence(&mut self, slot: u32) {
        let Some(silence) = self.silences.remove(slot) else { return };
        self.by_silence.remove(&silence.id);
        match silence.forget_at() {
            Some(at) => {
                self.expired.remove(&(at, slot));
            }
            None => self.conditions.remove(slot, &silence.matchers),
        }
        self.retime(Timer::Silence(slot), silence.due(), None);
    }

    /// Forgets silences that ended long ago, a few each time.
    fn forget_silences(&mut self, now: Timestamp) {
        let due: Vec<u32> = self.expired.range(..(now, 0)).take(FORGOTTEN_AT_ONCE).map(|(_, slot)| *slot).collect();
        due.into_iter().for_each(|slot| self.drop_silence(slot));
    }
}

impl Draft<'_> {
    /// A silence begins now.
    pub(crate) fn start_silence(&mut self, silence: &Silence) {
        self.facts.push(Event::SilenceStarted { id: silence.id.clone() });
        self.rechecks.push(Muting::Silence(silence.id.clone()));
    }

    /// A silence is over now.
    pub(crate) fn expire_silence(&mut self, silence: &Silence) {
        self.facts.push(Event::SilenceExpired { id: silence.id.clone() });
        self.ended.push(silence.id.clone());
        if silence.started {
            self.rechecks.push(Muting::Silence(silence.id.clone()));
        }
    }

    /// Looks again at every alert that a silence which began or ended reaches.
    pub(crate) fn recheck_silences(&mut self) {
        for what in std::mem::take(&mut self.rechecks) {
            self.recheck(what);
        }
    }
}
