//! Alerts in, and alerts and groups out. A post answers 200 only when its facts are durable.

use std::borrow::Cow;

use alerts::{AlertView, GroupView, Observed};
use axum::extract::{RawQuery, State};
use axum::response::Response;
use engine::{Read, World};
use kernel::{Book, Fingerprint, Labels, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};

use super::query::Wanted;
use super::{Said, config};
use crate::doors::body::{self, BODY_BYTES_MAX, Whole};
use crate::doors::caller::Program;
use crate::doors::list::{self, Piece};
use crate::doors::reply::Problem;
use crate::state::AppState;

/// How many alerts are looked at before the world is let go for a moment.
const ALERTS_AT_ONCE: usize = 50;
/// How many groups are.
const GROUPS_AT_ONCE: usize = 1;
/// How many of the alerts that inhibit one are named.
const INHIBITORS_SHOWN_MAX: usize = 10;
/// How many bad alerts of one post are named.
const REFUSALS_SHOWN_MAX: usize = 10;

/// An alert as a client posts it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostedAlert {
    labels: Labels,
    #[serde(default)]
    annotations: Labels,
    #[serde(default, deserialize_with = "instant")]
    starts_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "instant")]
    ends_at: Option<Timestamp>,
    #[serde(default, rename = "generatorURL")]
    generator_url: Box<str>,
}

/// Reads an instant. Nothing, and the year one, are how clients say "no time".
fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<Cow<'de, str>>::deserialize(deserializer)?.unwrap_or_default();
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = |_| serde::de::Error::custom(format!("{text:?} is not a time: write it like 2026-11-24T03:12:00Z"));
    let at: Timestamp = text.parse().map_err(wrong)?;
    Ok(Some(at).filter(|at| at.as_second() > 0))
}

impl PostedAlert {
    /// Labels with empty values are no labels.
    fn observed(self) -> Observed {
        let has_empty = self.labels.iter().any(|(_, value)| value.is_empty());
        let labels = if has_empty {
            let kept = self.labels.iter().filter(|(_, value)| !value.is_empty());
            Labels::from_pairs(kept).unwrap_or_default()
        } else {
            self.labels
        };
        Observed {
            labels,
            annotations: self.annotations,
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            generator_url: self.generator_url,
        }
    }
}

pub(super) async fn post(
    State(state): State<AppState>,
    Program(actor): Program,
    Whole(bytes): Whole<BODY_BYTES_MAX>,
) -> Result<(), Said> {
    let posted: Vec<PostedAlert> = body::json(&bytes)?;
    drop(bytes);
    let (mut alerts, mut refused) = (Vec::with_capacity(posted.len()), Vec::new());
    for (index, posted) in posted.into_iter().enumerate() {
        let observed = posted.observed();
        match observed.check() {
            Ok(()) => alerts.push(observed),
            Err(reason) => refused.push(format!("[{index}]: {reason}")),
        }
    }
    let source = source_of(&actor);
    state.engine.ask(&actor, alerts::Command::Observe { source, alerts }).await?;
    told(&refused)
}

/// Like Alertmanager, the good ones are taken and the bad ones are named.
fn told(refused: &[String]) -> Result<(), Said> {
    if refused.is_empty() {
        return Ok(());
    }
    let named = refused.get(..REFUSALS_SHOWN_MAX).unwrap_or(refused).join("; ");
    let count = match refused.len() {
        1 => "1 alert was".to_owned(),
        many => format!("{many} alerts were"),
    };
    let message = format!("{count} not taken; every other one was: {named}");
    Err(Problem::bad(message).field("alerts").into())
}

/// The name under which a program's alerts are kept.
pub(crate) fn source_of(actor: &kernel::Actor) -> Box<str> {
    match actor {
        // Our own alerts never expire, so nobody else may use their source's name.
        kernel::Actor::Integration(name) if **name != *alerts::OWN_SOURCE => name.clone(),
        other => other.to_string().into(),
    }
}

/// An alert as a client gets it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct GotAlert<'a> {
    annotations: &'a Labels,
    ends_at: Timestamp,
    fingerprint: Fingerprint,
    receivers: Vec<Named<'a>>,
    starts_at: Timestamp,
    status: GotStatus,
    updated_at: Timestamp,
    #[serde(rename = "generatorURL", skip_serializing_if = "str::is_empty")]
    generator_url: &'a str,
    labels: &'a Labels,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct GotStatus {
    inhibited_by: Vec<String>,
    silenced_by: Vec<String>,
    state: &'static str,
}

#[derive(Debug, Serialize, PartialEq, Eq)]
struct Named<'a> {
    name: &'a str,
}

#[derive(Debug, Serialize)]
struct GotGroup<'a> {
    alerts: Vec<GotAlert<'a>>,
    labels: &'a Labels,
    receiver: Named<'a>,
}

/// The policy that pages for an alert in a group.
fn receiver<'a>(group: &GroupView<'a>, labels: &Labels, book: &'a Book) -> &'a str {
    let service = book.service_of(labels).map(|(name, _)| name);
    book.pages_by(group.policy(), service).map_or(config::NOBODY, kernel::PolicyName::as_str)
}

