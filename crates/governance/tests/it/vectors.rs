//! Published vectors of the Merkle formats, one a line, from `gov-tlog` of the data folder. All formats are scored by
//! `cargo xtask score tlog`; here those that the tree's own laws could get wrong together.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use governance::tlog::merkle::{Hash, verify_consistency, verify_inclusion};
use serde_json::Value;

fn hash(value: &Value) -> Option<Hash> {
    STANDARD.decode(value.as_str()?).ok()?.try_into().ok()
}

fn accepts(vector: &Value) -> Option<bool> {
    let proof = match vector["proof"].as_array() {
        Some(hashes) => hashes.iter().map(hash).collect::<Option<Vec<Hash>>>()?,
        None => Vec::new(),
    };
    let number = |name: &str| vector[name].as_u64();
    Some(match vector["kind"].as_str()? {
        "inclusion" => {
            let (leaf, root) = (hash(&vector["leafHash"])?, hash(&vector["root"])?);
            verify_inclusion(number("leafIdx")?, number("treeSize")?, &leaf, &proof, &root).is_ok()
        }
        "consistency" => {
            let (old, new) = (hash(&vector["root1"])?, hash(&vector["root2"])?);
            verify_consistency(number("size1")?, number("size2")?, &proof, &old, &new).is_ok()
        }
        _ => return None,
    })
}

#[test]
fn published_vectors_get_the_right_verdict() {
    let shared = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var_os("WATCHKEEPER_DATA").map_or(shared, PathBuf::from).join("gov-tlog");
    let Ok(text) = std::fs::read_to_string(folder.join("merkle_rfc6962_vectors.jsonl")) else {
        println!("skipped: {} has no vectors", folder.display());
        return;
    };
    let mut judged = 0;
    for line in text.lines() {
        let vector: Value = serde_json::from_str(line).unwrap();
        let Some(accepted) = accepts(&vector) else { continue };
        assert_eq!(accepted, vector["wantErr"] == Value::Bool(false), "{line}");
        judged += 1;
    }
    assert!(judged > 100, "only {judged} vectors could be judged");
}
