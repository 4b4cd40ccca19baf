//! Who is let in, and as whom: tokens, this machine, and nobody else.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::house::{House, answer, issue};

#[tokio::test]
async fn this_machine_is_trusted_only_when_it_is_surely_this_machine() {
    let house = House::open().await;
    let look = |name: &'static str, value: &'static str| {
        house.request(Method::GET, "/api/v2/alerts").header(name, value).send()
    };
    assert_eq!(look("accept", "*/*").await.unwrap().status(), StatusCode::OK);
    assert_eq!(look("host", "localhost:9093").await.unwrap().status(), StatusCode::OK);
    assert_eq!(look("host", "[::1]:9093").await.unwrap().status(), StatusCode::OK);
    let doubtful = [
        ("x-forwarded-for", "192.0.2.7"),
        ("forwarded", "for=192.0.2.7"),
        ("via", "1.1 proxy"),
        ("origin", "http://evil.example"),
        ("sec-fetch-site", "cross-site"),
        ("host", "evil.example"),
    ];
    for (name, value) in doubtful {
        let answer = look(name, value).await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{name}");
        assert_eq!(answer.headers()["www-authenticate"], "Bearer");
    }
}

#[tokio::test]
async fn a_token_is_bearer_or_a_password() {
    let house = House::open().await;
    let look = || house.request(Method::GET, "/api/v2/alerts");
    let status = async |request: reqwest::RequestBuilder| request.send().await.unwrap().status();
    assert_eq!(status(look().bearer_auth(&house.token)).await, StatusCode::OK);
    assert_eq!(status(look().basic_auth("anybody", Some(&house.token))).await, StatusCode::OK);
    for wrong in ["", "wk_", "wk_tester_0", &house.token.replace('7', "6")] {
        assert_eq!(status(look().bearer_auth(wrong)).await, StatusCode::UNAUTHORIZED, "{wrong}");
    }
    assert_eq!(status(look().header("authorization", "Digest x")).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_does_what_its_scopes_say_and_denials_are_facts() {
    let house = House::open().await;
    let reader = issue(&house.engine, "reader", &["alerts:read"]).await;
    let request = |method, path: &str| house.request(method, path).bearer_auth(&reader);
    assert_eq!(request(Method::GET, "/api/v1/alerts").send().await.unwrap().status(), StatusCode::OK);
    let (status, told) = answer(request(Method::POST, "/api/v2/alerts").body("[]").send().await.unwrap()).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(told.as_str().is_some_and(|said| said.contains("alerts:write")), "{told}");
    let (status, told) = answer(request(Method::GET, "/api/v1/incidents").send().await.unwrap()).await;
    assert_eq!((status, &told["field"]), (StatusCode::FORBIDDEN, &json!(null)));
}

#[tokio::test]
async fn a_token_is_issued_revoked_and_its_old_secret_stays_dead() {
    let house = House::open().await;
    let admin = issue(&house.engine, "admin", &["governance:write", "governance:read"]).await;
    let post = async |path: &str, body: serde_json::Value| {
        let request = house.request(Method::POST, &format!("/api/v1{path}")).bearer_auth(&admin).json(&body);
        answer(request.send().await.unwrap()).await
    };
    let status = async |token: &str| {
        house.request(Method::GET, "/api/v1/alerts").bearer_auth(token).send().await.unwrap().status()
    };
    let wanted = json!({ "name": "prometheus", "scopes": ["alerts:read"], "lasts": "1d" });
    let (_, first) = post("/tokens", wanted.clone()).await;
    let first = first["token"].as_str().unwrap().to_owned();
    assert_eq!(status(&first).await, StatusCode::OK);
    assert_eq!(post("/tokens", wanted.clone()).await.0, StatusCode::CONFLICT);
    assert_eq!(post("/tokens/prometheus/revoke", json!({})).await.0, StatusCode::OK);
    assert!(status(&first).await.is_client_error());
    let (_, second) = post("/tokens", wanted).await;
    assert_eq!(status(second["token"].as_str().unwrap()).await, StatusCode::OK);
    assert_eq!(status(&first).await, StatusCode::UNAUTHORIZED);
    let facts = house.get("/journal?limit=1000").await.to_string();
    assert!(!facts.contains(&first), "no secret is in the journal");
}

#[tokio::test]
async fn health_is_told_to_supervisors() {
    let house = House::open().await;
    let ready = async || {
        let answer = house.request(Method::GET, "/readyz").send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    };
    assert_eq!(house.request(Method::GET, "/healthz").send().await.unwrap().text().await.unwrap(), "ok\n");
    assert_eq!(ready().await.0, StatusCode::OK);
    let metrics = house.request(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("watchkeeper_ready 1") && metrics.contains("watchkeeper_build_info{version=\"1.2.3\"} 1"));
}

#[tokio::test]
async fn a_person_uses_the_api_by_their_session() {
    let house = House::open().await;
    let ada = kernel::PersonName::new("ada").unwrap();
    let cookie = web::session::open(&house.state, &ada).await.unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let form = governance::session::form_token(cookie.split_once('=').unwrap().1);
    let ask = |method, token: &str| {
        let request =
            house.request(method, "/api/v1/incidents").header("cookie", &cookie).header("x-form-token", token);
        request.json(&json!({ "title": "Slow", "severity": "P3", "why": "a customer wrote" })).send()
    };
    assert_eq!(ask(Method::GET, "").await.unwrap().status(), StatusCode::OK);
    for wrong in ["", "0000"] {
        let (status, told) = answer(ask(Method::POST, wrong).await.unwrap()).await;
        assert_eq!((status, &told["field"]), (StatusCode::FORBIDDEN, &json!("x-form-token")));
    }
    let (status, made) = answer(ask(Method::POST, &form).await.unwrap()).await;
    assert_eq!((status, &made["facts"][0]["actor"]), (StatusCode::OK, &json!("person:ada")), "{made}");
}
