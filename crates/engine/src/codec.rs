//! Facts to records and back. The journal's bytes are the kernel's; here they meet the areas' events.

use kernel::area::EventMeta;
use kernel::block::{Builder, RawBody, Reader};
use kernel::port::{Block, Chance, StoreFailure};
use kernel::record::{Header, Record};

use crate::command::{Event, Fact};

/// A block ready to be appended, and the leaf of each of its records.
pub(crate) struct Encoded {
    pub(crate) block: Block,
    pub(crate) leaves: Vec<[u8; 32]>,
}

/// Writes facts as one block; each body gets a fresh salt.
///
/// # Errors
/// When an event cannot be written as JSON.
pub(crate) fn encode(facts: &[Fact], chance: &dyn Chance) -> Result<Option<Encoded>, serde_json::Error> {
    let (Some(first), Some(last)) = (facts.first(), facts.last()) else { return Ok(None) };
    let mut salts = vec![0; facts.len() * 16];
    chance.fill(&mut salts);
    let mut builder = Builder::new();
    let mut leaves = Vec::with_capacity(facts.len());
    for (fact, salt) in facts.iter().zip(salts.as_chunks::<16>().0) {
        leaves.push(push(&mut builder, fact, salt)?);
    }
    let count = builder.count();
    let block = Block { first: first.seq, count, at: last.at, bytes: builder.finish() };
    Ok(Some(Encoded { block, leaves }))
}

/// Writes a fact straight into the block, because alerts come in by the thousand.
fn push(builder: &mut Builder, fact: &Fact, salt: &[u8; 16]) -> Result<[u8; 32], serde_json::Error> {
    let stream = fact.event.stream().0;
    let header = Header {
        seq: fact.seq,
        at: fact.at,
        area: fact.event.area(),
        stream: &stream,
        kind: fact.event.kind(),
        version: fact.event.version(),
        actor: &fact.actor,
        sensitivity: fact.event.sensitivity(),
        policy: &fact.policy,
        cause: fact.cause,
    };
    let mut written = Ok(());
    let leaf = builder.push_kept(&header, salt, |out| written = fact.event.write_json(out));
    written.map(|()| leaf)
}

/// A record read back: its leaf, and the fact unless its body was erased.
pub(crate) struct Decoded {
    pub(crate) leaf: [u8; 32],
    pub(crate) record: Record,
    pub(crate) fact: Option<Fact>,
}

/// Reads the records of a block.
///
/// # Errors
/// When the block is damaged, naming it.
pub(crate) fn decode(block: &Block) -> Result<Vec<Decoded>, StoreFailure> {
    let damaged = |cause: String| StoreFailure::Damaged { place: format!("the block at {}", block.first), cause };
    let reader = Reader::new(&block.bytes).map_err(|error| damaged(error.to_string()))?;
    let mut all = Vec::with_capacity(usize::try_from(block.count).unwrap_or_default());
    for raw in reader {
        let raw = raw.map_err(|error| damaged(error.to_string()))?;
        let record = raw.to_record().map_err(|error| damaged(error.to_string()))?;
        let fact = match raw.body {
            RawBody::Kept(_, json) => Some(fact(&record, json).map_err(&damaged)?),
            RawBody::Erased(_) => None,
        };
        all.push(Decoded { leaf: raw.leaf(), record, fact });
    }
    Ok(all)
}

fn fact(record: &Record, json: &[u8]) -> Result<Fact, String> {
    let event = Event::from_json(&record.area, json).map_err(|cause| format!("fact {}: {cause}", record.seq))?;
    Ok(Fact {
        seq: record.seq,
        at: record.at,
        actor: record.actor.clone(),
        policy: record.policy.clone(),
        cause: record.cause,
        event,
    })
}
