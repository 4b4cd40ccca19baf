//! A tap on the log events that come in: whoever watches logs has a queue of its own, and what has no room in it is counted.
//!
//! ```text
//!   doors -> mask -> store
//!               '-> LogTap::offer -> a queue for each watcher -> TapQueue::next -> the watcher
//!                                      '-- no room: left out, counted, told with the next batch
//! ```
//!
//! A door never waits for a watcher, and one watcher never for another. Log events are no facts: what waits in a queue when
//! the process ends is not looked at.
//!
//! Invariants, each with a test of its name below:
//! - TP-1 A queue never holds more than [`QUEUE_BYTES_MAX`], and what is offered beyond is counted, each event once.
//! - TP-2 Every watcher gets every event that had room in its queue, in the order in which they came.

use std::collections::VecDeque;
use std::sync::Arc;

use kernel::LogEvent;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// The most bytes of log events that wait for one watcher. A batch that is larger has room in an empty queue only.
pub const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// What an event takes beside its texts, roughly, in bytes.
const EVENT_BYTES: usize = 512;

/// Where the doors hand over log events. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct LogTap {
    queues: Arc<Mutex<Vec<Arc<Queue>>>>,
}

/// One watcher's queue. Dropping it ends the watch.
#[derive(Debug)]
pub struct TapQueue {
    queue: Arc<Queue>,
    tap: LogTap,
}

/// What a watcher takes out of its queue.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The events, masked, in the order in which they came. Shared with the other watchers.
    pub events: Arc<[LogEvent]>,
    /// How many events were left out since the last batch, because the queue was full.
    pub left_out: u64,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    came: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    batches: VecDeque<(Arc<[LogEvent]>, usize)>,
    bytes: usize,
    left_out: u64,
}

impl LogTap {
    /// A new watcher, which gets what is offered from now on.
    #[must_use]
    pub fn watch(&self) -> TapQueue {
        let queue = Arc::new(Queue::default());
        self.queues.lock().push(Arc::clone(&queue));
        TapQueue { queue, tap: self.clone() }
    }

    /// A copy of events to offer, where anybody watches.
    #[must_use]
    pub fn copy(&self, events: &[LogEvent]) -> Option<Arc<[LogEvent]>> {
        (!events.is_empty() && !self.queues.lock().is_empty()).then(|| Arc::from(events))
    }

    /// Whether half of some watcher's queue is full: whoever can wait with what it has to offer should.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.queues.lock().iter().any(|queue| queue.waiting.lock().bytes > QUEUE_BYTES_MAX / 2)
    }

    /// Hands events to every watcher that has room for them. Never waits.
    pub fn offer(&self, events: &Arc<[LogEvent]>) {
        let bytes = events.iter().map(weight).sum();
        self.queues.lock().iter().for_each(|queue| queue.push(events, bytes));
    }
}

impl TapQueue {
    /// The next batch, as soon as there is one.
    pub async fn next(&self) -> Batch {
        loop {
            let came = self.queue.came.notified();
            if let Some(batch) = self.try_next() {
                return batch;
            }
            came.await;
        }
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.waiting.lock().batches.is_empty()
    }

    /// The next batch, where one waits.
    #[must_use]
    pub fn try_next(&self) -> Option<Batch> {
        let mut waiting = self.queue.waiting.lock();
        let (events, bytes) = waiting.batches.pop_front()?;
        waiting.bytes -= bytes.min(waiting.bytes);
        Some(Batch { events, left_out: std::mem::take(&mut waiting.left_out) })
    }
}

impl Drop for TapQueue {
    fn drop(&mut self) {
        self.tap.queues.lock().retain(|queue| !Arc::ptr_eq(queue, &self.queue));
    }
}

impl Queue {
    fn push(&self, events: &Arc<[LogEvent]>, bytes: usize) {
        let mut waiting = self.waiting.lock();
        if !waiting.batches.is_empty() && waiting.bytes.saturating_add(bytes) > QUEUE_BYTES_MAX {
            waiting.left_out = waiting.left_out.saturating_add(events.len() as u64);
            return;
        }
        waiting.bytes = waiting.bytes.saturating_add(bytes);
        waiting.batches.push_back((Arc::clone(events), bytes));
        drop(waiting);
        self.came.notify_one();
    }
}

/// How many bytes an event counts for.
fn weight(event: &LogEvent) -> usize {
    let mut bytes = EVENT_BYTES;
    event.texts(&mut |text| bytes = bytes.saturating_add(text.len()));
    bytes
}

#[cfg(test)]
mod tests {
    use kernel::Attribute;

    use super::*;

    fn events(texts: &[&str]) -> Arc<[LogEvent]> {
        let event = |text: &&str| LogEvent { body: Attribute::Text((*text).to_owned()), ..LogEvent::default() };
        texts.iter().map(event).collect()
    }

    fn bodies(batch: &Batch) -> Vec<&str> {
        batch.events.iter().filter_map(|event| event.body.text()).collect()
    }

    #[test]
    fn tp_1_what_has_no_room_is_counted_and_told_with_the_next_batch() {
        let tap = LogTap::default();
        let queue = tap.watch();
        let large = "x".repeat(QUEUE_BYTES_MAX);
        tap.offer(&events(&[&large]));
        assert!(tap.is_behind(), "whoever can wait should");
        tap.offer(&events(&["b", "c"]));
        assert_eq!(queue.try_next().unwrap().left_out, 2, "a batch that is too large has room in an empty queue");
        tap.offer(&events(&["d"]));
        let batch = queue.try_next().unwrap();
        assert_eq!((bodies(&batch), batch.left_out), (vec!["d"], 0), "each is counted once");
        assert!(queue.try_next().is_none());
    }

    #[tokio::test]
    async fn tp_2_every_watcher_gets_everything_in_order() {
        let tap = LogTap::default();
        assert!(tap.copy(&events(&["a"])).is_none(), "nobody watches yet");
        let (one, other) = (tap.watch(), tap.watch());
        for text in ["a", "b"] {
            tap.offer(&tap.copy(&events(&[text])).unwrap());
        }
        for queue in [&one, &other] {
            assert_eq!(bodies(&queue.next().await), ["a"]);
            assert_eq!(bodies(&queue.next().await), ["b"]);
        }
        let late = tokio::spawn(async move { bodies(&one.next().await).join(",") });
        tokio::task::yield_now().await;
        tap.offer(&events(&["c"]));
        assert_eq!(late.await.unwrap(), "c", "whoever waits is woken");
        drop(other);
        assert!(tap.copy(&events(&["d"])).is_none(), "nobody watches any more");
    }
}
