//! Hostile input: every operation of the API and every door with each part of a good request replaced by something bad, and
//! every screen over words that would be markup. The law: no 5xx, a refusal says why and changes nothing, and what was taken
//! is still the same after a restart.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use engine::{Read, World};
use http_body_util::BodyExt as _;
use kernel::Actor;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use reqwest::Method;
use serde_json::{Map, Value, json};
use tower::ServiceExt as _;

use crate::house::{House, issue};
use crate::walk::Visitor;

/// What replaces a part of a good request.
fn spoilers() -> Vec<Value> {
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    let wide: Map<String, Value> = (0..300).map(|n| (format!("l{n}"), json!("v"))).collect();
    vec![
        Value::Null,
        json!(true),
        json!(-1),
        json!(u64::MAX),
        json!(1e308),
        json!(0.5),
        json!(""),
        json!(" "),
        json!("\0"),
        json!("a\u{0}\u{1b}[31m\r\nInjected: yes"),
        json!("\u{202e}\u{feff}\u{fffd}"),
        json!("../../etc/passwd"),
        json!("-9999-01-01T00:00:00Z"),
        json!("9999-12-30T22:00:00.999999999Z"),
        json!("99999999999d"),
        json!("x".repeat(70_000)),
        json!([]),
        json!({}),
        deep,
        json!(vec!["a=b"; 300]),
        Value::Object(wide),
    ]
}

/// The value with its `place`th part, counted from the outside in, replaced; `None` when it has fewer.
fn spoilt(value: &Value, place: &mut usize, with: &Value) -> Option<Value> {
    if *place == 0 {
        return Some(with.clone());
    }
    *place -= 1;
    match value {
        Value::Object(map) => map.iter().find_map(|(name, inner)| {
            let inner = spoilt(inner, place, with)?;
            let mut whole = map.clone();
            whole.insert(name.clone(), inner);
            Some(Value::Object(whole))
        }),
        Value::Array(items) => items.iter().enumerate().find_map(|(at, inner)| {
            let mut whole = items.clone();
            whole[at] = spoilt(inner, place, with)?;
            Some(Value::Array(whole))
        }),
        _ => None,
    }
}

/// A good body by its schema.
fn example(schema: &Value, whole: &Value) -> Value {
    if let Some(target) = schema["$ref"].as_str() {
        return example(whole.pointer(target.trim_start_matches('#')).unwrap(), whole);
    }
    for choice in ["oneOf", "anyOf", "allOf"] {
        if let Some(options) = schema[choice].as_array() {
            let option = options.iter().find(|option| option["type"] != "null");
            return example(option.unwrap_or(&Value::Null), whole);
        }
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("null"),
        kind => kind.as_str().unwrap_or("object"),
    };
    match kind {
        "string" => match (&schema["enum"][0], schema["format"].as_str()) {
            (Value::String(first), _) => json!(first),
            (_, Some("date-time")) => json!("2090-01-01T00:00:00Z"),
            _ => json!("a"),
        },
        "integer" | "number" => json!(1),
        "boolean" => json!(true),
        "array" => json!([example(&schema["items"], whole)]),
        _ => {
            let fields = schema["properties"].as_object().cloned().unwrap_or_default();
            fields.iter().map(|(name, field)| (name.clone(), example(field, whole))).collect::<Map<_, _>>().into()
        }
    }
}

