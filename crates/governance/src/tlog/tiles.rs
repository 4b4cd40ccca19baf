//! A log as static files (C2SP tlog-tiles): where its tiles and entries stand, and what is in them. Reads bytes, never files.

use std::fmt::Write as _;
use std::ops::Range;

use super::merkle::{Hash, TILE_LEAVES};

/// Why bytes are not a tile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    /// A tile of hashes has another length.
    #[error("the tile has {found} bytes, {needed} are needed")]
    Length {
        /// How many there are.
        found: usize,
        /// How many there must be.
        needed: usize,
    },
    /// An entry is cut short.
    #[error("entry {0} of the bundle is cut short")]
    Short(u64),
    /// There are too few or too many entries.
    #[error("the bundle has more or less than {0} entries")]
    Count(u64),
}

/// One tile of leaves, whole or the partial last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tile {
    /// Its place among the tiles of its level, counted from zero.
    pub index: u64,
    /// How many hashes or entries it holds: 1 to 256.
    pub width: u64,
}

impl Tile {
    /// The tiles of leaves in a log of `size` leaves, in order.
    pub fn all(size: u64) -> impl Iterator<Item = Self> {
        (0..size.div_ceil(TILE_LEAVES)).map(move |index| {
            let start = index * TILE_LEAVES;
            Self { index, width: (size - start).min(TILE_LEAVES) }
        })
    }

    /// The leaves it holds.
    #[must_use]
    pub fn leaves(&self) -> Range<u64> {
        let start = self.index.saturating_mul(TILE_LEAVES);
        start..start.saturating_add(self.width)
    }

    /// The whole tile in the same place. A log may have dropped a partial tile once the whole one was there.
    #[must_use]
    pub fn whole(&self) -> Self {
        Self { width: TILE_LEAVES, ..*self }
    }

    /// Where its leaf hashes stand, such as `tile/0/x001/067` or `tile/0/000.p/15`.
    #[must_use]
    pub fn hashes_path(&self) -> String {
        self.path("tile/0")
    }

    /// Where its entries stand.
    #[must_use]
    pub fn entries_path(&self) -> String {
        self.path("tile/entries")
    }

    fn path(&self, folder: &str) -> String {
        let mut groups = vec![self.index % 1000];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        let mut path = folder.to_owned();
        for (at, group) in groups.iter().enumerate().rev() {
            let mark = if at == 0 { "" } else { "x" };
            let _ = write!(path, "/{mark}{group:03}");
        }
        if self.width < TILE_LEAVES {
            let _ = write!(path, ".p/{}", self.width);
        }
        path
    }

    /// Reads its hashes.
    ///
    /// # Errors
    /// When the bytes are not exactly as many hashes as the tile is wide.
    pub fn hashes<'a>(&self, bytes: &'a [u8]) -> Result<&'a [Hash], TileError> {
        let needed = usize::try_from(self.width).unwrap_or(usize::MAX).saturating_mul(32);
        match bytes.as_chunks::<32>() {
            (hashes, []) if bytes.len() == needed => Ok(hashes),
            _ => Err(TileError::Length { found: bytes.len(), needed }),
        }
    }

    /// Reads its entries, each after its length in two bytes.
    ///
    /// # Errors
    /// When the bytes are not exactly as many entries as the tile is wide.
    pub fn entries<'a>(&self, bytes: &'a [u8]) -> Result<Vec<&'a [u8]>, TileError> {
        let mut rest = bytes;
        let mut entries = Vec::new();
        for at in 0..self.width {
            let (length, tail) = rest.split_first_chunk().ok_or(TileError::Short(at))?;
            let length = usize::from(u16::from_be_bytes(*length));
            let (entry, tail) = tail.split_at_checked(length).ok_or(TileError::Short(at))?;
            entries.push(entry);
            rest = tail;
        }
        if rest.is_empty() { Ok(entries) } else { Err(TileError::Count(self.width)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_stand_where_the_format_says() {
        let path = |index, width| Tile { index, width }.hashes_path();
        assert_eq!(path(0, 15), "tile/0/000.p/15");
        assert_eq!(path(273, 256), "tile/0/273");
        assert_eq!(path(1_234_067, 256), "tile/0/x001/x234/067");
        assert_eq!(Tile { index: 1000, width: 1 }.entries_path(), "tile/entries/x001/000.p/1");
        let last = Tile::all(70_000).last().unwrap();
        assert_eq!((last.index, last.width, last.leaves()), (273, 112, 69_888..70_000));
        assert_eq!(Tile::all(0).count(), 0);
        assert_eq!(Tile::all(256).map(|t| t.width).collect::<Vec<_>>(), [256]);
    }

    #[test]
    fn a_bundle_is_read_whole_or_not_at_all() {
        let two = Tile { index: 0, width: 2 };
        assert_eq!(two.entries(b"\0\x01a\0\x02bc"), Ok(vec![&b"a"[..], b"bc"]));
        assert_eq!(two.entries(b"\0\x01a\0\x02b"), Err(TileError::Short(1)));
        assert_eq!(two.entries(b"\0\x01a"), Err(TileError::Short(1)));
        assert_eq!(two.entries(b"\0\x01a\0\x02bc\0\0"), Err(TileError::Count(2)));
        assert_eq!(two.hashes(&[7; 64]).map(<[Hash]>::len), Ok(2));
        assert_eq!(two.hashes(&[7; 65]), Err(TileError::Length { found: 65, needed: 64 }));
        assert_eq!(two.hashes(&[7; 32]), Err(TileError::Length { found: 32, needed: 64 }));
    }
}
