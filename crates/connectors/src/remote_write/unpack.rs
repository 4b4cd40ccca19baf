//! Snappy blocks, unpacked into memory that is used again. The length is checked before any memory is taken.

/// The most bytes of an unpacked message.
pub const MESSAGE_BYTES_MAX: usize = 32 << 20;
/// Memory beyond this is given back after a long message.
const KEPT: usize = 4 << 20;

/// Why a body could not be unpacked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadBody {
    /// It is not what `Content-Encoding: snappy` says.
    #[error("the body is not a snappy block: {0}")]
    Snappy(String),
    /// It says that it is longer than [`MESSAGE_BYTES_MAX`].
    #[error("the message has {0} bytes unpacked, at most {MESSAGE_BYTES_MAX} are read: send fewer samples at once")]
    TooLong(usize),
}

/// Unpacks bodies, one after the other.
#[derive(Debug, Default)]
pub struct Unpacker {
    decoder: snap::raw::Decoder,
    message: Vec<u8>,
}

impl Unpacker {
    /// The message in a body.
    ///
    /// # Errors
    /// When the body is no snappy block, or the message is too long.
    pub fn unpack(&mut self, body: &[u8]) -> Result<&[u8], BadBody> {
        let snappy = |error: snap::Error| BadBody::Snappy(error.to_string());
        let length = snap::raw::decompress_len(body).map_err(snappy)?;
        if length > MESSAGE_BYTES_MAX {
            return Err(BadBody::TooLong(length));
        }
        if self.message.len() > KEPT {
            self.message.truncate(KEPT);
            self.message.shrink_to_fit();
        }
        if self.message.len() < length {
            self.message.resize(length, 0);
        }
        let unpacked = self.decoder.decompress(body, &mut self.message).map_err(snappy)?;
        Ok(self.message.get(..unpacked).unwrap_or_default())
    }
}
