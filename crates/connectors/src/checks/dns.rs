//! The DNS probe: one question without a cache, to the system's servers or to a given one, by UDP and, when the answer is too
//! long for it, by TCP.

use std::net::SocketAddr;

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RecordType;
use hickory_resolver::{Resolver, TokioResolver};
use kernel::book::probe::{DnsProbe, DnsRecord};

use super::Broken;
use crate::http::Fault;
use crate::text;

/// How much of the answers is said when they are wrong, in bytes.
const SHOWN_BYTES_MAX: usize = 200;

pub(super) async fn judge(probe: &DnsProbe) -> Result<(), Broken> {
    let wrong = |error: &NetError| (Fault::Dns, format!("the resolver cannot be set up: {error}"));
    let resolver = resolver(probe.server).map_err(|error| wrong(&error))?;
    // With a dot at its end a name is complete, and no search list of the system is tried.
    let name = format!("{}.", probe.name.trim_end_matches('.'));
    let found = resolver.lookup(name, kind(probe.record)).await.map_err(|error| broken(&error))?;
    let wanted = kind(probe.record);
    let of_kind = found.answers().iter().filter(|record| record.record_type() == wanted);
    let answers: Vec<String> = of_kind.map(|record| bare(&record.data.to_string())).collect();
    if answers.is_empty() {
        return Err((Fault::Answer, format!("there is no {} record", probe.record.as_str())));
    }
    match probe.answers.iter().find(|wanted| !answers.contains(&bare(wanted))) {
        None => Ok(()),
        Some(missing) => {
            let all = answers.join(", ");
            Err((Fault::Answer, format!("{missing} is not among {}", text::cut(&all, SHOWN_BYTES_MAX))))
        }
    }
}

/// An answer as it is compared: in lower case, without quotes and without the dot at the end of a name.
fn bare(answer: &str) -> String {
    answer.trim().trim_matches('"').trim_end_matches('.').to_ascii_lowercase()
}

fn resolver(server: Option<SocketAddr>) -> Result<TokioResolver, NetError> {
    let mut builder = match server {
        None => Resolver::builder_tokio()?,
        Some(server) => {
            let (mut udp, mut tcp) = (ConnectionConfig::udp(), ConnectionConfig::tcp());
            (udp.port, tcp.port) = (server.port(), server.port());
            let server = NameServerConfig::new(server.ip(), true, vec![udp, tcp]);
            Resolver::builder_with_config(
                ResolverConfig::from_name_servers(vec![server]),
                TokioRuntimeProvider::default(),
            )
        }
    };
    let options: &mut ResolverOpts = builder.options_mut();
    (options.cache_size, options.attempts) = (0, 1);
    builder.build()
}

fn kind(record: DnsRecord) -> RecordType {
    match record {
        DnsRecord::A => RecordType::A,
        DnsRecord::Aaaa => RecordType::AAAA,
        DnsRecord::Cname => RecordType::CNAME,
        DnsRecord::Mx => RecordType::MX,
        DnsRecord::Ns => RecordType::NS,
        DnsRecord::Txt => RecordType::TXT,
        DnsRecord::Srv => RecordType::SRV,
    }
}

fn broken(error: &NetError) -> Broken {
    match error {
        NetError::Timeout => (Fault::Timeout, "the name server did not answer in time".to_owned()),
        NetError::Io(_) | NetError::NoConnections => (Fault::Connect, format!("no connection: {error}")),
        NetError::Dns(_) => (Fault::Answer, format!("the name server says: {error}")),
        _ => (Fault::Protocol, format!("the answer broke off: {error}")),
    }
}