/// Path and good body: the doors' own, and for each operation of the API what its description says.
fn requests() -> Vec<(Method, String, Value)> {
    let labels = json!({ "alertname": "Down", "service": "checkout", "severity": "warning" });
    let times = ("2026-01-01T00:00:00Z", "2090-01-01T00:00:00Z");
    let matcher = json!({ "name": "a", "value": "b.*", "isRegex": true, "isEqual": true });
    let payload = json!({
        "summary": "s", "source": "x", "severity": "info", "timestamp": times.0, "component": "c", "group": "g",
        "class": "k", "custom_details": { "a": 1 },
    });
    let links = json!([{ "href": "http://a", "text": "b" }]);
    let mut all = vec![
        ("/api/v2/alerts", json!([{ "labels": labels, "annotations": { "summary": "s" }, "startsAt": times.0, "endsAt": times.1, "generatorURL": "http://a" }])),
        ("/api/v2/silences", json!({ "matchers": [matcher], "startsAt": times.0, "endsAt": times.1, "createdBy": "a", "comment": "b", "id": "" })),
        ("/v2/enqueue", json!({ "routing_key": "k", "event_action": "trigger", "dedup_key": "d", "payload": payload, "client": "c", "client_url": "http://a", "links": links })),
        ("/v2/change/enqueue", json!({ "routing_key": "checkout", "payload": { "summary": "s", "source": "x", "timestamp": times.0, "custom_details": { "a": 1 } }, "links": links })),
        ("/hooks/parcels", json!({ "reports": [{ "depot": "d", "text": "t", "state": "bad" }] })),
        ("/v1/metrics", json!({ "resourceMetrics": [{ "resource": { "attributes": [{ "key": "a", "value": { "stringValue": "b" } }] }, "scopeMetrics": [{ "scope": { "name": "s" }, "metrics": [{ "name": "n", "unit": "s", "sum": { "aggregationTemporality": 2, "isMonotonic": true, "dataPoints": [{ "timeUnixNano": "1770000000000000000", "asInt": "1", "attributes": [] }] } }] }] }] })),
    ]
    .into_iter()
    .map(|(path, body)| (Method::POST, path.to_owned(), body))
    .collect::<Vec<_>>();
    let described: Value = serde_json::from_str(&web::api::openapi_json()).unwrap();
    for (path, methods) in described["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            if !schema.is_null() {
                let path =
                    path.replace("{incident}", "INC-1").replace("{schedule}", "primary").replace("{person}", "ada");
                let path: String = path
                    .split('/')
                    .map(|part| if part.starts_with('{') { "/1".into() } else { format!("/{part}") })
                    .skip(1)
                    .collect();
                all.push((method.to_uppercase().parse().unwrap(), path, example(schema, &described)));
            }
        }
    }
    all
}

/// One request straight into the router, as a program on this machine that has a token too.
async fn ask(app: &axum::Router, house: &House, method: &Method, path: &str, body: Vec<u8>) -> (StatusCode, String) {
    let request = Request::builder().method(method.as_str()).uri(path).header("content-type", "application/json");
    let token = path.starts_with("/api/v1").then(|| ("authorization", format!("Bearer {}", house.token)));
    let request = token.into_iter().fold(request, |request, (name, value)| request.header(name, value));
    let mut request = request.body(Body::from(body)).unwrap();
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 9))));
    let answer = app.clone().oneshot(request).await.unwrap();
    let status = answer.status();
    let text = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&text).into_owned())
}

/// A house whose token may do everything, so that nothing is refused for want of a scope.
async fn open() -> House {
    let mut house = House::open().await;
    let scopes: Vec<String> =
        governance::AREAS.iter().flat_map(|area| [format!("{area}:read"), format!("{area}:write")]).collect();
    house.token = issue(&house.engine, "almighty", &scopes.iter().map(String::as_str).collect::<Vec<_>>()).await;
    house
}

/// The law, for one request.
async fn lawful(app: &axum::Router, house: &House, method: &Method, path: &str, body: Vec<u8>) -> bool {
    // What one token may ask in a row is another test's.
    house.pass(kernel::Seconds(1)).await;
    house.settle().await;
    let before = house.next();
    let shown: String = String::from_utf8_lossy(&body).chars().take(300).collect();
    let (status, said) = ask(app, house, method, path, body).await;
    assert!(status.is_success() || status.is_client_error(), "{method} {path} {shown}: {status} {said}");
    if status.is_client_error() {
        assert!(said.len() > 10, "{method} {path} {shown}: {status} says nothing");
        assert_eq!(asked_for(house, before).await, "", "{method} {path} {shown}: refused, and changed something");
    }
    status.is_success()
}

/// The facts from a place on that somebody asked for; the clock and deliveries go on beside every request.
async fn asked_for(house: &House, from: kernel::Seq) -> String {
    if house.next() == from {
        return String::new();
    }
    let facts = house.get(&format!("/journal?from={}&limit=1000", from.0)).await;
    let own = |fact: &&Value| fact["actor"].as_str().is_none_or(|actor| !actor.starts_with("system:"));
    facts.as_array().unwrap().iter().filter(own).map(Value::to_string).collect()
}

