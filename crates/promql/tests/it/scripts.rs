//! Every script under `tests/scripts` is fulfilled.

use std::path::Path;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts")
}

#[test]
fn all_scripts_are_fulfilled() {
    let mut complaints = Vec::new();
    let mut passed = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let report = promql::script::run(&path.file_name().unwrap().to_string_lossy(), &text);
        passed += report.passed;
        complaints.extend(report.failed.into_iter().map(|failed| failed.message));
    }
    assert!(complaints.is_empty(), "{passed} passed, {} failed:\n{}", complaints.len(), complaints.join("\n"));
    assert!(passed > 300, "{passed}");
}

/// Prometheus' own scripts are not in this repository; they are run where a folder of them is named.
#[test]
fn scripts_from_outside_are_fulfilled() {
    let Some(folder) = std::env::var_os("PROMQL_SCRIPTS") else {
        return eprintln!("skipped: PROMQL_SCRIPTS names no folder of scripts");
    };
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let report = promql::script::run(&path.to_string_lossy(), &text);
        eprintln!("{}: {} passed, {} failed", path.display(), report.passed, report.failed.len());
    }
}
