//! Events out of JSON.

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn fields(value: &Value) -> Vec<String> {
    let event = Event::new(value);
    event.fields.iter().map(|field| format!("{}={}", field.name, field.value.text().unwrap_or("null".into()))).collect()
}

#[test]
fn nested_objects_and_lists_become_fields() {
    let value = json!({"a": {"b": [1, {"c": true}], "d.e": null}, "x": "y"});
    assert_eq!(fields(&value), ["a.b=1", "a.b.c=true", "a.d.e=null", "x=y"]);
    assert_eq!(fields(&json!([1])), [""; 0]);
}

#[test]
fn windows_events_get_the_names_of_rules() {
    let value = json!({"Event": {
        "#attributes": {"xmlns": "x"},
        "System": {"Provider": {"#attributes": {"Name": "P"}}, "EventID": {"#attributes": {"Qualifiers": 2}, "#text": 7045}},
        "EventData": {"Threat Name": "EICAR", "Data": {"#text": ["a", "b"]}},
        "UserData": {"Any": {"#attributes": {"xmlns": "y"}, "Param": 1}}
    }});
    let wanted = [
        "Provider_Name=P",
        "EventID_Qualifiers=2",
        "EventID=7045",
        "ThreatName=EICAR",
        "Threat Name=EICAR",
        "Data=a",
        "Data=b",
        "Param=1",
    ];
    assert_eq!(fields(&value), wanted);
}

#[test]
fn an_event_has_a_time_and_a_source() {
    let value = json!({"@timestamp": "2026-01-01T00:00:09Z", "UtcTime": "2026-01-01 00:00:01.5"});
    let event = Event::new(&value).from_source("linux", "", "process_creation");
    assert_eq!(event.time().map(|at| at.to_string()).as_deref(), Some("2026-01-01T00:00:01.5Z"));
    assert_eq!(event.text("logsource.category").as_deref(), Some("process_creation"));
    assert_eq!(event.text("logsource.service"), None);
}

#[test]
fn large_events_are_cut_and_say_so() {
    let wide: Value = (0..5000).map(|at| (at.to_string(), json!(at))).collect::<serde_json::Map<_, _>>().into();
    let event = Event::new(&wide);
    assert!(event.is_cut());
    assert_eq!(event.fields.len(), super::super::EVENT_VALUES_MAX);
    let deep = (0..100).fold(json!("end"), |inner, _| json!({"a": inner}));
    assert!(Event::new(&deep).is_cut());
}

fn arbitrary_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|flag| json!(flag)),
        any::<i64>().prop_map(|number| json!(number)),
        any::<u64>().prop_map(|number| json!(number)),
        any::<f64>().prop_map(|number| json!(number)),
        ".{0,8}".prop_map(|text| json!(text)),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        let key = prop_oneof![4 => "[a-c.]{0,2}", 1 => "Event|System|EventData|UserData|#text|#attributes|Threat Name"];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            proptest::collection::btree_map(key, inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_text_gives_the_event_that_its_value_gives(value in arbitrary_json(), windows: bool) {
        let value = if windows { json!({"Event": {"System": value, "EventData": {"a b": value}}}) } else { value };
        let text = value.to_string();
        let read = Event::parse(&text).expect("it is JSON");
        // What a float is written as may be read as another one, so both start from the text.
        let value: Value = serde_json::from_str(&text).expect("it is JSON");
        let made = Event::new(&value);
        let named = |event: &Event<'_>| -> Vec<String> {
            event.fields.iter().map(|field| format!("{}={:?}", field.name, field.value.text())).collect()
        };
        prop_assert_eq!(named(&read), named(&made));
        prop_assert_eq!(read.is_cut(), made.is_cut());
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,60}") {
        let _ = Event::parse(&text);
    }
}

#[test]
fn what_is_not_json_is_refused() {
    for text in ["", "{", "{\"a\": 1} x", "{'a': 1}"] {
        assert!(Event::parse(text).is_err(), "{text}");
    }
    assert!(Event::parse(&"[".repeat(100_000)).is_err());
}
