//! Health checks: each place where an exchange can break is told from the others.

use connectors::checks::{check, client};
use connectors::http::Fault;
use kernel::book::Check;
use kernel::{Labels, Seconds};
use tokio::net::TcpListener;

use crate::peer::Peer;

fn ask(url: &str) -> Check {
    Check {
        service: "checkout".parse().unwrap(),
        url: url.to_owned(),
        every: Seconds(10),
        timeout: Seconds(1),
        status: (200, 299),
        contains: Some("fine".to_owned()),
        failures: 1,
        successes: 1,
        labels: Labels::default(),
    }
}

async fn found(url: &str) -> (Option<Fault>, String) {
    let result = check(&client().unwrap(), &ask(url)).await;
    assert_eq!(result.healthy, result.fault.is_none());
    (result.fault, result.reason)
}

#[tokio::test]
async fn a_healthy_answer_is_healthy() {
    let peer = Peer::answering(200, "all is fine").await;
    assert_eq!(found(&peer.url("/health?deep=1")).await, (None, String::new()));
    assert_eq!(peer.only().uri.to_string(), "/health?deep=1");
}

#[tokio::test]
async fn a_wrong_status_and_a_wrong_body_are_told_apart() {
    let peer = Peer::answering(503, "fine").await;
    assert_eq!(found(&peer.url("/")).await, (Some(Fault::Status), "status 503, healthy is 200 to 299".to_owned()));
    let peer = Peer::answering(200, "broken").await;
    assert_eq!(found(&peer.url("/")).await, (Some(Fault::Body), "the body does not contain \"fine\"".to_owned()));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let peer = Peer::start([(302, vec![("location", "http://127.0.0.1:9/".to_owned())], "fine".to_owned())]).await;
    assert_eq!(found(&peer.url("/")).await.0, Some(Fault::Status));
}

#[tokio::test]
async fn nobody_listening_is_a_connect_fault() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (fault, reason) = found(&format!("http://{address}/")).await;
    assert_eq!(fault, Some(Fault::Connect), "{reason}");
    assert!(reason.starts_with("no connection: Connection refused"), "{reason}");
}

#[tokio::test]
async fn an_unknown_name_is_a_dns_fault() {
    let mut check_dns = ask("http://no-such-host.invalid/");
    check_dns.timeout = Seconds(30);
    let result = check(&client().unwrap(), &check_dns).await;
    // A resolver that does not answer at all is slow rather than wrong.
    assert!(matches!(result.fault, Some(Fault::Dns | Fault::Timeout)), "{result:?}");
}

#[tokio::test]
async fn plain_http_where_tls_is_expected_is_a_tls_fault() {
    let peer = Peer::answering(200, "fine").await;
    let (fault, reason) = found(&format!("https://{}/", peer.address)).await;
    assert_eq!(fault, Some(Fault::Tls), "{reason}");
}

#[tokio::test]
async fn silence_is_a_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    assert_eq!(found(&format!("http://{address}/")).await, (Some(Fault::Timeout), "no answer within 1s".to_owned()));
}

#[tokio::test]
async fn what_is_no_http_is_a_protocol_fault_and_what_is_no_address_an_address_fault() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut socket, b"220 mail.example.com ESMTP\r\n").await.unwrap();
        let mut sink = Vec::new();
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut socket, &mut sink).await;
    });
    let (fault, reason) = found(&format!("http://{address}/")).await;
    assert_eq!(fault, Some(Fault::Protocol), "{reason}");
    assert_eq!(found("checkout/health").await.0, Some(Fault::Address));
}

#[tokio::test]
async fn the_address_is_never_in_the_reason() {
    let (_, reason) = found("http://127.0.0.1:1/secret-path?token=abc").await;
    assert!(!reason.contains("secret-path") && !reason.contains("abc"), "{reason}");
}
