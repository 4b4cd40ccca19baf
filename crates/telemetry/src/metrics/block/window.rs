//! Reading a file in pieces: what lies close to what was read last is there already.

use std::fs::File;
use std::os::unix::fs::FileExt;

/// How much is read at least.
const PIECE: u64 = 16 << 10;
/// The longest piece that anything asks for; a longer one is damage.
const PIECE_MAX: u64 = 64 << 20;

/// A window that moves over a file.
#[derive(Debug)]
pub(super) struct Window<'f> {
    file: &'f File,
    /// Where the file ends.
    end: u64,
    at: u64,
    bytes: Vec<u8>,
}

/// Why a piece could not be had.
#[derive(Debug)]
pub(in crate::metrics) enum Missing {
    /// The system said no.
    Read(std::io::Error),
    /// It lies outside the file, or makes no sense.
    Damaged(&'static str),
}

impl<'f> Window<'f> {
    pub(super) fn new(file: &'f File, end: u64) -> Self {
        Self { file, end, at: 0, bytes: Vec::new() }
    }

    /// The bytes from `from` up to `to`.
    pub(super) fn get(&mut self, from: u64, to: u64) -> Result<&[u8], Missing> {
        if from > to || to > self.end || to - from > PIECE_MAX {
            return Err(Missing::Damaged("a place lies outside the file"));
        }
        if from < self.at || to > self.at + self.bytes.len() as u64 {
            let length = (to - from).max(PIECE).min(self.end - from);
            self.bytes.resize(length as usize, 0);
            let read = self.file.read_exact_at(&mut self.bytes, from);
            if read.is_err() {
                self.bytes.clear();
            }
            read.map_err(Missing::Read)?;
            self.at = from;
        }
        let range = (from - self.at) as usize..(to - self.at) as usize;
        self.bytes.get(range).ok_or(Missing::Damaged("a place lies outside the file"))
    }
}

/// Things that stand one after the other, with a table of their places.
#[derive(Debug)]
pub(super) struct Table<'f> {
    /// Where the places are.
    at: u64,
    places: Window<'f>,
    things: Window<'f>,
}

impl<'f> Table<'f> {
    pub(super) fn new(file: &'f File, end: u64, at: u64) -> Self {
        Self { at, places: Window::new(file, end), things: Window::new(file, end) }
    }

    /// The bytes of the thing of this number.
    pub(super) fn get(&mut self, number: u64) -> Result<&[u8], Missing> {
        let from = self.at.saturating_add(number.saturating_mul(8));
        let bytes = self.places.get(from, from.saturating_add(16))?;
        match bytes.as_chunks::<8>().0 {
            [from, to] => self.things.get(u64::from_le_bytes(*from), u64::from_le_bytes(*to)),
            _ => Err(Missing::Damaged("a place lies outside the file")),
        }
    }
}
