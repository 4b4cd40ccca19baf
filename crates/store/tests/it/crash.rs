//! Processes are killed at random points: of what was acknowledged nothing is lost, of what was not nothing is half-there,
//! and nothing is there twice.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use kernel::Seq;
use kernel::port::{Block, JournalStore, StoreFailure};
use testkit::SeededChance;
use testkit::postgres::Server;

use crate::blocks::{HELD, at, block, end, index, whole};

/// Tells the appending process where the journal is; without it, that test does nothing.
const URL: &str = "STORE_TEST_APPEND_TO";
/// How often the SQLite writer is killed.
const SQLITE_KILLS: u64 = 25;
/// How often the PostgreSQL writer, its backends or the whole server are killed, in turn.
const POSTGRES_KILLS: u64 = 12;
/// How often an append is tried again while the server restarts.
const TRIES_MAX: u32 = 1000;

/// The process that is killed: appends blocks for ever and prints what is acknowledged.
#[test]
#[ignore = "the crash tests run it as a process of its own"]
fn appender() {
    let Ok(url) = std::env::var(URL) else { return };
    tokio::runtime::Runtime::new().unwrap().block_on(append_for_ever(&url));
}

async fn append_for_ever(url: &str) {
    let store = store::open(url).await.unwrap();
    let fence = store.take_lease("appender", at(0), HELD).await.unwrap();
    let mut next = store.next_seq().await.unwrap().0;
    // Blocks of all sizes, and of words that no other process uses.
    for round in 0_u64.. {
        let block = block(next, 1 + round * round % 97, &format!("{}-{round}", std::process::id()));
        for tried in 0.. {
            match store.append(fence, &block, &index(&block)).await {
                Ok(()) => break,
                Err(StoreFailure::Unavailable { .. }) if tried < TRIES_MAX => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                Err(failure) => panic!("{failure}"),
            }
        }
        println!("{}", acknowledgement(&block));
        std::io::stdout().flush().unwrap();
        next = end(&block);
    }
}

fn acknowledgement(block: &Block) -> String {
    format!("ack {} {} {}", block.first, block.count, kernel::Digest::of(&[&block.bytes]))
}

struct Appender {
    process: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Appender {
    fn start(url: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "crash::appender", "--include-ignored", "--nocapture"]).env(URL, url);
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines }
    }

    fn read(&mut self, count: u64, acknowledged: &mut Vec<String>) {
        let lines = self.lines.by_ref().map(Result::unwrap).filter(|line| line.starts_with("ack "));
        let before = acknowledged.len();
        acknowledged.extend(lines.take(count as usize));
        assert_eq!(acknowledged.len() - before, count as usize, "the appender ended by itself");
    }

    fn read_beyond(&mut self, reached: Seq, acknowledged: &mut Vec<String>) {
        let first = |line: &String| line.split(' ').nth(1).and_then(|first| first.parse().ok()).map(Seq);
        while acknowledged.last().and_then(first).is_none_or(|first| first <= reached) {
            self.read(1, acknowledged);
        }
    }

    /// Kills the process and takes what it still acknowledged.
    fn kill(mut self, acknowledged: &mut Vec<String>) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        acknowledged.extend(self.lines.map_while(Result::ok).filter(|line| line.starts_with("ack ")));
    }
}

/// A moment of a few milliseconds, so that the next event falls anywhere within the appender's work.
fn moment(chance: &SeededChance) {
    std::thread::sleep(Duration::from_micros(chance.below(3000)));
}

/// Opens the journal, as soon as a server that lost its processes has recovered.
async fn opened(url: &str) -> Arc<dyn JournalStore> {
    for _ in 0..TRIES_MAX {
        match store::open(url).await {
            Err(StoreFailure::Unavailable { .. }) => tokio::time::sleep(Duration::from_millis(10)).await,
            done => return done.unwrap(),
        }
    }
    panic!("the server does not recover");
}

async fn assert_nothing_lost(url: &str, acknowledged: &[String], kills: u64) {
    let store = opened(url).await;
    let there: Vec<String> = whole(&*store).await.iter().map(acknowledgement).collect();
    let mut found = there.iter();
    for acknowledgement in acknowledged {
        assert!(found.any(|line| line == acknowledgement), "acknowledged, in order, but not there: {acknowledgement}");
    }
    let unacknowledged = there.len() - acknowledged.len();
    assert!(unacknowledged as u64 <= kills, "{unacknowledged} blocks that no one asked for, after {kills} kills");
}

#[tokio::test]
async fn sqlite_keeps_what_it_acknowledged_when_its_process_is_killed() {
    let home = testkit::temp_dir();
    let url = format!("sqlite:{}", home.path().join("journal.db").display());
    let (chance, mut acknowledged) = (SeededChance::new(1), Vec::new());
    for kill in 1..=SQLITE_KILLS {
        let mut appender = Appender::start(&url);
        appender.read(chance.below(40), &mut acknowledged);
        moment(&chance);
        appender.kill(&mut acknowledged);
        assert_nothing_lost(&url, &acknowledged, kill).await;
    }
    assert!(acknowledged.len() as u64 > SQLITE_KILLS, "only {} appends", acknowledged.len());
}

#[tokio::test]
async fn postgres_keeps_what_it_acknowledged_when_anything_is_killed() {
    let Some(mut server) = Server::start() else { return };
    let (chance, mut acknowledged) = (SeededChance::new(2), Vec::new());
    for kill in 1..=POSTGRES_KILLS {
        let mut appender = Appender::start(&server.url());
        appender.read(1 + chance.below(40), &mut acknowledged);
        moment(&chance);
        match kill % 3 {
            0 => server.kill9_backends(),
            1 => server.restart(),
            _ => {}
        }
        if kill % 3 != 2 {
            // The same process goes on, with the very append that the server may or may not have done.
            let reached = opened(&server.url()).await.next_seq().await.unwrap();
            appender.read_beyond(reached, &mut acknowledged);
        }
        appender.kill(&mut acknowledged);
        assert_nothing_lost(&server.url(), &acknowledged, kill).await;
    }
    assert!(opened(&server.url()).await.next_seq().await.unwrap() > Seq(POSTGRES_KILLS));
}
