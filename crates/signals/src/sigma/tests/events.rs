//! Events out of JSON.

use super::*;
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
