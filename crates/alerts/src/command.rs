//! What may be asked of this room. Not how it is decided: see `decide`.

use kernel::area::{Ask, Resource};
use kernel::delivery::Attempt;
use kernel::time::{Seconds, Timestamp};
use kernel::{DeliveryId, Fingerprint, Labels, Matcher, PersonName, ScheduleName, Sensitivity};

use crate::id::{OverrideId, PageId, SilenceId};

/// How long an alert without an end lasts after it was last sent.
pub const RESOLVE_TIMEOUT: Seconds = Seconds::minutes(5);
/// The source whose alerts are resolved only by being told so, because it is watched by us and not by a network.
pub const OWN_SOURCE: &str = "watchkeeper";
/// The most alerts in one [`Command::Observe`].
pub const OBSERVE_ALERTS_MAX: usize = 10_000;
/// The most bytes of a note, a comment or a name that a client gives.
pub const TEXT_BYTES_MAX: usize = 4096;

/// One alert as a source reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// Its identity; never empty.
    pub labels: Labels,
    /// What it says to people; may change while it fires.
    pub annotations: Labels,
    /// Since when it fires; `None` means since now.
    pub starts_at: Option<Timestamp>,
    /// When it ends unless it is sent again: not after now means that it is resolved; `None` means
    /// [`RESOLVE_TIMEOUT`] from now, or never when the source is [`OWN_SOURCE`].
    pub ends_at: Option<Timestamp>,
    /// Where it was made, for a link; may be empty.
    pub generator_url: Box<str>,
}

/// What may be asked.
#[derive(Debug, Clone)]
pub enum Command {
    /// A source reports alerts. The last word on each fingerprint counts.
    Observe {
        /// Who reports: the integration's name.
        source: Box<str>,
        /// At most [`OBSERVE_ALERTS_MAX`].
        alerts: Vec<Observed>,
    },
    /// Somebody takes a page. Escalation stops.
    Acknowledge {
        /// Which page.
        page: PageId,
        /// What they say about it; may be empty.
        note: String,
    },
    /// Somebody takes all open pages of an alert.
    AcknowledgeAlert {
        /// Which alert.
        alert: Fingerprint,
        /// What they say about it; may be empty.
        note: String,
    },
    /// A person says that an alert is over. When its source sends it as firing again, it opens again at once.
    Resolve {
        /// Which alert.
        alert: Fingerprint,
        /// What they say about it; may be empty.
        note: String,
    },
    /// Somebody mutes all alerts that meet all matchers, for a while.
    CreateSilence {
        /// The conditions; at least one must not accept an absent label.
        matchers: Vec<Matcher>,
        /// When it begins; the past means now.
        starts_at: Timestamp,
        /// When it ends.
        ends_at: Timestamp,
        /// Who says so, as the client names them; empty means the actor.
        created_by: String,
        /// Why.
        comment: String,
        /// The silence that this one takes the place of.
        replaces: Option<SilenceId>,
    },
    /// Somebody ends a silence now.
    ExpireSilence {
        /// Which silence.
        id: SilenceId,
    },
    /// Somebody takes a shift of a schedule.
    OverrideShift {
        /// Which schedule.
        schedule: ScheduleName,
        /// Who is on duty instead.
        person: PersonName,
        /// From when.
        from: Timestamp,
        /// Until when.
        until: Timestamp,
    },
    /// Somebody takes an override back.
    CancelOverride {
        /// Which override.
        id: OverrideId,
    },
    /// The outbox says what came of an attempt to deliver.
    RecordAttempt {
        /// Which delivery.
        delivery: DeliveryId,
        /// What came of it.
        attempt: Attempt,
    },
    /// The system starts: alerts that ended while it was down get time to be sent again.
    Resume,
}

impl Ask for Command {
    fn action(&self) -> &'static str {
        match self {
            Self::Observe { .. } => "alerts:observe",
            Self::Acknowledge { .. } | Self::AcknowledgeAlert { .. } => "alerts:acknowledge",
            Self::Resolve { .. } => "alerts:resolve",
            Self::CreateSilence { .. } => "alerts:create_silence",
            Self::ExpireSilence { .. } => "alerts:expire_silence",
            Self::OverrideShift { .. } => "alerts:override_shift",
            Self::CancelOverride { .. } => "alerts:cancel_override",
            Self::RecordAttempt { .. } => "alerts:record_attempt",
            Self::Resume => "alerts:resume",
        }
    }

    fn resource(&self) -> Resource {
        let (kind, id): (_, Box<str>) = match self {
            Self::Observe { source, .. } => ("source", source.clone()),
            Self::Acknowledge { page, .. } => ("page", page.to_string().into()),
            Self::AcknowledgeAlert { alert, .. } | Self::Resolve { alert, .. } => ("alert", alert.to_string().into()),
            Self::CreateSilence { replaces, .. } => {
                ("silence", replaces.as_ref().map_or_else(Box::default, |id| id.0.clone()))
            }
            Self::ExpireSilence { id } => ("silence", id.0.clone()),
            Self::OverrideShift { schedule, .. } => ("schedule", schedule.as_str().into()),
            Self::CancelOverride { id } => ("schedule", id.to_string().into()),
            Self::RecordAttempt { delivery, .. } => ("page", delivery.0.clone()),
            Self::Resume => ("system", "".into()),
        };
        Resource { kind, id, sensitivity: Sensitivity::Internal }
    }
}
