//! *Backtest*: a rule over the past: chosen or written, replayed in the background, and what it would have done.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};
use connectors::rules::to_yaml;
use engine::backtests::{Backtest, Stage};
use kernel::book::rules::{Group, Rule, RuleFile};
use kernel::{Actor, Book, Seconds, Timestamp};
use serde::Deserialize;

use super::backtested;
use super::form::{Form, unprocessed, with_refusal, word, wrong};
use super::frame::{Screen, frame, html, missing, refused, stop};
use super::rows;
use super::view::backtest::{BacktestPage, JobRow, OnePage};
use super::view::{Chip, Chrome, Refused, Tab, Tone};
use crate::backtests::{Given, NotBegun, begin};
use crate::session::{Reader, Session};
use crate::state::AppState;

/// How far back one may look. Samples are kept for three days unless `serve --keep-metrics` says otherwise.
const HISTORIES: [(&str, &str); 5] =
    [("3d", "3 days"), ("6h", "6 hours"), ("1d", "1 day"), ("7d", "7 days"), ("30d", "30 days")];
/// The most names of rules in a title.
const NAMES_MAX: usize = 3;

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/backtest", get(form).post(start))
        .route("/backtest/{id}", get(one))
        .route("/backtest/{id}/cancel", post(cancel))
}

#[derive(Debug, Default, Deserialize)]
struct Chosen {
    /// A live rule: `GROUP/RULE`.
    #[serde(default)]
    rule: String,
    /// An earlier backtest, to be changed.
    from: Option<u64>,
}

async fn form(State(state): State<AppState>, Reader(session): Reader, Query(chosen): Query<Chosen>) -> Screen {
    let (chrome, session) = frame(&state, session.as_ref(), Tab::Rules, "Backtest", "/backtest")?;
    form_page(&state, &session, chrome, chosen)
}

fn form_page(state: &AppState, session: &Session, chrome: Chrome, chosen: Chosen) -> Screen {
    let actor = session.actor();
    let book = state.engine.book();
    let before = state.backtests.list(&actor).map_err(stop(&chrome))?;
    let from = before.iter().find(|backtest| Some(backtest.id) == chosen.from);
    let (rules, compare) = match from {
        Some(from) => (text(&from.wanted.file), from.wanted.other.as_ref().map(text).unwrap_or_default()),
        None => (rule_of(&book, &chosen.rule).map(|group| to_yaml(&[group])).unwrap_or_default(), String::new()),
    };
    let oldest = state.stores.metrics.stats().oldest.and_then(|at| Timestamp::from_millisecond(at).ok());
    Ok(html(&BacktestPage {
        rules,
        compare,
        live: live(&book).map(|(name, _, _)| name).collect(),
        chosen: chosen.rule,
        histories: HISTORIES.to_vec(),
        oldest,
        before: before.iter().map(|backtest| row(&book, backtest)).collect(),
        chrome,
    }))
}

/// The text of rules, as they would be written.
pub(super) fn text(file: &RuleFile) -> String {
    to_yaml(&file.groups)
}

/// The alerting rules of the live watchbook: their names, their groups, and their places in these.
fn live(book: &Book) -> impl Iterator<Item = (String, &Group, usize)> {
    let groups = book.rule_files.iter().flat_map(|file| &file.groups);
    groups.flat_map(|group| {
        let alerting = |rule: &Rule| matches!(rule, Rule::Alerting(_));
        let rules = group.rules.iter().enumerate().filter(move |(_, rule)| alerting(rule));
        rules.map(move |(place, rule)| (format!("{}/{}", group.name, rule.name()), group, place))
    })
}

/// A live rule alone in its group.
fn rule_of(book: &Book, wanted: &str) -> Option<Group> {
    let (_, group, place) = live(book).find(|(name, _, _)| name == wanted)?;
    Some(Group { rules: vec![group.rules.get(place)?.clone()], ..group.clone() })
}

pub(super) fn row(book: &Book, backtest: &Backtest) -> JobRow {
    let groups = &backtest.wanted.file.groups;
    let rules = || groups.iter().flat_map(|group| &group.rules);
    let alerting = rules().filter(|rule| matches!(rule, Rule::Alerting(_)));
    let names: Vec<&str> = alerting.map(Rule::name).collect();
    let more = names.len().saturating_sub(NAMES_MAX);
    let shown = names.iter().take(NAMES_MAX).copied().collect::<Vec<_>>().join(", ");
    let by = match &backtest.by {
        Actor::Person(person) => rows::person(book, person).title,
        other => other.to_string(),
    };
    JobRow {
        id: backtest.id,
        title: if more > 0 { format!("{shown} and {more} more") } else { shown },
        by,
        asked: backtest.asked,
        state: chip(&backtest.stage),
    }
}

