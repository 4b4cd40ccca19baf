//! Verbs about watchbooks: begin one, check one, publish the schema for editors; and what a running server has live.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use connectors::watchbook::{self, Further, Reading};
use kernel::book::rules as kernel_rules;
use serde_json::{Value, json};
use signals::rulebook::{Demand, Wrong};

use crate::failure::{Exit, Failure};
use crate::out;
use crate::remote::access::{self, LiveBookVerb};
use crate::remote::ask::Server;

/// `watchkeeper init`
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The directory to write; it must not exist or be empty.
    #[arg(default_value = "./watchbook")]
    directory: PathBuf,
}

/// What becomes of a watchbook with a bad rule, as the command line says it.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum OnBadRule {
    /// The watchbook is refused as a whole.
    Refuse,
    /// What is bad is left out and named.
    LoadTheRest,
}

/// `watchkeeper watchbook …`
#[derive(Debug, Subcommand)]
pub enum BookVerb {
    /// Check a watchbook: prints every error with file, line and column, all at once.
    Check {
        /// The watchbook's directory.
        #[arg(env = "WATCHKEEPER_WATCHBOOK", default_value = "./watchbook")]
        directory: PathBuf,
        /// What becomes of a bad rule in `prometheus/` or objective in `slo/`, whatever the watchbook says.
        #[arg(long, value_enum, value_name = "WHAT")]
        on_bad_rule: Option<OnBadRule>,
    },
    #[command(flatten)]
    Remote(LiveBookVerb),
    /// Compare a watchbook with the one that a running server has live.
    Diff {
        /// The watchbook's directory.
        #[arg(env = "WATCHKEEPER_WATCHBOOK", default_value = "./watchbook")]
        directory: PathBuf,
        #[command(flatten)]
        server: Server,
    },
    /// Print the JSON Schema of the watchbook's files, for editors.
    Schema,
}

