//! What a watchbook's rules need before they are live: rules are made of its objectives, and every rule is looked at as
//! whoever runs it will. What is bad is taken out of the book and told; whether that refuses the book is for the caller to
//! say.
//!
//! Beyond what a reader of files sees, three things can be bad:
//! - a rule cannot be run, because a template cannot be parsed or a query cannot be kept apart ([`Plan::of`]);
//! - an objective cannot be made into rules ([`crate::slo::generate`]), or has the name of another one;
//! - two files have groups of one name with alerts of one name. Raised signals are named by group and alert
//!   ([`Group::rule_name`]), so that a file may be renamed while an alert fires; the price is that this name is given once.

use std::collections::{BTreeMap, BTreeSet};

use kernel::RuleName;
use kernel::book::Book;
use kernel::book::rules::{Group, LeftOut, Place, Rule, RuleFile};
use kernel::book::slo::{Objectives, Placed};

use crate::alerting::{Broken, Plan};
use crate::slo::{Catalogue, generate};

/// Something that was taken out of a book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// What it does not fulfil.
    pub demand: Demand,
    /// What was taken out, and why.
    pub about: LeftOut,
}

/// What a rule or an objective must fulfil.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// A rule can be run.
    Runs,
    /// A signal's name is given in one file.
    Shared,
    /// An objective can be made into rules, and is given once.
    Objective,
}

impl Demand {
    /// A way out.
    #[must_use]
    pub const fn way_out(self) -> &'static str {
        match self {
            Self::Runs => "`watchkeeper rules check` and `rules test` try a file without the server",
            Self::Shared => "give one of the two groups another name, or put the rules into one file",
            Self::Objective => "`watchkeeper slo generate` shows what becomes of a file",
        }
    }
}

/// Adds the rules of objectives, and takes out what is bad.
pub fn finish(book: &mut Book) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    for file in &mut book.rule_files {
        wrong.extend(runnable(file));
    }
    let (made, bad) = of_objectives(&mut book.objectives);
    book.rule_files.extend(made);
    wrong.extend(bad);
    wrong.extend(shared(&mut book.rule_files));
    let groups = book.rule_files.iter().flat_map(|file| &file.groups);
    book.alerting = groups.flat_map(Group::rule_names).collect();
    wrong
}

/// Takes out the rules of a file that cannot be run.
fn runnable(file: &mut RuleFile) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    for group in &mut file.groups {
        let (_, broken) = Plan::of(&file.path, group);
        let unnamed = group.rules.iter().filter(|rule| is_unnamed(group, rule)).map(|rule| Broken {
            file: file.path.clone(),
            line: rule.at().line,
            group: group.name.clone(),
            rule: rule.name().to_owned(),
            message: "the names of group and alert are longer together than a signal's name may be".to_owned(),
        });
        let broken: Vec<Broken> = broken.into_iter().chain(unnamed).collect();
        let is_bad = |rule: &Rule| broken.iter().any(|bad| bad.line == rule.at().line && bad.rule == rule.name());
        group.rules.retain(|rule| !is_bad(rule));
        wrong.extend(broken.into_iter().map(cannot_run));
    }
    wrong
}

/// Whether a rule raises signals that could not be named.
fn is_unnamed(group: &Group, rule: &Rule) -> bool {
    matches!(rule, Rule::Alerting(rule) if group.rule_name(&rule.alert).is_none())
}

fn cannot_run(Broken { file, line, group, rule, message }: Broken) -> Wrong {
    let about = LeftOut { file, line, what: format!("rule {rule:?} of group {group:?}"), message };
    Wrong { demand: Demand::Runs, about }
}

