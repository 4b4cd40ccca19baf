//! From a job and its groups to targets: labels are put together, relabeled, and become an address. Prometheus' rules.

use std::time::Duration;

use kernel::book::scrape::{ScrapeJob, TARGETS_MAX, TargetGroup};
use promql::Labels;
use reqwest::Url;
use sha2::{Digest as _, Sha256};

use super::relabel::{LabelSet, relabel};
use crate::rules::duration;

const ADDRESS: &str = "__address__";
const SCHEME: &str = "__scheme__";
const PATH: &str = "__metrics_path__";
const INTERVAL: &str = "__scrape_interval__";
const TIMEOUT: &str = "__scrape_timeout__";
const PARAM: &str = "__param_";
/// What labels begin with that are only for relabeling.
const HIDDEN: &str = "__";
const INSTANCE: &str = "instance";
/// The shortest interval.
pub(super) const INTERVAL_MIN: Duration = Duration::from_secs(1);

/// What is asked. Two with the same [`Target::key`] are one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its job.
    pub job: String,
    /// Its address.
    pub url: String,
    /// The labels of its series.
    pub labels: Labels,
    /// Its labels before they were relabeled.
    pub discovered: Labels,
    /// How often.
    pub interval: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
}

/// What a target is known by: its job, its address and the labels of its series. How often it is asked, and what it was
/// called before it was relabeled, may change while it stays the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TargetKey {
    /// Its job.
    pub job: String,
    /// Its address.
    pub url: String,
    /// The labels of its series.
    pub labels: Labels,
}

/// What became of something that a job names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It is asked.
    Target(Target),
    /// Relabeling dropped it.
    Dropped(Labels),
    /// It cannot be asked.
    Wrong(Labels, String),
}

/// What a job's groups come to, each target once. What is above the job's limit of targets is left out with that reason.
#[must_use]
pub fn find(job: &ScrapeJob, groups: &[TargetGroup]) -> Vec<Found> {
    let max = job.limits.targets.map_or(TARGETS_MAX, |most| most.get().min(TARGETS_MAX));
    let mut known = std::collections::BTreeSet::new();
    let mut all = Vec::new();
    for (group, address) in groups.iter().flat_map(|group| group.targets.iter().map(move |target| (group, target))) {
        let before = discovered(job, group, address);
        let shown = labels(&before);
        let found = match relabel(before, &job.relabel) {
            None => Found::Dropped(shown),
            Some(after) => match target(job, after, shown.clone()) {
                Ok(target) if known.contains(&target.key()) => continue,
                Ok(_) if known.len() >= max => Found::Wrong(shown, format!("the job has more than {max} targets")),
                Ok(target) => {
                    known.insert(target.key());
                    Found::Target(target)
                }
                Err(why) => Found::Wrong(shown, why),
            },
        };
        all.push(found);
    }
    all
}

fn discovered(job: &ScrapeJob, group: &TargetGroup, address: &str) -> LabelSet {
    let mut labels = LabelSet::default();
    labels.set("job", job.name.clone());
    labels.set(INTERVAL, written(job.interval));
    labels.set(TIMEOUT, written(job.timeout));
    labels.set(PATH, job.ask.path.clone());
    labels.set(SCHEME, job.ask.scheme.as_str().to_owned());
    for (name, values) in &job.ask.params {
        labels.set(&format!("{PARAM}{name}"), values.first().cloned().unwrap_or_default());
    }
    group.labels.iter().for_each(|(name, value)| labels.set(name, value.clone()));
    labels.set(ADDRESS, address.to_owned());
    labels
}

fn target(job: &ScrapeJob, mut after: LabelSet, discovered: Labels) -> Result<Target, String> {
    let address = with_port(after.get(ADDRESS), after.get(SCHEME))?;
    after.set(ADDRESS, address.clone());
    let (interval, timeout) = (span(after.get(INTERVAL), "interval")?, span(after.get(TIMEOUT), "timeout")?);
    if interval < INTERVAL_MIN {
        return Err(format!("its interval is {interval:?}; the shortest is {INTERVAL_MIN:?}"));
    }
    if timeout > interval || timeout.is_zero() {
        return Err("its timeout is zero or longer than its interval".to_owned());
    }
    let url = url(job, &after, &address)?;
    if after.get(INSTANCE).is_empty() {
        after.set(INSTANCE, address);
    }
    after.0.retain(|name, _| !name.starts_with(HIDDEN));
    Ok(Target { job: job.name.clone(), url, labels: labels(&after), discovered, interval, timeout })
}

