//! The pages about the doors are true: every `sh` block in them runs against a real server.

use std::path::Path;

use crate::house::House;

/// The `sh` blocks of a text, in order, each with the program that it needs besides a shell.
fn blocks(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(needs) = line.strip_prefix("```sh") else { continue };
        let block: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
        let needs = if needs.trim().is_empty() { "curl" } else { needs.trim() };
        found.push((needs.to_owned(), block.join("\n")));
    }
    found
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).exists())
}

async fn run_all(name: &str) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/doors").join(name);
    let blocks = blocks(&std::fs::read_to_string(&page).unwrap());
    assert!(!blocks.is_empty(), "{name} shows nothing");
    let house = House::open().await;
    for (needs, block) in blocks {
        if !is_installed(&needs) {
            eprintln!("skipped: {needs} is not installed");
            continue;
        }
        let mut shell = tokio::process::Command::new("bash");
        shell.args(["-euo", "pipefail", "-c", &block]).env("URL", &house.url).env("TOKEN", &house.token);
        let output = shell.output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}:\n{block}\n{said}");
    }
}

#[tokio::test]
async fn alertmanager() {
    run_all("alertmanager.md").await;
}

#[tokio::test]
async fn pagerduty() {
    run_all("pagerduty.md").await;
}

#[tokio::test]
async fn webhook() {
    run_all("webhook.md").await;
}

#[tokio::test]
async fn otlp() {
    run_all("otlp.md").await;
}

#[tokio::test]
async fn api() {
    run_all("api.md").await;
}
