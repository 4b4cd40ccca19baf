//! Groups over an existing store. Their queries are asked first, and then the group is evaluated over the answers: by the same
//! code as over our own samples, at the instant at which was asked.
//!
//! What rules over sources record stays with us, so a query that selects such series is not asked as a whole: the series that
//! are elsewhere are fetched, and it is evaluated here. A question without an answer is an error of its rule, and a rule that
//! fails leaves its alerts as they are: an outage of the source resolves nothing.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use kernel::book::rules::{Group, Rule};
use kernel::book::source::Source;
use kernel::{Book, SourceName, Timestamp};
use parking_lot::Mutex;
use promql::ast::{Expr, Matcher, Test};
use promql::{Data, Labels, METRIC_NAME, Millis, Options, Point, Series, SeriesSource, SourceFailure, Value, Wanted};
use signals::alerting::{ALERTS, ALERTS_FOR_STATE, vector};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinSet;

use super::SeriesStore;
use crate::breaker::Breaker;

/// How often the questions of a group are gone through, because answers may lead to further questions.
const ROUNDS_MAX: usize = 4;
/// The most questions of one evaluation of a group.
const QUESTIONS_MAX: usize = 10_000;
/// The series that says whether a source answered when rules were last evaluated over it.
pub(crate) const SOURCE_UP: &str = "rule_source_up";

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unanswered {
    /// The source does not take this question.
    Refused(String),
    /// The source did not answer, or not as it should.
    Failed(String),
}

/// Asks existing stores.
#[async_trait]
pub trait Queries: Send + Sync {
    /// The answer of a source to a query at an instant. Bounded in time and size.
    async fn ask(&self, source: &Source, query: &str, at: Millis) -> Result<Data, Unanswered>;
}

/// A query at an instant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Question {
    query: String,
    at: Millis,
}

/// Answers by their question.
type Answers = HashMap<Question, Result<Data, String>>;

/// A group that is to be evaluated over a source.
pub(super) struct Errand {
    /// Its number: a group that was edited meanwhile waits for another one.
    pub(super) number: u64,
    pub(super) name: SourceName,
    pub(super) source: Source,
    /// The queries of its rules,
    pub(super) queries: Vec<Expr>,
    /// and the instant that they look at: that of the evaluation, less the group's offset.
    pub(super) at: Millis,
    /// The instant of the evaluation.
    pub(super) evaluated: Timestamp,
}

/// What is needed to run an errand.
#[derive(Clone)]
pub(super) struct Outside {
    pub(super) asker: Arc<dyn Queries>,
    pub(super) series: Arc<dyn SeriesStore>,
    /// The names of series that are with us.
    pub(super) ours: Arc<HashSet<String>>,
    pub(super) door: Arc<Door>,
    pub(super) options: Options,
}

/// How many may ask a source at once, and whether it is left alone for a while.
pub(crate) struct Door {
    places: Semaphore,
    breaker: Mutex<Breaker>,
}

impl Door {
    pub(crate) fn of(source: &Source) -> Self {
        Self { places: Semaphore::new(usize::from(source.at_once.get())), breaker: Mutex::default() }
    }

    /// Waits for a place from which to ask, unless the source is left alone for a while.
    pub(crate) async fn enter(&self) -> Result<Option<SemaphorePermit<'_>>, Unanswered> {
        // Nobody closes the semaphore.
        let place = self.places.acquire().await.ok();
        match self.breaker.lock().wait(Instant::now()) {
            Some(left) => {
                let seconds = left.as_secs() + 1;
                Err(Unanswered::Failed(format!("it failed too often and is asked again in {seconds} s")))
            }
            None => Ok(place),
        }
    }

    /// Notes whether the source answered.
    pub(crate) fn note(&self, answered: bool, now: Instant) {
        self.breaker.lock().note(answered, now);
    }
}

