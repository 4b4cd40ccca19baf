//! `score tlog`: every Merkle, checkpoint, proof and tile vector of the folder, put to the product's own verifier.
//!
//! `correct_share` is the share of right verdicts, and zero as soon as one vector is accepted that must be refused. Files are
//! taken by their form: `*.jsonl` and `*.jsonl.gz` hold a vector a line, `*.tar.gz` holds a log as static files, whose
//! verifier key stands in the folder's README.

use super::Scores;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use governance::tlog::checkpoint::Checkpoint;
use governance::tlog::merkle::{
    Hash, Tree, leaf_hash, verify_consistency, verify_inclusion, verify_subtree_consistency, verify_subtree_inclusion,
};
use governance::tlog::note::Verifier;
use governance::tlog::proof::{Policy, TlogProof};
use governance::tlog::tiles::Tile;
use serde_json::Value;
use std::error::Error;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a verifier says: nothing when it accepts, the reason when it refuses.
type Verdict = Result<(), String>;

/// Verdicts counted.
#[derive(Default)]
struct Tally {
    vectors: u32,
    right: u32,
    wrong_accepts: u32,
}

impl Tally {
    fn add(&mut self, place: &str, accept: bool, verdict: &Verdict) {
        self.vectors += 1;
        if verdict.is_ok() == accept {
            self.right += 1;
            return;
        }
        self.wrong_accepts += u32::from(verdict.is_ok());
        match verdict {
            Ok(()) => eprintln!("score tlog: {place} was accepted, but must be refused"),
            Err(reason) => eprintln!("score tlog: {place} was refused, but must be accepted: {reason}"),
        }
    }

    fn share(&self) -> f64 {
        if self.vectors == 0 || self.wrong_accepts > 0 { 0.0 } else { f64::from(self.right) / f64::from(self.vectors) }
    }
}

/// Puts every vector in `data` to the verifier.
pub fn run(data: &Path) -> Scores {
    let mut tally = Tally::default();
    for path in files(data)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".jsonl") {
            lines(&name, &fs::read_to_string(&path)?, &mut tally)?;
        } else if name.ends_with(".jsonl.gz") {
            let mut text = String::new();
            flate2::read::GzDecoder::new(File::open(&path)?).read_to_string(&mut text)?;
            lines(&name, &text, &mut tally)?;
        } else if name.ends_with(".tar.gz") {
            tile_logs(data, &path, &mut tally)?;
        }
    }
    Ok(vec![
        ("correct_share".to_owned(), tally.share()),
        ("vectors".to_owned(), f64::from(tally.vectors)),
        ("wrong_accepts".to_owned(), f64::from(tally.wrong_accepts)),
    ])
}

/// The files of a folder in order of name.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    let mut paths: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}

fn lines(file: &str, text: &str, tally: &mut Tally) -> Result<(), Box<dyn Error>> {
    for (line, number) in text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty()) {
        let place = format!("{file}:{number}");
        let vector: Value = serde_json::from_str(line).map_err(|error| format!("{place}: {error}"))?;
        let (accept, verdict) = judge(&vector).map_err(|error| format!("{place}: {error}"))?;
        tally.add(&place, accept, &verdict);
    }
    Ok(())
}

/// What a vector asks for, and what the verifier says.
fn judge(vector: &Value) -> Result<(bool, Verdict), String> {
    let flag = |name: &str| vector[name].as_bool().ok_or_else(|| format!("there is no {name}"));
    let verdict = match vector["kind"].as_str().unwrap_or_default() {
        "tree" => return Ok((true, tree(vector))),
        "checkpoint" => return Ok((flag("valid")?, checkpoint(vector))),
        "tlog-proof" => return Ok((flag("valid")?, offline_proof(vector))),
        "inclusion" => inclusion(vector),
        "consistency" => consistency(vector),
        "subtreeinclusion" => subtree_inclusion(vector),
        "subtreeconsistency" => subtree_consistency(vector),
        other => return Err(format!("no vectors of kind {other:?} are known")),
    };
    Ok((!flag("wantErr")?, verdict))
}

fn tree(vector: &Value) -> Verdict {
    let mut tree = Tree::default();
    for leaf in array(vector, "leaves_b64")? {
        tree.push(leaf_hash(&bytes(leaf)?));
    }
    let right = tree.size() == number(vector, "size")? && tree.root() == hash(&vector["root"])?;
    if right { Ok(()) } else { Err("the leaves make another root".to_owned()) }
}

