//! The generic webhook, by the watchbook's mapping.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::house::House;

#[tokio::test]
async fn a_body_becomes_alerts_and_ends_them() {
    let house = House::open().await;
    let reports =
        |state: &str| json!({ "reports": [{ "depot": "north", "state": state, "text": "late" }] }).to_string();
    let (status, told) = house.door("/hooks/parcels", reports("bad")).await;
    assert_eq!((status, told), (StatusCode::OK, json!({ "alerts": 1 })));
    let alert = &house.get("/alerts").await[0];
    assert_eq!(
        alert["labels"],
        json!({ "alertname": "Parcels", "depot": "north", "service": "checkout", "severity": "warning" })
    );
    assert_eq!((&alert["annotations"], &alert["source"]), (&json!({ "summary": "late" }), &json!("hook:parcels")));
    assert_eq!(house.door("/hooks/parcels", reports("normal")).await.0, StatusCode::OK);
    assert_eq!(house.get("/alerts").await, json!([]));
}

#[tokio::test]
async fn the_token_may_stand_in_the_address() {
    let house = House::open().await;
    let post = |query: String| {
        let request =
            house.request(Method::POST, &format!("/hooks/parcels{query}")).header("x-forwarded-for", "192.0.2.7");
        request.body(r#"{"reports": []}"#).send()
    };
    assert_eq!(post(String::new()).await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(post("?token=wk_x".into()).await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(post(format!("?token={}", house.token)).await.unwrap().status(), StatusCode::OK);
}
