//! Why a rule of this room says no, and the way out.

use kernel::area::{RefusalKind, Refuse};
use kernel::time::Timestamp;
use kernel::{DeliveryId, Fingerprint};

use crate::command::OBSERVE_ALERTS_MAX;
use crate::id::{OverrideId, PageId, SilenceId};

/// Why a rule says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// An observed alert breaks a rule.
    #[error("alert {index} of the batch {reason}")]
    AlertInvalid {
        /// Its place in the batch, from zero.
        index: usize,
        /// The rule and the way out.
        reason: &'static str,
    },
    /// The batch is too large.
    #[error("the batch holds {0} alerts, at most {OBSERVE_ALERTS_MAX} are taken at once: send smaller batches")]
    BatchTooLarge(usize),
    /// No such alert fires.
    #[error("alert {0} does not fire: it was resolved, or never came")]
    AlertUnknown(Fingerprint),
    /// The alert has no open page.
    #[error("alert {0} has no open page: nobody was paged for it yet, see why on its page")]
    AlertNotPaged(Fingerprint),
    /// There is no such page.
    #[error("{0} is not known: it never was, or it closed long ago and is only in the journal")]
    PageUnknown(PageId),
    /// The page is closed.
    #[error("{0} is closed: all its alerts are resolved")]
    PageClosed(PageId),
    /// Somebody else was first.
    #[error("{page} is already acknowledged by {by} at {at}")]
    AlreadyAcknowledged {
        /// Which page.
        page: PageId,
        /// Who has it.
        by: String,
        /// Since when.
        at: Timestamp,
    },
    /// A silence breaks a rule.
    #[error("{reason}")]
    SilenceInvalid {
        /// The field.
        field: &'static str,
        /// The rule and the way out.
        reason: String,
    },
    /// There is no such silence.
    #[error("silence {0} is not known: it never was, or it expired long ago")]
    SilenceUnknown(SilenceId),
    /// The silence is over.
    #[error("silence {0} has already expired: create a new one")]
    SilenceExpired(SilenceId),
    /// An override breaks a rule.
    #[error("{reason}")]
    ShiftInvalid {
        /// The field.
        field: &'static str,
        /// The rule and the way out.
        reason: String,
    },
    /// There is no such override.
    #[error("{0} is not known: it was cancelled, or ended long ago")]
    OverrideUnknown(OverrideId),
    /// There is no such delivery.
    #[error("delivery {0} is not one of a page that is remembered")]
    DeliveryUnknown(DeliveryId),
    /// A text is too long.
    #[error("{field} is too long: it has {bytes} bytes, at most 4096 are taken")]
    TextTooLong {
        /// The field.
        field: &'static str,
        /// How long it is.
        bytes: usize,
    },
}

impl Refuse for Refusal {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::AlertUnknown(_)
            | Self::PageUnknown(_)
            | Self::SilenceUnknown(_)
            | Self::OverrideUnknown(_)
            | Self::DeliveryUnknown(_) => RefusalKind::NotFound,
            Self::AlertNotPaged(_)
            | Self::PageClosed(_)
            | Self::AlreadyAcknowledged { .. }
            | Self::SilenceExpired(_) => RefusalKind::Conflict,
            Self::AlertInvalid { .. }
            | Self::BatchTooLarge(_)
            | Self::SilenceInvalid { .. }
            | Self::ShiftInvalid { .. }
            | Self::TextTooLong { .. } => RefusalKind::Invalid,
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::AlertInvalid { .. } | Self::BatchTooLarge(_) => Some("alerts"),
            Self::SilenceInvalid { field, .. } | Self::ShiftInvalid { field, .. } | Self::TextTooLong { field, .. } => {
                Some(field)
            }
            _ => None,
        }
    }
}