fn inclusion(vector: &Value) -> Verdict {
    let (index, size) = (number(vector, "leafIdx")?, number(vector, "treeSize")?);
    verify_inclusion(index, size, &hash(&vector["leafHash"])?, &proof(vector)?, &hash(&vector["root"])?)
        .map_err(|error| error.to_string())
}

fn consistency(vector: &Value) -> Verdict {
    let (old, new) = (number(vector, "size1")?, number(vector, "size2")?);
    verify_consistency(old, new, &proof(vector)?, &root(&vector["root1"])?, &root(&vector["root2"])?)
        .map_err(|error| error.to_string())
}

fn subtree_inclusion(vector: &Value) -> Verdict {
    let subtree = number(vector, "start")?..number(vector, "end")?;
    let (leaf, root) = (hash(&vector["leafHash"])?, hash(&vector["root"])?);
    verify_subtree_inclusion(number(vector, "leafIdx")?, &subtree, &leaf, &proof(vector)?, &root)
        .map_err(|error| error.to_string())
}

fn subtree_consistency(vector: &Value) -> Verdict {
    let subtree = number(vector, "start")?..number(vector, "end")?;
    let (subtree_root, tree_root) = (root(&vector["root1"])?, root(&vector["root2"])?);
    verify_subtree_consistency(&subtree, number(vector, "size")?, &proof(vector)?, &subtree_root, &tree_root)
        .map_err(|error| error.to_string())
}

fn checkpoint(vector: &Value) -> Verdict {
    let checkpoint = policy(vector)?.check(text(&vector["text"])?).map_err(|error| error.to_string())?;
    as_stated(vector, &checkpoint)
}

fn offline_proof(vector: &Value) -> Verdict {
    let proof = TlogProof::parse(text(&vector["text"])?).map_err(|error| error.to_string())?;
    let entry = bytes(&vector["leaf_b64"])?;
    let checkpoint = proof.verify(&entry, &policy(vector)?).map_err(|error| error.to_string())?;
    as_stated(vector, &checkpoint)
}

/// A checkpoint is only the one asked for when its log, its size and its root are.
fn as_stated(vector: &Value, checkpoint: &Checkpoint) -> Verdict {
    let same = checkpoint.origin == text(&vector["origin"])?
        && checkpoint.size == number(vector, "size")?
        && checkpoint.root == hash(&vector["root"])?;
    if same { Ok(()) } else { Err("the checkpoint is another one".to_owned()) }
}

fn policy(vector: &Value) -> Result<Policy, String> {
    let policy = &vector["policy"];
    let key = |value: &Value| Verifier::parse(text(value)?).map_err(|error| error.to_string());
    Ok(Policy {
        log: key(&policy["log_vkey"])?,
        witnesses: array(policy, "witness_vkeys")?.iter().map(key).collect::<Result<_, _>>()?,
        quorum: usize::try_from(number(policy, "quorum")?).map_err(|error| error.to_string())?,
    })
}

/// Unpacks an archive and judges each checkpoint of each log in it: all of them are good.
fn tile_logs(data: &Path, archive: &Path, tally: &mut Tally) -> Result<(), Box<dyn Error>> {
    let unpacked = tempfile::tempdir()?;
    let status = Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(unpacked.path()).status()?;
    if !status.success() {
        return Err(format!("tar cannot unpack {}: {status}", archive.display()).into());
    }
    let keys = keys_in_readme(data)?;
    let mut folders = vec![unpacked.path().to_path_buf()];
    while let Some(folder) = folders.pop() {
        folders.extend(files(&folder)?.into_iter().filter(|path| path.is_dir()));
        if folder.join("checkpoint").is_file() {
            tile_log(&folder, &keys, tally)?;
        }
    }
    Ok(())
}

fn tile_log(log: &Path, keys: &[Verifier], tally: &mut Tally) -> Result<(), Box<dyn Error>> {
    let mut newer: Option<(Checkpoint, Tree, Vec<Hash>)> = None;
    let mut checkpoints = Vec::new();
    for path in files(log)?.into_iter().filter(|path| path.is_file()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("checkpoint") {
            checkpoints.push((name, fs::read_to_string(&path)?));
        }
    }
    // The largest first, so that each is proved to be a prefix of the one before.
    let size = |text: &str| text.lines().nth(1).and_then(|line| line.parse::<u64>().ok());
    checkpoints.sort_by_key(|(_, text)| std::cmp::Reverse(size(text)));
    for (name, text) in checkpoints {
        let verdict = open(log, &text, keys).and_then(|older| {
            if let Some((checkpoint, tree, leaves)) = &newer {
                extends(&older.0, checkpoint, tree, leaves)?;
            }
            newer = Some(older);
            Ok(())
        });
        tally.add(&name, true, &verdict);
    }
    Ok(())
}

