//! The HTTP probe: one request, and every condition on its answer in the order in which it arrives.

use std::time::Instant;

use kernel::book::probe::{HttpMethod, HttpProbe, JsonPath};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::tls::TlsInfo;
use reqwest::{Client, Method, Response, redirect};
use serde_json::Value;

use super::{ADDRESSES_MAX, BODY_BYTES_MAX, Broken, Way, tls, turn};
use crate::http::{self, CONNECT_TIMEOUT, Fault};
use crate::text;

/// How much of what stood in a wrong place is said, in bytes.
const SHOWN_BYTES_MAX: usize = 80;

/// How rustls says that a certificate is over, with the times and without.
const OVER: [&str; 2] = ["certificate expired", "certificate: Expired"];

/// A client that opens a new connection for each request and follows no redirect: its status is the answer.
pub(super) fn client(way: Way) -> Result<Client, reqwest::Error> {
    let agent = concat!("watchkeeper-check/", env!("CARGO_PKG_VERSION"));
    let fresh = Client::builder().pool_max_idle_per_host(0).redirect(redirect::Policy::none()).tls_info(true);
    fresh.dns_resolver(Resolver(way)).connect_timeout(CONNECT_TIMEOUT).user_agent(agent).build()
}

/// The system's resolver, and the order of a way.
struct Resolver(Way);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let way = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let mut found: Vec<_> = found.take(ADDRESSES_MAX).collect();
            turn(&mut found, way);
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

pub(super) async fn judge(client: &Client, probe: &HttpProbe) -> Result<(), Broken> {
    let start = Instant::now();
    let method = match probe.method {
        HttpMethod::Get => Method::GET,
        HttpMethod::Head => Method::HEAD,
        HttpMethod::Options => Method::OPTIONS,
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
    };
    let mut request = client.request(method, &probe.url);
    for (name, value) in &probe.headers {
        request = request.header(name, value);
    }
    if let Some(body) = &probe.body {
        request = request.body(body.clone());
    }
    let response = request.send().await.map_err(|error| broken(&error))?;
    head(probe, &response)?;
    if probe.reads_body() || probe.slower_than_ms.is_some() {
        let read = http::beginning(response, BODY_BYTES_MAX).await.map_err(|error| broken(&error))?;
        body(probe, &read)?;
    }
    let took = start.elapsed().as_millis();
    match probe.slower_than_ms {
        Some(most) if took > u128::from(most) => Err((Fault::Slow, format!("it took {took} ms, healthy is {most} ms"))),
        _ => Ok(()),
    }
}

/// An error of the exchange. A certificate that is over is a failure of its own.
fn broken(error: &reqwest::Error) -> Broken {
    match http::fault(error) {
        (Fault::Tls, reason) if OVER.iter().any(|words| reason.contains(words)) => (Fault::Certificate, reason),
        told => told,
    }
}

fn head(probe: &HttpProbe, response: &Response) -> Result<(), Broken> {
    let status = response.status().as_u16();
    let (low, high) = probe.status;
    if !(low..=high).contains(&status) {
        return Err((Fault::Status, format!("status {status}, healthy is {low} to {high}")));
    }
    for (name, text) in &probe.header {
        let mut values = response.headers().get_all(name).iter();
        if !values.any(|value| String::from_utf8_lossy(value.as_bytes()).contains(text)) {
            return Err((Fault::Header, format!("the header {name} does not contain {text:?}")));
        }
    }
    let Some(span) = probe.certificate else { return Ok(()) };
    let info = response.extensions().get::<TlsInfo>().and_then(TlsInfo::peer_certificate);
    let der = info.ok_or_else(|| (Fault::Certificate, "the other side showed no certificate".to_owned()))?;
    tls::lasts(der, span)
}

fn body(probe: &HttpProbe, body: &[u8]) -> Result<(), Broken> {
    let text = String::from_utf8_lossy(body);
    if let Some(wanted) = probe.contains.as_ref().filter(|wanted| !text.contains(*wanted)) {
        return Err((Fault::Body, format!("the body does not contain {wanted:?}")));
    }
    if let Some(unwanted) = probe.lacks.as_ref().filter(|unwanted| text.contains(*unwanted)) {
        return Err((Fault::Body, format!("the body contains {unwanted:?}")));
    }
    if probe.json.is_empty() {
        return Ok(());
    }
    let wrong = |error: serde_json::Error| {
        let cut = if body.len() >= BODY_BYTES_MAX { " within its first 256 KiB" } else { "" };
        (Fault::Json, format!("the body is no JSON{cut}: {error}"))
    };
    let value: Value = serde_json::from_slice(body).map_err(wrong)?;
    probe.json.iter().try_for_each(|(path, wanted)| place(&value, path, wanted))
}

fn place(body: &Value, path: &JsonPath, wanted: &str) -> Result<(), Broken> {
    let found =
        path.find(body).ok_or_else(|| (Fault::Json, format!("the body has no {path}, healthy is {wanted:?}")))?;
    if is(found, wanted) {
        return Ok(());
    }
    let shown = found.to_string();
    Err((Fault::Json, format!("{path} is {}, healthy is {wanted:?}", text::cut(&shown, SHOWN_BYTES_MAX))))
}

/// Whether a value of JSON is what a text says: numbers by value, lists and objects never.
fn is(found: &Value, wanted: &str) -> bool {
    match found {
        Value::String(text) => text == wanted,
        Value::Bool(truth) => wanted == if *truth { "true" } else { "false" },
        Value::Null => wanted == "null",
        Value::Number(number) => {
            let same =
                |wanted: f64| number.as_f64().is_some_and(|found| (found - wanted).abs() <= f64::EPSILON * found.abs());
            number.to_string() == wanted || wanted.parse().is_ok_and(same)
        }
        Value::Array(_) | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_compared_with_texts() {
        let cases = [
            (json!("ok"), "ok", true),
            (json!("3"), "3", true),
            (json!(3), "3", true),
            (json!(3.0), "3", true),
            (json!(0.1), "0.10", true),
            (json!(3), "4", false),
            (json!(18_446_744_073_709_551_615_u64), "18446744073709551615", true),
            (json!(true), "true", true),
            (json!(null), "null", true),
            (json!(["ok"]), "ok", false),
            (json!({}), "{}", false),
        ];
        for (found, wanted, same) in cases {
            assert_eq!(is(&found, wanted), same, "{found} {wanted}");
        }
    }

    proptest! {
        #[test]
        fn no_body_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[\\[{\"a:1,}\\]]{0,60}") {
            let mut probe = HttpProbe::get("http://a");
            probe.json = vec![("$.a[0]".parse().unwrap(), "1".to_owned())];
            probe.contains = Some("a".to_owned());
            let _ = body(&probe, &bytes);
            let _ = body(&probe, text.as_bytes());
        }
    }
}
