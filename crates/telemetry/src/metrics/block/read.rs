//! Reading a block. Whatever does not fit together is damage, never a panic.

use std::borrow::Cow;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use promql::ast::Matcher;
use promql::{Labels, Millis, Point};

use super::footer::FOOTER_BYTES;
use super::window::{Missing, Table, Window};
use super::{Footer, MAGIC};
use crate::metrics::Failure;
use crate::metrics::chunk::{Header, Kind, read};
use crate::metrics::codec::bytes::Reader;
use crate::metrics::codec::crc::{Crc, crc};
use crate::metrics::ids::together;
use crate::metrics::matching::{Lexicon, resolve};

/// How much of the index is verified at a time.
const VERIFIED_AT_A_TIME: u64 = 256 << 10;

/// An open block.
#[derive(Debug)]
pub(in crate::metrics) struct Block {
    pub path: PathBuf,
    pub number: u64,
    pub footer: Footer,
    /// How many bytes the file has.
    pub bytes: u64,
    file: File,
    names: Vec<Name>,
    /// Whether the index was verified; while one verifies, others wait.
    verified: Mutex<bool>,
}

#[derive(Debug)]
struct Name {
    text: Arc<str>,
    values: u64,
    places: u64,
}

/// Why points could not be read.
#[derive(Debug)]
pub(in crate::metrics) enum Unread {
    /// The block is damaged, or cannot be read; it should be set aside.
    Bad(Failure),
    /// There are more points than may be loaded.
    TooMany(usize),
}

impl Block {
    /// Opens a block and reads its end.
    pub(in crate::metrics) fn open(path: &Path, number: u64) -> Result<Self, Failure> {
        let fail = |error: std::io::Error| Failure::file(path, "read", &error);
        let file = File::open(path).map_err(fail)?;
        let bytes = file.metadata().map_err(fail)?.len();
        let parsed = {
            let mut window = Window::new(&file, bytes);
            parse_ends(&mut window, bytes)
        };
        let (footer, names) = parsed.map_err(|missing| failure(path, missing))?;
        Ok(Self { path: path.to_owned(), number, footer, bytes, file, names, verified: Mutex::new(false) })
    }

    /// Whether it may hold points in `(after, until]`.
    pub(in crate::metrics) fn overlaps(&self, after: Millis, until: Millis) -> bool {
        self.footer.last > after && self.footer.first <= until
    }

    /// Gives `take` the points in `(after, until]` of each series that matches; `room` is how many more may be loaded.
    pub(in crate::metrics) fn select(
        &self,
        matchers: &[Matcher],
        (after, until): (Millis, Millis),
        room: &mut usize,
        mut take: impl FnMut(Labels, Vec<Point>),
    ) -> Result<(), Unread> {
        let bad = |missing| Unread::Bad(failure(&self.path, missing));
        self.verify().map_err(bad)?;
        let ids = resolve(self, matchers).map_err(bad)?;
        let (mut entries, mut chunks) = (self.table(self.footer.places), self.window());
        for id in ids {
            let (labels, mut placed) = self.entry(&mut entries, id).map_err(bad)?;
            placed.retain(|chunk| chunk.head.overlaps(after, until));
            let count: usize = placed.iter().map(|chunk| chunk.head.count as usize).sum();
            *room = room.checked_sub(count).ok_or_else(|| Unread::TooMany(count.saturating_sub(*room)))?;
            let mut points = Vec::with_capacity(count.min(1 << 16));
            for chunk in &placed {
                chunk.read(&mut chunks, (after, until), &mut points).map_err(bad)?;
            }
            if !points.is_empty() {
                take(labels, points);
            }
        }
        Ok(())
    }

    /// Gives `take` the labels of each series that matches.
    pub(in crate::metrics) fn series(&self, matchers: &[Matcher], mut take: impl FnMut(Labels)) -> Result<(), Failure> {
        let bad = |missing| failure(&self.path, missing);
        self.verify().map_err(bad)?;
        let mut entries = self.table(self.footer.places);
        for id in resolve(self, matchers).map_err(bad)? {
            take(self.entry(&mut entries, id).map_err(bad)?.0);
        }
        Ok(())
    }

    /// The label names.
    pub(in crate::metrics) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.names.iter().map(|name| &name.text)
    }

    /// Gives `take` the values of a label.
    pub(in crate::metrics) fn values(&self, name: &str, mut take: impl FnMut(&str)) -> Result<(), Failure> {
        let bad = |missing| failure(&self.path, missing);
        self.verify().map_err(bad)?;
        let each = |value: &str| {
            take(value);
            false
        };
        self.where_value(name, &mut { each }).map_err(bad)?;
        Ok(())
    }

    fn window(&self) -> Window<'_> {
        Window::new(&self.file, self.bytes)
    }

    fn table(&self, places: u64) -> Table<'_> {
        Table::new(&self.file, self.bytes, places)
    }

    /// Compares the checksum of the index, once.
    fn verify(&self) -> Result<(), Missing> {
        let mut verified = self.verified.lock();
        if *verified {
            return Ok(());
        }
        let (mut window, mut sum, mut at) = (self.window(), Crc::new(), self.footer.index);
        let end = self.bytes - FOOTER_BYTES as u64;
        while at < end {
            let to = (at + VERIFIED_AT_A_TIME).min(end);
            sum.add(window.get(at, to)?);
            at = to;
        }
        *verified = sum.sum() == self.footer.sum;
        if *verified { Ok(()) } else { Err(Missing::Damaged("the checksum of its index differs")) }
    }

    fn entry(&self, entries: &mut Table<'_>, id: u32) -> Result<(Labels, Vec<Placed>), Missing> {
        let parsed = self.parse_entry(&mut Reader(entries.get(u64::from(id))?));
        parsed.ok_or(Missing::Damaged("a series makes no sense"))
    }

    fn parse_entry(&self, reader: &mut Reader<'_>) -> Option<(Labels, Vec<Placed>)> {
        let count = reader.count(2)?;
        let pair = |_| Some((self.names.get(reader.number()? as usize)?.text.clone(), Arc::from(reader.text()?)));
        let labels: Option<Labels> = (0..count).map(pair).collect();
        let count = reader.count(7)?;
        let placed = (0..count).map(|_| Placed::parse(reader)).collect::<Option<_>>()?;
        Some((labels?, placed))
    }

    fn name(&self, name: &str) -> Option<&Name> {
        let place = self.names.binary_search_by(|known| (*known.text).cmp(name)).ok()?;
        self.names.get(place)
    }
}

