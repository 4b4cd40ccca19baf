//! What lists show of what is confidential or restricted: everything to those whom the access policies permit, and nothing,
//! not even a number, to anybody else.

use kernel::{Actor, PersonName};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::house::{House, answer, issue};

/// A title that shows wherever an incident of it is listed.
const TITLE: &str = "Somebody reads our mail";

/// Somebody who asks.
struct Asker<'a> {
    house: &'a House,
    header: (&'static str, String),
    csrf: String,
}

impl<'a> Asker<'a> {
    async fn person(house: &'a House, name: &str) -> Self {
        let cookie = web::session::open(&house.state, &PersonName::new(name).unwrap()).await.unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let csrf = governance::session::form_token(cookie.split_once('=').unwrap().1);
        Self { house, header: ("cookie", cookie), csrf }
    }

    fn program(house: &'a House, token: &str) -> Self {
        Self { house, header: ("authorization", format!("Bearer {token}")), csrf: String::new() }
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.house.request(method, path).header(self.header.0, &self.header.1).header("x-form-token", &self.csrf)
    }

    async fn text(&self, path: &str) -> String {
        let answer = self.request(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.text().await.unwrap()
    }

    async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        answer(self.request(Method::POST, path).json(&body).send().await.unwrap()).await
    }
}

/// Declares an incident as Watchkeeper itself, resolves another with its review, and gives the number of the open one.
async fn declare(house: &House, sensitivity: kernel::Sensitivity) -> u32 {
    let system = Actor::system("test");
    let mut last = 0;
    for _ in 0..2 {
        let declare = incidents::Command::Declare {
            title: TITLE.into(),
            severity: kernel::Severity::P2,
            impact: kernel::Impact { summary: String::new(), users_percent: None, functions: Vec::new() },
            services: vec!["checkout".parse().unwrap()],
            why: "it is private".into(),
            page: None,
            detected_at: None,
            update_every: Some(kernel::Seconds::ZERO),
            sensitivity,
        };
        house.engine.ask(&system, declare).await.unwrap();
        last += 1;
        if last == 1 {
            let resolve = incidents::Command::Resolve { incident: kernel::IncidentId(last), how: "done".into() };
            house.engine.ask(&system, resolve).await.unwrap();
        }
    }
    last
}

/// The lists of the API and of the screens on which an incident or its review would stand.
const API: [&str; 4] = ["/api/v1/incidents", "/api/v1/now", "/api/v1/reviews", "/api/v1/reviews/1"];
const SCREENS: [&str; 6] = ["/", "/incidents", "/reviews", "/reviews/1", "/reviews/1/markdown", "/services/checkout"];

/// The reads and denials that were recorded.
async fn noted(house: &House) -> Vec<String> {
    // What was told to the writer before is in the journal when this has been answered.
    house.engine.wake().await.unwrap();
    let facts = house.engine.facts(&Actor::system("test"), kernel::Seq(0), 1000).await.unwrap();
    let noted = facts.iter().filter(|fact| matches!(&*fact.kind, "RestrictedRead" | "CommandDenied"));
    noted
        .map(|fact| match &fact.body {
            kernel::Body::Kept { json, .. } => format!("{} {}", fact.kind, String::from_utf8_lossy(json)),
            kernel::Body::Erased { .. } => unreachable!("nothing is erased here"),
        })
        .collect()
}

#[tokio::test]
async fn a_commander_sees_restricted_incidents_in_lists_and_that_is_a_fact() {
    let house = House::open().await;
    declare(&house, kernel::Sensitivity::Restricted).await;
    let ada = Asker::person(&house, "ada").await;
    for path in API.iter().chain(&SCREENS) {
        assert!(ada.text(path).await.contains(TITLE), "{path}");
    }
    let noted = noted(&house).await;
    for resource in ["incidents/INC-1", "incidents/INC-2", "learning/R-1"] {
        let read = noted.iter().filter(|fact| fact.contains(&format!("\"{resource}\"")));
        assert_eq!(read.count(), 1, "{resource}, once: {noted:?}");
    }
    let (status, told) = ada.post("/api/v1/incidents/INC-2/note", json!({ "text": "seen" })).await;
    assert_eq!(status, StatusCode::OK, "{told}");
}

