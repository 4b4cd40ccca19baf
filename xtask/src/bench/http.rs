//! A small HTTP/1.1 client over one blocking connection: what a load tool needs and no more.
//!
//! Requests are bytes prepared before the clock starts. Answers are counted and timed; only the first part of a body
//! is kept, so a list of a million alerts costs no memory here.

use super::Measured;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// The most bytes of a body that are kept.
const KEPT: usize = 16 << 20;
/// The most bytes that one line of a head may have.
const LONGEST_LINE: u64 = 16 << 10;
/// The most lines that a head may have.
const MOST_LINES: usize = 100;
/// The buffer for reading, in bytes.
const BUFFER: usize = 64 << 10;

/// Where a server listens and how to be let in.
#[derive(Debug, Clone)]
pub struct Door {
    /// The address.
    pub address: SocketAddr,
    /// The bearer token, where the server wants one.
    pub token: Option<String>,
}

impl Door {
    /// The bytes of a request; a body is JSON.
    pub fn request(&self, method: &str, path: &str, body: &[u8]) -> Vec<u8> {
        self.request_with(method, path, &[("Content-Type", "application/json")], body)
    }

    /// The bytes of a request; what else the head says is sent with a body only.
    pub fn request_with(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nAccept: application/json\r\n", self.address);
        if let Some(token) = &self.token {
            head.push_str(&format!("Authorization: Bearer {token}\r\n"));
        }
        if method != "GET" {
            headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        [head.as_bytes(), body].concat()
    }

    /// Opens a connection; each read on it waits `patience` at most.
    pub fn open(&self, patience: Duration) -> Measured<Connection> {
        let stream = TcpStream::connect_timeout(&self.address, patience)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(patience))?;
        Ok(Connection { reader: BufReader::with_capacity(BUFFER, stream) })
    }

    /// One GET on a connection of its own.
    pub fn get(&self, path: &str, patience: Duration) -> Measured<Answer> {
        self.open(patience)?.send(&self.request("GET", path, b""))
    }

    /// One POST on a connection of its own; an answer other than 2xx is an error.
    pub fn post(&self, path: &str, body: &str, patience: Duration) -> Measured<Answer> {
        let answer = self.open(patience)?.send(&self.request("POST", path, body.as_bytes()))?;
        if answer.status / 100 != 2 {
            let said = String::from_utf8_lossy(&answer.body).chars().take(300).collect::<String>();
            return Err(format!("POST {path}: {}: {said}", answer.status).into());
        }
        Ok(answer)
    }
}

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    reader: BufReader<TcpStream>,
}

/// What the server said, and when.
#[derive(Debug, Default)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// How long the body is, in bytes.
    pub length: u64,
    /// The body's first part.
    pub body: Vec<u8>,
    /// From the request's last byte to the answer's first.
    pub first_byte: Duration,
}

impl Connection {
    /// Sends a prepared request and reads the whole answer.
    pub fn send(&mut self, request: &[u8]) -> Measured<Answer> {
        self.reader.get_mut().write_all(request)?;
        let sent = Instant::now();
        self.reader.fill_buf()?;
        let first_byte = sent.elapsed();
        let (status, framing) = self.head()?;
        let mut answer = Answer { status, first_byte, ..Answer::default() };
        match framing {
            Framing::Length(length) => self.take(length, &mut answer)?,
            Framing::Chunked => self.chunks(&mut answer)?,
        }
        Ok(answer)
    }

    fn head(&mut self) -> Measured<(u16, Framing)> {
        let first = self.line()?;
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| format!("not an HTTP answer: {first:?}"))?;
        let mut framing = Framing::Length(0);
        for _ in 0..MOST_LINES {
            let line = self.line()?.to_ascii_lowercase();
            if line.is_empty() {
                return Ok((status, framing));
            }
            if let Some(length) = line.strip_prefix("content-length:") {
                framing = Framing::Length(length.trim().parse()?);
            } else if line.starts_with("transfer-encoding:") && line.ends_with("chunked") {
                framing = Framing::Chunked;
            }
        }
        Err(format!("an answer's head has more than {MOST_LINES} lines").into())
    }

    fn line(&mut self) -> Measured<String> {
        let mut line = String::new();
        self.reader.by_ref().take(LONGEST_LINE).read_line(&mut line)?;
        if line.is_empty() {
            return Err(std::io::Error::from(ErrorKind::UnexpectedEof).into());
        }
        Ok(line.trim_end().to_owned())
    }

    fn chunks(&mut self, answer: &mut Answer) -> Measured {
        loop {
            let size = self.line()?;
            let size = u64::from_str_radix(size.split(';').next().unwrap_or(""), 16)?;
            self.take(size, answer)?;
            self.line()?;
            if size == 0 {
                return Ok(());
            }
        }
    }

    fn take(&mut self, mut length: u64, answer: &mut Answer) -> Measured {
        answer.length += length;
        while length > 0 {
            let buffer = self.reader.fill_buf()?;
            if buffer.is_empty() {
                return Err(std::io::Error::from(ErrorKind::UnexpectedEof).into());
            }
            let count = usize::try_from(length).unwrap_or(usize::MAX).min(buffer.len());
            let room = KEPT.saturating_sub(answer.body.len()).min(count);
            answer.body.extend_from_slice(&buffer[..room]);
            self.reader.consume(count);
            length -= count as u64;
        }
        Ok(())
    }
}

enum Framing {
    Length(u64),
    Chunked,
}