/// A chunk and where its bytes are.
#[derive(Debug)]
struct Placed {
    head: Header,
    at: u64,
    length: u64,
}

impl Placed {
    fn parse(reader: &mut Reader<'_>) -> Option<Self> {
        let kind = match reader.array()? {
            [0] => Kind::Floats,
            [1] => Kind::Histograms,
            _ => return None,
        };
        let (first, last, born) = (reader.signed()?, reader.signed()?, reader.signed()?);
        let head = Header { kind, first, last, born, count: reader.small()? };
        Some(Self { head, at: reader.number()?, length: reader.number()? })
    }

    fn read(
        &self,
        window: &mut Window<'_>,
        (after, until): (Millis, Millis),
        points: &mut Vec<Point>,
    ) -> Result<(), Missing> {
        let end = self.at.saturating_add(self.length);
        let bytes = window.get(self.at, end.saturating_add(4))?;
        let damaged = Missing::Damaged("the checksum of a chunk differs");
        let Some((bytes, sum)) = bytes.split_last_chunk::<4>() else { return Err(damaged) };
        if crc(bytes) != u32::from_le_bytes(*sum) {
            return Err(damaged);
        }
        read(&self.head, bytes, after, until, points).ok_or(Missing::Damaged("a chunk makes no sense"))
    }
}

fn failure(path: &Path, missing: Missing) -> Failure {
    match missing {
        Missing::Read(error) => Failure::file(path, "read", &error),
        Missing::Damaged(what) => Failure::damaged(path, what),
    }
}

fn parse_ends(window: &mut Window<'_>, bytes: u64) -> Result<(Footer, Vec<Name>), Missing> {
    let damaged = Missing::Damaged("its end is not that of a block");
    let Some(at) = bytes.checked_sub(FOOTER_BYTES as u64) else { return Err(damaged) };
    if window.get(0, 8)? != MAGIC {
        return Err(Missing::Damaged("its beginning is not that of a block"));
    }
    let Some(footer) = Footer::read(window.get(at, bytes)?, at) else { return Err(damaged) };
    let names = parse_names(&mut Reader(window.get(footer.names, at)?));
    Ok((footer, names.ok_or(Missing::Damaged("its label names make no sense"))?))
}

fn parse_names(reader: &mut Reader<'_>) -> Option<Vec<Name>> {
    let count = reader.count(3)?;
    let name = |_| Some(Name { text: reader.text()?.into(), values: reader.number()?, places: reader.number()? });
    let names: Vec<Name> = (0..count).map(name).collect::<Option<_>>()?;
    (reader.is_empty() && names.is_sorted_by(|a, b| a.text < b.text)).then_some(names)
}

fn parse_ids(reader: &mut Reader<'_>) -> Result<Vec<u32>, Missing> {
    ids_of(reader).ok_or(Missing::Damaged("a list of series makes no sense"))
}

fn ids_of(reader: &mut Reader<'_>) -> Option<Vec<u32>> {
    let (count, mut id) = (reader.count(1)?, 0_u32);
    let mut next = || {
        id = id.checked_add(reader.small()?)?;
        Some(id)
    };
    (0..count).map(|_| next()).collect()
}

impl Lexicon for Block {
    type Failure = Missing;

    fn exact(&self, name: &str, value: &str) -> Result<Cow<'_, [u32]>, Missing> {
        let Some(name) = self.name(name) else { return Ok(Cow::Borrowed(&[])) };
        let mut values = self.table(name.places);
        let (mut low, mut high) = (0, name.values);
        while low < high {
            let middle = low + (high - low) / 2;
            let mut reader = Reader(values.get(middle)?);
            let text = reader.text().ok_or(Missing::Damaged("a label's value makes no sense"))?;
            match text.cmp(value) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Ok(Cow::Owned(parse_ids(&mut reader)?)),
            }
        }
        Ok(Cow::Borrowed(&[]))
    }

    fn count(&self, name: &str) -> usize {
        self.name(name).map_or(0, |name| name.values as usize)
    }

    fn where_value(&self, name: &str, keep: &mut dyn FnMut(&str) -> bool) -> Result<Vec<u32>, Missing> {
        let Some(name) = self.name(name) else { return Ok(Vec::new()) };
        let (mut values, mut lists) = (self.table(name.places), Vec::new());
        for number in 0..name.values {
            let mut reader = Reader(values.get(number)?);
            let text = reader.text().ok_or(Missing::Damaged("a label's value makes no sense"))?;
            if keep(text) {
                lists.push(parse_ids(&mut reader)?);
            }
        }
        Ok(together(&lists))
    }

    fn holds(&self, id: u32, matcher: &Matcher) -> Result<bool, Missing> {
        let (labels, _) = self.entry(&mut self.table(self.footer.places), id)?;
        Ok(matcher.holds(labels.get(&matcher.name)))
    }

    fn all(&self) -> Vec<u32> {
        (0..self.footer.series as u32).collect()
    }
}
