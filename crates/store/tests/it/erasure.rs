//! What is private stays private: on the disk, after erasure, and in messages.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use kernel::Body;
use kernel::port::Snapshot;

use crate::blocks::{HELD, at, block_of, record};

const SECRET: &str = "Nobody-Must-Read-This";

fn files(directory: &Path) -> Vec<(String, u32, Vec<u8>)> {
    let read = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.unwrap().path();
        (path.display().to_string(), fs::metadata(&path).unwrap().permissions().mode() & 0o777, fs::read(path).unwrap())
    };
    fs::read_dir(directory).unwrap().map(read).collect()
}

fn holds_secret(directory: &Path) -> bool {
    files(directory).iter().any(|(_, _, bytes)| bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()))
}

#[tokio::test]
async fn erased_bodies_and_taken_secrets_leave_the_files_of_sqlite() {
    let home = testkit::temp_dir();
    let data = home.path().join("data");
    let store = store::open(&format!("sqlite:{}", data.join("journal.db").display())).await.unwrap();
    let fence = store.take_lease("test", at(0), HELD).await.unwrap();

    let mut records = [record(0, SECRET)];
    store.append(fence, &block_of(&records), &[]).await.unwrap();
    store.vault_put("token", "t", SECRET.as_bytes(), None).await.unwrap();
    assert!(holds_secret(&data), "else this test would prove nothing");

    store.vault_take("token", "t", at(0)).await.unwrap().unwrap();
    records[0].body = Body::Erased { commitment: records[0].body.commitment() };
    store.save_snapshot(&Snapshot { next: kernel::Seq(1), bytes: vec![1] }).await.unwrap();
    store.rewrite(fence, &block_of(&records)).await.unwrap();
    assert!(!holds_secret(&data));
}

#[tokio::test]
async fn the_files_of_sqlite_are_their_owners_only() {
    let home = testkit::temp_dir();
    let data = home.path().join("deep/data");
    let path = data.join("journal.db");
    let url = format!("sqlite:{}", path.display());
    drop(store::open(&url).await.unwrap());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let store = store::open(&url).await.unwrap();
    store.save_snapshot(&Snapshot { next: kernel::Seq(0), bytes: vec![1] }).await.unwrap();
    let files = files(&data);
    assert!(files.len() >= 2, "the file and its log");
    for (name, mode, _) in files {
        assert_eq!(mode, 0o600, "{name}");
    }
    assert_eq!(fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn a_wrong_address_is_refused_and_never_repeated() {
    for url in
        ["", "journal.db", "mysql://u:hunter2@h/db", "postgres://u:hunter2@/%zz", "postgres://u:hunter2@127.0.0.1:1/x"]
    {
        let failure = store::open(url).await.map(|_| ()).unwrap_err().to_string();
        assert!(failure.starts_with("the journal cannot be opened: "), "{failure}");
        assert!(!failure.contains("hunter2"), "{failure}");
    }
    let failure = store::open("sqlite:/proc/none/journal.db").await.map(|_| ()).unwrap_err().to_string();
    assert!(failure.contains("/proc/none/journal.db"), "{failure}");
}
