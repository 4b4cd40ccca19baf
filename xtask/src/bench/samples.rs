//! Series and their samples as senders encode them: remote write 1.0 and OTLP.

use super::Measured;
use super::remote::{self, field};

/// Samples of one request.
pub const REQUEST: usize = 1_000;
/// Milliseconds between two rounds of samples.
pub const STEP: i64 = 15_000;
/// Series that share a value of the label `group`.
pub const GROUP: u64 = 10;
/// Protobuf's wire type of eight bytes.
const FIXED64: u8 = 1;

/// The labels of a series, in order of their names.
pub fn labels(i: u64) -> [(&'static str, String); 5] {
    [
        ("__name__", "load_value".to_owned()),
        ("group", format!("g{:05}", i / GROUP)),
        ("instance", format!("host-{:05}.example.org:9100", i % 997)),
        ("job", format!("job-{}", i % 13)),
        ("series", format!("s{i:06}")),
    ]
}

/// The labels of a series as remote write 1.0 has them.
pub fn label_bytes(i: u64) -> Vec<u8> {
    remote::labels(labels(i))
}

/// A third counts up, a third wanders, a third stands still.
pub fn value(i: u64, round: u64) -> f64 {
    let noise = (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ round.wrapping_mul(0xd1b5_4a32_d192_ed03)) >> 40;
    match i % 3 {
        0 => (round * 40 + noise % 40) as f64,
        1 => 50.0 + (noise % 1000) as f64 / 100.0,
        _ => (i % 100) as f64,
    }
}

/// One round of samples of all series, taken at an instant in milliseconds: the bodies of its requests.
pub fn remote_write(keys: &[Vec<u8>], round: u64, at: i64) -> Measured<Vec<Vec<u8>>> {
    let mut encoder = snap::raw::Encoder::new();
    let numbered: Vec<(u64, &Vec<u8>)> = (0..).zip(keys).collect();
    let mut bodies = Vec::new();
    for request in numbered.chunks(REQUEST) {
        let mut message = Vec::new();
        for (i, labels) in request {
            message.extend(remote::series(labels, at, value(*i, round)));
        }
        bodies.push(encoder.compress_vec(&message)?);
    }
    Ok(bodies)
}

/// The same samples as an OTLP gauge: `job` is the service's name, the other labels are attributes.
pub fn otlp(series: u64, round: u64, at: i64) -> Vec<Vec<u8>> {
    let all: Vec<u64> = (0..series).collect();
    all.chunks(REQUEST).map(|request| otlp_request(request, round, at)).collect()
}

fn otlp_request(series: &[u64], round: u64, at: i64) -> Vec<u8> {
    let mut points = Vec::new();
    for i in series {
        let mut point = Vec::new();
        for (name, value) in labels(*i).iter().skip(1) {
            point.extend(field(7, &attribute(name, value)));
        }
        point.extend(fixed(3, at.cast_unsigned().wrapping_mul(1_000_000)));
        point.extend(fixed(4, value(*i, round).to_bits()));
        points.extend(field(1, &point));
    }
    let metric = [field(1, b"load_value"), field(5, &points)].concat();
    let resource = field(1, &attribute("service.name", "bench"));
    let all = [field(1, &resource), field(2, &field(2, &metric))].concat();
    field(1, &all)
}

fn attribute(name: &str, value: &str) -> Vec<u8> {
    [field(1, name.as_bytes()), field(2, &field(1, value.as_bytes()))].concat()
}

fn fixed(number: u8, bits: u64) -> Vec<u8> {
    let mut out = vec![number << 3 | FIXED64];
    out.extend(bits.to_le_bytes());
    out
}
