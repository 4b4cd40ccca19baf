//! Traces in by the door, and read by the API and on the screens: found, paged, escaped, refused.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::house::{House, answer, issue};
use crate::walk::Visitor;

/// A trace with two spans: a root that takes as many seconds as its number, and a failed part of it.
fn trace(number: u64, at: i64) -> Value {
    let (id, start) = (format!("{number:032x}"), at * 1_000_000_000);
    let end = start + i64::try_from(number).unwrap() * 1_000_000_000;
    let text = |value: &str| json!({ "stringValue": value });
    json!([
        { "traceId": id, "spanId": "00000000000000a1", "name": "GET /<b>orders</b>", "kind": 2,
          "startTimeUnixNano": start.to_string(), "endTimeUnixNano": end.to_string() },
        { "traceId": id, "spanId": "00000000000000b2", "parentSpanId": "00000000000000a1", "name": "look up",
          "startTimeUnixNano": (start + 1000).to_string(), "endTimeUnixNano": (start + 500_000).to_string(),
          "status": { "code": 2, "message": "<script>alert(1)</script>" },
          "attributes": [{ "key": "order.id", "value": { "intValue": number.to_string() } }],
          "events": [{ "name": "retried", "timeUnixNano": (start + 2000).to_string(),
                       "attributes": [{ "key": "why", "value": text("busy") }] }],
          "links": [{ "traceId": format!("{:032x}", 99), "spanId": "00000000000000c3" }] },
    ])
}

async fn push(house: &House, traces: &[Value]) {
    let spans: Vec<&Value> = traces.iter().flat_map(|trace| trace.as_array().unwrap()).collect();
    let resource = json!({ "attributes": [{ "key": "service.name", "value": { "stringValue": "checkout" } }] });
    let body = json!({ "resourceSpans": [{ "resource": resource, "scopeSpans": [{ "spans": spans }] }] });
    let request = house.request(Method::POST, "/v1/traces").header("content-type", "application/json");
    let (status, told) = answer(request.body(body.to_string()).send().await.unwrap()).await;
    assert_eq!((status, told), (StatusCode::OK, json!({})));
}

async fn house() -> House {
    let house = House::open().await;
    let now = house.engine.now().as_second();
    let traces: Vec<Value> = (1..=5).map(|number| trace(number, now - 100 + i64::try_from(number).unwrap())).collect();
    push(&house, &traces).await;
    house
}

/// The last digits of the traces of an answer.
fn numbers(list: &Value) -> Vec<&str> {
    list["traces"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["trace"].as_str().unwrap().trim_start_matches('0'))
        .collect()
}

#[tokio::test]
async fn traces_are_found_by_any_of_their_spans_and_go_on_before_the_last() {
    let house = house().await;
    let cases = [
        ("", "5 4 3 2 1"),
        ("?service=checkout&operation=LOOK&error=true", "5 4 3 2 1"),
        ("?service=nobody", ""),
        ("?min_duration=3.5s", "5 4"),
        ("?attribute=order.id%3D2", "2"),
        ("?attribute=order.id&limit=2", "5 4"),
        ("?error=true&min_duration=1s", ""),
        ("?until=2001-01-01T00:00:00Z", ""),
    ];
    for (query, expected) in cases {
        let list = house.get(&format!("/traces{query}")).await;
        assert_eq!(numbers(&list).join(" "), expected, "{query}");
    }
    let first = house.get("/traces?limit=3&error=true").await;
    let next = first["next"].as_str().unwrap();
    let rest = house.get(&format!("/traces?limit=3&error=true&until={next}")).await;
    assert_eq!((numbers(&first), numbers(&rest)), (vec!["5", "4", "3"], vec!["2", "1"]));
    assert_eq!((&rest["whole"], &rest["next"]), (&json!(true), &Value::Null));
    let line = &first["traces"][0];
    assert_eq!((&line["spans"], &line["errors"], &line["matched"]), (&json!(2), &json!(1), &json!(1)));
    assert_eq!((&line["duration_ms"], &line["services"]), (&json!(5000.0), &json!(["checkout"])));
}

