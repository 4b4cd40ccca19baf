//! `sigma.yaml`: how the matches of Sigma rules are handled. The rules themselves are read elsewhere, as they are; what is
//! wrong with them is told here, in the words of a watchbook.

use std::collections::BTreeMap;

use kernel::book::sigma::{Bar, Baseline, Handling, LATENESS, LogSource, QUIET, RuleHandling, Severities, Sigma};
use kernel::{Labels, RuleName, Seconds};
use serde_json::json;

use super::finding::{Findings, Note, Spot};
use super::kinds::LabelText;
use super::rule;
use super::scalars::{Span, Whole, refuse};
use super::shape::{Defs, Filled, Reader, Shape, shape};
use super::yaml::Node;
use super::{Checked, Level};

/// The word for matches that are only shown.
const NONE: &str = "none";
/// How long a scope only learns, when a baseline does not say.
const LEARN: Seconds = Seconds::hours(7 * 24);
/// After how long a combination is forgotten, when a baseline does not say.
const FORGET: Seconds = Seconds::hours(90 * 24);

shape! {
    /// How the matches of the Sigma rules in `sigma/` are handled.
    SigmaFile {
        /// How late an event may be and still count in correlations. Default: 5m.
        "lateness" lateness: Option<Seconds>,
        /// After how long without a match a raised signal clears. Default: 1h.
        "quiet" quiet: Option<Span>,
        /// From when on a rule is asked to be tuned, and pages nobody.
        "precision" precision: Option<BarFile>,
        /// The label `severity` of each of Sigma's levels; `none` only shows them.
        "severities" severities: Option<SeveritiesFile>,
        /// Labels added to every alert.
        "labels" labels: Labels,
        /// Which events come from which log source, where they do not say it themselves. The first that fits counts.
        "sources" sources: Vec<SourceFile>,
        /// What single rules say otherwise, by id, name or title.
        "rules" rules: ByText<RuleHandlingFile>,
        /// What is usual, so that what is not raises a signal, by the baseline's name.
        "baselines" baselines: ByText<BaselineFile>,
    }
}

shape! {
    /// From when on a rule is asked to be tuned: when fewer of its alerts were right than this says.
    BarFile {
        /// The lowest share of right alerts with which a rule may page, in percent. Default: 30.
        "at_least" at_least: Option<Whole<0, 100>>,
        /// How many verdicts it takes before the share counts. Default: 10.
        "after" after: Option<Whole<1, 100>>,
    }
}

shape! {
    /// The label `severity` for each of Sigma's levels.
    SeveritiesFile {
        /// Default: critical.
        "critical" critical: Option<String>,
        /// Default: warning.
        "high" high: Option<String>,
        /// Default: info.
        "medium" medium: Option<String>,
        /// Default: none.
        "low" low: Option<String>,
        /// Default: none.
        "informational" informational: Option<String>,
    }
}

shape! {
    /// The words of a log source, and the events that come from it.
    SourceFile {
        /// The fields that an event must have and their values, without case; all of them.
        "when" when: ByText<LabelText>,
        /// The product, such as `linux`.
        "product" product: Option<String>,
        /// The service, such as `sshd`.
        "service" service: Option<String>,
        /// The category, such as `process_creation`.
        "category" category: Option<String>,
    }
}

shape! {
    /// What one rule says otherwise.
    RuleHandlingFile {
        /// `shadow` puts it on trial: its matches are shown and judged, and page nobody. Default: live.
        "mode" mode: Option<ModeWord>,
        /// The label `severity` of its alerts. Default: by its level.
        "severity" severity: Option<String>,
        /// After how long without a match its signals clear. Default: as said for all.
        "quiet" quiet: Option<Span>,
        /// The fields whose values tell one signal of it from another. Default: the host.
        "by" by: Option<Vec<String>>,
        /// Labels added to its alerts.
        "labels" labels: Labels,
        /// From when on it is asked to be tuned. Default: as said for all.
        "precision" precision: Option<BarFile>,
    }
}

shape! {
    /// What is usual within a scope, so that what is not raises a signal.
    BaselineFile {
        /// What its alerts are called.
        "title" title: String,
        /// The rule, by id, name or title, whose matches are counted. Default: every event that has the fields.
        "rule" rule: Option<String>,
        /// The fields that name a scope, such as a host or a user.
        "scope" scope: Filled<String>,
        /// The fields whose values are counted within a scope.
        "of" of: Filled<String>,
        /// How long a scope only learns. Default: 7d.
        "learn" learn: Option<Seconds>,
        /// Up to which count a combination is rare. Default: 0, which tells only of what was never seen.
        "rare_up_to" rare_up_to: Option<Whole<0, 100>>,
        /// After how long without being seen a combination is forgotten. Default: 90d.
        "forget" forget: Option<Span>,
        /// How its findings are handled.
        "handling" handling: Option<RuleHandlingFile>,
    }
}

/// Whether a rule is on trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ModeWord {
    Live,
    Shadow,
}

impl Shape for ModeWord {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match reader.text(node)? {
            "live" => Some(Self::Live),
            "shadow" => Some(Self::Shadow),
            other => {
                refuse(node, reader, &rule::WORD, format!("`{other}` is not live or shadow"), "write live or shadow")
            }
        }
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "enum": ["live", "shadow"] })
    }
}

/// A map whose keys are any texts, such as ids of rules or names of fields.
#[derive(Debug)]
pub(crate) struct ByText<T>(BTreeMap<String, T>);

