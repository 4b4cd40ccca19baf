//! The screens as a browser without JavaScript sees them: in by invitation, every screen, forms with and without their token.

use kernel::{PersonName, Seconds};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::house::House;

/// Somebody's browser.
struct Browser<'a> {
    house: &'a House,
    cookie: String,
    csrf: String,
}

impl<'a> Browser<'a> {
    /// Accepts an invitation and is logged in.
    async fn invited(house: &'a House, name: &str) -> Self {
        let person = PersonName::new(name).unwrap();
        let (system, lasts) = (kernel::Actor::system("test"), Seconds::hours(1));
        let invited = web::letting_in::invite(&house.engine, &system, &person, lasts).await.unwrap();
        let form = "password=correct+horse+battery&again=correct+horse+battery";
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let answer = client.post(format!("{}{}", house.url, invited.text)).body(form).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        let set = answer.headers()["set-cookie"].to_str().unwrap();
        assert!(set.contains("HttpOnly") && set.contains("SameSite=Lax"), "{set}");
        let cookie = set.split(';').next().unwrap().to_owned();
        let csrf = governance::session::form_token(cookie.split_once('=').unwrap().1);
        Self { house, cookie, csrf }
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        let answer = self.house.request(Method::GET, path).header("cookie", &self.cookie).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    async fn post(&self, path: &str, form: &str) -> (StatusCode, String) {
        let request = self.house.request(Method::POST, path).header("cookie", &self.cookie);
        let answer = request.body(format!("{form}&csrf={}", self.csrf)).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }
}

#[tokio::test]
async fn every_screen_is_shown_and_nothing_is_shown_to_nobody() {
    let house = House::open().await;
    house
        .door("/api/v2/alerts", r#"[{"labels":{"alertname":"Down","service":"checkout","severity":"critical"}}]"#)
        .await;
    let declared =
        json!({ "title": "Secret words of ours", "severity": "P1", "why": "orders stopped", "services": ["checkout"] });
    house.post("/incidents", declared).await;
    house.state.stores.ruler.turn().await.unwrap();
    let ada = Browser::invited(&house, "ada").await;
    let alert = house.get("/alerts").await[0]["fingerprint"].as_str().unwrap().to_owned();
    let paths = [
        "/",
        "/incidents",
        "/incidents/1",
        "/incidents/new",
        "/pages/1",
        "/silences",
        "/oncall",
        "/services",
        "/services/checkout",
        "/sigma",
        "/reviews",
        "/rules",
        "/rules/a%2Fb/Orders%20%3Cfew%3E",
        "/slos",
        "/me",
        "/keys",
        "/logs",
        "/logs/patterns",
        &format!("/alerts/{alert}"),
    ];
    for path in paths {
        let (status, text) = ada.get(path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        assert!(text.contains("<main") && text.contains("Test &#60;Shop&#62;"), "{path} is escaped and framed: {text}");
        let nobody = house.request(Method::GET, path).send().await.unwrap();
        assert!(nobody.url().path() == "/login", "{path} is for people who are logged in");
    }
    let status = house.request(Method::GET, "/status").send().await.unwrap();
    assert!(status.headers().contains_key("content-security-policy"));
    let text = status.text().await.unwrap();
    assert!(!text.contains("Secret words"), "the public sees published words only");
    assert_eq!(ada.get("/incidents/77").await.0, StatusCode::NOT_FOUND);
    assert_eq!(ada.get("/rules/a%2Fb/Nothing").await.0, StatusCode::NOT_FOUND);
    let (_, rule) = ada.get("/rules/a%2Fb/Orders%20%3Cfew%3E").await;
    assert!(rule.contains("has not fired in this time") && !rule.contains("<few>"), "{rule}");
    let (_, slos) = ada.get("/slos").await;
    assert!(slos.contains("No samples") && slos.contains("&#60;shop&#62;") && !slos.contains("<i>Orders"), "{slos}");
}

#[tokio::test]
async fn a_check_whose_alert_is_muted_says_by_what() {
    let house = House::open().await;
    let ada = Browser::invited(&house, "ada").await;
    let reason = "connection refused".to_owned();
    let checked = signals::Command::Checked {
        check: kernel::RuleName::new("front").unwrap(),
        healthy: false,
        fault: "connect",
        reason,
        latency_ms: 3,
    };
    house.engine.ask(&kernel::Actor::system("signals"), checked).await.unwrap();
    house.settle().await;
    let (_, page) = ada.get("/checks").await;
    assert!(
        page.contains("Failing") && !page.contains("Failing, muted") && page.contains("connection refused"),
        "{page}"
    );
    let silence = json!({ "matchers": ["service=checkout"], "lasts": "2h", "comment": "new disks" });
    house.post("/silences", silence).await;
    house.settle().await;
    let (_, page) = ada.get("/checks").await;
    assert!(page.contains("Failing, muted") && page.contains("Nobody is paged: silence"), "{page}");
}

#[tokio::test]
async fn forms_ask_and_refusals_come_back_with_what_was_typed() {
    let house = House::open().await;
    let ada = Browser::invited(&house, "ada").await;
    let (_, room) =
        ada.post("/incidents/new", "title=Checkout+fails&severity=P2&why=orders+stopped&service=checkout").await;
    assert!(room.contains("Checkout fails") && room.contains("Take command"), "{room}");
    let (_, room) = ada.post("/incidents/1/assign", "role=commander&person=ada").await;
    assert!(room.contains("that is you"), "{room}");
    let (_, room) = ada.post("/incidents/1/severity", "severity=P2&why=typed+words").await;
    assert!(room.contains("typed words") && room.contains("already"), "the refusal and what was typed: {room}");
    ada.post("/incidents/1/draft", "update=1&title=Problems&stage=investigating&text=We+look+into+it").await;
    let (_, room) = ada.post("/incidents/1/publish", "update=1").await;
    assert!(room.contains("We look into it"), "{room}");
    let status = house.request(Method::GET, "/status").send().await.unwrap().text().await.unwrap();
    assert!(status.contains("We look into it"), "{status}");
    ada.post("/incidents/1/resolve", "how=restarted").await;
    let (_, review) = ada.get("/reviews/1").await;
    assert!(review.contains("Checkout fails") && review.contains("Open questions"), "{review}");
}

#[tokio::test]
async fn a_form_from_elsewhere_changes_nothing() {
    let house = House::open().await;
    let ada = Browser::invited(&house, "ada").await;
    let before = house.next();
    let form = "title=Forged&severity=P1&why=x";
    let bare =
        house.request(Method::POST, "/incidents/new").header("cookie", &ada.cookie).body(form).send().await.unwrap();
    assert_eq!(bare.status(), StatusCode::FORBIDDEN);
    let foreign = house.request(Method::POST, "/incidents/new").header("cookie", &ada.cookie);
    let foreign = foreign.header("sec-fetch-site", "cross-site").body(format!("{form}&csrf={}", ada.csrf));
    assert_eq!(foreign.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    assert_eq!(house.next(), before);
    let wrong =
        house.request(Method::POST, "/login").body("person=ada&password=wrong+wrong+wrong").send().await.unwrap();
    assert!(wrong.text().await.unwrap().contains("do not belong together"));
    let live = house.request(Method::GET, "/live").send().await.unwrap();
    assert_eq!(live.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_link_acknowledges_by_its_button_and_the_closed_page_says_who_had_it() {
    let house = House::open().await;
    let alert = |ends: &str| format!(r#"[{{"labels":{{"alertname":"Down","service":"checkout"}}{ends}}}]"#);
    house.door("/api/v2/alerts", alert("")).await;
    let link = |name: &str| {
        let person = PersonName::new(name).unwrap();
        format!("/ack/1?person={name}&key={}", governance::link::key(&[2; 32], 1, &person))
    };
    let read = async |method, path: &str| {
        let answer = house.request(method, path).send().await.unwrap();
        assert!(answer.headers().contains_key("content-security-policy"), "{path}");
        (answer.status(), answer.text().await.unwrap())
    };
    let (status, text) = read(Method::GET, &format!("{}0", link("ada"))).await;
    assert!(status == StatusCode::FORBIDDEN && text.contains("not one of ours"), "{text}");
    assert!(read(Method::GET, &link("ada")).await.1.contains("You acknowledge as <b>Ada</b>"));
    assert!(read(Method::GET, &link("ada")).await.1.contains("You acknowledge"), "opening it changed nothing");
    assert!(read(Method::POST, &link("ada")).await.1.contains("You have it"));
    assert!(read(Method::GET, &link("bruno")).await.1.contains("Ada has it"));
    house.pass(Seconds::hours(1)).await;
    house.door("/api/v2/alerts", alert(&format!(r#","endsAt":"{}""#, house.engine.now()))).await;
    house.pass(Seconds::minutes(5)).await;
    assert!(read(Method::GET, &link("ada")).await.1.contains("All is resolved"));
    let (_, page) = Browser::invited(&house, "ada").await.get("/pages/1").await;
    assert!(page.contains("<dd>Ada<small>") && page.contains("all its alerts are over"), "{page}");
}

#[tokio::test]
async fn what_is_nowhere_is_told_to_people_and_to_programs() {
    let house = House::open().await;
    let answer = house.request(Method::GET, "/nowhere").header("accept", "text/html").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    assert!(answer.text().await.unwrap().contains("There is nothing at /nowhere"));
    let (status, told) =
        crate::house::answer(house.request(Method::GET, "/api/v1/nowhere").send().await.unwrap()).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(told["error"].as_str().is_some_and(|why| why.contains("nothing at \"/api/v1/nowhere\"")), "{told}");
}

#[tokio::test]
async fn a_published_review_is_read_and_a_dropped_action_is_not_owed() {
    let house = House::open().await;
    let ada = Browser::invited(&house, "ada").await;
    ada.post("/incidents/new", "title=Checkout+fails&severity=P2&why=orders+stopped&service=checkout").await;
    ada.post("/incidents/1/resolve", "how=restarted").await;
    for section in ["summary", "impact", "contributing_factors"] {
        let form = format!("section={section}&revision=0&text=Learnt");
        let (_, text) = ada.post("/reviews/1/sections", &form).await;
        assert!(text.contains("Learnt") && !text.contains(r#"role="alert""#), "{text}");
    }
    let action = "title=Renew+it&owner=ada&due=2099-12-15&kind=prevent";
    ada.post("/reviews/1/actions", action).await;
    assert!(ada.get("/reviews").await.1.contains("Renew it"));
    let (_, review) = ada.post("/reviews/1/actions/1/drop", "why=it+is+renewed+already").await;
    assert!(review.contains("dropped: it is renewed already"), "{review}");
    assert!(!ada.get("/reviews").await.1.contains("Renew it"), "nobody owes it any more");
    assert!(review.contains("<textarea"));
    let (_, review) = ada.post("/reviews/1/publish", "").await;
    assert!(!review.contains("<textarea") && review.contains("?edit=1"), "it is read as a document: {review}");
    assert!(ada.get("/reviews/1?edit=1").await.1.contains("Publish again"));
}

#[tokio::test]
async fn an_update_keeps_what_customers_know_and_its_notice_is_reopened() {
    let house = House::open().await;
    let ada = Browser::invited(&house, "ada").await;
    ada.post("/incidents/new", "title=Words+of+ours&severity=P2&why=orders+stopped&service=checkout").await;
    let draft =
        "update=1&title=Problems+with+orders&stage=investigating&text=We+look&component-orders=degraded_performance";
    ada.post("/incidents/1/draft", draft).await;
    let (_, room) = ada.post("/incidents/1/publish", "update=1").await;
    assert!(room.contains(r#"name="title" required value="Problems with orders""#), "{room}");
    ada.post("/incidents/1/draft", "title=&stage=resolved&text=It+is+over&component-orders=operational").await;
    let (_, room) = ada.post("/incidents/1/publish", "update=2").await;
    assert!(room.contains("Reopen the notice"), "{room}");
    let (_, room) = ada.post("/incidents/1/reopen_notice", "notice=1&why=it+is+back").await;
    assert!(!room.contains("Reopen the notice"), "{room}");
    let status = house.request(Method::GET, "/status").send().await.unwrap().text().await.unwrap();
    assert!(status.contains("Problems with orders") && !status.contains("Words of ours"), "{status}");
}
