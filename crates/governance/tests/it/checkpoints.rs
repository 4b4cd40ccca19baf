//! Signed notes, checkpoints and offline proofs: what we write verifies, and nothing that differs from it by one byte does.

use governance::tlog::checkpoint::Checkpoint;
use governance::tlog::merkle::{Tree, leaf_hash};
use governance::tlog::note::{self, Note, NoteError, Verifier};
use governance::tlog::proof::{Policy, TlogProof};
use proptest::prelude::*;

const LOG: &str = "watchkeeper.example/journal";
const LOG_SEED: [u8; 32] = [1; 32];

fn witness(number: u8) -> (String, [u8; 32]) {
    (format!("witness{number}.example/w"), [100 + number; 32])
}

fn tree(size: u64) -> (Tree, Vec<[u8; 32]>) {
    let leaves: Vec<_> = (0..size).map(|i| leaf_hash(&i.to_be_bytes())).collect();
    let mut tree = Tree::default();
    leaves.iter().for_each(|leaf| tree.push(*leaf));
    (tree, leaves)
}

fn checkpoint(tree: &Tree) -> Checkpoint {
    Checkpoint { origin: LOG.to_owned(), size: tree.size(), root: tree.root(), extensions: Vec::new() }
}

fn cosigned(checkpoint: &Checkpoint, witnesses: &[u8]) -> String {
    let lines = witnesses.iter().map(|number| {
        let (name, seed) = witness(*number);
        note::cosign(&checkpoint.text(), &name, 1_760_000_000, &seed)
    });
    checkpoint.sign(&LOG_SEED) + &lines.collect::<String>()
}

fn policy(witnesses: &[u8], quorum: usize) -> Policy {
    let keys = witnesses.iter().map(|number| {
        let (name, seed) = witness(*number);
        note::cosigner_of(&name, &seed)
    });
    Policy { log: note::verifier_of(LOG, &LOG_SEED), witnesses: keys.collect(), quorum }
}

#[test]
fn a_checkpoint_needs_its_log_and_enough_different_witnesses() {
    let (tree, _) = tree(5);
    let head = checkpoint(&tree);
    let trusted = policy(&[1, 2, 3], 2);
    assert_eq!(trusted.check(&cosigned(&head, &[1, 3])), Ok(head.clone()));
    assert_eq!(trusted.check(&cosigned(&head, &[1, 2, 3, 9])), Ok(head.clone()));
    for too_few in [&[1][..], &[1, 1], &[1, 9], &[]] {
        assert!(matches!(trusted.check(&cosigned(&head, too_few)), Err(NoteError::Unsigned(_))), "{too_few:?}");
    }
    assert_eq!(policy(&[], 0).check(&head.sign(&LOG_SEED)), Ok(head.clone()));
    assert!(policy(&[], 0).check(&head.sign(&[2; 32])).is_err());
    // One key under two names is one witness.
    let (name, seed) = witness(1);
    let mut twins = policy(&[1], 2);
    twins.witnesses.push(note::cosigner_of("twin.example/w", &seed));
    let lines = note::cosign(&head.text(), &name, 1, &seed) + &note::cosign(&head.text(), "twin.example/w", 1, &seed);
    assert!(matches!(twins.check(&(head.sign(&LOG_SEED) + &lines)), Err(NoteError::Unsigned(_))));
    // A plain signature is no cosignature, and a cosignature does not make a log.
    let confused = Policy { witnesses: vec![note::verifier_of(LOG, &LOG_SEED)], ..policy(&[], 1) };
    assert!(matches!(confused.check(&head.sign(&LOG_SEED)), Err(NoteError::Key(_))));
}

#[test]
fn a_wrong_signature_of_a_known_key_spoils_the_note() {
    let (tree, _) = tree(5);
    let head = checkpoint(&tree);
    let (name, seed) = witness(3);
    let stale = note::cosign("another text\n", &name, 7, &seed);
    let signed = cosigned(&head, &[1, 2]) + &stale;
    assert!(matches!(policy(&[1, 2, 3], 2).check(&signed), Err(NoteError::Signature(_))));
    assert!(policy(&[1, 2], 2).check(&signed).is_ok(), "an unknown key's signature is not looked at");
    let future = note::cosign(&head.text(), &name, u64::MAX, &seed);
    assert!(policy(&[3], 1).check(&(head.sign(&LOG_SEED) + &future)).is_err());
}

#[test]
fn what_is_not_exactly_a_note_is_refused() {
    let good = cosigned(&checkpoint(&tree(3).0), &[1]);
    assert!(Note::parse(&good).is_ok());
    let broken = [
        good.trim_end().to_owned(),
        good.replace('\u{2014}', "-"),
        good.replace('\n', "\r\n"),
        good.replacen("\n\n", "\n", 1),
        format!("{good}\n"),
        format!("{good}x"),
        good.replacen(" w", "  w", 1).replacen("\u{2014} ", "\u{2014}  ", 1),
        good.replacen('\u{2014}', "\u{2014} a+b", 1),
        "\n\n\u{2014} a AAAAAAA=\n".to_owned(),
        "text\n\n".to_owned(),
        "text\n\n\u{2014} a AAAA\n".to_owned(),
        format!("text\n\n{}", "\u{2014} a AAAAAAA=\n".repeat(note::SIGNATURES_MAX + 1)),
        format!("{}\n\n\u{2014} a AAAAAAA=\n", "x".repeat(note::NOTE_BYTES_MAX)),
    ];
    for note in &broken {
        let shown: String = note.chars().take(200).collect();
        assert!(matches!(Note::parse(note), Err(NoteError::Form(_))), "{shown:?}");
    }
    // The text may hold empty lines: the last one parts it from the signatures.
    let text = "a\n\nb\n\n\n";
    let note = Note::parse(&note::sign(text, LOG, &LOG_SEED)).unwrap();
    assert_eq!(note.text, text);
    assert_eq!(note.verify(&note::verifier_of(LOG, &LOG_SEED)), Ok(0));
}

