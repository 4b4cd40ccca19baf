//! The one shape: every area of the lifecycle has these parts and no others. Not the machinery that runs them.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::actor::Actor;
use crate::book::Book;
use crate::delivery::Delivery;
use crate::record::Seq;
use crate::sensitivity::Sensitivity;
use crate::time::Timestamp;

/// What a decision may know besides the area's state. Time and chance are given, never taken.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The instant of the decision, to the microsecond.
    pub now: Timestamp,
    /// Who asks.
    pub actor: &'a Actor,
    /// The live watchbook.
    pub book: &'a Book,
    /// A fresh random number for this command, for ids that must not be guessed.
    pub nonce: u128,
}

/// Where and when a fact stands, for `evolve`.
#[derive(Debug, Clone, Copy)]
pub struct Stamp<'a> {
    /// Its place in the journal.
    pub seq: Seq,
    /// When it was decided.
    pub at: Timestamp,
    /// Who asked for it.
    pub actor: &'a Actor,
}

/// What a fact is about, such as `INC-42`; facts of one stream are its history.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stream(pub Box<str>);

/// What the journal must know of an event besides its body.
pub trait EventMeta {
    /// What happened, in the past tense: the name of the variant.
    fn kind(&self) -> &'static str;
    /// The version of the body's form; raised when a variant's meaning changes.
    fn version(&self) -> u16 {
        1
    }
    /// What it is about.
    fn stream(&self) -> Stream;
    /// Who may read it.
    fn sensitivity(&self) -> Sensitivity;
    /// Whether the journal keeps an index from the stream to this fact. Facts in great numbers about short-lived
    /// things say no: they are found by time.
    fn indexed(&self) -> bool {
        true
    }
}

/// What an access decision must know of a command or a read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Resource {
    /// The kind of thing, such as `incident`.
    pub kind: &'static str,
    /// Which one; empty for all of them.
    pub id: Box<str>,
    /// How sensitive it is.
    pub sensitivity: Sensitivity,
}

/// A command that can be authorised.
pub trait Ask {
    /// The action's name in access policies, such as `incidents:declare`.
    fn action(&self) -> &'static str;
    /// What it acts on.
    fn resource(&self) -> Resource;
}

/// The kinds of refusal, each with one HTTP status and one exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// There is no such thing (404).
    NotFound,
    /// The thing is not in a state that allows it (409).
    Conflict,
    /// A field of the command breaks a rule (422).
    Invalid,
}

/// A rule said no. The message is a sentence fragment that names the rule and a way out.
pub trait Refuse: std::error::Error + Send + Sync + 'static {
    /// Which kind of refusal it is.
    fn kind(&self) -> RefusalKind;
    /// The field of the command that broke the rule, where one did.
    fn field(&self) -> Option<&'static str> {
        None
    }
}

/// One area of the lifecycle: what may be asked, what can have happened, what it remembers.
pub trait Area {
    /// The area's name in the journal.
    const NAME: &'static str;
    /// What may be asked.
    type Command: Ask;
    /// What can have happened.
    type Event: EventMeta + Serialize + DeserializeOwned + Clone;
    /// What is remembered; a fold of events, and nothing else except what [`Area::hear`] notes.
    type State: Default + Serialize + DeserializeOwned;
    /// Why a rule says no.
    type Refusal: Refuse;

    /// All rules live here.
    ///
    /// # Errors
    /// When a rule says no; then nothing changes.
    fn decide(
        state: &Self::State,
        context: &Context<'_>,
        command: Self::Command,
    ) -> Result<Vec<Self::Event>, Self::Refusal>;

    /// No rules live here. Total: every event it is given did happen.
    fn evolve(state: &mut Self::State, stamp: Stamp<'_>, event: &Self::Event);

    /// Notes what is heard but is no fact, such as "still firing". Lost at a restart, so it must never change what a
    /// replay would decide about facts already written.
    fn hear(_state: &mut Self::State, _context: &Context<'_>, _command: &Self::Command) {}

    /// What is due at `context.now`: decided like a command, asked by the clock. Bounded by a named limit; whatever is
    /// left stays due.
    fn wake(_state: &Self::State, _context: &Context<'_>) -> Vec<Self::Event> {
        Vec::new()
    }

    /// When this area next wants to be woken.
    fn next_due(_state: &Self::State) -> Option<Timestamp> {
        None
    }

    /// What the world must be asked to do because of an event that was just evolved.
    fn deliveries(_state: &Self::State, _book: &Book, _event: &Self::Event) -> Vec<Delivery> {
        Vec::new()
    }

    /// What was asked of the world and not yet answered, to be asked again after a restart.
    fn outstanding(_state: &Self::State, _book: &Book) -> Vec<Delivery> {
        Vec::new()
    }
}
