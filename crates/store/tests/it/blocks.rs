//! Blocks for tests, and the check that a journal is whole.

use std::time::Duration;

use kernel::block::{Builder, Reader};
use kernel::port::{Block, IndexEntry, JournalStore};
use kernel::{Actor, Body, Record, Sensitivity, Seq, Timestamp};

/// The streams over which test records are spread.
pub const STREAMS: u64 = 3;

/// How long a lease lasts that a test does not let end.
pub const HELD: Duration = Duration::from_secs(3600);

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

pub fn record(seq: u64, body: &str) -> Record {
    Record {
        seq: Seq(seq),
        at: at(0),
        area: "alerts".into(),
        stream: (seq % STREAMS).to_string().into(),
        kind: "AlertOpened".into(),
        version: 1,
        actor: Actor::System("alerts".into()),
        sensitivity: Sensitivity::Internal,
        policy: "system".into(),
        cause: None,
        body: Body::Kept { salt: [7; 16], json: body.as_bytes().into() },
    }
}

pub fn block_of(records: &[Record]) -> Block {
    let mut builder = Builder::new();
    for record in records {
        builder.push(record);
    }
    Block { first: records[0].seq, count: builder.count(), at: at(1), bytes: builder.finish() }
}

/// A block of `count` records from `first`, whose bodies hold `word`.
pub fn block(first: u64, count: u64, word: &str) -> Block {
    let body = |seq: u64| format!("{{\"word\":\"{word}\",\"seq\":{seq}}}");
    block_of(&(first..first + count).map(|seq| record(seq, &body(seq))).collect::<Vec<_>>())
}

/// Index entries for all records of a block.
pub fn index(block: &Block) -> Vec<IndexEntry> {
    let stream = |seq: u64| format!("alerts/{}", seq % STREAMS);
    (block.first.0..end(block)).map(|seq| IndexEntry { stream: stream(seq), seq: Seq(seq) }).collect()
}

pub fn end(block: &Block) -> u64 {
    block.first.0 + u64::from(block.count)
}

/// Reads the whole journal and checks that it has no gap, no repetition, and exactly the index of its records.
pub async fn whole(store: &dyn JournalStore) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    loop {
        let next = Seq(blocks.last().map_or(0, end));
        let more = store.blocks(next, 50).await.unwrap();
        if more.is_empty() {
            break;
        }
        blocks.extend(more);
    }
    let records: Vec<Seq> = blocks.iter().flat_map(|b| Reader::new(&b.bytes).unwrap()).map(seq_of).collect();
    assert!(records.iter().enumerate().all(|(place, seq)| place as u64 == seq.0), "a record is missing or twice");
    assert_eq!(store.next_seq().await.unwrap().0, records.len() as u64);
    for stream in 0..STREAMS {
        let expected: Vec<Seq> = records.iter().copied().filter(|seq| seq.0 % STREAMS == stream).collect();
        let found = store.stream(&format!("alerts/{stream}"), None, u32::MAX).await.unwrap();
        assert_eq!(found, expected, "the index of alerts/{stream}");
    }
    blocks
}

fn seq_of(raw: Result<kernel::block::Raw<'_>, kernel::record::RecordError>) -> Seq {
    raw.unwrap().to_record().unwrap().seq
}
