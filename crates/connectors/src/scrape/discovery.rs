//! Files that name targets, in JSON or YAML: read again on their beat. A file that cannot be read any more leaves what it said
//! before.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use kernel::book::scrape::{ScrapeJob, TargetGroup};

use super::config::target_group;
use crate::rules::disk::glob;
use crate::rules::with_tree;
use crate::watchbook::shape::Reader;
use crate::watchbook::yaml::{Node, Value};

/// The largest file of targets, in bytes.
pub const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// The most files of one job.
const FILES_MAX: usize = 1_000;
/// The label that says from which file a target is.
const FILE_LABEL: &str = "__meta_filepath";

/// The files of one job, as they were last read.
#[derive(Debug, Default)]
pub struct Discovery {
    files: BTreeMap<PathBuf, Vec<TargetGroup>>,
}

impl Discovery {
    /// Reads the files of a job again, and says what is wrong with which. Paths begin at `home`. Blocks on the file system.
    pub fn refresh(&mut self, job: &ScrapeJob, home: &Path) -> Vec<String> {
        let patterns = job.files.iter().flat_map(|files| &files.patterns);
        let mut found: Vec<PathBuf> = patterns.flat_map(|pattern| glob(&home.join(pattern))).take(FILES_MAX).collect();
        found.sort();
        found.dedup();
        self.files.retain(|path, _| found.contains(path));
        let mut wrong = Vec::new();
        for path in found {
            match read(&path) {
                Ok(groups) => drop(self.files.insert(path, groups)),
                Err(why) => wrong.push(why),
            }
        }
        wrong
    }

    /// The groups of a job: those it names itself, and those of its files.
    #[must_use]
    pub fn groups(&self, job: &ScrapeJob) -> Vec<TargetGroup> {
        job.targets.iter().chain(self.files.values().flatten()).cloned().collect()
    }
}

fn read(path: &Path) -> Result<Vec<TargetGroup>, String> {
    let name = path.display().to_string();
    let mut bytes = Vec::new();
    let file = regular(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes));
    file.map_err(|error| format!("{name} cannot be read: {error}"))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > FILE_BYTES_MAX {
        return Err(format!("{name} has more than {FILE_BYTES_MAX} bytes"));
    }
    let (groups, findings) = with_tree(&name, &bytes, |root, reader| groups(root, &name, reader));
    let first = findings.iter().next().map(|finding| format!("{name}:{}: {}", finding.line, finding.message));
    match (groups, first) {
        (Some(groups), None) => Ok(groups),
        (_, why) => Err(why.unwrap_or(name)),
    }
}

/// Opens a file, or what a link leads to. Only a regular one: to open a pipe may last for ever.
pub(super) fn regular(path: &Path) -> io::Result<fs::File> {
    if fs::metadata(path)?.is_file() { fs::File::open(path) } else { Err(io::Error::other("it is not a regular file")) }
}

fn groups(root: &Node, path: &str, reader: &mut Reader<'_>) -> Vec<TargetGroup> {
    // An empty file is an empty map, and names no targets.
    if matches!(&root.value, Value::Map(entries) if entries.is_empty()) {
        return Vec::new();
    }
    let nodes = reader.list(root).unwrap_or_default();
    let mut all = Vec::new();
    for node in nodes {
        let Some(entries) = reader.keys(node, &["targets", "labels"]) else { continue };
        let mut group = target_group(entries, reader);
        group.labels.insert(FILE_LABEL.to_owned(), path.to_owned());
        all.push(group);
    }
    all
}
