//! Floats at instants, compressed as in "Gorilla" (Pelkonen and others, VLDB 2015): an instant by how much its distance
//! from the one before has changed, a value by the bits in which it differs from the one before.
//!
//! ```text
//! first   at:64  value:64
//! instant 0 | 10 s:7 | 110 s:13 | 1110 s:21 | 1111 s:64      change of the distance, signed; the first distance is zero
//! value   0                                                    the same bits
//!         10 x                                                 differs only within the window of the last `11`
//!         11 lead:5 width-1:6 x:width                          a new window
//! ```

use super::bits;

/// The widths of a change of distance, after as many one-bits as its place says.
const WIDTHS: [u32; 4] = [7, 13, 21, 64];
/// A window that is wider than needed by more bits than this is given up for a narrower one.
const SLACK: u32 = 13;

/// A stream that grows point by point.
#[derive(Debug, Clone, Default)]
pub(in crate::metrics) struct Encoder {
    bits: bits::Writer,
    at: i64,
    distance: i64,
    value: u64,
    /// The window: zero bits before it, and its width. A width of zero says that there is none yet.
    lead: u8,
    width: u8,
    begun: bool,
}

impl Encoder {
    /// Appends a point. Any order of instants is exact, ascending ones are short.
    pub(in crate::metrics) fn put(&mut self, at: i64, value: u64) {
        if !self.begun {
            self.bits.put(at as u64, 64);
            self.bits.put(value, 64);
            (self.at, self.value, self.begun) = (at, value, true);
            return;
        }
        let distance = at.wrapping_sub(self.at);
        self.put_change(distance.wrapping_sub(self.distance));
        self.put_value(value);
        (self.at, self.distance) = (at, distance);
    }

    fn put_change(&mut self, change: i64) {
        if change == 0 {
            return self.bits.put(0, 1);
        }
        let fits = |width: u32| change >= -(1 << (width - 1)) && change < 1 << (width - 1);
        let masked = |width: u32| change as u64 & ((1 << width) - 1);
        match WIDTHS {
            [a, ..] if fits(a) => self.bits.put(0b10 << a | masked(a), 2 + a),
            [_, b, ..] if fits(b) => self.bits.put(0b110 << b | masked(b), 3 + b),
            [_, _, c, _] if fits(c) => self.bits.put(0b1110 << c | masked(c), 4 + c),
            _ => {
                self.bits.put(0b1111, 4);
                self.bits.put(change as u64, 64);
            }
        }
    }

    fn put_value(&mut self, value: u64) {
        let differs = value ^ self.value;
        self.value = value;
        if differs == 0 {
            return self.bits.put(0, 1);
        }
        let (lead, trail) = (differs.leading_zeros().min(31), differs.trailing_zeros());
        let (window_lead, window_width) = (u32::from(self.lead), u32::from(self.width));
        let window_trail = 64 - window_lead - window_width;
        let needed = 64 - lead - trail;
        if window_width > 0 && lead >= window_lead && trail >= window_trail && window_width <= needed + SLACK {
            self.bits.put(0b10, 2);
            return self.bits.put(differs >> window_trail, window_width);
        }
        self.bits.put(0b11 << 11 | u64::from(lead) << 6 | u64::from(needed - 1), 13);
        self.bits.put(differs >> trail, needed);
        (self.lead, self.width) = (lead as u8, needed as u8);
    }

    pub(in crate::metrics) fn len(&self) -> usize {
        self.bits.len()
    }

    pub(in crate::metrics) fn capacity(&self) -> usize {
        self.bits.capacity()
    }

    pub(in crate::metrics) fn to_bytes(&self) -> Box<[u8]> {
        self.bits.to_bytes()
    }
}

/// Gives `take` the first `count` points of a stream; `None` when it ends before.
pub(in crate::metrics) fn decode(bytes: &[u8], count: u32, mut take: impl FnMut(i64, u64)) -> Option<()> {
    if count == 0 {
        return Some(());
    }
    let mut bits = bits::Reader::new(bytes);
    let (mut at, mut value) = (bits.take(64)? as i64, bits.take(64)?);
    let (mut distance, mut lead, mut width) = (0_i64, 0, 0);
    take(at, value);
    for _ in 1..count {
        distance = distance.wrapping_add(change(&mut bits)?);
        at = at.wrapping_add(distance);
        let control = bits.peek();
        if control >> 63 == 0 {
            bits.skip(1)?;
        } else {
            if control >> 62 == 0b10 {
                bits.skip(2)?;
            } else {
                (lead, width) = ((control >> 57 & 31) as u32, (control >> 51 & 63) as u32 + 1);
                bits.skip(13)?;
            }
            let trail = 64_u32.checked_sub(lead + width)?;
            value ^= bits.take(width)?.checked_shl(trail)?;
        }
        take(at, value);
    }
    Some(())
}

#[inline]
fn change(bits: &mut bits::Reader<'_>) -> Option<i64> {
    let word = bits.peek();
    let ones = word.leading_ones().min(4);
    if ones == 0 {
        bits.skip(1)?;
        return Some(0);
    }
    let width = *WIDTHS.get(ones as usize - 1)?;
    if ones == 4 {
        bits.skip(4)?;
        return Some(bits.take(64)? as i64);
    }
    bits.skip(ones + 1 + width)?;
    Some(((word << (ones + 1)) as i64) >> (64 - width))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn there_and_back(points: &[(i64, u64)]) -> Vec<(i64, u64)> {
        let mut encoder = Encoder::default();
        points.iter().for_each(|(at, value)| encoder.put(*at, *value));
        let (bytes, mut read) = (encoder.to_bytes(), Vec::new());
        decode(&bytes, points.len() as u32, |at, value| read.push((at, value))).unwrap();
        read
    }

    #[test]
    fn a_steady_series_costs_few_bits() {
        let mut encoder = Encoder::default();
        (0..120).for_each(|i| encoder.put(1_700_000_000_000 + 15_000 * i, 5.0_f64.to_bits()));
        assert!(encoder.len() <= 16 + 4 + 30, "{}", encoder.len());
    }

    /// Instants from the smooth to the wild, values from counters to any bits, stale markers among them.
    fn points() -> impl Strategy<Value = Vec<(i64, u64)>> {
        let at = prop_oneof![0_i64..200, -5000_i64..5000, Just(15_000), -2_000_000_i64..2_000_000, any::<i64>()];
        let value = prop_oneof![
            any::<u64>(),
            (0_u32..1000).prop_map(|v| f64::from(v).to_bits()),
            any::<f64>().prop_map(f64::to_bits),
            Just(promql::STALE_BITS),
        ];
        prop::collection::vec((at, value), 0..130)
    }

    proptest! {
        #[test]
        fn every_bit_comes_back(mut points in points(), sum: bool) {
            if sum {
                let mut at = 1_700_000_000_000;
                points.iter_mut().for_each(|point| { at = point.0.wrapping_add(at); point.0 = at; });
            }
            prop_assert_eq!(there_and_back(&points), points);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), count in 0_u32..300) {
            let _ = decode(&bytes, count, |_, _| ());
        }
    }
}
