//! Follows tables: a task for each reads new rows on its beat and hands them over, as long as the live watchbook says the
//! same of its source.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kernel::book::source::{Source, Table, Tables};
use kernel::search::{Page, Place};
use kernel::{LogEvent, Nanos, SourceName, Span, Timestamp};
use promql::{Labels, METRIC_NAME, Point};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use super::cursor::{Cursor, Look};
use super::{Followed, Records, Sinks};
use crate::Error;
use crate::ruler::{SOURCE_UP, Unanswered};

/// How often the tasks are compared with the live watchbook.
const COMPARE_EVERY: Duration = Duration::from_secs(1);
/// The most rows of one page.
const PAGE_ROWS_MAX: usize = 10_000;
/// The most pages that one turn reads; then what was read is kept.
const PAGES_MAX: usize = 20;
/// The wait before the next turn when there is more to be read.
const SHORT_WAIT: Duration = Duration::from_millis(100);
/// The longest wait between two turns that failed.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// Under which kind the vault keeps cursors.
const VAULT: &str = "following";

/// A table that is followed.
pub(super) struct Following {
    pub(super) name: SourceName,
    pub(super) source: Source,
    pub(super) tables: Tables,
    pub(super) table: Table,
    pub(super) cursor: Cursor,
}

/// Rows that were not read before.
enum Fresh {
    Logs(Vec<LogEvent>),
    Spans(Vec<Span>),
}

