//! Samples as the rooms know them: the way in for what does not come series by series.

use kernel::sample::Sample;
use promql::Millis;

use super::codec::bytes::{put_number, put_text};
use super::store::Store;
use super::{Appended, Failure};

/// How keys of this way in begin; no other way in begins its keys so.
const MARK: u8 = 0xff;

impl Store {
    /// Takes samples in; see [`Appender::finish`](super::Appender::finish).
    ///
    /// # Errors
    /// When the log could not be written.
    pub fn push(&self, samples: &[Sample], now: kernel::Timestamp) -> Result<Appended, Failure> {
        let mut appender = self.appender(now.as_millisecond())?;
        let mut key = Vec::new();
        for sample in samples {
            key_of(sample, &mut key);
            appender.series(&key, || Ok::<_, std::convert::Infallible>(sample.series.iter().collect()));
            appender.float(sample.at.as_millisecond(), 0, sample.value);
        }
        appender.finish()
    }
}

fn key_of(sample: &Sample, key: &mut Vec<u8>) {
    key.clear();
    key.push(MARK);
    put_number(key, sample.series.len() as u64);
    for (name, value) in sample.series.iter() {
        put_text(key, name);
        put_text(key, value);
    }
}

/// An instant as the rooms know it.
#[must_use]
pub fn instant(at: Millis) -> kernel::Timestamp {
    let last = if at < 0 { kernel::Timestamp::MIN } else { kernel::Timestamp::MAX };
    kernel::Timestamp::from_millisecond(at).unwrap_or(last)
}
