//! Health checks as they are written: one probe each, and only the keys of that probe.

use std::net::{IpAddr, SocketAddr};

use kernel::book::probe::{
    DnsProbe, DnsRecord, GrpcProbe, Heartbeat, HostPort, HttpMethod, HttpProbe, IcmpProbe, JsonPath, TcpProbe,
    TlsProbe, is_host,
};
use kernel::book::{Check, Probe, Tally};
use kernel::{Labels, Seconds, ServiceName};
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::json;

use super::address::{self, Url};
use super::kinds::LabelText;
use super::rule;
use super::scalars::{Range, Span, Whole, refuse};
use super::shape::{Defs, Placed, Reader, Shape, Sort, shape};
use super::yaml::{Key, Node};

/// How often a check asks when it does not say.
const EVERY: Seconds = Seconds(30);
/// How long a check waits when it does not say.
const TIMEOUT: Seconds = Seconds(5);
/// How late a heartbeat may be when it does not say.
const GRACE: Seconds = Seconds::minutes(1);
/// The most headers, places of a body or answers that one check may have.
const CONDITIONS_MAX: usize = 50;
/// Headers that carry a credential.
const CREDENTIALS: [&str; 5] = ["authorization", "proxy-authorization", "cookie", "x-api-key", "x-auth-token"];

shape! {
    /// A health check of our own. Exactly one of `url`, `tcp`, `dns`, `tls`, `icmp`, `grpc` and `heartbeat` says what is
    /// asked.
    CheckFile {
        /// The service it speaks for.
        "service" service: ServiceName,
        /// What is asked by HTTP.
        "url" url: Option<Url>,
        /// What is asked by TCP.
        "tcp" tcp: Option<TcpFile>,
        /// What is asked of a name server.
        "dns" dns: Option<DnsFile>,
        /// With whom a TLS handshake is made.
        "tls" tls: Option<TlsFile>,
        /// Who is sent an echo request.
        "icmp" icmp: Option<IcmpFile>,
        /// Which gRPC health service is asked.
        "grpc" grpc: Option<GrpcFile>,
        /// Nobody is asked: a program reports with `watchkeeper check beat NAME`, and silence is the failure.
        "heartbeat" heartbeat: Option<HeartbeatFile>,
        /// How often; for a heartbeat, how often a beat must come. Default: 30s.
        "every" every: Option<Span>,
        /// How long an answer may take. Default: 5s, or `every` when that is shorter.
        "timeout" timeout: Option<Placed<Span>>,
        /// With `url`: how it is asked. Default: GET.
        "method" method: Option<Placed<HttpMethod>>,
        /// With `url`: the headers sent.
        "headers" headers: Option<Placed<Headers>>,
        /// With `url`: the body sent.
        "body" body: Option<Placed<LabelText>>,
        /// With `url`: the statuses that are healthy: `200-299` or `204`. Default: 200-299.
        "status" status: Option<Placed<Range<100, 599>>>,
        /// With `url`: a text that a healthy body contains.
        "contains" contains: Option<Placed<String>>,
        /// With `url`: a text that a healthy body does not contain.
        "lacks" lacks: Option<Placed<String>>,
        /// With `url`: places of a JSON body, `$.a.b[0]`, and what stands there when it is healthy.
        "json" json: Option<Placed<Places>>,
        /// With `url`: headers of a healthy answer and the text that each contains.
        "header" header: Option<Placed<Headers>>,
        /// With `url`: an answer that takes longer is a failure: `800ms` or `2s`.
        "slower_than" slower_than: Option<Placed<Millis>>,
        /// With `url` and https: how long the certificate must still be valid, such as `14d`.
        "certificate" certificate: Option<Placed<Span>>,
        /// How many failures raise. Default: 3; for a heartbeat 1.
        "failures" failures: Option<Placed<Whole<1, 100>>>,
        /// Among how many of the last looks. Default: as many as `failures`, which means in a row.
        "among" among: Option<Placed<Whole<1, 100>>>,
        /// How many successes in a row clear. Default: 2; for a heartbeat 1.
        "successes" successes: Option<Placed<Whole<1, 100>>>,
        /// Whether a failed look is repeated at once, over a new connection and another address of the name where there is
        /// one, and counts only when both fail. Default: true.
        "second_look" second_look: Option<Placed<bool>>,
        /// Labels added to the alert.
        "labels" labels: Labels,
    }
}

shape! {
    /// A connection by TCP.
    TcpFile {
        /// Where to: `host:port`.
        "address" address: HostPort,
        /// What is said once it stands.
        "send" send: Option<LabelText>,
        /// A text that the answer contains.
        "expect" expect: Option<String>,
    }
}

