//! One node and its data directory: a node that died takes its journal again at once, and no two processes use one directory.

use std::process::Stdio;

use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::time::timeout;

use crate::server::{Base, PATIENCE, Server, binary, of};
use crate::shop;

async fn assert_returns_at_once(base: Base) {
    let mut server = Server::open(base, &shop::book("webhook", "http://127.0.0.1:1/")).await;
    server.kill9().await;
    server.start().await;
    assert_eq!(of(&server.facts().await, "Started").count(), 2);
    assert!(!server.log().contains("hint:"), "the first start already took the journal: {}", server.log());
}

#[tokio::test]
async fn a_killed_node_returns_at_once_on_sqlite() {
    assert_returns_at_once(Base::Sqlite).await;
}

#[tokio::test]
async fn a_killed_node_returns_at_once_on_postgres() {
    let Some(base) = Base::postgres() else { return };
    assert_returns_at_once(base).await;
}

#[tokio::test]
async fn a_second_process_on_the_same_directory_is_refused_and_told_why() {
    let server = Server::open(Base::Sqlite, &shop::book("webhook", "http://127.0.0.1:1/")).await;
    let book = server.book();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--watchbook", book.to_str().unwrap()];
    let issue = ["token", "issue", "more", "--scope", "alerts:read"];
    for (verb, way_out) in
        [(&serve[..], "stop it first, or name another directory"), (&issue, "repeat it with --server URL")]
    {
        let refused = server.run(verb).await;
        let told = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{told}");
        assert!(told.contains("another watchkeeper (pid ") && told.contains(way_out), "{told}");
    }
    server.post("/changes", json!({ "summary": "still here" })).await;
    assert!(server.cli(&["journal", "verify"]).await.contains("whole and in order"), "readers need no claim");
}

#[tokio::test]
async fn an_invitation_is_printed_by_its_own_verb_and_not_into_a_log() {
    let home = testkit::temp_dir();
    let (book, data) = (home.path().join("watchbook"), home.path().join("data"));
    std::fs::create_dir(&book).unwrap();
    for (name, text) in shop::book("webhook", "http://127.0.0.1:1/") {
        std::fs::write(book.join(name), text).unwrap();
    }
    let verb = |arguments: &[&str]| {
        let mut command = binary();
        command.args(arguments).arg("--watchbook").arg(&book).arg("--data").arg(&data);
        command
    };
    let mut server = verb(&["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let mut next = async || timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap().unwrap();
    assert!(next().await.starts_with("Watchkeeper is at "));
    let told = next().await;
    assert!(told.starts_with("Nobody has a password yet") && told.contains("`watchkeeper invite ada`"), "{told}");
    server.kill().await.unwrap();
    let invited = verb(&["invite", "ada", "--url", "http://watch.example/"]).output().await.unwrap();
    let link = String::from_utf8(invited.stdout).unwrap();
    assert!(link.starts_with("http://watch.example/invite/wk_ada_"), "{link}");
}
