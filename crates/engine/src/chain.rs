//! The journal as a Merkle tree: its root, its signed checkpoints, and the proof of one fact.

use kernel::port::{JournalStore, StoreFailure};
use kernel::{Actor, Digest, Record, Sensitivity, Seq};
use serde::{Deserialize, Serialize};

use governance::tlog::checkpoint::Checkpoint;
use governance::tlog::merkle::{Hash, Tree};
use governance::tlog::note;
use governance::tlog::proof::TlogProof;

use crate::codec;
use crate::handle::{Engine, Error, Read};
use crate::limits::FACTS_READ_MAX;
use crate::reach::Reach;

/// The tree over the leaves of all facts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Chain(Tree);

impl Chain {
    pub(crate) fn push(&mut self, leaf: Hash) {
        self.0.push(leaf);
    }
}

/// A fact with everything needed to check it offline.
#[derive(Debug, Clone)]
pub struct Proof {
    /// The fact as it is kept.
    pub record: Record,
    /// Its leaf in the tree.
    pub leaf: Digest,
    /// The root that the path leads to.
    pub root: Digest,
    /// The proof with its signed checkpoint, in the form of c2sp.org/tlog-proof@v1.
    pub proof: TlogProof,
    /// The key that checks the checkpoint.
    pub verifier: String,
}

impl Engine {
    /// Facts in order, beginning at a place; those that are beyond the actor's reach are left out.
    ///
    /// # Errors
    /// When reading the journal is denied, or it cannot be read.
    pub async fn facts(&self, actor: &Actor, from: Seq, limit: u32) -> Result<Vec<Record>, Error> {
        self.may(actor, Read::one("journal:read", "", Sensitivity::Internal))?;
        let reach = self.reach(actor, "journal:read");
        let limit = usize::try_from(limit.min(FACTS_READ_MAX)).unwrap_or_default();
        let mut facts = Vec::new();
        let mut next = from;
        while facts.len() < limit {
            let records = self.records(next).await?;
            let Some(last) = records.last() else { break };
            next = Seq(last.seq.0 + 1);
            let readable = |record: &Record| reach.covers(&record.seq.to_string(), record.sensitivity);
            facts.extend(records.into_iter().filter(|r| r.seq >= from && readable(r)));
        }
        facts.truncate(limit);
        note(&reach, &facts);
        Ok(facts)
    }

    /// The facts of one stream, such as `incidents/INC-42`, in order; those that are beyond the actor's reach are left out.
    ///
    /// # Errors
    /// When reading the journal is denied, or it cannot be read.
    pub async fn stream(&self, actor: &Actor, stream: &str, limit: u32) -> Result<Vec<Record>, Error> {
        self.may(actor, Read::one("journal:read", "", Sensitivity::Confidential))?;
        let seqs = self.vault().stream(stream, None, limit.min(FACTS_READ_MAX)).await.map_err(failed)?;
        let reach = self.reach(actor, "journal:read");
        let mut facts = Vec::with_capacity(seqs.len());
        for seq in seqs {
            let records = self.records(seq).await?;
            let readable = |record: &Record| reach.covers(&seq.to_string(), record.sensitivity);
            facts.extend(records.into_iter().find(|record| record.seq == seq).filter(readable));
        }
        note(&reach, &facts);
        Ok(facts)
    }

    /// A fact and its proof under a checkpoint of this moment.
    ///
    /// # Errors
    /// When reading is denied, there is no such fact, or the journal cannot be read.
    pub async fn fact_proof(&self, actor: &Actor, seq: Seq) -> Result<Option<Proof>, Error> {
        let Some(record) = self.records(seq).await?.into_iter().find(|record| record.seq == seq) else {
            return Ok(None);
        };
        self.may(actor, Read::one("journal:read", &seq.to_string(), record.sensitivity))?;
        let tree = self.shared.world.read().chain.0.clone();
        if seq.0 >= tree.size() {
            return Ok(None);
        }
        let mut leaves = std::collections::HashMap::new();
        for range in tree.needed(seq.0, tree.size()) {
            let mut next = range.start;
            while next < range.end {
                let block = self.leaves(Seq(next)).await?;
                let Some((last, _)) = block.last() else { break };
                next = last + 1;
                leaves.extend(block);
            }
        }
        let path = tree.inclusion(seq.0, tree.size(), &|at| leaves.get(&at).copied());
        let path = path.map_err(|error| Error::Failed { reason: format!("the proof cannot be built: {error}") })?;
        let checkpoint = Checkpoint {
            origin: self.shared.origin.clone(),
            size: tree.size(),
            root: tree.root(),
            extensions: Vec::new(),
        };
        let signed = checkpoint.sign(&self.shared.signing_seed);
        Ok(Some(Proof {
            leaf: Digest(record.leaf()),
            root: Digest(tree.root()),
            record,
            proof: TlogProof { extra: None, index: seq.0, path, checkpoint: signed },
            verifier: note::verifier_of(&self.shared.origin, &self.shared.signing_seed).to_string(),
        }))
    }

    /// Signs a checkpoint over everything that is durable, and records that it did.
    ///
    /// # Errors
    /// When it is denied or cannot be recorded.
    pub async fn checkpoint(&self, actor: &Actor) -> Result<String, Error> {
        let tree = self.shared.world.read().chain.0.clone();
        let root = tree.root();
        self.ask(actor, governance::Command::RecordCheckpoint { size: tree.size(), root: Digest(root) }).await?;
        let origin = self.shared.origin.clone();
        Ok(Checkpoint { origin, size: tree.size(), root, extensions: Vec::new() }.sign(&self.shared.signing_seed))
    }

    /// The size of the tree and its root now.
    #[must_use]
    pub fn head(&self) -> (u64, Digest) {
        let world = self.shared.world.read();
        (world.chain.0.size(), Digest(world.chain.0.root()))
    }

    /// The records of the block that holds `seq`, from `seq` on; empty at the end of the journal.
    async fn records(&self, seq: Seq) -> Result<Vec<Record>, Error> {
        let block = one_block(self.vault(), seq).await.map_err(failed)?;
        let Some(block) = block else { return Ok(Vec::new()) };
        let decoded = codec::decode(&block).map_err(failed)?;
        Ok(decoded.into_iter().map(|d| d.record).filter(|record| record.seq >= seq).collect())
    }

    async fn leaves(&self, seq: Seq) -> Result<Vec<(u64, Hash)>, Error> {
        let block = one_block(self.vault(), seq).await.map_err(failed)?;
        let Some(block) = block else { return Ok(Vec::new()) };
        let decoded = codec::decode(&block).map_err(failed)?;
        Ok(decoded.into_iter().map(|d| (d.record.seq.0, d.leaf)).collect())
    }
}

/// A reading of the journal that shows restricted facts is one read, however many they are.
fn note(reach: &Reach<'_>, facts: &[Record]) {
    if facts.iter().any(|record| record.sensitivity == Sensitivity::Restricted) {
        reach.note("", Sensitivity::Restricted);
    }
}

async fn one_block(store: &dyn JournalStore, seq: Seq) -> Result<Option<kernel::port::Block>, StoreFailure> {
    Ok(store.blocks(seq, 1).await?.into_iter().next())
}

fn failed(failure: StoreFailure) -> Error {
    Error::Failed { reason: failure.to_string() }
}