shape! {
    /// A question to a name server.
    DnsFile {
        /// The name.
        "name" name: Host,
        /// The type of record. Default: A.
        "type" record: Option<DnsRecord>,
        /// The server's address, `192.0.2.1` or `192.0.2.1:53`. Default: those of the system.
        "server" server: Option<Server>,
        /// Answers that must be among those that come.
        "answers" answers: Vec<String>,
    }
}

shape! {
    /// A TLS handshake.
    TlsFile {
        /// Where to: `host:port`.
        "address" address: HostPort,
        /// The name that the certificate must have. Default: the host of `address`.
        "name" name: Option<Host>,
        /// How long the certificate must still be valid, such as `14d`.
        "certificate" certificate: Option<Span>,
        /// A file on the server with the authorities to trust, in PEM. Default: those of the system.
        "ca" ca: Option<String>,
    }
}

shape! {
    /// An echo request.
    IcmpFile {
        /// To whom.
        "host" host: Host,
    }
}

shape! {
    /// A question to a gRPC health service, `grpc.health.v1.Health`.
    GrpcFile {
        /// Where: `http://host:port` or `https://host:port`.
        "url" url: Url,
        /// The service to ask about. Default: the whole server.
        "service" service: Option<String>,
    }
}

shape! {
    /// A report that must come by itself.
    HeartbeatFile {
        /// How long a beat may be late. Default: 1m.
        "grace" grace: Option<Seconds>,
    }
}

/// A host's name or address.
#[derive(Debug)]
pub(super) struct Host(String);

impl Shape for Host {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match reader.text(node)? {
            text if is_host(text) || text.parse::<IpAddr>().is_ok() => Some(Self(text.to_owned())),
            text => refuse(node, reader, &rule::HOST, format!("`{text}` is not a host"), "write a name or an address"),
        }
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "type": "string", "pattern": "^[A-Za-z0-9._:-]+$" })
    }
}

impl Shape for HostPort {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(node)?;
        let wrong = format!("`{text}` is not a host with a port");
        text.parse().ok().or_else(|| refuse(node, reader, &rule::HOST, wrong, "write host:port or [::1]:port"))
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "type": "string", "pattern": "^.+:[0-9]+$" })
    }
}

/// The address of a name server.
#[derive(Debug)]
pub(super) struct Server(SocketAddr);

impl Shape for Server {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        const PORT: u16 = 53;
        let text = reader.text(node)?;
        let alone = || text.parse().ok().map(|ip: IpAddr| SocketAddr::new(ip, PORT));
        let wrong = format!("`{text}` is not the address of a server");
        let hint = "write 192.0.2.1, 192.0.2.1:53 or [2001:db8::1]:53; a name would need a name server itself";
        let read: Option<SocketAddr> = text.parse().ok().or_else(alone);
        read.map(Self).or_else(|| refuse(node, reader, &rule::HOST, wrong, hint))
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "type": "string", "pattern": "^[0-9a-fA-F.:\\[\\]]+$" })
    }
}

/// A short time: `800ms` or `2s`.
#[derive(Debug)]
pub(super) struct Millis(u32);

impl Shape for Millis {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(node)?;
        let millis = match text.strip_suffix("ms") {
            Some(number) => number.trim().parse().ok(),
            None => text.strip_suffix('s').and_then(|number| number.trim().parse::<u32>().ok()?.checked_mul(1000)),
        };
        let wrong = format!("`{text}` is not a short time");
        let sound = millis.filter(|millis| *millis > 0);
        sound.map(Self).or_else(|| refuse(node, reader, &rule::DURATION, wrong, "write it like 800ms or 2s"))
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "type": "string", "pattern": "^[1-9][0-9]* ?m?s$" })
    }
}

/// Reads a map entry by entry, every one of them even when one is wrong; at most [`CONDITIONS_MAX`].
fn entries<T>(
    node: &Node,
    reader: &mut Reader<'_>,
    mut entry: impl FnMut(&Key, &Node, &mut Reader<'_>) -> Option<T>,
) -> Option<Vec<T>> {
    let map = reader.map(node)?;
    if map.len() > CONDITIONS_MAX {
        let message = format!("these are {}, at most {CONDITIONS_MAX} are accepted", map.len());
        return refuse(node, reader, &rule::WRONG_FORM, message, "make two checks of it");
    }
    let read: Vec<Option<T>> = map.iter().map(|(key, value)| entry(key, value, reader)).collect();
    read.into_iter().collect()
}

/// Names and values of HTTP headers.
#[derive(Debug, Default)]
pub(super) struct Headers(Vec<(String, String)>);

impl Shape for Headers {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        entries(node, reader, header).map(Self)
    }

    fn schema(defs: &mut Defs) -> serde_json::Value {
        let names = json!({ "pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$" });
        json!({ "type": "object", "propertyNames": names, "additionalProperties": LabelText::schema(defs) })
    }
}

