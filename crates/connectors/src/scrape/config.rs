//! Reads scrape jobs as Prometheus' files have them: a list under `scrape_configs`, with `global` before it where wanted.
//! What Watchkeeper does not do is refused by its name; everything that is wrong is told at once.

use std::collections::BTreeMap;
use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use kernel::book::scrape::{Asking, INTERVAL, Scheme, ScrapeJob, ScrapeLimits, TIMEOUT, TargetFiles, TargetGroup};

use super::login;
use super::target::INTERVAL_MIN;
use super::{demand, steps};
use crate::rules::field::{Entries, duration_of, flag_of, given, labels_of, list_of, refuse, text_of, texts_of};
use crate::rules::with_tree;
use crate::watchbook::Findings;
use crate::watchbook::shape::Reader;
use crate::watchbook::yaml::{Key, Node, Value};

/// The most jobs of one file.
const JOBS_MAX: usize = 1_000;
/// How often files of targets are read again where nothing says how often.
const REFRESH: Duration = Duration::from_secs(300);

const ROOT_KEYS: [&str; 2] = ["global", "scrape_configs"];
const GLOBAL_KEYS: [&str; 8] = [
    "scrape_interval",
    "scrape_timeout",
    "sample_limit",
    "label_limit",
    "label_name_length_limit",
    "label_value_length_limit",
    "body_size_limit",
    "target_limit",
];
const JOB_KEYS: [&str; 22] = [
    "job_name",
    "scrape_interval",
    "scrape_timeout",
    "metrics_path",
    "scheme",
    "params",
    "basic_auth",
    "authorization",
    "tls_config",
    "follow_redirects",
    "honor_labels",
    "honor_timestamps",
    "static_configs",
    "file_sd_configs",
    "relabel_configs",
    "metric_relabel_configs",
    "sample_limit",
    "label_limit",
    "label_name_length_limit",
    "label_value_length_limit",
    "body_size_limit",
    "target_limit",
];
/// What Prometheus knows and a job here cannot have, with a way out. Every other `*_sd_configs` is among them.
const NOT_DONE: [(&str, &str); 11] = [
    ("bearer_token", "put the token into a file and name it by `authorization: { credentials_file: PATH }`"),
    ("bearer_token_file", "write `authorization: { credentials_file: PATH }`"),
    ("oauth2", "let a file hold a token that something else renews, and name it by `authorization`"),
    ("proxy_url", "let the host of Watchkeeper reach the target"),
    ("proxy_from_environment", "let the host of Watchkeeper reach the target"),
    ("enable_http2", "take it out: HTTP/1.1 is spoken"),
    ("enable_compression", "take it out: answers may come packed by gzip"),
    ("scrape_classic_histograms", "take it out: classic histograms are what is read"),
    ("always_scrape_classic_histograms", "take it out: classic histograms are what is read"),
    ("scrape_protocols", "take it out: Prometheus' text and OpenMetrics are read"),
    ("native_histogram_bucket_limit", "take it out: native histograms come in by remote write or OTLP"),
];

/// What came of reading a file.
#[derive(Debug)]
pub struct Checked {
    /// The jobs, those that can be read.
    pub jobs: Vec<(ScrapeJob, usize)>,
    /// Everything that is wrong.
    pub findings: Findings,
}

/// Reads the scrape jobs of a file, each with its line. `taken` are the names of other files' jobs.
#[must_use]
pub fn check(path: &str, bytes: &[u8], taken: &BTreeMap<String, String>) -> Checked {
    let (jobs, findings) = with_tree(path, bytes, |root, reader| file(root, taken, reader));
    Checked { jobs: jobs.unwrap_or_default(), findings }
}

fn file(root: &Node, taken: &BTreeMap<String, String>, reader: &mut Reader<'_>) -> Vec<(ScrapeJob, usize)> {
    let entries = reader.keys(root, &ROOT_KEYS).unwrap_or_default();
    let global = given(entries, "global").and_then(|node| reader.keys(node, &GLOBAL_KEYS)).unwrap_or_default();
    let mut names: BTreeMap<String, String> = taken.clone();
    let mut jobs = Vec::new();
    let nodes = list_of(entries, "scrape_configs", reader);
    if let Some(first) = nodes.get(JOBS_MAX) {
        let message = format!("there are {} jobs, of at most {JOBS_MAX} in a file", nodes.len());
        let hint = "put the other jobs into files of the folder scrape/";
        refuse(first.at, &demand::TOO_MUCH, message, hint, reader);
    }
    for node in nodes.iter().take(JOBS_MAX) {
        let Some(job) = job(node, global, reader) else { continue };
        let here = format!("line {}", node.at.line);
        if let Some(first) = names.insert(job.name.clone(), here) {
            let message = format!("the job `{}` is there twice, first on {first}", job.name);
            refuse(node.at, &demand::JOB_NAME, message, "give one of them another name", reader);
        }
        jobs.push((job, node.at.line));
    }
    jobs
}

