//! One PostgreSQL server for the length of a run, with a database for each data folder.

use super::Measured;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use testkit::postgres::Server;

/// How many connections the server takes: the crash scenarios run a dozen servers of ours side by side.
const CONNECTIONS: u32 = 400;
/// The database that the server starts with, as its address names it.
const FIRST: &str = "/postgres?";

/// A running PostgreSQL server; it ends when dropped.
pub struct Postgres {
    server: Server,
    databases: AtomicU32,
}

impl Postgres {
    /// Starts a fresh server.
    pub fn start() -> Measured<Self> {
        let mut server = Server::start().ok_or("there is none: apt-get install postgresql-15")?;
        let raise = format!("ALTER SYSTEM SET max_connections = {CONNECTIONS}");
        run("psql", &["--quiet", "--no-psqlrc", "--command", &raise, &server.url()])?;
        server.restart();
        Ok(Self { server, databases: AtomicU32::new(0) })
    }

    /// Makes an empty database and says how to reach it.
    pub fn database(&self) -> Measured<String> {
        let name = format!("bench{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let first = self.server.url();
        run("psql", &["--quiet", "--no-psqlrc", "--command", &format!("CREATE DATABASE {name}"), &first])?;
        Ok(first.replace(FIRST, &format!("/{name}?")))
    }
}

fn run(program: &str, arguments: &[&str]) -> Measured {
    let output = Command::new(program).args(arguments).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim()).into())
}

#[cfg(test)]
mod tests {
    use super::Postgres;

    #[test]
    fn each_data_folder_gets_a_database_of_its_own() {
        let Ok(postgres) = Postgres::start() else {
            println!("skipped: no PostgreSQL server");
            return;
        };
        let (one, two) = (postgres.database().unwrap(), postgres.database().unwrap());
        assert_ne!(one, two);
        super::run("psql", &["--command", "CREATE TABLE t (n int)", &one]).unwrap();
        super::run("psql", &["--command", "CREATE TABLE t (n int)", &two]).unwrap();
        super::run("psql", &["--command", "CREATE TABLE t (n int)", &two]).unwrap_err();
    }
}
