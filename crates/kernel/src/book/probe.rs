//! Health checks as data: what is asked, what makes an answer healthy, and how many failures matter. How it is asked is
//! decided by `connectors::checks`, what follows by `signals`.

use core::net::SocketAddr;
use std::str::FromStr;

use crate::labels::Labels;
use crate::name::ServiceName;
use crate::time::Seconds;

/// The most looks that one tally remembers.
pub const LOOKS_MAX: u8 = 100;
/// The most health checks that run; what a watchbook has above them, by name, does not.
pub const CHECKS_MAX: usize = 1000;
/// The most steps of a [`JsonPath`].
pub const JSON_STEPS_MAX: usize = 32;

/// A health check of our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The service it speaks for.
    pub service: ServiceName,
    /// What is asked.
    pub probe: Probe,
    /// How often. For a heartbeat: how often a beat must come.
    pub every: Seconds,
    /// How long one answer may take. A heartbeat does not use it.
    pub timeout: Seconds,
    /// How many failures raise.
    pub tally: Tally,
    /// How many successes in a row clear.
    pub successes: u8,
    /// Whether a failed look is repeated at once, over a new connection, before it counts.
    pub second_look: bool,
    /// The labels added to the alert.
    pub labels: Labels,
}

/// So many failures among the last so many looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    failures: u8,
    among: u8,
}

impl Tally {
    /// `None` unless `1 <= failures <= among <= LOOKS_MAX`.
    #[must_use]
    pub fn new(failures: u8, among: u8) -> Option<Self> {
        (1 <= failures && failures <= among && among <= LOOKS_MAX).then_some(Self { failures, among })
    }

    /// How many failures raise.
    #[must_use]
    pub fn failures(self) -> u8 {
        self.failures
    }

    /// Among how many of the last looks.
    #[must_use]
    pub fn among(self) -> u8 {
        self.among
    }

    /// Whether the failures must come in a row.
    #[must_use]
    pub fn in_a_row(self) -> bool {
        self.failures == self.among
    }

    /// How many of the looks that count failed. In `history` bit 0 is the newest look and a set bit a failure.
    #[must_use]
    pub fn count(self, history: u128) -> u8 {
        let counted = (1u128 << self.among.min(LOOKS_MAX)) - 1;
        u8::try_from((history & counted).count_ones()).unwrap_or(u8::MAX)
    }

    /// Whether the looks that count have enough failures.
    #[must_use]
    pub fn is_met(self, history: u128) -> bool {
        self.count(history) >= self.failures
    }
}

/// What is asked, and what makes the answer healthy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// A request by HTTP.
    Http(Box<HttpProbe>),
    /// A connection by TCP.
    Tcp(TcpProbe),
    /// A question to a name server.
    Dns(DnsProbe),
    /// A TLS handshake.
    Tls(TlsProbe),
    /// An echo request.
    Icmp(IcmpProbe),
    /// The health service of gRPC.
    Grpc(GrpcProbe),
    /// Nobody is asked: a program must report by itself.
    Heartbeat(Heartbeat),
}

/// A request by HTTP. Every condition that is given must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpProbe {
    /// What is asked.
    pub url: String,
    /// How.
    pub method: HttpMethod,
    /// The headers sent.
    pub headers: Vec<(String, String)>,
    /// The body sent.
    pub body: Option<String>,
    /// The statuses that are healthy, inclusive.
    pub status: (u16, u16),
    /// A text that a healthy body contains.
    pub contains: Option<String>,
    /// A text that a healthy body does not contain.
    pub lacks: Option<String>,
    /// Places of a JSON body and what stands there.
    pub json: Vec<(JsonPath, String)>,
    /// Headers of the answer and the text that each contains.
    pub header: Vec<(String, String)>,
    /// The longest healthy time until the whole answer is there, in milliseconds.
    pub slower_than_ms: Option<u32>,
    /// How long the certificate must still be valid.
    pub certificate: Option<Seconds>,
}

/// How an HTTP probe asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpMethod {
    /// `GET`
    Get,
    /// `HEAD`
    Head,
    /// `OPTIONS`
    Options,
    /// `POST`
    Post,
    /// `PUT`
    Put,
}

impl HttpMethod {
    /// The word of the protocol.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort {
    /// A name or an address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl FromStr for HostPort {
    type Err = ();