impl<T: Shape> Shape for ByText<T> {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        // Every value is read before any failure counts, so that each leaves its note.
        let entries: Vec<Option<(String, T)>> = reader
            .map(node)?
            .iter()
            .map(|(key, value)| T::read(value, reader).map(|value| (key.text.clone(), value)))
            .collect();
        entries.into_iter().collect::<Option<BTreeMap<_, _>>>().map(Self)
    }

    fn absent() -> Option<Self> {
        Some(Self(BTreeMap::new()))
    }

    fn schema(defs: &mut Defs) -> serde_json::Value {
        json!({ "type": "object", "additionalProperties": T::schema(defs) })
    }
}

/// What the file says, with what it leaves out filled in.
pub(super) fn handling(file: SigmaFile) -> Handling {
    let precision = bar(file.precision, Bar::default());
    let source = |source: SourceFile| LogSource {
        when: source.when.0.into_iter().map(|(field, LabelText(value))| (field, value)).collect(),
        product: source.product.unwrap_or_default(),
        service: source.service.unwrap_or_default(),
        category: source.category.unwrap_or_default(),
    };
    let rules = file.rules.0.into_iter().map(|(name, said)| (name, rule_handling(said, precision)));
    let baselines = file.baselines.0.into_iter().map(|(name, said)| (name, baseline(said, precision)));
    Handling {
        lateness: file.lateness.unwrap_or(LATENESS),
        quiet: file.quiet.map_or(QUIET, |Span(quiet)| quiet),
        precision,
        severities: severities(file.severities),
        labels: pairs(&file.labels),
        sources: file.sources.into_iter().map(source).collect(),
        rules: rules.collect(),
        baselines: baselines.collect(),
    }
}

fn bar(file: Option<BarFile>, otherwise: Bar) -> Bar {
    let Some(BarFile { at_least, after }) = file else { return otherwise };
    Bar {
        at_least: at_least.map_or(otherwise.at_least, |Whole(percent)| percent),
        after: after.map_or(otherwise.after, |Whole(count)| count),
    }
}

fn severities(file: Option<SeveritiesFile>) -> Severities {
    let usual = Severities::default();
    let Some(file) = file else { return usual };
    let said = |said: Option<String>, usual: Option<String>| match said.as_deref() {
        Some(NONE) => None,
        Some(_) => said,
        None => usual,
    };
    Severities {
        critical: said(file.critical, usual.critical),
        high: said(file.high, usual.high),
        medium: said(file.medium, usual.medium),
        low: said(file.low, usual.low),
        informational: said(file.informational, usual.informational),
    }
}

fn rule_handling(file: RuleHandlingFile, precision: Bar) -> RuleHandling {
    RuleHandling {
        shadow: file.mode == Some(ModeWord::Shadow),
        severity: file.severity,
        quiet: file.quiet.map(|Span(quiet)| quiet),
        by: file.by,
        labels: pairs(&file.labels),
        precision: file.precision.map(|said| bar(Some(said), precision)),
    }
}

fn baseline(file: BaselineFile, precision: Bar) -> Baseline {
    Baseline {
        title: file.title,
        rule: file.rule,
        scope: file.scope.0,
        of: file.of.0,
        learn: file.learn.unwrap_or(LEARN),
        rare_up_to: file.rare_up_to.map_or(0, |Whole(count)| u32::from(count)),
        forget: file.forget.map_or(FORGET, |Span(forget)| forget),
        handling: file.handling.map(|said| rule_handling(said, precision)).unwrap_or_default(),
    }
}

fn pairs(labels: &Labels) -> BTreeMap<String, String> {
    labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Something about a Sigma file that whoever compiled it found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigmaFinding {
    /// The file, as its path within the watchbook.
    pub file: String,
    /// The rule, filter or key that it is about: its id, name or title.
    pub about: String,
    /// What is wrong, and a way out where there is one.
    pub reason: String,
    /// Whether the watchbook is refused for it.
    pub grave: bool,
}

impl Checked {
    /// Has the Sigma files compiled, takes in what was found, and keeps how each rule in use is handled. Whoever reads a
    /// watchbook to make it live calls this once.
    #[must_use]
    pub fn with_sigma<H>(mut self, compile: impl FnOnce(&Sigma) -> (H, Vec<SigmaFinding>)) -> Self
    where
        H: IntoIterator<Item = (RuleName, kernel::book::sigma::Handled)>,
    {
        let (rules, found) = compile(&self.sigma);
        for finding in found {
            self.findings.join(self.resolve(finding));
        }
        if self.findings.count(Level::Error) > 0 {
            self.book = None;
        }
        if let Some(book) = &mut self.book {
            book.sigma.rules = rules.into_iter().collect();
        }
        self
    }

    fn resolve(&self, finding: SigmaFinding) -> Findings {
        let SigmaFinding { file, about, reason, grave } = finding;
        let file_text = self.sigma.files.iter().find(|known| known.path == file).map_or("", |known| &*known.text);
        let at = Spot { line: line_of(file_text, &about), ..Spot::top(0) };
        let rule = if grave { &rule::SIGMA_OWN } else { &rule::SIGMA_RULE };
        let message = if about == file { reason } else { format!("{about}: {reason}") };
        Findings::resolve(vec![Note { at, rule, message, hint: None }], &[(&file, file_text)])
    }
}

/// The first line that names something; the first of all where none does.
fn line_of(text: &str, about: &str) -> usize {
    text.lines().position(|line| !about.is_empty() && line.contains(about)).map_or(1, |before| before + 1)
}
