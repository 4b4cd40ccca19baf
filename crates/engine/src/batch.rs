//! One block in the making: commands are decided, folded and reacted to; what they leave is bytes, answers and deliveries.
//! Nothing here waits or does I/O; the writer appends the result.

use std::collections::VecDeque;

use kernel::area::{Context, EventMeta, Refuse};
use kernel::{Actor, Area, Delivery, Seq, Timestamp};
use parking_lot::RwLock;

use crate::command::{Command, Event, Fact, areas};
use crate::handle::{Error, Refusal};
use crate::limits::{BLOCK_FACTS_SOFT_MAX, REACTION_DEPTH_MAX};
use crate::react::react;
use crate::world::World;

/// A permitted command on its way to the writer.
#[derive(Debug)]
pub(crate) struct Permitted {
    pub(crate) actor: Actor,
    pub(crate) policy: Box<str>,
    pub(crate) command: Command,
}

/// What a batch has gathered so far.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) facts: Vec<Fact>,
    pub(crate) deliveries: Vec<(&'static str, Delivery)>,
    /// Entries of the index beside those of the facts' own streams.
    pub(crate) marks: Vec<kernel::port::IndexEntry>,
}

/// What is to be decided next: a command, who asks for it, what it follows from, and how far it is from the first ask.
struct Due {
    permitted: Permitted,
    cause: Option<Seq>,
    depth: u8,
}

impl Batch {
    /// Whether it should be appended before it takes more.
    pub(crate) fn is_full(&self) -> bool {
        self.facts.len() >= BLOCK_FACTS_SOFT_MAX
    }

    /// Decides a command and everything that follows from it. Returns how many facts there are now.
    ///
    /// # Errors
    /// When a rule refuses the command itself; then nothing changed. A refused reaction is logged and changes nothing.
    pub(crate) fn take(
        &mut self,
        world: &RwLock<World>,
        now: Timestamp,
        nonce: u128,
        permitted: Permitted,
    ) -> Result<std::ops::Range<usize>, Error> {
        let first = self.facts.len();
        let mut queue = VecDeque::from([Due { permitted, cause: None, depth: 0 }]);
        while let Some(due) = queue.pop_front() {
            let depth = due.depth;
            let follows = match self.decide(&mut world.write(), now, nonce.wrapping_add(self.facts.len() as u128), due)
            {
                Ok(follows) => follows,
                Err(error) if depth == 0 => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, depth, "a reaction was refused");
                    continue;
                }
            };
            if depth >= REACTION_DEPTH_MAX && !follows.is_empty() {
                tracing::error!(depth, "reactions go deeper than the limit; the rest is cut");
                continue;
            }
            queue.extend(follows.into_iter().map(|(permitted, cause)| Due {
                permitted,
                cause: Some(cause),
                depth: depth + 1,
            }));
        }
        Ok(first..self.facts.len())
    }

    fn decide(
        &mut self,
        world: &mut World,
        now: Timestamp,
        nonce: u128,
        due: Due,
    ) -> Result<Vec<(Permitted, Seq)>, Error> {
        let Permitted { actor, policy, command } = due.permitted;
        let events = decide(world, now, &actor, nonce, command)?;
        Ok(self.fold(world, now, &actor, &policy, due.cause, events))
    }

    /// Lets every area decide what is due at `now`.
    pub(crate) fn wake(&mut self, world: &RwLock<World>, now: Timestamp, nonce: u128) {
        let mut follows = Vec::new();
        {
            let mut world = world.write();
            for (area, events) in wake(&world, now, nonce) {
                follows.extend(self.fold(&mut world, now, &Actor::system(area), CLOCK_POLICY, None, events));
            }
        }
        for (permitted, cause) in follows {
            // A reaction to the clock is decided like any other; its cause is the fact that the clock made.
            if let Err(error) = self.take_reaction(world, now, nonce, permitted, cause) {
                tracing::warn!(%error, "a reaction to the clock was refused");
            }
        }
    }

    fn take_reaction(
        &mut self,
        world: &RwLock<World>,
        now: Timestamp,
        nonce: u128,
        permitted: Permitted,
        cause: Seq,
    ) -> Result<(), Error> {
        let first = self.facts.len();
        self.take(world, now, nonce.wrapping_add(first as u128), permitted)?;
        if let Some(fact) = self.facts.get_mut(first) {
            fact.cause.get_or_insert(cause);
        }
        Ok(())
    }

    fn fold(
        &mut self,
        world: &mut World,
        now: Timestamp,
        actor: &Actor,
        policy: &str,
        cause: Option<Seq>,
        events: Vec<Event>,
    ) -> Vec<(Permitted, Seq)> {
        let mut follows = Vec::new();
        for event in events {
            let fact = Fact { seq: world.next, at: now, actor: actor.clone(), policy: policy.into(), cause, event };
            world.evolve(&fact);
            self.deliveries.extend(world.deliveries(&fact.event));
            for command in react(world, &fact) {
                let actor = Actor::system(fact.event.area());
                follows.push((Permitted { actor, policy: REACTION_POLICY.into(), command }, fact.seq));
            }
            self.facts.push(fact);
        }
        follows
    }
}

/// The policy that a reaction's fact carries: the reaction table itself.
pub(crate) const REACTION_POLICY: &str = "reaction-table";
/// The policy that a fact of the clock carries.
pub(crate) const CLOCK_POLICY: &str = "clock";

macro_rules! dispatchers {
    ($($name:ident $room:ident),*) => {
        fn decide(
            world: &mut World,
            now: Timestamp,
            actor: &Actor,
            nonce: u128,
            command: Command,
        ) -> Result<Vec<Event>, Error> {
            let book = std::sync::Arc::clone(&world.book);
            let context = Context { now, actor, book: &book, nonce };
            match command {
                $(Command::$name(command) => {
                    let state = &mut world.$room;
                    <$room::$name as Area>::hear(state, &context, &command);
                    let decided = <$room::$name as Area>::decide(state, &context, command);
                    decided.map(|events| events.into_iter().map(Event::$name).collect()).map_err(refused)
                })*
            }
        }

        fn wake(world: &World, now: Timestamp, nonce: u128) -> Vec<(&'static str, Vec<Event>)> {
            let mut all = Vec::new();
            $({
                let area = <$room::$name as Area>::NAME;
                if <$room::$name as Area>::next_due(&world.$room).is_some_and(|due| due <= now) {
                    let actor = Actor::system(area);
                    let context = Context { now, actor: &actor, book: &world.book, nonce };
                    let events = <$room::$name as Area>::wake(&world.$room, &context);
                    all.push((area, events.into_iter().map(Event::$name).collect()));
                }
            })*
            all
        }
    };
}
areas!(dispatchers);

fn refused(refusal: impl Refuse) -> Error {
    Error::Refused(Refusal { kind: refusal.kind(), field: refusal.field(), message: refusal.to_string() })
}

/// The index entries that a fact needs.
pub(crate) fn index_entry(fact: &Fact) -> Option<kernel::port::IndexEntry> {
    let entry = || kernel::port::IndexEntry {
        stream: format!("{}/{}", fact.event.area(), fact.event.stream().0),
        seq: fact.seq,
    };
    fact.event.indexed().then(entry)
}
