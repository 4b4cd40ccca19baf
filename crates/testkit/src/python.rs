//! Python with a package that a test needs.

use std::process::{Command, Stdio};

/// The first Python that has a package: the one that `WATCHKEEPER_PYTHON` names, else the system's. `None` when there is
/// none; then a line beginning with `skipped:` says so and the test should return.
#[must_use]
pub fn python_with(package: &str) -> Option<String> {
    let has_it = |python: &String| {
        let tried = Command::new(python).args(["-c", &format!("import {package}")]).stderr(Stdio::null()).status();
        tried.is_ok_and(|status| status.success())
    };
    let named = std::env::var("WATCHKEEPER_PYTHON").ok();
    let found = named.into_iter().chain(["python3", "/usr/bin/python3"].map(str::to_owned)).find(has_it);
    if found.is_none() {
        eprintln!("skipped: no Python has {package}; name one by WATCHKEEPER_PYTHON");
    }
    found
}
