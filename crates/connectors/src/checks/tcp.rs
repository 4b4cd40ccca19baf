//! The TCP probe: a connection, and what is said on it.

use kernel::book::probe::{HostPort, TcpProbe};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{BODY_BYTES_MAX, Broken, Way, addresses};
use crate::http::Fault;

/// How much is read at once, in bytes.
const CHUNK_BYTES: usize = 4096;

pub(super) async fn judge(probe: &TcpProbe, way: Way) -> Result<(), Broken> {
    let mut stream = connect(&probe.address, way).await?;
    if let Some(send) = &probe.send {
        stream.write_all(send.as_bytes()).await.map_err(broke_off)?;
    }
    let Some(expect) = &probe.expect else { return Ok(()) };
    let mut heard = Vec::new();
    let mut chunk = [0; CHUNK_BYTES];
    loop {
        let count = stream.read(&mut chunk).await.map_err(broke_off)?;
        // A text may begin in one piece and end in the next, so the end of what was heard is searched again.
        let from = heard.len().saturating_sub(expect.len());
        heard.extend(chunk.get(..count).unwrap_or_default());
        if contains(heard.get(from..).unwrap_or_default(), expect.as_bytes()) {
            return Ok(());
        }
        if count == 0 || heard.len() >= BODY_BYTES_MAX {
            return Err((Fault::Answer, format!("the answer does not contain {expect:?}")));
        }
    }
}

fn contains(heard: &[u8], wanted: &[u8]) -> bool {
    wanted.is_empty() || heard.windows(wanted.len()).any(|part| part == wanted)
}

fn broke_off(error: std::io::Error) -> Broken {
    (Fault::Protocol, format!("the connection broke off: {error}"))
}

/// A connection to the first address that takes one.
pub(super) async fn connect(to: &HostPort, way: Way) -> Result<TcpStream, Broken> {
    let mut last = String::new();
    for address in addresses(&to.host, to.port, way).await? {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error.to_string(),
        }
    }
    Err((Fault::Connect, format!("no connection: {last}")))
}
