//! Writing: series by series, sample by sample, into the head and into the log.
//!
//! The hot path of a series that was written before is: compare its key with the guess, append to the growing chunk, append
//! to the record. Nothing is allocated on it but what the chunk and the record grow by. Every so many series the lock is
//! passed to whoever waits, with the record written first, so that the log has the head's order.

use std::convert::Infallible;
use std::fmt::Display;
use std::mem;
use std::sync::Arc;

use parking_lot::RwLockWriteGuard;
use promql::{Histogram, Millis, Value};

use super::head::{Head, KEYS_PER_SERIES_MAX, NOWHERE};
use super::log::{RECORD_BYTES, entry};
use super::series::Taken;
use super::settings::BUCKETS_MAX;
use super::store::Inner;
use super::{Appended, Failure, Reason, Tally};

/// After so many series the lock is passed on,
const SERIES_PER_TURN: u32 = 512;
/// and after so many samples.
const SAMPLES_PER_TURN: u32 = 4_096;

/// One write. Samples belong to the series that was named last.
#[derive(Debug)]
pub struct Appender<'s> {
    store: &'s Inner,
    head: RwLockWriteGuard<'s, Head>,
    /// Samples after this are too new.
    newest: Millis,
    late: Millis,
    current: Current,
    /// The key of the series before, and how many series and samples this turn had.
    previous: u32,
    turn: u32,
    samples: u32,
    record: Vec<u8>,
    /// The instant in the record that the next one is written against.
    base: Millis,
    submitted: u64,
    outcome: Appended,
}

#[derive(Debug)]
enum Current {
    Slot(u32),
    /// Refused, with an example where one is wanted.
    Refused(Reason, Option<String>),
}

impl<'s> Appender<'s> {
    pub(super) fn new(store: &'s Inner, now: Millis) -> Self {
        let mut head = store.head.write();
        let record = mem::take(&mut head.record);
        let settings = &store.settings;
        Self {
            store,
            head,
            newest: now.saturating_add(settings.ahead),
            late: settings.late,
            current: Current::Refused(Reason::Unnamed, None),
            previous: NOWHERE,
            turn: 0,
            samples: 0,
            record,
            base: 0,
            submitted: 0,
            outcome: Appended::default(),
        }
    }

