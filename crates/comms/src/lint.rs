//! Reads an update as a customer would: jargon, blame, promises, sentences that are too long, silence about what comes
//! next. Findings are advice for the writer; they never stop a publication.

use serde::Serialize;

use crate::event::Wording;

/// The longest sentence that is easy to read, in words.
pub const SENTENCE_WORDS_MAX: usize = 25;
/// The most findings about one text.
pub const FINDINGS_MAX: usize = 100;

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Where it begins, in bytes from the text's start.
    pub at: usize,
    /// How long it is, in bytes; zero when it is about the whole text.
    pub len: usize,
    /// The rule.
    pub rule: LintRule,
    /// What to do about it.
    pub hint: String,
}

/// What an update should not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LintRule {
    /// Use words that only we understand.
    Jargon,
    /// Point at somebody.
    Blame,
    /// Promise what we cannot know.
    Promise,
    /// Guess.
    Guess,
    /// Name our machines.
    Internals,
    /// Use sentences that are hard to read.
    LongSentence,
    /// Leave open when more will be said.
    NextUpdate,
}

/// The rule, the phrases in lower case that break it, with commas between them, and what to write instead.
const PHRASES: [(LintRule, &str, &str); 4] = [
    (
        LintRule::Jargon,
        "5xx, 502, 503, 504, 500s, oom, oomkilled, k8s, kubernetes, pod, pods, rollback, rolled back, failover, \
         failed over, p99, p95, latency, timeouts, timeout, packet loss, dns, bgp, cdn, tls, ssl, db, database \
         shard, shard, shards, replica, replicas, replication lag, upstream, downstream, backend, node, nodes, \
         cluster, deploy, deployment, hotfix, cache, caching layer, queue depth, throughput, mitigated, \
         mitigation, root cause, rca, sev1, sev2, p1, p2, api gateway, load balancer, cpu, garbage collection, \
         thread pool, connection pool, circuit breaker, ingress, null pointer, stack trace, exception, on-call",
        "say what users notice, in their words",
    ),
    (
        LintRule::Blame,
        "human error, operator error, user error, fault of, to blame, careless, negligent, someone forgot, an \
         engineer, an employee, a developer, our vendor, third party, third-party, should have, failed to, \
         misconfigured by, mistake by, caused by our provider",
        "say what happened to the service, not who did it",
    ),
    (
        LintRule::Promise,
        "never happen again, will not happen again, won't happen again, guarantee, guaranteed, we promise, eta, \
         will be fixed by, will be resolved by, will be fixed in, will be resolved in, shortly, soon, as soon as \
         possible, asap, any minute, 100%, always, completely fixed, permanently",
        "promise when you will tell more, not when it will be over",
    ),
    (
        LintRule::Guess,
        "we think, we believe, probably, we suspect, it seems, might be caused, possibly, we assume",
        "say what is known, and that the rest is being looked into",
    ),
];

/// Reads a text; findings are in order of their place.
#[must_use]
pub fn lint(text: &str) -> Vec<Finding> {
    let mut findings = phrases(text);
    findings.extend(internals(text));
    longest_only(&mut findings);
    findings.extend(long_sentences(text));
    findings.sort_by_key(|finding| (finding.at, finding.rule));
    findings.truncate(FINDINGS_MAX);
    findings
}

/// Reads an update: its text, and whether it says when more will be said.
#[must_use]
pub fn lint_update(wording: &Wording) -> Vec<Finding> {
    let mut findings = lint(&wording.text);
    let lower = wording.text.to_ascii_lowercase();
    let says_when = ["next update", "update by", "update at", "update in", "update within"];
    let told = wording.next_update_in.is_some() || says_when.iter().any(|phrase| lower.contains(phrase));
    if !wording.stage.is_over() && !told {
        let hint = "say when the next update comes, even if nothing changes until then".to_owned();
        findings.push(Finding { at: wording.text.len(), len: 0, rule: LintRule::NextUpdate, hint });
    }
    findings
}

fn phrases(text: &str) -> Vec<Finding> {
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
    findings
}

/// Of findings in one place the longest stays: `db-01` says more than the `db` in it.
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

/// Names and addresses of machines; web addresses are meant for readers and pass.
fn internals(text: &str) -> Vec<Finding> {
    let finding = |(at, word): (usize, &str)| {
        let hint = format!("{word:?}: say which part of the product it is");
        Finding { at, len: word.len(), rule: LintRule::Internals, hint }
    };
    words(text).filter(|(_, word)| is_machine(word)).map(finding).collect()
}

fn is_machine(word: &str) -> bool {
    if word.contains("://") || word.starts_with("www.") || word.contains('@') {
        return false;
    }
    let parts: Vec<&str> = word.split('.').collect();
    let is_number = |part: &&str| !part.is_empty() && part.len() <= 3 && part.bytes().all(|b| b.is_ascii_digit());
    let is_address = parts.len() == 4 && parts.iter().all(is_number);
    let is_internal = parts.last().is_some_and(|last| matches!(*last, "internal" | "local" | "svc" | "lan"));
    // Such as `db-01` or `web-eu-3`: letters, a dash, and a number at the end.
    let is_numbered = word.rsplit_once('-').is_some_and(|(head, tail)| {
        !tail.is_empty()
            && tail.bytes().all(|b| b.is_ascii_digit())
            && head.starts_with(|c: char| c.is_ascii_lowercase())
    });
    is_address || (parts.len() > 1 && is_internal) || is_numbered
}

fn long_sentences(text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut start = None;
    let mut count = 0;
    for (at, word) in words(text) {
        let begin = *start.get_or_insert(at);
        count += 1;
        let end = at + word.len();
        let next = text.get(end..).and_then(|rest| rest.chars().next());
        if next.is_some_and(|c| !matches!(c, '.' | '!' | '?' | '\n')) {
            continue;
        }
        findings.extend(long_sentence(begin, end, count));
        (start, count) = (None, 0);
    }
    findings
}

fn long_sentence(at: usize, end: usize, words: usize) -> Option<Finding> {
    let hint = || format!("{words} words in one sentence: make two of it, at most {SENTENCE_WORDS_MAX} words each");
    (words > SENTENCE_WORDS_MAX).then(|| Finding { at, len: end - at, rule: LintRule::LongSentence, hint: hint() })
}

/// The words of a text and where they begin, without the punctuation around them.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_whitespace().filter_map(|word| {
        let edge = |c: char| !c.is_alphanumeric();
        let bare = word.trim_matches(edge);
        // Both are slices of `text`, so the distance of their starts is a place in it.
        (!bare.is_empty()).then(|| (bare.as_ptr() as usize - text.as_ptr() as usize, bare))
    })
}
