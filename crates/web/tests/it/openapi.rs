//! The description of our own API: complete, readable, and changed only on purpose.

use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::house::{House, answer};

#[tokio::test]
async fn the_description_is_served_and_changes_only_on_purpose() {
    let house = House::open().await;
    let (status, served) = answer(house.request(Method::GET, "/api/openapi.json").send().await.unwrap()).await;
    assert_eq!((status, &served["openapi"]), (StatusCode::OK, &Value::from("3.1.0")));
    let text = web::api::openapi_json();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), served);
    insta::assert_snapshot!("openapi", text);
}

#[test]
fn every_operation_has_a_summary_and_every_reference_a_target() {
    let whole: Value = serde_json::from_str(&web::api::openapi_json()).unwrap();
    let mut operations = 0;
    for (path, methods) in whole["paths"].as_object().unwrap() {
        assert!(path.starts_with("/api/v1/"), "{path}");
        for (method, operation) in methods.as_object().unwrap() {
            operations += 1;
            assert!(operation["summary"].is_string(), "{method} {path}");
            assert!(operation["operationId"].is_string() && operation["tags"].is_array(), "{method} {path}");
        }
    }
    assert!(operations > 50, "{operations}");
    references(&whole, &mut |target| {
        let pointer = target.trim_start_matches('#');
        assert!(whole.pointer(pointer).is_some(), "{target} leads nowhere");
    });
}

fn references(value: &Value, see: &mut impl FnMut(&str)) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(target)) = map.get("$ref") {
                see(target);
            }
            map.values().for_each(|value| references(value, see));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, see)),
        _ => {}
    }
}
