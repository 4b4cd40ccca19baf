//! `cargo xtask bench`: whole servers under load, each beside Debian's Alertmanager, Prometheus or VictoriaMetrics in the same
//! run on the same machine.
//!
//! The load tool is ours and cheap, so that what is measured is the server. A few benches run a part of the product within
//! this process instead. Method: docs/benchmarks.md.

mod alerts;
mod backtest;
mod crash;
mod e2e;
mod hook;
mod http;
mod idle;
mod ingest;
mod journal;
mod keeper;
mod load;
mod machine;
mod memory;
mod peer;
mod post;
mod postgres;
mod range;
mod readers;
mod remote;
mod report;
mod rules;
mod samples;
mod store;
mod watchkeeper;

use crate::Outcome;
use keeper::Keeper;
use peer::Peer;
use report::Report;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

/// A bench's answer or the reason why it could not measure.
type Measured<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// One bench: its name, what it shows, and what runs it.
struct Bench {
    name: &'static str,
    shows: &'static str,
    run: Run,
}

/// What a bench runs.
#[derive(Clone, Copy)]
enum Run {
    /// Every server but those on PostgreSQL, one after the other.
    Servers(AtPeer),
    /// Every server.
    AllServers(AtPeer),
    /// Every server that keeps series.
    Keepers(fn(&Context, &Keeper, &mut Report) -> Measured),
    /// A part of the product, within this process.
    Within(fn(&Context, &mut Report) -> Measured),
}

type AtPeer = fn(&Context, &dyn Peer, &mut Report) -> Measured;

impl Run {
    fn is_within(self) -> bool {
        matches!(self, Self::Within(_))
    }
}

const ALL: [Bench; 12] = [
    Bench { name: "idle", shows: "start-up time and resident memory of an idle server", run: Run::Servers(idle::run) },
    Bench { name: "post", shows: "alerts taken in over /api/v2/alerts", run: Run::AllServers(post::run) },
    Bench { name: "e2e", shows: "from POST to the page at a webhook server", run: Run::Servers(e2e::run) },
    Bench {
        name: "readers",
        shows: "pages while eight clients read and integrations hang",
        run: Run::Servers(readers::run),
    },
    Bench {
        name: "memory",
        shows: "one million active alerts: memory, look-up, full list",
        run: Run::Servers(memory::run),
    },
    Bench {
        name: "journal",
        shows: "facts written, verified and read back at start-up",
        run: Run::AllServers(journal::run),
    },
    Bench { name: "crash", shows: "what is lost when the process ends: K1 to K7", run: Run::AllServers(crash::run) },
    Bench {
        name: "store",
        shows: "the metric store: writing, memory, reading, standing selectors",
        run: Run::Within(store::run),
    },
    Bench {
        name: "ingest",
        shows: "samples taken in over HTTP, beside Prometheus and VictoriaMetrics",
        run: Run::Keepers(ingest::run),
    },
    Bench {
        name: "range",
        shows: "range queries over an hour of 1,000 series, beside Prometheus and VictoriaMetrics",
        run: Run::Keepers(range::run),
    },
    Bench {
        name: "rules",
        shows: "rule files: what they cost beside Prometheus, and how soon one fires",
        run: Run::Keepers(rules::run),
    },
    Bench {
        name: "backtest",
        shows: "rules replayed over 30 days of 100 series, in all their tunings",
        run: Run::Within(backtest::run),
    },
];

/// What every bench needs to know about the run.
pub struct Context {
    /// Divides the sizes; above one only to try the tool itself.
    pub shrink: u64,
}

impl Context {
    /// A size, made smaller where the run is only a trial.
    pub fn size(&self, full: u64) -> u64 {
        (full / self.shrink).max(1)
    }
}

const USAGE: &str = "\
usage: cargo xtask bench [--quick] [--peer NAME]... [NAME...]
  --quick       a tenth of the size, results printed but not written down
  --peer NAME   alertmanager, prometheus, victoria-metrics, watchkeeper or watchkeeper-postgresql; several may be given;
                default: all that are there";

