//! Remote write 1.0 as a sender encodes it: series with labels and a sample each, packed with snappy.

use super::Measured;
use super::http::Door;

/// The labels of a series, which have to be in order of their names.
pub fn labels<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> Vec<u8> {
    let label = |(name, value): (&str, String)| {
        let pair = [field(1, name.as_bytes()), field(2, value.as_bytes())].concat();
        field(1, &pair)
    };
    pairs.into_iter().flat_map(label).collect()
}

/// A field of bytes.
pub fn field(number: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    put_number(&mut out, body.len() as u64);
    out.extend_from_slice(body);
    out
}

/// A series with one sample, as a message has it.
pub fn series(labels: &[u8], at: i64, value: f64) -> Vec<u8> {
    let mut sample = vec![0x09];
    sample.extend(value.to_le_bytes());
    sample.push(0x10);
    put_number(&mut sample, at as u64);
    field(1, &[labels, &field(2, &sample)].concat())
}

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// A whole request with these series.
pub fn request(door: &Door, message: &[u8]) -> Measured<Vec<u8>> {
    Ok(packed_request(door, &snap::raw::Encoder::new().compress_vec(message)?))
}

/// A whole request with a message that is packed already.
pub fn packed_request(door: &Door, body: &[u8]) -> Vec<u8> {
    const HEADERS: [(&str, &str); 3] = [
        ("Content-Type", "application/x-protobuf"),
        ("Content-Encoding", "snappy"),
        ("X-Prometheus-Remote-Write-Version", "0.1.0"),
    ];
    door.request_with("POST", "/api/v1/write", &HEADERS, body)
}
