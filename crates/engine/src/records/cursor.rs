//! Where a table has been read to. Pure: it is told what time it is, how many rows each second has and which rows there are,
//! and says which of them are new.
//!
//! ```text
//!       |<------ lateness ------>|
//!   ----+------------------------+---------> time of rows
//!       begin                    mark     until
//!       '-- each row in here is remembered by its place --'
//! ```
//!
//! Rows do not come in the order of their own time, so what is near the mark is looked at again. Counting rows by their second
//! is cheap for a store that is sorted by columns, and only from the first second on that has more rows than were read, rows
//! are read again.

use std::collections::{BTreeMap, HashMap};

use kernel::Nanos;
use kernel::search::{Page, Place};
use serde::{Deserialize, Serialize};

/// How far ahead of our clock a row's time may be and still be read now, in nanoseconds: five minutes.
pub(super) const AHEAD: Nanos = 300 * SECOND;
/// The longest stretch of time that one look is over, beyond the lateness: an hour.
pub(super) const STRETCH_MAX: Nanos = 3600 * SECOND;
/// How far back is read what came while nothing could be read: a day. Whatever is older is left out, and that is said.
pub(super) const CATCH_UP_MAX: Nanos = 86_400 * SECOND;
/// The most places that are remembered. When there are more, the earliest seconds are not looked at again.
pub(super) const PLACES_MAX: usize = 500_000;
/// The most places that are kept for a restart, which looks again only at what has all its places kept.
pub(super) const KEPT_MAX: usize = 50_000;

/// A second, in nanoseconds.
pub(super) const SECOND: Nanos = 1_000_000_000;

/// Where a table has been read to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Cursor {
    /// Up to here every row was read that had come.
    mark: Nanos,
    /// Before this nothing is looked at again.
    floor: Nanos,
    /// How often each place was read, by second.
    read: BTreeMap<i64, Second>,
    /// How many places there are in all.
    places: usize,
}

/// What was read of one second.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Second {
    rows: u64,
    places: HashMap<Place, u32>,
}

/// A cursor as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    /// Of which table: its address, its database and its name.
    of: String,
    mark: Nanos,
    floor: Nanos,
    places: Vec<(Nanos, u64, u32)>,
}

/// What a look at a table is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) from: Nanos,
    pub(super) until: Nanos,
    /// How much before the beginning was left out, because it is too long ago.
    pub(super) left_out: Nanos,
}

impl Cursor {
    /// A cursor of a table that was never read: what came before now is not looked at.
    pub(super) fn beginning(now: Nanos) -> Self {
        Self { mark: now, floor: now, ..Self::default() }
    }

    /// Up to where every row was read that had come.
    pub(super) fn mark(&self) -> Nanos {
        self.mark
    }

    /// What is to be looked at now.
    pub(super) fn look(&self, now: Nanos, lateness: Nanos) -> Look {
        let wanted = self.mark.saturating_sub(lateness).max(self.floor);
        let from = wanted.max(now.saturating_sub(CATCH_UP_MAX).saturating_sub(lateness));
        let until = now.saturating_add(AHEAD).min(from.saturating_add(lateness).saturating_add(STRETCH_MAX));
        Look { from, until, left_out: from.saturating_sub(self.mark).max(0) }
    }

    /// The beginning of the first second that has more rows than were read.
    pub(super) fn changed(&self, counts: &[(i64, u64)], look: Look) -> Option<Nanos> {
        let more = |(second, rows): &&(i64, u64)| *rows > self.read.get(second).map_or(0, |known| known.rows);
        let (second, _) = counts.iter().filter(more).min()?;
        Some(second.saturating_mul(SECOND).max(look.from))
    }

    /// The rows of a page that were not read before, and the place from which the next page is to be read.
    pub(super) fn take<T>(&mut self, page: Page<T>) -> (Vec<T>, Option<Place>) {
        let (mut rows, whole) = (page.rows, page.whole);
        let last = rows.last().map(|(place, _)| *place);
        let mut next = None;
        if !whole && let Some(last) = last {
            // There may be more rows of the last place than the page had room for.
            let before = rows.iter().take_while(|(place, _)| *place != last).count();
            next = Some(if before > 0 { last } else { last.next() });
            rows.truncate(if before > 0 { before } else { rows.len() });
        }
        let mut fresh = Vec::new();
        let mut copies: (Option<Place>, u32) = (None, 0);
        for (place, row) in rows {
            let copy = if copies.0 == Some(place) { copies.1.saturating_add(1) } else { 1 };
            copies = (Some(place), copy);
            if self.note(place, copy) {
                fresh.push(row);
            }
        }
        (fresh, next)
    }

