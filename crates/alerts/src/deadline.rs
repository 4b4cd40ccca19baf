//! When alerts end: buckets of one second each, so that the next end is found at once and "still firing" costs two
//! look-ups. Entries left behind by a refresh are recognised by the alert's own end and dropped with their bucket.

use std::collections::BTreeMap;

use kernel::time::Timestamp;

/// The ends of alerts, by second.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    buckets: BTreeMap<i64, Bucket>,
}

#[derive(Debug, Default)]
struct Bucket {
    slots: Vec<u32>,
    /// How many of them still end here.
    live: u32,
}

/// The second by whose start an alert has ended.
pub(crate) fn bucket_of(ends_at: Timestamp) -> i64 {
    ends_at.as_second() + i64::from(ends_at.subsec_nanosecond() > 0)
}

impl Deadlines {
    /// Notes that an alert ends then; `None` is never.
    pub(crate) fn add(&mut self, ends_at: Option<Timestamp>, slot: u32) {
        if let Some(at) = ends_at {
            let bucket = self.buckets.entry(bucket_of(at)).or_default();
            bucket.slots.push(slot);
            bucket.live += 1;
        }
    }

    /// Notes that an alert does not end then any more.
    pub(crate) fn cancel(&mut self, ends_at: Option<Timestamp>) {
        let Some(key) = ends_at.map(bucket_of) else { return };
        if let Some(bucket) = self.buckets.get_mut(&key) {
            bucket.live = bucket.live.saturating_sub(1);
            if bucket.live == 0 {
                self.buckets.remove(&key);
            }
        }
    }

    /// Notes that an alert ends at another time than it was to.
    pub(crate) fn postpone(&mut self, from: Option<Timestamp>, to: Option<Timestamp>, slot: u32) {
        if from.map(bucket_of) != to.map(bucket_of) {
            self.cancel(from);
            self.add(to, slot);
        }
    }

    /// When the first alert has ended.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        let (second, _) = self.buckets.first_key_value()?;
        Timestamp::from_second(*second).ok()
    }

    /// Slots that may have ended by `now`, with their bucket; the caller compares it with the alert's own end.
    pub(crate) fn due(&self, now: Timestamp) -> impl Iterator<Item = (i64, u32)> {
        let buckets = self.buckets.range(..=now.as_second());
        buckets.flat_map(|(second, bucket)| bucket.slots.iter().map(|slot| (*second, *slot)))
    }
}
