//! Secrets stay with whoever they were given to: none is in a log line, in the journal, in the metrics, or in an answer to
//! somebody else.

use std::io::Write;
use std::sync::{Arc, Mutex};

use kernel::{PersonName, Seconds};
use reqwest::Method;
use serde_json::json;
use tracing_subscriber::EnvFilter;

use crate::house::House;
use crate::walk::Visitor;

/// All log lines of this process.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_is_logged_journaled_measured_or_shown() {
    let lines = Lines::default();
    let writer = lines.clone();
    // All that the server itself says, down to the least; the client in this process says its own.
    let ours = EnvFilter::new("off,web=trace,engine=trace,governance=trace,tower_http=trace,axum=trace");
    tracing_subscriber::fmt().with_env_filter(ours).with_ansi(false).with_writer(move || writer.clone()).init();
    let house = House::open().await;
    let ada = PersonName::new("ada").unwrap();

    let (password, wrong) = ("correct horse battery", "wrong horse battery");
    let (system, lasts) = (kernel::Actor::system("test"), Seconds::hours(1));
    let link = web::letting_in::invite(&house.engine, &system, &ada, lasts).await.unwrap().text;
    let invitation = link.strip_prefix("/invite/").unwrap();
    let mut visitor = Visitor::nobody(&house);
    visitor.get(&format!("/invite/{invitation}")).await;
    visitor.post("/login", &[("person", "ada"), ("password", wrong)]).await;
    let entered = visitor.post(&format!("/invite/{invitation}"), &[("password", password), ("again", password)]).await;
    let cookie = entered.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let session = cookie.split_once('=').unwrap().1.to_owned();
    visitor.csrf = governance::session::form_token(&session);
    visitor.cookie = cookie;

    let alert = r#"[{"labels":{"alertname":"Down","service":"checkout","severity":"critical"}}]"#;
    house.door("/api/v2/alerts", alert).await;
    house.settle().await;
    let link = house.engine.link_key(1, &ada);
    visitor.get(&format!("/ack/1?person=ada&key={link}")).await;
    house.request(Method::POST, &format!("/hooks/parcels?token={}", house.token)).body("{").send().await.unwrap();
    let event = json!({ "routing_key": house.token, "event_action": "explode" });
    house.door("/v2/enqueue", event.to_string()).await;
    house.request(Method::GET, "/nowhere").bearer_auth(&house.token).send().await.unwrap();
    let stolen = house.token.replace('7', "6");
    house.request(Method::GET, "/api/v1/alerts").bearer_auth(&stolen).send().await.unwrap();

    let mut shown = vec![("journal", house.get("/journal?limit=1000").await.to_string())];
    for path in ["/metrics", "/readyz", "/", "/me", "/pages/1", "/incidents/1", "/api/v2/status", "/login"] {
        shown.push((path, visitor.get(path).await.text().await.unwrap().replace(&visitor.csrf, "")));
    }
    shown.push(("logs", String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()));
    assert!(
        shown.last().is_some_and(|(_, logs)| logs.contains("/invite/{token}")),
        "requests are in the logs: {shown:?}"
    );
    let secrets = [invitation, password, wrong, &session, &visitor.csrf, &link, &house.token, &stolen];
    for (place, text) in &shown {
        for secret in secrets.into_iter().chain(["correct+horse", "correct%20horse"]) {
            assert!(!text.contains(secret), "{secret} is in {place}: {text}");
        }
    }
}
