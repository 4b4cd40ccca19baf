//! Alerting rules that another program has made of objectives, so that ours can be compared with them: Prometheus' rule
//! files and the Kubernetes resource `PrometheusRule`.

use std::collections::BTreeMap;

use super::field::{given, list_of, text_of, texts_of};
use super::{documents, shifted, text};
use crate::watchbook::Findings;
use crate::watchbook::shape::{Names, Reader};
use crate::watchbook::yaml::{self, Dialect, Node};

/// An alerting rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The alert's name.
    pub alert: String,
    /// The query.
    pub expr: String,
    /// The labels it adds.
    pub labels: BTreeMap<String, String>,
}

/// The alerting rules of a file, in order.
///
/// # Errors
/// With what is wrong, when it cannot be read.
pub fn written_alerts(path: &str, bytes: &[u8]) -> Result<Vec<Written>, Findings> {
    let (mut notes, mut alerts) = (Vec::new(), Vec::new());
    let text = text(bytes, &mut notes).unwrap_or_default();
    for document in documents(text, &mut notes) {
        let mut own = Vec::new();
        if let Some(root) = yaml::read(0, document.text, Dialect::Full, &mut own) {
            let names = Names::default();
            let mut reader = Reader { names: &names, notes: &mut own, channels: BTreeMap::new() };
            alerts.extend(of_document(&root, &mut reader));
        }
        notes.extend(own.into_iter().map(|note| shifted(note, document.before)));
    }
    if notes.is_empty() { Ok(alerts) } else { Err(Findings::resolve(notes, &[(path, text)])) }
}

fn of_document(root: &Node, reader: &mut Reader<'_>) -> Vec<Written> {
    let entries = reader.map(root).unwrap_or_default();
    let spec = given(entries, "spec").and_then(|node| reader.map(node)).unwrap_or(entries);
    let mut alerts = Vec::new();
    for group in list_of(spec, "groups", reader) {
        let group = reader.map(group).unwrap_or_default();
        for rule in list_of(group, "rules", reader) {
            let rule = reader.map(rule).unwrap_or_default();
            let Some(alert) = text_of(rule, "alert", reader) else { continue };
            let expr = text_of(rule, "expr", reader).unwrap_or_default();
            alerts.push(Written { alert, expr, labels: texts_of(rule, "labels", reader) });
        }
    }
    alerts
}