fn labels(set: &LabelSet) -> Labels {
    Labels::from_pairs(set.0.iter())
}

/// An address with the port of its scheme where it has none.
fn with_port(address: &str, scheme: &str) -> Result<String, String> {
    if address.is_empty() {
        return Err("it has no address".to_owned());
    }
    if address.contains(['/', '@', '?', '#']) || address.contains(char::is_whitespace) {
        return Err(format!("{address:?} is not host:port"));
    }
    let port = match scheme {
        "http" => "80",
        "https" => "443",
        other => return Err(format!("{other:?} is not a scheme that targets are asked by")),
    };
    let host = address.rsplit_once(']').map_or(address, |(_, after)| after);
    let bare = address.starts_with('[') || host.matches(':').count() <= 1;
    match (host.contains(':'), bare) {
        (true, true) => Ok(address.to_owned()),
        (false, _) => Ok(format!("{address}:{port}")),
        (true, false) => Err(format!("{address:?} is an IPv6 address: write it in brackets")),
    }
}

fn url(job: &ScrapeJob, labels: &LabelSet, address: &str) -> Result<String, String> {
    let base = format!("{}://{address}{}", labels.get(SCHEME), labels.get(PATH));
    let mut url = Url::parse(&base).map_err(|error| format!("{base:?} is no address: {error}"))?;
    let mut params = job.ask.params.clone();
    for (name, value) in labels.0.iter().filter_map(|(name, value)| Some((name.strip_prefix(PARAM)?, value))) {
        match params.entry(name.to_owned()).or_default().first_mut() {
            Some(first) => first.clone_from(value),
            None => drop(params.insert(name.to_owned(), vec![value.clone()])),
        }
    }
    let pairs = params.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
    let mut pairs = pairs.peekable();
    if pairs.peek().is_some() {
        url.query_pairs_mut().extend_pairs(pairs);
    }
    Ok(url.into())
}

fn span(text: &str, what: &str) -> Result<Duration, String> {
    duration::parse(text).ok_or_else(|| format!("{text:?} is not a duration for its {what}"))
}

/// A duration as Prometheus writes it, in whole milliseconds.
fn written(span: Duration) -> String {
    let millis = span.as_millis();
    match (millis % 1000, millis / 1000) {
        (0, seconds) if seconds % 3600 == 0 && seconds > 0 => format!("{}h", seconds / 3600),
        (0, seconds) if seconds % 60 == 0 && seconds > 0 => format!("{}m", seconds / 60),
        (0, seconds) => format!("{seconds}s"),
        _ => format!("{millis}ms"),
    }
}

impl Target {
    /// What it is known by.
    #[must_use]
    pub fn key(&self) -> TargetKey {
        TargetKey { job: self.job.clone(), url: self.url.clone(), labels: self.labels.clone() }
    }

    /// How far into its interval it is asked, so that not all targets are asked at once: the same after every start.
    #[must_use]
    pub fn offset(&self) -> Duration {
        let digest = Sha256::digest(format!("{}{}", self.url, self.labels).as_bytes());
        let number = digest.iter().take(8).fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        let interval = u64::try_from(self.interval.as_millis()).unwrap_or(u64::MAX).max(1);
        Duration::from_millis(number % interval)
    }

    /// The next instant at which it is asked, after one, in milliseconds since 1970.
    #[must_use]
    pub fn next_after(&self, at: i64) -> i64 {
        let interval = i64::try_from(self.interval.as_millis()).unwrap_or(i64::MAX).max(1);
        let offset = i64::try_from(self.offset().as_millis()).unwrap_or(0);
        let since = at.saturating_sub(offset).rem_euclid(interval);
        at.saturating_add(interval - since)
    }
}
