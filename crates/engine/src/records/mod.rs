//! Log events and spans that are kept elsewhere: rules look at new rows as if they had come in by a door, and people search
//! them where they are. Nothing is copied into our own stores.
//!
//! ```text
//!   store elsewhere --RecordReader--> follow: new rows, each once, in order --> the tap of log events, counts of spans
//!                                '--> search: what an actor may read, bounded
//! ```
//!
//! Where each table has been read to is a [`Cursor`], which the vault keeps after the rows were handed over: over a crash
//! in between, rows are seen twice; what waits in a watcher's queue then is lost, as for the doors. Only the node whose
//! engine runs follows.
//!
//! Invariants, each with a test of its name:
//! - RC-1 A row is handed over once, however often it is read, and rows that are alike as often as there are.
//! - RC-2 A row that comes late is handed over as long as it is within the lateness.
//! - RC-3 What could not be read is read later: an outage loses nothing that the store keeps.
//! - RC-4 A restart goes on where the last one ended.
//! - RC-5 Nobody searches without the permission to read signals.

mod cursor;
mod follow;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use kernel::book::source::{Source, Table};
use kernel::search::{LogsWanted, Page, Place, Summary, TracesWanted};
use kernel::{Actor, LogEvent, Nanos, SourceName, Span, Timestamp};
use parking_lot::Mutex;

use crate::ruler::{Door, SeriesStore, Unanswered};
use crate::tap::LogTap;
use crate::{Engine, Error, Read};

/// The action that access policies know for searches.
const READ: &str = "signals:read";

/// Reads stores of log events and spans. Every answer is bounded in time and size, and masked.
#[async_trait]
pub trait RecordReader: Send + Sync {
    /// How many rows there are in each second of a time, the earliest first.
    async fn counts(
        &self,
        source: &Source,
        table: Table,
        from: Nanos,
        until: Nanos,
    ) -> Result<Vec<(i64, u64)>, Unanswered>;

    /// Log events from a place on, in the order of their places.
    async fn logs_from(
        &self,
        source: &Source,
        place: Place,
        until: Nanos,
        limit: usize,
    ) -> Result<Page<LogEvent>, Unanswered>;

    /// Spans from a place on, in the order of their places.
    async fn spans_from(
        &self,
        source: &Source,
        place: Place,
        until: Nanos,
        limit: usize,
    ) -> Result<Page<Span>, Unanswered>;

    /// The log events that are wanted, the newest first.
    async fn logs(&self, source: &Source, wanted: &LogsWanted) -> Result<Page<LogEvent>, Unanswered>;

    /// How many of them there are in each of some equal pieces of their time: errors, warnings, and all others.
    async fn volume(&self, source: &Source, wanted: &LogsWanted, pieces: usize) -> Result<Vec<[u64; 3]>, Unanswered>;

    /// The traces that are wanted, those with the newest spans first.
    async fn traces(&self, source: &Source, wanted: &TracesWanted) -> Result<Vec<Summary>, Unanswered>;

    /// The spans of one trace, the earliest first.
    async fn trace(&self, source: &Source, trace: &str, limit: usize) -> Result<Page<Span>, Unanswered>;
}

/// Takes the spans of a table that is followed, for what they count as.
pub type SpanSink = Arc<dyn Fn(Vec<Span>) + Send + Sync>;

/// Why a search has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// The engine does not allow it.
    #[error(transparent)]
    Engine(#[from] Error),
    /// There is no such source.
    #[error("there is no source {0:?} of log events and spans in the watchbook")]
    Missing(String),
    /// The source does not take the question.
    #[error("{0}")]
    Refused(String),
    /// The source did not answer.
    #[error("{0}")]
    Failed(String),
}

/// How a table that is followed is doing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Followed {
    /// When it was last read without a failure.
    pub read: Option<Timestamp>,
    /// Up to which instant all rows were read that had come.
    pub until: Option<Timestamp>,
    /// How many rows were handed over since the start.
    pub rows: u64,
    /// Whether there is more to be read at once.
    pub behind: bool,
    /// Why it could not be read last; `None` when it could.
    pub error: Option<String>,
}

/// A source of log events and spans, as readers see it.
#[derive(Debug, Clone)]
pub struct RecordSource {
    /// Its name.
    pub name: SourceName,
    /// What the watchbook says of it.
    pub source: Source,
    /// How the tables do that are followed.
    pub followed: BTreeMap<Table, Followed>,
}

/// Follows and searches the sources of the live watchbook. One for a node.
pub struct Records {
    engine: Engine,
    reader: Option<Arc<dyn RecordReader>>,
    doors: Mutex<BTreeMap<SourceName, (Source, Arc<Door>)>>,
    followed: Mutex<BTreeMap<(SourceName, Table), Followed>>,
}

/// Where rows that are followed go.
#[derive(Clone)]
pub struct Sinks {
    /// Log events: to whoever watches them.
    pub logs: LogTap,
    /// Spans.
    pub spans: SpanSink,
    /// What says whether sources answer.
    pub series: Arc<dyn SeriesStore>,
}