#[tokio::test]
async fn a_trace_is_told_span_by_span() {
    let house = house().await;
    let id = format!("{:032X}", 3);
    let trace = house.get(&format!("/traces/{id}")).await;
    assert_eq!((&trace["total"], &trace["errors"], &trace["duration_ms"]), (&json!(2), &json!(1), &json!(3000.0)));
    let part = &trace["spans"][1];
    assert_eq!((&part["depth"], &part["status"], &part["kind"]), (&json!(1), &json!("error"), &json!("unspecified")));
    assert_eq!(
        (&part["attributes"]["order.id"], &part["events"][0]["attributes"]["why"]),
        (&json!("3"), &json!("busy"))
    );
    let second = house.get(&format!("/traces/{id}?offset=1&limit=1")).await;
    assert_eq!(second["spans"].as_array().unwrap(), &trace["spans"].as_array().unwrap()[1..]);
}

#[tokio::test]
async fn questions_that_are_none_are_told_what_is_wrong() {
    let house = house().await;
    let cases = [
        ("/traces?min_duration=soon", 400, "250ms"),
        ("/traces?from=yesterday", 400, "from"),
        ("/traces?limit=-1", 400, "limit"),
        ("/traces?minduration=1s", 400, "minduration"),
        ("/traces/xyz", 404, "32 hexadecimal digits"),
        ("/traces/000000000000000000000000000000ff", 404, "kept for 1d"),
    ];
    for (path, status, said) in cases {
        let (got, told) = house.api(Method::GET, path, None).await;
        assert!(got.as_u16() == status && told["error"].as_str().unwrap().contains(said), "{path}: {got} {told}");
    }
    let token = issue(&house.engine, "powerless", &["alerts:read"]).await;
    for path in ["/traces", "/traces/00000000000000000000000000000003"] {
        let request = house.request(Method::GET, &format!("/api/v1{path}")).bearer_auth(&token);
        assert_eq!(request.send().await.unwrap().status(), StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn the_screens_show_traces_and_nothing_in_them_is_markup() {
    let house = house().await;
    let ada = Visitor::person(&house, "ada").await;
    let text = async |path: &str| ada.get(path).await.text().await.unwrap();
    let list = text("/traces?operation=look&min_duration=").await;
    assert!(list.contains("/traces/00000000000000000000000000000005") && list.contains("1 failed"), "{list}");
    let page = text("/traces/00000000000000000000000000000005").await;
    for part in ["look up", "order.id", "retried", "busy", "/logs?trace=00000000000000000000000000000005", "hue-0"] {
        assert!(page.contains(part), "{part} is not on {page}");
    }
    for page in [&list, &page] {
        assert!(!page.contains("<b>orders</b>") && !page.contains("<script>alert"), "{page}");
        assert!(!page.contains(" style="), "the content security policy forbids it");
    }
    assert!(text("/traces?min_duration=soon").await.contains("write a length of time"));
    assert!(text("/traces?service=nobody").await.contains("No trace here is like that"));
    let missing = ada.get("/traces/5").await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_list_on_a_screen_leads_to_what_is_older() {
    let house = House::open().await;
    let now = house.engine.now().as_second();
    let traces: Vec<Value> = (1..=60).map(|n| trace(n, now - 1000 + i64::try_from(n).unwrap())).collect();
    push(&house, &traces).await;
    let ada = Visitor::person(&house, "ada").await;
    let first = ada.get("/traces?operation=GET&attribute=").await.text().await.unwrap();
    let older = first.split("<a href=\"/traces?").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let older = older.replace("&#38;", "&");
    let second = ada.get(&format!("/traces?{older}")).await.text().await.unwrap();
    let count = |page: &str| page.matches("<td><a href=\"/traces/0").count();
    assert_eq!((count(&first), count(&second)), (50, 10), "{older}");
}
