//! `score pii`: every text of the folder, put to the masker at the door.
//!
//! Over spans of the types that the masker knows by form: a span counts if at least half of its characters are covered by
//! a hit of its type, and a hit likewise by a span; `f2` is 5PR / (4P + R). Over texts that say whether they hold personal
//! data: `document_precision`, `document_recall`, `document_false_positive_rate`. Network addresses are masked for this
//! score. Environment variable `SCORE_SHOW=missed` or `SCORE_SHOW=wrong` prints such spans.

use super::cpu::Cpu;
use super::{Scores, lines};
use governance::mask::{Class, Hit, Masker, Policy};
use serde_json::Value;
use std::ops::Range;
use std::path::Path;

/// How many bytes of texts without personal data are masked to measure the speed.
const SPEED_BYTES: usize = 64 * 1024 * 1024;

/// The data set's name of a type, and ours.
const TYPES: [(&str, &str); 15] = [
    ("EMAIL_ADDRESS", "email"),
    ("PHONE_NUMBER", "phone"),
    ("CREDIT_CARD", "payment-card"),
    ("IBAN_CODE", "iban"),
    ("US_SSN", "us-ssn"),
    ("IP_ADDRESS", "ip-address"),
    ("MAC_ADDRESS", "mac-address"),
    ("MEDICAL_RECORD_NUMBER", "medical-record-number"),
    ("DATE_OF_BIRTH", "date-of-birth"),
    ("US_MBI", "us-mbi"),
    ("US_NPI", "us-npi"),
    ("UK_NHS", "uk-nhs-number"),
    ("UK_NINO", "uk-nino"),
    ("PASSPORT_NUMBER", "passport-number"),
    ("US_DRIVER_LICENSE", "driving-licence"),
];

/// Part of a whole, counted.
#[derive(Default)]
struct Share {
    part: u32,
    whole: u32,
}

impl Share {
    fn add(&mut self, is_part: bool) {
        self.part += u32::from(is_part);
        self.whole += 1;
    }

    fn value(&self) -> f64 {
        f64::from(self.part) / f64::from(self.whole.max(1))
    }
}

/// Masks every text in `data`.
pub fn run(data: &Path) -> Scores {
    let masker = Masker::new(Policy { secrets: true, personal: true, network_addresses: true });
    let (mut recall, mut precision) = (Share::default(), Share::default());
    let (mut found, mut right, mut wrong) = (Share::default(), Share::default(), Share::default());
    let mut clean = String::new();
    for sample in lines::read(data, |_| true)? {
        let text = sample["text"].as_str().ok_or("a text is missing")?;
        let hits: Vec<Hit> = masker.find(text).into_iter().filter(|hit| hit.kind.class() == Class::Personal).collect();
        spans(text, &sample, &hits, &mut recall, &mut precision);
        let Some(personal) = sample["doc"]["personal_data"].as_bool() else { continue };
        if personal {
            found.add(!hits.is_empty());
        } else {
            wrong.add(!hits.is_empty());
            clean.push_str(text);
            clean.push('\n');
        }
        if !hits.is_empty() {
            right.add(personal);
        }
    }
    let (p, r) = (precision.value(), recall.value());
    Ok(vec![
        ("recall".to_owned(), r),
        ("precision".to_owned(), p),
        ("f2".to_owned(), 5.0 * p * r / (4.0 * p + r).max(f64::MIN_POSITIVE)),
        ("document_recall".to_owned(), found.value()),
        ("document_precision".to_owned(), right.value()),
        ("document_false_positive_rate".to_owned(), wrong.value()),
        ("clean_mb_per_cpu_s".to_owned(), speed(&clean)),
    ])
}

/// Counts the spans of one text, in characters as the data set does.
fn spans(text: &str, sample: &Value, hits: &[Hit], recall: &mut Share, precision: &mut Share) {
    let show = std::env::var("SCORE_SHOW").unwrap_or_default();
    let known = |span: &Value| TYPES.iter().find(|(theirs, _)| span["entity_type"] == *theirs).map(|(_, ours)| *ours);
    let range = |span: &Value| {
        Some(usize::try_from(span["start"].as_u64()?).ok()?..usize::try_from(span["end"].as_u64()?).ok()?)
    };
    let all = sample["spans"].as_array().map(Vec::as_slice).unwrap_or_default();
    let truth: Vec<(&str, Range<usize>)> = all.iter().filter_map(|span| Some((known(span)?, range(span)?))).collect();
    let characters = |at: usize| text.get(..at).map_or(0, |front| front.chars().count());
    let mine: Vec<(&str, Range<usize>)> = hits
        .iter()
        .map(|hit| (hit.kind.name(), characters(hit.range.start)..characters(hit.range.end)))
        .filter(|(name, _)| TYPES.iter().any(|(_, ours)| ours == name))
        .collect();
    let covered = |(name, span): &(&str, Range<usize>), by: &[(&str, Range<usize>)]| {
        let of_kind = by.iter().filter(|(other, _)| other == name);
        let overlaps = of_kind.map(|(_, other)| span.end.min(other.end).saturating_sub(span.start.max(other.start)));
        overlaps.max().unwrap_or(0) * 2 >= span.len()
    };
    for span in &truth {
        let good = covered(span, &mine);
        recall.add(good);
        if !good && show == "missed" {
            eprintln!(
                "score pii: missed: {} {:?} in {text}",
                span.0,
                text.chars().skip(span.1.start).take(span.1.len()).collect::<String>()
            );
        }
    }
    for span in &mine {
        let good = covered(span, &truth);
        precision.add(good);
        if !good && show == "wrong" {
            eprintln!(
                "score pii: wrong: {} {:?} in {text}",
                span.0,
                text.chars().skip(span.1.start).take(span.1.len()).collect::<String>()
            );
        }
    }
}

/// How many megabytes of clean text a second of computing masks, with the policy that is the default.
fn speed(clean: &str) -> f64 {
    let masker = Masker::new(Policy::default());
    let rounds = SPEED_BYTES / clean.len().max(1) + 1;
    let cpu = Cpu::start();
    let found: usize =
        (0..rounds).map(|_| clean.lines().map(|line| masker.mask(line).found.len()).sum::<usize>()).sum();
    let seconds = cpu.seconds();
    eprintln!("score pii: {found} hits in {rounds} rounds over {} bytes of clean text", clean.len());
    (rounds * clean.len()) as f64 / 1e6 / seconds
}
