//! Health checks against real peers on the loopback: each place where an exchange can break is told from the others.

mod other;
mod tls;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use connectors::checks::{CheckResult, Prober};
use connectors::http::Fault;
use kernel::book::probe::HttpProbe;
use kernel::book::{Check, Probe, Tally};
use kernel::{Labels, Seconds};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::peer::Peer;

fn check_of(probe: Probe) -> Check {
    Check {
        service: "checkout".parse().unwrap(),
        probe,
        every: Seconds(10),
        timeout: Seconds(5),
        tally: Tally::new(1, 1).unwrap(),
        successes: 1,
        second_look: false,
        labels: Labels::default(),
    }
}

async fn look(probe: Probe) -> (Option<Fault>, String) {
    let CheckResult { healthy, fault, reason, .. } = Prober::new().unwrap().look(&check_of(probe)).await.result;
    assert_eq!(healthy, fault.is_none());
    (fault, reason)
}

fn fine(url: &str) -> HttpProbe {
    HttpProbe { contains: Some("fine".to_owned()), ..HttpProbe::get(url) }
}

fn http(probe: HttpProbe) -> Probe {
    Probe::Http(Box::new(probe))
}

async fn found(url: &str) -> (Option<Fault>, String) {
    look(http(fine(url))).await
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
    let lacks = HttpProbe { lacks: Some("brok".to_owned()), ..HttpProbe::get(peer.url("/")) };
    assert_eq!(look(http(lacks)).await, (Some(Fault::Body), "the body contains \"brok\"".to_owned()));
}

#[tokio::test]
async fn a_request_is_sent_as_it_is_written() {
    let peer = Peer::answering(200, "").await;
    let mut probe = HttpProbe::get(peer.url("/"));
    probe.method = kernel::book::probe::HttpMethod::Post;
    probe.headers = vec![("accept".to_owned(), "text/x".to_owned())];
    probe.body = Some("ping".to_owned());
    assert_eq!(look(http(probe)).await.0, None);
    let seen = peer.only();
    assert_eq!((seen.method.as_str(), seen.header("accept"), &seen.body[..]), ("POST", "text/x", &b"ping"[..]));
}

#[tokio::test]
async fn places_of_a_json_body_are_looked_into() {
    let body = r#"{"status": "ok", "queues": [{"depth": 3}]}"#;
    let peer = Peer::answering(200, body).await;
    let asked = async |path: &str, wanted: &str| {
        let mut probe = HttpProbe::get(peer.url("/"));
        probe.json = vec![(path.parse().unwrap(), wanted.to_owned())];
        look(http(probe)).await
    };
    assert_eq!(asked("$.status", "ok").await.0, None);
    assert_eq!(asked("$.queues[0].depth", "3").await.0, None);
    let wrong = (Some(Fault::Json), "$.queues[0].depth is 3, healthy is \"0\"".to_owned());
    assert_eq!(asked("$.queues[0].depth", "0").await, wrong);
    let absent = (Some(Fault::Json), "the body has no $.queues[1], healthy is \"0\"".to_owned());
    assert_eq!(asked("$.queues[1]", "0").await, absent);
    let peer = Peer::answering(200, "<html>").await;
    let mut probe = HttpProbe::get(peer.url("/"));
    probe.json = vec![("$".parse().unwrap(), "1".to_owned())];
    assert_eq!(look(http(probe)).await.0, Some(Fault::Json));
}

