//! Secrets with a structure of their own: private keys, JSON Web Tokens, hashes of passwords, credentials in URLs and in
//! arguments, webhooks.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::form::{Signs, before, is_mixed, is_placeholder, is_random, part, run, varied};
use super::{Hit, Kind};

/// The longest private key, in bytes.
const PEM_MAX: usize = 16 * 1024;
/// The longest JSON Web Token.
const JWT_MAX: usize = 8 * 1024;
/// The longest part of a URL, argument, header or hash that is looked at.
const PART_MAX: usize = 512;

/// What a literal may be the start of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Structure {
    /// `-----BEGIN`.
    Pem,
    /// `LS0tLS1CRUdJTi`, which is `-----BEGIN ` in base64.
    PemBase64,
    /// `eyJ`, which is `{"` in base64.
    Jwt,
    /// `://`.
    Url,
    /// A `$` and the name of a way to hash passwords.
    Hash,
    /// A `-u` or `--user` of a command.
    User,
    /// A program that runs commands on other machines with `-p PASSWORD`.
    PsExec,
    /// `Basic`, the scheme of HTTP.
    Basic,
    /// A URL whose path is a secret; what follows the literal.
    Hook,
    /// What stands before is a token, too: Mailchimp's data centre, New Relic's licence, Azure's signature.
    Suffix {
        /// The kind.
        kind: Kind,
        /// The signs before the literal.
        front: Signs,
        /// The signs after it.
        rest: Signs,
        /// How many of them.
        before: usize,
        /// How many signs follow the literal at least.
        after: usize,
    },
}

/// Looks around a literal.
pub(crate) fn look(text: &str, at: Range<usize>, structure: Structure) -> Option<Hit> {
    match structure {
        Structure::Pem => pem(text, at),
        Structure::PemBase64 => pem_base64(text, at),
        Structure::Jwt => jwt(text, at),
        Structure::Url => url(text, at),
        Structure::Hash => hash(text, at),
        Structure::User => user(text, at),
        Structure::PsExec => psexec(text, at),
        Structure::Basic => basic(text, at),
        Structure::Hook => hook(text, at),
        Structure::Suffix { kind, front, rest, before, after } => {
            suffix(text, at, kind, (front, before), (rest, after))
        }
    }
}