#[tokio::test]
async fn a_draft_is_as_sensitive_as_its_incident() {
    let house = House::open().await;
    declare(&house, kernel::Sensitivity::Restricted).await;
    let (ada, bruno) = (Asker::person(&house, "ada").await, Asker::person(&house, "bruno").await);
    let draft = json!({ "incident": "INC-2", "title": TITLE, "stage": "investigating", "text": "We look into it." });
    let (status, told) = bruno.post("/api/v1/updates", draft.clone()).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{told}");
    let (status, told) = ada.post("/api/v1/updates", draft).await;
    assert_eq!(status, StatusCode::OK, "{told}");
    assert!(ada.text("/api/v1/updates").await.contains(TITLE));
    assert!(!bruno.text("/api/v1/updates").await.contains(TITLE));
}

#[tokio::test]
async fn the_form_for_an_update_begins_with_words_for_its_stage_that_tell_nothing_internal() {
    let house = House::open().await;
    declare(&house, kernel::Sensitivity::Internal).await;
    let ada = Asker::person(&house, "ada").await;
    let text = ada.text("/incidents/2").await;
    let form = text.split("<form").find(|form| form.contains("draft-stage")).unwrap();
    assert!(
        form.contains(">We see problems with Orders &#38; baskets and are looking into them.</textarea>"),
        "{form}"
    );
    assert!(form.contains("data-text=\"The problems with Orders &#38; baskets are over."), "{form}");
    assert!(form.contains("Problems with Orders &#38; baskets") && !form.contains(TITLE), "{form}");
}

#[tokio::test]
async fn nobody_else_sees_them_and_a_list_denies_nobody() {
    let house = House::open().await;
    declare(&house, kernel::Sensitivity::Restricted).await;
    let token =
        issue(&house.engine, "wide", &["incidents:read", "incidents:write", "alerts:read", "learning:read"]).await;
    let (bruno, program) = (Asker::person(&house, "bruno").await, Asker::program(&house, &token));
    let lists =
        |list: &[&'static str]| list.iter().copied().filter(|path| !path.contains("reviews/1")).collect::<Vec<_>>();
    for path in lists(&API) {
        assert!(!bruno.text(path).await.contains(TITLE), "{path}");
        assert!(!program.text(path).await.contains(TITLE), "{path}");
    }
    for path in lists(&SCREENS) {
        let text = bruno.text(path).await;
        assert!(!text.contains(TITLE) && !text.contains("INC-"), "{path}: {text}");
    }
    assert_eq!(noted(&house).await, Vec::<String>::new(), "a list that leaves something out is no denial");

    for (path, body) in [
        ("/api/v1/incidents/INC-2/note", json!({ "text": "x" })),
        ("/api/v1/incidents/INC-2/severity", json!({ "severity": "P4", "why": "x" })),
        ("/api/v1/reviews/1/publish", json!({})),
    ] {
        for asker in [&bruno, &program] {
            let (status, told) = asker.post(path, body.clone()).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{path}: {told}");
        }
    }
    for path in ["/api/v1/incidents/INC-2", "/api/v1/reviews/1"] {
        for asker in [&bruno, &program] {
            let answer = asker.request(Method::GET, path).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path}");
        }
    }
    assert!(!noted(&house).await.is_empty(), "but to ask for one by its number is");
}

#[tokio::test]
async fn a_responder_and_a_program_with_the_scope_see_what_is_confidential() {
    let house = House::open().await;
    declare(&house, kernel::Sensitivity::Confidential).await;
    let token = issue(&house.engine, "narrow", &["alerts:read"]).await;
    let bruno = Asker::person(&house, "bruno").await;
    for path in API.iter().chain(&SCREENS) {
        assert!(bruno.text(path).await.contains(TITLE), "{path}");
    }
    assert!(house.get("/now").await.to_string().contains(TITLE), "the tests' own token reads incidents");
    let narrow = Asker::program(&house, &token);
    assert!(!narrow.text("/api/v1/now").await.contains(TITLE), "a token for alerts does not");
    assert_eq!(noted(&house).await, Vec::<String>::new());
}

#[tokio::test]
async fn the_journal_shows_a_responder_nothing_that_is_restricted() {
    let house = House::open().await;
    declare(&house, kernel::Sensitivity::Restricted).await;
    let titled = async |name: &str| {
        let actor = Actor::Person(PersonName::new(name).unwrap());
        let facts = house.engine.facts(&actor, kernel::Seq(0), 1000).await.unwrap();
        let stream = house.engine.stream(&actor, "incidents/INC-1", 1000).await.unwrap();
        let restricted = |fact: &&kernel::Record| fact.sensitivity == kernel::Sensitivity::Restricted;
        (facts.iter().filter(restricted).count(), stream.iter().filter(restricted).count())
    };
    assert_eq!(titled("bruno").await, (0, 0));
    let (facts, stream) = titled("ada").await;
    assert!(facts >= 2 && stream >= 1, "{facts} {stream}");
}