#[tokio::test]
async fn headers_and_times_have_faults_of_their_own() {
    let peer = Peer::start([(200, vec![("x-build", "v12".to_owned())], String::new())]).await;
    let asked = async |text: &str| {
        let header = vec![("X-Build".to_owned(), text.to_owned())];
        look(http(HttpProbe { header, ..HttpProbe::get(peer.url("/")) })).await
    };
    assert_eq!(asked("v1").await.0, None);
    assert_eq!(asked("v2").await, (Some(Fault::Header), "the header X-Build does not contain \"v2\"".to_owned()));

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        socket.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    });
    let slow = HttpProbe { slower_than_ms: Some(20), ..HttpProbe::get(format!("http://{address}/")) };
    let (fault, reason) = look(http(slow)).await;
    assert_eq!(fault, Some(Fault::Slow), "{reason}");
    assert!(reason.ends_with("healthy is 20 ms"), "{reason}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let peer = Peer::start([(302, vec![("location", "http://127.0.0.1:9/".to_owned())], "fine".to_owned())]).await;
    assert_eq!(found(&peer.url("/")).await.0, Some(Fault::Status));
}

#[tokio::test]
async fn nobody_listening_is_a_connect_fault() {
    let (fault, reason) = found(&format!("http://{}/", nobody().await)).await;
    assert_eq!(fault, Some(Fault::Connect), "{reason}");
    assert!(reason.starts_with("no connection: Connection refused"), "{reason}");
}

/// An address where nobody listens.
async fn nobody() -> std::net::SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn an_unknown_name_is_a_dns_fault() {
    let mut check = check_of(http(fine("http://no-such-host.invalid/")));
    check.timeout = Seconds(30);
    let result = Prober::new().unwrap().look(&check).await.result;
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
    let mut check = check_of(http(fine(&format!("http://{}/", listener.local_addr().unwrap()))));
    check.timeout = Seconds(1);
    let result = Prober::new().unwrap().look(&check).await.result;
    assert_eq!((result.fault, result.reason.as_str()), (Some(Fault::Timeout), "no answer within 1s"));
}

#[tokio::test]
async fn what_is_no_http_is_a_protocol_fault_and_what_is_no_address_an_address_fault() {
    let address = other::saying(b"220 mail.example.com ESMTP\r\n").await;
    let (fault, reason) = found(&format!("http://{address}/")).await;
    assert_eq!(fault, Some(Fault::Protocol), "{reason}");
    assert_eq!(found("checkout/health").await.0, Some(Fault::Address));
}

#[tokio::test]
async fn the_address_is_never_in_the_reason() {
    let (_, reason) = found("http://127.0.0.1:1/secret-path?token=abc").await;
    assert!(!reason.contains("secret-path") && !reason.contains("abc"), "{reason}");
}

#[tokio::test]
async fn a_failure_is_looked_at_again_and_counts_only_when_it_fails_twice() {
    let answer = |status: u16| (status, Vec::new(), "fine".to_owned());
    let prober = Prober::new().unwrap();
    let mut check = check_of(http(fine("")));
    check.second_look = true;
    for (answers, healthy, unconfirmed, asked) in
        [([200, 500], true, None, 1), ([500, 200], true, Some(Fault::Status), 2), ([500, 502], false, None, 2)]
    {
        let peer = Peer::start(answers.map(answer)).await;
        check.probe = http(fine(&peer.url("/")));
        let looked = prober.look(&check).await;
        assert_eq!((looked.result.healthy, looked.unconfirmed), (healthy, unconfirmed), "{answers:?}");
        assert_eq!(peer.all().len(), asked, "{answers:?}");
    }
    check.second_look = false;
    let peer = Peer::start([500, 200].map(answer)).await;
    check.probe = http(fine(&peer.url("/")));
    assert!(!prober.look(&check).await.result.healthy);
}

#[tokio::test]
async fn the_second_look_opens_a_connection_of_its_own() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                // Whoever kept this connection would be answered on it a second time.
                let mut request = [0; 1024];
                while socket.read(&mut request).await.is_ok_and(|count| count > 0) {
                    socket.write_all(b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n").await.unwrap();
                }
            });
        }
    });
    let mut check = check_of(http(HttpProbe::get(format!("http://{address}/"))));
    check.second_look = true;
    assert_eq!(Prober::new().unwrap().look(&check).await.result.fault, Some(Fault::Status));
    assert_eq!(count.load(Ordering::SeqCst), 2);
}
