//! Burn-rate alerts made of objectives, against those that sloth made of the same files.
//!
//! `exact_share`: of the alerts of `out`, the share for which ours has the same set of (short window, long window,
//! threshold, severity); the threshold is the factor times the error budget, equal within one part in 10^9. Alerts belong
//! together by the `sloth_id` of their query and by `sloth_severity`; a label `severity` of theirs must be ours as well.
//!
//! A plugin's query is not in the files. No alert depends on it, so a query of no meaning stands in for it.

use super::Scores;
use connectors::slo::{Written, check, written_alerts};
use kernel::Seconds;
use kernel::book::slo::{Sli, Slo};
use signals::slo::{Catalogue, Plugins, Rule, generate};
use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

/// The name of the recorded ratios, before the window.
const RATIO: &str = "slo:sli_error:ratio_rate";
/// How much two thresholds may differ, as a share.
const TOLERANCE: f64 = 1e-9;

/// A pair of windows in seconds, and the threshold that both must pass.
type Pair = (Seconds, Seconds, f64);

/// What two alerts must have in common to be compared.
type Key = (String, String);

/// Compares every alert of every file.
pub fn run(data: &Path) -> Scores {
    let (mut total, mut exact) = (0_u32, 0_u32);
    for path in files(&data.join("out"))? {
        let name = path.file_name().ok_or("a file has no name")?;
        let ours = ours(&data.join("in").join(name))?;
        let place = path.display().to_string();
        let theirs = written_alerts(&place, &fs::read(&path)?).map_err(|findings| findings.to_string())?;
        for alert in &theirs {
            total += 1;
            if ours.get(&key(alert)).is_some_and(|own| same(own, alert)) {
                exact += 1;
            } else {
                eprintln!("slo-rules: {place}: `{}` {:?} differs", alert.alert, key(alert));
            }
        }
    }
    if total == 0 {
        return Err("slo-rules: there is no alert in `out`".into());
    }
    Ok(vec![("exact_share".to_owned(), f64::from(exact) / f64::from(total)), ("alerts".to_owned(), f64::from(total))])
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|ending| ending == "yml" || ending == "yaml"));
    files.sort();
    Ok(files)
}

fn key(alert: &Written) -> Key {
    let id = alert.expr.split_once("sloth_id=\"").and_then(|(_, rest)| rest.split_once('"'));
    let severity = alert.labels.get("sloth_severity").cloned().unwrap_or_default();
    (id.map(|(id, _)| id.to_owned()).unwrap_or_default(), severity)
}

/// Our alerts for a file of objectives.
fn ours(path: &Path) -> Result<BTreeMap<Key, Written>, Box<dyn Error>> {
    let place = path.display().to_string();
    let checked = check(&place, &fs::read(path).map_err(|error| format!("{place}: {error}"))?);
    for finding in checked.findings.iter() {
        eprint!("slo-rules: {finding}");
    }
    let catalogue = Catalogue { own: checked.windows, ..Catalogue::default() };
    let mut alerts = BTreeMap::new();
    for found in &checked.slos {
        let groups = catalogue.of(&found.slo).and_then(|windows| generate(&found.slo, &windows, &stand_in(&found.slo)));
        let groups = groups.unwrap_or_else(|refusal| {
            eprintln!("slo-rules: {place}:{}: {refusal}", found.line);
            Vec::new()
        });
        for rule in groups.into_iter().flat_map(|group| group.rules) {
            if let Rule::Alerting { alert, expr, labels, .. } = rule {
                let written = Written { alert, expr, labels };
                alerts.insert(key(&written), written);
            }
        }
    }
    Ok(alerts)
}

fn stand_in(slo: &Slo) -> Plugins {
    match &slo.sli {
        Sli::Plugin { id, .. } => Plugins::from([(id.clone(), "sum_over_time(unknown[{{.window}}])".to_owned())]),
        _ => Plugins::new(),
    }
}

fn same(ours: &Written, theirs: &Written) -> bool {
    let severity = theirs.labels.get("severity").is_none_or(|word| ours.labels.get("severity") == Some(word));
    let (Some(a), Some(b)) = (pairs(&ours.expr), pairs(&theirs.expr)) else { return false };
    let near = |(a, b): (&Pair, &Pair)| a.0 == b.0 && a.1 == b.1 && (a.2 - b.2).abs() <= TOLERANCE * b.2.abs();
    severity && a.len() == b.len() && a.iter().zip(&b).all(near)
}

/// The pairs of an alert's query, sorted; `None` when it has another form.
fn pairs(expr: &str) -> Option<Vec<Pair>> {
    let mut conditions = Vec::new();
    for part in expr.split(RATIO).skip(1) {
        let (window, rest) = part.split_once('{')?;
        let (_, threshold) = rest.split_once("> (")?;
        let (factor, budget) = threshold.split_once(')')?.0.split_once('*')?;
        let product = factor.trim().parse::<f64>().ok()? * budget.trim().parse::<f64>().ok()?;
        conditions.push((window.parse::<Seconds>().ok()?, product));
    }
    let paired = |pair: &[(Seconds, f64)]| match pair {
        [(short, a), (long, b)] if short < long && a == b => Some((*short, *long, *a)),
        _ => None,
    };
    let mut pairs = conditions.chunks(2).map(paired).collect::<Option<Vec<Pair>>>()?;
    pairs.sort_by_key(|pair| (pair.0, pair.1));
    (!pairs.is_empty()).then_some(pairs)
}
