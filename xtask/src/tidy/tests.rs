//! Each check of tidy, shown what it must find and what it must let pass.

use super::floors::{Dependency, Member};
use super::source::{Source, Text};
use super::*;

fn source(path: &str, body: &str) -> Source {
    let package = path.split('/').nth(1).unwrap_or_default();
    Source::parse(Path::new(path), package, body).unwrap()
}

fn rules(checked: &Checked) -> Vec<(usize, &'static str)> {
    checked.0.iter().map(|finding| (finding.line, finding.rule)).collect()
}

/// A function of exactly `lines` lines.
fn function(name: &str, lines: usize) -> String {
    format!("fn {name}() {{\n{}}}\n", "    step();\n".repeat(lines - 2))
}

#[test]
fn percentiles_are_by_nearest_rank() {
    let cases = [(&[][..], 50, 0), (&[7][..], 90, 7), (&[1, 2, 3, 4][..], 50, 2), (&[4, 3, 2, 1][..], 90, 4)];
    for (values, percent, expected) in cases {
        assert_eq!(percentile(values, percent), expected, "{values:?} at {percent}");
    }
}

#[test]
fn a_function_of_71_lines_is_too_long_and_one_of_70_is_not() {
    let short: String = (0..20).map(|i| function(&format!("short{i}"), 3)).collect();
    let body = |lines| format!("//! Head.\n{short}{}", function("long", lines));
    assert_eq!(rules(&functions::check(&[source("crates/web/src/a.rs", &body(70))])), []);
    assert_eq!(rules(&functions::check(&[source("crates/web/src/a.rs", &body(71))])), [(62, "function-length")]);
}

#[test]
fn the_distribution_of_function_lengths_is_limited() {
    let body: String = (0..10).map(|i| function(&format!("f{i}"), 10)).collect();
    let (findings, figure) = functions::check(&[source("crates/web/src/a.rs", &body)]);
    assert_eq!(findings.len(), 1, "a median of 10 is above 9");
    assert_eq!(figure.unwrap(), "10 functions (median 10, p90 10, longest 10 lines)");
}

#[test]
fn test_code_is_cut_away() {
    let long = function("long", 80);
    let bodies = [
        ("crates/web/src/a.rs", format!("#[cfg(test)]\nmod tests {{\n{long}}}\n")),
        ("crates/web/src/a.rs", format!("#[cfg(all(test, unix))]\nmod checks {{\n{long}}}\n")),
        ("crates/web/src/a.rs", format!("#[tokio::test]\nasync {long}")),
        ("crates/web/src/tests.rs", long.clone()),
        ("crates/web/tests/it/main.rs", long.clone()),
    ];
    for (path, body) in bodies {
        assert_eq!(rules(&functions::check(&[source(path, &body)])), [], "{path}: {body}");
    }
    let shipped = format!("#[cfg(not(test))]\nmod real {{\n{long}}}\n");
    assert!(!functions::check(&[source("crates/web/src/a.rs", &shipped)]).0.is_empty());
}

#[test]
fn nested_and_method_functions_count() {
    let body = "impl A {\n fn m(&self) {\n  fn inner() {}\n }\n}\ntrait T {\n fn d() {}\n fn n();\n}\n";
    let (_, figure) = functions::check(&[source("crates/web/src/a.rs", body)]);
    assert_eq!(figure.unwrap(), "3 functions (median 1, p90 3, longest 3 lines)");
}

#[test]
fn files_have_heads_and_at_most_600_lines() {
    let tree =
        |body: String| Tree { sources: vec![source("crates/web/src/a.rs", &body)], texts: vec![], unreadable: vec![] };
    let file = |lines: usize| format!("//! Head.\n{}", "// line\n".repeat(lines - 1));
    assert_eq!(rules(&files::check(&tree(file(400)))), []);
    assert_eq!(rules(&files::check(&tree(file(600)))), [(1, "file-length")], "only the 90th percentile is broken");
    assert_eq!(rules(&files::check(&tree(file(601)))), [(601, "file-length"), (1, "file-length")]);
    assert_eq!(rules(&files::check(&tree("// Not a head.\nfn f() {}\n".into()))), [(1, "module-head")]);
}

