//! One outage through everything that is real: an exporter stops, Prometheus sends its alert to us, a mail pages, its link
//! acknowledges, an incident is declared and led to its end, customers are told, the exporter comes back, and a review is
//! published. The journal that is left proves it.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::mail::Mailbox;

use crate::outside::Outside;
use crate::server::{Base, Server, of, told};
use crate::shop;

#[tokio::test]
async fn an_outage_is_lived_through_on_sqlite() {
    live_through(Base::Sqlite).await;
}

#[tokio::test]
async fn an_outage_is_lived_through_on_postgres() {
    let Some(base) = Base::postgres() else { return };
    live_through(base).await;
}

async fn live_through(base: Base) {
    let Some(mailbox) = Mailbox::open() else { return };
    let book = shop::book("email", &format!("smtp://127.0.0.1:{}", mailbox.port()));
    let mut server = Server::open(base, &book).await;
    let us = server.url.trim_start_matches("http://").to_owned();
    let Some(mut outside) = Outside::start(&us) else { return };
    opened(&server, "NodeWatched").await;
    outside.stop_exporter().await;
    let page = paged(&server, &mailbox).await;
    let incident = led(&server).await;
    customers_are_told(&server, &incident).await;
    outside.start_exporter();
    assert_closed(&server, &mailbox, page).await;
    ended(&server, &incident).await;
    learned(&server, &incident).await;
    assert_ledger(&server, page).await;
    assert!(server.terminate().await.success());
    assert_proven(&server).await;
}

/// Waits for an alert of Prometheus.
async fn opened(server: &Server, name: &str) -> Value {
    let alert = |fact: &&Value| fact["body"]["AlertOpened"]["labels"]["alertname"] == name;
    server.until(name, |facts| of(facts, "AlertOpened").find(alert).cloned()).await
}

/// A mail comes, and its link acknowledges, once its button is pressed.
async fn paged(server: &Server, mailbox: &Mailbox) -> u64 {
    let opened = opened(server, "NodeDown").await;
    assert_eq!(opened["actor"], "integration:local", "a Prometheus beside us needs no token");
    let mail = mailbox.mail();
    assert_eq!(mail["to"], json!(["ada@example.org"]));
    let subject = mail["headers"]["subject"].as_str().unwrap();
    assert!(subject.starts_with("[P1] ") && subject.matches("[P").count() == 1, "{subject}");
    let plain = mail["plain"].as_str().unwrap();
    assert!(plain.contains("node does not answer, up is 0"), "{plain}");
    let link = plain.lines().find_map(|line| line.strip_prefix("Acknowledge: ")).expect("a link");
    let browser = reqwest::Client::new();
    let shown = browser.get(link).send().await.unwrap().text().await.unwrap();
    assert!(shown.contains("You acknowledge as <b>"), "looking is not acknowledging: {shown}");
    assert_eq!(of(&server.facts().await, "PageAcknowledged").count(), 0);
    assert!(browser.post(link).send().await.unwrap().status().is_success());
    let acknowledged = server.fact("PageAcknowledged").await;
    assert_eq!(acknowledged["actor"], "person:ada");
    acknowledged["body"]["PageAcknowledged"]["page"].as_u64().unwrap()
}

/// The severity policy has declared an incident; somebody takes command.
async fn led(server: &Server) -> String {
    let declared = server.fact("IncidentDeclared").await;
    let page = server.fact("PageOpened").await;
    assert_eq!(declared["cause"], page["seq"], "the page declared it");
    let incident = declared["stream"].as_str().unwrap().to_owned();
    let shown = server.get(&format!("/incidents/{incident}")).await;
    assert_eq!((&shown["severity"], &shown["severity_why"]), (&json!("P1"), &json!("nobody can order")), "{shown}");
    let commander = json!({ "role": "commander", "person": "ada" });
    server.post(&format!("/incidents/{incident}/assign"), commander).await;
    let impact = json!({ "impact": { "summary": "Customers cannot order" } });
    server.post(&format!("/incidents/{incident}/impact"), impact).await;
    let shown = server.get(&format!("/incidents/{incident}")).await;
    assert_eq!(shown["roles"]["commander"], json!(["ada"]));
    assert!(shown["acknowledged_at"].is_string() && shown["commanded_at"].is_string(), "{shown}");
    incident
}

/// The update that was drafted for us is put into better words; customers see them when they are published, not before.
async fn customers_are_told(server: &Server, incident: &str) {
    let drafts = server.get("/updates").await;
    assert_eq!((&drafts[0]["state"], &drafts[0]["incident"]), (&json!("draft"), &json!(incident)), "{drafts}");
    let number = drafts[0]["update"].clone();
    let words = update(incident, "investigating", "Orders fail. We are looking into it.", "major_outage");
    told(server.request(Method::PUT, &format!("/api/v1/updates/{number}")).json(&words)).await;
    publish(server, &number, &words).await;
    let summary: Value = serde_json::from_str(&public(server, "/api/v2/summary.json").await).unwrap();
    assert_eq!(summary["incidents"][0]["incident_updates"][0]["body"], words["text"]);
    assert_eq!(summary["components"][0]["status"], "major_outage");
    assert_eq!(summary["status"]["indicator"], "critical", "{summary}");
}

fn update(incident: &str, stage: &str, text: &str, status: &str) -> Value {
    let components = json!([{ "component": "orders", "status": status }]);
    json!({ "incident": incident, "title": "Orders fail", "stage": stage, "text": text, "components": components })
}

async fn publish(server: &Server, number: &Value, words: &Value) {
    let text = words["text"].as_str().unwrap();
    assert!(!public(server, "/status").await.contains(text), "a draft is nobody's business");
    server.post(&format!("/updates/{number}/publish"), json!({})).await;
    let status = public(server, "/status").await;
    assert!(status.contains(text), "{status}");
}