#[test]
fn what_is_not_exactly_a_checkpoint_is_refused() {
    let root = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    assert!(Checkpoint::parse(&format!("a.example\n0\n{root}\n")).is_ok());
    assert!(Checkpoint::parse(&format!("a.example\n18446744073709551615\n{root}\nmore\n")).is_ok());
    for text in [
        format!("a.example\n0\n{root}"),
        format!("\n0\n{root}\n"),
        format!("a.example\n00\n{root}\n"),
        format!("a.example\n+1\n{root}\n"),
        format!("a.example\n-1\n{root}\n"),
        format!("a.example\n1 \n{root}\n"),
        format!("a.example\n18446744073709551616\n{root}\n"),
        "a.example\n0\n47DEQpj8HBSa\n".to_owned(),
        "a.example\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\n".to_owned(),
        format!("a.example\n0\n{root}\n\n"),
        "a.example\n0\n".to_owned(),
        String::new(),
    ] {
        assert!(Checkpoint::parse(&text).is_err(), "{text:?}");
    }
}

#[test]
fn verifier_keys_are_read_as_they_are_written() {
    let own = note::verifier_of(LOG, &LOG_SEED);
    assert_eq!(Verifier::parse(&own.to_string()), Ok(own.clone()));
    let text = own.to_string();
    for wrong in [
        text.replacen("watchkeeper", "watchkeepes", 1),
        text.replace("+", " "),
        format!("{text}="),
        text[..text.len() - 4].to_owned(),
        "a+00000000+AQ==".to_owned(),
        // The neutral element of the curve signs anything.
        "a+00000000+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
    ] {
        assert!(Verifier::parse(&wrong).is_err(), "{wrong}");
    }
    assert!(Verifier::new("a b", note::ED25519, own.key()).is_err());
    assert!(Verifier::new("a", 0x02, own.key()).is_err());
}

#[test]
fn a_proof_we_write_is_checked_offline() {
    let (tree, leaves) = tree(700);
    let all = |index: u64| leaves.get(usize::try_from(index).unwrap()).copied();
    let path = tree.inclusion(300, 700, &all).unwrap();
    let proof = TlogProof { extra: None, index: 300, path, checkpoint: cosigned(&checkpoint(&tree), &[1, 2]) };
    let read = TlogProof::parse(&proof.to_string()).unwrap();
    assert_eq!(read, proof);
    let entry = 300_u64.to_be_bytes();
    assert_eq!(read.verify(&entry, &policy(&[1, 2], 2)).map(|c| c.size), Ok(700));
    assert!(read.verify(&301_u64.to_be_bytes(), &policy(&[1, 2], 2)).is_err());
    assert!(read.verify(&leaves[300], &policy(&[1, 2], 2)).is_err(), "a leaf hash is no entry");
    assert!(read.verify_leaf(&leaves[300], &policy(&[1, 2], 2)).is_ok());
    let extra = TlogProof { extra: Some(b"context".to_vec()), ..proof };
    assert_eq!(TlogProof::parse(&extra.to_string()), Ok(extra.clone()));
    let text = extra.to_string();
    for wrong in [
        text.replace("@v1", "@v2"),
        text.replace("index 300", "index 0300"),
        text.replace("index 300", "index -1"),
        text.replace("extra ", "extra !"),
        text.replace("index 300\n", ""),
        text.replacen("index 300\n", "index 300\nindex 300\n", 1),
        text.replacen("\n\n", "\nAAAA\n\n", 1),
        text.replacen("\n\n", &format!("{}\n\n", "\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".repeat(66)), 1),
        format!("\n{text}"),
    ] {
        assert!(TlogProof::parse(&wrong).is_err(), "{wrong}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_byte_of_a_proof_can_change(size in 1_u64..40, index: u64, place: usize, byte: u8) {
        let (tree, leaves) = tree(size);
        let index = index % size;
        let all = |at: u64| leaves.get(usize::try_from(at).unwrap()).copied();
        let path = tree.inclusion(index, size, &all).unwrap();
        let proof = TlogProof { extra: None, index, path, checkpoint: cosigned(&checkpoint(&tree), &[1, 2]) };
        let mut bytes = proof.to_string().into_bytes();
        let place = place % bytes.len();
        prop_assume!(bytes[place] != byte);
        bytes[place] = byte;
        if let Ok(text) = String::from_utf8(bytes) {
            let verdict = TlogProof::parse(&text).and_then(|proof| proof.verify(&index.to_be_bytes(), &policy(&[1, 2], 2)));
            prop_assert!(verdict.is_err(), "byte {place} became {byte}: {text}");
        }
    }

    #[test]
    fn no_text_makes_the_parsers_panic(text in "(c2sp.org/tlog-proof@v1\n)?(extra \\PC{0,5}\n)?(index [0-9]{0,22}\n)?\\PC{0,40}\n{0,3}(\u{2014} [a-z+ ]{0,5}[A-Za-z0-9=]{0,12}\n){0,3}") {
        let _ = Note::parse(&text);
        let _ = Checkpoint::parse(&text);
        let _ = Verifier::parse(&text);
        let _ = TlogProof::parse(&text);
    }
}