    /// Reads `host:port` or `[address]:port`.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (host, port) = text.rsplit_once(':').ok_or(())?;
        let bare = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'));
        let host = match bare {
            Some(inner) => inner.parse::<core::net::Ipv6Addr>().map(|address| address.to_string()).map_err(drop)?,
            None => host.to_owned(),
        };
        let port: u16 = port.parse().map_err(drop)?;
        let sound = port > 0 && !host.is_empty() && (bare.is_some() || is_host(&host));
        if sound { Ok(Self { host, port }) } else { Err(()) }
    }
}

impl std::fmt::Display for HostPort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// Whether a text has the letters of a host's name, and no more of them than DNS allows.
#[must_use]
pub fn is_host(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (1..=253).contains(&text.len()) && text.chars().all(fits)
}

/// A connection by TCP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpProbe {
    /// Where to.
    pub address: HostPort,
    /// What is said once it stands.
    pub send: Option<String>,
    /// A text that the answer contains.
    pub expect: Option<String>,
}

/// A question to a name server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsProbe {
    /// The name.
    pub name: String,
    /// What about it.
    pub record: DnsRecord,
    /// The server; those of the system when absent.
    pub server: Option<SocketAddr>,
    /// Answers that must be there, among others.
    pub answers: Vec<String>,
}

/// A type of DNS record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DnsRecord {
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
    /// Another name.
    Cname,
    /// Mail exchangers.
    Mx,
    /// Name servers.
    Ns,
    /// Texts.
    Txt,
    /// Services.
    Srv,
}

/// A TLS handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsProbe {
    /// Where to.
    pub address: HostPort,
    /// The name that the certificate must have.
    pub name: String,
    /// How long the certificate must still be valid.
    pub certificate: Option<Seconds>,
    /// A file on the server with the authorities to trust; those of the system when absent.
    pub ca: Option<String>,
}

/// An echo request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IcmpProbe {
    /// To whom.
    pub host: String,
}

/// The health service of gRPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrpcProbe {
    /// `http://host:port` or `https://host:port`.
    pub url: String,
    /// The service asked about; empty for the whole server.
    pub service: String,
}

/// A report that must come by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeat {
    /// How long it may be late.
    pub grace: Seconds,
}

impl Probe {
    /// What is asked, in one line, for people. Holds no header, body or query.
    #[must_use]
    pub fn subject(&self) -> String {
        match self {
            Self::Http(http) => http.url.clone(),
            Self::Tcp(tcp) => format!("tcp {}", tcp.address),
            Self::Dns(dns) => format!("dns {} {}", dns.record.as_str(), dns.name),
            Self::Tls(tls) => format!("tls {}", tls.address),
            Self::Icmp(icmp) => format!("icmp {}", icmp.host),
            Self::Grpc(grpc) if grpc.service.is_empty() => format!("grpc {}", grpc.url),
            Self::Grpc(grpc) => format!("grpc {} {}", grpc.url, grpc.service),
            Self::Heartbeat(beat) => format!("heartbeat, {} late at most", beat.grace),
        }
    }

    /// The address, where it is a URL.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Http(http) => Some(&http.url),
            Self::Grpc(grpc) => Some(&grpc.url),
            _ => None,
        }
    }
}

impl HttpProbe {
    /// A plain `GET` that is healthy with a status of success.
    #[must_use]
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            method: HttpMethod::Get,
            headers: Vec::new(),
            body: None,
            status: (200, 299),
            contains: None,
            lacks: None,
            json: Vec::new(),
            header: Vec::new(),
            slower_than_ms: None,
            certificate: None,
        }
    }

    /// Whether the body of the answer must be read.
    #[must_use]
    pub fn reads_body(&self) -> bool {
        self.contains.is_some() || self.lacks.is_some() || !self.json.is_empty()
    }
}

impl DnsRecord {
    /// The word of the protocol.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Cname => "CNAME",
            Self::Mx => "MX",
            Self::Ns => "NS",
            Self::Txt => "TXT",
            Self::Srv => "SRV",
        }
    }
}

/// One place in a JSON text: `$.a.b[0]`, of which names may also be written `['a b']`. A subset of RFC 9535.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct JsonPath {
    text: String,
    steps: Vec<JsonStep>,
}

/// One step into a JSON text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum JsonStep {
    Name(String),
    Item(usize),
}

