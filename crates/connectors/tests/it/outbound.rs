//! Webhooks, ntfy and Matrix: what leaves, and what each kind of answer means.

use connectors::signature::sign;
use kernel::book::SecretRef;
use kernel::port::{Deliver as _, Links};
use kernel::{ChannelKind, Outcome, Seconds};
use serde_json::{Value, json};

use crate::peer::{NOW, Peer, channel, links, outbound, page};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

async fn hook(peer: &Peer) -> Outcome {
    let (hook, _none) = channel(ChannelKind::Webhook, peer.url("/hook"), None);
    outbound().deliver(&page(""), &hook, &links()).await
}

fn failed(reason: &str, wait: Option<u32>) -> Outcome {
    Outcome::Failed { reason: reason.to_owned(), wait: wait.map(Seconds) }
}

fn refused(reason: &str) -> Outcome {
    Outcome::Refused { reason: reason.to_owned() }
}

#[tokio::test]
async fn a_webhook_is_signed_and_carries_the_message() {
    let peer = Peer::answering(202, "thanks").await;
    let (hook, _file) = channel(ChannelKind::Webhook, peer.url("/hook?team=shop"), Some(SECRET));
    let outcome = outbound().deliver(&page(""), &hook, &links()).await;
    assert_eq!(outcome, Outcome::Accepted { by: "127.0.0.1: status 202".to_owned() });

    let seen = peer.only();
    assert_eq!((seen.method.as_str(), seen.uri.to_string().as_str()), ("POST", "/hook?team=shop"));
    assert_eq!(seen.header("content-type"), "application/json");
    assert_eq!((seen.header("webhook-id"), seen.header("webhook-timestamp")), ("page-12-1", NOW.to_string().as_str()));
    assert_eq!(seen.header("webhook-signature"), sign(SECRET, "page-12-1", NOW, &seen.body).unwrap());
    let body = seen.json();
    assert_eq!((&body["type"], &body["timestamp"]), (&json!("watchkeeper.message"), &json!("2021-02-25T15:02:10Z")));
    assert_eq!(body["data"]["severity"], "P1");
    assert_eq!(body["data"]["details"][1], json!({ "name": "Region", "value": "eu <west>" }));
    assert_eq!(body["data"]["acknowledge_url"], "https://watch.example.com/ack/12?sig=a&b");
}

#[tokio::test]
async fn what_the_area_prepared_for_machines_goes_out_as_it_is() {
    let peer = Peer::answering(200, "").await;
    let (hook, _file) = channel(ChannelKind::Webhook, peer.url("/"), Some(SECRET));
    let mut delivery = page("");
    delivery.message.data = Some(json!({ "version": "4", "alerts": [] }));
    let no_link = Links { acknowledge: None, ..links() };
    outbound().deliver(&delivery, &hook, &no_link).await;
    outbound().deliver(&delivery, &hook, &links()).await;
    let bodies: Vec<Value> = peer.all().iter().map(|seen| seen.json()).collect();
    assert_eq!(bodies[0], json!({ "version": "4", "alerts": [] }));
    assert_eq!(bodies[1]["watchkeeper"]["acknowledge_url"], "https://watch.example.com/ack/12?sig=a&b");
    for seen in peer.all() {
        assert_eq!(seen.header("webhook-signature"), sign(SECRET, "page-12-1", NOW, &seen.body).unwrap());
    }
}

#[tokio::test]
async fn each_status_means_again_or_never() {
    let table = [
        (500, "boom", failed("status 500 Internal Server Error: boom", None)),
        (502, "", failed("status 502 Bad Gateway", None)),
        (408, "", failed("status 408 Request Timeout", None)),
        (425, "", failed("status 425 Too Early", None)),
        (429, "slow\r\n  down", failed("status 429 Too Many Requests: slow down", None)),
        (400, "no such field", refused("status 400 Bad Request: no such field")),
        (401, "", refused("status 401 Unauthorized")),
        (404, "", refused("status 404 Not Found")),
        (410, "", refused("status 410 Gone")),
    ];
    for (status, body, outcome) in table {
        assert_eq!(hook(&Peer::answering(status, body).await).await, outcome, "{status}");
    }
}

