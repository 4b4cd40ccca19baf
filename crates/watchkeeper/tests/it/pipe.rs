//! A reader that has read enough closes the pipe; that is no fault of the command, which ends without a word.

use std::io::Read as _;
use std::process::{Command, Stdio};

/// Verbs, and how much of what they print is read. Completions are more than a pipe holds, so they are still being printed
/// when their reader goes; the others find nobody from the start.
const READ: [(&[&str], usize); 4] =
    [(&["completions", "bash"], 1), (&["completions", "zsh"], 1), (&["man"], 0), (&["watchbook", "schema"], 0)];

/// Runs a verb and reads so many bytes of what it prints before the pipe is closed.
fn read_a_little(arguments: &[&str], bytes: usize) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchkeeper"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut vec![0; bytes]).unwrap();
    drop(out);
    let ended = child.wait_with_output().unwrap();
    (ended.status.code(), String::from_utf8(ended.stderr).unwrap())
}

#[test]
fn a_reader_that_goes_ends_the_command_quietly() {
    for (arguments, bytes) in READ {
        assert_eq!(read_a_little(arguments, bytes), (Some(0), String::new()), "{arguments:?} after {bytes} bytes");
    }
}
