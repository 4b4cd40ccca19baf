//! The command line: one verb for everything the API can do, and the verbs of the machine itself.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::failure::{EXITS, Exit, Failure};
use crate::{book, demo, journal, local, manual, out, query, remote, routes, rules, serve, sigma, slo};

/// One binary for the whole life of an incident: detect, route, page, command, communicate, learn, prove.
#[derive(Debug, Parser)]
#[command(name = "watchkeeper", version, propagate_version = true, max_term_width = 110, after_help = exits())]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
    /// Print JSON for programs: what the server said, as it is; failures too, on standard error.
    #[arg(long, global = true)]
    pub json: bool,
}

/// The exit codes as `--help` lists them.
fn exits() -> String {
    let line = |(code, meaning): &(u8, &str)| format!("  {code}  {meaning}\n");
    format!("Exit codes:\n{}", EXITS.iter().map(line).collect::<String>())
}

/// Where the journal of this machine is.
#[derive(Debug, Clone, Args)]
pub struct Place {
    /// The data directory: the embedded database, the keys.
    #[arg(long, env = "WATCHKEEPER_DATA_DIR", default_value = "./watchkeeper-data", value_name = "DIR")]
    pub data: PathBuf,
    /// A PostgreSQL database to use instead of the embedded one, such as postgres://user@host/name.
    #[arg(long, env = "WATCHKEEPER_DATABASE", value_name = "URL", hide_env_values = true)]
    pub database: Option<String>,
}

impl Place {
    /// The address of the journal's database.
    #[must_use]
    pub fn database_url(&self) -> String {
        self.database.clone().unwrap_or_else(|| format!("sqlite:{}", self.data.join("journal.db").display()))
    }
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the server.
    Serve(serve::ServeArgs),
    /// Write a small, good watchbook to begin with.
    Init(book::InitArgs),
    /// Check, compare and apply watchbooks.
    #[command(subcommand)]
    Watchbook(book::BookVerb),
    /// Verify, prove, seal, export and follow the journal.
    #[command(subcommand)]
    Journal(journal::JournalVerb),
    /// Issue, list and revoke the API tokens of programs.
    #[command(subcommand)]
    Token(local::TokenVerb),
    /// Let a person in: prints a link by which they set their password.
    Invite(local::InviteArgs),
    /// Run and read queries in PromQL, without a server.
    #[command(subcommand)]
    Promql(query::PromqlVerb),
    /// Check, test and replay rule files in Prometheus' form, without a server; say how noisy those of a server are.
    #[command(subcommand)]
    Rules(rules::RulesVerb),
    /// Sigma rules: check and try them without a server; list and judge those of a running one.
    #[command(subcommand)]
    Sigma(sigma::SigmaVerb),
    /// Make rules of service-level objectives, without a server; say how those of a server stand.
    #[command(subcommand)]
    Slo(slo::SloVerb),
    /// The routing tree of a watchbook: which routes an alert takes, and who would be paged for it.
    #[command(subcommand)]
    Routes(routes::RoutesVerb),
    /// Play one outage of a small shop: real processes, real metrics, real pages.
    Demo(demo::DemoArgs),
    #[command(flatten)]
    Remote(remote::RemoteVerb),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write one for each verb.
    Man {
        /// Write every page into this directory instead, such as /usr/local/share/man/man1.
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

impl Cli {
    /// What it asks of a server, when it does nothing else.
    #[cfg(test)]
    pub fn remote(self) -> Option<(remote::ask::Ask, remote::ask::Server)> {
        match self.verb {
            Verb::Watchbook(book::BookVerb::Remote(verb)) => Some(verb.ask()),
            Verb::Journal(journal::JournalVerb::Remote(verb)) => Some(verb.ask()),
            Verb::Sigma(sigma::SigmaVerb::Remote(verb)) => Some(verb.ask()),
            Verb::Token(verb) => verb.remote(),
            Verb::Invite(args) => args.remote(),
            Verb::Rules(rules::RulesVerb::Remote(verb)) => Some(verb.ask()),
            Verb::Slo(slo::SloVerb::Remote(verb)) => Some(verb.ask()),
            Verb::Remote(verb) => verb.ask().ok(),
            _ => None,
        }
    }

    /// Does what was asked.
    ///
    /// # Errors
    /// Says what went wrong, with a way out and an exit code.
    pub fn run(self) -> Result<ExitCode, Failure> {
        let json = self.json;
        match self.verb {
            Verb::Serve(args) => on_runtime(serve::run(args, json)),
            Verb::Init(args) => book::init(&args, json),
            Verb::Watchbook(verb) => on_runtime(book::run(verb, json)),
            Verb::Journal(verb) => on_runtime(journal::run(verb, json)),
            Verb::Token(verb) => on_runtime(local::token(verb, json)),
            Verb::Invite(args) => on_runtime(local::invite(args, json)),
            Verb::Promql(verb) => query::run(verb, json),
            Verb::Rules(verb) => on_runtime(rules::run(verb, json)),
            Verb::Sigma(verb) => on_runtime(sigma::run(verb, json)),
            Verb::Slo(verb) => on_runtime(slo::run(verb, json)),
            Verb::Routes(verb) => routes::run(verb, json),
            Verb::Remote(verb) => on_runtime(remote::run(verb, json)),
            Verb::Demo(_) | Verb::Completions { .. } | Verb::Man { .. } if json => {
                Err(Failure::new("this verb is for people: it prints no JSON")
                    .hint("leave --json out")
                    .exit(Exit::Usage))
            }
            Verb::Demo(args) => on_runtime(demo::run(args)),
            Verb::Completions { shell } => {
                let mut command = <Self as clap::CommandFactory>::command();
                let mut script = Vec::new();
                clap_complete::generate(shell, &mut command, "watchkeeper", &mut script);
                out::print(String::from_utf8_lossy(&script))?;
                Ok(ExitCode::SUCCESS)
            }
            Verb::Man { dir } => manual::run(<Self as clap::CommandFactory>::command(), dir.as_deref()),
        }
    }
}

fn on_runtime(work: impl Future<Output = Result<ExitCode, Failure>>) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("cannot start the runtime: {error}")))?;
    runtime.block_on(work)
}
