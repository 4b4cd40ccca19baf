//! Which commit a watchbook is, asked of `git`. Without git, or when files differ from the commit, there is no answer.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long git may take for one answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most bytes of an answer that are read.
const ANSWER_BYTES_MAX: u64 = 4096;

/// The commit, when the directory is in a checkout and every file below it is as committed.
pub(super) fn commit(directory: &Path) -> Option<String> {
    let changes = answer(directory, &["status", "--porcelain", "--ignored", "--untracked-files=all", "--", "."])?;
    let head = changes.trim().is_empty().then(|| answer(directory, &["rev-parse", "--verify", "HEAD"]))??;
    let head = head.trim();
    (head.len() >= 40 && head.chars().all(|c| c.is_ascii_hexdigit())).then(|| head.to_owned())
}

/// What git says; `None` when it is absent, fails, or takes longer than [`PATIENCE`].
fn answer(directory: &Path, arguments: &[&str]) -> Option<String> {
    let mut child = Command::new("git")
        // A repository's own configuration must not name programs for us to run.
        .args(["-c", "core.fsmonitor=false", "-C"])
        .arg(directory)
        .args(arguments)
        .env("GIT_OPTIONAL_LOCKS", "0")
        // Set where git itself started us, they would point at another repository.
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut output = child.stdout.take()?.take(ANSWER_BYTES_MAX);
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let mut text = String::new();
        let read = output.read_to_string(&mut text).map(|_| text);
        // When nobody waits any more, the answer is not needed.
        let _ = send.send(read.ok());
    });
    let said = receive.recv_timeout(PATIENCE).ok().flatten();
    if said.is_none() {
        let _ = child.kill();
    }
    child.wait().ok().filter(std::process::ExitStatus::success).and(said)
}
