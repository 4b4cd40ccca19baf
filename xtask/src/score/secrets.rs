//! `score secrets`: every sample of the folder, put to the masker at the door.
//!
//! A sample counts as found when a secret is. `recall` is over samples that hold one; `precision` is over samples in which
//! one was found; `false_positive_rate` is over samples that hold none, most of which come near to one on purpose.
//! Environment variable `SCORE_SHOW=missed` or `SCORE_SHOW=wrong` prints such samples.

use super::{Scores, lines};
use governance::mask::{Class, Masker, Policy};
use std::path::Path;

/// Masks every sample in `data`.
pub fn run(data: &Path) -> Scores {
    let masker = Masker::new(Policy { secrets: true, personal: false, network_addresses: false });
    let show = std::env::var("SCORE_SHOW").unwrap_or_default();
    let (mut right, mut missed, mut wrong, mut left) = (0_u32, 0_u32, 0_u32, 0_u32);
    for sample in lines::read(data, |_| true)? {
        let text = sample["text"].as_str().ok_or("a sample has no text")?;
        let secret = sample["secret"].as_bool().ok_or("a sample does not say whether it is a secret")?;
        let found = masker.find(text).iter().any(|hit| hit.kind.class() == Class::Secret);
        let (count, name) = match (secret, found) {
            (true, true) => (&mut right, "right"),
            (true, false) => (&mut missed, "missed"),
            (false, true) => (&mut wrong, "wrong"),
            (false, false) => (&mut left, "left"),
        };
        *count += 1;
        if name == show {
            eprintln!("score secrets: {name}: {}: {}", sample["rule"], masker.mask(text).text.escape_debug());
        }
    }
    let share = |part: u32, whole: u32| f64::from(part) / f64::from(whole.max(1));
    Ok(vec![
        ("recall".to_owned(), share(right, right + missed)),
        ("precision".to_owned(), share(right, right + wrong)),
        ("false_positive_rate".to_owned(), share(wrong, wrong + left)),
        ("samples".to_owned(), f64::from(right + missed + wrong + left)),
    ])
}
