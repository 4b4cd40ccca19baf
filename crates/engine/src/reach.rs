//! What somebody may see in a list. Each item is decided by the access policies, silently, because to be left out of a list
//! is no denial; what is restricted and shown all the same is noted as read.

use std::sync::Arc;

use kernel::{Actor, Sensitivity};

use crate::handle::{Engine, Read, resource_text};

/// How far an actor may see among the things of one kind.
pub struct Reach<'a> {
    engine: &'a Engine,
    actor: &'a Actor,
    /// `None` when the actor's token is no longer good, so that nothing is in reach.
    scopes: Option<Arc<[Box<str>]>>,
    action: &'static str,
}

impl Engine {
    /// How far an actor may see when a list is read; `action` is like `incidents:read`. Ask it while the world is read.
    #[must_use]
    pub fn reach<'a>(&'a self, actor: &'a Actor, action: &'static str) -> Reach<'a> {
        Reach { engine: self, actor, scopes: self.scopes(actor).ok(), action }
    }
}

impl Reach<'_> {
    /// Whether an item may be seen at all, for what counts items and does not show them.
    #[must_use]
    pub fn covers(&self, id: &str, sensitivity: Sensitivity) -> bool {
        let Some(scopes) = &self.scopes else { return false };
        let Read { action, resource } = Read::one(self.action, id, sensitivity);
        self.engine.shared.access.permit(self.actor, scopes, action, &resource).is_ok()
    }

    /// Whether an item may be shown. One that is restricted and shown is a read, and that is a fact.
    #[must_use]
    pub fn shows(&self, id: &str, sensitivity: Sensitivity) -> bool {
        let shown = self.covers(id, sensitivity);
        if shown {
            self.note(id, sensitivity);
        }
        shown
    }

    /// Notes that an item is shown, when that is to be noted: for what covers many items and shows a few.
    pub fn note(&self, id: &str, sensitivity: Sensitivity) {
        if sensitivity == Sensitivity::Restricted {
            let resource = resource_text(&Read::one(self.action, id, sensitivity).resource);
            self.engine.tell(governance::Command::RecordRead { actor: self.actor.clone(), resource });
        }
    }
}