fn job(node: &Node, global: &Entries, reader: &mut Reader<'_>) -> Option<ScrapeJob> {
    let all = reader.map(node)?;
    let before = reader.notes.len();
    refuse_undone(all, reader);
    let entries: Vec<(Key, Node)> = all.iter().filter(|(key, _)| !is_undone(&key.text)).cloned().collect();
    let known = Node { at: node.at, last_line: node.last_line, value: Value::Map(entries) };
    let entries = reader.keys(&known, &JOB_KEYS)?;
    let (interval, timeout) = times(node, entries, global, reader);
    // Relabeling may make an address of anything, so only what is asked in the end is looked at then.
    let relabeled = given(entries, "relabel_configs")
        .is_some_and(|node| !matches!(&node.value, Value::List(steps) if steps.is_empty()));
    let groups = list_of(entries, "static_configs", reader);
    let job = ScrapeJob {
        name: name(node, entries, reader),
        interval,
        timeout,
        ask: asking(node, entries, reader),
        honor_labels: flag_of(entries, "honor_labels", reader),
        honor_timestamps: given(entries, "honor_timestamps").is_none() || flag_of(entries, "honor_timestamps", reader),
        targets: groups.iter().filter_map(|node| group(node, relabeled, reader)).collect(),
        files: list_of(entries, "file_sd_configs", reader).iter().filter_map(|node| files(node, reader)).collect(),
        relabel: steps::read(entries, "relabel_configs", reader),
        metric_relabel: steps::read(entries, "metric_relabel_configs", reader),
        limits: limits(entries, global, reader),
    };
    (reader.notes.len() == before).then_some(job)
}

fn is_undone(key: &str) -> bool {
    NOT_DONE.iter().any(|(name, _)| *name == key) || (key.ends_with("_sd_configs") && key != "file_sd_configs")
}

fn refuse_undone(entries: &Entries, reader: &mut Reader<'_>) {
    for (key, _) in entries.iter().filter(|(key, _)| is_undone(&key.text)) {
        let known = NOT_DONE.iter().find(|(name, _)| *name == key.text).map(|(_, hint)| *hint);
        let hint = known.unwrap_or("let a program write the targets into a file, and name it under `file_sd_configs`");
        refuse(key.at, &demand::NOT_DONE, format!("Watchkeeper has no `{}`", key.text), hint, reader);
    }
    let follows = given(entries, "follow_redirects").filter(|_| flag_of(entries, "follow_redirects", reader));
    if let Some(node) = follows {
        let hint = "write the address to which the target redirects, and take this out";
        refuse(node.at, &demand::NOT_DONE, "redirects are not followed".to_owned(), hint, reader);
    }
}

fn name(node: &Node, entries: &Entries, reader: &mut Reader<'_>) -> String {
    let name = text_of(entries, "job_name", reader);
    if name.is_empty() {
        refuse(node.at, &demand::JOB_NAME, "this job has no name".to_owned(), "add `job_name:`", reader);
    }
    name
}

/// The value of a job, else that of all jobs.
fn or_global<'n>(entries: &'n Entries, global: &'n Entries, key: &str) -> &'n Entries {
    if given(entries, key).is_some() { entries } else { global }
}

fn times(node: &Node, entries: &Entries, global: &Entries, reader: &mut Reader<'_>) -> (Duration, Duration) {
    let mut of = |key| duration_of(or_global(entries, global, key), key, reader);
    let (interval, timeout) = (of("scrape_interval").unwrap_or(INTERVAL), of("scrape_timeout"));
    // As in Prometheus, the usual timeout gives way to a short interval; one that somebody wrote does not.
    let timeout = timeout.unwrap_or(TIMEOUT.min(interval));
    if interval < INTERVAL_MIN || timeout > interval || timeout.is_zero() {
        let message = format!("the interval is {interval:?} and the timeout {timeout:?}");
        let hint = "an interval is at least 1s, a timeout above zero and at most the interval";
        refuse(node.at, &demand::TIMES, message, hint, reader);
    }
    (interval, timeout)
}

fn asking(node: &Node, entries: &Entries, reader: &mut Reader<'_>) -> Asking {
    let path = text_of(entries, "metrics_path", reader);
    Asking {
        scheme: scheme(entries, reader),
        path: if path.is_empty() { "/metrics".to_owned() } else { path },
        params: params(entries, reader),
        login: login::login(node, entries, reader),
        tls: login::tls(entries, reader),
    }
}

fn scheme(entries: &Entries, reader: &mut Reader<'_>) -> Scheme {
    match text_of(entries, "scheme", reader).as_str() {
        "" | "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => {
            let at = given(entries, "scheme").map_or_else(|| crate::watchbook::finding::Spot::top(0), |node| node.at);
            let message = format!("`{other}` is not a scheme");
            refuse(at, &crate::watchbook::rule::WORD, message, "write http or https", reader);
            Scheme::Http
        }
    }
}

