//! `score sigma`: the rules of `sigma` over its own regression cases, and over the events of `attack-logs` beside it.
//!
//! `regression_share` is the share of cases whose rule matches an event of its log, and `regression_strict` the share
//! that has the stated number of matches where one is stated. `evtx_share` is the share of the logs that give the same
//! matches as EVTX files, over all rules, as they do as JSON. `precision`, `recall` and `f1` are over (rule, event)
//! pairs of the rules for Windows that the reference knows how to express; the reference asks `process_creation` rules
//! of Sysmon's event 1 only, and so do these. Speeds are events per second of CPU time of the one thread that works:
//! `events_per_cpu_s` from a parsed JSON value to the matches, `events_per_cpu_s_with_parse` from the line.

use super::{Scores, archive};
use serde_json::Value;
use signals::sigma::{AUDIT_PROCESS_CREATION, Event, Filters, Pipeline, Refused, Rule, RuleFile, Rules, Settings};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::Path;

/// A rule's id, a capture and the number of a line in it.
type Pair = (String, String, u64);

/// Runs all of it.
pub fn run(data: &Path) -> Scores {
    let files = archive::files(&data.join("rules.tar.xz"))?;
    let texts: Vec<(&str, String)> = files
        .iter()
        .filter(|(name, _)| name.ends_with(".yml") || name.ends_with(".yaml"))
        .map(|(name, bytes)| (name.as_str(), String::from_utf8_lossy(bytes).into_owned()))
        .collect();
    let pipeline = Pipeline::built_in()?;
    let (rules, refused) = load(&texts, &pipeline);
    refused.iter().for_each(|refused| eprintln!("score sigma: refused: {refused}"));
    let mut scores =
        vec![("rules".to_owned(), rules.iter().len() as f64), ("refused".to_owned(), refused.len() as f64)];
    let cases = fs::read_to_string(data.join("regression_cases.jsonl"))?;
    scores.extend(regression(&cases, &rules)?);
    scores.extend(evtx_files(&data.join("regression_evtx.tar.xz"), &cases, &rules)?);
    let started = cpu_seconds()?;
    let (rules, _) = load(&texts, &pipeline.with_option(AUDIT_PROCESS_CREATION, false));
    scores.push(("load_cpu_s".to_owned(), cpu_seconds()? - started));
    scores.extend(pairs(&data.with_file_name("attack-logs"), &rules)?);
    Ok(scores)
}

fn load(texts: &[(&str, String)], pipeline: &Pipeline) -> (Rules, Vec<Refused>) {
    let files: Vec<RuleFile<'_>> = texts.iter().map(|(name, text)| RuleFile { name, text }).collect();
    // At this time no exception has expired, so all of the corpus is in use.
    Rules::load(&files, &Settings { pipeline, now: jiff::Timestamp::UNIX_EPOCH, filters: Filters::Owned })
}

fn regression(cases: &str, rules: &Rules) -> Scores {
    let (mut all, mut matched, mut exact) = (0.0, 0.0, 0.0);
    for line in cases.lines().filter(|line| !line.trim().is_empty()) {
        let case: Value = serde_json::from_str(line)?;
        let id = case["rule_id"].as_str().ok_or("a case has no rule_id")?;
        let events = case["events"].as_array().ok_or("a case has no events")?;
        let hits =
            |event: &&Value| rules.matches(&Event::new(event)).iter().any(|found| found.rule.id.as_deref() == Some(id));
        let count = events.iter().filter(hits).count() as u64;
        let wanted =
            case["tests"].as_array().into_iter().flatten().filter_map(|test| test["match_count"].as_u64()).next();
        all += 1.0;
        matched += f64::from(u8::from(count > 0));
        let right = wanted.map_or(count > 0, |wanted| wanted == count);
        exact += f64::from(u8::from(right));
        if !right {
            eprintln!("score sigma: case {id} ({}): {count} matches, wanted {wanted:?}", case["title"]);
        }
    }
    Ok(vec![("regression_share".to_owned(), matched / all), ("regression_strict".to_owned(), exact / all)])
}

/// The matches of all rules in the events of a log, in order.
fn all_matches<'e>(rules: &Rules, events: impl Iterator<Item = &'e Value>) -> Vec<Vec<String>> {
    let keys = |event| rules.matches(&Event::new(event)).iter().map(|found| found.rule.key().to_owned()).collect();
    events.map(keys).collect()
}

/// Whether each log gives the same matches as a file and as JSON.
fn evtx_files(archive: &Path, cases: &str, rules: &Rules) -> Scores {
    let mut as_json = BTreeMap::new();
    for line in cases.lines().filter(|line| !line.trim().is_empty()) {
        let case: Value = serde_json::from_str(line)?;
        let mut events = case["events"].as_array().cloned().ok_or("a case has no events")?;
        // One log's JSON was made by a reader that gave a record twice.
        events.dedup();
        as_json.insert(case["rule_id"].as_str().unwrap_or_default().to_owned(), all_matches(rules, events.iter()));
    }
    let (mut same, mut all) = (0.0, 0.0);
    for (name, bytes) in archive::files(archive)? {
        let id = Path::new(&name).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut events = Vec::new();
        let read = connectors::evtx::read(bytes, |event| events.push(Value::Object(event)));
        if let Ok(summary) = &read {
            for reason in &summary.reasons {
                eprintln!("score sigma: {name}: {reason}");
            }
        }
        let agrees = read.is_ok_and(|summary| summary.skipped == 0)
            && as_json.get(&id) == Some(&all_matches(rules, events.iter()));
        all += 1.0;
        same += f64::from(u8::from(agrees));
        if !agrees {
            eprintln!("score sigma: {name} does not give the matches that its JSON gives");
        }
    }
    Ok(vec![("evtx_share".to_owned(), same / all)])
}

