//! `cargo xtask bench`: whole servers under load, each beside Debian's Alertmanager in the same run on the same machine.
//!
//! The load tool is ours and cheap, so that what is measured is the server. Functions are not timed here; crates have
//! their own benches for that. Method: docs/benchmarks.md.

mod alerts;
mod crash;
mod e2e;
mod hook;
mod http;
mod idle;
mod journal;
mod load;
mod machine;
mod memory;
mod peer;
mod post;
mod postgres;
mod readers;
mod report;
mod watchkeeper;

use crate::Outcome;
use peer::Peer;
use report::Report;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

/// A bench's answer or the reason why it could not measure.
type Measured<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// One bench: its name, what it shows, what runs it, and whether it also runs on PostgreSQL.
struct Bench {
    name: &'static str,
    shows: &'static str,
    run: fn(&Context, &dyn Peer, &mut Report) -> Measured,
    on_postgres: bool,
}

const ALL: [Bench; 7] = [
    Bench {
        name: "idle",
        shows: "start-up time and resident memory of an idle server",
        run: idle::run,
        on_postgres: false,
    },
    Bench { name: "post", shows: "alerts taken in over /api/v2/alerts", run: post::run, on_postgres: true },
    Bench { name: "e2e", shows: "from POST to the page at a webhook server", run: e2e::run, on_postgres: false },
    Bench {
        name: "readers",
        shows: "pages while eight clients read and integrations hang",
        run: readers::run,
        on_postgres: false,
    },
    Bench {
        name: "memory",
        shows: "one million active alerts: memory, look-up, full list",
        run: memory::run,
        on_postgres: false,
    },
    Bench {
        name: "journal",
        shows: "facts written, verified and read back at start-up",
        run: journal::run,
        on_postgres: true,
    },
    Bench { name: "crash", shows: "what is lost when the process ends: K1 to K7", run: crash::run, on_postgres: true },
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
  --peer NAME   alertmanager, watchkeeper or watchkeeper-postgresql; several may be given; default: all that are there";

/// Runs the benches named in `arguments`, or all of them, and writes their tables into `docs/benchmarks.md`.
pub fn run(root: &Path, arguments: &[String]) -> Outcome {
    if arguments.iter().any(|argument| argument == "--help") {
        println!("{USAGE}\nbenches:");
        ALL.iter().for_each(|bench| println!("  {:<10}{}", bench.name, bench.shows));
        return Ok(ExitCode::SUCCESS);
    }
    let Choice { quick, peers, benches } = choose(arguments)?;
    if cfg!(debug_assertions) {
        return optimised(root, arguments, peers.iter().all(|peer| peer == "alertmanager") && !peers.is_empty());
    }
    let peers = peer::available(root, &peers)?;
    machine::raise_file_limit();
    let context = Context { shrink: if quick { 10 } else { 1 } };
    let mut complete = true;
    for bench in benches {
        let mut report = Report::new(bench.name, bench.shows);
        for peer in peers.iter().filter(|peer| bench.on_postgres || !peer.on_postgres()) {
            println!("bench {}: {} ..", bench.name, peer.name());
            if let Err(error) = (bench.run)(&context, peer.as_ref(), &mut report) {
                println!("bench {}: {}: {error}", bench.name, peer.name());
                report.note(format!("{} did not finish: {error}", peer.name()));
                complete = false;
            }
        }
        println!("\n{}", report.table());
        if !quick {
            write_down(root, &report)?;
        }
    }
    Ok(if complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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