/// Opens a checkpoint, and reads every entry and every leaf hash that it covers.
fn open(log: &Path, signed: &str, keys: &[Verifier]) -> Result<(Checkpoint, Tree, Vec<Hash>), String> {
    let opened = keys.iter().find_map(|key| Checkpoint::open(signed, key).ok());
    let (checkpoint, _) = opened.ok_or("no key in the README opens it")?;
    let (mut tree, mut leaves) = (Tree::default(), Vec::new());
    for tile in Tile::all(checkpoint.size) {
        let bytes = fs::read(log.join(tile.entries_path())).map_err(|error| error.to_string())?;
        let entries = tile.entries(&bytes).map_err(|error| error.to_string())?;
        let hashes: Vec<Hash> = entries.into_iter().map(leaf_hash).collect();
        let bytes = fs::read(log.join(tile.hashes_path())).map_err(|error| error.to_string())?;
        if tile.hashes(&bytes).map_err(|error| error.to_string())? != hashes {
            return Err("the entries do not have the hashes of their tile".to_owned());
        }
        hashes.iter().for_each(|hash| tree.push(*hash));
        leaves.extend(hashes);
    }
    if tree.root() == checkpoint.root {
        Ok((checkpoint, tree, leaves))
    } else {
        Err("the entries make another root".to_owned())
    }
}

fn extends(older: &Checkpoint, newer: &Checkpoint, tree: &Tree, leaves: &[Hash]) -> Verdict {
    if older.size == 0 {
        return Ok(());
    }
    let leaf = |at: u64| usize::try_from(at).ok().and_then(|at| leaves.get(at)).copied();
    let proof = tree.consistency(older.size, newer.size, &leaf).map_err(|error| error.to_string())?;
    verify_consistency(older.size, newer.size, &proof, &older.root, &newer.root).map_err(|error| error.to_string())
}

/// Every verifier key that the folder's README names.
fn keys_in_readme(data: &Path) -> Result<Vec<Verifier>, Box<dyn Error>> {
    let mut keys = Vec::new();
    for path in files(data)?.into_iter().filter(|path| path.extension().is_some_and(|ext| ext == "md")) {
        let text = fs::read_to_string(path)?;
        let words = text.split_whitespace().map(|word| word.trim_matches(['.', ',', ';', '`', '(', ')', '"']));
        keys.extend(words.filter_map(|word| Verifier::parse(word).ok()));
    }
    Ok(keys)
}

fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| format!("{value} is not a text"))
}

fn number(vector: &Value, name: &str) -> Result<u64, String> {
    vector[name].as_u64().ok_or_else(|| format!("{name} is not a number from zero on"))
}

fn array<'a>(vector: &'a Value, name: &str) -> Result<&'a [Value], String> {
    vector[name].as_array().map(Vec::as_slice).ok_or_else(|| format!("{name} is not a list"))
}

fn bytes(value: &Value) -> Result<Vec<u8>, String> {
    STANDARD.decode(text(value)?).map_err(|error| error.to_string())
}

fn hash(value: &Value) -> Result<Hash, String> {
    bytes(value)?.try_into().map_err(|_| "a hash does not have 32 bytes".to_owned())
}

/// A root. Some vectors write a text that is no hash where only equality matters; a hash made from it stands in, which is
/// equal to itself and to no root of a vector's tree.
fn root(value: &Value) -> Result<Hash, String> {
    let bytes = bytes(value)?;
    Ok(Hash::try_from(bytes.as_slice()).unwrap_or_else(|_| leaf_hash(&[b"in place of ", &*bytes].concat())))
}

/// The hashes of a proof; some sets write none as `null`.
fn proof(vector: &Value) -> Result<Vec<Hash>, String> {
    if vector["proof"].is_null() {
        return Ok(Vec::new());
    }
    array(vector, "proof")?.iter().map(hash).collect()
}
