//! The words with which an update begins: the watchbook's template for its stage, else ours. Whoever publishes them has read
//! and changed them; a template that fails costs its words, never the draft.

use comms::{ComponentStatus, Stage, TEXT_BYTES_MAX};
use incidents::Incident;
use jiff::tz::TimeZone;
use kernel::book::{Component, UPDATE_FUEL, UpdateWords};
use kernel::{Severity, Timestamp};
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};

use crate::world::World;

/// What a text says that is about no component.
const EVERYTHING: &str = "our services";

/// The text of an update about an incident, before anybody has changed it. Nothing in it is internal: it is made of what
/// customers may read.
#[must_use]
pub fn update(world: &World, incident: &Incident, stage: Stage) -> String {
    let words = of(world, incident, stage);
    let name = stage.as_str();
    let template = world.book.templates.iter().find(|(known, _)| known.as_str() == name);
    let rendered = template.map(|(_, template)| render(template, &words));
    match rendered {
        Some(Ok(text)) => text,
        Some(Err(why)) => {
            tracing::warn!(
                template = name,
                why,
                "a template of the watchbook failed, so an update begins with our own words"
            );
            built_in(stage, &words)
        }
        None => built_in(stage, &words),
    }
}

/// The components that an incident hurts.
pub(crate) fn hurt<'a>(world: &'a World, incident: &Incident) -> Vec<&'a Component> {
    let touched = |component: &&Component| component.services.iter().any(|name| incident.services.contains(name));
    world.book.components.iter().filter(touched).collect()
}

/// How a component probably does, before anybody has said so.
pub(crate) fn guess(severity: Severity) -> ComponentStatus {
    if severity == Severity::P1 { ComponentStatus::MajorOutage } else { ComponentStatus::Degraded }
}

/// The title of the notice about an incident, before anybody has changed it: the one it has, else the component's name.
#[must_use]
pub fn title(world: &World, incident: &Incident) -> String {
    let told = world.comms.of_incident(incident.id).last().map(|notice| notice.title.clone());
    told.unwrap_or_else(|| {
        let hurt = hurt(world, incident);
        format!("Problems with {}", hurt.first().map_or(EVERYTHING, |first| &first.title))
    })
}

fn of(world: &World, incident: &Incident, stage: Stage) -> UpdateWords {
    let hurt = hurt(world, incident);
    let told = world.comms.components(&world.book).into_iter().filter(|now| hurt.contains(&now.component));
    let worst = told.map(|now| now.status).max().filter(|status| *status != ComponentStatus::Operational);
    let due = incident.update_due.filter(|_| !stage.is_over());
    let began = incident.detected_at.unwrap_or(incident.declared_at);
    UpdateWords {
        title: title(world, incident),
        components: hurt.iter().map(|component| component.title.clone()).collect(),
        severity: worst.unwrap_or_else(|| guess(incident.severity)).title().to_lowercase(),
        since: clock(incident.declared_at, began),
        next_update: due.map(|due| clock(incident.declared_at, due)).unwrap_or_default(),
        organisation: world.book.organisation.clone(),
    }
}

/// An instant as customers read it: the time of day, and the day as well when it is not the day of `near`.
fn clock(near: Timestamp, at: Timestamp) -> String {
    let (near, at) = (TimeZone::UTC.to_datetime(near), TimeZone::UTC.to_datetime(at));
    let form = if near.date() == at.date() { "%H:%M UTC" } else { "%-d %B, %H:%M UTC" };
    at.strftime(form).to_string()
}

/// A template over the words: bounded in steps and in length, and strict about names, as the check of the watchbook is.
fn render(template: &str, words: &UpdateWords) -> Result<String, String> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(UPDATE_FUEL));
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let text = environment.render_str(template, Serde(words)).map_err(|error| error.to_string())?;
    match text.trim() {
        "" => Err("its text is empty".to_owned()),
        text if text.len() > TEXT_BYTES_MAX => Err(format!("its text has more than {TEXT_BYTES_MAX} bytes")),
        text => Ok(text.to_owned()),
    }
}

fn built_in(stage: Stage, words: &UpdateWords) -> String {
    let what = if words.components.is_empty() { EVERYTHING.to_owned() } else { words.components.join(", ") };
    let promise = match words.next_update.as_str() {
        "" => String::new(),
        at => format!(" Next update by {at}."),
    };
    match stage {
        Stage::Investigating => format!("We see problems with {what} and are looking into them.{promise}"),
        Stage::Identified => format!("We know what causes the problems with {what} and are working on it.{promise}"),
        Stage::Monitoring => format!("We have done something about the problems with {what}, and watch it.{promise}"),
        Stage::Resolved => format!("The problems with {what} are over. We are sorry for the trouble."),
        Stage::Postmortem => format!("What we have learnt from the problems with {what}:"),
    }
}
