//! What a target said becomes samples, with what ended since the answer before. Pure: it remembers the series of one target.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use kernel::book::scrape::{ScrapeJob, ScrapeLimits};
use kernel::sample::METRIC_NAME;
use promql::{Labels, Millis, Point, Value};

use super::fetch::Answer;
use super::relabel::{LabelSet, relabel};
use super::target::Target;
use crate::exposition::{Line, lines, pairs};
use crate::text;

/// What a label of a sample is called that its target has as well.
const EXPORTED: &str = "exported_";
/// After how many good answers a series is forgotten that is in none of them.
const FORGET_AFTER: u32 = 10;
/// How much of a series a message shows, in bytes.
const SHOWN_BYTES_MAX: usize = 80;

/// The series of one target, as its last answers had them.
#[derive(Debug, Default)]
pub struct Intake {
    /// By name and labels as the text writes them.
    known: HashMap<String, Known>,
    /// The series of the last answer that came without timestamps of their own.
    alive: HashSet<Labels>,
    answers: u32,
}

#[derive(Debug)]
struct Known {
    /// The labels it is kept under; `None` where relabeling drops it.
    labels: Option<Labels>,
    /// In which answer it was last.
    seen: u32,
}

/// What an answer came to.
#[derive(Debug, Default)]
pub struct Taken {
    /// Samples and stale markers, ready to be kept.
    pub samples: Vec<(Labels, Point)>,
    /// How many samples the answer had.
    pub scraped: usize,
    /// How many of them were left after relabeling.
    pub kept: usize,
    /// How many series were new.
    pub added: usize,
    /// Why nothing of it was taken.
    pub failure: Option<String>,
}

impl Intake {
    /// Takes an answer, all of it or nothing. What was there before and is not any more ends.
    pub fn take(&mut self, answer: Result<Answer, String>, job: &ScrapeJob, target: &Target, at: Millis) -> Taken {
        self.answers = self.answers.wrapping_add(1);
        let mut taken = Taken::default();
        let mut alive = HashSet::new();
        let read = answer.and_then(|answer| self.read(&answer, job, target, at, (&mut taken, &mut alive)));
        match read {
            Ok(()) => {
                let answers = self.answers;
                self.known.retain(|_, known| answers.wrapping_sub(known.seen) <= FORGET_AFTER);
            }
            Err(why) => {
                taken.samples.clear();
                alive.clear();
                taken.failure = Some(why);
            }
        }
        let gone = std::mem::replace(&mut self.alive, alive);
        taken
            .samples
            .extend(gone.into_iter().filter(|labels| !self.alive.contains(labels)).map(|labels| stale(labels, at)));
        taken
    }

    /// Ends every series, because the target is asked no more.
    pub fn end(&mut self, at: Millis) -> Vec<(Labels, Point)> {
        self.known.clear();
        std::mem::take(&mut self.alive).into_iter().map(|labels| stale(labels, at)).collect()
    }

    /// Forgets what was made of series, because their job has changed; what was there is still known.
    pub fn forget_labels(&mut self) {
        self.known.clear();
    }

    fn read(
        &mut self,
        answer: &Answer,
        job: &ScrapeJob,
        target: &Target,
        at: Millis,
        (taken, alive): (&mut Taken, &mut HashSet<Labels>),
    ) -> Result<(), String> {
        let said = std::str::from_utf8(&answer.body).map_err(|_| "the answer is not UTF-8".to_owned())?;
        for line in lines(said, answer.form) {
            let line = line.map_err(|error| error.to_string())?;
            taken.scraped += 1;
            let Some(labels) = self.labels(&line, job, target, &mut taken.added)? else { continue };
            taken.kept += 1;
            if job.limits.samples.is_some_and(|most| taken.kept > most.get()) {
                // Go on counting, so that whoever raises the limit sees to what.
                taken.samples.clear();
                continue;
            }
            let given = line.at.filter(|_| job.honor_timestamps);
            if given.is_none() {
                alive.insert(labels.clone());
            }
            taken.samples.push((labels, Point::float(given.unwrap_or(at), line.value)));
        }
        match job.limits.samples {
            Some(most) if taken.kept > most.get() => {
                Err(format!("the answer has {} samples, at most {most} are accepted (sample_limit)", taken.kept))
            }
            _ => Ok(()),
        }
    }

