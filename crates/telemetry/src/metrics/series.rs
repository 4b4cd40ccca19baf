//! One series in the head: its newest point, the chunk that grows, whole chunks, and the few points that came late.

use std::sync::Arc;

use promql::{Labels, Millis, Point, Value};

use super::chunk::{Chunk, Kind, Open, chunks_of, in_order, same};
use super::recent::{Recent, SLACK};

/// The most late points that wait in order; past it they become a chunk.
pub(super) const LATE_POINTS_MAX: usize = 120;
/// In so many chunks at most a late point is searched for one of its instant; what is missed there the reader drops.
pub(super) const SEARCHED_CHUNKS_MAX: usize = 8;
/// No standing selector.
pub(super) const UNWATCHED: u32 = u32::MAX;

/// A series and its points in memory.
#[derive(Debug)]
pub(super) struct Series {
    /// The instant of the newest point, also when that is in a block already; `Millis::MIN` when there is none.
    pub newest: Millis,
    /// Its value.
    pub value: Value,
    /// When it was born.
    pub born: Millis,
    open: Open,
    /// The epoch of the log in which its labels stand.
    pub epoch: u64,
    /// The first standing selector that it belongs to,
    pub watch: u32,
    /// and the others.
    pub watches: Vec<u32>,
    whole: Vec<Arc<Chunk>>,
    /// How many of the first whole chunks are in a block.
    saved: usize,
    /// Points that came late, in order of time.
    late: Vec<Point>,
    /// Its newest points once more, decoded, where a standing selector has a window over them.
    recent: Option<Box<Recent>>,
    pub labels: Labels,
    /// The hash of its labels.
    pub hash: u64,
    /// How many keys lead to it: see `known`.
    pub keys: u8,
}

/// What became of one point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    Kept,
    Late,
    Duplicate,
    Conflict,
    TooOld,
}

/// What left the memory of a series.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Forgotten {
    chunks: usize,
    pub bytes: u64,
    pub points: u64,
    /// The newest instant of it.
    pub last: Option<Millis>,
}

impl Forgotten {
    fn add(&mut self, chunk: &Chunk) {
        self.chunks += 1;
        self.bytes += chunk.weight();
        self.points += u64::from(chunk.head.count);
        self.last = self.last.max(Some(chunk.head.last));
    }
}

impl Series {
    pub(super) fn new(labels: Labels, hash: u64) -> Self {
        Self {
            newest: Millis::MIN,
            value: Value::Float(0.0),
            born: 0,
            open: Open::empty(),
            epoch: 0,
            watch: UNWATCHED,
            watches: Vec::new(),
            whole: Vec::new(),
            saved: 0,
            late: Vec::new(),
            recent: None,
            labels,
            hash,
            keys: 0,
        }
    }

    /// Takes a number in; says by how many bytes whole chunks grew.
    #[inline]
    pub(super) fn take_float(&mut self, at: Millis, born: Millis, value: f64, late: Millis) -> (Taken, u64) {
        if at <= self.newest {
            return self.take_late(at, born, Value::Float(value), late);
        }
        let grown = if self.open.takes(Kind::Floats, born) { 0 } else { self.seal() };
        self.open.put_float(at, born, value.to_bits());
        (self.newest, self.value, self.born) = (at, Value::Float(value), born);
        if let Some(recent) = &mut self.recent {
            recent.push(Point { at, born, value: Value::Float(value) });
        }
        (Taken::Kept, grown)
    }

    /// Takes any value in, likewise.
    pub(super) fn take(&mut self, at: Millis, born: Millis, value: &Value, late: Millis) -> (Taken, u64) {
        let histogram = match value {
            Value::Float(value) => return self.take_float(at, born, *value, late),
            Value::Histogram(histogram) => histogram,
        };
        if at <= self.newest {
            return self.take_late(at, born, value.clone(), late);
        }
        let grown = if self.open.takes(Kind::Histograms, born) { 0 } else { self.seal() };
        self.open.put_histogram(at, born, histogram);
        (self.newest, self.value, self.born) = (at, value.clone(), born);
        if let Some(recent) = &mut self.recent {
            recent.push(Point { at, born, value: value.clone() });
        }
        (Taken::Kept, grown)
    }

