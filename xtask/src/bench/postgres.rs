//! A PostgreSQL of our own for the length of a run: a fresh cluster in a temporary folder, durable as it comes.

use super::Measured;
use super::peer::free_port;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

/// Where Debian puts the programs of each version.
const DEBIAN: &str = "/usr/lib/postgresql";
/// Who runs the server when we are root, since PostgreSQL refuses to be run by root.
const ACCOUNT: &str = "postgres";

/// A running cluster; it is stopped when dropped.
pub struct Postgres {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
    as_root: bool,
    databases: AtomicU32,
}

impl Postgres {
    /// Makes a cluster and starts it.
    pub fn start() -> Measured<Self> {
        let programs = programs().ok_or("no PostgreSQL programs found: apt-get install postgresql-15")?;
        let as_root = std::env::var("USER").is_ok_and(|user| user == "root") || output("id", &["-u"])? == "0";
        let folder = tempfile::Builder::new().prefix("watchkeeper-bench-pg").tempdir()?;
        let postgres = Self { programs, folder, port: free_port()?, as_root, databases: AtomicU32::new(0) };
        if as_root {
            let place = postgres.folder.path().display().to_string();
            output("chown", &[ACCOUNT, &place])?;
        }
        let data = postgres.data().display().to_string();
        postgres.run("initdb", &["-D", &data, "-U", ACCOUNT, "-A", "trust", "--no-instructions"])?;
        let sockets = postgres.folder.path().display();
        let options = format!("-c listen_addresses=127.0.0.1 -p {} -k {sockets} -c max_connections=200", postgres.port);
        let log = postgres.folder.path().join("log.txt").display().to_string();
        postgres.run("pg_ctl", &["-D", &data, "-l", &log, "-o", &options, "-w", "start"])?;
        Ok(postgres)
    }

    /// Makes an empty database and says how to reach it.
    pub fn database(&self) -> Measured<String> {
        let name = format!("bench{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let port = self.port.to_string();
        self.run("createdb", &["-h", "127.0.0.1", "-p", &port, "-U", ACCOUNT, &name])?;
        Ok(format!("postgres://{ACCOUNT}@127.0.0.1:{port}/{name}"))
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Measured {
        let program = self.programs.join(program);
        let mut command = if self.as_root {
            let mut command = Command::new("runuser");
            command.args(["-u", ACCOUNT, "--"]).arg(&program);
            command
        } else {
            Command::new(&program)
        };
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null()).stdout(Stdio::null());
        let errors = self.folder.path().with_extension("err");
        let status = command.stderr(std::fs::File::create(&errors)?).status()?;
        let said = std::fs::read_to_string(&errors).unwrap_or_default();
        let _ = std::fs::remove_file(&errors);
        if status.success() { Ok(()) } else { Err(format!("{}: {}", program.display(), said.trim()).into()) }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let data = self.data().display().to_string();
        if let Err(error) = self.run("pg_ctl", &["-D", &data, "-m", "immediate", "-w", "stop"]) {
            println!("bench: PostgreSQL was not stopped: {error}");
        }
    }
}

/// The folder of the newest installed version's programs.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort();
    folders.into_iter().rev().find(|folder| has_server(folder)).or_else(|| {
        let program = super::machine::find_program("postgres")?;
        program.parent().map(Path::to_path_buf)
    })
}

fn has_server(folder: &Path) -> bool {
    folder.join("postgres").is_file() && folder.join("initdb").is_file()
}

fn output(program: &str, arguments: &[&str]) -> Measured<String> {
    let output = Command::new(program).args(arguments).output()?;
    if !output.status.success() {
        return Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim()).into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
