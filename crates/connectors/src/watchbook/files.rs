//! The files of a watchbook: which are read, as what, and within which limits. Not what is in them.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use kernel::Digest;
use kernel::book::sigma::Part;

use super::finding::{Note, Spot};
use super::rule::{self, Rule};
use super::shape::Sort;
use super::suggest;

/// The most files.
pub const FILES_MAX: usize = 2_000;
/// The most bytes of one file.
pub const FILE_BYTES_MAX: usize = 1 << 20;
/// The most bytes of all files together.
pub const BOOK_BYTES_MAX: usize = 16 << 20;
/// The file that every watchbook has.
pub const ROOT_FILE: &str = "watchkeeper.yaml";

/// What a file is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// The organisation.
    Root,
    /// A map from names to things of one sort.
    Named(Sort),
    /// The routing tree and the inhibitions.
    Routes,
    /// A list of severity rules.
    Severity,
    /// How logs are watched.
    Logs,
    /// A message template, named by its file.
    Template,
    /// Access policies in Cedar's language.
    Access,
    /// Rules in Prometheus' form, as they are: see [`crate::rules`].
    Prometheus,
    /// Service-level objectives in the form of OpenSLO or sloth: see [`crate::slo`].
    Objectives,
    /// Queries of sloth's plugins, for those objectives.
    Plugins,
    /// How the matches of Sigma rules are handled.
    Handling,
    /// Sigma's rules, filters and pipelines, as they are.
    Sigma(Part),
    /// Scrape jobs in Prometheus' form: see [`crate::scrape`].
    Scrape,
}

/// The folder of Sigma's files, which may hold folders of folders.
pub(super) const SIGMA: &str = "sigma";
/// The most files below it.
pub const SIGMA_FILES_MAX: usize = 10_000;
/// The most bytes of all of them together.
pub const SIGMA_BYTES_MAX: usize = 32 << 20;
/// How deep it may be nested.
pub const SIGMA_DEPTH_MAX: usize = 12;
/// The folders in it, and what each holds.
const SIGMA_PARTS: [(&str, Part); 3] =
    [("rules", Part::Rules), ("filters", Part::Filters), ("pipelines", Part::Pipelines)];

/// The folder of rule files in Prometheus' form.
pub(super) const PROMETHEUS: &str = "prometheus";
/// The folder of service-level objectives.
pub(super) const OBJECTIVES: &str = "slo";
/// The file in it that holds queries of plugins.
const PLUGINS: &str = "plugins.yaml";

/// The file, or folder of files, of scrape jobs.
pub(super) const SCRAPE: &str = "scrape";
/// The folder in which scrape jobs may find files of targets. It is no part of the watchbook.
const TARGETS: &str = "targets";

/// The kinds of which each is one file, `NAME.yaml`, or a folder of such files, `NAME/*.yaml`.
pub(super) const KINDS: [(&str, Place); 17] = [
    ("watchkeeper", Place::Root),
    ("services", Place::Named(Sort::Service)),
    ("teams", Place::Named(Sort::Team)),
    ("people", Place::Named(Sort::Person)),
    ("schedules", Place::Named(Sort::Schedule)),
    ("policies", Place::Named(Sort::Policy)),
    ("routes", Place::Routes),
    ("severity", Place::Severity),
    ("channels", Place::Named(Sort::Channel)),
    ("hooks", Place::Named(Sort::Hook)),
    ("rules", Place::Named(Sort::Rule)),
    ("checks", Place::Named(Sort::Check)),
    (SIGMA, Place::Handling),
    ("logs", Place::Logs),
    ("status", Place::Named(Sort::Component)),
    ("sources", Place::Named(Sort::Source)),
    ("intervals", Place::Named(Sort::Interval)),
];

/// One file.
#[derive(Debug)]
pub(super) struct Source {
    pub path: String,
    pub text: String,
    /// What it is read as; `None` when it only stands here because a note is about it.
    pub place: Option<Place>,
    /// Whether its bytes could be read as text.
    pub whole: bool,
}

/// The files that were found, and what was wrong with finding them.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    pub sources: Vec<Source>,
    pub notes: Vec<Note>,
    bytes: usize,
    sigma: Room,
}

/// What the folder `sigma` has taken.
#[derive(Debug, Default)]
struct Room {
    files: usize,
    bytes: usize,
}

/// What a path within the watchbook is read as.
pub(super) fn place(path: &str) -> Option<Place> {
    let kind = |stem: &str| KINDS.iter().find(|(name, _)| *name == stem).map(|(_, place)| *place);
    match path.split_once('/') {
        None if path == "scrape.yaml" => Some(Place::Scrape),
        None => kind(path.strip_suffix(".yaml")?),
        Some(("templates", file)) => file.ends_with(".txt").then_some(Place::Template),
        Some(("access", file)) => file.ends_with(".cedar").then_some(Place::Access),
        Some((PROMETHEUS, file)) => {
            [".yml", ".yaml", ".rules"].iter().any(|end| file.ends_with(end)).then_some(Place::Prometheus)
        }
        Some((OBJECTIVES, PLUGINS)) => Some(Place::Plugins),
        Some((OBJECTIVES, file)) => {
            [".yml", ".yaml"].iter().any(|end| file.ends_with(end)).then_some(Place::Objectives)
        }
        Some((SIGMA, file)) => sigma_part(file).map(Place::Sigma),
        Some((SCRAPE, file)) => [".yml", ".yaml"].iter().any(|end| file.ends_with(end)).then_some(Place::Scrape),
        Some((folder, file)) => kind(folder).filter(|place| *place != Place::Root && file.ends_with(".yaml")),
    }
}

