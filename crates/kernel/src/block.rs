//! Blocks: the records of one commit as bytes. A store keeps them without looking inside; whoever verifies reads them
//! without decoding more than lengths.
//!
//! ```text
//! block  = 'W' 'K' version u8 = 1 | count u32 | record * count            (big-endian)
//! record = header length u16, header | tag u8 (0 kept, 1 erased)
//!          kept: salt 16 bytes, body length u32, body      erased: commitment 32 bytes
//! ```

use std::ops::Range;

use crate::record::{Body, Header, Record, RecordError, commitment, leaf_hash};

/// What every block begins with.
pub const MAGIC: [u8; 3] = *b"WK\x01";
/// The most records in one block.
pub const BLOCK_RECORDS_MAX: usize = 65_536;

/// The bytes of one record within a block.
#[derive(Debug, Clone, Copy)]
pub struct Raw<'a> {
    /// The canonical header.
    pub header: &'a [u8],
    /// The body or what is left of it.
    pub body: RawBody<'a>,
}

/// The body of a record within a block.
#[derive(Debug, Clone, Copy)]
pub enum RawBody<'a> {
    /// Salt and JSON.
    Kept(&'a [u8; 16], &'a [u8]),
    /// The commitment that stays.
    Erased(&'a [u8; 32]),
}

/// Builds a block record by record and gives each record's leaf hash.
#[derive(Debug)]
pub struct Builder {
    bytes: Vec<u8>,
    count: u32,
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}

impl Builder {
    /// An empty block.
    #[must_use]
    pub fn new() -> Self {
        let mut bytes = Vec::with_capacity(4096);
        bytes.extend(MAGIC);
        bytes.extend(0_u32.to_be_bytes());
        Self { bytes, count: 0 }
    }

    /// Appends a record and returns its leaf hash.
    pub fn push(&mut self, record: &Record) -> [u8; 32] {
        let header = record.header();
        match &record.body {
            Body::Kept { salt, json } => self.push_kept(&header, salt, |out| out.extend(&**json)),
            Body::Erased { commitment } => {
                let written = self.push_header(&header);
                self.bytes.push(1);
                self.bytes.extend(commitment);
                self.count += 1;
                leaf_hash(&self.bytes[written], commitment)
            }
        }
    }

    /// Appends a record whose body `write` appends in place, and returns its leaf hash.
    pub fn push_kept(&mut self, header: &Header<'_>, salt: &[u8; 16], write: impl FnOnce(&mut Vec<u8>)) -> [u8; 32] {
        let written = self.push_header(header);
        self.bytes.push(0);
        self.bytes.extend(salt);
        let length = self.bytes.len()..self.bytes.len() + 4;
        self.bytes.extend([0; 4]);
        write(&mut self.bytes);
        let json = self.bytes.get(length.end..).unwrap_or_default();
        let (count, committed) = (u32::try_from(json.len()).unwrap_or(u32::MAX), commitment(salt, json));
        self.bytes[length].copy_from_slice(&count.to_be_bytes());
        self.count += 1;
        leaf_hash(&self.bytes[written], &committed)
    }

    /// Appends a header with its length; returns where the header stands.
    fn push_header(&mut self, header: &Header<'_>) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend([0, 0]);
        header.write(&mut self.bytes);
        let written = start + 2..self.bytes.len();
        let length = u16::try_from(written.len()).unwrap_or(u16::MAX).to_be_bytes();
        self.bytes[start..start + 2].copy_from_slice(&length);
        written
    }

    /// How many records there are.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The finished bytes.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.bytes[3..7].copy_from_slice(&self.count.to_be_bytes());
        self.bytes
    }
}

/// Reads the records of a block one by one, without copying.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
    left: u32,
}

impl<'a> Reader<'a> {
    /// Begins to read a block.
    ///
    /// # Errors
    /// When the bytes do not begin like a block.
    pub fn new(bytes: &'a [u8]) -> Result<Self, RecordError> {
        let rest = bytes.strip_prefix(&MAGIC).ok_or(RecordError::Invalid("block magic"))?;
        let (count, rest) = rest.split_first_chunk().ok_or(RecordError::Short("block count"))?;
        Ok(Self { rest, left: u32::from_be_bytes(*count) })
    }

