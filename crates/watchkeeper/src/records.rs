//! Stores of log events and spans elsewhere, as the engine reads them: asked over HTTP, and masked before anybody sees a row.

use std::sync::Arc;

use async_trait::async_trait;
use connectors::clickhouse::Reader;
use connectors::sources;
use engine::records::RecordReader;
use engine::ruler::Unanswered;
use kernel::book::source::{Source, Table};
use kernel::search::{LogsWanted, Page, Place, Summary, TracesWanted};
use kernel::{Attribute, LogEvent, Nanos, Span};

use crate::monitored::{Masking, mask, mask_origins};

/// ClickHouse behind a mask.
pub struct Masked {
    reader: Reader,
    masker: Masking,
}

impl Masked {
    /// Asks by this reader.
    pub fn new(reader: Reader, masker: Masking) -> Arc<Self> {
        Arc::new(Self { reader, masker })
    }

    async fn mask_logs(&self, mut page: Page<LogEvent>) -> Result<Page<LogEvent>, Unanswered> {
        let masker = Arc::clone(&self.masker);
        let work = move || {
            page.rows.iter_mut().for_each(|(_, event)| event.rewrite(&mut |name, value| mask(&masker, name, value)));
            mask_origins(&masker, page.rows.iter_mut().map(|(_, event)| &mut event.origin));
            page
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| Unanswered::Failed(error.to_string()))
    }

    async fn mask_spans(&self, mut page: Page<Span>) -> Result<Page<Span>, Unanswered> {
        let masker = Arc::clone(&self.masker);
        let work = move || {
            page.rows.iter_mut().for_each(|(_, span)| span.rewrite(&mut |name, value| mask(&masker, name, value)));
            mask_origins(&masker, page.rows.iter_mut().map(|(_, span)| &mut span.origin));
            page
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| Unanswered::Failed(error.to_string()))
    }
}

fn why(unanswered: sources::Unanswered) -> Unanswered {
    match unanswered {
        sources::Unanswered::Refused(why) => Unanswered::Refused(why),
        sources::Unanswered::Failed(why) => Unanswered::Failed(why),
    }
}

#[async_trait]
impl RecordReader for Masked {
    async fn counts(
        &self,
        source: &Source,
        table: Table,
        from: Nanos,
        until: Nanos,
    ) -> Result<Vec<(i64, u64)>, Unanswered> {
        self.reader.counts(source, table, from, until).await.map_err(why)
    }

    async fn logs_from(
        &self,
        source: &Source,
        place: Place,
        until: Nanos,
        limit: usize,
    ) -> Result<Page<LogEvent>, Unanswered> {
        self.mask_logs(self.reader.logs_from(source, place, until, limit).await.map_err(why)?).await
    }

    async fn spans_from(
        &self,
        source: &Source,
        place: Place,
        until: Nanos,
        limit: usize,
    ) -> Result<Page<Span>, Unanswered> {
        self.mask_spans(self.reader.spans_from(source, place, until, limit).await.map_err(why)?).await
    }

    async fn logs(&self, source: &Source, wanted: &LogsWanted) -> Result<Page<LogEvent>, Unanswered> {
        self.mask_logs(self.reader.logs(source, wanted).await.map_err(why)?).await
    }

    async fn volume(&self, source: &Source, wanted: &LogsWanted, pieces: usize) -> Result<Vec<[u64; 3]>, Unanswered> {
        self.reader.volume(source, wanted, pieces).await.map_err(why)
    }

    async fn traces(&self, source: &Source, wanted: &TracesWanted) -> Result<Vec<Summary>, Unanswered> {
        let mut traces = self.reader.traces(source, wanted).await.map_err(why)?;
        for trace in &mut traces {
            let mut name = Attribute::Text(std::mem::take(&mut trace.name));
            mask(&self.masker, "", &mut name);
            trace.name = name.to_string();
        }
        Ok(traces)
    }

    async fn trace(&self, source: &Source, trace: &str, limit: usize) -> Result<Page<Span>, Unanswered> {
        self.mask_spans(self.reader.trace(source, trace, limit).await.map_err(why)?).await
    }
}
