//! The world: the live state of every area, folded from the journal. Only the writer changes it; everybody reads it.

use std::sync::Arc;

use kernel::area::Stamp;
use kernel::{Area, Book, Delivery, Seq, Timestamp};
use serde::{Deserialize, Serialize};

use crate::chain::Chain;
use crate::command::{Event, Fact, areas};

macro_rules! world {
    ($($name:ident $room:ident),*) => {
        /// The live state of every area.
        #[derive(Default, Serialize, Deserialize)]
        pub struct World {
            $(#[doc = concat!("What ", stringify!($room), " remembers.")]
            pub $room: $room::State,)*
            /// The live watchbook.
            #[serde(skip)]
            pub book: Arc<Book>,
            /// The place of the next fact.
            pub next: Seq,
            /// When the last fact was decided.
            pub last_at: Option<Timestamp>,
            pub(crate) chain: Chain,
        }

        impl World {
            /// Folds a fact in. Its leaf goes into the chain elsewhere, where its bytes are known.
            pub(crate) fn evolve(&mut self, fact: &Fact) {
                let stamp = Stamp { seq: fact.seq, at: fact.at, actor: &fact.actor };
                match &fact.event {
                    $(Event::$name(event) => <$room::$name as Area>::evolve(&mut self.$room, stamp, event),)*
                }
                self.next = Seq(fact.seq.0 + 1);
                self.last_at = Some(fact.at);
            }

            /// What the world outside must be asked to do because of a fact that was just folded in.
            pub(crate) fn deliveries(&self, event: &Event) -> Vec<(&'static str, Delivery)> {
                let (area, deliveries) = match event {
                    $(Event::$name(event) => (
                        <$room::$name as Area>::NAME,
                        <$room::$name as Area>::deliveries(&self.$room, &self.book, event),
                    ),)*
                };
                deliveries.into_iter().map(|delivery| (area, delivery)).collect()
            }

            /// What was asked of the world outside and is not yet answered.
            pub(crate) fn outstanding(&self) -> Vec<(&'static str, Delivery)> {
                let mut all = Vec::new();
                $({
                    let area = <$room::$name as Area>::NAME;
                    let asked = <$room::$name as Area>::outstanding(&self.$room, &self.book);
                    all.extend(asked.into_iter().map(|delivery| (area, delivery)));
                })*
                all
            }

            /// When an area next wants to be woken.
            #[must_use]
            pub fn next_due(&self) -> Option<Timestamp> {
                [$(<$room::$name as Area>::next_due(&self.$room)),*].into_iter().flatten().min()
            }
        }
    };
}
areas!(world);
