//! Every code: what it finds, why that matters, and a way out. A code is stable: it is never given a new meaning.

use super::Level;

/// A kind of finding.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// The stable code.
    pub code: &'static str,
    /// How bad it is unless a policy says otherwise.
    pub level: Level,
    /// What it finds.
    pub finds: &'static str,
    /// Why that matters.
    pub why: &'static str,
    /// A way out.
    pub fix: &'static str,
}

macro_rules! codes {
    ($($name:ident $code:literal $level:ident $finds:literal $why:literal $fix:literal;)*) => {
        $(
            #[doc = $finds]
            pub(super) static $name: Code =
                Code { code: $code, level: Level::$level, finds: $finds, why: $why, fix: $fix };
        )*
        /// Every code, by family.
        pub static CODES: &[&Code] = &[$(&$name),*];
    };
}

codes! {
    PROMQL_SYNTAX "promql/syntax" Error
        "an expression that is not PromQL"
        "The rule cannot be evaluated."
        "Try the expression as a query first.";
    PROMQL_RATE "promql/rate" Warning
        "`rate`, `irate`, `increase` or a like function over a window with too few samples, or over an aggregation"
        "A rate needs at least two samples in its window, or there is no answer; a rate over a sum sees the restart of one target as a fall of all."
        "Make the window at least four scrape intervals long, and take the rate before the sum.";
    PROMQL_COUNTER "promql/counter" Warning
        "a counter that is compared without `rate` or `increase`"
        "A counter only grows until its process restarts, so it passes any threshold sooner or later and never comes back."
        "Compare `rate(..)` or `increase(..)` of it.";
    PROMQL_GAUGE "promql/gauge" Warning
        "`rate`, `irate` or `increase` of what is named like a gauge, or `delta` or `deriv` of what is named like a counter"
        "`rate` takes each fall of a gauge for a restart, `delta` does not know restarts at all."
        "Use `deriv` or `delta` for gauges, `rate` or `increase` for counters.";
    PROMQL_FRAGILE "promql/fragile" Warning
        "an operation between an aggregation and series that are not aggregated, or an alert on `topk` and its like"
        "It stops matching as soon as one target adds a label; the alerts of a sample change with its members."
        "Aggregate both sides by the same labels, or say `on(..)`; alert on a threshold instead of a rank.";
    PROMQL_IMPOSSIBLE "promql/impossible" Warning
        "a condition that can never hold, or a part that can never have an answer"
        "The rule never fires, and nobody notices."
        "Write the condition that was meant; `absent(..)` tells that there is nothing.";
    PROMQL_ALWAYS "promql/always" Warning
        "a condition that always holds"
        "The alert fires as long as there are series, whatever they say."
        "Write the condition that was meant.";
    PROMQL_AGGREGATE "promql/aggregate" Warning
        "an aggregation that drops a label which the policy keeps"
        "Whoever is paged cannot see which instance, job or cluster is meant, and routes by that label do not match."
        "Keep the label in `by (..)`, or do not name it in `without (..)`.";
    PROMQL_REGEXP "promql/regexp" Warning
        "a regular expression that is a plain text, is anchored twice, or matches everything"
        "It costs more than an equality and hides what is meant."
        "Use `=` or `!=` for plain texts; leave `^`, `$` and outer `.*` out, as matchers are anchored.";
    PROMQL_SELECTOR "promql/selector" Warning
        "matchers of one selector that contradict or repeat each other"
        "A contradiction selects nothing; a repetition hides a slip."
        "Keep the matcher that was meant.";
    PROMQL_MATCHING "promql/vector_matching" Warning
        "an operation whose sides can never match, because a label by which they match is missing on one side"
        "The answer is always empty."
        "Aggregate both sides by the same labels, or name those that both have in `on (..)`.";
    PROMQL_RANGE "promql/range_query" Warning
        "a window that is longer than samples are kept"
        "The query sees less than it asks for, and means something else than it says."
        "Shorten the window, or record it in steps.";
    PROMQL_ANOMALY "promql/anomaly" Warning
        "`anomaly(..)` or `unusual(..)` of a counter, or within a subquery"
        "A counter is unusual whenever its process restarts; within a subquery everything is learnt anew at each evaluation, from a day of steps."
        "Take `rate(..)` of a counter first; record it in a rule of its own, and use its series.";
    QUERY_COST "query/cost" Warning
        "a selector without a metric's name, or with a name that matches nearly everything"
        "Each evaluation reads every series there is."
        "Name the metric, or record what is needed.";
    ALERTS_COMPARISON "alerts/comparison" Warning
        "an alert whose expression compares nothing, or compares with `bool`"
        "Every series fires, whatever its value."
        "Add a comparison, or leave `bool` out.";
    ALERTS_TEMPLATE "alerts/template" Warning
        "a template that cannot be parsed, or that names a label which the expression cannot have"
        "The text is an error or has a hole where whoever is paged looks first."
        "Keep the label in the aggregation, or leave it out of the text.";
    ALERTS_IDENTITY "alerts/identity" Warning
        "a label whose template uses the value"
        "Labels identify an alert: with each new value it is another one, which begins to wait anew and never fires."
        "Put the value into an annotation.";
    ALERTS_ANNOTATION "alerts/annotation" Warning
        "an alert without `summary` or `description`"
        "Whoever is paged reads these first."
        "Add `summary`, one sentence, and `description`, with what the labels and the value say.";
    ALERTS_RUNBOOK "alerts/runbook" Info
        "an alert without `runbook_url`"
        "At night nobody remembers what to do."
        "Add `runbook_url` with the address of the steps to take.";
    ALERTS_DASHBOARD "alerts/dashboard" Info
        "an alert without `dashboard_url`"
        "The first look is at a plot of what is wrong."
        "Add `dashboard_url`.";
    ALERTS_SUMMARY "alerts/summary" Info
        "a `summary` with variables"
        "Alerts are grouped under one summary, which is the same for all of them."
        "Move the variables into `description`.";
    ALERTS_FOR "alerts/for" Warning
        "a `for` or `keep_firing_for` shorter than the interval of the group, or no `for` at all"
        "A time shorter than the interval has no effect; without `for` one bad sample pages somebody."
        "Make it at least two intervals long, or leave it out on purpose and silence this finding with the reason.";
    ALERTS_ABSENT "alerts/absent" Warning
        "`absent(..)` without a `for`, or over an aggregation"
        "Every restart of a target or of this server is a short absence; an aggregation takes the labels that `absent` could give."
        "Add a `for` of several scrape intervals, and give `absent` a plain selector.";
    ALERTS_NAME "alerts/name" Info
        "an alert whose name is not in CamelCase"
        "Names are read aloud, searched and made into links."
        "Name it like `DiskWillFillSoon`.";
    ALERTS_SEVERITY "alerts/severity" Warning
        "an alert without `severity`, or with one that the policy does not know"
        "Routes and severity policies decide by it whether somebody is woken up."
        "Add the label `severity` with one of the known values.";
    ALERTS_LOW_TRAFFIC "alerts/low_traffic" Info
        "an alert on a ratio without a least number of events"
        "When there are two requests, one error is half of them."
        "Add `min_events` in a `watchkeeper` block, or `and` a condition on the number.";
    ALERTS_MISSING "alerts/missing" Info
        "a critical alert that says it is over when its series vanish"
        "A target that dies takes its alert with it, which reads as a recovery."
        "Add `on_missing: keep` in a `watchkeeper` block.";
    ALERTS_ANOMALY "alerts/anomaly" Warning
        "an alert on `anomaly(..)` that waits, or that ends at once"
        "A hit lasts one evaluation, because one disturbance is told once: a `for` never sees it, and without `keep_firing_for` the alert is over with the next evaluation."
        "Leave `for` out, and write a `keep_firing_for` of some minutes.";
    RULE_DUPLICATE "rule/duplicate" Warning
        "the same rule twice: the same name, labels and expression, or two rules that record the same series"
        "Alerts come twice; samples of two rules for one series refuse each other."
        "Keep one of them, or give them labels that differ.";
    RULE_NAME "rule/name" Info
        "a recorded series whose name is not `level:metric:operations`"
        "The colons tell everybody that it is recorded, from what, and how."
        "Name it like `job:http_requests:rate5m`.";
    RULE_OWNER "rule/owner" Info
        "a rule of which nobody is the owner"
        "Nobody tunes it when it is noisy."
        "Add the label `owner`, `team` or `service`, or a comment `# watchkeeper owner NAME`.";
    RULE_LINK "rule/link" Warning
        "an annotation that is named like an address and is none"
        "The link cannot be followed."
        "Write it as `https://host/path`.";
    RULE_ORDER "rule/order" Warning
        "a rule that uses a series which a later rule of its group records"
        "It always sees the value of the evaluation before."
        "Move the rule below the one that records.";
    RULE_LOOP "rule/loop" Warning
        "a recording rule that reads its own series"
        "Its answer depends on how often it was evaluated."
        "Record under another name.";
    LABELS_RESERVED "labels/reserved" Warning
        "a label that begins with `__`, or that alerting itself sets"
        "It is overwritten or left out."
        "Give the label another name.";
    LABELS_CONFLICT "labels/conflict" Warning
        "a rule that sets a label by which its expression is grouped"
        "Its series then have the same labels, which refuses the whole answer, or the label says something else than it seems."
        "Give the label another name, or do not group by it.";
    LABELS_EMPTY "labels/empty" Info
        "a label with an empty value"
        "An empty label is no label: it removes one."
        "Leave it out, or aggregate the label away.";
    LABELS_TEMPLATE "labels/template" Warning
        "a template in a label of a recording rule"
        "Only alerting rules render templates; the braces stay as they are."
        "Use `label_replace` in the expression.";
    GROUP_EMPTY "group/empty" Info
        "a group without rules"
        "It does nothing."
        "Remove it.";
    GROUP_INTERVAL "group/interval" Warning
        "a group that is evaluated less often than samples are looked back for"
        "Between two evaluations its series are gone, and alerts on them flap."
        "Evaluate it at least every four minutes.";
    COMMENT_UNKNOWN "comment/unknown" Warning
        "a comment that silences a code which does not exist"
        "It silences nothing."
        "Write one of the codes of this table.";
    COMMENT_REASON "comment/reason" Info
        "a comment that silences a code without a reason"
        "Later nobody knows whether it may go."
        "Write the reason behind the code.";
}
