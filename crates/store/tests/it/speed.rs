//! How fast blocks are written and read. Run it with `cargo test --release -p store -- --ignored speed --nocapture`.

use std::time::{Duration, Instant};

use kernel::Seq;
use testkit::postgres::Server;

use crate::blocks::{HELD, at, block, end, index};

/// The least number of small commits a second that the engine counts on.
const COMMITS_LEAST: f64 = 500.0;
const SPAN: Duration = Duration::from_secs(3);

async fn measure(url: &str) {
    let store = store::open(url).await.unwrap();
    let fence = store.take_lease("test", at(0), HELD).await.unwrap();
    let mut next = 0;
    for records in [1, 100, 5000] {
        let (begun, mut commits) = (Instant::now(), 0.0);
        let mut spent = Duration::ZERO;
        while begun.elapsed() < SPAN {
            let block = block(next, records, "speed of a body of a usual length, which is some hundreds of bytes");
            let entries = index(&block);
            let start = Instant::now();
            store.append(fence, &block, &entries).await.unwrap();
            spent += start.elapsed();
            (next, commits) = (end(&block), commits + 1.0);
        }
        let rate = commits / spent.as_secs_f64();
        println!("{records:>5} records a block: {rate:>8.0} blocks/s, {:>9.0} records/s", rate * records as f64);
        assert!(records > 1 || rate >= COMMITS_LEAST, "{rate:.0} commits a second");
    }
    let (begun, mut from) = (Instant::now(), 0);
    while let Some(last) = store.blocks(Seq(from), 1000).await.unwrap().last() {
        from = end(last);
    }
    println!("read back: {:>9.0} records/s", next as f64 / begun.elapsed().as_secs_f64());
}

#[tokio::test]
#[ignore = "a measurement, for a quiet machine"]
async fn speed_of_sqlite() {
    let home = testkit::temp_dir();
    measure(&format!("sqlite:{}", home.path().join("journal.db").display())).await;
}

#[tokio::test]
#[ignore = "a measurement, for a quiet machine"]
async fn speed_of_postgres() {
    let Some(server) = Server::start() else { return };
    measure(&server.url()).await;
}