/// What a path within the folder `sigma` holds.
fn sigma_part(path: &str) -> Option<Part> {
    let (folder, file) = path.split_once('/')?;
    let part = SIGMA_PARTS.iter().find(|(name, _)| *name == folder).map(|(_, part)| *part)?;
    [".yml", ".yaml"].iter().any(|end| file.ends_with(end)).then_some(part)
}

impl Shelf {
    /// Reads a directory. What cannot be read leaves a note.
    pub fn read(directory: &Path) -> Self {
        let mut shelf = Self::default();
        shelf.folder(directory, "");
        shelf.finished()
    }

    fn folder(&mut self, folder: &Path, prefix: &str) {
        let names = match names(folder) {
            Ok(names) => names,
            Err(error) => return self.unreadable(prefix.trim_end_matches('/'), folder, &error),
        };
        for name in names.into_iter().filter(|name| !name.starts_with('.')) {
            if self.sources.len() - self.sigma.files.min(self.sources.len()) >= FILES_MAX {
                let message = format!("there are more than {FILES_MAX} files; this and what follows was not read");
                return self.refuse(&format!("{prefix}{name}"), &rule::TOO_MUCH, message, None);
            }
            let (path, full) = (format!("{prefix}{name}"), folder.join(&name));
            match fs::metadata(&full) {
                Err(error) => self.unreadable(&path, &full, &error),
                Ok(about) if about.is_dir() && prefix.is_empty() => self.kind_folder(&full, &name),
                Ok(about) if about.is_file() => self.file(&path, &full),
                Ok(_) => {}
            }
        }
    }

    /// Reads what is below the folder `sigma`, whatever its folders are called: shared rules come in trees of their own.
    fn tree(&mut self, folder: &Path, prefix: &str, depth: usize) {
        let names = match names(folder) {
            Ok(names) => names,
            Err(error) => return self.unreadable(prefix.trim_end_matches('/'), folder, &error),
        };
        for name in names.into_iter().filter(|name| !name.starts_with('.')) {
            let (path, full) = (format!("{prefix}{name}"), folder.join(&name));
            match fs::metadata(&full) {
                Err(error) => self.unreadable(&path, &full, &error),
                Ok(about) if about.is_dir() && depth < SIGMA_DEPTH_MAX => {
                    self.tree(&full, &format!("{path}/"), depth + 1);
                }
                Ok(about) if about.is_dir() => {
                    let message = format!("folders are nested deeper than {SIGMA_DEPTH_MAX}; this one was not read");
                    self.refuse(&path, &rule::TOO_MUCH, message, None);
                }
                Ok(about) if about.is_file() => self.file(&path, &full),
                Ok(_) => {}
            }
        }
    }

    /// Folders of a kind are read; others are left alone, but YAML in them is suspicious.
    fn kind_folder(&mut self, full: &Path, name: &str) {
        if name == SIGMA {
            return self.tree(full, &format!("{name}/"), 0);
        }
        let known =
            KINDS.iter().map(|(name, _)| *name).skip(1).chain(["templates", "access", PROMETHEUS, OBJECTIVES, SCRAPE]);
        if known.clone().any(|known| known == name) {
            return self.folder(full, &format!("{name}/"));
        }
        if name == TARGETS {
            return;
        }
        let yaml = names(full).unwrap_or_default().into_iter().find(|file| file.ends_with(".yaml"));
        if let Some(yaml) = yaml {
            let hint = suggest::hint(name, known);
            let message = format!("the folder `{name}` is not read");
            self.refuse(&format!("{name}/{yaml}"), &rule::NOT_READ, message, hint);
        }
    }

    fn file(&mut self, path: &str, full: &Path) {
        if place(path).is_none() {
            return self.no_place(path);
        }
        let room = FILE_BYTES_MAX.min(self.room(path));
        let mut bytes = Vec::new();
        let limit = u64::try_from(room).unwrap_or(u64::MAX).saturating_add(1);
        match fs::File::open(full).and_then(|file| file.take(limit).read_to_end(&mut bytes)) {
            Err(error) => self.unreadable(path, full, &error),
            Ok(_) => self.add(path, bytes),
        }
    }

    /// How many bytes a file may have, for what was taken already.
    fn room(&self, path: &str) -> usize {
        if is_sigma(path) {
            SIGMA_BYTES_MAX.saturating_sub(self.sigma.bytes)
        } else {
            BOOK_BYTES_MAX.saturating_sub(self.bytes)
        }
    }