fn header(key: &Key, value: &Node, reader: &mut Reader<'_>) -> Option<(String, String)> {
    let mut wrong = |at, message: String, hint: &str| {
        reader.note_hint(at, &rule::HEADER, message, hint);
        None
    };
    if HeaderName::from_bytes(key.text.as_bytes()).is_err() {
        return wrong(key.at, format!("`{}` is not the name of a header", key.text), "write one such as accept");
    }
    if CREDENTIALS.contains(&&*key.text.to_ascii_lowercase()) {
        let hint = "have the service answer its health address without one; what stood here is spent";
        return wrong(key.at, format!("`{}` carries a credential", key.text), hint);
    }
    let text = reader.text(value)?;
    if HeaderValue::from_str(text).is_err() {
        let hint = "write one line of visible characters";
        reader.note_hint(value.at, &rule::HEADER, "this is not the value of a header", hint);
        return None;
    }
    Some((key.text.clone(), text.to_owned()))
}

/// Places of a JSON body and what stands there.
#[derive(Debug, Default)]
pub(super) struct Places(Vec<(JsonPath, String)>);

impl Shape for Places {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let place = |key: &Key, value: &Node, reader: &mut Reader<'_>| {
            let path = key.text.parse().ok();
            if path.is_none() {
                let hint = "write $.a.b[0]; a name with other letters is written $['a b']";
                reader.note_hint(
                    key.at,
                    &rule::JSON_PATH,
                    format!("`{}` is not a place in a JSON text", key.text),
                    hint,
                );
            }
            path.zip(reader.text(value).map(str::to_owned))
        };
        entries(node, reader, place).map(Self)
    }

    fn schema(defs: &mut Defs) -> serde_json::Value {
        let names = json!({ "pattern": "^\\$" });
        json!({ "type": "object", "propertyNames": names, "additionalProperties": LabelText::schema(defs) })
    }
}

/// Makes a check of what was read.
pub(super) fn make(name: &str, mut file: CheckFile, reader: &mut Reader<'_>) -> Option<Check> {
    let probes = take_probes(&mut file, reader);
    let http_keys = file.http_keys();
    let at = reader.names.spot(Sort::Check, name)?;
    let [kind] = <[Kind; 1]>::try_from(probes).map_err(|found| one_probe(&found, at, reader)).ok()?;
    if !matches!(kind, Kind::Url(_)) {
        for (key, at) in http_keys {
            let message = format!("`{key}` is a condition on an answer by HTTP, and this check asks otherwise");
            reader.note_hint(at, &rule::PROBE, message, "take it out, or ask a `url`");
        }
    }
    let is_heartbeat = matches!(kind, Kind::Ready(Probe::Heartbeat(_)));
    if is_heartbeat {
        file.refuse_asking(reader);
    }
    let every = file.every.as_ref().map_or(EVERY, |Span(span)| *span);
    let timeout = file.timeout(every, reader);
    let (failures, successes) = if is_heartbeat { (1, 1) } else { (3, 2) };
    let tally = file.tally(failures, at, reader)?;
    let successes = file.successes.as_ref().map_or(successes, |times| times.value.0);
    let second_look = file.second_look.as_ref().is_none_or(|given| given.value) && !is_heartbeat;
    let (service, labels) = (file.service.clone(), std::mem::take(&mut file.labels));
    let probe = match kind {
        Kind::Ready(probe) => probe,
        Kind::Url(url) => Probe::Http(Box::new(file.http(url, reader))),
    };
    Some(Check { service, probe, every, timeout, tally, successes, second_look, labels })
}

/// A probe that is whole, or a URL whose conditions stand beside it.
enum Kind {
    Ready(Probe),
    Url(Url),
}

fn take_probes(file: &mut CheckFile, reader: &mut Reader<'_>) -> Vec<Kind> {
    let tcp = file.tcp.take().map(|TcpFile { address, send, expect }| {
        Probe::Tcp(TcpProbe { address, send: send.map(|LabelText(text)| text), expect })
    });
    let dns = file.dns.take().map(|dns| {
        Probe::Dns(DnsProbe {
            name: dns.name.0,
            record: dns.record.unwrap_or(DnsRecord::A),
            server: dns.server.map(|Server(address)| address),
            answers: dns.answers,
        })
    });
    let tls = file.tls.take().map(|tls| {
        let name = tls.name.map_or_else(|| tls.address.host.clone(), |Host(name)| name);
        let certificate = tls.certificate.map(|Span(span)| span);
        Probe::Tls(TlsProbe { address: tls.address, name, certificate, ca: tls.ca })
    });
    let icmp = file.icmp.take().map(|IcmpFile { host: Host(host) }| Probe::Icmp(IcmpProbe { host }));
    let grpc = file.grpc.take().map(|GrpcFile { url, service }| {
        url.demand(address::HTTP, reader);
        Probe::Grpc(GrpcProbe { url: url.text, service: service.unwrap_or_default() })
    });
    let beat = file.heartbeat.take().map(|file| Probe::Heartbeat(Heartbeat { grace: file.grace.unwrap_or(GRACE) }));
    let ready = [tcp, dns, tls, icmp, grpc, beat].into_iter().flatten().map(Kind::Ready);
    file.url.take().map(Kind::Url).into_iter().chain(ready).collect()
}

