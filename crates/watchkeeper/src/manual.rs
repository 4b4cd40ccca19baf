//! The manual: one page for `watchkeeper` and one for each of its verbs, made from the same description as `--help`.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use clap::Command;
use clap_mangen::Man;

use crate::failure::{EXITS, Failure};
use crate::out;

/// Prints the main page, or writes every page into a directory.
///
/// # Errors
/// When they cannot be written.
pub fn run(command: Command, directory: Option<&Path>) -> Result<ExitCode, Failure> {
    let all = pages(command);
    match directory {
        None => {
            let main = all.first().map(|(_, page)| page.as_slice()).unwrap_or_default();
            out::print(String::from_utf8_lossy(main))?;
        }
        Some(directory) => {
            std::fs::create_dir_all(directory).map_err(|error| Failure::file("create", directory, &error))?;
            for (name, page) in &all {
                let path = directory.join(name);
                std::fs::write(&path, page).map_err(|error| Failure::file("write", &path, &error))?;
            }
            out::line(format_args!("wrote {} pages to {}", all.len(), directory.display()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Every page under its file's name, the main one first.
pub fn pages(command: Command) -> Vec<(String, Vec<u8>)> {
    let mut whole = command.disable_help_subcommand(true);
    // Fills in what all verbs inherit, and their full names.
    whole.build();
    let mut left = std::collections::VecDeque::from([whole]);
    let mut out = Vec::new();
    while let Some(command) = left.pop_front() {
        left.extend(command.get_subcommands().cloned());
        let mut page = Vec::new();
        // Writing into memory cannot fail.
        let _ = render(&command, &mut page);
        out.push((Man::new(command).get_filename(), page));
    }
    out
}

fn render(command: &Command, page: &mut Vec<u8>) -> std::io::Result<()> {
    let man = Man::new(command.clone());
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(page)?;
    }
    writeln!(page, ".SH \"EXIT STATUS\"")?;
    for (code, meaning) in EXITS {
        writeln!(page, ".TP\n\\fB{code}\\fR\n{meaning}")?;
    }
    Ok(())
}
