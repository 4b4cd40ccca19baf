//! Mail addresses, from their `@` to both sides.

use super::form::{byte, part, run};
use super::{Hit, Kind};

/// The longest local part and the longest domain (RFC 5321).
const LOCAL_MAX: usize = 64;
const DOMAIN_MAX: usize = 253;
/// How far before a place the beginning of its URL may be.
const URL_FRONT_MAX: usize = 128;
/// Local parts that name a service, not a person: what stands before the host of a repository, and who never reads.
const SERVICES: [&str; 5] = ["git", "hg", "svn", "noreply", "no-reply"];

const MAIL: Kind = Kind::personal("email");

/// Looks at both sides of the `@` at a place.
pub(crate) fn look(text: &str, at: usize) -> Option<Hit> {
    let sign = |byte: u8| {
        byte.is_ascii_alphanumeric() || byte >= 0x80 || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-' | b'\'')
    };
    let front = text.as_bytes().get(..at)?.iter().rev().take(LOCAL_MAX).take_while(|byte| sign(**byte)).count();
    let local = text.get(at - front..at)?.trim_start_matches(['.', '-', '\'', '%', '+']);
    let end = at
        + 1
        + run(text, at + 1, DOMAIN_MAX, |byte| {
            byte.is_ascii_alphanumeric() || byte >= 0x80 || matches!(byte, b'.' | b'-')
        });
    let domain = text.get(at + 1..end)?.trim_end_matches(['.', '-']);
    let (host, top) = domain.rsplit_once('.')?;
    let word = top.len() > 1 && !top.bytes().any(|byte| byte.is_ascii_digit());
    let labels = host.split('.').all(|label| !label.is_empty());
    let start = at - local.len();
    let good = !local.is_empty() && !SERVICES.contains(&local) && word && labels && !is_in_url(text, start);
    (good && byte(text, end) != Some(b'@')).then_some(Hit { kind: MAIL, range: start..at + 1 + domain.len() })
}

/// Whether a place is between the `://` of a URL and its host, where a user and a password stand.
fn is_in_url(text: &str, at: usize) -> bool {
    let front = part(text, text.floor_char_boundary(at.saturating_sub(URL_FRONT_MAX))..at);
    let word = front.rsplit(|c: char| c.is_ascii_whitespace()).next().unwrap_or_default();
    word.rsplit_once("://").is_some_and(|(_, after)| !after.contains(['/', '?', '#']))
}
