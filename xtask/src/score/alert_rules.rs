//! `score alert-rules`: rule files of many products loaded as they are, their expressions parsed, their annotations rendered.
//!
//! `files`, `expressions` and `annotations` are shares of all there are; a rule that is refused counts as an expression that
//! is not parsed. Annotations are rendered for a made-up series with a few labels.

use super::{Scores, archive};
use connectors::rules;
use kernel::book::rules::{Rule, RuleFile};
use promql::{Labels, Series, SeriesSource, SourceFailure, Wanted};
use signals::alerting::{Plan, Planned, Setting, annotations_of};
use std::path::Path;

/// How many good of how many.
#[derive(Default)]
struct Share {
    good: u32,
    all: u32,
}

impl Share {
    fn add(&mut self, good: bool) {
        self.all += 1;
        self.good += u32::from(good);
    }

    fn value(&self) -> f64 {
        if self.all == 0 { 0.0 } else { f64::from(self.good) / f64::from(self.all) }
    }
}

/// Loads every rule file in the archives of `data`.
pub fn run(data: &Path) -> Scores {
    let (mut files, mut expressions, mut annotations) = (Share::default(), Share::default(), Share::default());
    for entry in std::fs::read_dir(data)? {
        let path = entry?.path();
        if !path.to_string_lossy().ends_with(".tar.xz") {
            continue;
        }
        for (name, bytes) in archive::files(&path)? {
            if !name.ends_with(".yml") && !name.ends_with(".yaml") {
                continue;
            }
            let checked = rules::check(&name, &bytes);
            files.add(checked.findings.is_empty());
            checked.findings.iter().for_each(|finding| eprintln!("score alert-rules: {finding}"));
            checked.refused.iter().for_each(|_| expressions.add(false));
            if let Ok((file, _)) = checked.rest() {
                count(&file, &mut expressions, &mut annotations);
            }
        }
    }
    Ok(vec![
        ("files".to_owned(), files.value()),
        ("expressions".to_owned(), expressions.value()),
        ("annotations".to_owned(), annotations.value()),
    ])
}

/// A source without series.
struct Nothing;

impl SeriesSource for Nothing {
    fn select(&self, _: Wanted<'_>) -> Result<Vec<Series>, SourceFailure> {
        Ok(Vec::new())
    }
}

fn count(file: &RuleFile, expressions: &mut Share, annotations: &mut Share) {
    let sample = Labels::from_pairs([("__name__", "metric"), ("instance", "host:9100"), ("job", "node")]);
    for group in &file.groups {
        let (plan, broken) = Plan::of(&file.path, group);
        broken.iter().for_each(|broken| eprintln!("score alert-rules: {broken}"));
        plan.rules.iter().for_each(|_| expressions.add(true));
        for rule in &group.rules {
            let Rule::Alerting(rule) = rule else { continue };
            let planned = plan.rules.iter().find(|planned| planned.name() == rule.alert);
            let rendered = match planned {
                Some(Planned::Alert(planned)) => annotations_of(planned, &sample, 0.5, &Setting::default(), &Nothing),
                _ => Vec::new(),
            };
            for name in rule.annotations.keys() {
                let text = rendered.iter().find(|(known, _)| known == name);
                let good = text.is_some_and(|(_, text)| !text.contains("<error expanding template"));
                if !good {
                    eprintln!("score alert-rules: {}:{}: {name} of {}: {text:?}", file.path, rule.at.line, rule.alert);
                }
                annotations.add(good);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_file_loads_and_renders() {
        let Some(data) = std::env::var_os("WATCHKEEPER_DATA") else {
            println!("skipped: WATCHKEEPER_DATA is not set");
            return;
        };
        let scores = run(&Path::new(&data).join("alert-rules")).unwrap();
        assert!(scores.iter().all(|(_, share)| *share >= 1.0), "{scores:?}");
    }
}
