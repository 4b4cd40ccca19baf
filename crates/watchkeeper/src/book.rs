//! Verbs about watchbooks: begin one, check one, publish the schema for editors.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use connectors::watchbook;

use crate::failure::{Exit, Failure};

/// `watchkeeper init`
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The directory to write; it must not exist or be empty.
    #[arg(default_value = "./watchbook")]
    directory: PathBuf,
}

/// `watchkeeper watchbook …`
#[derive(Debug, Subcommand)]
pub enum BookVerb {
    /// Check a watchbook: prints every error with file, line and column, all at once.
    Check {
        /// The watchbook's directory.
        #[arg(env = "WATCHKEEPER_WATCHBOOK", default_value = "./watchbook")]
        directory: PathBuf,
        /// Print the findings as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print the JSON Schema of the watchbook's files, for editors.
    Schema,
}

/// `watchkeeper init`
pub fn init(args: &InitArgs) -> Result<ExitCode, Failure> {
    let directory = &args.directory;
    let taken = std::fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_some());
    if taken {
        let message = format!("{} is not empty, so nothing was written", directory.display());
        return Err(Failure::new(message).hint("name another directory").exit(Exit::Usage));
    }
    for (name, text) in watchbook::starter() {
        let path = directory.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| Failure::file("create", parent, &error))?;
        }
        std::fs::write(&path, text).map_err(|error| Failure::file("write", &path, &error))?;
        println!("wrote {}", path.display());
    }
    println!("\nEdit people and services, then: watchkeeper watchbook check {}", directory.display());
    Ok(ExitCode::SUCCESS)
}

/// `watchkeeper watchbook …`
pub fn run(verb: BookVerb) -> Result<ExitCode, Failure> {
    match verb {
        BookVerb::Check { directory, json } => check(&directory, json),
        BookVerb::Schema => {
            println!("{:#}", watchbook::schema());
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn check(directory: &Path, json: bool) -> Result<ExitCode, Failure> {
    let checked = watchbook::check(directory);
    let sound = checked.book.is_some() && access_is_sound(checked.book.as_ref())?;
    if json {
        println!("{:#}", checked.findings.to_json());
    } else {
        print!("{}", checked.findings);
        if let Some(book) = checked.book.filter(|_| sound) {
            println!(
                "{} is good: {} services, {} teams, {} people, {} schedules, {} policies (digest {})",
                directory.display(),
                book.services.len(),
                book.teams.len(),
                book.people.len(),
                book.schedules.len(),
                book.policies.len(),
                book.digest.short()
            );
        }
    }
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::from(Exit::Unsound as u8) })
}

fn access_is_sound(book: Option<&kernel::Book>) -> Result<bool, Failure> {
    let Some(book) = book else { return Ok(false) };
    governance::Permit::new(book).map_err(|error| Failure::new(error.to_string()).exit(Exit::Unsound))?;
    Ok(true)
}

/// Loads a watchbook that must be good.
///
/// # Errors
/// With every finding, when it is not.
pub fn load(directory: &Path) -> Result<kernel::Book, Failure> {
    watchbook::load(directory).map_err(|findings| {
        let hint = format!("check it with: watchkeeper watchbook check {}", directory.display());
        Failure::new(format!("the watchbook in {} is not good\n{findings}", directory.display()))
            .hint(hint)
            .exit(Exit::Unsound)
    })
}
