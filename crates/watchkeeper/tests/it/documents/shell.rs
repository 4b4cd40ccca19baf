//! How a page's commands run: in a directory of their own, with `watchkeeper` on the path, and with the address and the token
//! of the page's server in the environment.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;

use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

use super::page::{Block, Page};
use crate::server::{PATIENCE, Server};

/// `watchkeeper serve` never ends by itself: here it ends once it says where it is. Everything else is the binary itself.
const WRAPPER: &str = r#"#!/usr/bin/env bash
set -euo pipefail
if [ "${1:-}" = serve ]; then
  unset WATCHKEEPER_URL
  export WATCHKEEPER_LISTEN=127.0.0.1:0
  coproc SERVER { exec "$WATCHKEEPER_BINARY" "$@"; }
  read -r line <&"${SERVER[0]}"
  echo "$line"
  kill "$SERVER_PID"
  wait "$SERVER_PID" || true
  case "$line" in "Watchkeeper is at "*) exit 0 ;; *) exit 1 ;; esac
fi
exec "$WATCHKEEPER_BINARY" "$@"
"#;
/// Stands between what one command prints and what the next one does.
const MARK: &str = "@@ next @@";

/// A shell for one page.
pub struct Shell {
    directory: TempDir,
    variables: Vec<(&'static str, String)>,
}

impl Shell {
    /// A shell that knows a server.
    pub fn beside(server: &Server) -> Self {
        let directory = testkit::temp_dir();
        let bin = directory.path().join(".bin");
        std::fs::create_dir(&bin).unwrap();
        std::fs::write(bin.join("watchkeeper"), WRAPPER).unwrap();
        std::fs::set_permissions(bin.join("watchkeeper"), std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
        let variables = vec![
            ("PATH", path),
            ("WATCHKEEPER_BINARY", env!("CARGO_BIN_EXE_watchkeeper").to_owned()),
            ("URL", server.url.clone()),
            ("TOKEN", server.token.clone()),
            ("WATCHKEEPER_URL", server.url.clone()),
            ("WATCHKEEPER_TOKEN", server.token.clone()),
            ("WATCHKEEPER_WATCHBOOK", server.book().display().to_string()),
            ("TZ", "UTC".to_owned()),
        ];
        Self { directory, variables }
    }

    /// Runs a block as a script.
    pub async fn run(&self, block: &Block, needs: &str) -> Result<(), String> {
        if !needs.is_empty() && !is_installed(needs) {
            eprintln!("skipped: {needs} is not installed");
            return Ok(());
        }
        if needs.is_empty() && block.text.contains("curl ") && !is_installed("curl") {
            eprintln!("skipped: curl is not installed");
            return Ok(());
        }
        self.bash(&block.text).await.map(|_| ())
    }

    /// Runs what stands after `$ `, and compares what follows with what is printed: line by line and in order, `…` for
    /// anything.
    pub async fn converse(&self, block: &Block) -> Result<(), String> {
        let mut turns: Vec<(String, Vec<&str>)> = Vec::new();
        for line in block.text.lines() {
            match (line.strip_prefix("$ "), turns.last_mut()) {
                (Some(command), _) => turns.push((command.to_owned(), Vec::new())),
                (None, Some((command, _))) if command.ends_with('\\') => *command = format!("{command}\n{line}"),
                (None, Some((_, expected))) => expected.push(line),
                (None, None) => return Err("it begins with no command".to_owned()),
            }
        }
        let script: String = turns.iter().map(|(command, _)| format!("{command}\necho '{MARK}'\n")).collect();
        let printed = self.bash(&script).await?;
        for ((command, expected), printed) in turns.iter().zip(printed.split(&format!("{MARK}\n"))) {
            let mut rest = printed;
            for piece in expected.iter().flat_map(|line| line.split('…')).map(str::trim).filter(|p| !p.is_empty()) {
                let place = rest.find(piece);
                let Some(place) = place else {
                    return Err(format!("`{command}` does not print {piece:?}, but:\n{printed}"));
                };
                rest = rest.get(place + piece.len()..).unwrap_or("");
            }
        }
        Ok(())
    }

    /// Runs a block as a program in Python.
    pub async fn python(&self, block: &Block) -> Result<(), String> {
        if !is_installed("python3") {
            eprintln!("skipped: python3 is not installed");
            return Ok(());
        }
        let mut command = self.command("python3");
        command.args(["-c", &block.text]);
        finished(command).await.map(|_| ())
    }

    async fn bash(&self, script: &str) -> Result<String, String> {
        let mut command = self.command("bash");
        command.args(["-euo", "pipefail", "-c", &format!("exec 2>&1\n{script}")]);
        finished(command).await
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.directory.path()).kill_on_drop(true).stdin(std::process::Stdio::null());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }
}

async fn finished(mut command: Command) -> Result<String, String> {
    let Output { status, stdout, stderr } =
        timeout(PATIENCE, command.output()).await.map_err(|_| "it does not end".to_owned())?.unwrap();
    let printed = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    if status.success() { Ok(printed) } else { Err(format!("{status}:\n{printed}")) }
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).exists())
}

/// Lets the program whose file a block is say that it is good.
pub fn check_file(page: &Page, block: &Block, name: &str) {
    let directory = testkit::temp_dir();
    let file = directory.path().join(name);
    std::fs::write(&file, &block.text).unwrap();
    let (program, arguments) = match name {
        "prometheus.yml" => ("promtool", ["check", "config"]),
        "alertmanager.yml" => ("amtool", ["check-config", ""]),
        name if name.ends_with(".service") => return check_unit(page, block),
        _ => return check_yaml(page, block),
    };
    if !is_installed(program) {
        eprintln!("skipped: {program} is not installed");
        return;
    }
    let arguments = arguments.into_iter().filter(|argument| !argument.is_empty());
    let output = std::process::Command::new(program).args(arguments).arg(&file).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}:{}: {said}", page.name, block.line);
}

fn check_yaml(page: &Page, block: &Block) {
    let checked = connectors::watchbook::check_files([("rules.yaml", block.text.clone().into_bytes())]);
    let torn = checked.findings.iter().find(|finding| ["WB010", "WB011"].contains(&finding.rule));
    assert!(torn.is_none(), "{}:{}: {torn:?}", page.name, block.line);
}

/// What a unit starts must be a command line of ours.
fn check_unit(page: &Page, block: &Block) {
    let starts: Vec<&str> = block.text.lines().filter_map(|line| line.strip_prefix("ExecStart=")).collect();
    assert!(!starts.is_empty(), "{}:{}: it starts nothing", page.name, block.line);
    for start in starts {
        let mut words = start.split_whitespace();
        let program = words.next().map(Path::new).and_then(Path::file_name);
        assert_eq!(program.unwrap(), "watchkeeper", "{}:{}", page.name, block.line);
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_watchkeeper")).args(words).arg("--help").output();
        let output = output.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}:{}: {start}: {said}", page.name, block.line);
    }
}
