//! One service's log at work: its stream, and when that is kept.

use kernel::book::LogWatch;
use kernel::time::between;
use kernel::{Level, LogEvent, Seconds, Timestamp};
use signals::templates::stream::Stream;
use signals::templates::{CATCH_ALL, TemplateId};

/// How often a log is kept in which something new was learned,
const KEEP_LEARNED: Seconds = Seconds(10);
/// and one that only went on.
const KEEP_COUNTED: Seconds = Seconds::minutes(5);

/// A log at work.
pub(super) struct Log {
    pub(super) stream: Stream,
    /// The version that is kept, and when it was.
    kept: (u64, Timestamp),
    /// How often everything was learned anew, because there were too many patterns.
    pub(super) renewed: u64,
}

impl Log {
    pub(super) fn new(watch: &LogWatch, now: Timestamp) -> Self {
        Self { stream: Stream::new(watch, now), kept: (0, now), renewed: 0 }
    }

    /// A log that was kept; `None` when the bytes are none.
    pub(super) fn read(bytes: &[u8], watch: &LogWatch, now: Timestamp) -> Option<Self> {
        let mut stream: Stream = rmp_serde::from_slice(bytes).ok()?;
        stream.adopt(watch);
        stream.resume(now);
        let version = stream.version();
        Some(Self { stream, kept: (version, now), renewed: 0 })
    }

    /// Takes a line. Gives its pattern, where it has one of its own.
    pub(super) fn observe(
        &mut self,
        now: Timestamp,
        event: &LogEvent,
        level: Level,
        watch: &LogWatch,
    ) -> Option<TemplateId> {
        if self.stream.is_full() {
            // Better to learn again than to be blind to whatever comes.
            self.stream = Stream::new(watch, now);
            self.renewed = self.renewed.saturating_add(1);
        }
        let at = Timestamp::from_nanosecond(i128::from(event.at)).unwrap_or(now);
        let id = self.stream.observe(now, at, level, &event.line());
        (id != CATCH_ALL).then_some(id)
    }

    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        let (version, at) = self.kept;
        let waited = between(at, now);
        let learned = self.stream.version() != version;
        learned && waited >= KEEP_LEARNED || self.stream.last() > at && waited >= KEEP_COUNTED
    }

    pub(super) fn is_changed(&self) -> bool {
        let (version, at) = self.kept;
        self.stream.version() != version || self.stream.last() >= at
    }

    pub(super) fn bytes(&self) -> Option<Vec<u8>> {
        rmp_serde::to_vec(&self.stream).ok()
    }

    pub(super) fn note_kept(&mut self, version: u64, now: Timestamp) {
        self.kept = (version, now);
    }
}