    #[cold]
    fn take_late(&mut self, at: Millis, born: Millis, value: Value, late: Millis) -> (Taken, u64) {
        let there = if at == self.newest { Some(self.value.clone()) } else { None };
        if there.is_none() && self.newest.saturating_sub(at) > late {
            return (Taken::TooOld, 0);
        }
        match there.or_else(|| self.at(at)) {
            Some(there) if same(&there, &value) => return (Taken::Duplicate, 0),
            Some(_) => return (Taken::Conflict, 0),
            None => {}
        }
        let place = self.late.partition_point(|point| point.at < at);
        if let Some(recent) = &mut self.recent {
            recent.insert(Point { at, born, value: value.clone() });
        }
        self.late.insert(place, Point { at, born, value });
        let grown = if self.late.len() >= LATE_POINTS_MAX { self.seal_late() } else { 0 };
        (Taken::Late, grown)
    }

    /// The value at this instant, where one is found among what is in the head.
    fn at(&self, at: Millis) -> Option<Value> {
        let (before, mut found) = (at.saturating_sub(1), Vec::new());
        found.extend(self.late.iter().find(|point| point.at == at).cloned());
        if found.is_empty() && self.open.head().count > 0 && self.open.head().overlaps(before, at) {
            self.open.copy()?.read(before, at, &mut found)?;
        }
        let near = self.whole.iter().rev().filter(|chunk| chunk.head.overlaps(before, at));
        for chunk in near.take(SEARCHED_CHUNKS_MAX) {
            if !found.is_empty() {
                break;
            }
            chunk.read(before, at, &mut found)?;
        }
        found.into_iter().next().map(|point| point.value)
    }

    /// Makes the growing chunk a whole one; says by how many bytes the whole ones grew.
    fn seal(&mut self) -> u64 {
        let Some(chunk) = self.open.seal() else { return 0 };
        let weight = chunk.weight();
        self.whole.push(Arc::new(chunk));
        weight
    }

    fn seal_late(&mut self) -> u64 {
        let chunks = chunks_of(&std::mem::take(&mut self.late));
        let weight = chunks.iter().map(Chunk::weight).sum();
        self.whole.extend(chunks.into_iter().map(Arc::new));
        weight
    }

    /// Makes everything whole; says by how many bytes the whole chunks grew.
    pub(super) fn seal_all(&mut self) -> u64 {
        self.seal() + self.seal_late()
    }

    /// Whole chunks that are in no block yet.
    pub(super) fn unsaved(&self) -> &[Arc<Chunk>] {
        self.whole.get(self.saved..).unwrap_or_default()
    }

    /// Notes that so many more whole chunks are in a block, and forgets those of them that end before `until`.
    pub(super) fn save(&mut self, chunks: usize, until: Millis) -> Forgotten {
        self.saved = (self.saved + chunks).min(self.whole.len());
        let (mut place, mut forgotten) = (0, Forgotten::default());
        let saved = self.saved;
        self.whole.retain(|chunk| {
            let gone = place < saved && chunk.head.last < until;
            place += 1;
            if gone {
                forgotten.add(chunk);
            }
            !gone
        });
        self.saved -= forgotten.chunks;
        self.whole.shrink_to_fit();
        forgotten
    }

