//! Slack: `chat.postMessage` with a token, or an incoming webhook when the secret, or the url without one, is its address.

use kernel::Outcome;
use reqwest::Url;
use serde_json::{Value, json};

use super::{Attempted, Job, host, words};
use crate::http::{self, failed, refused};
use crate::text;

/// The limits of Slack's blocks, in bytes; Slack counts characters, which are never more.
const HEADER_MAX: usize = 150;
const SECTION_MAX: usize = 3000;
const FIELD_MAX: usize = 2000;
const FIELDS_MAX: usize = 10;
const LINK_MAX: usize = 3000;

/// The errors after which another attempt makes sense. Every other one is about us: the token, the channel, the message.
const PASSING: [&str; 9] = [
    "ratelimited",
    "rate_limited",
    "message_limit_exceeded",
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
    "team_added_to_org",
    "accesslimited",
];

pub(super) async fn post(job: &Job<'_>) -> Attempted {
    match job.secret.map(super::Secret::expose) {
        Some(secret) if !secret.starts_with("http") => by_token(job, secret).await,
        Some(address) => {
            let url = Url::parse(address).map_err(|_| refused("the channel's secret is no address and no token"))?;
            by_webhook(job, url).await
        }
        None => by_webhook(job, job.url()?).await,
    }
}

async fn by_token(job: &Job<'_>, token: &str) -> Attempted {
    let url = job.url_with(&["chat.postMessage"])?;
    let channel = job.recipient("channel")?;
    let server = host(&url).to_owned();
    let mut body = content(job);
    body["channel"] = json!(channel);
    body["unfurl_links"] = json!(false);
    body["metadata"] = json!({
        "event_type": "watchkeeper_delivery",
        "event_payload": { "delivery": job.delivery.id },
    });
    let answer = http::accepted(job.client.post(url).bearer_auth(token).json(&body), job.now).await?;
    let said: Value = serde_json::from_slice(&answer.body)
        .map_err(|_| failed(format!("{server} answered with something other than JSON")))?;
    if said["ok"] == json!(true) {
        let receipt = text::one_line(said["ts"].as_str().unwrap_or("without a receipt"), 100);
        return Ok(format!("{server}: message {receipt}"));
    }
    Err(refusal(&server, said["error"].as_str().unwrap_or("no error is named"), answer.wait))
}

fn refusal(server: &str, error: &str, wait: Option<kernel::Seconds>) -> Outcome {
    let reason = format!("{server} said: {}", text::one_line(error, http::REASON_BYTES_MAX));
    if PASSING.contains(&error) { Outcome::Failed { reason, wait } } else { refused(reason) }
}

/// An incoming webhook answers `ok` as plain text, and errors by status.
async fn by_webhook(job: &Job<'_>, url: Url) -> Attempted {
    let server = host(&url).to_owned();
    let answer = http::accepted(job.client.post(url).json(&content(job)), job.now).await?;
    Ok(format!("{server}: status {}", answer.status.as_u16()))
}

/// The blocks, and the text that notifications show.
fn content(job: &Job<'_>) -> Value {
    let message = &job.delivery.message;
    let heading = words::heading(message);
    let mut blocks = vec![json!({ "type": "header", "text": plain(text::cut(&heading, HEADER_MAX)) })];
    if !message.body.is_empty() {
        blocks.push(json!({ "type": "section", "text": markdown(&message.body, SECTION_MAX) }));
    }
    let field = |(name, value): &(String, String)| markdown(&format!("{name}: {value}"), FIELD_MAX);
    for fields in message.details.chunks(FIELDS_MAX) {
        blocks.push(json!({ "type": "section", "fields": fields.iter().map(field).collect::<Vec<_>>() }));
    }
    let fits = |(_, link): &(&str, &str)| link.len() <= LINK_MAX;
    let buttons: Vec<Value> = words::links(job.links).filter(fits).map(button).collect();
    if !buttons.is_empty() {
        blocks.push(json!({ "type": "actions", "elements": buttons }));
    }
    json!({ "text": escape(&heading), "blocks": blocks })
}

fn button((label, link): (&str, &str)) -> Value {
    let mut button = json!({ "type": "button", "text": plain(label), "url": link, "action_id": label.to_lowercase() });
    if label == "Acknowledge" {
        button["style"] = json!("primary");
    }
    button
}

fn plain(text: &str) -> Value {
    json!({ "type": "plain_text", "text": text })
}

fn markdown(text: &str, max: usize) -> Value {
    json!({ "type": "mrkdwn", "text": text::cut(&escape(text), max), "verbatim": true })
}

/// The three characters that Slack's markup gives a meaning.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
