//! TCP, DNS, ICMP and gRPC against real peers.

use std::net::SocketAddr;

use connectors::http::Fault;
use kernel::book::Probe;
use kernel::book::probe::{DnsProbe, DnsRecord, GrpcProbe, HostPort, IcmpProbe, TcpProbe};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tonic_health::ServingStatus;

use super::{look, nobody};

/// A listener that says something to whoever comes, and then listens.
pub async fn saying(text: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let _ = socket.write_all(text).await;
            let mut sink = Vec::new();
            let _ = socket.read_to_end(&mut sink).await;
        }
    });
    address
}

fn host_port(address: SocketAddr) -> HostPort {
    HostPort { host: address.ip().to_string(), port: address.port() }
}

async fn tcp(address: SocketAddr, send: Option<&str>, expect: Option<&str>) -> (Option<Fault>, String) {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    look(Probe::Tcp(TcpProbe { address: host_port(address), send: owned(send), expect: owned(expect) })).await
}

#[tokio::test]
async fn a_tcp_connection_stands_and_says_what_is_expected() {
    let address = saying(b"220 mail.example.com ESMTP\r\n").await;
    assert_eq!(tcp(address, None, None).await.0, None);
    assert_eq!(tcp(address, Some("EHLO a\r\n"), Some("220 ")).await.0, None);
    let (fault, reason) = tcp(nobody().await, None, None).await;
    assert_eq!(fault, Some(Fault::Connect), "{reason}");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut heard = [0; 6];
            socket.read_exact(&mut heard).await.unwrap();
            socket.write_all(if &heard == b"PING\r\n" { b"+PONG\r\n" } else { b"-ERR" }).await.unwrap();
        }
    });
    assert_eq!(tcp(address, Some("PING\r\n"), Some("+PONG")).await.0, None);
    let wrong = (Some(Fault::Answer), "the answer does not contain \"+PONG\"".to_owned());
    assert_eq!(tcp(address, Some("PUNG\r\n"), Some("+PONG")).await, wrong);
}

/// A name server that knows one address of every name, and says so in the code that it is given.
async fn name_server(code: u8) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut packet = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut packet).await {
            // The header and the question, which ends with a zero, its type and its class.
            let end = 12 + packet[12..length].iter().position(|byte| *byte == 0).unwrap() + 5;
            let mut answer = packet[..end].to_vec();
            answer[2..4].copy_from_slice(&[0x81, 0x80 | code]);
            answer[6..12].copy_from_slice(&[0, u8::from(code == 0), 0, 0, 0, 0]);
            if code == 0 {
                answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7]);
            }
            socket.send_to(&answer, from).await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn a_name_server_is_asked_and_its_answers_are_compared() {
    let ask = async |server, answers: &[&str]| {
        let answers = answers.iter().map(|answer| (*answer).to_owned()).collect();
        let name = "checkout.example.org".to_owned();
        look(Probe::Dns(DnsProbe { name, record: DnsRecord::A, server: Some(server), answers })).await
    };
    let server = name_server(0).await;
    assert_eq!(ask(server, &[]).await, (None, String::new()));
    assert_eq!(ask(server, &["192.0.2.7"]).await, (None, String::new()));
    let wrong = (Some(Fault::Answer), "192.0.2.8 is not among 192.0.2.7".to_owned());
    assert_eq!(ask(server, &["192.0.2.7", "192.0.2.8"]).await, wrong);
    let (fault, reason) = ask(name_server(3).await, &[]).await;
    assert_eq!(fault, Some(Fault::Answer), "{reason}");
}

#[tokio::test]
async fn an_echo_comes_back_where_the_system_lets_us_ask() {
    let (fault, reason) = look(Probe::Icmp(IcmpProbe { host: "127.0.0.1".to_owned() })).await;
    if fault == Some(Fault::Forbidden) {
        eprintln!("skipped: {reason}");
        assert!(reason.contains("ping_group_range"), "{reason}");
        return;
    }
    assert_eq!((fault, reason), (None, String::new()));
}

#[tokio::test]
async fn a_grpc_health_service_is_asked() {
    let (reporter, service) = tonic_health::server::health_reporter();
    reporter.set_service_status("shop.Checkout", ServingStatus::Serving).await;
    reporter.set_service_status("shop.Search", ServingStatus::NotServing).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let stream = tokio_stream::wrappers::TcpListenerStream::new(listener);
    tokio::spawn(tonic::transport::Server::builder().add_service(service).serve_with_incoming(stream));
    let ask = async |url: &str, service: &str| {
        look(Probe::Grpc(GrpcProbe { url: url.to_owned(), service: service.to_owned() })).await
    };
    assert_eq!(ask(&url, "").await, (None, String::new()));
    assert_eq!(ask(&url, "shop.Checkout").await, (None, String::new()));
    assert_eq!(ask(&url, "shop.Search").await, (Some(Fault::Unhealthy), "its health is NOT_SERVING".to_owned()));
    assert_eq!(ask(&url, "shop.None").await.0, Some(Fault::Unhealthy));
    let (fault, reason) = ask(&format!("http://{}", nobody().await), "").await;
    assert_eq!(fault, Some(Fault::Connect), "{reason}");
    let (fault, reason) = ask(&format!("http://{}", saying(b"220 mail\r\n").await), "").await;
    assert_eq!(fault, Some(Fault::Protocol), "{reason}");
}
