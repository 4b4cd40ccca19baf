//! The words that every room shares, the one shape each room has, and the ports the world must fill.
//!
//! Nothing here does I/O, reads a clock or rolls dice. A noun enters this crate only when three rooms need it.
//! Suggested reading order is the order of the modules below; each uses only those above it.

pub mod actor;
pub mod area;
pub mod attribute;
pub mod block;
pub mod book;
pub mod delivery;
pub mod digest;
pub mod labels;
pub mod log;
pub mod matcher;
pub mod name;
pub mod nodes;
pub mod port;
pub mod record;
pub mod sample;
pub mod search;
pub mod sensitivity;
pub mod severity;
pub mod time;

pub use actor::{Actor, Role};
pub use area::{Area, Context, EventMeta, Stream};
pub use attribute::{Attribute, Attributes};
pub use book::Book;
pub use delivery::{Address, ChannelKind, Delivery, DeliveryId, Outcome};
pub use digest::Digest;
pub use labels::{Fingerprint, Labels};
pub use log::{Level, LogEvent, Nanos, Origin, Span};
pub use matcher::Matcher;
pub use name::{
    ChannelName, ComponentName, HookName, IncidentId, IntervalName, NameError, PersonName, PolicyName, RuleName,
    ScheduleName, ServiceName, SourceName, TeamName, TemplateName,
};
pub use record::{Body, Record, Seq};
pub use sensitivity::Sensitivity;
pub use severity::{Impact, Severity};
pub use time::{Seconds, Timestamp};