    /// Notes the so-manieth copy of a place; says whether it is new.
    fn note(&mut self, place: Place, copy: u32) -> bool {
        let second = self.read.entry(place.at.div_euclid(SECOND)).or_default();
        let known = second.places.entry(place).or_insert(0);
        if copy <= *known {
            return false;
        }
        self.places += usize::from(*known == 0);
        *known = copy;
        second.rows = second.rows.saturating_add(1);
        true
    }

    /// Everything that a look is over was read: the mark moves on, and what is too long ago is forgotten.
    pub(super) fn looked(&mut self, look: Look, now: Nanos, lateness: Nanos) {
        let newest =
            self.read.last_key_value().and_then(|(_, second)| second.places.keys().map(|place| place.at).max());
        // While nothing comes, the mark stays a stretch behind, so that what was held up elsewhere is not late.
        let reached = if look.until < now { look.until } else { now.saturating_sub(STRETCH_MAX) };
        let seen = newest.unwrap_or(0).min(now);
        self.mark = self.mark.max(reached).max(seen);
        self.forget(self.mark.saturating_sub(lateness));
        while self.places > PLACES_MAX && self.read.len() > 1 {
            self.drop_first();
        }
    }

    fn forget(&mut self, before: Nanos) {
        while self.read.first_key_value().is_some_and(|(second, _)| (second + 1).saturating_mul(SECOND) <= before) {
            self.drop_first();
        }
    }

    /// Forgets the earliest second, and never looks at it again.
    fn drop_first(&mut self) {
        if let Some((second, gone)) = self.read.pop_first() {
            self.places -= gone.places.len().min(self.places);
            self.floor = self.floor.max((second + 1).saturating_mul(SECOND));
        }
    }

    /// What is kept of it.
    pub(super) fn kept(&self, of: &str) -> Vec<u8> {
        let (mut places, mut floor) = (Vec::new(), self.floor);
        for (second, read) in self.read.iter().rev() {
            if places.len() + read.places.len() > KEPT_MAX && !places.is_empty() {
                floor = (second + 1).saturating_mul(SECOND);
                break;
            }
            places.extend(read.places.iter().map(|(place, copies)| (place.at, place.hash, *copies)));
        }
        let kept = Kept { of: of.to_owned(), mark: self.mark, floor: self.floor.max(floor), places };
        // Writing into memory cannot fail.
        rmp_serde::to_vec(&kept).unwrap_or_default()
    }