impl Records {
    /// Reads nothing until it has a reader, and follows nothing until it is run.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        Self { engine, reader: None, doors: Mutex::default(), followed: Mutex::default() }
    }

    /// The same, with what reads stores.
    #[must_use]
    pub fn with_reader(self, reader: Arc<dyn RecordReader>) -> Self {
        Self { reader: Some(reader), ..self }
    }

    /// The sources of the live watchbook.
    ///
    /// # Errors
    /// When the actor may not read signals.
    pub fn sources(&self, actor: &Actor) -> Result<Vec<RecordSource>, Error> {
        self.engine.may(actor, Read::of(READ))?;
        let (book, followed) = (self.engine.book(), self.followed.lock());
        let of = |(name, source): (&SourceName, &Source)| {
            let tables = &source.tables()?.follow;
            let how = |table: &Table| (*table, followed.get(&(name.clone(), *table)).cloned().unwrap_or_default());
            Some(RecordSource {
                name: name.clone(),
                source: source.clone(),
                followed: tables.iter().map(how).collect(),
            })
        };
        Ok(book.sources.iter().filter_map(of).collect())
    }

    /// Log events of a source that an actor may read, the newest first.
    ///
    /// # Errors
    /// When they may not, or there is no answer; says why.
    pub async fn logs(&self, actor: &Actor, name: &str, wanted: &LogsWanted) -> Result<Page<LogEvent>, Unread> {
        let asked = self.asked(actor, name)?;
        asked.answer(asked.reader.logs(&asked.source, wanted)).await
    }

    /// How many of them there are over time.
    ///
    /// # Errors
    /// When they may not, or there is no answer; says why.
    pub async fn volume(
        &self,
        actor: &Actor,
        name: &str,
        wanted: &LogsWanted,
        pieces: usize,
    ) -> Result<Vec<[u64; 3]>, Unread> {
        let asked = self.asked(actor, name)?;
        asked.answer(asked.reader.volume(&asked.source, wanted, pieces)).await
    }

    /// Traces of a source that an actor may read, those with the newest spans first.
    ///
    /// # Errors
    /// When they may not, or there is no answer; says why.
    pub async fn traces(&self, actor: &Actor, name: &str, wanted: &TracesWanted) -> Result<Vec<Summary>, Unread> {
        let asked = self.asked(actor, name)?;
        asked.answer(asked.reader.traces(&asked.source, wanted)).await
    }

    /// The spans of one trace of a source, the earliest first.
    ///
    /// # Errors
    /// When they may not, or there is no answer; says why.
    pub async fn trace(&self, actor: &Actor, name: &str, trace: &str, limit: usize) -> Result<Page<Span>, Unread> {
        let asked = self.asked(actor, name)?;
        asked.answer(asked.reader.trace(&asked.source, trace, limit)).await
    }

    /// What a permitted question needs.
    fn asked(&self, actor: &Actor, name: &str) -> Result<Asked, Unread> {
        self.engine.may(actor, Read::of(READ))?;
        let missing = || Unread::Missing(name.to_owned());
        let book = self.engine.book();
        let found = book.sources.iter().find(|(known, source)| known.as_str() == name && source.tables().is_some());
        let (name, source) = found.ok_or_else(missing)?;
        let reader = self.reader.clone().ok_or_else(|| Unread::Failed("this server asks no sources".to_owned()))?;
        Ok(Asked { reader, door: self.door(name, source), name: name.clone(), source: source.clone() })
    }

    /// How a source is asked: by so many at once, and not at all for a while when it failed often.
    fn door(&self, name: &SourceName, source: &Source) -> Arc<Door> {
        let mut doors = self.doors.lock();
        if let Some((_, door)) = doors.get(name).filter(|(known, _)| known == source) {
            return Arc::clone(door);
        }
        let door = Arc::new(Door::of(source));
        doors.insert(name.clone(), (source.clone(), Arc::clone(&door)));
        door
    }
}

/// A source that is asked.
struct Asked {
    reader: Arc<dyn RecordReader>,
    door: Arc<Door>,
    name: SourceName,
    source: Source,
}

impl Asked {
    async fn answer<T>(&self, question: impl Future<Output = Result<T, Unanswered>>) -> Result<T, Unread> {
        let name = &self.name;
        self.door.pass(question).await.map_err(|why| match why {
            Unanswered::Refused(why) => Unread::Refused(format!("source {name}: refused: {why}")),
            Unanswered::Failed(why) => Unread::Failed(format!("source {name}: {why}")),
        })
    }
}

impl Door {
    /// Asks a question when its turn has come, unless the source is left alone for a while.
    async fn pass<T>(&self, question: impl Future<Output = Result<T, Unanswered>>) -> Result<T, Unanswered> {
        let place = self.enter().await?;
        let answer = question.await;
        self.note(!matches!(answer, Err(Unanswered::Failed(_))), Instant::now());
        drop(place);
        answer
    }
}
