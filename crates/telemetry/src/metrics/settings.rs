//! How much is kept and for how long: every limit of the store by its name. [`Settings::default`] is what the constants say.

use std::time::Duration;

use promql::Millis;

const MINUTE: Millis = 60_000;
const HOUR: Millis = 60 * MINUTE;
const MIB: u64 = 1 << 20;

/// The most series in the head, at some 1.5 KiB each.
pub const SERIES_MAX: usize = 1_000_000;
/// The most label names.
pub const NAMES_MAX: usize = 10_000;
/// The most values of one label.
pub const VALUES_PER_NAME_MAX: usize = 500_000;
/// The most labels of one series.
pub const LABELS_PER_SERIES_MAX: usize = 128;
/// The longest label name, in bytes.
pub const NAME_BYTES_MAX: usize = 1_024;
/// The longest label value, in bytes.
pub const VALUE_BYTES_MAX: usize = 8_192;
/// The most bytes of labels of one series.
pub const SERIES_BYTES_MAX: usize = 16_384;
/// The most bytes of labels of all series in the head, and as many again of the keys by which senders name them.
pub const LABEL_BYTES_MAX: u64 = 512 * MIB;
/// The most buckets of one histogram.
pub const BUCKETS_MAX: usize = 4_096;
/// The most samples that one query touches.
pub const QUERY_SAMPLES_MAX: usize = 10_000_000;
/// How far ahead of the clock a sample may be.
pub const AHEAD_MAX: Millis = 5 * MINUTE;
/// How much older than the newest of its series a sample may be.
pub const LATE_MAX: Millis = 10 * MINUTE;
/// How long samples are kept.
pub const KEEP: Millis = 72 * HOUR;
/// The most bytes of block files; the oldest go first.
pub const BLOCK_BYTES_MAX: u64 = 16 * 1024 * MIB;
/// How long samples stay in the head before they move into a block.
pub const BLOCK_SPAN: Millis = 2 * HOUR;
/// The most bytes of whole chunks in the head that are in no block; past it they move into one earlier. As many again may
/// stay for [`RECENT`].
pub const HEAD_BYTES_MAX: u64 = 128 * MIB;
/// How long samples stay in memory after they moved into a block, so that rules find theirs without the disk.
pub const RECENT: Millis = 15 * MINUTE;
/// The most bytes of the log; past it samples move into a block earlier, so that a start never reads more.
pub const LOG_BYTES_MAX: u64 = 256 * MIB;
/// How long after its last sample a series leaves the head, once its samples are in a block.
pub const IDLE_AFTER: Millis = 15 * MINUTE;
/// How often the log is forced to the disk.
pub const SYNC_EVERY: Duration = Duration::from_millis(200);

/// How much is kept, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// See [`SERIES_MAX`].
    pub series: usize,
    /// See [`NAMES_MAX`].
    pub names: usize,
    /// See [`VALUES_PER_NAME_MAX`].
    pub values_per_name: usize,
    /// See [`LABELS_PER_SERIES_MAX`].
    pub labels_per_series: usize,
    /// See [`SERIES_BYTES_MAX`].
    pub series_bytes: usize,
    /// See [`LABEL_BYTES_MAX`].
    pub label_bytes: u64,
    /// See [`QUERY_SAMPLES_MAX`].
    pub query_samples: usize,
    /// See [`AHEAD_MAX`].
    pub ahead: Millis,
    /// See [`LATE_MAX`].
    pub late: Millis,
    /// See [`KEEP`].
    pub keep: Millis,
    /// See [`BLOCK_BYTES_MAX`].
    pub block_bytes: u64,
    /// See [`BLOCK_SPAN`].
    pub block_span: Millis,
    /// See [`HEAD_BYTES_MAX`].
    pub head_bytes: u64,
    /// See [`RECENT`].
    pub recent: Millis,
    /// See [`LOG_BYTES_MAX`].
    pub log_bytes: u64,
    /// See [`IDLE_AFTER`].
    pub idle_after: Millis,
    /// See [`SYNC_EVERY`].
    pub sync_every: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            series: SERIES_MAX,
            names: NAMES_MAX,
            values_per_name: VALUES_PER_NAME_MAX,
            labels_per_series: LABELS_PER_SERIES_MAX,
            series_bytes: SERIES_BYTES_MAX,
            label_bytes: LABEL_BYTES_MAX,
            query_samples: QUERY_SAMPLES_MAX,
            ahead: AHEAD_MAX,
            late: LATE_MAX,
            keep: KEEP,
            block_bytes: BLOCK_BYTES_MAX,
            block_span: BLOCK_SPAN,
            head_bytes: HEAD_BYTES_MAX,
            recent: RECENT,
            log_bytes: LOG_BYTES_MAX,
            idle_after: IDLE_AFTER,
            sync_every: SYNC_EVERY,
        }
    }
}