/// Runs the benches named in `arguments`, or all of them, and writes their tables into `docs/benchmarks.md`.
pub fn run(root: &Path, arguments: &[String]) -> Outcome {
    if arguments.iter().any(|argument| argument == "--help") {
        println!("{USAGE}\nbenches:");
        ALL.iter().for_each(|bench| println!("  {:<10}{}", bench.name, bench.shows));
        return Ok(ExitCode::SUCCESS);
    }
    let Choice { quick, peers, benches } = choose(arguments)?;
    if cfg!(debug_assertions) {
        let only_theirs = peers.iter().all(|peer| !peer.starts_with("watchkeeper")) && !peers.is_empty();
        return optimised(root, arguments, only_theirs || benches.iter().all(|bench| bench.run.is_within()));
    }
    let servers = Servers::found(root, &benches, &peers)?;
    machine::raise_file_limit();
    let context = Context { shrink: if quick { 10 } else { 1 } };
    let mut complete = true;
    for bench in benches {
        let mut report = Report::new(bench.name, bench.shows);
        complete &= measure(bench, &context, &servers, &mut report);
        println!("\n{}", report.table());
        if !quick {
            write_down(root, &report)?;
        }
    }
    Ok(if complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The servers that are here.
struct Servers {
    peers: Vec<Box<dyn Peer>>,
    keepers: Vec<Keeper>,
}

impl Servers {
    /// Those that the benches need, of those that are wanted.
    fn found(root: &Path, benches: &[&Bench], wanted: &[String]) -> Result<Self, Box<dyn Error>> {
        let need = |is: fn(Run) -> bool| benches.iter().any(|bench| is(bench.run));
        let peers = need(|run| matches!(run, Run::Servers(_) | Run::AllServers(_)));
        let keepers = need(|run| matches!(run, Run::Keepers(_)));
        Ok(Self {
            peers: if peers { peer::available(root, wanted)? } else { Vec::new() },
            keepers: if keepers { keeper::available(root, wanted)? } else { Vec::new() },
        })
    }
}

/// Runs one bench at every server that it is for; whether all of it was measured.
fn measure(bench: &Bench, context: &Context, servers: &Servers, report: &mut Report) -> bool {
    let mut complete = true;
    let (run, on_postgres) = match bench.run {
        Run::Within(run) => return told(bench, "watchkeeper", report, |report| run(context, report)),
        Run::Keepers(run) => {
            for keeper in &servers.keepers {
                complete &= told(bench, keeper.name(), report, |report| run(context, keeper, report));
            }
            return complete;
        }
        Run::Servers(run) => (run, false),
        Run::AllServers(run) => (run, true),
    };
    for peer in servers.peers.iter().filter(|peer| on_postgres || !peer.on_postgres()) {
        complete &= told(bench, peer.name(), report, |report| run(context, peer.as_ref(), report));
    }
    complete
}

fn told(bench: &Bench, name: &str, report: &mut Report, run: impl FnOnce(&mut Report) -> Measured) -> bool {
    println!("bench {}: {name} ..", bench.name);
    let outcome = run(report);
    if let Err(error) = &outcome {
        println!("bench {}: {name}: {error}", bench.name);
        report.note(format!("{name} did not finish: {error}"));
    }
    outcome.is_ok()
}

/// Builds the server under test, then runs this tool again built with optimisation: a slow load tool would be
/// measured instead of the server.
fn optimised(root: &Path, arguments: &[String], only_theirs: bool) -> Outcome {
    if !only_theirs {
        println!("bench: cargo build --release --package watchkeeper ..");
        let build = ["build", "--release", "--package", "watchkeeper"];
        if !Command::new(env!("CARGO")).args(build).current_dir(root).status()?.success() {
            return Err("bench: watchkeeper does not build".into());
        }
    }
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "--release", "--quiet", "--package", "xtask", "--", "bench"]).args(arguments);
    let status = command.current_dir(root).status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Choice {
    quick: bool,
    peers: Vec<String>,
    benches: Vec<&'static Bench>,
}

fn choose(arguments: &[String]) -> Result<Choice, Box<dyn Error>> {
    let mut choice = Choice { quick: false, peers: Vec::new(), benches: Vec::new() };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => choice.quick = true,
            "--peer" => choice.peers.push(arguments.next().ok_or("bench: --peer needs a name")?.clone()),
            name => {
                let found = ALL.iter().find(|bench| bench.name == name);
                choice.benches.push(found.ok_or_else(|| format!("bench: {name} is no bench\n{USAGE}"))?);
            }
        }
    }
    if choice.benches.is_empty() {
        choice.benches = ALL.iter().collect();
    }
    Ok(choice)
}

/// Puts the report between its markers in `docs/benchmarks.md`, or at the end where it has none yet.
fn write_down(root: &Path, report: &Report) -> Result<(), Box<dyn Error>> {
    let path = root.join("docs/benchmarks.md");
    let page = fs::read_to_string(&path).unwrap_or_else(|_| "# Benchmarks\n".to_owned());
    let section = format!("{}\n\n{}", machine::line(), report.table());
    fs::write(&path, between_markers(&page, report.name, &section))?;
    println!("written to {}", path.display());
    Ok(())
}

fn between_markers(page: &str, name: &str, section: &str) -> String {
    let (open, close) = (format!("<!-- bench:{name} -->"), format!("<!-- /bench:{name} -->"));
    let fresh = format!("{open}\n{}\n{close}", section.trim_end());
    match (page.find(&open), page.find(&close)) {
        (Some(start), Some(end)) if start < end => {
            let (before, after) = (&page[..start], &page[end + close.len()..]);
            format!("{before}{fresh}{after}")
        }
        _ => format!("{}\n\n## {name}\n\n{fresh}\n", page.trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::between_markers;

    #[test]
    fn a_report_replaces_only_its_own_section() {
        let page = "# Benchmarks\n\ntext\n";
        let page = between_markers(page, "idle", "one\n");
        let page = between_markers(&page, "post", "two\n");
        let page = between_markers(&page, "idle", "three\n");
        let expected = "# Benchmarks\n\ntext\n\n## idle\n\n<!-- bench:idle -->\nthree\n<!-- /bench:idle -->\n\n\
            ## post\n\n<!-- bench:post -->\ntwo\n<!-- /bench:post -->\n";
        assert_eq!(page, expected);
    }
}
