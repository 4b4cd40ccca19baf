//! Addresses, targets and URLs: where a message goes, as people write it. Not how it gets there.

use kernel::book::Target;
use kernel::{Address, ChannelKind, ChannelName, PersonName, ScheduleName, TeamName};
use serde_json::json;

use super::finding::Spot;
use super::rule;
use super::shape::{Defs, Reader, Shape};
use super::suggest;
use super::yaml::{Key, Node, Value};

/// An address is a channel and whom to reach on it, `mail: ada@example.org`, or a channel that says it all, `pager`.
impl Shape for Address {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let (channel, to) = match &node.value {
            Value::Map(_) => {
                let (key, value) = single(node, reader, "a channel and an address, such as mail: ada@example.org")?;
                let named = Node { at: key.at, value: Value::Text { text: key.text.clone(), plain: false } };
                let (channel, to) = (ChannelName::read(&named, reader), String::read(value, reader));
                (channel?, to?)
            }
            _ => (ChannelName::read(node, reader)?, String::new()),
        };
        let mail = reader.channels.get(channel.as_str()) == Some(&ChannelKind::Email);
        if mail && !to.contains('@') {
            let hint = format!("write {channel}: ada@example.org");
            reader.note_hint(node.at, &rule::ADDRESS, format!("`{to}` is not a mail address"), hint);
            return None;
        }
        Some(Self { channel, to })
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        let to = json!({ "type": ["string", "integer"] });
        json!({ "anyOf": [
            { "type": "string", "pattern": super::NAME_PATTERN },
            { "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": to },
        ] })
    }
}

/// The only entry of a map.
fn single<'n>(node: &'n Node, reader: &mut Reader<'_>, what: &str) -> Option<(&'n Key, &'n Node)> {
    match reader.map(node)? {
        [(key, value)] => Some((key, value)),
        _ => {
            let hint = "begin each with a dash on its own line";
            reader.note_hint(node.at, &rule::WRONG_FORM, format!("here must be {what}, and nothing else"), hint);
            None
        }
    }
}

/// What can be paged.
const TARGETS: [&str; 4] = ["person", "schedule", "team", "channel"];

impl Shape for Target {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let (key, value) = single(node, reader, "whom to page, such as schedule: shop")?;
        match &*key.text {
            "person" => PersonName::read(value, reader).map(Self::Person),
            "schedule" => ScheduleName::read(value, reader).map(Self::Schedule),
            "team" => TeamName::read(value, reader).map(Self::Team),
            "channel" => Address::read(value, reader).map(Self::Channel),
            other => {
                let hint = suggest::hint(other, TARGETS).unwrap_or_default();
                reader.note_hint(key.at, &rule::UNKNOWN_KEY, format!("`{other}` cannot be paged"), hint);
                None
            }
        }
    }

    fn schema(defs: &mut Defs) -> serde_json::Value {
        let name = json!({ "type": "string", "pattern": super::NAME_PATTERN });
        let properties = json!({ "person": name, "schedule": name, "team": name, "channel": Address::schema(defs) });
        json!({
            "type": "object", "properties": properties,
            "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
        })
    }
}

/// Whether a text is a URL with one of the schemes, a host and no password; notes it when it is not.
pub(super) fn url(text: &str, at: Spot, schemes: &[&str], reader: &mut Reader<'_>) -> Option<()> {
    let hint = format!("write {}://host", schemes.join("://host or "));
    let parsed = match reqwest::Url::parse(text) {
        Ok(url) if url.has_host() && schemes.contains(&url.scheme()) => url,
        Ok(_) => {
            reader.note_hint(at, &rule::URL, format!("`{text}` is not an address that is spoken here"), hint);
            return None;
        }
        Err(error) => {
            reader.note_hint(at, &rule::URL, format!("`{text}` is not a URL: {error}"), hint);
            return None;
        }
    };
    if parsed.password().is_some() {
        let hint = "take it out and name it with `secret: env:NAME`; the one that stood here is spent";
        reader.note_hint(at, &rule::URL_SECRET, "this URL holds a password", hint);
        return None;
    }
    Some(())
}

/// The schemes that a kind of channel speaks.
pub(super) fn schemes(kind: ChannelKind) -> &'static [&'static str] {
    match kind {
        ChannelKind::Email => &["smtp", "smtps"],
        ChannelKind::Webhook | ChannelKind::Ntfy | ChannelKind::Slack | ChannelKind::Matrix => &["https", "http"],
    }
}
