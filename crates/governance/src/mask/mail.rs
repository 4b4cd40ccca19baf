//! Mail addresses, from their `@` to both sides.

use super::form::{before, byte, part, run};
use super::{Hit, Kind};

/// The longest local part and the longest domain (RFC 5321).
const LOCAL_MAX: usize = 64;
const DOMAIN_MAX: usize = 253;
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
    // What follows `://user:` is a password, and `user@host:path` a repository.
    let other =
        before(text, start).is_some_and(|byte| matches!(byte, b':' | b'/')) && part(text, 0..start).ends_with("//");
    let good = !local.is_empty() && !SERVICES.contains(&local) && word && labels && !other;
    (good && byte(text, end) != Some(b'@')).then(|| Hit { kind: MAIL, range: start..at + 1 + domain.len() })
}