/// What readers see, in a form that can be compared.
fn seen(engine: &engine::Engine) -> Value {
    let see = |world: &World| {
        let (alerts, _) = world.alerts.alerts_from(0, 10_000);
        // What an alert's annotations say is no fact; who repeats it says them again.
        let alerts: Vec<String> = alerts.iter().map(|view| view.labels().to_string()).collect();
        let mut silences: Vec<String> = world.alerts.silences().map(|one| format!("{one:?}")).collect();
        silences.sort();
        let incidents: Vec<String> = world.incidents.list().iter().map(|one| format!("{one:?}")).collect();
        json!([alerts, silences, incidents])
    };
    engine.read(&Actor::system("test"), Read::of("alerts:read"), see).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_spoilt_request_breaks_anything() {
    let house = open().await;
    let app = web::app(house.state.clone());
    house.post("/incidents", json!({ "title": "Down", "severity": "P2", "why": "x", "services": ["checkout"] })).await;
    let (mut taken, mut refused) = (0, 0);
    for (method, path, good) in requests() {
        let mut count = |ok: bool| if ok { taken += 1 } else { refused += 1 };
        for spoiler in spoilers() {
            let bodies = (0..).map_while(|place| spoilt(&good, &mut { place }, &spoiler));
            for body in bodies.collect::<Vec<_>>() {
                count(lawful(&app, &house, &method, &path, body.to_string().into_bytes()).await);
            }
        }
        let text = good.to_string();
        let twice = text.replacen('{', &format!("{{{},", text.trim_matches(['[', ']', '{', '}'])), 1);
        let raw = [
            twice.as_str(),
            "\"\\ud800\"",
            "[1e999]",
            "{\"a\":\"\u{7f}",
            &"[".repeat(100_000),
            &"{\"a\":".repeat(100_000),
        ];
        for body in raw {
            count(lawful(&app, &house, &method, &path, body.as_bytes().to_vec()).await);
        }
        count(lawful(&app, &house, &method, &path, vec![0xff, 0xfe, 0, b'{']).await);
    }
    assert!(taken > 300 && refused > 3000, "{taken} were taken, {refused} refused");
    let (before, next) = (seen(&house.engine), house.next());
    house.engine.stop().await;
    let again = house.again().await;
    assert_eq!(seen(&again), before, "the journal tells the same after a restart");
    assert!(again.head().0 >= next.0);
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_path_and_no_query_breaks_anything() {
    let house = open().await;
    let app = web::app(house.state.clone());
    let described: Value = serde_json::from_str(&web::api::openapi_json()).unwrap();
    let words = [
        "%00",
        "%ff",
        "%0d%0aX:y",
        "-1",
        "18446744073709551616",
        "..%2f..",
        "%3Cscript%3E",
        "%F0%9F%94%A5",
        &"x".repeat(5000),
    ];
    // A stream has no end to wait for.
    let ends = |(path, _): &(&String, &Value)| !path.ends_with("/live");
    for (path, methods) in described["paths"].as_object().unwrap().iter().filter(ends) {
        for word in words {
            let filled: String = path
                .split('/')
                .map(|part| if part.starts_with('{') { word } else { part })
                .collect::<Vec<_>>()
                .join("/");
            for method in methods.as_object().unwrap().keys() {
                let body = if method == "get" { Vec::new() } else { b"{}".to_vec() };
                lawful(&app, &house, &method.to_uppercase().parse().unwrap(), &filled, body).await;
            }
            for parameter in methods["get"]["parameters"].as_array().into_iter().flatten() {
                let name = parameter["name"].as_str().unwrap();
                lawful(&app, &house, &Method::GET, &format!("{filled}?{name}={word}&{name}={word}"), Vec::new()).await;
            }
        }
    }
    for path in ["/api/v2/alerts", "/api/v2/alerts/groups", "/api/v2/silences"] {
        for query in ["filter", "receiver", "active", "silenced", "inhibited", "unknown", ""] {
            for word in words.into_iter().chain(["a%3D~(", "%22", "a%3D~(x%7B99%7D)%7B99%7D", "&&==%"]) {
                lawful(&app, &house, &Method::GET, &format!("{path}?{query}={word}"), Vec::new()).await;
            }
        }
    }
}

#[test]
fn no_header_and_no_form_breaks_a_screen() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let house = runtime.block_on(House::open());
    let ada = runtime.block_on(Visitor::person(&house, "ada"));
    let app = web::app(house.state.clone());
    let text = prop::collection::vec((0x20_u8..=0xff).prop_filter("no header holds it", |byte| *byte != 0x7f), 0..80);
    let words =
        prop_oneof![Just("title"), Just("severity"), Just("why"), Just("section"), Just("revision"), Just("matchers")];
    let form = prop::collection::vec((words, prop::collection::vec(any::<u8>(), 0..12)), 0..6);
    let mut runner = TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&(text, form, 0_usize..6), |(text, form, which)| {
        let name = ["cookie", "authorization", "host", "content-type", "x-form-token", "accept"][which];
        let mut body = format!("csrf={}", ada.csrf).into_bytes();
        form.iter().for_each(|(name, value)| body.extend([b"&", name.as_bytes(), b"=", value].concat()));
        for (path, own) in
            [("/incidents/new", true), ("/silences", true), ("/reviews/1/sections", true), ("/api/v1/changes", false)]
        {
            let request = Request::post(path).header(name, text.as_slice());
            let request = if own && name != "cookie" { request.header("cookie", &ada.cookie) } else { request };
            let answer =
                runtime.block_on(app.clone().oneshot(request.body(Body::from(body.clone())).unwrap())).unwrap();
            prop_assert!(!answer.status().is_server_error(), "{path}: {}", answer.status());
        }
        Ok(())
    });
    assert_eq!(outcome, Ok(()));
}