    /// Names the series that the next samples belong to.
    ///
    /// `key` is what the sender wrote, and `labels` reads it: the same key always has to mean the same labels, so every
    /// way in that has a form of its own marks it by the first byte. Remote write begins with 0x0a or 0x8a, OTLP with 0xfe,
    /// [`Store::push`](super::Store::push) with 0xff. `labels` is asked only for a key that is new.
    #[inline]
    pub fn series<'l, E: Display>(&mut self, key: &[u8], labels: impl FnOnce() -> Result<Vec<(&'l str, &'l str)>, E>) {
        self.turn += 1;
        if self.turn >= SERIES_PER_TURN || self.record.len() >= RECORD_BYTES {
            self.pass_on();
        }
        match self.head.known.find(self.previous, key) {
            Some((place, slot)) => {
                self.previous = place;
                self.current = Current::Slot(slot);
            }
            None => self.meet(key, labels()),
        }
    }

    /// Whether a key leads to a series, so that its labels will not be asked for unless it leaves until then.
    #[inline]
    pub fn knows(&mut self, key: &[u8]) -> bool {
        let found = self.head.known.find(self.previous, key);
        self.previous = found.map_or(self.previous, |(place, _)| place);
        found.is_some()
    }

    /// A key that is new: of a series that has another one already, or of a new series.
    #[cold]
    fn meet<E: Display>(&mut self, key: &[u8], labels: Result<Vec<(&str, &str)>, E>) {
        let mut pairs = match labels {
            Ok(pairs) => pairs,
            Err(error) => return self.refuse_series(Reason::BadLabels, || error.to_string()),
        };
        match self.head.find_or_make(&mut pairs, &self.store.settings) {
            Ok((slot, made)) => {
                self.outcome.created += u64::from(made);
                self.current = Current::Slot(slot);
                let head = &mut *self.head;
                let has_room = head.known.bytes() + key.len() as u64 <= self.store.settings.label_bytes;
                if let Some(series) = head.get_mut(slot)
                    && series.keys < KEYS_PER_SERIES_MAX
                    && !key.is_empty()
                    && has_room
                {
                    series.keys += 1;
                    self.previous = head.known.learn(self.previous, key, slot);
                }
            }
            Err(reason) => self.refuse_series(reason, || words(&pairs)),
        }
    }

    fn refuse_series(&mut self, reason: Reason, example: impl FnOnce() -> String) {
        let example = self.outcome.example(reason).is_none().then(example);
        self.current = Current::Refused(reason, example);
    }

    /// Appends a number to the current series. `born` is when its counter was born, zero where that is not known.
    #[inline]
    pub fn float(&mut self, at: Millis, born: Millis, value: f64) {
        let Some(slot) = self.slot(at) else { return };
        let Some(series) = self.head.get_mut(slot) else { return };
        let (taken, grown) = series.take_float(at, born, value, self.late);
        if self.note(slot, taken, grown) {
            entry::put_float(&mut self.record, slot, at.wrapping_sub(self.base), born, value);
            self.base = at;
        }
    }

    /// Appends a histogram to the current series.
    pub fn histogram(&mut self, at: Millis, born: Millis, histogram: &Arc<Histogram>) {
        let Some(slot) = self.slot(at) else { return };
        if histogram.positive.len() + histogram.negative.len() + histogram.bounds.len() > BUCKETS_MAX {
            return self.refuse(slot, Reason::TooManyBuckets);
        }
        let Some(series) = self.head.get_mut(slot) else { return };
        let (taken, grown) = series.take(at, born, &Value::Histogram(histogram.clone()), self.late);
        if self.note(slot, taken, grown) {
            entry::put_histogram(&mut self.record, slot, at.wrapping_sub(self.base), born, histogram);
            self.base = at;
        }
    }

    /// The series that a sample of this instant goes to; `None` when it is refused, which is counted.
    #[inline]
    fn slot(&mut self, at: Millis) -> Option<u32> {
        self.samples += 1;
        if self.samples >= SAMPLES_PER_TURN || self.record.len() >= RECORD_BYTES {
            self.pass_on_within();
        }
        match &mut self.current {
            Current::Slot(slot) if at <= self.newest => return Some(*slot),
            Current::Slot(slot) => {
                let (slot, reason) = (*slot, Reason::TooNew);
                self.refuse(slot, reason);
            }
            Current::Refused(reason, example) => {
                let (reason, example) = (*reason, example.take());
                self.outcome.refuse(reason, || example.unwrap_or_default());
            }
        }
        None
    }

    fn refuse(&mut self, slot: u32, reason: Reason) {
        let labels = self.head.get(slot).map(|series| &series.labels);
        self.outcome.refuse(reason, || labels.map_or_else(String::new, ToString::to_string));
    }

    /// Counts what became of a sample, and says whether it goes into the log; its series stands there then.
    #[inline]
    fn note(&mut self, slot: u32, taken: Taken, grown: u64) -> bool {
        let tally: &mut Tally = &mut self.outcome.tally;
        match taken {
            Taken::Kept => tally.kept += 1,
            Taken::Late => tally.late += 1,
            Taken::Duplicate => tally.duplicates += 1,
            Taken::Conflict => self.refuse(slot, Reason::Conflict),
            Taken::TooOld => self.refuse(slot, Reason::TooOld),
        }
        let late = taken == Taken::Late;
        let kept = late || taken == Taken::Kept;
        if kept {
            self.outcome.watched |= self.head.note_written(slot, late, grown, &mut self.record);
        }
        kept
    }

    /// What became of the samples so far.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.outcome.tally
    }

    /// Writes the record, and lets those who wait have the lock.
    fn pass_on(&mut self) {
        self.submit();
        RwLockWriteGuard::bump(&mut self.head);
        (self.turn, self.samples) = (0, 0);
    }

    /// The same within a series, which may have left meanwhile; then it is made again.
    #[cold]
    fn pass_on_within(&mut self) {
        let Current::Slot(slot) = self.current else { return self.pass_on() };
        let Some(labels) = self.head.get(slot).map(|series| series.labels.clone()) else { return };
        self.pass_on();
        if self.head.get(slot).is_none_or(|series| series.labels != labels) {
            self.meet(&[], Ok::<_, Infallible>(labels.iter().collect()));
        }
    }

    fn submit(&mut self) {
        if !self.record.is_empty() {
            self.submitted = self.store.log.submit(&self.record);
            self.record.clear();
        }
        self.base = 0;
    }

    /// Ends the write: what was kept is in the log's file and survives the end of this process. It survives the end of
    /// the machine once the log is forced to the disk, which happens every [`SYNC_EVERY`](super::SYNC_EVERY).
    ///
    /// # Errors
    /// When the log could not be written. What was kept is in memory, and a repetition counts as duplicates.
    pub fn finish(mut self) -> Result<Appended, Failure> {
        self.submit();
        let (store, end, outcome) = (self.store, self.submitted, mem::take(&mut self.outcome));
        self.head.totals.tally.add(&outcome.tally);
        drop(self);
        let logged = store.log.write(end);
        if outcome.watched {
            store.wake();
        }
        logged.map(|()| outcome)
    }

    /// Ends the write, and returns when the disk has it. Many at once share one flush of the disk.
    ///
    /// # Errors
    /// As [`Appender::finish`], and when the log could not be forced to the disk.
    pub fn finish_durably(mut self) -> Result<Appended, Failure> {
        self.submit();
        let (store, end) = (self.store, self.submitted);
        let outcome = self.finish()?;
        store.log.sync(end)?;
        Ok(outcome)
    }
}

impl Drop for Appender<'_> {
    /// What was appended is in the head, so it is in the log too, whether or not the write was finished.
    fn drop(&mut self) {
        self.submit();
        let outcome = mem::take(&mut self.outcome);
        self.head.totals.tally.add(&outcome.tally);
        self.head.record = mem::take(&mut self.record);
    }
}

fn words(pairs: &[(&str, &str)]) -> String {
    promql::Labels::from_pairs(pairs.iter().copied()).to_string()
}