    fn bytes(&mut self, length: usize, field: &'static str) -> Result<&'a [u8], RecordError> {
        let (head, tail) = self.rest.split_at_checked(length).ok_or(RecordError::Short(field))?;
        self.rest = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<&'a [u8; N], RecordError> {
        let (head, tail) = self.rest.split_first_chunk().ok_or(RecordError::Short(field))?;
        self.rest = tail;
        Ok(head)
    }

    fn record(&mut self) -> Result<Raw<'a>, RecordError> {
        let length = u16::from_be_bytes(*self.array("header length")?);
        let header = self.bytes(length.into(), "header")?;
        let body = match self.array("body tag")? {
            [0] => {
                let salt = self.array("salt")?;
                let length = u32::from_be_bytes(*self.array("body length")?);
                let length = usize::try_from(length).map_err(|_| RecordError::Invalid("body length"))?;
                RawBody::Kept(salt, self.bytes(length, "body")?)
            }
            [1] => RawBody::Erased(self.array("commitment")?),
            _ => return Err(RecordError::Invalid("body tag")),
        };
        Ok(Raw { header, body })
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Raw<'a>, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return (!std::mem::take(&mut self.rest).is_empty()).then_some(Err(RecordError::Invalid("end of block")));
        }
        self.left -= 1;
        let record = self.record();
        if record.is_err() {
            (self.left, self.rest) = (0, &[]);
        }
        Some(record)
    }
}

impl Raw<'_> {
    /// The Merkle leaf hash.
    #[must_use]
    pub fn leaf(&self) -> [u8; 32] {
        match self.body {
            RawBody::Kept(salt, json) => leaf_hash(self.header, &commitment(salt, json)),
            RawBody::Erased(commitment) => leaf_hash(self.header, commitment),
        }
    }

    /// The record, copied out.
    ///
    /// # Errors
    /// When the header is not one.
    pub fn to_record(&self) -> Result<Record, RecordError> {
        let body = match self.body {
            RawBody::Kept(salt, json) => Body::Kept { salt: *salt, json: json.into() },
            RawBody::Erased(commitment) => Body::Erased { commitment: *commitment },
        };
        Record::from_parts(self.header, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Actor, Sensitivity, Seq, Timestamp};

    fn record(seq: u64, json: &[u8]) -> Record {
        Record {
            seq: Seq(seq),
            at: Timestamp::from_microsecond(1_700_000_000_123_456).unwrap(),
            area: "alerts".into(),
            stream: "a1".into(),
            kind: "AlertOpened".into(),
            version: 1,
            actor: Actor::Integration("prometheus".into()),
            sensitivity: Sensitivity::Internal,
            policy: "integrations-write-alerts".into(),
            cause: (seq > 0).then(|| Seq(seq - 1)),
            body: Body::Kept { salt: [7; 16], json: json.into() },
        }
    }

    #[test]
    fn a_block_reads_back_with_the_same_leaves() {
        let mut records = vec![record(0, b"{}"), record(1, b"{\"a\":1}"), record(2, b"")];
        records[2].body = Body::Erased { commitment: records[2].body.commitment() };
        let mut builder = Builder::new();
        let leaves: Vec<_> = records.iter().map(|r| builder.push(r)).collect();
        let bytes = builder.finish();
        let raws: Vec<_> = Reader::new(&bytes).unwrap().map(Result::unwrap).collect();
        assert_eq!(raws.iter().map(Raw::leaf).collect::<Vec<_>>(), leaves);
        assert_eq!(records.iter().map(Record::leaf).collect::<Vec<_>>(), leaves);
        assert_eq!(raws.iter().map(|r| r.to_record().unwrap()).collect::<Vec<_>>(), records);
    }

    #[test]
    fn erasing_a_body_keeps_its_leaf() {
        let kept = record(3, b"{\"name\":\"x\"}");
        let mut erased = kept.clone();
        erased.body = Body::Erased { commitment: kept.body.commitment() };
        assert_eq!(kept.leaf(), erased.leaf());
    }

    #[test]
    fn the_canonical_bytes_are_frozen() {
        let leaf = crate::Digest(record(1, b"{}").leaf()).to_string();
        assert_eq!(leaf, "c762fda8bf8cea076f35695b6e5300c029188fcd0dfa7e1110cbe8f4372e4ec1");
    }

    proptest::proptest! {
        #[test]
        fn broken_bytes_are_an_error_and_never_a_panic(cut in 0_usize..200, flip in 0_usize..200, bit in 0_u8..8) {
            let mut builder = Builder::new();
            builder.push(&record(0, b"{\"a\":1}"));
            let mut bytes = builder.finish();
            bytes.truncate(cut.max(1));
            if let Some(byte) = bytes.get_mut(flip) { *byte ^= 1 << bit; }
            if let Ok(reader) = Reader::new(&bytes) {
                for raw in reader.take(10).flatten() { let _ = raw.to_record(); }
            }
        }
    }
}