#[test]
fn examples_in_doc_comments_are_pictures() {
    let check = |body: &str| {
        let text = Text { path: "crates/web/src/a.rs".into(), body: body.to_owned() };
        rules(&files::check(&Tree { sources: vec![], texts: vec![text], unreadable: vec![] }))
    };
    assert_eq!(check("//! ```text\n//! a -> b\n//! ```\n"), []);
    assert_eq!(check("/// ```\n/// f();\n/// ```\nfn f() {}\n"), [(1, "unrun-example")]);
    assert_eq!(check("//! ```text\n//! ```\n    /// ```rust\n    /// ```\n"), [(3, "unrun-example")]);
}

#[test]
fn decisions_are_numbered_without_gaps() {
    let check = |names: &[&str]| {
        let text = |name: &&str| Text { path: Path::new("docs/adr").join(name), body: String::new() };
        rules(&files::check(&Tree { sources: vec![], texts: names.iter().map(text).collect(), unreadable: vec![] }))
    };
    assert_eq!(check(&["0001-a.md", "0002-b.md", "README.md"]), []);
    assert_eq!(check(&["0001-a.md", "0003-c.md", "0004-d.md"]), [(1, "adr-number")]);
    assert_eq!(check(&["0001-a.md", "0001-b.md"]), [(1, "adr-number")]);
    assert_eq!(check(&["notes.md"]), [(1, "adr-number")]);
}

#[test]
fn pure_crates_know_no_world() {
    let impure = [
        "fn f() { Instant::now(); }",
        "fn f() { jiff::Timestamp::now(); }",
        "async fn f() {}",
        "use std::{fmt, fs};",
        "use std::fs::File;",
        "use tokio::sync::mpsc;",
        "fn f() { tracing::info!(\"x\"); }",
        "fn f() { g!(std::time::SystemTime::now()); }",
        "fn f() { let r = thread_rng(); }",
    ];
    for body in impure {
        let found = rules(&purity::check(&[source("crates/alerts/src/a.rs", body)]));
        assert!(found.contains(&(1, "pure-room")), "{body}");
        assert_eq!(rules(&purity::check(&[source("crates/engine/src/a.rs", body)])), [], "{body}");
    }
    let pure = "//! Never call Instant::now() or std::fs here.\n/// tokio\nfn f(s: &str) -> bool { s == \"tokio\" }\n";
    assert_eq!(rules(&purity::check(&[source("crates/alerts/src/a.rs", pure)])), []);
    let test = "#[cfg(test)]\nmod tests {\n use std::fs;\n}\n";
    assert_eq!(rules(&purity::check(&[source("crates/alerts/src/a.rs", test)])), []);
}

#[test]
fn the_kernel_may_declare_that_a_port_waits_but_may_not_wait() {
    let check =
        |package: &str, body: &str| rules(&purity::check(&[source(&format!("crates/{package}/src/port.rs"), body)]));
    let port = "pub trait Port {\n    async fn send(&self);\n}\n";
    assert_eq!(check("kernel", port), []);
    assert_eq!(check("alerts", port), [(2, "pure-room")]);
    assert_eq!(check("kernel", "trait Port {\n    async fn send(&self) {}\n}\n"), [(2, "pure-room")]);
}

#[test]
fn shipped_code_does_not_panic_on_purpose_and_nothing_is_silenced() {
    let check = |body: &str| rules(&purity::check(&[source("crates/web/src/a.rs", body)]));
    assert_eq!(check("fn f() { a.unwrap(); }"), [(1, "no-panic")]);
    assert_eq!(check("fn f() {\n todo!()\n}"), [(2, "no-panic")]);
    assert_eq!(check("fn f() { dbg!(1); }"), [(1, "no-panic")]);
    assert_eq!(check("fn f() { a.unwrap_or(1); }"), []);
    assert_eq!(check("#[test]\nfn f() { a.unwrap(); }"), []);
    assert_eq!(check("impl A {\n #[test]\n fn f() { a.unwrap(); }\n}"), []);
    assert_eq!(check("#[allow(dead_code)]\nfn f() {}"), [(1, "no-allow")]);
    assert_eq!(check("#![allow(dead_code)]\nfn f() {}"), [(1, "no-allow")]);
    assert_eq!(check("#[cfg(test)]\nmod tests {\n #[allow(unused)]\n fn f() {}\n}"), [(3, "no-allow")]);
    assert_eq!(check("#[expect(dead_code, reason = \"why\")]\nfn f() {}"), []);
}