#[tokio::test]
async fn a_wait_is_read_as_seconds_or_as_a_date() {
    // The clock of the tests stands at Thu, 25 Feb 2021 15:02:10 GMT.
    let table = [
        ("17", Some(17)),
        ("Thu, 25 Feb 2021 15:03:10 GMT", Some(60)),
        ("Thu, 25 Feb 2021 15:00:00 GMT", Some(0)),
        ("soon", None),
    ];
    for (value, wait) in table {
        let peer = Peer::start([(503, vec![("retry-after", value.to_owned())], String::new())]).await;
        assert_eq!(hook(&peer).await, failed("status 503 Service Unavailable", wait), "{value}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Peer::answering(200, "").await;
    let peer = Peer::start([(307, vec![("location", other.url("/"))], String::new())]).await;
    let Outcome::Refused { reason } = hook(&peer).await else { panic!("not refused") };
    assert!(reason.starts_with("status 307 Temporary Redirect: redirects are not followed"), "{reason}");
    assert_eq!(other.all().len(), 0);
}

#[tokio::test]
async fn a_huge_answer_is_read_only_so_far() {
    let outcome = hook(&Peer::answering(400, &"x".repeat(5_000_000)).await).await;
    assert_eq!(outcome, refused(&format!("status 400 Bad Request: {}", "x".repeat(300))));
}

#[tokio::test]
async fn nobody_listening_fails_and_names_no_address() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/secret-path", listener.local_addr().unwrap());
    drop(listener);
    let (hook, _none) = channel(ChannelKind::Webhook, url, None);
    let Outcome::Failed { reason, .. } = outbound().deliver(&page(""), &hook, &links()).await else { panic!("taken") };
    assert!(reason.starts_with("no connection: Connection refused") && !reason.contains("secret-path"), "{reason}");
}

#[tokio::test]
async fn a_server_that_hangs_fails_after_the_total_timeout() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (hook, _none) = channel(ChannelKind::Webhook, format!("http://{}/", listener.local_addr().unwrap()), None);
    let start = std::time::Instant::now();
    let Outcome::Failed { reason, .. } = outbound().deliver(&page(""), &hook, &links()).await else { panic!("taken") };
    assert!(reason.starts_with("no answer"), "{reason}");
    assert!((10..13).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_secret_that_is_not_there_refuses_and_says_where_it_should_be() {
    let (mut hook, _none) = channel(ChannelKind::Webhook, "http://127.0.0.1:9/".to_owned(), None);
    let table = [
        (SecretRef::Env("WATCHKEEPER_TEST_NOT_SET".into()), "set WATCHKEEPER_TEST_NOT_SET for the server"),
        (SecretRef::File("/no/such/secret".into()), "cannot be read from /no/such/secret"),
    ];
    for (secret, says) in table {
        hook.secret = Some(secret);
        let Outcome::Refused { reason } = outbound().deliver(&page(""), &hook, &links()).await else { panic!("taken") };
        assert!(reason.contains(says), "{reason}");
    }
    let (empty, _file) = channel(ChannelKind::Webhook, "http://127.0.0.1:9/".to_owned(), Some(" "));
    assert_eq!(outbound().deliver(&page(""), &empty, &links()).await, refused("the secret is empty"));
    let (bad, _file) = channel(ChannelKind::Webhook, "http://127.0.0.1:9/".to_owned(), Some("hunter2"));
    let outcome = outbound().deliver(&page(""), &bad, &links()).await;
    assert_eq!(outcome, refused("the channel's secret is no signing secret: write whsec_ and a key in base64"));
}

#[tokio::test]
async fn a_secret_that_the_other_side_repeats_is_hidden() {
    let peer = Peer::answering(401, "token syt_very_secret is unknown").await;
    let (matrix, _file) = channel(ChannelKind::Matrix, peer.url(""), Some("syt_very_secret"));
    let outcome = outbound().deliver(&page("!room:example.com"), &matrix, &links()).await;
    assert_eq!(outcome, refused("status 401 Unauthorized: token [hidden] is unknown"));
}

#[tokio::test]
async fn a_channel_without_an_http_address_is_refused() {
    for url in ["", "hook", "ftp://example.com/", "file:///etc/passwd"] {
        let (hook, _none) = channel(ChannelKind::Webhook, url.to_owned(), None);
        let outcome = outbound().deliver(&page(""), &hook, &links()).await;
        assert_eq!(outcome, refused("the channel's url is no HTTP address: write https://host/path"), "{url:?}");
    }
}

#[tokio::test]
async fn ntfy_gets_a_topic_a_priority_and_the_links() {
    let answer = json!({ "id": "hwQ2YpKdmg", "time": NOW, "event": "message", "topic": "shop" });
    let peer = Peer::answering(200, &answer.to_string()).await;
    let (ntfy, _file) = channel(ChannelKind::Ntfy, peer.url("/"), Some("tk_secret"));
    let outcome = outbound().deliver(&page("shop"), &ntfy, &links()).await;
    assert_eq!(outcome, Outcome::Accepted { by: "127.0.0.1: message hwQ2YpKdmg".to_owned() });
    let seen = peer.only();
    assert_eq!((seen.method.as_str(), seen.uri.path()), ("POST", "/"));
    assert_eq!(seen.header("authorization"), "Bearer tk_secret");
    let expected = json!({
        "topic": "shop",
        "title": "[P1] Checkout fails Bcc: mallory@example.com",
        "message": "5 % of payments & <more> fail.\nSince 14:02.\n\nService: checkout\nRegion: eu <west>",
        "priority": 5,
        "click": "https://watch.example.com/pages/12",
        "actions": [
            { "action": "view", "label": "Acknowledge", "url": "https://watch.example.com/ack/12?sig=a&b" },
            { "action": "view", "label": "Open", "url": "https://watch.example.com/pages/12" },
        ],
    });
    assert_eq!(seen.json(), expected);
}

#[tokio::test]
async fn ntfy_takes_a_user_and_a_password_and_needs_a_topic() {
    let peer = Peer::answering(200, "{}").await;
    let (ntfy, _file) = channel(ChannelKind::Ntfy, peer.url(""), Some("ada:pass:word"));
    outbound().deliver(&page("shop"), &ntfy, &Links::default()).await;
    assert_eq!(peer.only().header("authorization"), "Basic YWRhOnBhc3M6d29yZA==");
    assert_eq!((peer.only().json().get("click"), &peer.only().json()["actions"]), (None, &json!([])));
    let outcome = outbound().deliver(&page(" "), &ntfy, &links()).await;
    assert_eq!(outcome, refused("the address names no topic: add it to the contact"));
}

#[tokio::test]
async fn matrix_gets_a_message_under_the_delivery_as_transaction() {
    let peer = Peer::answering(200, r#"{"event_id":"$abc:example.com"}"#).await;
    let (matrix, _file) = channel(ChannelKind::Matrix, peer.url("/"), Some("syt_token"));
    let outcome = outbound().deliver(&page("!a/b:example.com"), &matrix, &links()).await;
    assert_eq!(outcome, Outcome::Accepted { by: "127.0.0.1: event $abc:example.com".to_owned() });
    let seen = peer.only();
    assert_eq!(seen.method, "PUT");
    let path = "/_matrix/client/v3/rooms/!a%2Fb:example.com/send/m.room.message/page-12-1";
    assert_eq!((seen.uri.path(), seen.header("authorization")), (path, "Bearer syt_token"));
    let body = seen.json();
    assert_eq!((&body["msgtype"], &body["format"]), (&json!("m.text"), &json!("org.matrix.custom.html")));
    assert!(body["body"].as_str().unwrap().ends_with(
        "\n\nAcknowledge: https://watch.example.com/ack/12?sig=a&b\nOpen: https://watch.example.com/pages/12"
    ));
    let html = body["formatted_body"].as_str().unwrap();
    assert!(
        html.contains("&lt;more&gt; fail.<br>Since")
            && html.contains(r#"href="https://watch.example.com/ack/12?sig=a&amp;b""#),
        "{html}"
    );
}

#[tokio::test]
async fn matrix_says_how_long_to_wait_in_its_body() {
    let limited = r#"{"errcode":"M_LIMIT_EXCEEDED","error":"Too many requests","retry_after_ms":2500}"#;
    let peer = Peer::answering(429, limited).await;
    let (matrix, _file) = channel(ChannelKind::Matrix, peer.url(""), Some("syt_token"));
    let Outcome::Failed { wait, .. } = outbound().deliver(&page("!r:x"), &matrix, &links()).await else {
        panic!("taken")
    };
    assert_eq!(wait, Some(Seconds(3)));
    let outcome = outbound().deliver(&page("#alias:x"), &matrix, &links()).await;
    assert_eq!(outcome, refused("#alias:x is no room id: write the id, which begins with '!'"));
    let (no_token, _none) = channel(ChannelKind::Matrix, peer.url(""), None);
    let outcome = outbound().deliver(&page("!r:x"), &no_token, &links()).await;
    assert_eq!(outcome, refused("the channel has no access token: name one by secret in the watchbook"));
}
