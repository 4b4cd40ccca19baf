//! Numbers and texts as bytes: little-endian base-128 integers, zigzag for signed ones, floats by their bits.

/// Appends a number: seven bits a byte, the lowest first.
pub(in crate::metrics) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends a signed number, small for small magnitudes.
pub(in crate::metrics) fn put_signed(out: &mut Vec<u8>, number: i64) {
    put_number(out, ((number << 1) ^ (number >> 63)) as u64);
}

/// Appends a float by its bits, short where the low ones are zero, as in small whole numbers.
pub(in crate::metrics) fn put_float(out: &mut Vec<u8>, value: f64) {
    put_number(out, value.to_bits().swap_bytes());
}

/// Appends a text with its length.
pub(in crate::metrics) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_number(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Reads what the functions above have written; every answer is `None` where the bytes end or make no sense.
#[derive(Debug, Clone, Copy)]
pub(in crate::metrics) struct Reader<'a>(pub(in crate::metrics) &'a [u8]);

impl<'a> Reader<'a> {
    pub(in crate::metrics) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(in crate::metrics) fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for (place, byte) in self.0.iter().enumerate().take(10) {
            number |= u64::from(byte & 0x7f).checked_shl(7 * place as u32)?;
            if byte & 0x80 == 0 {
                self.0 = self.0.get(place + 1..)?;
                return Some(number);
            }
        }
        None
    }

    pub(in crate::metrics) fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    pub(in crate::metrics) fn float(&mut self) -> Option<f64> {
        Some(f64::from_bits(self.number()?.swap_bytes()))
    }

    /// A number that says how many things follow, of which each has at least `each` bytes.
    pub(in crate::metrics) fn count(&mut self, each: usize) -> Option<usize> {
        let count = usize::try_from(self.number()?).ok()?;
        (count.checked_mul(each)? <= self.0.len()).then_some(count)
    }

    pub(in crate::metrics) fn small(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    pub(in crate::metrics) fn text(&mut self) -> Option<&'a str> {
        let length = self.count(1)?;
        std::str::from_utf8(self.take(length)?).ok()
    }

    pub(in crate::metrics) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(in crate::metrics) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// Eight bytes, the lowest first.
    pub(in crate::metrics) fn fixed(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.array()?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(number: u64, signed: i64, bits: u64, text in "\\PC{0,20}") {
            let mut out = Vec::new();
            put_number(&mut out, number);
            put_signed(&mut out, signed);
            put_float(&mut out, f64::from_bits(bits));
            put_text(&mut out, &text);
            let mut reader = Reader(&out);
            prop_assert_eq!(reader.number(), Some(number));
            prop_assert_eq!(reader.signed(), Some(signed));
            prop_assert_eq!(reader.float().map(f64::to_bits), Some(bits));
            prop_assert_eq!(reader.text(), Some(text.as_str()));
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut reader = Reader(&bytes);
            while reader.number().is_some() && reader.text().is_some() && reader.fixed().is_some() {}
        }
    }
}