/// The rules of objectives, a file of rules for each file of objectives. Objectives that are bad are taken out.
fn of_objectives(objectives: &mut Objectives) -> (Vec<RuleFile>, Vec<Wrong>) {
    let mut wrong = Vec::new();
    let mut files: BTreeMap<String, RuleFile> = BTreeMap::new();
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    let mut slos = std::mem::take(&mut objectives.slos);
    slos.retain(|placed| {
        let place = format!("{}:{}", placed.file, placed.line);
        let made = match known.get(&placed.slo.id()) {
            Some(first) => Err(format!("it is given twice, first at {first}")),
            None => groups(placed, objectives),
        };
        match made {
            Ok(groups) => {
                known.insert(placed.slo.id(), place);
                let new = || RuleFile { path: placed.file.clone(), groups: Vec::new() };
                files.entry(placed.file.clone()).or_insert_with(new).groups.extend(groups);
                true
            }
            Err(message) => {
                let what = format!("objective {:?}", placed.slo.id());
                let about = LeftOut { file: placed.file.clone(), line: placed.line, what, message };
                wrong.push(Wrong { demand: Demand::Objective, about });
                false
            }
        }
    });
    objectives.slos = slos;
    (files.into_values().collect(), wrong)
}

/// The groups of one objective, every rule of which can be run.
fn groups(placed: &Placed, objectives: &Objectives) -> Result<Vec<Group>, String> {
    let catalogue = Catalogue { own: objectives.windows.clone(), ..Catalogue::default() };
    let windows = catalogue.of(&placed.slo).map_err(|refusal| refusal.to_string())?;
    let made = generate(&placed.slo, &windows, &objectives.plugins).map_err(|refusal| refusal.to_string())?;
    let at = Place { line: placed.line, column: 1, last_line: placed.line };
    let groups: Vec<Group> = made.into_iter().map(|group| group.placed(at)).collect();
    if groups.iter().any(|group| group.rules.iter().any(|rule| is_unnamed(group, rule))) {
        return Err("its names are too long".to_owned());
    }
    match groups.iter().flat_map(|group| Plan::of(&placed.file, group).1).next() {
        None => Ok(groups),
        Some(broken) => Err(format!("its rule {:?}: {}", broken.rule, broken.message)),
    }
}

/// Takes out the alerting rules whose signals would have the name of those of another file.
fn shared(files: &mut [RuleFile]) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    let mut known: BTreeMap<RuleName, (String, usize)> = BTreeMap::new();
    for RuleFile { path, groups } in files {
        let before: BTreeSet<RuleName> = known.keys().cloned().collect();
        for group in groups {
            let named = Group { name: group.name.clone(), ..Group::default() };
            let name = |rule: &Rule| match rule {
                Rule::Alerting(rule) => named.rule_name(&rule.alert),
                Rule::Recording(_) => None,
            };
            let mut kept = Vec::with_capacity(group.rules.len());
            for rule in std::mem::take(&mut group.rules) {
                let taken = name(&rule).filter(|name| before.contains(name));
                if let Some((file, line)) = taken.as_ref().and_then(|name| known.get(name)) {
                    wrong.push(twice(path, &group.name, &rule, (file, *line)));
                    continue;
                }
                if let Some(name) = name(&rule) {
                    known.entry(name).or_insert_with(|| (path.clone(), rule.at().line));
                }
                kept.push(rule);
            }
            group.rules = kept;
        }
    }
    wrong
}