fn receivers<'a>(alert: &AlertView<'a>, book: &'a Book) -> Vec<Named<'a>> {
    let mut names: Vec<Named<'a>> =
        alert.groups().map(|group| Named { name: receiver(&group, alert.labels(), book) }).collect();
    names.dedup();
    names
}

fn got<'a>(alert: &AlertView<'a>, receivers: Vec<Named<'a>>, book: &Book, now: Timestamp) -> GotAlert<'a> {
    let status = match alert.muted() {
        None => GotStatus { inhibited_by: Vec::new(), silenced_by: Vec::new(), state: "active" },
        Some(_) => GotStatus {
            inhibited_by: alert.inhibited_by(book, INHIBITORS_SHOWN_MAX).iter().map(ToString::to_string).collect(),
            silenced_by: alert.silenced_by(now).iter().map(ToString::to_string).collect(),
            state: "suppressed",
        },
    };
    GotAlert {
        annotations: alert.annotations(),
        // What never ends by itself is as good as sent again just now.
        ends_at: alert.ends_at().unwrap_or_else(|| alerts::RESOLVE_TIMEOUT.after(now)),
        fingerprint: alert.fingerprint(),
        receivers,
        starts_at: alert.starts_at(),
        status,
        updated_at: alert.updated_at(),
        generator_url: alert.generator_url(),
        labels: alert.labels(),
    }
}

impl Wanted {
    fn shows(&self, alert: &AlertView<'_>) -> bool {
        match alert.muted() {
            None => self.active,
            Some(alerts::Mute::Silence { .. }) => self.silenced,
            Some(alerts::Mute::Inhibition { .. }) => self.inhibited,
        }
    }

    fn takes(&self, alert: &AlertView<'_>) -> bool {
        self.shows(alert) && self.filter.iter().all(|matcher| matcher.matches(alert.labels()))
    }

    fn receives(&self, receiver: &Named<'_>) -> bool {
        self.receiver.as_ref().is_none_or(|matcher| matcher.accepts(receiver.name))
    }
}

pub(super) async fn list(
    State(state): State<AppState>,
    Program(actor): Program,
    RawQuery(query): RawQuery,
) -> Result<Response, Said> {
    let (wanted, now) = (Wanted::parse(query.as_deref())?, state.engine.now());
    let fill = move |world: &World, cursor: u32, piece: &mut Piece| {
        let (views, next) = world.alerts.find(&wanted.filter, cursor, ALERTS_AT_ONCE);
        for alert in views.iter().filter(|alert| wanted.shows(alert)) {
            let receivers = receivers(alert, &world.book);
            if receivers.is_empty() || receivers.iter().any(|receiver| wanted.receives(receiver)) {
                piece.push(&got(alert, receivers, &world.book, now));
            }
        }
        next
    };
    Ok(list::answer(state, actor, Read::of("alerts:read"), fill)?)
}

pub(super) async fn groups(
    State(state): State<AppState>,
    Program(actor): Program,
    RawQuery(query): RawQuery,
) -> Result<Response, Said> {
    let (wanted, now) = (Wanted::parse(query.as_deref())?, state.engine.now());
    let fill = move |world: &World, cursor: u32, piece: &mut Piece| {
        let (views, next) = world.alerts.groups_from(cursor, GROUPS_AT_ONCE);
        for group in &views {
            push_group(piece, &wanted, group, &world.book, now);
        }
        next
    };
    Ok(list::answer(state, actor, Read::of("alerts:read"), fill)?)
}

fn push_group(piece: &mut Piece, wanted: &Wanted, group: &GroupView<'_>, book: &Book, now: Timestamp) {
    let Some(first) = group.alerts().next() else { return };
    let receiver = Named { name: receiver(group, first.labels(), book) };
    if !wanted.receives(&receiver) {
        return;
    }
    let taken = group.alerts().filter(|alert| wanted.takes(alert));
    let alerts: Vec<GotAlert<'_>> = taken.map(|alert| got(&alert, receivers(&alert, book), book, now)).collect();
    if !alerts.is_empty() {
        piece.push(&GotGroup { alerts, labels: group.labels(), receiver });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posted(json: &str) -> Observed {
        body::json::<PostedAlert>(json.as_bytes()).unwrap().observed()
    }

    #[test]
    fn no_time_is_written_in_three_ways() {
        for at in ["null", r#""""#, r#""0001-01-01T00:00:00.000Z""#] {
            let observed = posted(&format!(r#"{{"labels": {{"a": "b", "c": ""}}, "startsAt": {at}, "endsAt": {at}}}"#));
            assert_eq!((observed.starts_at, observed.ends_at), (None, None), "{at}");
            assert_eq!(observed.labels.len(), 1);
        }
        let observed = posted(r#"{"labels": {"a": "b"}, "endsAt": "2026-11-24T04:12:00+01:00"}"#);
        assert_eq!(observed.ends_at.unwrap().to_string(), "2026-11-24T03:12:00Z");
    }

    #[test]
    fn nobody_else_is_watchkeeper() {
        assert_eq!(&*source_of(&kernel::Actor::Integration("prometheus".into())), "prometheus");
        assert_eq!(&*source_of(&kernel::Actor::Integration("watchkeeper".into())), "integration:watchkeeper");
    }
}
