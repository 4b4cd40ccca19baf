//! Matrix: a message into a room by the client-server API. The transaction's id makes repeats harmless.

use kernel::{Outcome, Seconds};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Attempted, Job, host, words};
use crate::http::{self, failed, refused};
use crate::text;

/// The longest plain text, in bytes; an event has at most 65,536 with everything.
const TEXT_BYTES_MAX: usize = 16 * 1024;

pub(super) async fn send(job: &Job<'_>) -> Attempted {
    let room = job.recipient("room")?;
    if !room.starts_with('!') {
        return Err(refused(format!("{} is no room id: write the id, which begins with '!'", text::cut(room, 100))));
    }
    let token = job.secret("access token")?;
    let path = ["_matrix", "client", "v3", "rooms", room, "send", "m.room.message", &job.delivery.id.0];
    let url = job.url_with(&path)?;
    let server = host(&url).to_owned();
    let answer = http::exchange(job.client.put(url).bearer_auth(token).json(&body(job)), job.now).await?;
    let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if !answer.status.is_success() {
        return Err(said_no(answer, &said));
    }
    let event = said["event_id"].as_str().ok_or_else(|| failed(format!("{server} answered without an event id")))?;
    Ok(format!("{server}: event {}", text::one_line(event, 100)))
}

/// Some servers put the wait into the body only.
fn said_no(mut answer: http::Answer, said: &Value) -> Outcome {
    if answer.status == StatusCode::TOO_MANY_REQUESTS && answer.wait.is_none() {
        let milliseconds = said["retry_after_ms"].as_u64();
        answer.wait = milliseconds.map(|ms| Seconds(u32::try_from(ms.div_ceil(1000)).unwrap_or(u32::MAX)));
    }
    answer.outcome()
}

fn body(job: &Job<'_>) -> Value {
    let message = &job.delivery.message;
    let said = format!("{}\n\n{}", words::heading(message), words::plain(message, job.links));
    let formatted = words::html(message, job.links);
    let mut body = json!({ "msgtype": "m.text", "body": text::cut(said.trim_end(), TEXT_BYTES_MAX) });
    // Cut HTML would be broken HTML; a message so long goes out as text only.
    if formatted.len() <= TEXT_BYTES_MAX {
        body["format"] = json!("org.matrix.custom.html");
        body["formatted_body"] = json!(formatted);
    }
    body
}
