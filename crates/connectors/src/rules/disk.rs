//! Rule files and unit tests on a disk. Patterns in `rule_files` are those of Go's `filepath.Glob`.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

use kernel::book::unit::TestFile;

use super::unit::{RuleFiles, check_test};
use super::{Checked, FILE_BYTES_MAX, check, demand};
use crate::watchbook::Findings;
use crate::watchbook::finding::{Note, Spot};

/// The most files that the patterns of one test may name.
const FILES_MAX: usize = 10_000;
/// The most entries of a folder that are looked at.
const ENTRIES_MAX: usize = 100_000;

/// A file of unit tests and the rules it tests.
#[derive(Debug)]
pub struct LoadedTest {
    /// The tests.
    pub tests: TestFile,
    /// The rule files in the order of the patterns, or what is wrong with them: then no test of the file can pass.
    pub rules: Result<RuleFiles, Findings>,
    /// Patterns that name no file.
    pub empty_patterns: Vec<String>,
}

/// Reads a rule file. Blocks on the file system.
#[must_use]
pub fn load(path: &Path) -> Checked {
    let name = path.display().to_string();
    match read(path) {
        Ok(bytes) => check(&name, &bytes),
        Err(error) => Checked::unreadable(&name, unreadable(&name, &error)),
    }
}

/// Reads a file of unit tests and the rule files it names. Blocks on the file system.
///
/// # Errors
/// With everything that is wrong with the tests themselves.
pub fn load_test(path: &Path) -> Result<LoadedTest, Findings> {
    let name = path.display().to_string();
    let bytes = read(path).map_err(|error| unreadable(&name, &error))?;
    let tests = check_test(&name, &bytes)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let (mut files, mut empty_patterns) = (Vec::new(), Vec::new());
    for pattern in &tests.rule_files {
        let found = glob(&folder.join(pattern));
        if found.is_empty() {
            empty_patterns.push(pattern.clone());
        }
        files.extend(found);
    }
    files.truncate(FILES_MAX);
    let rules = files.iter().map(|path| load(path).whole()).collect();
    Ok(LoadedTest { tests, rules, empty_patterns })
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let limit = u64::try_from(FILE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(name: &str, error: &io::Error) -> Findings {
    let message = format!("this file cannot be read: {error}");
    let note = Note { at: Spot::top(0), rule: &demand::READABLE, message, hint: None };
    Findings::resolve(vec![note], &[(name, "")])
}

/// The files that a pattern names, in order of path. `.` and `..` are resolved first, so that a file has one path.
pub(crate) fn glob(pattern: &Path) -> Vec<PathBuf> {
    let mut parts: Vec<Component<'_>> = Vec::new();
    for part in pattern.components() {
        match (part, parts.last()) {
            (Component::CurDir, _) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    let mut found = vec![PathBuf::new()];
    for part in parts {
        let part = part.as_os_str().to_string_lossy();
        found = found.iter().flat_map(|folder| step(folder, &part)).take(FILES_MAX).collect();
    }
    found
}

/// What one part of a pattern names within a folder.
fn step(folder: &Path, part: &str) -> Vec<PathBuf> {
    if !part.contains(['*', '?', '[', '\\']) {
        let path = folder.join(part);
        return if path.exists() { vec![path] } else { Vec::new() };
    }
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(entries) = fs::read_dir(here) else { return Vec::new() };
    let names = entries.take(ENTRIES_MAX).flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| matches(part, name)).collect();
    names.sort();
    names.iter().map(|name| folder.join(name)).collect()
}

/// Whether a name fits a pattern of `*`, `?`, `[a-z]`, `[^a]` and `\` before a character. In time of the product of the
/// lengths: of several stars only the last is tried again.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut read, mut retry) = (0, 0, None);
    while read < name.len() {
        if pattern.get(at) == Some(&'*') {
            retry = Some((at, read));
            at += 1;
        } else if let Some(next) = one(&pattern, at, name[read]) {
            (at, read) = (next, read + 1);
        } else if let Some((star, taken)) = retry {
            retry = Some((star, taken + 1));
            (at, read) = (star + 1, taken + 1);
        } else {
            return false;
        }
    }
    pattern.iter().skip(at).all(|c| *c == '*')
}

/// Where a pattern goes on after one character that fits.
fn one(pattern: &[char], at: usize, c: char) -> Option<usize> {
    match pattern.get(at)? {
        '?' => Some(at + 1),
        '\\' => (pattern.get(at + 1) == Some(&c)).then_some(at + 2),
        '[' => class(pattern, at + 1, c),
        literal => (*literal == c).then_some(at + 1),
    }
}

fn class(pattern: &[char], start: usize, c: char) -> Option<usize> {
    let negated = pattern.get(start) == Some(&'^');
    let (mut at, mut within) = (start + usize::from(negated), false);
    loop {
        let low = match pattern.get(at)? {
            ']' => break,
            '\\' => {
                at += 1;
                *pattern.get(at)?
            }
            c => *c,
        };
        let ranged = pattern.get(at + 1) == Some(&'-') && pattern.get(at + 2).is_some_and(|c| *c != ']');
        let high = if ranged { *pattern.get(at + 2)? } else { low };
        within |= (low..=high).contains(&c);
        at += if ranged { 3 } else { 1 };
    }
    (within != negated).then_some(at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_as_gos_do() {
        let table = [
            ("*.yml", "a.yml", true),
            ("*.yml", ".yml", true),
            ("*.yml", "a.yaml", false),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            ("?.yml", "ab.yml", false),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("[^a-c]x", "dx", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("[a", "a", false),
        ];
        for (pattern, name, fits) in table {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_pattern_panics(pattern in "[a*?\\[\\]\\\\^-]{0,12}", name in "[ab*-]{0,12}") {
            let _ = matches(&pattern, &name);
        }
    }
}