/// `watchkeeper init`
pub fn init(args: &InitArgs, json: bool) -> Result<ExitCode, Failure> {
    let directory = &args.directory;
    let taken = std::fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_some());
    if taken {
        let message = format!("{} is not empty, so nothing was written", directory.display());
        return Err(Failure::new(message).hint("name another directory").exit(Exit::Usage));
    }
    let mut wrote = Vec::new();
    for (name, text) in watchbook::starter() {
        let path = directory.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| Failure::file("create", parent, &error))?;
        }
        std::fs::write(&path, text).map_err(|error| Failure::file("write", &path, &error))?;
        wrote.push(path.display().to_string());
    }
    if json {
        out::line(format_args!("{:#}", json!({ "wrote": wrote })))?;
    } else {
        let told: String = wrote.iter().map(|path| format!("wrote {path}\n")).collect();
        let next = format!("Edit people and services, then: watchkeeper watchbook check {}", directory.display());
        out::line(format_args!("{told}\n{next}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// `watchkeeper watchbook …`
pub async fn run(verb: BookVerb, json: bool) -> Result<ExitCode, Failure> {
    match verb {
        BookVerb::Remote(verb) => {
            let (ask, server) = verb.ask();
            ask.run(&server, json).await
        }
        BookVerb::Check { directory, on_bad_rule } => check(&directory, on_bad_rule, json),
        BookVerb::Diff { directory, server } => diff(&directory, &server, json).await,
        BookVerb::Schema => {
            out::line(format_args!("{:#}", watchbook::schema()))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Compares digests; where Git knows the live commit, it tells what differs.
async fn diff(directory: &Path, server: &Server, json: bool) -> Result<ExitCode, Failure> {
    let here = load(directory)?;
    let live = access::live_book().answer(server).await?;
    let text = |field: &str| live.get(field).and_then(Value::as_str).unwrap_or_default();
    let (digest, same) = (here.digest.to_string(), here.digest.to_string() == text("digest"));
    let changes = if same { String::new() } else { changed_since(directory, text("commit")) };
    if json {
        let told = json!({ "same": same, "digest": digest, "commit": here.commit, "live": live, "diff": changes });
        out::line(format_args!("{told:#}"))?;
    } else if same {
        out::line(format_args!("{} is what is live (digest {})", directory.display(), here.digest.short()))?;
    } else {
        let known = Some(text("commit")).filter(|commit| !commit.is_empty()).unwrap_or("of no commit");
        out::print(format_args!(
            "{} differs from what is live: digest {digest} here, {} there ({known})\n{changes}",
            directory.display(),
            text("digest")
        ))?;
    }
    Ok(if same { ExitCode::SUCCESS } else { ExitCode::from(Exit::Unsound as u8) })
}

/// What Git says changed since the live commit; nothing where it does not know that commit.
fn changed_since(directory: &Path, commit: &str) -> String {
    let is_commit = commit.len() >= 7 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_commit {
        return String::new();
    }
    let git = std::process::Command::new("git").arg("-C").arg(directory).args(["diff", commit, "--", "."]).output();
    git.ok()
        .filter(|git| git.status.success())
        .map_or_else(String::new, |git| String::from_utf8_lossy(&git.stdout).into())
}

fn check(directory: &Path, on_bad_rule: Option<OnBadRule>, json: bool) -> Result<ExitCode, Failure> {
    must_be_there(directory)?;
    let checked = read(directory, on_bad_rule);
    let sound = checked.book.is_some() && access_is_sound(checked.book.as_ref())?;
    if json {
        out::line(format_args!("{:#}", checked.findings.to_json()))?;
    } else {
        out::print(&checked.findings)?;
        if let Some(book) = checked.book.filter(|_| sound) {
            if !book.left_out.is_empty() {
                out::line(format_args!("left out, as `on_bad_rule: load_the_rest` says: {}", book.left_out.len()))?;
            }
            out::line(format_args!(
                "{} is good: {} services, {} teams, {} people, {} schedules, {} policies (digest {})",
                directory.display(),
                book.services.len(),
                book.teams.len(),
                book.people.len(),
                book.schedules.len(),
                book.policies.len(),
                book.digest.short()
            ))?;
        }
    }
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::from(Exit::Unsound as u8) })
}

fn access_is_sound(book: Option<&kernel::Book>) -> Result<bool, Failure> {
    let Some(book) = book else { return Ok(false) };
    governance::Permit::new(book).map_err(|error| Failure::new(error.to_string()).exit(Exit::Unsound))?;
    Ok(true)
}

fn must_be_there(directory: &Path) -> Result<(), Failure> {
    if directory.is_dir() {
        return Ok(());
    }
    let shown = directory.display();
    let hint = format!("name the watchbook's directory, or begin one with: watchkeeper init {shown}");
    Err(Failure::new(format!("there is no directory {shown}")).hint(hint).exit(Exit::Usage))
}

/// Reads a watchbook, with what only the room of rules can say about it, and with its Sigma rules. Blocks on the file system, on
/// `git` and on the rules.
pub fn read(directory: &Path, on_bad_rule: Option<OnBadRule>) -> watchbook::Checked {
    let on_bad_rule = on_bad_rule.map(|what| match what {
        OnBadRule::Refuse => kernel_rules::OnBadRule::Refuse,
        OnBadRule::LoadTheRest => kernel_rules::OnBadRule::LoadTheRest,
    });
    crate::sigma::compiled_into(watchbook::check_as(directory, &Reading { on_bad_rule, finish: Some(&finish) }))
}

fn finish(book: &mut kernel::Book) -> Vec<Further> {
    let further = |wrong: Wrong| Further {
        rule: match wrong.demand {
            Demand::Runs => &connectors::rules::RUNS,
            Demand::Shared => &connectors::rules::SHARED,
            Demand::Objective => &connectors::slo::RULES,
        },
        hint: wrong.demand.way_out().to_owned(),
        about: wrong.about,
    };
    signals::rulebook::finish(book).into_iter().map(further).collect()
}

/// Loads a watchbook that must be good.
///
/// # Errors
/// When there is none, and with every finding, when it is not good.
pub fn load(directory: &Path) -> Result<kernel::Book, Failure> {
    must_be_there(directory)?;
    let checked = read(directory, None);
    let findings = checked.findings;
    checked.book.ok_or_else(|| {
        let hint = format!("check it with: watchkeeper watchbook check {}", directory.display());
        Failure::new(format!("the watchbook in {} is not good\n{findings}", directory.display()))
            .hint(hint)
            .exit(Exit::Unsound)
    })
}