fn pairs(data: &Path, rules: &Rules) -> Scores {
    let counted: BTreeSet<&str> =
        rules.iter().filter(|rule| is_counted(rule)).filter_map(|rule| rule.id.as_deref()).collect();
    let mut reported = BTreeSet::new();
    let (mut events, mut matching, mut whole, mut asked) = (0.0, 0.0, 0.0, 0.0);
    for (name, bytes) in archive::files(&data.join("events.tar.xz"))? {
        let capture = Path::new(&name).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
        let values: Vec<Value> = lines.iter().map(|line| serde_json::from_slice(line)).collect::<Result<_, _>>()?;
        let start = cpu_seconds()?;
        let found: Vec<_> = values.iter().map(|value| rules.matches(&Event::new(value))).collect();
        let matched = cpu_seconds()?;
        let texts: Vec<&str> = lines.iter().map(|line| std::str::from_utf8(line)).collect::<Result<_, _>>()?;
        let again = texts.iter().map(|text| Ok(rules.matches(&Event::parse(text)?).len()));
        let counts: Vec<usize> = again.collect::<Result<_, Box<dyn Error>>>()?;
        let end = cpu_seconds()?;
        if !counts.iter().copied().eq(found.iter().map(Vec::len)) {
            return Err(format!("{capture}: events from values and from text do not match the same rules").into());
        }
        (matching, whole) = (matching + matched - start, whole + end - matched);
        events += values.len() as f64;
        asked += values.iter().map(|value| rules.candidates(&Event::new(value)) as f64).sum::<f64>();
        for (line, matches) in (0_u64..).zip(found) {
            let ids =
                matches.iter().filter_map(|found| found.rule.id.clone()).filter(|id| counted.contains(id.as_str()));
            reported.extend(ids.map(|id| (id, capture.clone(), line)));
        }
    }
    let reference = reference(&fs::read_to_string(data.join("reference_matches.json"))?, rules)?;
    let both = reported.intersection(&reference).count() as f64;
    tell(&reported, &reference);
    let (precision, recall) = (both / reported.len() as f64, both / reference.len() as f64);
    Ok(vec![
        ("events".to_owned(), events),
        ("reference_pairs".to_owned(), reference.len() as f64),
        ("reported_pairs".to_owned(), reported.len() as f64),
        ("precision".to_owned(), precision),
        ("recall".to_owned(), recall),
        ("f1".to_owned(), 2.0 * precision * recall / (precision + recall)),
        ("candidates_per_event".to_owned(), asked / events),
        ("events_per_cpu_s".to_owned(), events / matching),
        ("events_per_cpu_s_with_parse".to_owned(), events / whole),
    ])
}

/// Whether the reference can express a rule: it is for Windows, and no keyword without a field and no placeholder is in it.
fn is_counted(rule: &Rule) -> bool {
    rule.product.as_deref() == Some("windows") && rule.waits_for.is_empty() && !rule.has_keywords
}

/// The pairs of the reference whose rule is loaded.
fn reference(text: &str, rules: &Rules) -> Result<BTreeSet<Pair>, Box<dyn Error>> {
    let known: BTreeSet<&str> = rules.iter().filter_map(|rule| rule.id.as_deref()).collect();
    let listed: BTreeMap<String, Vec<(String, u64)>> = serde_json::from_str(text)?;
    let listed = listed.into_iter().filter(|(id, _)| known.contains(id.as_str()));
    let stem = |capture: String| capture.strip_suffix(".jsonl").map(str::to_owned).unwrap_or(capture);
    Ok(listed
        .flat_map(|(id, events)| events.into_iter().map(move |(capture, line)| (id.clone(), stem(capture), line)))
        .collect())
}

/// Names the rules for which the two differ.
fn tell(reported: &BTreeSet<Pair>, reference: &BTreeSet<Pair>) {
    for (what, one, other) in [("too many", reported, reference), ("missed", reference, reported)] {
        let mut by_rule: BTreeMap<&str, Vec<&Pair>> = BTreeMap::new();
        one.difference(other).for_each(|pair| by_rule.entry(&pair.0).or_default().push(pair));
        for (id, pairs) in by_rule {
            let first = pairs.first().map(|(_, capture, line)| format!("{capture}:{line}")).unwrap_or_default();
            eprintln!("score sigma: {what}: {id}: {} pairs, first {first}", pairs.len());
        }
    }
}

/// Seconds of CPU time that this thread has used.
fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds: u64 = text.split_whitespace().next().ok_or("/proc/thread-self/schedstat is empty")?.parse()?;
    Ok(nanoseconds as f64 / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reader of files and the rules are of crates that do not know each other; here they meet.
    #[test]
    fn event_logs_as_files_give_the_matches_that_their_json_gives() {
        let Some(data) = std::env::var_os("WATCHKEEPER_DATA").map(|data| Path::new(&data).join("sigma")) else {
            return println!("skipped: WATCHKEEPER_DATA is not set");
        };
        let (Ok(cases), Ok(files)) =
            (fs::read_to_string(data.join("regression_cases.jsonl")), archive::files(&data.join("rules.tar.xz")))
        else {
            return println!("skipped: there are no regression cases in {}", data.display());
        };
        let texts: Vec<(&str, String)> =
            files.iter().map(|(name, bytes)| (name.as_str(), String::from_utf8_lossy(bytes).into_owned())).collect();
        let (rules, refused) = load(&texts, &Pipeline::built_in().expect("it is read"));
        assert_eq!(refused, []);
        let shares = evtx_files(&data.join("regression_evtx.tar.xz"), &cases, &rules).expect("the logs are read");
        assert_eq!(shares, [("evtx_share".to_owned(), 1.0)]);
    }
}
