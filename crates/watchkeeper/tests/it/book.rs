//! The watchbook of a running server: it follows its files, a bad one never replaces a good one, and each change is a fact.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::server::{Base, Server, binary, of};
use crate::shop::{self, Files};

const MORE: &str = "
checkout: { owner: money, tier: 1, function: taking orders }
search: { owner: money, tier: 3 }
reviews: { owner: money, tier: 4 }
";

/// Five things wrong in three files.
const WRONG: [(&str, &str); 3] = [
    ("teams.yaml", "money: { members: [ada, brunno], policy: mony }\n"),
    ("services.yaml", "checkout: { owner: money, tier: 9 }\nsearch: { owner: money, teir: 3 }\n"),
    ("access/own.cedar", "permit (principal in Role::\"viewer\", action, resource\n"),
];

async fn open() -> Server {
    let nowhere = format!("http://127.0.0.1:{}/", testkit::free_port());
    Server::open(Base::Sqlite, &shop::book("webhook", &nowhere)).await
}

/// Waits until so many facts of a kind are there, and gives the last one's body.
async fn nth(server: &Server, kind: &str, count: usize) -> Value {
    let fact = server.until(kind, |facts| of(facts, kind).nth(count - 1).cloned()).await;
    fact["body"][kind].clone()
}

fn git(directory: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=test", "-c", "user.email=test@example.org", "-C"]).arg(directory).args(arguments);
    let output = command.output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn a_change_and_a_commit_are_followed_and_are_facts() {
    let server = open().await;
    let first = nth(&server, "BookApplied", 1).await;
    assert!(first.get("commit").is_none(), "no checkout: {first}");
    assert_eq!(server.get("/watchbook").await["digest"], first["digest"]);
    server.write("services.yaml", MORE);
    let second = nth(&server, "BookApplied", 2).await;
    assert_ne!(second["digest"], first["digest"]);
    server.until_get("/watchbook", |book| book["services"] == 3).await;
    git(&server.book(), &["init", "--quiet"]);
    git(&server.book(), &["add", "."]);
    git(&server.book(), &["commit", "--quiet", "--message", "reviews are a service"]);
    let third = nth(&server, "BookApplied", 3).await;
    assert_eq!(third["digest"], second["digest"]);
    assert_eq!(third["commit"], git(&server.book(), &["rev-parse", "HEAD"]));
    server.until_get("/watchbook", |book| book["commit"] == third["commit"]).await;
}

#[tokio::test]
async fn sighup_reads_again_what_looks_the_same() {
    let server = open().await;
    let path = server.book().join("watchkeeper.yaml");
    let before = std::fs::metadata(&path).unwrap().modified().unwrap();
    server.write("watchkeeper.yaml", "organisation: Corner Stop\n");
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(before).unwrap();
    server.signal("HUP");
    nth(&server, "BookApplied", 2).await;
    server.until_get("/watchbook", |book| book["organisation"] == "Corner Stop").await;
}

#[tokio::test]
async fn a_bad_book_never_replaces_a_good_one_and_is_a_fact() {
    let server = open().await;
    let live = server.get("/watchbook").await;
    server.write("teams.yaml", WRONG[0].1);
    let refused = nth(&server, "BookRefused", 1).await;
    assert_eq!(refused["findings"], 2, "{refused}");
    assert!(server.log().contains("teams.yaml:1:25: there is no person `brunno`"), "{}", server.log());
    assert!(server.page("/").await.contains("The watchbook on disk was refused: 2 errors"));
    // Policies are refused where they are put in force, and that is no less a fact.
    server.write("teams.yaml", "money: { members: [ada, bruno], policy: money }\n");
    server.write(WRONG[2].0, WRONG[2].1);
    nth(&server, "BookRefused", 2).await;
    assert_eq!(server.get("/watchbook").await, live);
    std::fs::remove_file(server.book().join(WRONG[2].0)).unwrap();
    server.write("services.yaml", MORE);
    nth(&server, "BookApplied", 2).await;
    server.until_get("/watchbook", |book| book["services"] == 3).await;
    assert!(!server.page("/").await.contains("was refused"), "a good one ends it");
}

async fn watchkeeper(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = binary().args(arguments).output().await.unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[tokio::test]
async fn check_prints_every_error_with_its_place_and_a_hint() {
    let place = testkit::temp_dir();
    let directory = place.path().to_str().unwrap();
    let wrong: Files = WRONG[..2].iter().map(|(name, text)| (*name, (*text).to_owned())).collect();
    for (name, text) in shop::book("webhook", "http://127.0.0.1:9/").into_iter().chain(wrong) {
        std::fs::write(place.path().join(name), text).unwrap();
    }
    let (code, said, _) = watchkeeper(&["watchbook", "check", directory]).await;
    assert_eq!(code, Some(5), "{said}");
    for expected in [
        "teams.yaml:1:25: there is no person `brunno`",
        "hint: did you mean `bruno`?",
        "teams.yaml:1:42: there is no policy `mony`",
        "services.yaml:1:33: `9` is not a number from 1 to 4",
        "services.yaml:2:25: there is no key `teir` here",
        "2 | search: { owner: money, teir: 3 }",
        "services.yaml:2:9: `tier` is missing",
    ] {
        assert!(said.contains(expected), "{expected:?} is not in:\n{said}");
    }
    let (code, json, _) = watchkeeper(&["watchbook", "check", "--json", directory]).await;
    let findings: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, findings["errors"].as_u64()), (Some(5), Some(5)), "{findings}");
    let data = place.path().join("data");
    let (code, _, said) = watchkeeper(&["serve", "--watchbook", directory, "--data", data.to_str().unwrap()]).await;
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("brunno"), "{said}");
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_said_to_be_missing() {
    let place = testkit::temp_dir();
    let missing = place.path().join("watchbok");
    let (directory, data) = (missing.to_str().unwrap(), place.path().join("data"));
    for verb in
        [&["watchbook", "check", directory][..], &["serve", "--watchbook", directory, "--data", data.to_str().unwrap()]]
    {
        let (code, _, told) = watchkeeper(verb).await;
        assert_eq!(code, Some(2), "{told}");
        assert!(told.contains(&format!("there is no directory {directory}")) && told.contains("init"), "{told}");
    }
}

#[tokio::test]
async fn init_writes_a_book_that_checks_and_serves() {
    let place = testkit::temp_dir();
    let path = place.path().join("watchbook");
    let directory = path.to_str().unwrap();
    assert_eq!(watchkeeper(&["init", directory]).await.0, Some(0));
    let (code, said, _) = watchkeeper(&["watchbook", "check", directory]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("is good: 1 services, 1 teams, 1 people"), "{said}");
    assert_eq!(watchkeeper(&["init", directory]).await.0, Some(2), "nothing is overwritten");
    let server = Server::open(Base::Sqlite, &read(&path)).await;
    assert_eq!(server.get("/watchbook").await["organisation"], "Example Ltd");
}

/// The files of a directory and of its folders.
fn read(directory: &Path) -> Files {
    let mut files = Files::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            files.push((name.leak(), std::fs::read_to_string(&path).unwrap()));
        }
    }
    files
}
