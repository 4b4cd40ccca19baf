//! Bodies that come packed: gzip and zstd, bounded while they are unpacked.

use std::io::Read;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};

use crate::doors::reply::Problem;

/// The largest body when it is unpacked, in bytes.
pub const UNPACKED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The body without its `Content-Encoding`.
pub(crate) fn unpacked(headers: &HeaderMap, sent: Bytes) -> Result<Bytes, Problem> {
    let encoding = headers.get(header::CONTENT_ENCODING).map_or(Ok(""), |value| value.to_str());
    match encoding {
        Ok("" | "identity") => Ok(sent),
        Ok("gzip") => bounded("gzip", sent.len(), flate2::read::MultiGzDecoder::new(&*sent)),
        Ok("zstd") => {
            let stream = zstd::stream::read::Decoder::new(&*sent);
            bounded("zstd", sent.len(), stream.map_err(|error| Problem::bad(format!("the body is not zstd: {error}")))?)
        }
        _ => {
            let message = "Content-Encoding: write gzip or zstd, or send the body as it is";
            Err(Problem::of(StatusCode::UNSUPPORTED_MEDIA_TYPE, message).field("Content-Encoding"))
        }
    }
}

fn bounded(form: &str, packed: usize, stream: impl Read) -> Result<Bytes, Problem> {
    let mut bytes = Vec::with_capacity(packed.saturating_mul(4).min(UNPACKED_BYTES_MAX));
    let limit = UNPACKED_BYTES_MAX as u64 + 1;
    let read = stream.take(limit).read_to_end(&mut bytes);
    read.map_err(|error| Problem::bad(format!("the body is not {form}: {error}")))?;
    if bytes.len() > UNPACKED_BYTES_MAX {
        let message =
            format!("a body here has at most {UNPACKED_BYTES_MAX} bytes when it is unpacked: send less at once");
        return Err(Problem::of(StatusCode::PAYLOAD_TOO_LARGE, message));
    }
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        zstd::stream::encode_all(bytes, 1).unwrap()
    }

    fn read(form: &'static str, bytes: &[u8]) -> Result<Bytes, StatusCode> {
        let headers = HeaderMap::from_iter([(header::CONTENT_ENCODING, form.parse().unwrap())]);
        unpacked(&headers, Bytes::copy_from_slice(bytes)).map_err(|problem| problem.status)
    }

    #[test]
    fn what_is_packed_is_unpacked_within_bounds() {
        for (form, pack) in [("gzip", gzip as fn(&[u8]) -> Vec<u8>), ("zstd", zstd)] {
            assert_eq!(read(form, &pack(b"hello")).unwrap(), "hello", "{form}");
            assert_eq!(read(form, b"hello"), Err(StatusCode::BAD_REQUEST), "{form}");
            assert_eq!(read(form, &pack(b"hello")[..12]), Err(StatusCode::BAD_REQUEST), "{form}");
            let bomb = pack(&vec![0; UNPACKED_BYTES_MAX + 1]);
            assert!(bomb.len() < 1024 * 1024);
            assert_eq!(read(form, &bomb), Err(StatusCode::PAYLOAD_TOO_LARGE), "{form}");
        }
        assert_eq!(read("br", b"hello"), Err(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
}
