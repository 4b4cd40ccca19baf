//! One node and its data directory: a node that died takes its journal again at once, and no two processes use one directory.

use serde_json::json;

use crate::server::{Base, Server, of};
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
