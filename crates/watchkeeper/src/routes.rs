//! `watchkeeper routes`: the routing tree of a watchbook, which routes an alert takes, and who would be paged for it. Without
//! a server: shifts that people took live in its journal, so schedules count here as they are written.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use alerts::{Called, NamedBy, Run, simulate};
use clap::Subcommand;
use jiff::tz::TimeZone;
use kernel::book::Route;
use kernel::port::Clock as _;
use kernel::{Labels, PolicyName, Timestamp};
use serde_json::{Value, json};

use crate::failure::{Exit, Failure};
use crate::remote::words::{instant, pair};
use crate::world::SystemClock;
use crate::{book, out};

/// How deep the tree is printed; the room looks no deeper either.
const DEPTH_MAX: usize = 64;

/// `watchkeeper routes …`
#[derive(Debug, Subcommand)]
pub enum RoutesVerb {
    /// Print the routing tree; with labels, which routes an alert with these takes.
    Show {
        /// Labels of an alert.
        #[arg(value_name = "NAME=VALUE", value_parser = pair)]
        labels: Vec<(String, String)>,
        /// The watchbook's directory.
        #[arg(long, env = "WATCHKEEPER_WATCHBOOK", default_value = "./watchbook", value_name = "DIR")]
        watchbook: PathBuf,
    },
    /// Say who would be paged for an alert that begins at an instant, and when, if nobody acknowledged.
    Simulate {
        /// The alert's labels.
        #[arg(value_name = "NAME=VALUE", value_parser = pair, required = true)]
        labels: Vec<(String, String)>,
        /// When it begins. Default: now.
        #[arg(long, value_name = "TIME", value_parser = instant)]
        at: Option<Timestamp>,
        /// The watchbook's directory.
        #[arg(long, env = "WATCHKEEPER_WATCHBOOK", default_value = "./watchbook", value_name = "DIR")]
        watchbook: PathBuf,
    },
}

