//! Plain language: what to think over before an update goes out. Findings are advice; nothing is refused for them.

use serde::Serialize;

use crate::event::Wording;

/// The longest sentence that is read easily under stress, in words.
pub const SENTENCE_WORDS_MAX: usize = 25;
/// The most findings of one text.
pub const FINDINGS_MAX: usize = 50;

/// Words of ours that customers need not know, and what to say instead.
const JARGON: [(&str, &str); 14] = [
    ("latency", "slowness"),
    ("5xx", "errors"),
    ("500s", "errors"),
    ("p99", "the slowest requests"),
    ("failover", "switch to the standby"),
    ("rollback", "return to the previous version"),
    ("rolled back", "returned to the previous version"),
    ("upstream", "a supplier"),
    ("pod", "server"),
    ("kubernetes", "our servers"),
    ("database", "where we keep data"),
    ("root cause", "cause"),
    ("mitigate", "reduce"),
    ("degradation", "slowness or errors"),
];
/// Words that put the blame on somebody.
const BLAME: [&str; 6] = ["human error", "mistake by", "fault of", "careless", "operator error", "negligence"];
/// Promises that nobody can keep.
const PROMISES: [&str; 7] =
    ["never happen again", "never again", "guarantee", "100%", "always", "completely safe", "no data was"];

/// The rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LintRule {
    /// A word of ours.
    Jargon,
    /// Blame.
    Blame,
    /// A promise that nobody can keep.
    Promise,
    /// A sentence that is too long.
    LongSentence,
    /// The trouble is not over, and nobody is told when to look again.
    NextUpdate,
}

/// Something to think over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Where in the text, in bytes from its start.
    pub at: usize,
    /// Which rule.
    pub rule: LintRule,
    /// What to do about it.
    pub hint: String,
}

/// What to think over in a text.
#[must_use]
pub fn lint(text: &str) -> Vec<Finding> {
    // Lower-casing by ASCII keeps every byte in its place.
    let lower = text.to_ascii_lowercase();
    let mut findings = Vec::new();
    for (word, instead) in JARGON {
        let hint = format!("customers may not know {word:?}: say {instead}");
        findings.extend(places(&lower, word).map(|at| Finding { at, rule: LintRule::Jargon, hint: hint.clone() }));
    }
    for word in BLAME {
        let hint = format!("{word:?} blames somebody: say what happened");
        findings.extend(places(&lower, word).map(|at| Finding { at, rule: LintRule::Blame, hint: hint.clone() }));
    }
    for word in PROMISES {
        let hint = format!("{word:?} promises what nobody can keep: say what you do");
        findings.extend(places(&lower, word).map(|at| Finding { at, rule: LintRule::Promise, hint: hint.clone() }));
    }
    findings.extend(long_sentences(text));
    findings.sort_by_key(|finding| (finding.at, finding.rule));
    findings.truncate(FINDINGS_MAX);
    findings
}

/// What to think over in an update: its text, and whether customers know when to look again.
#[must_use]
pub fn lint_update(wording: &Wording) -> Vec<Finding> {
    let mut findings = lint(&wording.text);
    let told = wording.next_update_in.is_some() || wording.text.to_ascii_lowercase().contains("next update");
    if !wording.stage.is_over() && !told {
        let hint = "say when the next update comes".to_owned();
        findings.push(Finding { at: wording.text.len(), rule: LintRule::NextUpdate, hint });
    }
    findings
}

/// Where a word stands by itself.
fn places<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let (before, after) = (text[..*at].chars().next_back(), text[at + word.len()..].chars().next());
        !letter(before) && !letter(after)
    })
}

fn long_sentences(text: &str) -> Vec<Finding> {
    let mut start = 0;
    let mut findings = Vec::new();
    for sentence in text.split_inclusive(['.', '!', '?', '\n']) {
        let words = sentence.split_whitespace().count();
        if words > SENTENCE_WORDS_MAX {
            let hint = format!("this sentence has {words} words: two short ones are read more easily");
            findings.push(Finding { at: start, rule: LintRule::LongSentence, hint });
        }
        start += sentence.len();
    }
    findings
}