/// What anybody reads.
async fn public(server: &Server, path: &str) -> String {
    let answer = reqwest::get(format!("{}{path}", server.url)).await.unwrap();
    answer.error_for_status().unwrap().text().await.unwrap()
}

/// The exporter answers again, so the alert ends at its source, the page closes, and whoever was paged is told.
async fn assert_closed(server: &Server, mailbox: &Mailbox, page: u64) {
    let closed = server.fact("PageClosed").await;
    assert_eq!(closed["body"]["PageClosed"]["page"], page);
    let over = |fact: &&Value| fact["body"]["AlertResolved"]["by"] == "source";
    server.until("the source says that it is over", |facts| of(facts, "AlertResolved").find(over).cloned()).await;
    let mail = mailbox.mail();
    assert_eq!(mail["to"], json!(["ada@example.org"]));
    assert_eq!(mail["headers"]["subject"].as_str().map(|subject| subject.contains("Resolved: ")), Some(true), "{mail}");
}

async fn ended(server: &Server, incident: &str) {
    let path = |verb: &str| format!("/incidents/{incident}/{verb}");
    server.post(&path("mitigate"), json!({ "how": "started the exporter again" })).await;
    let words = update(incident, "resolved", "Orders work again.", "operational");
    let number = server.post("/updates", words.clone()).await["update"].clone();
    publish(server, &number, &words).await;
    server.post(&path("resolve"), json!({ "how": "it has answered since" })).await;
    let shown = server.get(&format!("/incidents/{incident}")).await;
    assert!(shown["mitigated_at"].is_string() && shown["resolved_at"].is_string(), "{shown}");
    let summary: Value = serde_json::from_str(&public(server, "/api/v2/summary.json").await).unwrap();
    assert_eq!((&summary["incidents"], &summary["status"]["indicator"]), (&json!([]), &json!("none")));
}

/// The review was drafted from the journal; it is edited and published, and names no person.
async fn learned(server: &Server, incident: &str) {
    server.fact("ReviewOpened").await;
    let review = server.get("/reviews").await[0].clone();
    assert_eq!((&review["incident"], &review["state"]), (&json!(incident), &json!("draft")));
    let path = format!("/reviews/{}", review["review"]);
    let drafted = server.get(&path).await;
    assert!(drafted["timeline"].as_array().is_some_and(|moments| moments.len() > 5), "{drafted}");
    let text = json!({ "text": "The exporter had no supervisor.", "revision": 0 });
    let section = format!("/api/v1{path}/sections/contributing_factors");
    told(server.request(Method::PUT, &section).json(&text)).await;
    server.post(&format!("{path}/publish"), json!({})).await;
    assert_eq!(server.get(&path).await["state"], "published");
    let markdown = server.request(Method::GET, &format!("/api/v1{path}/markdown")).send().await.unwrap();
    let markdown = markdown.text().await.unwrap();
    assert!(markdown.contains("The exporter had no supervisor."), "{markdown}");
    assert!(!markdown.to_lowercase().contains("ada"), "a review names roles: {markdown}");
}

/// What was asked of whom, who took it, and who acknowledged.
async fn assert_ledger(server: &Server, page: u64) {
    let shown = server.get(&format!("/pages/{page}")).await;
    let deliveries = shown["deliveries"].as_array().unwrap();
    assert_eq!(deliveries.len(), 2, "the page and its end: {shown}");
    for delivery in deliveries {
        assert_eq!((&delivery["person"], &delivery["state"]), (&json!("ada"), &json!("accepted")), "{delivery}");
        assert_eq!(delivery["says"], "127.0.0.1: 250 2.0.0 queued as 4711");
        assert_eq!(delivery["address"], "out to ada@example.org");
    }
    let facts = server.facts().await;
    let of_page = |fact: &&Value| fact["stream"] == format!("page-{page}");
    let steps: Vec<&str> = facts.iter().filter(of_page).filter_map(|fact| fact["kind"].as_str()).collect();
    let wanted = [
        "PageOpened",
        "PageRequested",
        "PageAttempted",
        "PageAcknowledged",
        "PageClosed",
        "PageRequested",
        "PageAttempted",
    ];
    assert_eq!(steps, wanted);
}

/// What is left verifies, is sealed, and proves each of its facts to somebody who has only a key.
async fn assert_proven(server: &Server) {
    let sealed = server.cli(&["journal", "checkpoint"]).await;
    let place = testkit::temp_dir();
    let (checkpoint, proof) = (place.path().join("checkpoint.txt"), place.path().join("proof.txt"));
    std::fs::write(&checkpoint, sealed).unwrap();
    let verified = server.cli(&["journal", "verify", "--checkpoint", checkpoint.to_str().unwrap()]).await;
    assert!(verified.contains("still contains everything"), "{verified}");
    let exported = server.cli(&["journal", "export"]).await;
    let facts: Vec<Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let declared = of(&facts, "IncidentDeclared").next().unwrap();
    let output = server.run(&["journal", "prove", &declared["seq"].to_string()]).await;
    std::fs::write(&proof, &output.stdout).unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let key = said.lines().find_map(|line| line.strip_prefix("public key: ")).unwrap();
    let check = ["journal", "check", proof.to_str().unwrap(), "--key", key, "--leaf"];
    let checked = async |leaf: &Value| {
        let mut command = crate::server::binary();
        command.args(check).arg(leaf.as_str().unwrap()).output().await.unwrap()
    };
    assert!(checked(&declared["leaf"]).await.status.success());
    assert_eq!(checked(&facts[0]["leaf"]).await.status.code(), Some(5), "another fact is not proven by it");
}
