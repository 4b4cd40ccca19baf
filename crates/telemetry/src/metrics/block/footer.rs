//! The end of a block: where everything is, and the checksums.

use promql::Millis;

use super::MAGIC;
use crate::metrics::codec::bytes::Reader;
use crate::metrics::codec::crc::crc;

/// What a block's end says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::metrics) struct Footer {
    /// Where the index begins.
    pub index: u64,
    /// Where the places of the series are.
    pub places: u64,
    /// How many series there are.
    pub series: u64,
    /// Where the names are.
    pub names: u64,
    /// The oldest and the newest instant.
    pub first: Millis,
    pub last: Millis,
    /// How many points there are.
    pub points: u64,
    /// The checksum of the index.
    pub sum: u32,
}

/// How long a footer is: seven numbers, two checksums, the magic.
pub(super) const FOOTER_BYTES: usize = 7 * 8 + 2 * 4 + 8;

impl Footer {
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let numbers =
            [self.index, self.places, self.series, self.names, self.first as u64, self.last as u64, self.points];
        let mut bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        bytes.extend_from_slice(&self.sum.to_le_bytes());
        bytes.extend_from_slice(&crc(&bytes).to_le_bytes());
        bytes.extend_from_slice(&MAGIC);
        bytes
    }

    /// Reads a footer that begins at `at`; `None` when it is damaged.
    pub(super) fn read(bytes: &[u8], at: u64) -> Option<Self> {
        let (body, _) = bytes.split_at_checked(FOOTER_BYTES - 12)?;
        let mut reader = Reader(bytes);
        let mut number = || reader.fixed();
        let [index, places, series, names] = [number()?, number()?, number()?, number()?];
        let (first, last, points) = (number()? as i64, number()? as i64, number()?);
        let sum = u32::from_le_bytes(reader.array()?);
        let own = u32::from_le_bytes(reader.array()?);
        let is_whole = own == crc(body) && reader.array()? == MAGIC;
        let ascends = index <= places && places <= names && names <= at && series < u64::from(u32::MAX);
        (is_whole && ascends).then_some(Self { index, places, series, names, first, last, points, sum })
    }
}