/// A private key in PEM, to its end mark, or as far as it goes when that is cut off.
fn pem(text: &str, at: Range<usize>) -> Option<Hit> {
    let line = run(text, at.end, 64, |byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ');
    let label = part(text, at.end..at.end + line);
    if !label.contains("PRIVATE KEY") {
        return None;
    }
    let inside =
        |byte: u8| Signs::Base64.has(byte) || byte.is_ascii_whitespace() || matches!(byte, b'\\' | b':' | b',');
    let start = at.end + line;
    let cut = start + run(text, start, PEM_MAX, inside);
    let end = part(text, start..cut).find("-----END").map_or(cut, |end| {
        let mark = start + end + "-----END".len();
        let label =
            mark + run(text, mark, 64, |byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ');
        label + run(text, label, 5, |byte| byte == b'-')
    });
    Some(Hit { kind: Kind::secret("private-key"), range: at.start..end })
}

fn pem_base64(text: &str, at: Range<usize>) -> Option<Hit> {
    let end = at.end + run(text, at.end, PEM_MAX, |byte| Signs::Base64.has(byte));
    let head = STANDARD_NO_PAD.decode(part(text, at.start..at.start + 64)).ok()?;
    let names_key = String::from_utf8_lossy(&head).contains("PRIVATE");
    names_key.then_some(Hit { kind: Kind::secret("private-key"), range: at.start..end })
}

/// Parts in base64 with dots between; the second may be cut off, the third absent, as in unsigned tokens.
fn jwt(text: &str, at: Range<usize>) -> Option<Hit> {
    if before(text, at.start).is_some_and(|byte| Signs::Word.has(byte) || byte == b'.') {
        return None;
    }
    let inside = |byte: u8| Signs::Word.has(byte) || byte == b'.';
    let end = at.start + run(text, at.start, JWT_MAX, inside);
    let end = end + run(text, end, JWT_MAX, |byte| Signs::Base64.has(byte) || byte == b'.');
    let mut parts = part(text, at.start..end).split('.');
    let (head, body) = (parts.next()?, parts.next()?);
    (head.len() >= 12 && body.len() >= 6).then_some(Hit { kind: Kind::secret("json-web-token"), range: at.start..end })
}

/// The password in `scheme://user:password@host`.
fn url(text: &str, at: Range<usize>) -> Option<Hit> {
    let inside =
        |byte: u8| !byte.is_ascii_whitespace() && !matches!(byte, b'/' | b'"' | b'\'' | b'<' | b'>' | b'?' | b'`');
    let authority = part(text, at.end..text.floor_char_boundary(at.end + run(text, at.end, PART_MAX, inside)));
    let (credentials, _) = authority.rsplit_once('@')?;
    let (user, password) = credentials.split_once(':').unwrap_or(("", credentials));
    let alone = user.is_empty() && !credentials.contains(':');
    if password.is_empty()
        || is_placeholder(password)
        || (alone && (password.len() < 20 || password.contains('%') || !is_random(password, false)))
    {
        return None;
    }
    let start = at.end + credentials.len() - password.len();
    Some(Hit { kind: Kind::secret("url-password"), range: start..at.end + credentials.len() })
}

/// A hash of a password as crypt(3) writes it, or a Kerberos ticket that a password can be guessed from.
fn hash(text: &str, at: Range<usize>) -> Option<Hit> {
    let inside = |byte: u8| Signs::Base64.has(byte) || matches!(byte, b'.' | b'$' | b',' | b'*' | b'@' | b':');
    let length = run(text, at.end, PART_MAX, inside);
    let body = part(text, at.end..at.end + length).trim_end_matches(['.', ',', ':']);
    let long = body.split('$').next_back().is_some_and(|last| last.len() >= 22);
    if !long || varied(body) <= 8 {
        return None;
    }
    let end = at.end + body.len();
    let more = if length < PART_MAX { 0 } else { run(text, end, JWT_MAX, inside) };
    Some(Hit { kind: Kind::secret("password-hash"), range: at.start..end + more })
}

/// The password in `-u user:password`.
fn user(text: &str, at: Range<usize>) -> Option<Hit> {
    let start = at.end + run(text, at.end, 2, |byte| matches!(byte, b'"' | b'\''));
    let inside = |byte: u8| !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\'');
    let end = text.floor_char_boundary(start + run(text, start, PART_MAX, inside));
    let (name, password) = part(text, start..end).split_once(':')?;
    let good = !name.is_empty() && !name.contains('/') && password.len() >= 3 && !is_placeholder(password);
    let good =
        good && !password.starts_with('/') && !password.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
    good.then_some(Hit { kind: Kind::secret("password"), range: end - password.len()..end })
}

/// The password in `psexec \\\\host -u user -p password`.
fn psexec(text: &str, at: Range<usize>) -> Option<Hit> {
    let line = run(text, at.end, 200, |byte| byte != b'\n');
    let arguments = part(text, at.end..text.floor_char_boundary(at.end + line));
    let start = at.end + arguments.find(" -p ")? + " -p ".len();
    let end = text.floor_char_boundary(start + run(text, start, 128, |byte| !byte.is_ascii_whitespace()));
    let password = part(text, start..end);
    let good = password.len() > 2 && !is_placeholder(password);
    good.then_some(Hit { kind: Kind::secret("password"), range: start..end })
}

/// Credentials of HTTP's basic scheme: base64 of something with a colon.
fn basic(text: &str, at: Range<usize>) -> Option<Hit> {
    let start = at.end + run(text, at.end, 2, |byte| byte == b' ');
    let end = start + run(text, start, PART_MAX, |byte| Signs::Base64.has(byte));
    let value = part(text, start..end);
    let decoded = STANDARD_NO_PAD.decode(value.trim_end_matches('=')).ok()?;
    let is_pair = start > at.end && decoded.len() >= 3 && decoded.contains(&b':') && decoded.is_ascii();
    is_pair.then_some(Hit { kind: Kind::secret("basic-credentials"), range: start..end })
}

/// The path of a webhook, by which anybody can post.
fn hook(text: &str, at: Range<usize>) -> Option<Hit> {
    let length = run(text, at.end, PART_MAX, |byte| Signs::Dotted.has(byte) || matches!(byte, b'/' | b'@' | b'%'));
    let path = part(text, at.end..at.end + length).trim_end_matches(['.', ':', '!']);
    let range = at.end..at.end + path.len();
    (path.len() >= 8 && is_mixed(path)).then_some(Hit { kind: Kind::secret("webhook"), range })
}

/// A token that is known by its end or its middle.
fn suffix(text: &str, at: Range<usize>, kind: Kind, front: (Signs, usize), rest: (Signs, usize)) -> Option<Hit> {
    let start = at.start.checked_sub(front.1)?;
    let signs = text.get(start..at.start)?;
    let has_digit = signs.len() < 8 || signs.bytes().any(|byte| byte.is_ascii_digit());
    let fits = has_digit && signs.bytes().all(|byte| front.0.has(byte));
    if !fits || before(text, start).is_some_and(|byte| byte.is_ascii_alphanumeric() || front.0.has(byte)) {
        return None;
    }
    let length = run(text, at.end, PART_MAX, |byte| rest.0.has(byte));
    (length >= rest.1).then_some(Hit { kind, range: start..at.end + length })
}
