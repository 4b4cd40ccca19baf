//! Reads a review as an outsider would: blame, hindsight, a single cause; and actions that nobody can finish. Findings are
//! advice for the writer; they never stop an edit.

use serde::Serialize;

/// The most findings about one text.
pub const FINDINGS_MAX: usize = 100;

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Where it begins, in bytes from the text's start.
    pub at: usize,
    /// How long it is, in bytes.
    pub len: usize,
    /// The rule.
    pub rule: LintRule,
    /// What to do about it.
    pub hint: String,
}

/// What a review should not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LintRule {
    /// Point at somebody.
    Blame,
    /// Tell what did not happen.
    Counterfactual,
    /// Know afterwards what nobody could know before.
    Hindsight,
    /// Stop at one cause.
    SingleCause,
    /// Ask for what cannot be finished.
    Vague,
}

/// The rule, the phrases in lower case that break it, with commas between them, and what to write instead.
const PHRASES: [(LintRule, &str, &str); 4] = [
    (
        LintRule::Blame,
        "human error, operator error, careless, negligent, negligence, fault of, to blame, blame, forgot, forgot \
         to, failed to, neglected, incompetent, mistake by, made a mistake, sloppy, lack of discipline, did not \
         bother, didn't bother, ignored",
        "say what made it likely: which sign was missing, which step was hard?",
    ),
    (
        LintRule::Counterfactual,
        "should have, could have, would have, ought to have, should not have, shouldn't have, if only",
        "say what did happen and why it made sense at the time",
    ),
    (
        LintRule::Hindsight,
        "obviously, clearly, of course, in hindsight, simply had to, just had to, easily avoided, basic",
        "say what was known then, and by what sign",
    ),
    (
        LintRule::SingleCause,
        "the root cause, root cause, the cause was, the only cause, sole cause",
        "there is never just one: what else had to be true?",
    ),
];

/// What an action should not begin with, with commas between.
const VAGUE: &str = "investigate, consider, improve, look into, think about, explore, be more careful, be careful, try \
    to, maybe, discuss, review, ensure, make sure, raise awareness, monitor";

/// Reads a section; findings are in order of their place.
#[must_use]
pub fn lint(text: &str) -> Vec<Finding> {
    // Only ASCII letters are lowered, so that places in one text are places in the other.
    let lower = text.to_ascii_lowercase();
    let mut findings = Vec::new();
    for (rule, phrases, hint) in PHRASES {
        for phrase in phrases.split(", ") {
            let places = lower.match_indices(phrase).map(|(at, _)| at);
            for at in places.filter(|at| is_whole(&lower, *at, phrase.len())).take(FINDINGS_MAX) {
                let hint = format!("{phrase:?}: {hint}");
                findings.push(Finding { at, len: phrase.len(), rule, hint });
            }
        }
    }
    longest_only(&mut findings);
    findings.truncate(FINDINGS_MAX);
    findings
}

/// Reads the title of an action.
#[must_use]
pub fn lint_action(title: &str) -> Vec<Finding> {
    let lower = title.to_ascii_lowercase();
    let vague = VAGUE.split(", ").find(|word| lower.starts_with(word) && is_whole(&lower, 0, word.len()));
    let finding = vague.map(|word| Finding {
        at: 0,
        len: word.len(),
        rule: LintRule::Vague,
        hint: format!("{word:?} has no end: say what will be different, and how one sees that it is done"),
    });
    finding.into_iter().chain(lint(title)).collect()
}

/// Of findings in one place the longest stays: "the root cause" says more than "root cause" within it.
fn longest_only(findings: &mut Vec<Finding>) {
    findings.sort_by_key(|finding| (finding.at, std::cmp::Reverse(finding.len)));
    let mut end = 0;
    findings.retain(|finding| {
        let stays = finding.at >= end;
        end = end.max(finding.at + finding.len);
        stays
    });
}

/// Whether what stands there is not a part of a longer word.
fn is_whole(text: &str, at: usize, len: usize) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    let before = text.get(..at).and_then(|head| head.chars().next_back());
    let after = text.get(at + len..).and_then(|tail| tail.chars().next());
    !before.is_some_and(inside) && !after.is_some_and(inside)
}