fn one_probe(found: &[Kind], at: super::finding::Spot, reader: &mut Reader<'_>) {
    let message = match found.len() {
        0 => "nothing says what this check asks".to_owned(),
        many => format!("this check has {many} probes, and must have one"),
    };
    reader.note_hint(at, &rule::PROBE, message, "give one of url, tcp, dns, tls, icmp, grpc and heartbeat");
}

impl CheckFile {
    /// The conditions on an HTTP answer that are written, and where.
    fn http_keys(&self) -> Vec<(&'static str, super::finding::Spot)> {
        let keys = [
            ("method", self.method.as_ref().map(|given| given.at)),
            ("headers", self.headers.as_ref().map(|given| given.at)),
            ("body", self.body.as_ref().map(|given| given.at)),
            ("status", self.status.as_ref().map(|given| given.at)),
            ("contains", self.contains.as_ref().map(|given| given.at)),
            ("lacks", self.lacks.as_ref().map(|given| given.at)),
            ("json", self.json.as_ref().map(|given| given.at)),
            ("header", self.header.as_ref().map(|given| given.at)),
            ("slower_than", self.slower_than.as_ref().map(|given| given.at)),
            ("certificate", self.certificate.as_ref().map(|given| given.at)),
        ];
        keys.into_iter().filter_map(|(key, at)| Some((key, at?))).collect()
    }

    /// Notes the keys about asking, which a heartbeat does not.
    fn refuse_asking(&self, reader: &mut Reader<'_>) {
        let keys = [
            ("timeout", self.timeout.as_ref().map(|given| given.at)),
            ("failures", self.failures.as_ref().map(|given| given.at)),
            ("among", self.among.as_ref().map(|given| given.at)),
            ("successes", self.successes.as_ref().map(|given| given.at)),
            ("second_look", self.second_look.as_ref().map(|given| given.at)),
        ];
        for (key, at) in keys.into_iter().filter_map(|(key, at)| Some((key, at?))) {
            let message = format!("`{key}` is about asking, and a heartbeat asks nobody");
            reader.note_hint(at, &rule::PROBE, message, "take it out; `every` and `grace` say when it is late");
        }
    }

    fn timeout(&self, every: Seconds, reader: &mut Reader<'_>) -> Seconds {
        if let Some(timeout) = self.timeout.as_ref().filter(|timeout| timeout.value.0 > every) {
            let message = format!("an answer may take longer than the {every} between two questions");
            reader.note_hint(timeout.at, &rule::SLOW_CHECK, message, "make `timeout` at most `every`");
        }
        self.timeout.as_ref().map_or(TIMEOUT.min(every), |timeout| timeout.value.0)
    }

    fn tally(&self, failures: u8, at: super::finding::Spot, reader: &mut Reader<'_>) -> Option<Tally> {
        let failures = self.failures.as_ref().map_or(failures, |times| times.value.0);
        let among = self.among.as_ref().map_or(failures, |times| times.value.0);
        let tally = Tally::new(failures, among);
        if tally.is_none() {
            let at = self.among.as_ref().map_or(at, |given| given.at);
            let message = format!("{failures} failures can never be among {among} looks");
            reader.note_hint(at, &rule::TALLY, message, "make `among` at least `failures`");
        }
        tally
    }

    fn http(self, url: Url, reader: &mut Reader<'_>) -> HttpProbe {
        url.demand(address::HTTP, reader);
        if let Some(given) = self.certificate.as_ref().filter(|_| url.text.starts_with("http://")) {
            let message = "there is no certificate without encryption";
            reader.note_hint(given.at, &rule::PROBE, message, "ask https, or take it out");
        }
        let Range(low, high) = self.status.map_or(Range(200, 299), |given| given.value);
        HttpProbe {
            url: url.text,
            method: self.method.map_or(HttpMethod::Get, |given| given.value),
            headers: self.headers.map(|given| given.value.0).unwrap_or_default(),
            body: self.body.map(|given| given.value.0),
            status: (low, high),
            contains: self.contains.map(|given| given.value),
            lacks: self.lacks.map(|given| given.value),
            json: self.json.map(|given| given.value.0).unwrap_or_default(),
            header: self.header.map(|given| given.value.0).unwrap_or_default(),
            slower_than_ms: self.slower_than.map(|given| given.value.0),
            certificate: self.certificate.map(|given| given.value.0),
        }
    }
}
