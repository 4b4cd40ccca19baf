//! Points as bytes: floats XOR-compressed, histograms as short integers, and the checksum of what is on the disk.
//!
//! Everything here is exact to the bit, so that stale markers and other NaNs come back as they went in, and reads hostile
//! bytes without a panic: what does not decode is `None`.

pub(super) mod bits;
pub(super) mod bytes;
pub(super) mod crc;
pub(super) mod histogram;
pub(super) mod xor;
