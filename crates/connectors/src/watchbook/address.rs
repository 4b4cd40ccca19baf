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
                let named = Node {
                    at: key.at,
                    last_line: key.at.line,
                    value: Value::Text { text: key.text.clone(), plain: false },
                };
                let (channel, to) = (ChannelName::read(&named, reader), String::read(value, reader));
                (channel?, to?)
            }
            _ => (ChannelName::read(node, reader)?, String::new()),
        };
        let kind = reader.channels.get(channel.as_str()).copied();
        if let Some((what, example)) = kind.and_then(|kind| misfit(kind, &to)) {
            let hint = format!("write {channel}: {example}");
            reader.note_hint(node.at, &rule::ADDRESS, format!("`{to}` is not {what}"), hint);
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

/// What a recipient on a kind of channel must be, when this is none, and an example.
fn misfit(kind: ChannelKind, to: &str) -> Option<(&'static str, &'static str)> {
    match kind {
        ChannelKind::Email => (!is_mailbox(to)).then_some(("a mail address", "ada@example.org")),
        ChannelKind::Ntfy => to.is_empty().then_some(("a topic", "ada-pages")),
        ChannelKind::Matrix => (!to.starts_with('!')).then_some(("a room's id", "\"!abc:example.org\"")),
        ChannelKind::Slack | ChannelKind::Webhook => None,
    }
}

/// Whether a text is a mail address, with a name before it or without.
pub(super) fn is_mailbox(text: &str) -> bool {
    text.parse::<lettre::message::Mailbox>().is_ok()
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

/// A URL that one of our connectors speaks, without a password.
#[derive(Debug)]
pub(super) struct Url {
    pub at: Spot,
    pub text: String,
    scheme: String,
}

/// What all connectors together speak.
const SCHEMES: [&str; 4] = ["https", "http", "smtps", "smtp"];

impl Shape for Url {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(node)?;
        let parsed = reqwest::Url::parse(text).ok();
        if parsed.as_ref().is_some_and(|url| url.password().is_some()) {
            let hint = "take it out and name it with `secret: env:NAME`; the one that stood here is spent";
            reader.note_hint(node.at, &rule::URL_SECRET, "this URL holds a password", hint);
            return None;
        }
        let Some(parsed) = parsed.filter(|url| url.has_host() && SCHEMES.contains(&url.scheme())) else {
            let hint = "write https://host/path, or smtp://host:port for mail";
            reader.note_hint(node.at, &rule::URL, "this is not an address that is spoken here", hint);
            return None;
        };
        Some(Self { at: node.at, text: text.to_owned(), scheme: parsed.scheme().to_owned() })
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "type": "string", "pattern": "^(https?|smtps?)://.+" })
    }
}

impl Url {
    /// Notes when the scheme is none of these.
    pub fn demand(&self, schemes: &[&str], reader: &mut Reader<'_>) {
        if !schemes.contains(&&*self.scheme) {
            let hint = format!("write {}://host", schemes.join("://host or "));
            reader.note_hint(self.at, &rule::URL, "this address is of the wrong kind", hint);
        }
    }
}

/// What HTTP is spoken over.
pub(super) const HTTP: &[&str] = &["https", "http"];

/// The schemes that a kind of channel speaks.
pub(super) fn schemes(kind: ChannelKind) -> &'static [&'static str] {
    match kind {
        ChannelKind::Email => &["smtps", "smtp"],
        ChannelKind::Webhook | ChannelKind::Ntfy | ChannelKind::Slack | ChannelKind::Matrix => HTTP,
    }
}
