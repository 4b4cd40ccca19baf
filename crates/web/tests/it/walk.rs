//! Every route there is, as the sources and the description of the API name them: what each is sent with, that no form of
//! another site changes anything, and that whoever may do nothing learns nothing.

use std::path::Path;

use kernel::PersonName;
use reqwest::{Client, Method, Response, StatusCode, redirect};
use serde_json::Value;

use crate::house::{House, issue};

/// A person's browser, which follows no redirect, or nobody's.
pub struct Visitor<'a> {
    house: &'a House,
    client: Client,
    /// The cookie as the browser sends it.
    pub cookie: String,
    /// The token of its forms.
    pub csrf: String,
}

impl<'a> Visitor<'a> {
    pub fn nobody(house: &'a House) -> Self {
        let client = Client::builder().redirect(redirect::Policy::none()).build().unwrap();
        Self { house, client, cookie: String::new(), csrf: String::new() }
    }

    pub async fn person(house: &'a House, name: &str) -> Self {
        let set = web::session::open(&house.state, &PersonName::new(name).unwrap()).await.unwrap();
        let cookie = set.split(';').next().unwrap().to_owned();
        let csrf = governance::session::form_token(cookie.split_once('=').unwrap().1);
        Self { cookie, csrf, ..Self::nobody(house) }
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.house.url));
        if self.cookie.is_empty() { request } else { request.header("cookie", &self.cookie) }
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let token = [("csrf", &*self.csrf)];
        let form = fields.iter().chain(&token).map(|(name, value)| format!("{name}={}", encoded(value)));
        self.request(Method::POST, path).body(form.collect::<Vec<_>>().join("&")).send().await.unwrap()
    }
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The routes of a source file or of all in a folder, with `1` for each name in a path.
fn routes(of: &str) -> Vec<(Method, String)> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(of);
    let mut files = vec![place];
    let mut found = Vec::new();
    while let Some(file) = files.pop() {
        if file.is_dir() {
            files.extend(std::fs::read_dir(file).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = std::fs::read_to_string(file).unwrap();
        for route in text.split(".route(\"").skip(1) {
            let (path, handlers) = route.split_once('"').unwrap();
            let handlers = handlers.lines().next().unwrap().split(".route(").next().unwrap();
            for (method, sign) in [(Method::GET, "get("), (Method::POST, "post("), (Method::DELETE, "delete(")] {
                if handlers.contains(sign) {
                    found.push((method, named(path)));
                }
            }
        }
    }
    found
}

/// The operations of our own API.
fn operations() -> Vec<(Method, String)> {
    let described: Value = serde_json::from_str(&web::api::openapi_json()).unwrap();
    let paths = described["paths"].as_object().unwrap();
    let each = |(path, methods): (&String, &Value)| {
        let methods = methods.as_object().unwrap().keys();
        methods.map(|method| (method.to_uppercase().parse().unwrap(), named(path))).collect::<Vec<_>>()
    };
    paths.iter().flat_map(each).collect()
}

fn named(path: &str) -> String {
    let parts = path.split('/').map(|part| match part {
        "{alert}" => "0000000000000001",
        "{incident}" => "INC-1",
        "{schedule}" => "primary",
        _ if part.starts_with('{') => "1",
        _ => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn every_answer_carries_the_headers() {
    let house = House::open().await;
    let (nobody, ada) = (Visitor::nobody(&house), Visitor::person(&house, "ada").await);
    let elsewhere = [
        (Method::GET, "/nowhere".to_owned()),
        (Method::PATCH, "/api/v1/alerts".into()),
        (Method::GET, "/pages/x".into()),
        (Method::GET, "/assets/1/app.css".into()),
        (Method::GET, "/api/v1/%ff".into()),
    ];
    let all = ["pages", "doors", "health.rs", "metrics.rs"].into_iter().flat_map(routes);
    let all: Vec<_> = all.chain(operations()).chain(elsewhere).collect();
    assert!(all.len() > 120, "{}", all.len());
    for (method, path) in all.iter().filter(|(_, path)| !path.ends_with("/live")) {
        for visitor in [&nobody, &ada] {
            let answer = visitor.request(method.clone(), path).send().await.unwrap();
            let said = |name: &str| answer.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
            let policy = said("content-security-policy");
            assert!(
                policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
                "{method} {path}: {policy}"
            );
            assert_eq!((&*said("x-content-type-options"), &*said("x-frame-options")), ("nosniff", "DENY"), "{path}");
            assert!(!said("referrer-policy").is_empty() && !said("cache-control").is_empty(), "{method} {path}");
            assert_eq!(said("strict-transport-security"), "", "said over HTTPS only");
            assert!(!answer.status().is_server_error(), "{method} {path}: {}", answer.status());
        }
    }
}

#[tokio::test]
async fn over_https_cookies_and_the_host_stay_there() {
    let house = House::open().await;
    let mut state = house.state.clone();
    let config =
        web::WebConfig { base_url: "https://watch.example".into(), cookie_secure: true, ..(*state.config).clone() };
    state.config = std::sync::Arc::new(config);
    let request = axum::http::Request::get("/login").body(axum::body::Body::empty()).unwrap();
    let answer = tower::ServiceExt::oneshot(web::app(state.clone()), request).await.unwrap();
    assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000");
    let cookie = web::session::open(&state, &PersonName::new("ada").unwrap()).await.unwrap();
    for word in ["; HttpOnly", "; SameSite=Lax", "; Secure", "; Path=/"] {
        assert!(cookie.contains(word), "{cookie}");
    }
}

#[tokio::test]
async fn no_other_site_changes_anything_for_a_person() {
    let house = House::open().await;
    let ada = Visitor::person(&house, "ada").await;
    let before = house.next();
    let forms: Vec<_> = routes("pages").into_iter().filter(|(method, _)| method == Method::POST).collect();
    assert!(forms.len() > 15, "{forms:?}");
    let (token, wrong) = (format!("csrf={}", ada.csrf), format!("csrf={}", "0".repeat(64)));
    let cases = [
        (String::new(), "accept", "*/*"),
        (wrong, "accept", "*/*"),
        (token.clone(), "sec-fetch-site", "cross-site"),
        (token.clone(), "sec-fetch-site", "same-site"),
        (token.clone(), "origin", "https://evil.example"),
        (token, "origin", "null"),
    ];
    for (_, path) in forms {
        for (body, header, value) in &cases {
            let request = ada.request(Method::POST, &path).header(*header, *value).body(body.clone());
            assert_eq!(request.send().await.unwrap().status(), StatusCode::FORBIDDEN, "{path} {header}: {value}");
        }
    }
    for (method, path) in operations().into_iter().filter(|(method, _)| method != Method::GET) {
        let answer = ada.request(method, &path).body("{}").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(house.next(), before);
}

#[tokio::test]
async fn screens_about_something_else_name_no_incident_that_somebody_may_not_read() {
    let house = House::open().await;
    let alert = r#"[{"labels":{"alertname":"Down","service":"checkout","severity":"critical"}}]"#;
    house.door("/api/v2/alerts", alert).await;
    house.settle().await;
    for (title, sensitivity) in [("Plain words", "internal"), ("Hushed words", "confidential")] {
        let declared = serde_json::json!({ "title": title, "severity": "P1", "why": "x", "services": ["checkout"], "sensitivity": sensitivity });
        house.post("/incidents", declared).await;
    }
    let (bruno, dora) = (Visitor::person(&house, "bruno").await, Visitor::person(&house, "dora").await);
    for path in ["/", "/pages/1", "/services/checkout"] {
        let [seen, hidden] = [&bruno, &dora].map(|visitor| visitor.get(path));
        let (seen, hidden) = (seen.await.text().await.unwrap(), hidden.await.text().await.unwrap());
        assert!(seen.contains(if path == "/pages/1" { "/incidents/1\"" } else { "Plain words" }), "{path}");
        assert!(!hidden.contains("Plain words") && !hidden.contains("Hushed words"), "{path}");
        assert!(!hidden.contains("/incidents/1\""), "{path} leads to an incident: {hidden}");
    }
}

/// What anybody may read, what leads somebody in or out, and what is their own.
const PUBLIC: [&str; 17] = [
    "/status",
    "/status.atom",
    "/api/v1/status",
    "/api/v2/summary.json",
    "/api/v2/status.json",
    "/api/v2/components.json",
    "/api/v2/incidents.json",
    "/api/v2/incidents/unresolved.json",
    "/assets/1/1",
    "/login",
    "/logout",
    "/invite/1",
    "/theme",
    "/keys",
    "/me",
    "/me/password",
    "/me/sessions/end",
];

#[tokio::test]
async fn whoever_may_do_nothing_learns_nothing_and_cannot_flood_the_journal() {
    let house = House::open().await;
    let token = issue(&house.engine, "powerless", &["status:read"]).await;
    let (nobody, carl) = (Visitor::nobody(&house), Visitor::person(&house, "carl").await);
    let doors = routes("doors").into_iter().chain(operations()).filter(|(_, path)| !PUBLIC.contains(&&**path));
    let doors: Vec<_> = doors.collect();
    let screens: Vec<_> = routes("pages").into_iter().filter(|(_, path)| !PUBLIC.contains(&&**path)).collect();
    let mut facts = Vec::new();
    for _ in 0..3 {
        for (method, path) in &doors {
            let request =
                nobody.request(method.clone(), path).bearer_auth(&token).header("content-type", "application/json");
            let answer = request.body(if method == Method::GET { "" } else { "{}" }).send().await.unwrap();
            let status = answer.status().as_u16();
            // A body is read before it is known what it asks for; a read is refused whatever it asks for.
            let refused: &[u16] = if method == Method::GET { &[403] } else { &[400, 403, 404, 422] };
            assert!(refused.contains(&status), "{method} {path}: {status} {}", answer.text().await.unwrap());
        }
        for (method, path) in &screens {
            let answer = match *method {
                Method::GET => carl.get(path).await,
                _ => carl.post(path, &[("person", "ada"), ("title", "x"), ("why", "x"), ("severity", "P1")]).await,
            };
            let status = answer.status().as_u16();
            assert!([400, 403, 404, 422].contains(&status), "{method} {path}: {status}");
            assert!(
                *method != Method::GET || status == 403,
                "{method} {path}: {status} {}",
                answer.text().await.unwrap()
            );
        }
        house.engine.wake().await.unwrap();
        facts.push(house.next().0);
    }
    let journal = house.get("/journal?limit=1000").await.to_string();
    assert!(journal.matches("CommandDenied").count() > 20, "denials are facts: {journal}");
    assert_eq!(facts[0], facts[2], "the same denials again are no new facts: {facts:?}");
}
