//! A stream of bits, the highest bit of each byte first.

/// Collects bits. Eight bytes move into the buffer at a time.
#[derive(Debug, Clone, Default)]
pub(in crate::metrics) struct Writer {
    bytes: Vec<u8>,
    /// Bits that are not in `bytes` yet, at the high end.
    pending: u64,
    /// How many those are; below 64.
    used: u32,
}

impl Writer {
    /// Appends the `count` low bits of `value`; `count` is at most 64, and the bits above are zero.
    #[inline]
    pub(in crate::metrics) fn put(&mut self, value: u64, count: u32) {
        if count == 0 {
            return;
        }
        let free = 64 - self.used;
        if count < free {
            self.pending |= value << (free - count);
            self.used += count;
            return;
        }
        let over = count - free;
        let word = self.pending | (value >> over);
        self.bytes.extend_from_slice(&word.to_be_bytes());
        self.pending = value.checked_shl(64 - over).unwrap_or(0);
        self.used = over;
    }

    /// How many bytes the stream has, the last one filled up with zeros.
    pub(in crate::metrics) fn len(&self) -> usize {
        self.bytes.len() + self.used.div_ceil(8) as usize
    }

    /// How much memory the stream holds, in bytes.
    pub(in crate::metrics) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// The stream so far.
    pub(in crate::metrics) fn to_bytes(&self) -> Box<[u8]> {
        let mut bytes = Vec::with_capacity(self.len());
        bytes.extend_from_slice(&self.bytes);
        let rest = self.pending.to_be_bytes();
        bytes.extend(rest.iter().take(self.used.div_ceil(8) as usize));
        bytes.into()
    }
}

/// Reads a stream of bits.
#[derive(Debug, Clone)]
pub(in crate::metrics) struct Reader<'a> {
    bytes: &'a [u8],
    /// The place of the next bit.
    at: usize,
}

impl<'a> Reader<'a> {
    pub(in crate::metrics) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next bits at the high end, at least 57 of them; zeros after the end.
    #[inline]
    pub(in crate::metrics) fn peek(&self) -> u64 {
        let from = self.at / 8;
        let word = match self.bytes.get(from..).and_then(<[u8]>::first_chunk::<8>) {
            Some(eight) => u64::from_be_bytes(*eight),
            None => self.tail(from),
        };
        word << (self.at % 8)
    }

    #[cold]
    fn tail(&self, from: usize) -> u64 {
        let rest = self.bytes.get(from..).unwrap_or_default();
        let filled = rest.iter().chain(std::iter::repeat(&0)).take(8);
        filled.fold(0, |word, byte| word << 8 | u64::from(*byte))
    }

    /// Passes over bits; `None` when the stream ends before.
    #[inline]
    pub(in crate::metrics) fn skip(&mut self, count: u32) -> Option<()> {
        self.at += count as usize;
        (self.at <= self.bytes.len() * 8).then_some(())
    }

    /// The next `count` bits, at most 64.
    #[inline]
    pub(in crate::metrics) fn take(&mut self, count: u32) -> Option<u64> {
        if count > 57 {
            let high = self.take(count - 32)?;
            return Some(high << 32 | self.take(32)?);
        }
        let value = self.peek().checked_shr(64 - count).unwrap_or(0);
        self.skip(count)?;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(parts in prop::collection::vec((any::<u64>(), 0_u32..=64), 0..60)) {
            let cut = |value: u64, count: u32| if count == 64 { value } else { value & ((1 << count) - 1) };
            let mut writer = Writer::default();
            parts.iter().for_each(|(value, count)| writer.put(cut(*value, *count), *count));
            let bytes = writer.to_bytes();
            prop_assert_eq!(bytes.len(), writer.len());
            let mut reader = Reader::new(&bytes);
            for (value, count) in parts {
                prop_assert_eq!(reader.take(count), Some(cut(value, count)));
            }
            prop_assert_eq!(reader.take(8), None);
        }
    }
}
