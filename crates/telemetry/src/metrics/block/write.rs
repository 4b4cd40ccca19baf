//! Writing a block: chunks as they come, then the index. The file gets its name only when the disk has all of it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use promql::Labels;

use super::{Footer, MAGIC, PREFIX, UNFINISHED};
use crate::metrics::Failure;
use crate::metrics::chunk::{Chunk, Header, Kind};
use crate::metrics::codec::bytes::{put_number, put_signed, put_text};
use crate::metrics::codec::crc::{Crc, crc};

/// A block in the making.
#[derive(Debug)]
pub(in crate::metrics) struct Writer {
    file: BufWriter<File>,
    path: PathBuf,
    unfinished: PathBuf,
    at: u64,
    /// The checksum of what was written since the index began.
    sum: Crc,
    series: Vec<(Labels, Vec<Placed>)>,
}

#[derive(Debug)]
struct Placed {
    head: Header,
    at: u64,
    length: u64,
}

impl Writer {
    /// Begins the block of this number.
    pub(in crate::metrics) fn begin(dir: &Path, number: u64) -> Result<Self, Failure> {
        let path = dir.join(format!("{PREFIX}{number:010}"));
        let unfinished = path.with_added_extension(UNFINISHED.trim_start_matches('.'));
        let file = File::create(&unfinished).map_err(|error| Failure::file(&unfinished, "made", &error))?;
        let file = BufWriter::with_capacity(1 << 20, file);
        let mut writer = Self { file, path, unfinished, at: 0, sum: Crc::new(), series: Vec::new() };
        writer.put(&MAGIC)?;
        Ok(writer)
    }

    /// Adds a series; they come in ascending order of labels.
    pub(in crate::metrics) fn add(&mut self, labels: Labels, chunks: &[Arc<Chunk>]) -> Result<(), Failure> {
        let mut placed = Vec::with_capacity(chunks.len());
        for chunk in chunks {
            placed.push(Placed { head: chunk.head, at: self.at, length: chunk.bytes.len() as u64 });
            self.put(&chunk.bytes)?;
            self.put(&crc(&chunk.bytes).to_le_bytes())?;
        }
        self.series.push((labels, placed));
        Ok(())
    }

    /// Writes the index, forces all to the disk, and gives the file its name. `None` when there is nothing in it.
    pub(in crate::metrics) fn finish(mut self) -> Result<Option<PathBuf>, Failure> {
        let heads = || self.series.iter().flat_map(|(_, placed)| placed).map(|placed| placed.head);
        let (first, last) = (heads().map(|head| head.first).min(), heads().map(|head| head.last).max());
        let points = heads().map(|head| u64::from(head.count)).sum();
        let (Some(first), Some(last)) = (first, last) else {
            let gone = fs::remove_file(&self.unfinished);
            return gone.map(|()| None).map_err(|error| self.fail("removed", &error));
        };
        self.sum = Crc::new();
        let index = self.at;
        let series = std::mem::take(&mut self.series);
        let names = names_of(&series);
        let entries = series.iter().map(|(labels, placed)| entry(labels, placed, &names));
        let places = self.put_table(entries)?;
        let names = self.put_names(&names, &series)?;
        let (count, sum) = (series.len() as u64, self.sum.sum());
        let footer = Footer { index, places, series: count, names, first, last, points, sum };
        self.put(&footer.to_bytes())?;
        self.publish()?;
        Ok(Some(self.path))
    }

    /// Writes things one after the other and then their places; returns where those are.
    fn put_table(&mut self, things: impl Iterator<Item = Vec<u8>>) -> Result<u64, Failure> {
        let mut places = Vec::new();
        for thing in things {
            places.push(self.at);
            self.put(&thing)?;
        }
        places.push(self.at);
        let table = self.at;
        for place in places {
            self.put(&place.to_le_bytes())?;
        }
        Ok(table)
    }

    fn put_names(&mut self, names: &[&str], series: &[(Labels, Vec<Placed>)]) -> Result<u64, Failure> {
        let mut out = Vec::new();
        put_number(&mut out, names.len() as u64);
        for (name, values) in names.iter().zip(values_of(names, series)) {
            put_text(&mut out, name);
            put_number(&mut out, values.len() as u64);
            let table = self.put_table(values.into_iter().map(|(value, ids)| postings(value, &ids)))?;
            put_number(&mut out, table);
        }
        let at = self.at;
        self.put(&out)?;
        Ok(at)
    }

    fn publish(&mut self) -> Result<(), Failure> {
        self.file.flush().map_err(|error| self.fail("written", &error))?;
        self.file.get_ref().sync_all().map_err(|error| self.fail("forced to the disk", &error))?;
        fs::rename(&self.unfinished, &self.path).map_err(|error| self.fail("renamed", &error))?;
        let dir = self.path.parent().unwrap_or(&self.path);
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(|error| self.fail("forced to the disk", &error))
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.file.write_all(bytes).map_err(|error| self.fail("written", &error))?;
        self.sum.add(bytes);
        self.at += bytes.len() as u64;
        Ok(())
    }

    fn fail(&self, doing: &'static str, error: &io::Error) -> Failure {
        Failure::file(&self.unfinished, doing, error)
    }
}

fn names_of(series: &[(Labels, Vec<Placed>)]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for (labels, _) in series {
        for (name, _) in labels.iter() {
            if let Err(place) = names.binary_search(&name) {
                names.insert(place, name);
            }
        }
    }
    names
}

/// The values of each name, and the series of each value.
fn values_of<'s>(names: &[&str], series: &'s [(Labels, Vec<Placed>)]) -> Vec<BTreeMap<&'s str, Vec<u32>>> {
    let mut all: Vec<BTreeMap<&str, Vec<u32>>> = names.iter().map(|_| BTreeMap::new()).collect();
    for ((labels, _), id) in series.iter().zip(0_u32..) {
        for (name, value) in labels.iter() {
            let values = names.binary_search(&name).ok().and_then(|place| all.get_mut(place));
            values.into_iter().for_each(|values| values.entry(value).or_default().push(id));
        }
    }
    all
}

fn entry(labels: &Labels, placed: &[Placed], names: &[&str]) -> Vec<u8> {
    let mut out = Vec::with_capacity(160);
    put_number(&mut out, labels.len() as u64);
    for (name, value) in labels.iter() {
        put_number(&mut out, names.binary_search(&name).unwrap_or_default() as u64);
        put_text(&mut out, value);
    }
    put_number(&mut out, placed.len() as u64);
    for Placed { head, at, length } in placed {
        out.push(u8::from(head.kind == Kind::Histograms));
        put_signed(&mut out, head.first);
        put_signed(&mut out, head.last);
        put_signed(&mut out, head.born);
        put_number(&mut out, u64::from(head.count));
        put_number(&mut out, *at);
        put_number(&mut out, *length);
    }
    out
}

fn postings(value: &str, ids: &[u32]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len() + 4 + ids.len());
    put_text(&mut out, value);
    put_number(&mut out, ids.len() as u64);
    let mut before = 0;
    for id in ids {
        put_number(&mut out, u64::from(id - before));
        before = *id;
    }
    out
}