    /// The labels that a series is kept under; `None` where it is dropped.
    fn labels(
        &mut self,
        line: &Line<'_>,
        job: &ScrapeJob,
        target: &Target,
        added: &mut usize,
    ) -> Result<Option<Labels>, String> {
        if let Some(known) = self.known.get_mut(line.series) {
            known.seen = self.answers;
            return Ok(known.labels.clone());
        }
        let wrong = |why: String| format!("line {}: {why}", line.number);
        let own = pairs(line.series).map_err(|what| wrong(what.to_string()))?;
        let labels = relabel(together(own, &target.labels, job.honor_labels), &job.metric_relabel);
        if let Some(labels) = &labels {
            check(labels, &job.limits)
                .map_err(|why| wrong(format!("{}: {why}", text::cut(line.series, SHOWN_BYTES_MAX))))?;
            *added += 1;
        }
        let labels = labels.map(|labels| Labels::from_pairs(labels.0.iter()));
        self.known.insert(line.series.to_owned(), Known { labels: labels.clone(), seen: self.answers });
        Ok(labels)
    }
}

fn stale(labels: Labels, at: Millis) -> (Labels, Point) {
    (labels, Point { at, born: 0, value: Value::stale() })
}

/// The labels of a sample and of its target. Where both have one, the target's counts, and the sample's is called
/// `exported_`; unless the sample's labels are honored.
fn together(own: Vec<(String, String)>, target: &Labels, honor: bool) -> LabelSet {
    let mut all: LabelSet = LabelSet(own.into_iter().collect());
    if honor {
        for (name, value) in target.iter().filter(|(name, _)| !all.0.contains_key(*name)).collect::<Vec<_>>() {
            all.set(name, value.to_owned());
        }
    } else {
        let moved =
            target.iter().filter_map(|(name, value)| Some((name, all.0.insert(name.to_owned(), value.to_owned())?)));
        let moved: Vec<(&str, String)> = moved.collect();
        for (name, value) in moved.into_iter().filter(|(_, value)| !value.is_empty()) {
            let mut free = format!("{EXPORTED}{name}");
            while !all.get(&free).is_empty() {
                free.insert_str(0, EXPORTED);
            }
            all.set(&free, value);
        }
    }
    all.0.retain(|_, value| !value.is_empty());
    all
}

fn check(labels: &LabelSet, limits: &ScrapeLimits) -> Result<(), String> {
    if labels.get(METRIC_NAME).is_empty() {
        return Err("relabeling left no metric's name".to_owned());
    }
    let count = labels.0.len();
    if let Some(most) = limits.labels.filter(|most| count > most.get()) {
        return Err(format!("it has {count} labels, at most {most} are accepted (label_limit)"));
    }
    for (name, value) in &labels.0 {
        if let Some(most) = limits.label_name.filter(|most| name.len() > most.get()) {
            return Err(format!(
                "a label's name has {} bytes, at most {most} are accepted (label_name_length_limit)",
                name.len()
            ));
        }
        if let Some(most) = limits.label_value.filter(|most| value.len() > most.get()) {
            let length = value.len();
            return Err(format!(
                "the label {name} has {length} bytes, at most {most} are accepted (label_value_length_limit)"
            ));
        }
    }
    Ok(())
}

/// The samples about a scrape itself.
#[must_use]
pub fn report(target: &Target, taken: &Taken, took: Duration, at: Millis) -> Vec<(Labels, Point)> {
    #[expect(clippy::cast_precision_loss, reason = "counts of one answer")]
    let count = |number: usize| number as f64;
    let all = [
        ("up", if taken.failure.is_none() { 1.0 } else { 0.0 }),
        ("scrape_duration_seconds", took.as_secs_f64()),
        ("scrape_samples_scraped", count(taken.scraped)),
        ("scrape_samples_post_metric_relabeling", count(taken.kept)),
        ("scrape_series_added", count(taken.added)),
    ];
    all.into_iter().map(|(name, value)| (target.labels.with(METRIC_NAME, name), Point::float(at, value))).collect()
}

/// The markers that end the samples about a scrape.
fn report_ends(target: &Target, at: Millis) -> Vec<(Labels, Point)> {
    report(target, &Taken::default(), Duration::ZERO, at).into_iter().map(|(labels, _)| stale(labels, at)).collect()
}

/// What a target leaves when it is asked no more: the end of all its series, `up` among them.
#[must_use]
pub fn ends(intake: &mut Intake, target: &Target, at: Millis) -> Vec<(Labels, Point)> {
    let mut all = intake.end(at);
    all.extend(report_ends(target, at));
    all
}