    /// What was kept of the same table.
    pub(super) fn read(bytes: &[u8], of: &str) -> Option<Self> {
        let kept: Kept = rmp_serde::from_slice(bytes).ok().filter(|kept: &Kept| kept.of == of)?;
        let mut cursor = Self { mark: kept.mark, floor: kept.floor, ..Self::default() };
        for (at, hash, copies) in kept.places {
            (1..=copies).for_each(|copy| {
                cursor.note(Place { at, hash }, copy);
            });
        }
        Some(cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Nanos = 1_800_000_000 * SECOND;
    const LATENESS: Nanos = 60 * SECOND;

    fn rows(places: &[(Nanos, u64)]) -> Vec<(Place, u64)> {
        let row = |(at, hash): &(Nanos, u64)| (Place { at: NOW + at, hash: *hash }, *hash);
        places.iter().map(row).collect()
    }

    fn counts(rows: &[(Place, u64)]) -> Vec<(i64, u64)> {
        let mut counts = BTreeMap::new();
        rows.iter().for_each(|(place, _)| *counts.entry(place.at.div_euclid(SECOND)).or_insert(0) += 1);
        counts.into_iter().collect()
    }

    /// A look over a whole table, by pages of so many rows.
    fn read(cursor: &mut Cursor, table: &[(Nanos, u64)], now: Nanos, limit: usize) -> Vec<u64> {
        let mut table = rows(table);
        table.sort_unstable();
        let look = cursor.look(now, LATENESS);
        let within = |(place, _): &&(Place, u64)| look.from <= place.at && place.at <= look.until;
        let seen: Vec<_> = table.iter().filter(within).copied().collect();
        let mut fresh = Vec::new();
        let mut place = cursor.changed(&counts(&seen), look).map(Place::at);
        while let Some(from) = place {
            let rest: Vec<_> = seen.iter().filter(|(place, _)| *place >= from).copied().collect();
            let whole = rest.len() < limit;
            let (new, next) = cursor.take(Page { rows: rest.into_iter().take(limit).collect(), whole });
            fresh.extend(new);
            place = next;
        }
        cursor.looked(look, now, LATENESS);
        fresh
    }

    #[test]
    fn rc_1_each_row_is_new_once_and_rows_that_are_alike_as_often_as_there_are() {
        let mut cursor = Cursor::beginning(NOW);
        let mut table = vec![(SECOND, 1), (SECOND, 2), (SECOND, 2), (2 * SECOND, 3)];
        for limit in [3, 4, 100] {
            let mut cursor = Cursor::beginning(NOW);
            assert_eq!(read(&mut cursor, &table, NOW + 3 * SECOND, limit), [1, 2, 2, 3], "{limit}");
        }
        assert_eq!(read(&mut cursor, &table, NOW + 3 * SECOND, 100), [1, 2, 2, 3]);
        assert_eq!(read(&mut cursor, &table, NOW + 4 * SECOND, 100), [0_u64; 0]);
        table.push((SECOND, 2));
        assert_eq!(read(&mut cursor, &table, NOW + 5 * SECOND, 100), [2], "a third one of the same");
        assert_eq!(read(&mut Cursor::beginning(NOW), &[(-SECOND, 1)], NOW, 100), [0_u64; 0], "what came before");
    }

    #[test]
    fn rc_2_what_comes_late_is_new_within_the_lateness() {
        let mut cursor = Cursor::beginning(NOW);
        let mut table = vec![(100 * SECOND, 1)];
        assert_eq!(read(&mut cursor, &table, NOW + 101 * SECOND, 100), [1]);
        table.extend([(41 * SECOND, 2), (39 * SECOND, 3)]);
        assert_eq!(read(&mut cursor, &table, NOW + 102 * SECOND, 100), [2], "the other is later than allowed");
        table.push((103 * SECOND + AHEAD, 4));
        table.push((1000 * SECOND + AHEAD, 5));
        assert_eq!(read(&mut cursor, &table, NOW + 103 * SECOND, 100), [4], "a clock that is ahead");
        assert_eq!(cursor.mark(), NOW + 103 * SECOND, "moves the mark to now and no further");
    }

    #[test]
    fn rc_3_what_came_in_the_meantime_is_caught_up_with_stretch_by_stretch() {
        let mut cursor = Cursor::beginning(NOW);
        let hour = 3600 * SECOND;
        let table: Vec<_> = (0..10).map(|number| (number * hour + SECOND, number as u64)).collect();
        let (now, mut all) = (NOW + 10 * hour, Vec::new());
        for _ in 0..20 {
            all.extend(read(&mut cursor, &table, now, 100));
        }
        assert_eq!(all, (0..10).collect::<Vec<_>>());
        let look = cursor.look(NOW + 40 * hour, LATENESS);
        assert!(look.left_out > 0 && look.from == NOW + 16 * hour - LATENESS, "{look:?}");
    }

    #[test]
    fn rc_4_what_is_kept_goes_on() {
        let mut cursor = Cursor::beginning(NOW);
        let mut table = vec![(SECOND, 1), (SECOND, 1), (2 * SECOND, 2)];
        read(&mut cursor, &table, NOW + 3 * SECOND, 100);
        let mut again = Cursor::read(&cursor.kept("a"), "a").unwrap();
        assert_eq!(again, cursor);
        assert_eq!(Cursor::read(&cursor.kept("a"), "b"), None, "of another table");
        table.push((SECOND + 1, 3));
        assert_eq!(read(&mut again, &table, NOW + 4 * SECOND, 100), [3]);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut cursor = Cursor::beginning(NOW);
        let seconds = 3;
        for second in 0..seconds {
            let rows = (0..KEPT_MAX as u64 / 2).map(|hash| (Place { at: NOW + second * SECOND, hash }, ())).collect();
            cursor.take(Page { rows, whole: true });
        }
        let again = Cursor::read(&cursor.kept("a"), "a").unwrap();
        assert_eq!((again.places, again.floor), (KEPT_MAX, NOW + SECOND), "the earliest second is not looked at again");
        let now = NOW + 4000 * SECOND;
        cursor.looked(cursor.look(now, LATENESS), now, LATENESS);
        assert_eq!((cursor.places, cursor.read.len()), (0, 0));
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_in_whatever_order_is_new_once(
            batches in proptest::collection::vec(proptest::collection::vec((0_i64..40, 0_u64..5), 0..20), 1..6),
            limit in 1_usize..30,
        ) {
            // Copies of one place fit into a page.
            let limit = limit + 100;
            let (mut cursor, mut table, mut all) = (Cursor::beginning(NOW), Vec::new(), Vec::new());
            for batch in batches {
                table.extend(batch.into_iter().map(|(second, hash)| (second * SECOND, hash)));
                all.extend(read(&mut cursor, &table, NOW + 50 * SECOND, limit));
            }
            let mut expected: Vec<u64> = table.iter().map(|(_, hash)| *hash).collect();
            expected.sort_unstable();
            all.sort_unstable();
            proptest::prop_assert_eq!(all, expected);
        }
    }
}
