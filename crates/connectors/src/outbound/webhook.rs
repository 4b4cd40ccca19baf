//! Webhooks: a POST of JSON, signed as Standard Webhooks say. Without a secret it goes out unsigned.

use kernel::Delivery;
use kernel::port::Links;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use serde_json::json;

use super::{Attempted, Job, host};
use crate::http::{self, refused};
use crate::signature::{ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, sign};

pub(super) async fn post(job: &Job<'_>) -> Attempted {
    let url = job.url()?;
    let (id, timestamp) = (&*job.delivery.id.0, job.now.as_second());
    let body = body(job.delivery, job.links, job.now)?;
    let receiver = host(&url).to_owned();
    let mut request = job.client.post(url).header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    request = request.header(ID_HEADER, id).header(TIMESTAMP_HEADER, timestamp);
    if let Some(secret) = job.secret {
        let signature = sign(secret.expose(), id, timestamp, &body).map_err(|error| refused(error.to_string()))?;
        request = request.header(SIGNATURE_HEADER, signature);
    }
    let answer = http::accepted(request.body(body), job.now).await?;
    Ok(format!("{receiver}: status {}", answer.status.as_u16()))
}

/// What the area prepared for machines, with the links of the person whom it pages; else the message itself.
fn body(delivery: &Delivery, links: &Links, now: kernel::Timestamp) -> Result<Vec<u8>, kernel::Outcome> {
    let written = match (&delivery.message.data, &links.acknowledge) {
        (None, _) => serde_json::to_vec(&plain(delivery, links, now)),
        (Some(data), None) => serde_json::to_vec(data),
        (Some(data), Some(acknowledge)) => {
            let mut data = data.clone();
            if let Some(fields) = data.as_object_mut() {
                let ours = json!({ "url": links.page, "acknowledge_url": acknowledge });
                fields.insert("watchkeeper".to_owned(), ours);
            }
            serde_json::to_vec(&data)
        }
    };
    written.map_err(|error| refused(format!("the message cannot be written as JSON: {error}")))
}

fn plain(delivery: &Delivery, links: &Links, now: kernel::Timestamp) -> serde_json::Value {
    let message = &delivery.message;
    let detail = |(name, value): &(String, String)| json!({ "name": name, "value": value });
    json!({
        "type": "watchkeeper.message",
        "timestamp": now,
        "data": {
            "id": delivery.id,
            "title": message.title,
            "body": message.body,
            "severity": message.severity,
            "details": message.details.iter().map(detail).collect::<Vec<_>>(),
            "url": links.page,
            "acknowledge_url": links.acknowledge,
        }
    })
}