const MARKUP: &str = "</title><script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7 * 7 }}\u{202e}";

#[tokio::test]
async fn foreign_words_are_never_markup() {
    let house = House::open().await;
    let link = "javascript:alert(1)";
    let labels = json!({ "alertname": MARKUP, "service": "checkout", "severity": "critical", "x\"><script>alert(1)</script>": MARKUP });
    let annotations = json!({ "summary": MARKUP, "description": MARKUP, "runbook_url": link });
    let alert = json!([{ "labels": labels, "annotations": annotations, "generatorURL": link }]);
    assert_eq!(house.door("/api/v2/alerts", alert.to_string()).await.0, StatusCode::OK);
    let change = json!({ "routing_key": "checkout", "payload": { "summary": MARKUP, "source": MARKUP, "custom_details": { MARKUP: MARKUP } }, "links": [{ "href": link, "text": MARKUP }] });
    house.door("/v2/change/enqueue", change.to_string()).await;
    let silence = json!({ "matchers": [{ "name": MARKUP, "value": MARKUP, "isRegex": false }], "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2090-01-01T00:00:00Z", "createdBy": MARKUP, "comment": MARKUP });
    assert_eq!(house.door("/api/v2/silences", silence.to_string()).await.0, StatusCode::OK);
    let ada = Visitor::person(&house, "ada").await;
    let ask = async |path: &str, fields: &[(&str, &str)]| ada.post(path, fields).await.text().await.unwrap();
    let mut texts = vec![
        ask("/incidents/new", &[("title", MARKUP), ("severity", "P1"), ("why", MARKUP), ("service", "checkout")]).await,
        ask("/incidents/new", &[("title", ""), ("severity", MARKUP), ("why", MARKUP)]).await,
        ask("/incidents/1/note", &[("text", MARKUP)]).await,
        ask("/incidents/1/draft", &[("update", "1"), ("title", MARKUP), ("stage", "investigating"), ("text", MARKUP)])
            .await,
        ask("/incidents/1/publish", &[("update", "1")]).await,
        ask("/incidents/1/impact", &[("impact", MARKUP), ("text", MARKUP)]).await,
        ask("/incidents/1/resolve", &[("how", MARKUP)]).await,
        ask("/silences", &[("matchers", MARKUP), ("comment", MARKUP)]).await,
        ask("/reviews/1/sections", &[("section", "summary"), ("revision", "0"), ("text", MARKUP)]).await,
        ask("/login", &[("person", MARKUP), ("next", MARKUP)]).await,
    ];
    let fingerprint = house.get("/alerts").await[0]["fingerprint"].as_str().unwrap().to_owned();
    let alert = format!("/alerts/{fingerprint}");
    let screens = [
        "/",
        "/incidents",
        "/incidents/1",
        "/pages/1",
        "/silences",
        "/oncall",
        "/services",
        "/services/checkout",
        "/reviews",
        "/reviews/1",
        "/me",
        "/journal",
        "/journal/5",
        "/status",
        &alert,
    ];
    let mut marked = 0;
    for path in screens {
        let answer = ada.get(path).await;
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status == StatusCode::OK || path.starts_with("/journal"), "{path}: {status}");
        marked += usize::from(text.contains("alert(1)"));
        texts.push(format!("{path}: {text}"));
    }
    assert!(marked >= 7, "the words are shown on {marked} screens");
    let atom = ada.get("/status.atom").await.text().await.unwrap();
    for text in texts.iter().chain([&atom]) {
        for raw in ["<script>alert", "<img src=x", "href=\"javascript:", "href='javascript:"] {
            assert!(!text.contains(raw), "{raw} in {text}");
        }
        assert!(!text.contains(">49<") && !text.contains("49\u{202e}"), "a template within a text was run: {text}");
    }
}
