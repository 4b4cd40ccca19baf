//! A real PostgreSQL server for tests, with its files in a temporary directory and its socket beside them. It flushes to
//! disk as a real one does. It ends when it is dropped, and also when the test process dies.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Where Debian keeps the servers, one directory for each major version.
const INSTALLED: &str = "/usr/lib/postgresql";
/// The account under which a server runs when the test is root, as a server refuses to be root.
const ACCOUNT: &str = "postgres";
/// The role that tests connect as.
const ROLE: &str = "watchkeeper";
/// What the server prints when it takes connections.
const READY: &str = "database system is ready to accept connections";
/// The longest that a start or an end may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running PostgreSQL server.
#[derive(Debug)]
pub struct Server {
    programs: PathBuf,
    home: TempDir,
    process: Option<Child>,
}

impl Server {
    /// Makes and starts a server of the newest installed version. `None` when there is none; then a line beginning with
    /// `skipped:` says so and the test should return.
    ///
    /// # Panics
    /// When there is one, but it does not start.
    #[must_use]
    pub fn start() -> Option<Self> {
        let Some(programs) = newest_installed() else {
            eprintln!("skipped: no PostgreSQL server under {INSTALLED}");
            return None;
        };
        let home = crate::temp_dir();
        if let Some((user, group)) = account_when_root() {
            chown(home.path(), Some(user), Some(group)).expect("root may give a directory away");
        }
        let mut server = Self { programs, home, process: None };
        server.init();
        server.restart();
        Some(server)
    }

    /// The address of a database on it; the same after a restart.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://{ROLE}@localhost/postgres?host={}", self.home.path().display())
    }

    /// Ends every process of the server at once, without a word to it, as a power cut does.
    ///
    /// # Panics
    /// When they do not end.
    pub fn kill9(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        // A stopped server forks no more, so that its children are all known.
        signal("STOP", &[process.id()]);
        let children = children(process.id());
        signal("KILL", &[process.id()]);
        signal("KILL", &children);
        process.wait().expect("a child can be waited for");
        let begun = Instant::now();
        while children.iter().any(|pid| lives(*pid)) {
            assert!(begun.elapsed() < PATIENCE, "the server's processes {children:?} do not end");
            std::thread::yield_now();
        }
    }

    /// Ends the processes that serve connections; the server itself then recovers and ends all others.
    pub fn kill9_backends(&self) {
        let Some(process) = &self.process else { return };
        let serves = |pid: &u32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).starts_with(&format!("postgres: {ROLE} "))
        };
        signal("KILL", &children(process.id()).into_iter().filter(serves).collect::<Vec<_>>());
    }

    /// Starts the server on the same files, after [`Self::kill9`]; returns when it takes connections.
    ///
    /// # Panics
    /// When it does not.
    pub fn restart(&mut self) {
        self.kill9();
        let home = self.home.path().display();
        let mut command = self.command("postgres");
        command.args(["-D", &self.data(), "-c", "listen_addresses=", "-c", &format!("unix_socket_directories={home}")]);
        self.process = Some(started(command));
    }

    fn data(&self) -> String {
        self.home.path().join("data").display().to_string()
    }

    fn init(&self) {
        let mut command = self.command("initdb");
        command.args(["-D", &self.data(), "-U", ROLE, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
        let done = command.output().expect("initdb can be run");
        assert!(done.status.success(), "initdb failed: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// A program of the server, under an account that it accepts, and told to end when its parent does.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "QUIT"]);
        if account_when_root().is_some() {
            command.args(["--reuid", ACCOUNT, "--regid", ACCOUNT, "--clear-groups"]);
        }
        command
            .arg(self.programs.join(program))
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill9();
    }
}

fn newest_installed() -> Option<PathBuf> {
    let versions = fs::read_dir(INSTALLED).ok()?.flatten();
    let numbered = versions.filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())));
    let complete = numbered.filter(|(_, path)| path.join("bin/postgres").exists());
    complete.max().map(|(_, path)| path.join("bin"))
}

/// The user and group of the server's account, when this process is root.
fn account_when_root() -> Option<(u32, u32)> {
    let root = fs::metadata("/proc/self").ok()?.uid() == 0;
    let accounts = fs::read_to_string("/etc/passwd").ok().filter(|_| root)?;
    let line = accounts.lines().find(|line| line.split(':').next() == Some(ACCOUNT))?;
    let mut fields = line.split(':').skip(2).map(str::parse::<u32>);
    Some((fields.next()?.ok()?, fields.next()?.ok()?))
}

/// Starts a server from a thread that lives as long as it, since the kernel ends a child with the thread that made it.
fn started(mut command: Command) -> Child {
    let (report, reported) = mpsc::channel();
    std::thread::spawn(move || {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("postgres can be run");
        let stderr = child.stderr.take().expect("its errors are piped");
        follow(child, stderr, &report);
    });
    match reported.recv_timeout(PATIENCE) {
        Ok(Ok(child)) => child,
        Ok(Err(said)) => unusable(&said),
        Err(_) => unusable("nothing within a minute"),
    }
}

/// Reads what a server says until it ends; reports it once it is ready, or what it said when it never was.
fn follow(child: Child, stderr: ChildStderr, report: &mpsc::Sender<Result<Child, String>>) {
    let (mut child, mut said) = (Some(child), String::new());
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        if line.contains(READY) {
            // Nobody may be waiting any more; then the server ends with this thread.
            child.take().map(|child| report.send(Ok(child)));
        }
        if child.is_some() {
            said.push_str(&line);
            said.push('\n');
        }
    }
    let _ = report.send(Err(said));
}

#[expect(clippy::panic, reason = "a test without its server must stop")]
fn unusable(said: &str) -> ! {
    panic!("the PostgreSQL server did not start; it said: {said}")
}

fn children(pid: u32) -> Vec<u32> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// Whether a process still runs; one that ended but was not waited for does not.
fn lives(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = status.rsplit(") ").next().and_then(|rest| rest.chars().next());
    state.is_some_and(|state| state != 'Z' && state != 'X')
}

/// Sends a signal to processes that this server started. One that ended meanwhile is no error.
fn signal(name: &str, pids: &[u32]) {
    if pids.is_empty() {
        return;
    }
    let pids = pids.iter().map(u32::to_string);
    let _ = Command::new("kill").arg(format!("-{name}")).args(pids).stderr(Stdio::null()).status();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_starts_survives_and_leaves_nothing() {
        let Some(mut server) = Server::start() else { return };
        let home = server.home.path().to_owned();
        let first = server.process.as_ref().unwrap().id();
        server.kill9();
        assert!(!lives(first));
        server.restart();
        let second = server.process.as_ref().unwrap().id();
        assert!(lives(second));
        drop(server);
        assert!(!lives(second));
        assert!(!home.exists());
    }
}
