//! What is doubtful about rules that can be loaded: a linter over the model, with a code for each kind of finding.
//!
//! [`check`] takes rule files with their texts and a [`Policy`], and answers with findings in order of place. A policy makes
//! a code an error or silences it; so does a comment in the file: `# watchkeeper disable CODE REASON` within or above a
//! rule, `# watchkeeper file/disable CODE REASON` anywhere, and pint's `# pint disable`, `# pint file/disable` and
//! `# pint ignore/...`. Every code is in [`CODES`], from which `docs/rules-lint.md` is made ([`table`]).
//!
//! | family | module |
//! |---|---|
//! | `promql/*`, `query/*` | `query` |
//! | `alerts/*` | `alert` |
//! | `rule/*`, `labels/*`, `group/*` | `rule` |
//! | `comment/*` | `comments` |

mod alert;
mod anomaly;
mod codes;
mod comments;
mod labels;
mod policy;
mod query;
mod rule;
mod table;
#[cfg(test)]
mod tests;
mod walk;

use std::fmt;

use kernel::book::rules::{Rule, RuleFile};
use promql::ast::Expr;
use serde::Serialize;

pub use codes::{CODES, Code};
pub use policy::Policy;
pub use table::table;

use comments::Comments;

/// The most findings that are kept.
pub const FINDINGS_MAX: usize = 10_000;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The rule will not do what it says.
    Error,
    /// The rule probably does not do what its author wants.
    Warning,
    /// It could be better.
    Info,
}

/// One doubtful thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The path of the file.
    pub file: String,
    /// The line, from one.
    pub line: usize,
    /// Its code, one of [`CODES`].
    pub code: &'static str,
    /// How bad it is, after the policy.
    pub level: Level,
    /// The rule's name, or that of the group; empty when it is about neither.
    pub rule: String,
    /// What is doubtful here.
    pub message: String,
    /// Why it matters.
    pub why: &'static str,
    /// A way out.
    pub fix: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Error => "",
            Level::Warning => "warning: ",
            Level::Info => "info: ",
        };
        writeln!(f, "{}:{}: {level}{} [{}]", self.file, self.line, self.message, self.code)?;
        writeln!(f, "  why: {}", self.why)?;
        writeln!(f, "  fix: {}", self.fix)
    }
}

/// A rule file and its text, in which comments are looked for.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The file.
    pub file: &'a RuleFile,
    /// Its text; may be empty, then nothing is silenced.
    pub text: &'a str,
}

/// Checks rule files. What one file says about others, such as the same rule twice, needs them all at once.
#[must_use]
pub fn check(sources: &[Source<'_>], policy: &Policy) -> Vec<Finding> {
    let mut sink = Sink { policy, findings: Vec::new() };
    for source in sources {
        let comments = Comments::read(source.text);
        let before = sink.findings.len();
        check_file(source.file, &comments, &mut sink);
        sink.silence(before, source.file, &comments);
        comments::check(source.file, &comments, &mut sink);
    }
    rule::duplicates(sources, &mut sink);
    let mut findings = sink.findings;
    findings.sort_by(|a, b| (&a.file, a.line, a.code, &a.message).cmp(&(&b.file, b.line, b.code, &b.message)));
    findings.dedup();
    findings.truncate(FINDINGS_MAX);
    findings
}

fn check_file(file: &RuleFile, comments: &Comments, sink: &mut Sink<'_>) {
    for group in &file.groups {
        rule::check_group(file, group, sink);
        for rule in &group.rules {
            let subject = Subject { file, rule };
            let expr = match promql::parse(&rule.expr().text) {
                Ok(expr) => expr,
                Err(error) => {
                    sink.find(&codes::PROMQL_SYNTAX, &subject, rule.expr().at.line, error.to_string());
                    continue;
                }
            };
            query::check(&expr, &subject, sink);
            rule::check(group, comments, &subject, sink);
            if let Rule::Alerting(alerting) = rule {
                alert::check(&expr, alerting, group, &subject, sink);
            }
        }
    }
}

/// The rule that is being checked.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    file: &'a RuleFile,
    rule: &'a Rule,
}

impl Subject<'_> {
    /// The line of its expression.
    fn line(&self) -> usize {
        self.rule.expr().at.line
    }
}

/// Where findings go.
pub(crate) struct Sink<'a> {
    policy: &'a Policy,
    findings: Vec<Finding>,
}

impl Sink<'_> {
    /// Adds a finding about a rule.
    fn find(&mut self, code: &'static Code, subject: &Subject<'_>, line: usize, message: impl Into<String>) {
        self.note(code, subject.file, subject.rule.name(), line, message.into());
    }

    /// Adds a finding, unless the policy silences it.
    fn note(&mut self, code: &'static Code, file: &RuleFile, rule: &str, line: usize, message: String) {
        let Some(level) = self.policy.level(code) else { return };
        self.findings.push(Finding {
            file: file.path.clone(),
            line,
            code: code.code,
            level,
            rule: rule.to_owned(),
            message,
            why: code.why,
            fix: code.fix,
        });
    }

    /// Takes away what comments silence.
    fn silence(&mut self, from: usize, file: &RuleFile, comments: &Comments) {
        let mut index = 0;
        self.findings.retain(|finding| {
            index += 1;
            index <= from || !comments.silence(file, finding)
        });
    }
}

/// An expression's own words for a message, where it is short.
fn shown(expr: &Expr) -> String {
    match expr {
        Expr::Selector(selector) => walk::metric(selector).unwrap_or("a selector").to_owned(),
        Expr::Call(call) => format!("{}(..)", call.function),
        Expr::Aggregate(_) => "an aggregation".to_owned(),
        Expr::Number(number) => number.to_string(),
        Expr::Paren(inner) => shown(inner),
        _ => "an expression".to_owned(),
    }
}
