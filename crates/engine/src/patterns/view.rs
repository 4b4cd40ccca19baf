//! Logs, patterns and findings as readers see them.

use std::sync::Arc;

use kernel::book::LogFinding;
use kernel::time::between;
use kernel::{Actor, Level, LogEvent, Timestamp};
use parking_lot::Mutex;
use signals::templates::stream::{Finding, Known, NEW_FOR};
use signals::templates::{Miner, Over, TemplateId};

use super::log::Log;
use super::{PatternWatch, STREAMS_MAX};
use crate::{Error, Read};

/// A log that is watched.
#[derive(Debug, Clone)]
pub struct LogView {
    /// The service, as its log events name it; empty where they name none.
    pub service: String,
    /// Whether patterns are looked for.
    pub watched: bool,
    /// Which findings raise an alert.
    pub raises: Vec<LogFinding>,
    /// When its first line came.
    pub since: Timestamp,
    /// When its last line came.
    pub last: Timestamp,
    /// Until when nothing is called new.
    pub learns_until: Timestamp,
    /// How many lines came.
    pub lines: u64,
    /// How many patterns there are.
    pub patterns: usize,
    /// Lines that have no pattern of their own, by reason.
    pub over: Over,
    /// How often everything was learned anew since the start, because there were too many patterns.
    pub renewed: u64,
}

/// A pattern.
#[derive(Debug, Clone)]
pub struct PatternView {
    /// The service, as its log events name it; empty where they name none.
    pub service: String,
    /// Its number, which is also the label `template` of its series.
    pub id: TemplateId,
    /// Its words, with `<*>` for what varies.
    pub text: String,
    /// How many lines it has had.
    pub lines: u64,
    /// When its first line came.
    pub first: Timestamp,
    /// When its last line came.
    pub last: Timestamp,
    /// The worst level of its lines.
    pub level: Level,
    /// One of its lines.
    pub example: String,
    /// Its lines in the last closed minutes, the oldest first; at most sixty.
    pub minutes: Vec<u32>,
    /// When it was found to be new, within the last day.
    pub new: Option<Timestamp>,
    /// Whether it has more or fewer lines than usual now.
    pub changed: Option<LogFinding>,
}

/// Something that was found.
#[derive(Debug, Clone)]
pub struct FindingView {
    /// In the log of which service.
    pub service: String,
    /// What.
    pub finding: Finding,
    /// The number that its pattern has by now.
    pub id: TemplateId,
}

/// What is watched, and what is not.
#[derive(Debug, Clone)]
pub struct Watched {
    /// The logs, in order of name.
    pub logs: Vec<LogView>,
    /// Lines of services for which there was no place, since the start: at most [`STREAMS_MAX`] logs are watched.
    pub unwatched: u64,
    /// Lines that nobody looked at since the start, because more came than could be looked at.
    pub left_out: u64,
}

/// Tells whether a log event is of a pattern, as it is learned by now.
#[derive(Debug)]
pub struct Finder {
    service: String,
    id: TemplateId,
    /// Its words, with `<*>` for what varies.
    pub text: String,
    miner: Mutex<Miner>,
}

impl Finder {
    /// Whether an event is of the pattern.
    #[must_use]
    pub fn is(&self, event: &LogEvent) -> bool {
        event.origin.service() == self.service && self.miner.lock().find(&event.line()) == Some(self.id)
    }

    /// The service of the pattern.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Words that every line of the pattern has whole.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.text.split(' ').filter(|word| !word.contains('<'))
    }
}

impl PatternWatch {
    /// The most logs that are watched.
    pub const LOGS_MAX: usize = STREAMS_MAX;

