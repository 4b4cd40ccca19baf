//! `watchkeeper rules backtest`: a rule file replayed over the past, without a server.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use kernel::{Seconds, Timestamp};
use promql::Millis;
use serde_json::json;
use signals::alerting::{Plan, Setting};
use signals::backtest::{Comparison, Options, Report, RuleReport, Suggestion, Tried, compare, replay};
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
    #[command(flatten)]
    place: Place,
}

/// `watchkeeper rules backtest`
pub fn run(args: &BacktestArgs, json: bool) -> Result<ExitCode, Failure> {
    let plans = plans(&args.file)?;
    let others = args.compare.as_deref().map(self::plans).transpose()?;
    let past = args.place.open()?;
    let end = past.end();
    let span = Millis::from(args.history.0).saturating_mul(1000);
    let start = end.saturating_sub(span).max(past.start());
    let options = options(args, start, end);
    let report = replayed(&plans, &past, &options)?;
    let other = others.map(|others| replayed(&others, &past, &options)).transpose()?;
    let compared = other.as_ref().map(|other| compare(&report, other));
    if json {
        let whole = json!({ "report": report, "other": other, "comparison": compared });
        out::line(format_args!("{whole:#}"))?;
    } else {
        out::print(told(&args.file, &report))?;
        if let (Some(path), Some(other), Some(compared)) = (&args.compare, &other, &compared) {
            out::print(format_args!("\n{}", told(path, other)))?;
            out::print(format_args!("\n{}", told_difference(&args.file, path, compared)))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn options(args: &BacktestArgs, start: Millis, end: Millis) -> Options {
    let interval = Millis::from(args.interval.0).saturating_mul(1000).max(1);
    Options { start, end, interval, setting: Setting::default(), settings: true }
}

/// The groups of a file, all of whose rules are good.
fn plans(path: &Path) -> Result<Vec<Plan>, Failure> {
    let name = path.display().to_string();
    let unsound = |what: String| {
        let hint = format!("check it with: watchkeeper rules check {name}");
        Failure::new(format!("{name} is not good\n{what}")).hint(hint).exit(Exit::Unsound)
    };
    let file = connectors::rules::check(&name, &rules::bytes(path)?).whole();
    let file = file.map_err(|findings| unsound(findings.to_string()))?;
    let (plans, broken): (Vec<_>, Vec<_>) = file.groups.iter().map(|group| Plan::of(&name, group)).unzip();
    let broken: String = broken.iter().flatten().map(|broken| format!("{broken}\n")).collect();
    if broken.is_empty() { Ok(plans) } else { Err(unsound(broken)) }
}

fn replayed(plans: &[Plan], past: &Past, options: &Options) -> Result<Report, Failure> {
    replay(plans, past, options).map_err(|refusal| Failure::new(refusal.to_string()).exit(Exit::Refused))
}

/// A report for people.
fn told(path: &Path, report: &Report) -> String {
    let mut text = format!("{}: {} to {}\n", path.display(), instant(report.start), instant(report.end));
    if let Some(why) = &report.step_by_step {
        let _ = writeln!(text, "replayed step by step, no other settings tried: {why}");
    }
    if report.rules.is_empty() {
        text.push_str("there is no alerting rule\n");
    }
    report.rules.iter().for_each(|rule| tell_rule(rule, &mut text));
    let firings: usize = report.rules.iter().map(|rule| rule.firings).sum();
    let _ = writeln!(text, "{} rules, {firings} firings", report.rules.len());
    text
}

fn tell_rule(rule: &RuleReport, text: &mut String) {
    let _ = writeln!(text, "\n{}/{} (line {})", rule.group, rule.rule, rule.line);
    let _ = writeln!(text, "  fired {} times in {} evaluations", rule.firings, rule.evaluations);
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
    tell_settings(&rule.settings, rule.suggestion.as_ref(), text);
}

fn tell_settings(settings: &[Tried], suggestion: Option<&Suggestion>, text: &mut String) {
    if settings.is_empty() {
        return;
    }
    let _ = writeln!(
        text,
        "    {:<6} {:<12} {:>8} {:>9} {:>8} {:>9}",
        "FOR", "THRESHOLD", "FIRINGS", "UNDER 5M", "LATER", "KEEPS"
    );
    for tried in settings {
        let mark = match (tried.own, tried.pareto) {
            (true, _) => "=",
            (false, true) => "*",
            (false, false) => " ",
        };
        let threshold = tried.threshold.map_or_else(|| "its own".to_owned(), |threshold| threshold.to_string());
        let (kept, long) = tried.caught;
        let _ = writeln!(
            text,
            "  {mark} {:<6} {threshold:<12} {:>8} {:>9} {:>8} {:>9}",
            length(Some(tried.hold)),
            tried.firings,
            percent(tried.short_share),
            length(tried.delay.median),
            format!("{kept}/{long}")
        );
    }
    text.push_str("  = its own, * no other fires less, is earlier and keeps more of the firings over 5m\n");
    match suggestion {
        Some(suggestion) => {
            let threshold = suggestion.threshold.map_or_else(String::new, |limit| format!(", threshold {limit}"));
            let _ = writeln!(text, "  try for: {}{threshold}: {}", length(Some(suggestion.hold)), suggestion.reason);
        }
        None => text.push_str("  nothing better was found than its own setting\n"),
    }
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