fn twice(file: &str, group: &str, rule: &Rule, (other, other_line): (&str, usize)) -> Wrong {
    let message = format!("its alerts have the name of those of the group {group:?} at {other}:{other_line}");
    let (line, what) = (rule.at().line, format!("rule {:?} of group {group:?}", rule.name()));
    Wrong { demand: Demand::Shared, about: LeftOut { file: file.to_owned(), line, what, message } }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use kernel::book::rules::{Alerting, Expression, Recording};
    use kernel::book::slo::{Objective, Sli, Slo};

    use super::*;

    fn expr(text: &str) -> Expression {
        Expression { text: text.into(), ..Expression::default() }
    }

    fn alert(name: &str, line: usize, summary: &str) -> Rule {
        let annotations = [("summary".to_owned(), summary.to_owned())].into();
        let at = Place { line, ..Place::default() };
        Rule::Alerting(Alerting { alert: name.into(), at, expr: expr("m > 5"), annotations, ..Alerting::default() })
    }

    fn record(name: &str, line: usize) -> Rule {
        let at = Place { line, ..Place::default() };
        Rule::Recording(Recording { record: name.into(), at, expr: expr("m"), ..Recording::default() })
    }

    fn file(path: &str, rules: Vec<Rule>) -> RuleFile {
        RuleFile { path: path.into(), groups: vec![Group { name: "g".into(), rules, ..Group::default() }] }
    }

    fn slo(name: &str, query: &str) -> Slo {
        Slo {
            service: "shop".into(),
            name: name.into(),
            description: String::new(),
            objective: Objective::percent(99.0).unwrap(),
            period: None,
            labels: BTreeMap::new(),
            info_labels: BTreeMap::new(),
            interval: None,
            form: "prometheus/v1",
            sli: Sli::Ratio(query.into()),
            alerting: kernel::book::slo::Alerting::default(),
            min_events: None,
            dropped: BTreeSet::new(),
        }
    }

    fn placed(file: &str, line: usize, slo: Slo) -> Placed {
        Placed { file: file.into(), line, slo }
    }

    fn told(wrong: &[Wrong]) -> Vec<String> {
        let one = |Wrong { about: LeftOut { file, line, what, message }, .. }: &Wrong| {
            format!("{file}:{line}: {what}: {message}")
        };
        wrong.iter().map(one).collect()
    }

    #[test]
    fn a_template_that_cannot_be_read_takes_out_its_rule_and_no_other() {
        let rules = vec![alert("Good", 3, "fine"), alert("Bad", 7, "{{ $value | nothing }}"), record("r", 9)];
        let mut book = Book { rule_files: vec![file("prometheus/a.yml", rules)], ..Book::default() };
        let wrong = finish(&mut book);
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        assert!(told(&wrong)[0].starts_with("prometheus/a.yml:7: rule \"Bad\" of group \"g\": annotation \"summary\""));
        let names: Vec<&str> = book.rule_files[0].groups[0].rules.iter().map(Rule::name).collect();
        assert_eq!(names, ["Good", "r"]);
        assert_eq!(book.alerting.iter().map(RuleName::as_str).collect::<Vec<_>>(), ["g/Good"]);
    }

    #[test]
    fn one_name_of_signals_in_two_files_is_told_with_both_places() {
        let twice = vec![alert("A", 3, "x"), alert("A", 5, "y")];
        let other = vec![alert("A", 4, "x"), alert("B", 8, "x"), record("A", 9)];
        let rule_files = vec![file("prometheus/a.yml", twice), file("prometheus/b.yml", other)];
        let mut book = Book { rule_files, ..Book::default() };
        assert_eq!(
            told(&finish(&mut book)),
            ["prometheus/b.yml:4: rule \"A\" of group \"g\": its alerts have the name of those of the group \"g\" at \
              prometheus/a.yml:3"]
        );
        assert_eq!(book.rule_files[1].groups[0].rules.len(), 2);
    }

    #[test]
    fn objectives_become_rules_that_stand_where_they_do() {
        let torn = slo("checkout", "rate(bad[{{.window}}");
        let guarded = Slo { min_events: NonZeroU32::new(5), ..slo("guarded", "rate(bad[{{.window}}])") };
        let slos = vec![
            placed("slo/a.yaml", 4, slo("checkout", "rate(bad[{{.window}}])")),
            placed("slo/a.yaml", 20, guarded),
            placed("slo/b.yaml", 2, slo("checkout", "rate(bad[{{.window}}])")),
            placed("slo/b.yaml", 9, Slo { name: "broken".into(), ..torn }),
        ];
        let objectives = Objectives { slos, ..Objectives::default() };
        let mut book = Book { objectives, ..Book::default() };
        let told = told(&finish(&mut book));
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].starts_with("slo/a.yaml:20: objective \"shop-guarded\": `min_events` needs"), "{told:?}");
        assert_eq!(told[1], "slo/b.yaml:2: objective \"shop-checkout\": it is given twice, first at slo/a.yaml:4");
        assert!(told[2].starts_with("slo/b.yaml:9: objective \"shop-broken\": its rule"), "{told:?}");
        assert_eq!(book.objectives.slos.len(), 1);
        let [file] = &book.rule_files[..] else { panic!("{:?}", book.rule_files) };
        let lines: BTreeSet<usize> =
            file.groups.iter().flat_map(|group| &group.rules).map(|rule| rule.at().line).collect();
        assert_eq!((file.path.as_str(), file.groups.len(), lines), ("slo/a.yaml", 3, [4].into()));
        assert_eq!(book.alerting.len(), 1);
    }
}
