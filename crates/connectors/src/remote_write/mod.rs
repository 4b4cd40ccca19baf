//! Prometheus' remote write 1.0 and 2.0, read without building the message: each series and sample goes to a [`Sink`].
//!
//! ```text
//!   body --unpack--> message --read--> Sink: series(labels), float(..), float(..), series(labels), histogram(..) ..
//! ```
//! Senders write the same labels again and again, so a series is named by the bytes in which its labels stand
//! ([`LabelBytes::key`]); whoever knows them already need not parse them. Both versions give the same bytes for the same
//! labels in the same order. Exemplars and metadata are counted and passed over.
//!
//! What is wrong with one series or histogram is its own matter: the others are read. Only a message that is no protobuf
//! ends the reading; what stood before has gone to the sink by then.

mod histogram;
mod labels;
mod unpack;
mod v1;
mod v2;
pub(crate) mod wire;

#[cfg(test)]
mod tests;

pub use labels::{BadLabels, LABELS_BYTES_MAX, LABELS_MAX, LabelBytes};
pub use unpack::{BadBody, MESSAGE_BYTES_MAX, Unpacker};
pub use v2::SYMBOLS_MAX;
pub use wire::Malformed;

use promql::{Histogram, Millis};

/// Takes what a message holds, in its order.
pub trait Sink {
    /// The samples that follow belong to this series.
    fn series(&mut self, labels: LabelBytes<'_>);
    /// A number. `born` is when its counter began, zero where that is not said.
    fn float(&mut self, at: Millis, born: Millis, value: f64);
    /// A native histogram, likewise.
    fn histogram(&mut self, at: Millis, born: Millis, histogram: Histogram);
}

/// Which message a body holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// `prometheus.WriteRequest`
    V1,
    /// `io.prometheus.write.v2.Request`
    V2,
}

/// The content type names a message that nobody here reads.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "content type {0:?} is not read here: send application/x-protobuf, with proto=prometheus.WriteRequest or \
     proto=io.prometheus.write.v2.Request"
)]
pub struct UnknownMessage(pub String);

impl Version {
    /// Which message a content type names; without a name it is 1.0.
    ///
    /// # Errors
    /// When it is not protobuf, or names another message.
    pub fn of(content_type: &str) -> Result<Self, UnknownMessage> {
        let unknown = || UnknownMessage(content_type.to_owned());
        let mut parts = content_type.split(';').map(str::trim);
        if !parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/x-protobuf")) {
            return Err(unknown());
        }
        match parts.find_map(|part| part.strip_prefix("proto=")) {
            None | Some("prometheus.WriteRequest") => Ok(Self::V1),
            Some("io.prometheus.write.v2.Request") => Ok(Self::V2),
            Some(_) => Err(unknown()),
        }
    }
}

/// What a message held.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contents {
    /// Series.
    pub series: u64,
    /// Numbers.
    pub floats: u64,
    /// Native histograms that make sense.
    pub histograms: u64,
    /// Exemplars, which are passed over.
    pub exemplars: u64,
    /// Descriptions of metrics, which are passed over.
    pub metadata: u64,
    /// Native histograms that make no sense, and what is wrong with the first of them.
    pub bad_histograms: u64,
    /// See `bad_histograms`.
    pub why: Option<String>,
}

/// Reads a message.
///
/// # Errors
/// When it is no protobuf, or not this message; says at which series.
pub fn read(version: Version, message: &[u8], sink: &mut impl Sink) -> Result<Contents, Malformed> {
    match version {
        Version::V1 => v1::read(message, sink),
        Version::V2 => v2::read(message, sink),
    }
}