    /// Adds a file that has a place.
    fn add(&mut self, path: &str, bytes: Vec<u8>) {
        if bytes.len() > FILE_BYTES_MAX.min(self.room(path)) {
            let all = if is_sigma(path) { SIGMA_BYTES_MAX } else { BOOK_BYTES_MAX };
            let message = format!("a file has at most {FILE_BYTES_MAX} bytes, and all together at most {all}");
            return self.refuse(path, &rule::TOO_MUCH, message, Some("split it, or remove what is not needed".into()));
        }
        if is_sigma(path) {
            if self.sigma.files >= SIGMA_FILES_MAX {
                let message = format!("there are more than {SIGMA_FILES_MAX} files; this one was not read");
                return self.refuse(path, &rule::TOO_MUCH, message, None);
            }
            self.sigma.files += 1;
            self.sigma.bytes += bytes.len();
        } else {
            self.bytes += bytes.len();
        }
        match String::from_utf8(bytes) {
            Ok(text) => self.sources.push(Source { path: path.to_owned(), text, place: place(path), whole: true }),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let line = 1 + error.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count();
                let message = format!("line {line} is not UTF-8");
                self.refuse(path, &rule::ENCODING, message, Some("save the file as UTF-8".into()));
            }
        }
    }

    /// Adds a file that is not on a disk.
    pub fn offer(&mut self, path: &str, bytes: Vec<u8>) {
        let others = self.sources.len() - self.sigma.files.min(self.sources.len());
        match (place(path), others < FILES_MAX) {
            (None, _) => self.no_place(path),
            (Some(_), true) => self.add(path, bytes),
            (Some(_), false) => {
                let message = format!("there are more than {FILES_MAX} files; this one was not read");
                self.refuse(path, &rule::TOO_MUCH, message, None);
            }
        }
    }

    /// Looks for the file that must be there.
    pub fn finished(mut self) -> Self {
        if !self.sources.iter().any(|source| source.path == ROOT_FILE) {
            let hint = "write one that says `organisation: Example Ltd`, or begin with `watchkeeper init`";
            self.refuse(ROOT_FILE, &rule::MISSING_FILE, "this file is missing".into(), Some(hint.into()));
        }
        self
    }

    /// The digest over the paths and contents of all files that were read, in order of path.
    pub fn digest(&self) -> Digest {
        let mut read: Vec<&Source> = self.sources.iter().filter(|source| source.whole).collect();
        read.sort_by(|a, b| a.path.cmp(&b.path));
        let mut bytes = Vec::with_capacity(self.bytes);
        // Lengths stand before the parts, so that no two different books are the same bytes.
        for part in read.iter().flat_map(|source| [&source.path, &source.text]) {
            bytes.extend(part.len().to_be_bytes());
            bytes.extend(part.as_bytes());
        }
        Digest::of(&[&bytes])
    }

    /// A YAML file without a place is an error, because somebody expects it to be read; other files are left alone.
    fn no_place(&mut self, path: &str) {
        let (stem, kind) = path.rsplit_once('.').unwrap_or((path, ""));
        let of_sigma = path.starts_with(SIGMA) && path.contains('/');
        let message = format!("`{path}` has no place in a watchbook");
        match kind {
            "yml" | "yaml" if of_sigma => {
                let hint = "put it into sigma/rules, sigma/filters or sigma/pipelines";
                self.refuse(path, &rule::NO_PLACE, message, Some(hint.to_owned()));
            }
            "yml" => self.refuse(path, &rule::NO_PLACE, message, Some(format!("rename it to `{stem}.yaml`"))),
            "yaml" | "cedar" => {
                let stem = stem.rsplit('/').next().unwrap_or(stem);
                let hint = suggest::hint(stem, KINDS.iter().map(|(name, _)| *name));
                self.refuse(path, &rule::NO_PLACE, message, hint);
            }
            _ => {}
        }
    }

    fn unreadable(&mut self, path: &str, full: &Path, error: &io::Error) {
        let path = if path.is_empty() { "." } else { path };
        self.refuse(path, &rule::UNREADABLE, format!("{} cannot be read: {error}", full.display()), None);
    }

    /// Notes something about a file as a whole.
    fn refuse(&mut self, path: &str, rule: &'static Rule, message: String, hint: Option<String>) {
        let at = Spot::top(self.sources.len());
        self.notes.push(Note { at, rule, message, hint });
        let place = place(path);
        self.sources.push(Source { path: path.to_owned(), text: String::new(), place, whole: false });
    }
}

/// Whether a file is one of Sigma's, which are counted apart because they are many.
fn is_sigma(path: &str) -> bool {
    matches!(place(path), Some(Place::Sigma(_)))
}

/// The names in a folder, sorted; those that are not UTF-8 are shown with replacement characters and not found again.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(folder)?.take(FILES_MAX + 1);
    let mut names =
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}