/// `watchkeeper routes …`
pub fn run(verb: RoutesVerb, json: bool) -> Result<ExitCode, Failure> {
    let (labels, at, directory) = match verb {
        RoutesVerb::Show { labels, watchbook } if labels.is_empty() => {
            let book = book::load(&watchbook)?;
            if json {
                out::line(format_args!("{:#}", tree_json(&book.route, 0)))?;
            } else {
                let mut text = String::new();
                tree(&book.route, 0, &mut text);
                out::print(text)?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        RoutesVerb::Show { labels, watchbook } => (labels, None, watchbook),
        RoutesVerb::Simulate { labels, at, watchbook } => {
            (labels, Some(at.unwrap_or_else(|| SystemClock.now())), watchbook)
        }
    };
    let labels = Labels::from_pairs(labels.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let labels = labels.map_err(|error| Failure::new(error.to_string()).exit(Exit::Usage))?;
    let book = book::load(&directory)?;
    let runs = simulate(&book, |_| &[], &labels, at.unwrap_or_else(|| SystemClock.now()));
    if json {
        let runs: Vec<Value> = runs.iter().map(|run| run_json(run, at.is_some())).collect();
        out::line(format_args!("{:#}", json!({ "alert": labels, "at": at, "routes": runs })))?;
    } else {
        let mut text = String::new();
        runs.iter().for_each(|run| told(run, at, &mut text));
        out::print(text)?;
    }
    let all_reach = runs.iter().all(Run::reaches_somebody) || at.is_none();
    Ok(if all_reach { ExitCode::SUCCESS } else { ExitCode::from(Exit::Unsound as u8) })
}

fn named(policy: Option<&PolicyName>) -> &str {
    policy.map_or("nobody", PolicyName::as_str)
}

/// A route and its children, each a line, as deep as they are.
fn tree(route: &Route, depth: usize, text: &mut String) {
    let matchers: Vec<String> = route.matchers.iter().map(ToString::to_string).collect();
    let indent = "  ".repeat(depth);
    let mut line = format!("{indent}{{{}}}", matchers.join(", "));
    match (&route.policy, depth) {
        (Some(policy), _) => _ = write!(line, "  policy {policy}"),
        (None, 0) => line.push_str("  no catch-all"),
        (None, _) => line.push_str("  the service's policy"),
    }
    for (words, names) in [("quiet during", &route.times.mute), ("pages only during", &route.times.active)] {
        let names: Vec<&str> = names.iter().map(kernel::IntervalName::as_str).collect();
        if !names.is_empty() {
            _ = write!(line, ", {words} {}", names.join(", "));
        }
    }
    if route.proceed {
        line.push_str(", continues");
    }
    text.push_str(&line);
    text.push('\n');
    for child in route.routes.iter().filter(|_| depth < DEPTH_MAX) {
        tree(child, depth + 1, text);
    }
}

fn tree_json(route: &Route, depth: usize) -> Value {
    let children: Vec<Value> =
        route.routes.iter().filter(|_| depth < DEPTH_MAX).map(|child| tree_json(child, depth + 1)).collect();
    json!({
        "matchers": route.matchers.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "policy": route.policy, "group_by": route.group_by, "group_wait": route.group_wait.to_string(),
        "group_interval": route.group_interval.to_string(), "repeat_interval": route.repeat_interval.to_string(),
        "mute_time_intervals": route.times.mute, "active_time_intervals": route.times.active,
        "continue": route.proceed, "routes": children,
    })
}

/// What one route does, for people.
fn told(run: &Run, at: Option<Timestamp>, text: &mut String) {
    let by = match run.named_by {
        NamedBy::Route => "named by the route",
        NamedBy::Service => "that of the service",
        NamedBy::CatchAll => "the catch-all",
        NamedBy::Nobody => "no route, service or team names one",
    };
    _ = writeln!(
        text,
        "{}  policy {} ({by}), {}, group {}",
        run.route,
        named(run.policy.as_ref()),
        run.severity,
        run.group
    );
    let Some(at) = at else { return };
    if let Some(quiet) = &run.quiet {
        _ = writeln!(text, "  keeps quiet {quiet} until {}", local(quiet.until));
    }
    for call in &run.calls {
        let after = call.at.duration_since(at).as_secs();
        _ = writeln!(
            text,
            "  {} (+{})  {}: {}",
            local(call.at),
            kernel::Seconds(u32::try_from(after).unwrap_or(u32::MAX)),
            place(call),
            whom(call)
        );
    }
    if run.is_cut {
        _ = writeln!(text, "  and so on: only the first {} calls are told", alerts::CALLS_MAX);
    }
    if !run.reaches_somebody() {
        text.push_str("  NOBODY would be paged\n");
    }
}

fn local(at: Timestamp) -> String {
    at.to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

fn place(call: &Called) -> String {
    match call.step {
        Some(step) if call.round == 0 => format!("step {}", step + 1),
        Some(step) => format!("step {}, round {}", step + 1, call.round + 1),
        None => "the owner's whole team".to_owned(),
    }
}

fn whom(call: &Called) -> String {
    let people = call.people.iter().map(|(person, address)| format!("{person} by {address}"));
    let machines = call.machines.iter().map(ToString::to_string);
    let problems = call.problems.iter().map(|problem| format!("({problem})"));
    let all: Vec<String> = people.chain(machines).chain(problems).collect();
    if all.is_empty() { "nobody".to_owned() } else { all.join(", ") }
}

fn run_json(run: &Run, calls: bool) -> Value {
    let called = |call: &Called| {
        let people: Vec<Value> = call
            .people
            .iter()
            .map(|(person, address)| json!({ "person": person, "address": address.to_string() }))
            .collect();
        json!({
            "at": call.at, "step": call.step.map(|step| step + 1), "round": call.round + 1, "people": people,
            "machines": call.machines.iter().map(ToString::to_string).collect::<Vec<_>>(), "problems": call.problems,
        })
    };
    let mut value = json!({
        "route": run.route, "group": run.group, "service": run.service, "policy": run.policy, "severity": run.severity,
        "group_wait": run.wait.to_string(), "quiet": run.quiet,
    });
    if calls {
        value["calls"] = run.calls.iter().map(called).collect();
        value["is_cut"] = run.is_cut.into();
    }
    value
}
