//! Push by an ntfy-compatible server: JSON to its root, as ntfy's documentation on publishing says.

use kernel::Severity;
use serde_json::{Value, json};

use super::{Attempted, Job, host, words};
use crate::http;
use crate::text;

/// A longer text would become an attachment.
const TEXT_BYTES_MAX: usize = 4000;

pub(super) async fn publish(job: &Job<'_>) -> Attempted {
    let url = job.url()?;
    let topic = job.recipient("topic")?;
    let server = host(&url).to_owned();
    let mut request = job.client.post(url).json(&body(job, topic));
    if let Some(secret) = job.secret {
        request = match secret.expose().split_once(':') {
            Some((user, password)) => request.basic_auth(user, Some(password)),
            None => request.bearer_auth(secret.expose()),
        };
    }
    let answer = http::accepted(request, job.now).await?;
    let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let receipt = text::one_line(said["id"].as_str().unwrap_or("without a receipt"), 100);
    Ok(format!("{server}: message {receipt}"))
}

fn body(job: &Job<'_>, topic: &str) -> Value {
    let message = &job.delivery.message;
    let details = words::details(message);
    let said = [message.body.as_str(), &details].into_iter().filter(|part| !part.is_empty());
    let said = said.collect::<Vec<_>>().join("\n\n");
    let view = |(label, url)| json!({ "action": "view", "label": label, "url": url });
    let mut body = json!({
        "topic": topic,
        "title": words::heading(message),
        "message": text::cut(if said.is_empty() { &message.title } else { &said }, TEXT_BYTES_MAX),
        "priority": priority(message.severity),
        "actions": words::links(job.links).map(view).collect::<Vec<_>>(),
    });
    if !job.links.page.is_empty() {
        body["click"] = json!(job.links.page);
    }
    body
}

/// ntfy counts from 1 (least) to 5 (most urgent).
fn priority(severity: Option<Severity>) -> u8 {
    match severity {
        Some(Severity::P1) => 5,
        Some(Severity::P2) => 4,
        Some(Severity::P3) | None => 3,
        Some(Severity::P4) => 2,
        Some(Severity::P5) => 1,
    }
}