impl Records {
    /// Follows the tables of the live watchbook until the engine stops.
    pub async fn run(self: Arc<Self>, sinks: Sinks) {
        let mut tasks: BTreeMap<(SourceName, Table), JoinHandle<()>> = BTreeMap::new();
        let mut ticks = tokio::time::interval(COMPARE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.engine.stopped() => break,
            }
            tasks.retain(|_, task| !task.is_finished());
            let book = self.engine.book();
            for (name, source) in &book.sources {
                let Some(tables) = source.tables() else { continue };
                for table in tables.follow.iter().filter(|_| self.reader.is_some()) {
                    let task = || {
                        let (records, sinks) = (Arc::clone(&self), sinks.clone());
                        let (name, source, tables, table) = (name.clone(), source.clone(), tables.clone(), *table);
                        tokio::spawn(async move { records.attend(name, source, tables, table, &sinks).await })
                    };
                    tasks.entry((name.clone(), *table)).or_insert_with(task);
                }
            }
        }
        // Each ends by itself, and keeps where it is.
        for (_, task) in tasks {
            let _ = task.await;
        }
    }

    /// Follows one table until the watchbook says something else of its source.
    async fn attend(&self, name: SourceName, source: Source, tables: Tables, table: Table, sinks: &Sinks) {
        let every = tables.every.std();
        let mut following = match self.begin(name, source, tables, table).await {
            Ok(following) => following,
            Err(error) => {
                tracing::warn!(%error, "where a source was read to could not be found; it is tried again");
                return;
            }
        };
        let mut failures = 0;
        while self.engine.book().sources.get(&following.name) == Some(&following.source) {
            let turned = self.turn(&mut following, sinks).await;
            failures = if turned.is_ok() { 0 } else { failures + 1 };
            let wait = match turned {
                Ok(true) => SHORT_WAIT,
                Ok(false) => every,
                Err(_) => every.saturating_mul(1 << failures.min(6)).min(WAIT_MAX.max(every)),
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.engine.stopped() => break,
            }
        }
        self.followed.lock().remove(&(following.name, following.table));
    }

    /// A table with where it was read to.
    pub(super) async fn begin(
        &self,
        name: SourceName,
        source: Source,
        tables: Tables,
        table: Table,
    ) -> Result<Following, Error> {
        let now = self.engine.now();
        let mut following = Following { name, source, tables, table, cursor: Cursor::beginning(nanos(now)) };
        let kept = self.engine.vault().vault_get(VAULT, &following.key(), now).await;
        let kept = kept.map_err(|failure| Error::Failed { reason: failure.to_string() })?;
        match kept.and_then(|bytes| Cursor::read(&bytes, &following.of())) {
            Some(cursor) => following.cursor = cursor,
            // What comes from now on is to be read even when the first turn is after a restart.
            None => self.keep(&following).await?,
        }
        Ok(following)
    }

    /// Reads what is new, hands it over, and keeps where it was read to; says whether there is more to be read at once.
    pub(super) async fn turn(&self, following: &mut Following, sinks: &Sinks) -> Result<bool, Unanswered> {
        let before = following.cursor.clone();
        let mut rows = 0;
        let read = self.read(following, sinks, &mut rows).await;
        let now = self.engine.now();
        if following.cursor != before
            && let Err(error) = self.keep(following).await
        {
            tracing::warn!(%error, source = %following.name, "where a source was read to is not kept");
        }
        self.tell(following, &read, rows, now);
        self.say(following, &read, sinks, now);
        read
    }

    async fn read(&self, following: &mut Following, sinks: &Sinks, rows: &mut u64) -> Result<bool, Unanswered> {
        let (now, lateness) = (nanos(self.engine.now()), following.lateness());
        let look = following.cursor.look(now, lateness);
        let mut next = self.changed(following, look).await?.map(Place::at);
        for _ in 0..PAGES_MAX {
            let Some(place) = next else {
                let left_out = look.left_out / 1_000_000_000;
                if left_out > 0 {
                    tracing::warn!(source = %following.name, table = following.table.as_str(), seconds = left_out,
                        "rows that are older than a day were not read");
                }
                following.cursor.looked(look, now, lateness);
                return Ok(look.until < now);
            };
            if following.table == Table::Logs && sinks.logs.is_behind() {
                return Ok(true);
            }
            let (fresh, after) = self.page(following, place, look.until).await?;
            *rows += fresh.hand_over(sinks);
            next = after;
        }
        Ok(true)
    }

    /// From which instant on there is something new.
    async fn changed(&self, following: &Following, look: Look) -> Result<Option<Nanos>, Unanswered> {
        let (reader, door) = self.asking(following)?;
        // Whole seconds, because they are counted whole.
        let from = look.from.div_euclid(super::cursor::SECOND) * super::cursor::SECOND;
        let counts = door.pass(reader.counts(&following.source, following.table, from, look.until)).await?;
        Ok(following.cursor.changed(&counts, look))
    }

    async fn page(
        &self,
        following: &mut Following,
        place: Place,
        until: Nanos,
    ) -> Result<(Fresh, Option<Place>), Unanswered> {
        let (reader, door) = self.asking(following)?;
        let source = &following.source;
        Ok(match following.table {
            Table::Logs => {
                let page: Page<LogEvent> = door.pass(reader.logs_from(source, place, until, PAGE_ROWS_MAX)).await?;
                let (fresh, next) = following.cursor.take(page);
                (Fresh::Logs(fresh), next)
            }
            Table::Traces => {
                let page: Page<Span> = door.pass(reader.spans_from(source, place, until, PAGE_ROWS_MAX)).await?;
                let (fresh, next) = following.cursor.take(page);
                (Fresh::Spans(fresh), next)
            }
        })
    }

    fn asking(
        &self,
        following: &Following,
    ) -> Result<(Arc<dyn super::RecordReader>, Arc<crate::ruler::Door>), Unanswered> {
        let reader = self.reader.clone().ok_or_else(|| Unanswered::Failed("this server asks no sources".to_owned()))?;
        Ok((reader, self.door(&following.name, &following.source)))
    }

    async fn keep(&self, following: &Following) -> Result<(), Error> {
        let bytes = following.cursor.kept(&following.of());
        let kept = self.engine.vault().vault_put(VAULT, &following.key(), &bytes, None).await;
        kept.map_err(|failure| Error::Failed { reason: failure.to_string() })
    }

    /// Tells readers how it went, and the log when that changed.
    fn tell(&self, following: &Following, read: &Result<bool, Unanswered>, rows: u64, now: Timestamp) {
        let (name, table) = (&following.name, following.table.as_str());
        let mut all = self.followed.lock();
        let followed: &mut Followed = all.entry((name.clone(), following.table)).or_default();
        followed.rows = followed.rows.saturating_add(rows);
        followed.until = Timestamp::from_nanosecond(i128::from(following.cursor.mark())).ok();
        match read {
            Ok(behind) => {
                if followed.error.take().is_some() {
                    tracing::info!(source = %name, table, "a source can be read again");
                }
                (followed.read, followed.behind) = (Some(now), *behind);
            }
            Err(Unanswered::Refused(why) | Unanswered::Failed(why)) => {
                if followed.error.is_none() {
                    tracing::warn!(source = %name, table, %why, "a source cannot be read; its rows are read later");
                }
                followed.error = Some(why.clone());
            }
        }
    }

    /// Says in a series whether the source answers.
    fn say(&self, following: &Following, read: &Result<bool, Unanswered>, sinks: &Sinks, now: Timestamp) {
        let (name, table) = (following.name.as_str(), following.table.as_str());
        let labels = Labels::from_pairs([(METRIC_NAME, SOURCE_UP), ("source", name), ("table", table)]);
        let point = Point::float(now.as_millisecond(), if read.is_ok() { 1.0 } else { 0.0 });
        if let Err(error) = sinks.series.write(vec![(labels, point)], now) {
            tracing::warn!(%error, source = name, "whether a source answers could not be written");
        }
    }
}

impl Following {
    /// The key of what the vault keeps of it.
    fn key(&self) -> String {
        format!("{}/{}", self.name, self.table.as_str())
    }

    /// Which table it is, whatever its source is called.
    fn of(&self) -> String {
        format!("{} {} {}", self.source.url, self.tables.database, self.tables.name(self.table))
    }

    fn lateness(&self) -> Nanos {
        i64::from(self.tables.lateness.0).saturating_mul(super::cursor::SECOND)
    }
}

impl Fresh {
    /// Hands rows to whoever looks at them; says how many there were.
    fn hand_over(self, sinks: &Sinks) -> u64 {
        match self {
            Self::Logs(events) => {
                if let Some(events) = sinks.logs.copy(&events) {
                    sinks.logs.offer(&events);
                }
                events.len() as u64
            }
            Self::Spans(spans) => {
                let count = spans.len() as u64;
                if count > 0 {
                    (sinks.spans)(spans);
                }
                count
            }
        }
    }
}

fn nanos(at: Timestamp) -> Nanos {
    i64::try_from(at.as_nanosecond()).unwrap_or(i64::MAX)
}