impl JsonPath {
    /// What stands there.
    #[must_use]
    pub fn find<'a>(&self, value: &'a serde_json::Value) -> Option<&'a serde_json::Value> {
        self.steps.iter().try_fold(value, |value, step| match step {
            JsonStep::Name(name) => value.as_object()?.get(name),
            JsonStep::Item(index) => value.as_array()?.get(*index),
        })
    }
}

impl std::fmt::Display for JsonPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for JsonPath {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut rest = text.strip_prefix('$').ok_or(())?;
        let mut steps = Vec::new();
        while !rest.is_empty() && steps.len() < JSON_STEPS_MAX {
            let (step, after) = step(rest).ok_or(())?;
            steps.push(step);
            rest = after;
        }
        if rest.is_empty() { Ok(Self { text: text.to_owned(), steps }) } else { Err(()) }
    }
}

/// The first step of a path, and what follows it.
fn step(rest: &str) -> Option<(JsonStep, &str)> {
    if let Some(named) = rest.strip_prefix('.') {
        let end = named.find(['.', '[']).unwrap_or(named.len());
        let (name, after) = named.split_at_checked(end)?;
        let sound = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
        return sound.then(|| (JsonStep::Name(name.to_owned()), after));
    }
    let inner = rest.strip_prefix('[')?;
    if let Some(quoted) = inner.strip_prefix('\'') {
        let (name, after) = quoted.split_once("']")?;
        return Some((JsonStep::Name(name.to_owned()), after));
    }
    let (number, after) = inner.split_once(']')?;
    let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| number.parse().ok()).flatten().map(|index| (JsonStep::Item(index), after))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_finds_its_place() {
        let value = json!({ "a": { "b": [1, { "c d": "x" }] }, "e-f": null });
        let found = |path: &str| path.parse::<JsonPath>().unwrap().find(&value).cloned();
        assert_eq!(found("$.a.b[0]"), Some(json!(1)));
        assert_eq!(found("$.a.b[1]['c d']"), Some(json!("x")));
        assert_eq!(found("$['a'].b[2]"), None);
        assert_eq!(found("$.e-f"), Some(json!(null)));
        assert_eq!(found("$"), Some(value.clone()));
        for wrong in ["", "a", "$a", "$.", "$..a", "$.a[", "$.a[x]", "$.a[-1]", "$.a[*]", "$[?(@.a)]", "$['a"] {
            assert!(wrong.parse::<JsonPath>().is_err(), "{wrong}");
        }
        assert!("$.a".repeat(2).parse::<JsonPath>().is_err());
        assert!(format!("${}", ".a".repeat(JSON_STEPS_MAX + 1)).parse::<JsonPath>().is_err());
    }

    #[test]
    fn hosts_and_ports() {
        let read = |text: &str| text.parse::<HostPort>().map(|found| found.to_string());
        for sound in ["a.example:1", "127.0.0.1:65535", "[::1]:80"] {
            assert_eq!(read(sound).as_deref(), Ok(sound));
        }
        for wrong in ["", "a", "a:0", "a:65536", ":1", "::1:80", "[a]:1", "a b:1", "a/b:1"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,60}", odd in "[$.\\['\\]0-9a:]{0,30}") {
            for text in [&text, &odd] {
                let _ = text.parse::<JsonPath>().map(|path| path.find(&json!([[{"a": []}]])).is_some());
                let _ = text.parse::<HostPort>();
            }
        }

        /// The tally counts failures among the last looks and no others; in a row is the case where all must fail.
        #[test]
        fn a_tally_counts_the_last_looks(
            looks in prop::collection::vec(any::<bool>(), 0..150), failures in 1u8..=100, more in 0u8..=99,
        ) {
            let among = failures.saturating_add(more).min(LOOKS_MAX);
            let tally = Tally::new(failures, among).unwrap();
            let history = looks.iter().fold(0u128, |history, failed| history << 1 | u128::from(*failed));
            let last = looks.iter().rev().take(usize::from(among));
            let counted = last.clone().filter(|failed| **failed).count();
            prop_assert_eq!(usize::from(tally.count(history)), counted);
            prop_assert_eq!(tally.is_met(history), counted >= usize::from(failures));
            if tally.in_a_row() {
                let row = looks.iter().rev().take_while(|failed| **failed).count();
                prop_assert_eq!(tally.is_met(history), row >= usize::from(failures));
            }
        }
    }
}