/// The names of the series that rules over sources record, and those that tell of alerts: all are with us.
pub(super) fn ours(book: &Book) -> HashSet<String> {
    let over_sources = |group: &&Group| group.source.is_some();
    let rules =
        book.rule_files.iter().flat_map(|file| &file.groups).filter(over_sources).flat_map(|group| &group.rules);
    let recorded = rules.filter_map(|rule| match rule {
        Rule::Recording(rule) => Some(rule.record.clone()),
        Rule::Alerting(_) => None,
    });
    recorded.chain([ALERTS.to_owned(), ALERTS_FOR_STATE.to_owned()]).collect()
}

/// What the questions of an errand came to.
pub(super) struct Gathered {
    answers: Answers,
    ours: Arc<HashSet<String>>,
    name: SourceName,
    /// Whether the source answered at all; `None` when nothing was asked.
    up: Option<bool>,
}

/// Asks whatever the rules of a group need to know, until nothing is missing.
pub(super) async fn gather(errand: &Errand, outside: &Outside) -> Gathered {
    let (ours, name) = (Arc::clone(&outside.ours), errand.name.clone());
    let mut gathered = Gathered { answers: Answers::new(), ours, name, up: None };
    for _ in 0..ROUNDS_MAX {
        let (queries, at, out) = (errand.queries.clone(), errand.at, outside.clone());
        let looked = tokio::task::spawn_blocking(move || {
            let missing = gathered.missing(&queries, at, &out);
            (gathered, missing)
        });
        let Ok((known, missing)) = looked.await else {
            return Gathered {
                answers: Answers::new(),
                ours: Arc::clone(&outside.ours),
                name: errand.name.clone(),
                up: Some(false),
            };
        };
        gathered = known;
        if missing.is_empty() {
            break;
        }
        gathered.ask(missing, errand, outside).await;
    }
    gathered
}

impl Gathered {
    /// What is still to be asked.
    fn missing(&self, queries: &[Expr], at: Millis, outside: &Outside) -> Vec<Question> {
        let over = Fetched { tries: true, ..self.over(&*outside.series) };
        for query in queries {
            // What it comes to is not wanted yet, only what it asks for.
            let _ = vector(query, &over, at, &outside.options);
        }
        let mut missing = over.missing.into_inner();
        let mut seen = HashSet::new();
        missing.retain(|question| seen.insert(question.clone()));
        missing.truncate(QUESTIONS_MAX.saturating_sub(self.answers.len()));
        missing
    }

    async fn ask(&mut self, questions: Vec<Question>, errand: &Errand, outside: &Outside) {
        let mut asking = JoinSet::new();
        for question in questions {
            let (outside, source) = (outside.clone(), errand.source.clone());
            asking.spawn(async move {
                let answer = one(&outside, &source, &question).await;
                (question, answer)
            });
        }
        while let Some(asked) = asking.join_next().await {
            let Ok((question, answer)) = asked else { continue };
            let up = !matches!(answer, Err(Unanswered::Failed(_)));
            self.up = Some(self.up.unwrap_or(true) && up);
            let told = answer.map_err(|why| match why {
                Unanswered::Refused(why) => format!("source {}: refused: {why}", self.name),
                Unanswered::Failed(why) => format!("source {}: {why}", self.name),
            });
            self.answers.insert(question, told);
        }
    }

    /// The answers as a source of series.
    pub(super) fn over<'a>(&'a self, local: &'a dyn SeriesSource) -> Fetched<'a> {
        Fetched { local, gathered: self, tries: false, missing: RefCell::default() }
    }

    /// The sample that says whether the source answered.
    pub(super) fn up(&self, at: Millis) -> Option<(Labels, Point)> {
        let labels = Labels::from_pairs([(METRIC_NAME, SOURCE_UP), ("source", self.name.as_str())]);
        Some((labels, Point::float(at, if self.up? { 1.0 } else { 0.0 })))
    }
}

/// Asks one question, unless the source is left alone for a while.
async fn one(outside: &Outside, source: &Source, question: &Question) -> Result<Data, Unanswered> {
    let place = outside.door.enter().await?;
    let answer = outside.asker.ask(source, &question.query, question.at).await;
    outside.door.note(!matches!(answer, Err(Unanswered::Failed(_))), Instant::now());
    drop(place);
    answer
}

