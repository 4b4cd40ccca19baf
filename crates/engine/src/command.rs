//! The commands and events of all areas, as one enum each, and facts: events with their place. No rules here.

use kernel::area::{Ask, EventMeta, Resource, Stream};
use kernel::{Actor, Area, Sensitivity, Seq, Timestamp};

/// Applies a macro to the table of areas; the one list of them.
macro_rules! areas {
    ($apply:ident) => {
        $apply! {
            Signals signals, Alerts alerts, Incidents incidents, Comms comms, Learning learning, Governance governance
        }
    };
}
pub(crate) use areas;

macro_rules! enums {
    ($($name:ident $room:ident),*) => {
        /// What may be asked, of any area.
        #[derive(Debug)]
        pub enum Command {
            $(#[doc = concat!("Asked of ", stringify!($room), ".")]
            $name($room::Command),)*
        }

        /// What happened, in any area.
        #[derive(Debug, Clone)]
        pub enum Event {
            $(#[doc = concat!("Happened in ", stringify!($room), ".")]
            $name($room::Event),)*
        }

        $(impl From<$room::Command> for Command {
            fn from(command: $room::Command) -> Self {
                Self::$name(command)
            }
        }

        impl From<$room::Event> for Event {
            fn from(event: $room::Event) -> Self {
                Self::$name(event)
            }
        })*

        impl Command {
            /// The area that decides it.
            #[must_use]
            pub fn area(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => <$room::$name as Area>::NAME,)*
                }
            }
        }

        impl Ask for Command {
            fn action(&self) -> &'static str {
                match self { $(Self::$name(command) => command.action(),)* }
            }

            fn resource(&self) -> Resource {
                match self { $(Self::$name(command) => command.resource(),)* }
            }
        }

        impl Event {
            /// The area in which it happened.
            #[must_use]
            pub fn area(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => <$room::$name as Area>::NAME,)*
                }
            }

            /// Appends the event as the journal keeps it.
            ///
            /// # Errors
            /// When a room's event cannot be written as JSON, which its tests rule out.
            pub fn write_json(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
                match self { $(Self::$name(event) => serde_json::to_writer(out, event),)* }
            }

            /// Reads an event of an area back.
            ///
            /// # Errors
            /// When the area is unknown or the body is not an event of it.
            pub fn from_json(area: &str, json: &[u8]) -> Result<Self, String> {
                match area {
                    $(<$room::$name as Area>::NAME => {
                        serde_json::from_slice(json).map(Self::$name).map_err(|error| error.to_string())
                    })*
                    other => Err(format!("no area is called {other:?}")),
                }
            }
        }

        impl EventMeta for Event {
            fn kind(&self) -> &'static str {
                match self { $(Self::$name(event) => event.kind(),)* }
            }

            fn version(&self) -> u16 {
                match self { $(Self::$name(event) => event.version(),)* }
            }

            fn stream(&self) -> Stream {
                match self { $(Self::$name(event) => event.stream(),)* }
            }

            fn sensitivity(&self) -> Sensitivity {
                match self { $(Self::$name(event) => event.sensitivity(),)* }
            }

            fn indexed(&self) -> bool {
                match self { $(Self::$name(event) => event.indexed(),)* }
            }
        }
    };
}
areas!(enums);

/// An event that happened, with its place in the journal.
#[derive(Debug, Clone)]
pub struct Fact {
    /// Its place.
    pub seq: Seq,
    /// When it was decided.
    pub at: Timestamp,
    /// Who asked for it.
    pub actor: Actor,
    /// The access policy that allowed it.
    pub policy: Box<str>,
    /// The fact it reacts to, when it is a reaction.
    pub cause: Option<Seq>,
    /// What happened.
    pub event: Event,
}
