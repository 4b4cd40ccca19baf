//! Queries of an SLI, filled for one window, and made to count where they rate.

use kernel::Seconds;
use kernel::book::slo::{Sli, Slo};

use super::refusal::Refusal;
use super::rules::Plugins;
use super::windows::duration;
use crate::gotemplate::fill;

/// Functions over a range that count already.
const COUNTING: [&str; 3] = ["increase", "sum_over_time", "count_over_time"];

/// The share of bad events over a window.
pub(super) fn error_ratio(slo: &Slo, plugins: &Plugins, window: Seconds) -> Result<String, Refusal> {
    let filled = |query: &str| filled(slo, query, window);
    Ok(match &slo.sli {
        Sli::Events { error, total } => format!("({})\n/\n({})", filled(error)?, filled(total)?),
        Sli::Good { good, total } => format!("1 - (\n  ({})\n  /\n  ({})\n)", filled(good)?, filled(total)?),
        Sli::Ratio(query) => format!("({})", filled(query)?),
        Sli::Plugin { id, .. } => {
            let query = plugins.get(id).ok_or_else(|| Refusal::UnknownPlugin { id: id.clone() })?;
            format!("({})", filled(query)?)
        }
    })
}

/// How many bad events there were in a window.
pub(super) fn bad_events(slo: &Slo, window: Seconds) -> Result<String, Refusal> {
    let counted = |query: &str| filled(slo, &counting(query)?, window);
    match &slo.sli {
        Sli::Events { error, .. } => counted(error),
        Sli::Good { good, total } => Ok(format!("({})\n-\n({})", counted(total)?, counted(good)?)),
        Sli::Ratio(_) | Sli::Plugin { .. } => Err(Refusal::NothingToCount),
    }
}

fn filled(slo: &Slo, query: &str, window: Seconds) -> Result<String, Refusal> {
    let options: &[(String, String)] = match &slo.sli {
        Sli::Plugin { options, .. } => &options.iter().map(|(k, v)| (k.clone(), v.clone())).collect::<Vec<_>>(),
        _ => &[],
    };
    let (window, objective) = (duration(window), slo.objective.as_percent().to_string());
    let words = [("window", &*window), ("service", &slo.service), ("slo", &slo.name), ("objective", &objective)];
    let text = fill("query", query, &words, ("options", options));
    let text = text.map_err(|reason| Refusal::Template { query: query.trim().to_owned(), reason })?;
    // A query that says the same whatever the window is, cannot be about a window.
    let probe = words.map(|(name, value)| (name, if name == "window" { "" } else { value }));
    if fill("query", query, &probe, ("options", options)).as_ref() == Ok(&text) {
        return Err(Refusal::NoWindow { query: query.trim().to_owned() });
    }
    Ok(text.trim().to_owned())
}

/// A query with `increase` where it has `rate`, so that it gives a number of events.
fn counting(query: &str) -> Result<String, Refusal> {
    let (mut out, mut rest, mut counts) = (String::with_capacity(query.len()), query, false);
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '"' | '\'' | '`' => quoted(rest, c),
            c if c.is_alphabetic() || c == '_' || c == ':' => {
                let word = |c: char| !(c.is_alphanumeric() || c == '_' || c == ':' || c == '.');
                let end = rest.find(word).unwrap_or(rest.len());
                let (name, after) = rest.split_at(end);
                let called = after.trim_start().starts_with('(');
                let rates = called && name == "rate";
                counts |= called && (rates || COUNTING.contains(&name));
                out.push_str(if rates { "increase" } else { name });
                rest = after;
                continue;
            }
            c => c.len_utf8(),
        };
        let (text, after) = rest.split_at(length);
        out.push_str(text);
        rest = after;
    }
    if counts { Ok(out) } else { Err(Refusal::NoCount { query: query.trim().to_owned() }) }
}

/// How long a quoted text is, with its quotes; to the end when it does not end.
fn quoted(text: &str, mark: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if c == mark && !escaped {
            return at + c.len_utf8();
        }
        escaped = c == '\\' && !escaped && mark != '`';
    }
    text.len()
}

/// A text as PromQL quotes it.
pub(super) fn quoted_label(text: &str) -> String {
    let escape = |c: char| match c {
        '\\' => "\\\\".to_owned(),
        '"' => "\\\"".to_owned(),
        '\n' => "\\n".to_owned(),
        c => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(escape).collect::<String>())
}
