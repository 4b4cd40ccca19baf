//! The forms of facts, byte by byte. A line here is never changed: journals hold facts of that form, and they must be read
//! for as long as there are journals. A new form is a new line.

use governance::{Event, SessionId};
use kernel::area::EventMeta as _;
use kernel::{Actor, Digest, Sensitivity};

use crate::world::{person, person_name};

const DIGEST: &str = "0101010101010101010101010101010101010101010101010101010101010101";

fn forms() -> Vec<(String, Event)> {
    let at = || "2026-03-01T12:00:00Z".parse().unwrap();
    let digest = Digest([1; 32]);
    let ada = || person_name("ada");
    let session = || SessionId("00000000000000ff".into());
    vec![
        (
            format!(r#"{{"BookApplied":{{"digest":"{DIGEST}","commit":"abc","source":"book"}}}}"#),
            Event::BookApplied { digest, commit: Some("abc".into()), source: "book".into() },
        ),
        (
            format!(r#"{{"BookApplied":{{"digest":"{DIGEST}","source":"book"}}}}"#),
            Event::BookApplied { digest, commit: None, source: "book".into() },
        ),
        (
            format!(r#"{{"BookRefused":{{"digest":"{DIGEST}","findings":2,"source":"book"}}}}"#),
            Event::BookRefused { digest, findings: 2, source: "book".into() },
        ),
        (
            r#"{"CommandDenied":{"actor":"person:ada","action":"alerts:resolve","resource":"alert","reason":"no"}}"#.into(),
            denied(0),
        ),
        (
            r#"{"CommandDenied":{"actor":"person:ada","action":"alerts:resolve","resource":"alert","reason":"no","unrecorded":3}}"#
                .into(),
            denied(3),
        ),
        (
            r#"{"RestrictedRead":{"actor":"integration:x","resource":"incident/INC-1"}}"#.into(),
            Event::RestrictedRead { actor: Actor::Integration("x".into()), resource: "incident/INC-1".into() },
        ),
        (
            r#"{"InviteIssued":{"person":"ada","expires":"2026-03-01T12:00:00Z"}}"#.into(),
            Event::InviteIssued { person: ada(), expires: at() },
        ),
        (r#"{"PasswordSet":{"person":"ada"}}"#.into(), Event::PasswordSet { person: ada() }),
        (
            r#"{"PasswordFailed":{"person":"ada","failures":1}}"#.into(),
            Event::PasswordFailed { person: ada(), failures: 1, locked_until: None },
        ),
        (
            r#"{"PasswordFailed":{"person":"ada","failures":5,"locked_until":"2026-03-01T12:00:00Z"}}"#.into(),
            Event::PasswordFailed { person: ada(), failures: 5, locked_until: Some(at()) },
        ),
        (
            r#"{"SessionOpened":{"person":"ada","session":"00000000000000ff","expires":"2026-03-01T12:00:00Z"}}"#.into(),
            Event::SessionOpened { person: ada(), session: session(), expires: at() },
        ),
        (
            r#"{"SessionClosed":{"person":"ada","session":"00000000000000ff"}}"#.into(),
            Event::SessionClosed { person: ada(), session: session() },
        ),
        (
            r#"{"TokenIssued":{"name":"x","scopes":["alerts:write"],"expires":"2026-03-01T12:00:00Z"}}"#.into(),
            Event::TokenIssued { name: "x".into(), scopes: vec!["alerts:write".into()], expires: at() },
        ),
        (r#"{"TokenRevoked":{"name":"x"}}"#.into(), Event::TokenRevoked { name: "x".into() }),
        (
            format!(r#"{{"CheckpointSigned":{{"size":9,"root":"{DIGEST}"}}}}"#),
            Event::CheckpointSigned { size: 9, root: digest },
        ),
        (r#"{"Started":{"version":"0.1.0"}}"#.into(), Event::Started { version: "0.1.0".into() }),
    ]
}

fn denied(unrecorded: u32) -> Event {
    Event::CommandDenied {
        actor: person("ada"),
        action: "alerts:resolve".into(),
        resource: "alert".into(),
        reason: "no".into(),
        unrecorded,
    }
}

#[test]
fn facts_are_written_and_read_in_their_frozen_form() {
    for (json, event) in forms() {
        assert_eq!(serde_json::to_string(&event).unwrap(), json);
        assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event);
        let kind = format!("{{\"{}\":", event.kind());
        assert!(json.starts_with(&kind), "the kind is the name of the variant: {json}");
        assert_eq!(event.version(), 1);
    }
}

#[test]
fn go_10_facts_have_no_place_for_a_secret_and_those_about_people_are_confidential() {
    for (json, event) in forms() {
        for word in ["password\":", "hash", "secret", "token\":", "cookie"] {
            assert!(!json.contains(word), "{word} in {json}");
        }
        let personal = json.contains("person") || matches!(event, Event::RestrictedRead { .. });
        assert_eq!(event.sensitivity() == Sensitivity::Confidential, personal, "{json}");
    }
}

#[test]
fn facts_stand_in_the_stream_of_what_they_are_about() {
    let streams: std::collections::BTreeSet<_> = forms().iter().map(|(_, event)| event.stream().0).collect();
    let expected = ["checkpoints", "integration:x", "person:ada", "server", "watchbook"];
    assert!(streams.iter().map(|stream| &**stream).eq(expected), "{streams:?}");
}