#[test]
fn arrows_go_only_down() {
    let check = |name: &str, dependencies: &[(&str, bool)]| {
        let dependencies = dependencies.iter().map(|(name, dev)| Dependency { name: (*name).to_owned(), dev: *dev });
        let manifest = Path::new("crates").join(name).join("Cargo.toml");
        rules(&floors::check(&[Member { name: name.to_owned(), manifest, dependencies: dependencies.collect() }]))
    };
    assert_eq!(check("alerts", &[("kernel", false), ("serde", false), ("testkit", true)]), []);
    assert_eq!(check("alerts", &[("incidents", false)]), [(1, "room-to-room")]);
    assert_eq!(check("alerts", &[("incidents", true)]), [(1, "room-to-room")]);
    assert_eq!(check("alerts", &[("store", false)]), [(1, "room-to-room")]);
    assert_eq!(check("engine", &[("web", false)]), [(1, "floor")]);
    assert_eq!(check("engine", &[("web", true), ("store", true)]), []);
    assert_eq!(check("engine", &[("testkit", false)]), [(1, "floor")]);
    assert_eq!(check("testkit", &[("engine", false), ("xtask", false)]), []);
    assert_eq!(check("alerts", &[("tokio", false)]), [(1, "pure-room")]);
    assert_eq!(check("alerts", &[("tokio", true)]), []);
    assert_eq!(check("alerts", &[("async-trait", false)]), [(1, "pure-room")]);
    assert_eq!(check("kernel", &[("async-trait", false)]), []);
    assert_eq!(check("store", &[("tokio", false)]), []);
    assert_eq!(check("sundries", &[]), [(1, "floor")]);
}

#[test]
fn there_are_at_most_18_crates() {
    let member = || Member { name: "kernel".into(), manifest: "crates/kernel/Cargo.toml".into(), dependencies: vec![] };
    let check = |count: usize| rules(&floors::check(&std::iter::repeat_with(member).take(count).collect::<Vec<_>>()));
    assert_eq!(check(18), []);
    assert_eq!(check(19), [(1, "crate-count")]);
}

#[test]
fn lines_are_clean() {
    let check = |body: &str| rules(&words::check(&[Text { path: "README.md".into(), body: body.to_owned() }]));
    assert_eq!(check("fine\nalso fine\n"), []);
    assert_eq!(check("fine\nnot fine \n"), [(2, "trailing-space")]);
    assert_eq!(check("a\tb\t\n"), [(1, "trailing-space")]);
    assert_eq!(check(concat!("see /wo", "rk/main\n")), [(1, "foreign-word")]);
}

#[test]
fn a_file_that_is_not_rust_is_a_finding() {
    let finding = Source::parse(Path::new("crates/web/src/a.rs"), "web", "fn f() {\n let = ;\n}").err().unwrap();
    assert_eq!((finding.line, finding.rule), (2, "syntax"));
}

#[test]
fn this_workspace_can_be_read() {
    let report = check(&crate::workspace_root()).unwrap();
    assert!(report.figures.iter().any(|figure| figure.contains("functions")), "{:?}", report.figures);
}

#[test]
fn a_module_declared_for_tests_is_test_code_wherever_its_file_is() {
    let root = tempfile::tempdir().unwrap();
    let write = |path: &str, body: &str| {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, body).unwrap();
    };
    write("crates/web/src/lib.rs", "//! Head.\nmod page;\n#[cfg(test)]\nmod fake;\n");
    write("crates/web/src/page.rs", "//! Head.\n#[cfg(test)]\nmod sample;\n");
    write("crates/web/src/fake.rs", "//! Head.\nmod deep;\n");
    write("crates/web/src/fake/deep.rs", "//! Head.\n");
    write("crates/web/src/page/sample.rs", "//! Head.\n");
    write("target/web/src/skipped.rs", "not rust");
    let tree = Tree::read(root.path()).unwrap();
    let tests: Vec<(String, bool)> =
        tree.sources.iter().map(|source| (source.path.display().to_string(), source.is_test)).collect();
    let expected =
        [("fake/deep.rs", true), ("fake.rs", true), ("lib.rs", false), ("page/sample.rs", true), ("page.rs", false)];
    assert_eq!(tests, expected.map(|(path, is_test)| (format!("crates/web/src/{path}"), is_test)));
}
