//! The labels of a series as the bytes in which they stand: parsed only by whoever does not know them.

use super::wire::Fields;

/// The most labels of one series that are parsed.
pub const LABELS_MAX: usize = 1_024;
/// The most bytes of the labels of one series; longer ones are not even looked at.
pub const LABELS_BYTES_MAX: usize = 128 * 1024;

/// The labels of one series: `Label` messages one after the other, each with its field number 1.
#[derive(Debug, Clone, Copy)]
pub struct LabelBytes<'a>(Result<&'a [u8], BadLabels>);

/// Why bytes are no labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadLabels {
    /// They are not the labels of this message.
    #[error("labels are no protobuf: {0}")]
    Protobuf(&'static str),
    /// A name or value is not UTF-8.
    #[error("a label is not UTF-8")]
    Utf8,
    /// There are more than [`LABELS_MAX`].
    #[error("a series has more than {LABELS_MAX} labels")]
    TooMany,
    /// They have more than [`LABELS_BYTES_MAX`] bytes.
    #[error("the labels of a series have more than {LABELS_BYTES_MAX} bytes")]
    TooLong,
    /// A label refers to a symbol that the message does not have.
    #[error("a label refers to a symbol that is not in the message")]
    NoSymbol,
    /// A name has no value.
    #[error("labels are pairs of references, and there is an odd one")]
    Odd,
}

impl<'a> LabelBytes<'a> {
    /// The labels that a key stands for.
    #[must_use]
    pub fn from_key(key: &'a [u8]) -> Self {
        Self::of(key)
    }

    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self(if bytes.len() > LABELS_BYTES_MAX { Err(BadLabels::TooLong) } else { Ok(bytes) })
    }

    pub(super) fn bad(why: BadLabels) -> Self {
        Self(Err(why))
    }

    /// The bytes. The same bytes always mean the same labels; empty when there are none, or when they are bad.
    #[inline]
    #[must_use]
    pub fn key(&self) -> &'a [u8] {
        self.0.unwrap_or_default()
    }

    /// The names and values, in the sender's order.
    ///
    /// # Errors
    /// When the bytes are no labels.
    pub fn pairs(&self) -> Result<Vec<(&'a str, &'a str)>, BadLabels> {
        let mut fields = Fields::of(self.0?);
        let mut pairs = Vec::with_capacity(16);
        while let Some((_, label)) = fields.next().map_err(BadLabels::Protobuf)? {
            if pairs.len() >= LABELS_MAX {
                return Err(BadLabels::TooMany);
            }
            pairs.push(pair(label.bytes().map_err(BadLabels::Protobuf)?)?);
        }
        Ok(pairs)
    }
}

fn pair(label: &[u8]) -> Result<(&str, &str), BadLabels> {
    let (mut fields, mut name, mut value) = (Fields::of(label), "", "");
    while let Some((number, field)) = fields.next().map_err(BadLabels::Protobuf)? {
        let target = match number {
            1 => &mut name,
            2 => &mut value,
            _ => continue,
        };
        let bytes = field.bytes().map_err(BadLabels::Protobuf)?;
        *target = std::str::from_utf8(bytes).map_err(|_| BadLabels::Utf8)?;
    }
    Ok((name, value))
}

/// Appends a label as a sender of 1.0 writes it.
pub(super) fn put(key: &mut Vec<u8>, name: &str, value: &str) {
    let part = |text: &str| 1 + length_of(text.len()) + text.len();
    key.push(0x0a);
    put_length(key, part(name) + part(value));
    for (tag, text) in [(0x0a, name), (0x12, value)] {
        key.push(tag);
        put_length(key, text.len());
        key.extend_from_slice(text.as_bytes());
    }
}

fn length_of(length: usize) -> usize {
    (usize::BITS - length.leading_zeros()).div_ceil(7).max(1) as usize
}

fn put_length(key: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        key.push(length as u8 | 0x80);
        length >>= 7;
    }
    key.push(length as u8);
}