    /// Whether all its points are in blocks, and none of them is here any more.
    pub(super) fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.is_saved()
    }

    /// Whether all its points are in blocks.
    pub(super) fn is_saved(&self) -> bool {
        self.unsaved().is_empty() && self.late.is_empty() && self.open.head().count == 0
    }

    /// Keeps its newest points decoded, for windows of this length; whether it did not keep any before.
    pub(super) fn keep_recent(&mut self, window: Millis) -> bool {
        if self.recent.as_ref().is_some_and(|recent| recent.reaches(window)) {
            return false;
        }
        let after = self.newest.saturating_sub(window).saturating_sub(SLACK);
        let mut points = Vec::new();
        self.stored(after, Millis::MAX).read(after, Millis::MAX, &mut points);
        in_order(&mut points);
        self.recent.replace(Box::new(Recent::new(window, points, after))).is_none()
    }

    /// Whether its newest points are kept decoded.
    pub(super) fn keeps_recent(&self) -> bool {
        self.recent.is_some()
    }

    /// Keeps none any more; whether it did before.
    pub(super) fn forget_recent(&mut self) -> bool {
        self.recent.take().is_some()
    }

    /// The decoded points, where they are all that the head has after an instant.
    fn recent(&self, after: Millis) -> Option<&Recent> {
        self.recent.as_deref().filter(|recent| recent.is_whole_after(after))
    }

    /// A copy of what may hold points in `(after, until]`.
    pub(super) fn parts(&self, after: Millis, until: Millis) -> Parts {
        match self.recent(after) {
            Some(recent) => Parts { whole: Vec::new(), open: None, late: recent.between(after, until) },
            None => self.stored(after, until),
        }
    }

    fn stored(&self, after: Millis, until: Millis) -> Parts {
        let whole = self.whole.iter().filter(|chunk| chunk.head.overlaps(after, until)).cloned().collect();
        let open = self.open.head().overlaps(after, until).then(|| self.open.copy()).flatten();
        Parts { whole, open, late: self.late.clone() }
    }

    /// The newest point in `(after, until]` of those in the head.
    pub(super) fn newest_until(&self, after: Millis, until: Millis) -> Option<Point> {
        let mut points = Vec::new();
        self.parts(after, until).read(after, until, &mut points);
        in_order(&mut points);
        points.pop()
    }

    /// How many points `parts` would copy, without copying any.
    pub(super) fn count(&self, after: Millis, until: Millis) -> usize {
        if let Some(recent) = self.recent(after) {
            return recent.count(after, until);
        }
        let whole = self.whole.iter().filter(|chunk| chunk.head.overlaps(after, until));
        let whole: u32 = whole.map(|chunk| chunk.head.count).sum();
        let open = if self.open.head().overlaps(after, until) { self.open.head().count } else { 0 };
        (whole + open) as usize + self.late.len()
    }

    /// The instant of the oldest point in the head.
    pub(super) fn oldest(&self) -> Option<Millis> {
        let whole = self.whole.iter().map(|chunk| chunk.head.first);
        let open = (self.open.head().count > 0).then(|| self.open.head().first);
        let late = self.late.first().map(|point| point.at);
        whole.chain(open).chain(late).min()
    }

    /// How much memory the growing chunk holds, in bytes.
    pub(super) fn open_bytes(&self) -> usize {
        self.open.capacity()
    }
}

/// A copy of some points of one series, to be decoded where nobody waits.
#[derive(Debug)]
pub(super) struct Parts {
    whole: Vec<Arc<Chunk>>,
    open: Option<Chunk>,
    late: Vec<Point>,
}

impl Parts {
    /// How many points there may be, at most.
    pub(super) fn count(&self) -> usize {
        let chunks = self.whole.iter().map(|chunk| &**chunk).chain(&self.open);
        chunks.map(|chunk| chunk.head.count as usize).sum::<usize>() + self.late.len()
    }

    /// Appends the points in `(after, until]`, in the order in which they came in.
    pub(super) fn read(&self, after: Millis, until: Millis, points: &mut Vec<Point>) {
        for chunk in self.whole.iter().map(|chunk| &**chunk).chain(&self.open) {
            // What is in memory decodes: it was encoded here.
            let _ = chunk.read(after, until, points);
        }
        points.extend(self.late.iter().filter(|point| point.at > after && point.at <= until).cloned());
    }
}
