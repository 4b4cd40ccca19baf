//! What may be asked of this room. Not what comes of it: see `decide`.

use kernel::area::{Ask, Resource};
use kernel::delivery::Attempt;
use kernel::{ComponentName, DeliveryId, IncidentId, Seconds, Sensitivity};

use crate::words::{ComponentStatus, NoticeId, Stage, UpdateId};

/// What may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Writes an update that nobody outside sees yet: of the notice named, else of the incident's notice that is not
    /// resolved, else of a new notice.
    Draft {
        /// The notice that goes on.
        notice: Option<NoticeId>,
        /// The incident that it tells of.
        incident: Option<IncidentId>,
        /// The notice's title, for customers.
        title: String,
        /// How far the work is.
        stage: Stage,
        /// What customers are told.
        text: String,
        /// How well components do; those that are not named stay as the notice has them.
        components: Vec<(ComponentName, ComponentStatus)>,
        /// How long after its publication the next update is promised.
        next_update_in: Option<Seconds>,
        /// Who may read the draft.
        sensitivity: Sensitivity,
    },
    /// Writes a draft anew.
    Revise {
        /// Which draft.
        update: UpdateId,
        /// The notice's title.
        title: String,
        /// How far the work is.
        stage: Stage,
        /// What customers are told.
        text: String,
        /// How well components do.
        components: Vec<(ComponentName, ComponentStatus)>,
        /// How long after its publication the next update is promised.
        next_update_in: Option<Seconds>,
    },
    /// Makes a draft public.
    Publish {
        /// Which draft.
        update: UpdateId,
        /// The revision that the publisher has read; `None` publishes what is there.
        revision: Option<u32>,
    },
    /// Puts a draft away.
    Discard {
        /// Which draft.
        update: UpdateId,
    },
    /// The trouble of a resolved notice is back.
    Reopen {
        /// Which notice.
        notice: NoticeId,
        /// Why; not shown to customers.
        why: String,
    },
    /// What came of telling a room.
    RecordAttempt {
        /// Which delivery.
        delivery: DeliveryId,
        /// What came of it.
        attempt: Attempt,
    },
}

impl Command {
    /// The update it acts on, where it names one. An access decision takes that update's sensitivity:
    /// [`crate::State::sensitivity_of`].
    #[must_use]
    pub fn update(&self) -> Option<UpdateId> {
        match self {
            Self::Revise { update, .. } | Self::Publish { update, .. } | Self::Discard { update } => Some(*update),
            Self::Draft { .. } | Self::Reopen { .. } | Self::RecordAttempt { .. } => None,
        }
    }
}

impl Ask for Command {
    fn action(&self) -> &'static str {
        match self {
            Self::Draft { .. } => "comms:draft",
            Self::Revise { .. } => "comms:revise",
            Self::Publish { .. } => "comms:publish",
            Self::Discard { .. } => "comms:discard",
            Self::Reopen { .. } => "comms:reopen",
            Self::RecordAttempt { .. } => "comms:record_attempt",
        }
    }

    fn resource(&self) -> Resource {
        let (kind, id, sensitivity) = match self {
            Self::Draft { incident, sensitivity, .. } => {
                ("notice", incident.map(|incident| incident.to_string()).unwrap_or_default(), *sensitivity)
            }
            Self::Revise { update, .. } | Self::Publish { update, .. } | Self::Discard { update } => {
                ("update", update.to_string(), Sensitivity::Internal)
            }
            Self::Reopen { notice, .. } => ("notice", notice.to_string(), Sensitivity::Internal),
            Self::RecordAttempt { delivery, .. } => ("delivery", delivery.to_string(), Sensitivity::Internal),
        };
        Resource { kind, id: id.into(), sensitivity }
    }
}