/// Answers as a source of series. What is asked and has no answer is noted.
pub(super) struct Fetched<'a> {
    local: &'a dyn SeriesSource,
    gathered: &'a Gathered,
    /// Whether it is only tried what will be asked: then what has no answer is nothing, and not the end of the query, so that
    /// one pass finds all.
    tries: bool,
    missing: RefCell<Vec<Question>>,
}

impl Fetched<'_> {
    /// The answer to a query; none where that is still to be asked, and this is tried only.
    fn known(&self, query: String, at: Millis) -> Result<Option<&Data>, SourceFailure> {
        let question = Question { query, at };
        match self.gathered.answers.get(&question) {
            Some(answer) => answer.as_ref().map(Some).map_err(|why| SourceFailure(why.clone())),
            None if self.tries => {
                self.missing.borrow_mut().push(question);
                Ok(None)
            }
            None => {
                let name = &self.gathered.name;
                Err(SourceFailure(format!("source {name}: {} was not asked", question.query)))
            }
        }
    }

    fn is_ours(&self, matchers: &[Matcher]) -> bool {
        matchers.iter().any(|matcher| match &matcher.test {
            Test::Is(name) => matcher.name == METRIC_NAME && self.gathered.ours.contains(name),
            _ => false,
        })
    }
}

impl SeriesSource for Fetched<'_> {
    fn select(&self, wanted: Wanted<'_>) -> Result<Vec<Series>, SourceFailure> {
        if self.is_ours(wanted.matchers) {
            return self.local.select(wanted);
        }
        let matchers: Vec<String> = wanted.matchers.iter().map(ToString::to_string).collect();
        let range = wanted.until.saturating_sub(wanted.after).max(1);
        match self.known(format!("{{{}}}[{range}ms]", matchers.join(",")), wanted.until)? {
            None => Ok(Vec::new()),
            Some(Data::Matrix(series)) => Ok(series.iter().map(|series| after(series, wanted.after)).collect()),
            Some(_) => Err(SourceFailure(format!("source {}: the answer to a range is no series", self.gathered.name))),
        }
    }

    fn answer(&self, query: &Expr, at: Millis) -> Option<Result<Vec<(Labels, Value)>, SourceFailure>> {
        let is_ours = query.selectors().iter().any(|selector| self.is_ours(&selector.matchers));
        if is_ours || !query.scored().is_empty() {
            return None;
        }
        Some(self.known(query.to_string(), at).and_then(|data| match data {
            None => Ok(Vec::new()),
            Some(Data::Scalar(_, value)) => Ok(vec![(Labels::default(), Value::Float(*value))]),
            Some(Data::Vector(samples)) => {
                Ok(samples.iter().map(|(labels, point)| (labels.clone(), point.value.clone())).collect())
            }
            Some(Data::Text(..) | Data::Matrix(_)) => {
                Err(SourceFailure("rule result is not a vector or scalar".to_owned()))
            }
        }))
    }
}

/// The points after an instant; a range of other stores may have its beginning in it.
fn after(series: &Series, instant: Millis) -> Series {
    let points = series.points.iter().filter(|point| point.at > instant).cloned().collect();
    Series { labels: series.labels.clone(), points }
}

/// The doors of the sources of a book; those of sources that are as they were stay.
pub(super) fn doors(
    book: &Book,
    mut before: BTreeMap<SourceName, (Source, Arc<Door>)>,
) -> BTreeMap<SourceName, (Source, Arc<Door>)> {
    let door = |(name, source): (&SourceName, &Source)| {
        let known = before.remove(name).filter(|(known, _)| known == source);
        let door = known.map_or_else(|| Arc::new(Door::of(source)), |(_, door)| door);
        (name.clone(), (source.clone(), door))
    };
    book.sources.iter().map(door).collect()
}
