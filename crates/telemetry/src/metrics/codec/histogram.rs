//! Native histograms as bytes. Not as dense as they could be: each stands alone, only its indices are differences.

use std::sync::Arc;

use promql::{Histogram, ResetHint};

use super::bytes::{Reader, put_float, put_number, put_signed};

/// Appends a histogram.
pub(in crate::metrics) fn put(out: &mut Vec<u8>, histogram: &Histogram) {
    let hint = match histogram.reset {
        ResetHint::Unknown => 0,
        ResetHint::Reset => 1,
        ResetHint::NoReset => 2,
        ResetHint::Gauge => 3,
    };
    out.push(hint);
    put_signed(out, i64::from(histogram.schema));
    for value in [histogram.zero_threshold, histogram.zero_count, histogram.count, histogram.sum] {
        put_float(out, value);
    }
    put_buckets(out, &histogram.positive);
    put_buckets(out, &histogram.negative);
    put_number(out, histogram.bounds.len() as u64);
    histogram.bounds.iter().for_each(|bound| put_float(out, *bound));
}

fn put_buckets(out: &mut Vec<u8>, buckets: &[(i32, f64)]) {
    put_number(out, buckets.len() as u64);
    let mut before = 0;
    for (index, count) in buckets {
        put_signed(out, i64::from(*index) - before);
        put_float(out, *count);
        before = i64::from(*index);
    }
}

/// Reads a histogram.
pub(in crate::metrics) fn get(reader: &mut Reader<'_>) -> Option<Histogram> {
    let [hint] = reader.array()?;
    let reset = *[ResetHint::Unknown, ResetHint::Reset, ResetHint::NoReset, ResetHint::Gauge].get(usize::from(hint))?;
    Some(Histogram {
        reset,
        schema: i32::try_from(reader.signed()?).ok()?,
        zero_threshold: reader.float()?,
        zero_count: reader.float()?,
        count: reader.float()?,
        sum: reader.float()?,
        positive: buckets(reader)?,
        negative: buckets(reader)?,
        bounds: bounds(reader)?,
    })
}

fn buckets(reader: &mut Reader<'_>) -> Option<Vec<(i32, f64)>> {
    let count = reader.count(2)?;
    let mut buckets = Vec::with_capacity(count);
    let mut index = 0_i64;
    for _ in 0..count {
        index = index.checked_add(reader.signed()?)?;
        buckets.push((i32::try_from(index).ok()?, reader.float()?));
    }
    Some(buckets)
}

fn bounds(reader: &mut Reader<'_>) -> Option<Arc<[f64]>> {
    let count = reader.count(1)?;
    (0..count).map(|_| reader.float()).collect()
}

/// Whether two histograms are the same to the bit.
pub(in crate::metrics) fn same(one: &Histogram, other: &Histogram) -> bool {
    let bits = |histogram: &Histogram| {
        let mut out = Vec::new();
        put(&mut out, histogram);
        out
    };
    bits(one) == bits(other)
}

#[cfg(test)]
pub(in crate::metrics) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(in crate::metrics) fn any_histogram() -> impl Strategy<Value = Histogram> {
        let number =
            || prop_oneof![any::<f64>(), (0_u32..5000).prop_map(f64::from), Just(f64::from_bits(promql::STALE_BITS))];
        let buckets = || prop::collection::vec((any::<i32>(), number()), 0..12);
        let numbers = (number(), number(), number(), number());
        (0_usize..4, any::<i32>(), numbers, buckets(), buckets(), prop::collection::vec(number(), 0..6)).prop_map(
            |(hint, schema, (zero_threshold, zero_count, count, sum), positive, negative, bounds)| Histogram {
                reset: [ResetHint::Unknown, ResetHint::Reset, ResetHint::NoReset, ResetHint::Gauge][hint],
                schema,
                zero_threshold,
                zero_count,
                count,
                sum,
                positive,
                negative,
                bounds: bounds.into(),
            },
        )
    }

    proptest! {
        #[test]
        fn every_bit_comes_back(histogram in any_histogram()) {
            let mut out = Vec::new();
            put(&mut out, &histogram);
            let mut reader = Reader(&out);
            let read = get(&mut reader).unwrap();
            prop_assert!(reader.is_empty() && same(&read, &histogram));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = get(&mut Reader(&bytes));
        }
    }
}
