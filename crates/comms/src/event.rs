//! What can have happened in this room. The forms are frozen: tests hold their bytes; fields added later have defaults.

use kernel::area::{EventMeta, Stream};
use kernel::delivery::Attempt;
use kernel::{Address, ComponentName, DeliveryId, IncidentId, Seconds, Sensitivity, Timestamp};
use serde::{Deserialize, Serialize};

use crate::words::{ComponentStatus, NoticeId, Stage, UpdateId};

/// What an update says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wording {
    /// The notice's title, for customers.
    pub title: String,
    /// How far the work is.
    pub stage: Stage,
    /// What customers are told.
    pub text: String,
    /// How well components do; those that are not named stay as the notice has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<(ComponentName, ComponentStatus)>,
    /// How long after its publication the next update is promised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_update_in: Option<Seconds>,
}

/// What can have happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// An update was written; nobody outside sees it.
    UpdateDrafted {
        /// Which notice it belongs to.
        notice: NoticeId,
        /// Which update.
        update: UpdateId,
        /// The incident that the notice tells of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        incident: Option<IncidentId>,
        /// What it says.
        wording: Wording,
        /// Who may read it.
        #[serde(default, skip_serializing_if = "is_internal")]
        sensitivity: Sensitivity,
    },
    /// A draft was written anew.
    UpdateRevised {
        /// Which notice.
        notice: NoticeId,
        /// Which update.
        update: UpdateId,
        /// How often it was written anew, this time included.
        revision: u32,
        /// What it says now.
        wording: Wording,
        /// Who may read it.
        #[serde(default, skip_serializing_if = "is_internal")]
        sensitivity: Sensitivity,
    },
    /// An update became public.
    UpdatePublished {
        /// Which notice.
        notice: NoticeId,
        /// Which update.
        update: UpdateId,
        /// The incident that the notice tells of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        incident: Option<IncidentId>,
        /// What it says.
        wording: Wording,
        /// When the next update is promised.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next_update_at: Option<Timestamp>,
    },
    /// The rooms of the teams concerned are to be told of a published update. A fact of its own, because addresses of
    /// rooms are nothing for the public.
    TellingRequested {
        /// Which notice.
        notice: NoticeId,
        /// Which update.
        update: UpdateId,
        /// The rooms.
        rooms: Vec<Address>,
    },
    /// A draft was put away.
    UpdateDiscarded {
        /// Which notice.
        notice: NoticeId,
        /// Which update.
        update: UpdateId,
        /// Who may read it.
        #[serde(default, skip_serializing_if = "is_internal")]
        sensitivity: Sensitivity,
    },
    /// The trouble of a resolved notice is back.
    NoticeReopened {
        /// Which notice.
        notice: NoticeId,
        /// Why; not shown to customers.
        why: String,
        /// Who may read it.
        #[serde(default, skip_serializing_if = "is_internal")]
        sensitivity: Sensitivity,
    },
    /// Telling a room was tried.
    TellingAttempted {
        /// Which notice.
        notice: NoticeId,
        /// Which update.
        update: UpdateId,
        /// Which delivery.
        delivery: DeliveryId,
        /// What came of it.
        attempt: Attempt,
    },
}

impl Event {
    /// The notice that it is about.
    #[must_use]
    pub fn notice(&self) -> NoticeId {
        match self {
            Self::UpdateDrafted { notice, .. }
            | Self::UpdateRevised { notice, .. }
            | Self::UpdatePublished { notice, .. }
            | Self::UpdateDiscarded { notice, .. }
            | Self::NoticeReopened { notice, .. }
            | Self::TellingRequested { notice, .. }
            | Self::TellingAttempted { notice, .. } => *notice,
        }
    }
}

impl EventMeta for Event {
    fn kind(&self) -> &'static str {
        match self {
            Self::UpdateDrafted { .. } => "UpdateDrafted",
            Self::UpdateRevised { .. } => "UpdateRevised",
            Self::UpdatePublished { .. } => "UpdatePublished",
            Self::UpdateDiscarded { .. } => "UpdateDiscarded",
            Self::NoticeReopened { .. } => "NoticeReopened",
            Self::TellingRequested { .. } => "TellingRequested",
            Self::TellingAttempted { .. } => "TellingAttempted",
        }
    }

    fn stream(&self) -> Stream {
        Stream(self.notice().to_string().into())
    }

    /// A published update is public, whatever its draft was.
    fn sensitivity(&self) -> Sensitivity {
        match self {
            Self::UpdatePublished { .. } => Sensitivity::Public,
            Self::TellingRequested { .. } | Self::TellingAttempted { .. } => Sensitivity::Internal,
            Self::UpdateDrafted { sensitivity, .. }
            | Self::UpdateRevised { sensitivity, .. }
            | Self::UpdateDiscarded { sensitivity, .. }
            | Self::NoticeReopened { sensitivity, .. } => *sensitivity,
        }
    }
}

fn is_internal(sensitivity: &Sensitivity) -> bool {
    *sensitivity == Sensitivity::Internal
}
