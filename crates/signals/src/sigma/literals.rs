//! The texts one of which stands in whatever a regular expression finds.

use regex_syntax::hir::{Class, Hir, HirKind};

use super::text::fold;

/// A text shorter than this tells too little.
const LETTERS_MIN: usize = 3;
/// The most alternatives that are told apart.
const TEXTS_MAX: usize = 100;

/// Folded texts one of which every match contains; nothing when no such texts can be told.
pub(super) fn required(expression: &str) -> Option<Vec<String>> {
    of(&regex_syntax::parse(expression).ok()?)
}

/// The parser bounds how deep an expression is nested.
fn of(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Literal(_) | HirKind::Class(_) => sequence(std::slice::from_ref(hir)),
        HirKind::Concat(parts) => sequence(parts),
        HirKind::Capture(capture) => of(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => of(&repetition.sub),
        HirKind::Alternation(parts) => {
            let all: Vec<Vec<String>> = parts.iter().map(of).collect::<Option<_>>()?;
            let texts: Vec<String> = all.into_iter().flatten().collect();
            (texts.len() <= TEXTS_MAX).then_some(texts)
        }
        HirKind::Empty | HirKind::Look(_) | HirKind::Repetition(_) => None,
    }
}

/// The best of what is required by parts that follow each other.
fn sequence(parts: &[Hir]) -> Option<Vec<String>> {
    let (mut choices, mut run) = (Vec::new(), String::new());
    for part in parts {
        match part.kind() {
            HirKind::Literal(literal) => {
                for byte in &literal.0 {
                    // A letter that is not ASCII may have several forms; it ends the run.
                    if byte.is_ascii() { run.push(char::from(*byte)) } else { close(&mut run, &mut choices) }
                }
            }
            HirKind::Class(class) => match letter(class) {
                Some(letter) => run.push(letter),
                None => close(&mut run, &mut choices),
            },
            // Nothing stands between what is before and what is behind.
            HirKind::Empty | HirKind::Look(_) => {}
            _ => {
                close(&mut run, &mut choices);
                choices.extend(of(part));
            }
        }
    }
    close(&mut run, &mut choices);
    choices.into_iter().max_by_key(|texts| {
        let shortest = texts.iter().map(String::len).min().unwrap_or(0);
        (shortest.min(12), std::cmp::Reverse(texts.len()))
    })
}

fn close(run: &mut String, choices: &mut Vec<Vec<String>>) {
    let text = std::mem::take(run);
    if text.len() >= LETTERS_MIN {
        choices.push(vec![fold(&text).into_owned()]);
    }
}

/// The ASCII letter that all characters of a class are forms of.
fn letter(class: &Class) -> Option<char> {
    let mut letters = Vec::new();
    match class {
        Class::Unicode(class) => {
            for range in class.ranges() {
                // The forms of one letter stand far from each other.
                if range.start() != range.end() || letters.len() > 3 {
                    return None;
                }
                letters.push(range.start());
            }
        }
        Class::Bytes(class) => {
            let single = |range: &regex_syntax::hir::ClassBytesRange| range.start() == range.end();
            let ranges = class.ranges();
            if ranges.len() > 3 || !ranges.iter().all(single) {
                return None;
            }
            letters.extend(ranges.iter().map(|range| char::from(range.start())));
        }
    }
    let folded = |c: &char| fold(c.encode_utf8(&mut [0; 4])).chars().next();
    let first = letters.first().and_then(folded).filter(char::is_ascii)?;
    letters.iter().all(|c| folded(c) == Some(first)).then_some(first)
}
