//! The one place where access is decided, and the live policies behind it. What they say is governance's.

use std::sync::Arc;

use governance::{Decision, Permit};
use kernel::area::Resource;
use kernel::{Actor, Book};
use parking_lot::RwLock;

/// The live access policies.
pub(crate) struct Access(RwLock<Arc<Permit>>);

impl Access {
    /// The policies of a watchbook.
    ///
    /// # Errors
    /// When they do not parse, with the place.
    pub(crate) fn new(book: &Book) -> Result<Self, String> {
        Permit::new(book).map(|permit| Self(RwLock::new(Arc::new(permit)))).map_err(|error| error.to_string())
    }

    /// Parses the policies of another watchbook, to be put in place later.
    ///
    /// # Errors
    /// When they do not parse, with the place.
    pub(crate) fn prepare(&self, book: &Book) -> Result<Permit, String> {
        Permit::new(book).map_err(|error| error.to_string())
    }

    /// Puts other policies in place.
    pub(crate) fn replace(&self, permit: Permit) {
        *self.0.write() = Arc::new(permit);
    }

    /// The policy that allows something.
    ///
    /// # Errors
    /// Why nothing allows it.
    pub(crate) fn permit(
        &self,
        actor: &Actor,
        scopes: &[Box<str>],
        action: &str,
        resource: &Resource,
    ) -> Result<Box<str>, String> {
        let permit = Arc::clone(&self.0.read());
        match permit.decide(actor, scopes, action, resource) {
            Decision::Allowed { policy } => Ok(policy),
            Decision::Denied { reason } => Err(reason),
        }
    }
}
