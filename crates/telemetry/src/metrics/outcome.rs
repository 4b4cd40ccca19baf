//! What became of samples: kept, a duplicate, or refused by a reason, with a series that shows what is meant.

use std::fmt;

/// Why a sample was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// It is too much older than the newest of its series.
    TooOld,
    /// It is too far ahead of the clock.
    TooNew,
    /// There is another value at its instant; that one stays.
    Conflict,
    /// Its series has no metric name.
    Unnamed,
    /// Its labels make no set: one stands twice, a name is empty, or they are not UTF-8.
    BadLabels,
    /// Its series has too many labels.
    TooManyLabels,
    /// A label, or all of them together, is too long.
    LabelTooLong,
    /// Its histogram has too many buckets.
    TooManyBuckets,
    /// There are as many series as there may be.
    OverSeries,
    /// There are as many label names as there may be.
    OverNames,
    /// A label has as many values as it may have.
    OverValues,
    /// The labels of all series fill the memory that they may have.
    OverLabelBytes,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 12] = [
        Self::TooOld,
        Self::TooNew,
        Self::Conflict,
        Self::Unnamed,
        Self::BadLabels,
        Self::TooManyLabels,
        Self::LabelTooLong,
        Self::TooManyBuckets,
        Self::OverSeries,
        Self::OverNames,
        Self::OverValues,
        Self::OverLabelBytes,
    ];

    /// The reason as a label's value.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooOld => "too_old",
            Self::TooNew => "too_new",
            Self::Conflict => "conflict",
            Self::Unnamed => "unnamed",
            Self::BadLabels => "bad_labels",
            Self::TooManyLabels => "too_many_labels",
            Self::LabelTooLong => "label_too_long",
            Self::TooManyBuckets => "too_many_buckets",
            Self::OverSeries => "over_series",
            Self::OverNames => "over_label_names",
            Self::OverValues => "over_label_values",
            Self::OverLabelBytes => "over_label_bytes",
        }
    }

    /// The reason in words that follow a count of samples.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::TooOld => "too old",
            Self::TooNew => "too far ahead of the clock",
            Self::Conflict => "with another value at the same instant",
            Self::Unnamed => "without a metric name",
            Self::BadLabels => "with labels that make no set",
            Self::TooManyLabels => "over the limit of labels of a series",
            Self::LabelTooLong => "over the limit of a label's length",
            Self::TooManyBuckets => "over the limit of a histogram's buckets",
            Self::OverSeries => "over the limit of series",
            Self::OverNames => "over the limit of label names",
            Self::OverValues => "over the limit of values of a label",
            Self::OverLabelBytes => "over the limit of memory for labels",
        }
    }
}

/// The longest example, in bytes.
pub const EXAMPLE_BYTES_MAX: usize = 240;

/// How many samples met each fate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Kept.
    pub kept: u64,
    /// Kept as well, though out of order.
    pub late: u64,
    /// The same sample was there already.
    pub duplicates: u64,
    refused: [u64; Reason::ALL.len()],
}

impl Tally {
    /// How many were refused for this reason.
    #[must_use]
    pub fn refused(&self, reason: Reason) -> u64 {
        self.refused.get(reason as usize).copied().unwrap_or(0)
    }

    /// How many were refused.
    #[must_use]
    pub fn refused_all(&self) -> u64 {
        self.refused.iter().sum()
    }

    pub(super) fn refuse(&mut self, reason: Reason, samples: u64) {
        if let Some(count) = self.refused.get_mut(reason as usize) {
            *count += samples;
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.kept += other.kept;
        self.late += other.late;
        self.duplicates += other.duplicates;
        self.refused.iter_mut().zip(other.refused).for_each(|(mine, theirs)| *mine += theirs);
    }
}

/// What became of the samples of one write.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Appended {
    /// How many met each fate.
    pub tally: Tally,
    /// How many series came into being.
    pub created: u64,
    /// Whether a standing selector is concerned: see [`Store::take_written`](super::Store::take_written).
    pub watched: bool,
    examples: [Option<Box<str>>; Reason::ALL.len()],
}

impl Appended {
    /// A series of which a sample was refused for this reason.
    #[must_use]
    pub fn example(&self, reason: Reason) -> Option<&str> {
        self.examples.get(reason as usize)?.as_deref()
    }

    /// Counts a refusal; the example is made only for the first one of its reason.
    pub(super) fn refuse(&mut self, reason: Reason, example: impl FnOnce() -> String) {
        self.tally.refuse(reason, 1);
        if let Some(place @ None) = self.examples.get_mut(reason as usize) {
            *place = Some(shortened(example()).into());
        }
    }
}

fn shortened(mut text: String) -> String {
    if text.len() > EXAMPLE_BYTES_MAX {
        text.truncate(text.floor_char_boundary(EXAMPLE_BYTES_MAX));
        text.push_str("..");
    }
    text
}

/// The refusals in words, such as `3 too old, such as up{job="a"}; 1 over the limit of series, such as x{y="z"}`; empty
/// when there are none.
impl fmt::Display for Appended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let refused = Reason::ALL.into_iter().filter(|reason| self.tally.refused(*reason) > 0);
        for (i, reason) in refused.enumerate() {
            let separator = if i == 0 { "" } else { "; " };
            write!(f, "{separator}{} {}", self.tally.refused(reason), reason.words())?;
            if let Some(example) = self.example(reason) {
                write!(f, ", such as {example}")?;
            }
        }
        Ok(())
    }
}