fn params(entries: &Entries, reader: &mut Reader<'_>) -> BTreeMap<String, Vec<String>> {
    let Some(all) = given(entries, "params").and_then(|node| reader.map(node)) else { return BTreeMap::new() };
    all.iter().map(|(key, _)| (key.text.clone(), texts_of(all, &key.text, reader))).collect()
}

fn group(node: &Node, relabeled: bool, reader: &mut Reader<'_>) -> Option<TargetGroup> {
    let entries = reader.keys(node, &["targets", "labels"])?;
    let group = target_group(entries, reader);
    let at = given(entries, "targets").map(|node| node.at).filter(|_| !relabeled);
    for target in group.targets.iter().filter(|target| target.is_empty() || target.contains(['/', '@', '?', '#', ' ']))
    {
        let Some(at) = at else { continue };
        let hint = "write host:port; the scheme and the path have keys of their own, and `relabel_configs` may make an \
                    address of something else";
        refuse(at, &demand::ADDRESS, format!("`{target}` is not a target"), hint, reader);
    }
    Some(group)
}

/// Targets and their labels, in a job or in a file of targets. Whether each can be asked is seen when it was relabeled.
pub(super) fn target_group(entries: &Entries, reader: &mut Reader<'_>) -> TargetGroup {
    TargetGroup { targets: texts_of(entries, "targets", reader), labels: labels_of(entries, "labels", reader) }
}

fn files(node: &Node, reader: &mut Reader<'_>) -> Option<TargetFiles> {
    let entries = reader.keys(node, &["files", "refresh_interval"])?;
    let patterns = texts_of(entries, "files", reader);
    let refresh = duration_of(entries, "refresh_interval", reader).unwrap_or(REFRESH);
    for pattern in &patterns {
        let (folder, file) = pattern.rsplit_once('/').unwrap_or(("", pattern));
        let ends = [".json", ".yml", ".yaml"].iter().any(|end| file.ends_with(end));
        if !ends || folder.contains('*') {
            let message = format!("`{pattern}` does not name files of targets");
            refuse(node.at, &demand::FILES, message, "write targets/*.json", reader);
        }
    }
    Some(TargetFiles { patterns, refresh: refresh.max(INTERVAL_MIN) })
}

fn limits(entries: &Entries, global: &Entries, reader: &mut Reader<'_>) -> ScrapeLimits {
    let mut of = |key| count(or_global(entries, global, key), key, reader);
    ScrapeLimits {
        targets: of("target_limit"),
        samples: of("sample_limit"),
        labels: of("label_limit"),
        label_name: of("label_name_length_limit"),
        label_value: of("label_value_length_limit"),
        body: size(or_global(entries, global, "body_size_limit"), reader),
    }
}

/// A number of things; zero and nothing are no limit.
fn count(entries: &Entries, key: &str, reader: &mut Reader<'_>) -> Option<NonZeroUsize> {
    let node = given(entries, key)?;
    let written = text_of(entries, key, reader);
    match written.parse::<usize>() {
        Ok(number) => NonZeroUsize::new(number),
        Err(_) => {
            let message = format!("`{written}` is not a number for `{key}`");
            refuse(node.at, &crate::watchbook::rule::NUMBER, message, "write a whole number; 0 is no limit", reader);
            None
        }
    }
}

/// Units of sizes, the longest first. As in Prometheus, all are powers of 1024.
const UNITS: [(&str, u32); 11] = [
    ("KiB", 10),
    ("MiB", 20),
    ("GiB", 30),
    ("KB", 10),
    ("MB", 20),
    ("GB", 30),
    ("K", 10),
    ("M", 20),
    ("G", 30),
    ("B", 0),
    ("", 0),
];

fn size(entries: &Entries, reader: &mut Reader<'_>) -> Option<NonZeroU64> {
    let node = given(entries, "body_size_limit")?;
    let written = text_of(entries, "body_size_limit", reader);
    match bytes(&written) {
        Some(bytes) => NonZeroU64::new(bytes),
        None => {
            let message = format!("`{written}` is not a size");
            refuse(node.at, &demand::SIZE, message, "write 512KB, 10MB or 1GB; 0 is the usual limit", reader);
            None
        }
    }
}

/// How many bytes a size is, such as `512KB`, `10MB` or `1GiB`; `None` where it is none.
#[must_use]
pub fn bytes(written: &str) -> Option<u64> {
    let (number, power) = UNITS.iter().find_map(|(unit, power)| Some((written.strip_suffix(unit)?, *power)))?;
    number.trim().parse::<u64>().ok()?.checked_mul(1 << power)
}
