//! Reads how a job logs in and whom it trusts. Secrets stand in files and never in the watchbook.

use kernel::book::scrape::{Login, Tls};

use super::demand;
use crate::rules::field::{Entries, flag_of, given, refuse, text_of};
use crate::watchbook::shape::Reader;
use crate::watchbook::yaml::Node;

const BASIC_KEYS: [&str; 3] = ["username", "password", "password_file"];
const HEADER_KEYS: [&str; 3] = ["type", "credentials", "credentials_file"];
const TLS_KEYS: [&str; 8] =
    ["ca", "ca_file", "cert", "cert_file", "key", "key_file", "server_name", "insecure_skip_verify"];

/// `basic_auth` or `authorization`.
pub(super) fn login(node: &Node, entries: &Entries, reader: &mut Reader<'_>) -> Option<Login> {
    let basic = given(entries, "basic_auth").and_then(|node| basic(node, reader));
    let header = given(entries, "authorization").and_then(|node| header(node, reader));
    if basic.is_some() && header.is_some() {
        let message = "this job has both `basic_auth` and `authorization`".to_owned();
        refuse(node.at, &demand::LOGIN, message, "keep one of them", reader);
    }
    basic.or(header)
}

fn basic(node: &Node, reader: &mut Reader<'_>) -> Option<Login> {
    let entries = reader.keys(node, &BASIC_KEYS)?;
    refuse_written(entries, "password", "password_file", reader);
    let user = text_of(entries, "username", reader);
    if user.is_empty() {
        refuse(node.at, &demand::LOGIN, "`basic_auth` has no `username`".to_owned(), "add it", reader);
    }
    Some(Login::Basic { user, password_file: file(entries, "password_file", reader) })
}

fn header(node: &Node, reader: &mut Reader<'_>) -> Option<Login> {
    let entries = reader.keys(node, &HEADER_KEYS)?;
    refuse_written(entries, "credentials", "credentials_file", reader);
    let kind = text_of(entries, "type", reader);
    if kind.eq_ignore_ascii_case("basic") {
        let message = "`authorization` is not for the type Basic".to_owned();
        refuse(node.at, &demand::LOGIN, message, "use `basic_auth`", reader);
    }
    let Some(file) = file(entries, "credentials_file", reader) else {
        let message = "`authorization` has no `credentials_file`".to_owned();
        refuse(node.at, &demand::LOGIN, message, "add `credentials_file: PATH`", reader);
        return None;
    };
    Some(Login::Header { kind: if kind.is_empty() { "Bearer".to_owned() } else { kind }, file })
}

/// `tls_config`
pub(super) fn tls(entries: &Entries, reader: &mut Reader<'_>) -> Tls {
    let Some(node) = given(entries, "tls_config") else { return Tls::default() };
    let entries = reader.keys(node, &TLS_KEYS).unwrap_or_default();
    for key in ["ca", "cert", "key"] {
        refuse_written(entries, key, &format!("{key}_file"), reader);
    }
    if let Some(node) = given(entries, "server_name") {
        let hint = "write the name that the certificate has as the target's address";
        refuse(node.at, &demand::NOT_DONE, "Watchkeeper has no `server_name`".to_owned(), hint, reader);
    }
    let identity = match (file(entries, "cert_file", reader), file(entries, "key_file", reader)) {
        (Some(cert), Some(key)) => Some((cert, key)),
        (None, None) => None,
        _ => {
            let message = "`cert_file` and `key_file` belong together".to_owned();
            refuse(node.at, &demand::LOGIN, message, "give both, or none", reader);
            None
        }
    };
    let skip_verify = flag_of(entries, "insecure_skip_verify", reader);
    Tls { ca_file: file(entries, "ca_file", reader), identity, skip_verify }
}

fn file(entries: &Entries, key: &str, reader: &mut Reader<'_>) -> Option<String> {
    Some(text_of(entries, key, reader)).filter(|path| !path.is_empty())
}

/// Refuses a secret, or a certificate, that stands in the watchbook itself.
fn refuse_written(entries: &Entries, key: &str, instead: &str, reader: &mut Reader<'_>) {
    if let Some(node) = given(entries, key) {
        let message = format!("`{key}` is written into the watchbook");
        let hint = format!("put it into a file and name that by `{instead}`; a secret that stood here is spent");
        refuse(node.at, &demand::SECRET, message, &hint, reader);
    }
}
