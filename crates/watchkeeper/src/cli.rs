//! The command line: one verb for everything the API can do, and the verbs of the machine itself.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::failure::Failure;
use crate::{book, demo, journal, local, remote, serve};

/// One binary for the whole life of an incident: detect, route, page, command, communicate, learn, prove.
///
/// Exit codes: 0 done; 1 the world failed (a file, a server, a network); 2 the command line or a file is wrong;
/// 3 not allowed; 4 refused by a rule, or no such thing; 5 what was checked is not in order.
#[derive(Debug, Parser)]
#[command(name = "watchkeeper", version, propagate_version = true, max_term_width = 110)]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
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
    /// Check, apply and describe watchbooks.
    #[command(subcommand)]
    Watchbook(book::BookVerb),
    /// Verify, prove, seal and export the journal.
    #[command(subcommand)]
    Journal(journal::JournalVerb),
    /// Issue and revoke API tokens on this machine.
    #[command(subcommand)]
    Token(local::TokenVerb),
    /// Let a person in: prints a link by which they set their password.
    Invite(local::InviteArgs),
    /// Play one outage of a small shop: real processes, real metrics, real pages.
    Demo(demo::DemoArgs),
    #[command(flatten)]
    Remote(remote::RemoteVerb),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    Man,
}

impl Cli {
    /// Does what was asked.
    ///
    /// # Errors
    /// Says what went wrong, with a way out and an exit code.
    pub fn run(self) -> Result<ExitCode, Failure> {
        match self.verb {
            Verb::Serve(args) => on_runtime(serve::run(args)),
            Verb::Init(args) => book::init(&args),
            Verb::Watchbook(verb) => book::run(verb),
            Verb::Journal(verb) => on_runtime(journal::run(verb)),
            Verb::Token(verb) => on_runtime(local::token(verb)),
            Verb::Invite(args) => on_runtime(local::invite(args)),
            Verb::Demo(args) => on_runtime(demo::run(args)),
            Verb::Remote(verb) => on_runtime(remote::run(verb)),
            Verb::Completions { shell } => {
                let mut command = <Self as clap::CommandFactory>::command();
                clap_complete::generate(shell, &mut command, "watchkeeper", &mut std::io::stdout());
                Ok(ExitCode::SUCCESS)
            }
            Verb::Man => manual(),
        }
    }
}

fn manual() -> Result<ExitCode, Failure> {
    let page = clap_mangen::Man::new(<Cli as clap::CommandFactory>::command());
    page.render(&mut std::io::stdout()).map_err(|error| Failure::new(format!("cannot print the manual: {error}")))?;
    Ok(ExitCode::SUCCESS)
}

fn on_runtime(work: impl Future<Output = Result<ExitCode, Failure>>) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("cannot start the runtime: {error}")))?;
    runtime.block_on(work)
}