    /// What is watched.
    ///
    /// # Errors
    /// When the actor may not read signals.
    pub fn watched(&self, actor: &Actor) -> Result<Watched, Error> {
        self.engine.may(actor, Read::of("signals:read"))?;
        let state = self.state.lock();
        let view = |(service, log): (&str, &Log)| {
            let (stream, watch) = (&log.stream, state.book.logs.of(service));
            LogView {
                service: service.to_string(),
                watched: watch.watch,
                raises: watch.raise.iter().copied().collect(),
                since: stream.since(),
                last: stream.last(),
                learns_until: stream.learns_until(),
                lines: stream.lines(),
                patterns: stream.len(),
                over: stream.over(),
                renewed: log.renewed,
            }
        };
        let logs = state.named().map(view).collect();
        Ok(Watched { logs, unwatched: state.unwatched, left_out: state.left_out })
    }

    /// The patterns of one service, or of all: those that are new or off their usual rate first, then the most frequent.
    ///
    /// # Errors
    /// When the actor may not read signals.
    pub fn patterns(&self, actor: &Actor, service: Option<&str>) -> Result<Vec<PatternView>, Error> {
        self.engine.may(actor, Read::of("signals:read"))?;
        let now = self.engine.now();
        let state = self.state.lock();
        let wanted = state.named().filter(|(name, _)| service.is_none_or(|service| service == *name));
        let of = |(service, log): (&str, &Log)| {
            let all = log.stream.templates();
            all.map(|one| view(service, log, one, now)).collect::<Vec<_>>()
        };
        let mut all: Vec<PatternView> = wanted.flat_map(of).collect();
        drop(state);
        let rank = |one: &PatternView| (one.changed.is_none() && one.new.is_none(), std::cmp::Reverse(one.lines));
        all.sort_by_key(rank);
        Ok(all)
    }

    /// What was found lately, the newest first.
    ///
    /// # Errors
    /// When the actor may not read signals.
    pub fn findings(&self, actor: &Actor, service: Option<&str>) -> Result<Vec<FindingView>, Error> {
        self.engine.may(actor, Read::of("signals:read"))?;
        let state = self.state.lock();
        let wanted = state.named().filter(|(name, _)| service.is_none_or(|service| service == *name));
        let of = |(service, log): (&str, &Log)| {
            let seen = |finding: &Finding| {
                let id = log.stream.current(finding.id).map_or(finding.id, |(id, _)| id);
                FindingView { service: service.to_string(), finding: finding.clone(), id }
            };
            log.stream.found().map(seen).collect::<Vec<_>>()
        };
        let mut all: Vec<FindingView> = wanted.flat_map(of).collect();
        all.sort_by_key(|one| std::cmp::Reverse(one.finding.at));
        Ok(all)
    }

    /// The patterns of log events, one for each, where it has one.
    ///
    /// # Errors
    /// When the actor may not read signals.
    pub fn patterns_of(&self, actor: &Actor, events: &[Arc<LogEvent>]) -> Result<Vec<Option<TemplateId>>, Error> {
        self.engine.may(actor, Read::of("signals:read"))?;
        let mut state = self.state.lock();
        let find = |event: &Arc<LogEvent>| state.logs.get_mut(event.origin.service())?.stream.find(&event.line());
        Ok(events.iter().map(find).collect())
    }

    /// What finds the events of a pattern; `None` where the service has no such pattern.
    ///
    /// # Errors
    /// When the actor may not read signals.
    pub fn finder(&self, actor: &Actor, service: &str, id: TemplateId) -> Result<Option<Finder>, Error> {
        self.engine.may(actor, Read::of("signals:read"))?;
        let state = self.state.lock();
        let found = state.current(service, id).map(|(log, id, text)| Finder {
            service: service.to_owned(),
            id,
            text: text.to_owned(),
            miner: Mutex::new(log.stream.miner()),
        });
        Ok(found)
    }
}

fn view(
    service: &str,
    log: &Log,
    (id, text, lines, known): (TemplateId, &str, u64, &Known),
    now: Timestamp,
) -> PatternView {
    PatternView {
        service: service.to_owned(),
        id,
        text: text.to_owned(),
        lines,
        first: known.first,
        last: known.last,
        level: known.level,
        example: known.example.to_string(),
        minutes: log.stream.minutes(id).collect(),
        new: known.new.filter(|new| between(*new, now) < NEW_FOR),
        changed: log.stream.changed(id),
    }
}
