//! Slack against its own descriptions: the Swagger file of the Web API and the current description of each method.

use std::collections::BTreeSet;

use kernel::port::Deliver as _;
use kernel::{ChannelKind, Outcome};
use serde_json::{Value, json};

use crate::peer::{Peer, channel, data, links, outbound, page};

const TOKEN: &str = "xoxb-not-a-real-token";

/// An answer that the published schema of `chat.postMessage` allows.
fn posted() -> String {
    json!({ "ok": true, "channel": "C012", "ts": "1503435956.000247", "message": {} }).to_string()
}

async fn post(answer: &str) -> (Outcome, Peer) {
    let peer = Peer::answering(200, answer).await;
    let (slack, _file) = channel(ChannelKind::Slack, peer.url("/api"), Some(TOKEN));
    (outbound().deliver(&page("C012"), &slack, &links()).await, peer)
}

fn read(path: &str) -> Option<Value> {
    let path = data("integrations/contracts").join(path);
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: {} is not there", path.display());
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

#[tokio::test]
async fn a_message_is_what_the_published_method_takes() {
    let (outcome, peer) = post(&posted()).await;
    let by = format!("{}: message 1503435956.000247", peer.address.ip());
    assert_eq!(outcome, Outcome::Accepted { by });
    let seen = peer.only();
    assert_eq!((seen.method.as_str(), seen.uri.path()), ("POST", "/api/chat.postMessage"));
    assert_eq!(seen.header("authorization"), format!("Bearer {TOKEN}"));
    assert_eq!(seen.header("content-type"), "application/json");
    let body = seen.json();
    assert_eq!(body["channel"], "C012");
    blocks_keep_slacks_limits(&body);

    let Some(method) = read("slack-methods/chat.postMessage.json") else { return };
    assert_eq!((&method["http_method"], &method["json_input_supported"]), (&json!("POST"), &json!(true)));
    let known = method["args"]["properties"].as_object().unwrap();
    let sent = body.as_object().unwrap();
    assert!(sent.keys().all(|name| known.contains_key(name)), "{:?}", sent.keys());
    let required = method["args"]["required"].as_array().unwrap().iter().map(|name| name.as_str().unwrap());
    assert!(required.filter(|name| *name != "token").all(|name| sent.contains_key(name)));
}

#[tokio::test]
async fn the_published_swagger_knows_the_path_and_the_fields() {
    let Some(swagger) = read("slack-web-openapi/slack_web_openapi_v2_without_examples.json") else { return };
    let operation = &swagger["paths"]["/chat.postMessage"]["post"];
    assert!(operation["consumes"].as_array().unwrap().contains(&json!("application/json")));
    let known: BTreeSet<&str> =
        operation["parameters"].as_array().unwrap().iter().map(|field| field["name"].as_str().unwrap()).collect();
    let (_, peer) = post(&posted()).await;
    let body = peer.only().json();
    // The Swagger file is of 2020; metadata came later and stands in the description of the method.
    let unknown: Vec<_> = body.as_object().unwrap().keys().filter(|name| !known.contains(name.as_str())).collect();
    assert_eq!(unknown, ["metadata"]);
}

fn blocks_keep_slacks_limits(body: &Value) {
    assert_eq!(body["text"], "[P1] Checkout fails Bcc: mallory@example.com");
    let blocks = body["blocks"].as_array().unwrap();
    let kinds: Vec<_> = blocks.iter().map(|block| block["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["header", "section", "section", "actions"]);
    assert_eq!(blocks[1]["text"]["text"], "5 % of payments &amp; &lt;more&gt; fail.\nSince 14:02.");
    assert_eq!(blocks[2]["fields"][1]["text"], "Region: eu &lt;west&gt;");
    let buttons: Vec<_> =
        blocks[3]["elements"].as_array().unwrap().iter().map(|b| b["url"].as_str().unwrap()).collect();
    assert_eq!(buttons, ["https://watch.example.com/ack/12?sig=a&b", "https://watch.example.com/pages/12"]);
}

#[tokio::test]
async fn every_published_error_is_refused_or_tried_again_and_none_is_success() {
    let Some(method) = read("slack-methods/chat.postMessage.json") else { return };
    let errors: Vec<String> = match &method["errors"] {
        Value::Object(errors) => errors.keys().cloned().collect(),
        errors => panic!("{errors}"),
    };
    assert!(errors.len() > 20, "{errors:?}");
    let mut again = Vec::new();
    for error in errors {
        let (outcome, _) = post(&json!({ "ok": false, "error": error }).to_string()).await;
        match outcome {
            Outcome::Failed { reason, .. } => {
                assert!(reason.contains(&error));
                again.push(error);
            }
            Outcome::Refused { reason } => assert!(reason.contains(&error)),
            Outcome::Accepted { by } => panic!("{error} was taken as success by {by}"),
        }
    }
    assert_eq!(again, ["message_limit_exceeded", "rate_limited"]);
    let (outcome, _) = post(r#"{"ok":false,"error":"internal_error"}"#).await;
    assert!(matches!(outcome, Outcome::Failed { .. }));
    let (outcome, _) = post("<html>").await;
    assert!(matches!(outcome, Outcome::Failed { .. }));
}

#[tokio::test]
async fn an_incoming_webhook_takes_the_same_blocks_without_a_channel() {
    let peer = Peer::answering(200, "ok").await;
    let (by_url, _none) = channel(ChannelKind::Slack, peer.url("/services/T0/B0/XXXX"), None);
    let outcome = outbound().deliver(&page(""), &by_url, &links()).await;
    assert_eq!(outcome, Outcome::Accepted { by: "127.0.0.1: status 200".to_owned() });
    let (by_secret, _file) = channel(ChannelKind::Slack, String::new(), Some(&peer.url("/services/T0/B0/YYYY")));
    outbound().deliver(&page(""), &by_secret, &links()).await;
    let seen = peer.all();
    assert_eq!([seen[0].uri.path(), seen[1].uri.path()], ["/services/T0/B0/XXXX", "/services/T0/B0/YYYY"]);
    assert_eq!(seen[0].json(), seen[1].json());
    blocks_keep_slacks_limits(&seen[0].json());
    assert_eq!(seen[0].json().get("channel"), None);
}

#[tokio::test]
async fn an_address_that_is_a_secret_is_in_no_reason() {
    let peer = Peer::answering(404, "no_service at /services/T0/B0/XXXX").await;
    let (slack, _none) = channel(ChannelKind::Slack, peer.url("/services/T0/B0/XXXX"), None);
    let outcome = outbound().deliver(&page(""), &slack, &links()).await;
    assert_eq!(outcome, Outcome::Refused { reason: "status 404 Not Found: no_service at [hidden]".to_owned() });
}