fn chip(stage: &Stage) -> Chip {
    match stage {
        Stage::Waiting => Chip::new(Tone::Plain, "Waits"),
        Stage::Running(progress) => Chip::new(Tone::Info, format!("{:.0} %", progress.share() * 100.0)),
        Stage::Done(found) => {
            let firings: usize = found.report.rules.iter().map(|rule| rule.firings).sum();
            Chip::new(Tone::Ok, super::view::words::count(firings, "firing", "firings"))
        }
        Stage::Failed(_) => Chip::new(Tone::Bad, "Failed"),
        Stage::Cancelled => Chip::new(Tone::Plain, "Cancelled"),
    }
}

async fn start(State(state): State<AppState>, form: Form) -> Screen {
    let session = form.session("/backtest")?.clone();
    let fields = &form.fields;
    let begun = word::<Seconds>("backtest", fields, "history").and_then(|history| {
        let given = Given { rules: fields.get("rules"), compare: fields.get("compare"), history };
        begin(&state, &session.actor(), given).map_err(|error| match error {
            NotBegun::Wrong(field, message) => wrong("backtest", fields, field, message),
            NotBegun::Engine(error) => Box::new(refused("backtest", error, &fields.0)),
        })
    });
    match begun {
        Ok(id) => Ok(Redirect::to(&format!("/backtest/{id}")).into_response()),
        Err(refused) => again(&state, &session, *refused),
    }
}

fn again(state: &AppState, session: &Session, refused: Refused) -> Screen {
    let (chrome, session) = frame(state, Some(session), Tab::Rules, "Backtest", "/backtest")?;
    unprocessed(form_page(state, &session, with_refusal(chrome, refused), Chosen::default()))
}

async fn one(State(state): State<AppState>, Reader(session): Reader, Path(id): Path<u64>) -> Screen {
    let (chrome, session) = frame(&state, session.as_ref(), Tab::Rules, "Backtest", &format!("/backtest/{id}"))?;
    let found = state.backtests.get(&session.actor(), id).map_err(stop(&chrome))?;
    let gone = "A backtest is remembered until the server starts again, or newer ones take its place.";
    let backtest = found.ok_or_else(|| missing(&chrome, gone))?;
    Ok(html(&page(&state.engine.book(), chrome, &session.actor(), &backtest)))
}

fn page(book: &Book, chrome: Chrome, actor: &Actor, backtest: &Backtest) -> OnePage {
    let instant = |at| Timestamp::from_millisecond(at).unwrap_or_default();
    let mut page = OnePage {
        row: row(book, backtest),
        start: instant(backtest.wanted.start),
        end: instant(backtest.wanted.end),
        history: Seconds(u32::try_from((backtest.wanted.end - backtest.wanted.start) / 1000).unwrap_or(u32::MAX))
            .to_string(),
        running: None,
        mine: backtest.by == *actor,
        why: None,
        step_by_step: None,
        rules: text(&backtest.wanted.file),
        compare: backtest.wanted.other.as_ref().map(text).unwrap_or_default(),
        cards: Vec::new(),
        differences: Vec::new(),
        chrome,
    };
    match &backtest.stage {
        Stage::Waiting => page.running = Some(0),
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 100")]
        Stage::Running(progress) => page.running = Some((progress.share() * 100.0) as u8),
        Stage::Failed(why) => page.why = Some(why.clone()),
        Stage::Cancelled => page.why = Some("It was cancelled before it was done.".to_owned()),
        Stage::Done(found) => {
            page.step_by_step.clone_from(&found.report.step_by_step);
            page.cards = backtested::cards(&page.chrome, &backtest.wanted, found);
            page.differences = found.comparison.iter().flat_map(backtested::differences).collect();
        }
    }
    page
}

async fn cancel(State(state): State<AppState>, Path(id): Path<u64>, form: Form) -> Screen {
    let path = format!("/backtest/{id}");
    let session = form.session(&path)?.clone();
    let (chrome, session) = frame(&state, Some(&session), Tab::Rules, "Backtest", &path)?;
    state.backtests.cancel(&session.actor(), id).map_err(stop(&chrome))?;
    Ok(Redirect::to(&path).into_response())
}
