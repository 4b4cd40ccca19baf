//! Histograms as text: in answers, and in the notation of scripts.

use std::fmt::{self, Write as _};

use super::{Bucket, Histogram, ResetHint};

/// A number in its shortest form, as Go's `%g` writes it: `1`, `0.25`, `1e+06`, `+Inf`, `NaN`.
#[must_use]
pub fn number(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent) if value != 0.0 && !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        _ => format!("{value}"),
    }
}

impl fmt::Display for Bucket {
    /// `(0.5,1]:3`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = if self.lower_inclusive { '[' } else { '(' };
        let close = if self.upper_inclusive { ']' } else { ')' };
        write!(f, "{open}{},{}{close}:{}", number(self.lower), number(self.upper), number(self.count))
    }
}

impl fmt::Display for Histogram {
    /// `{count:3, sum:5, (0.5,1]:1, (1,2]:2}`, as in answers. Empty buckets are left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{count:{}, sum:{}", number(self.count), number(self.sum))?;
        for bucket in self.buckets().iter().filter(|bucket| bucket.count != 0.0) {
            write!(f, ", {bucket}")?;
        }
        f.write_char('}')
    }
}

/// The longest run of buckets that [`Histogram::notation`] writes.
const NOTATION_BUCKETS_MAX: usize = 1000;

impl Histogram {
    /// `{{schema:1 count:3 sum:5 buckets:[1 2]}}`, as in scripts. Empty buckets between others are written out.
    #[must_use]
    pub fn notation(&self) -> String {
        let mut parts = Vec::new();
        let numbers = [("count", self.count), ("sum", self.sum), ("z_bucket", self.zero_count)];
        parts.extend((self.schema != 0).then(|| format!("schema:{}", self.schema)));
        parts.extend(
            numbers.iter().filter(|part| part.1 != 0.0).map(|(name, value)| format!("{name}:{}", number(*value))),
        );
        parts.extend((self.zero_threshold != 0.0).then(|| format!("z_bucket_w:{}", number(self.zero_threshold))));
        parts.extend(self.is_custom().then(|| format!("custom_values:[{}]", listed(self.bounds.iter().copied()))));
        parts.extend(self.reset.word().map(|word| format!("counter_reset_hint:{word}")));
        run("offset", "buckets", &self.positive, &mut parts);
        run("n_offset", "n_buckets", &self.negative, &mut parts);
        format!("{{{{{}}}}}", parts.join(" "))
    }
}

impl ResetHint {
    /// The word for it in scripts; none for unknown.
    fn word(self) -> Option<&'static str> {
        match self {
            Self::Unknown => None,
            Self::Reset => Some("reset"),
            Self::NoReset => Some("not_reset"),
            Self::Gauge => Some("gauge"),
        }
    }
}

/// `offset:2 buckets:[1 0 3]`
fn run(offset: &str, name: &str, buckets: &[(i32, f64)], parts: &mut Vec<String>) {
    let filled: Vec<_> = buckets.iter().filter(|(_, count)| *count != 0.0).collect();
    let (Some((first, _)), Some((last, _))) = (filled.first(), filled.last()) else { return };
    if *first != 0 {
        parts.push(format!("{offset}:{first}"));
    }
    let mut left = filled.iter().copied().peekable();
    let counts =
        (*first..=*last).take(NOTATION_BUCKETS_MAX).map(|index| match left.next_if(|entry| entry.0 == index) {
            Some((_, count)) => *count,
            None => 0.0,
        });
    parts.push(format!("{name}:[{}]", listed(counts)));
}

/// Numbers with spaces between.
fn listed(numbers: impl Iterator<Item = f64>) -> String {
    numbers.map(number).collect::<Vec<_>>().join(" ")
}
