//! `watchkeeper rules backtest`: a rule file replayed over the past, without a server.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use kernel::book::rules::{Alerting, Group, Rule};
use kernel::{Seconds, Timestamp};
use promql::Millis;
use serde::Deserialize;
use serde_json::json;
use signals::alerting::{Plan, Setting};
use signals::backtest::{
    Comparison, Help, Judged, Options, PastIncident, Report, RuleReport, Suggestion, Tried, Work, compare, replay_with,
    rewritten,
};
use signals::slo::duration;

use crate::failure::{Exit, Failure};
use crate::past::{Past, Place};
use crate::{out, rules};

/// The most alerts that are shown of one rule.
const ALERTS_SHOWN: usize = 5;

/// `watchkeeper rules backtest`
#[derive(Debug, Args)]
pub struct BacktestArgs {
    /// The rule file, in Prometheus' form.
    file: PathBuf,
    /// How far back to begin.
    #[arg(long, default_value = "30d", value_name = "DURATION")]
    history: Seconds,
    /// Another rule file, replayed over the same time and compared.
    #[arg(long, value_name = "OTHER")]
    compare: Option<PathBuf>,
    /// How often groups are evaluated that do not say.
    #[arg(long, default_value = "1m", value_name = "DURATION")]
    interval: Seconds,
    /// Past incidents, to tell which of them would have been caught: what `watchkeeper incident list --json` printed.
    #[arg(long, value_name = "FILE")]
    incidents: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

/// Two threads, as many as a replay cuts its work for.
struct Threads;

impl Help for Threads {
    fn together(&self, work: Vec<Work<'_>>) {
        std::thread::scope(|scope| work.into_iter().for_each(|part| drop(scope.spawn(part))));
    }
}

/// `watchkeeper rules backtest`
pub fn run(args: &BacktestArgs, json: bool) -> Result<ExitCode, Failure> {
    let (groups, plans) = read(&args.file)?;
    let others = args.compare.as_deref().map(read).transpose()?.map(|(_, plans)| plans);
    let incidents = args.incidents.as_deref().map(incidents).transpose()?.unwrap_or_default();
    let past = args.place.open()?;
    let end = past.end();
    let span = Millis::from(args.history.0).saturating_mul(1000);
    let start = end.saturating_sub(span).max(past.start());
    let options = Options { incidents, ..options(args, start, end) };
    let report = replayed(&plans, &past, &options)?;
    let other = others.map(|others| replayed(&others, &past, &options)).transpose()?;
    let compared = other.as_ref().map(|other| compare(&report, other));
    if json {
        let whole = json!({ "report": report, "other": other, "comparison": compared });
        out::line(format_args!("{whole:#}"))?;
    } else {
        out::print(told(&args.file, &report, &groups))?;
        if let (Some(path), Some(other), Some(compared)) = (&args.compare, &other, &compared) {
            out::print(format_args!("\n{}", told(path, other, &[])))?;
            out::print(format_args!("\n{}", told_difference(&args.file, path, compared)))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn options(args: &BacktestArgs, start: Millis, end: Millis) -> Options {
    let interval = Millis::from(args.interval.0).saturating_mul(1000).max(1);
    Options { start, end, interval, setting: Setting::default(), settings: true, incidents: Vec::new() }
}

/// An incident as the server's API tells it.
#[derive(Debug, Deserialize)]
struct Told {
    incident: String,
    #[serde(default)]
    services: Vec<String>,
    detected_at: Option<Timestamp>,
    declared_at: Timestamp,
    resolved_at: Option<Timestamp>,
}

impl From<Told> for PastIncident {
    fn from(told: Told) -> Self {
        let began = told.detected_at.unwrap_or(told.declared_at).min(told.declared_at);
        Self {
            id: told.incident,
            services: told.services,
            began: began.as_millisecond(),
            declared: told.declared_at.as_millisecond(),
            ended: told.resolved_at.map(Timestamp::as_millisecond),
        }
    }
}

fn incidents(path: &Path) -> Result<Vec<PastIncident>, Failure> {
    let told: Vec<Told> = serde_json::from_slice(&rules::bytes(path)?).map_err(|error| {
        let message = format!("{} is no list of incidents: {error}", path.display());
        Failure::new(message).hint("make it with: watchkeeper incident list --json").exit(Exit::Usage)
    })?;
    Ok(told.into_iter().map(PastIncident::from).collect())
}

/// The groups of a file, all of whose rules are good.
fn read(path: &Path) -> Result<(Vec<Group>, Vec<Plan>), Failure> {
    let name = path.display().to_string();
    let unsound = |what: String| {
        let hint = format!("check it with: watchkeeper rules check {name}");
        Failure::new(format!("{name} is not good\n{what}")).hint(hint).exit(Exit::Unsound)
    };
    let file = connectors::rules::check(&name, &rules::bytes(path)?).whole();
    let file = file.map_err(|findings| unsound(findings.to_string()))?;
    let (plans, broken): (Vec<_>, Vec<_>) = file.groups.iter().map(|group| Plan::of(&name, group)).unzip();
    let broken: String = broken.iter().flatten().map(|broken| format!("{broken}\n")).collect();
    if broken.is_empty() { Ok((file.groups, plans)) } else { Err(unsound(broken)) }
}

fn replayed(plans: &[Plan], past: &Past, options: &Options) -> Result<Report, Failure> {
    replay_with(plans, past, options, &Threads).map_err(|refusal| Failure::new(refusal.to_string()).exit(Exit::Refused))
}

/// A report for people.
fn told(path: &Path, report: &Report, groups: &[Group]) -> String {
    let mut text = format!("{}: {} to {}\n", path.display(), instant(report.start), instant(report.end));
    if let Some(why) = &report.step_by_step {
        let _ = writeln!(text, "replayed step by step, no other settings tried: {why}");
    }
    if report.rules.is_empty() {
        text.push_str("there is no alerting rule\n");
    }
    report.rules.iter().for_each(|rule| tell_rule(rule, groups, &mut text));
    let firings: usize = report.rules.iter().map(|rule| rule.firings).sum();
    let _ = writeln!(text, "{} rules, {firings} firings", report.rules.len());
    text
}

fn tell_rule(rule: &RuleReport, groups: &[Group], text: &mut String) {
    let _ = writeln!(text, "\n{}/{} (line {})", rule.group, rule.rule, rule.line);
    let _ = writeln!(text, "  fired {} times, {} pages, in {} evaluations", rule.firings, rule.pages, rule.evaluations);
    if let (Some(first), Some(last)) = (rule.first, rule.last) {
        let lasted = &rule.durations;
        let _ = writeln!(
            text,
            "  median {}, longest {}, {} under 5m, {} flaps, {} not over at the end",
            length(lasted.median),
            length(lasted.longest),
            percent(lasted.short_share),
            rule.flaps,
            lasted.open
        );
        let _ = writeln!(text, "  first {}, last {}", instant(first), instant(last));
    }
    for count in rule.alerts.iter().take(ALERTS_SHOWN) {
        let labels: Vec<String> = count.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let _ = writeln!(text, "  {:>6} {}", count.firings, labels.join(" "));
    }
    let more = rule.alerts.len().saturating_sub(ALERTS_SHOWN) + rule.alerts_not_listed;
    if more > 0 {
        let _ = writeln!(text, "         and {more} alerts more");
    }
    if let Some(error) = &rule.error {
        let _ = writeln!(text, "  {} evaluations failed, the first: {error}", rule.errors);
    }
    rule.incidents.iter().for_each(|judged| tell_incident(judged, text));
    tell_settings(&rule.settings, rule.suggestion.as_ref(), text);
    if let Some(written) = rule.suggestion.as_ref().and_then(|suggestion| written(rule, suggestion, groups)) {
        written.lines().for_each(|line| text.push_str(&format!("      {line}\n")));
    }
}

fn tell_incident(judged: &Judged, text: &mut String) {
    let verdict = match judged.early_by {
        None => "missed".to_owned(),
        Some(early) if early >= 0 => format!("caught {} before it was declared", length(Some(early))),
        Some(late) => format!("caught {} after it was declared", length(Some(late.saturating_neg()))),
    };
    let _ = writeln!(text, "  {:>6} {verdict}, {}", judged.id, instant(judged.declared));
}

/// The rule in the tuning that is suggested, as a file would have it.
fn written(report: &RuleReport, suggestion: &Suggestion, groups: &[Group]) -> Option<String> {
    let own = |rule: &Rule| match rule {
        Rule::Alerting(rule) if rule.alert == report.rule && rule.at.line == report.line => Some(rule.clone()),
        _ => None,
    };
    let of_group = groups.iter().filter(|group| group.name == report.group);
    let rule: Alerting = of_group.flat_map(|group| &group.rules).find_map(own)?;
    let rules = vec![Rule::Alerting(rewritten(&rule, &suggestion.tuning))];
    Some(connectors::rules::to_yaml(&[Group { name: report.group.clone(), rules, ..Group::default() }]))
}

fn tell_settings(settings: &[Tried], suggestion: Option<&Suggestion>, text: &mut String) {
    if settings.is_empty() {
        return;
    }
    let _ = writeln!(
        text,
        "    {:<40} {:>8} {:>9} {:>8} {:>8} {:>9} {:>9}",
        "TUNING", "FIRINGS", "UNDER 5M", "LATER", "CLEARS", "KEEPS", "INCIDENTS"
    );
    for tried in settings {
        let mark = match (tried.own, tried.pareto) {
            (true, _) => "=",
            (false, true) => "*",
            (false, false) => " ",
        };
        let of = |(part, whole): (usize, usize)| format!("{part}/{whole}");
        let _ = writeln!(
            text,
            "  {mark} {:<40} {:>8} {:>9} {:>8} {:>8} {:>9} {:>9}",
            tuning(tried),
            tried.firings,
            percent(tried.short_share),
            length(tried.delay.median),
            length(tried.lingers.median),
            of(tried.caught),
            of(tried.incidents)
        );
    }
    text.push_str("  = as written, * no other tuning costs less in one thing and no more in any other\n");
    match suggestion {
        Some(suggestion) => drop(writeln!(text, "  try: {}", suggestion.reason)),
        None => text.push_str("  nothing better was found than the rule as it is written\n"),
    }
}

/// The numbers of a tuning in the words of a rule file.
fn tuning(tried: &Tried) -> String {
    let tuning = tried.tuning;
    let mut text = format!("for {}", length(Some(tuning.hold)));
    if tuning.keep_firing > 0 {
        let _ = write!(text, ", keep {}", length(Some(tuning.keep_firing)));
    }
    if let Some(threshold) = tuning.threshold {
        let _ = write!(text, ", threshold {threshold}");
    }
    if let Some(recovery) = tuning.recover_when {
        let _ = write!(text, ", recover at {recovery}");
    }
    text
}

fn told_difference(before: &Path, after: &Path, compared: &Comparison) -> String {
    let mut text = format!(
        "{} against {}: {} firings, then {}\n",
        before.display(),
        after.display(),
        compared.before,
        compared.after
    );
    for rule in &compared.rules {
        let times = |times: Option<usize>| times.map_or_else(|| "not there".to_owned(), |times| times.to_string());
        let _ = writeln!(
            text,
            "  {}/{}: {} -> {}, {} lost, {} new",
            rule.group,
            rule.rule,
            times(rule.before),
            times(rule.after),
            rule.lost,
            rule.new
        );
    }
    text
}

fn instant(at: Millis) -> String {
    Timestamp::from_millisecond(at).map_or_else(|_| at.to_string(), |at| at.to_string())
}

/// A length of time to the second, with a sign where it is earlier.
fn length(millis: Option<Millis>) -> String {
    let Some(millis) = millis else { return "-".to_owned() };
    let seconds = u32::try_from(millis.unsigned_abs() / 1000).unwrap_or(u32::MAX);
    format!("{}{}", if millis < 0 { "-" } else { "" }, duration(Seconds(seconds)))
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.0} %", share * 100.0))
}
