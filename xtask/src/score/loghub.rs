//! `score loghub`: the lines of every system in the archives, mined in one pass with one setting, against true templates.
//!
//! A line is right if the lines of its mined template are those of its true one; `grouping_accuracy` is the share of right
//! lines, `fga` the F1 score over templates, both as the mean over the systems. The mined template of a line is the one
//! that its number belongs to after the pass. Systems are the folders of the archive; of each the table
//! `*_structured_corrected.csv` is read, or `*_structured.csv` where there is no corrected one.

use super::cpu::Cpu;
use super::{Scores, archive};
use signals::templates::{Limits, Miner, TemplateId};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::fs;
use std::path::Path;

/// How often the lines are mined to measure the speed.
const ROUNDS: usize = 20;
/// The table that is read where there is one, and the one otherwise.
const TABLES: [&str; 2] = ["_structured_corrected.csv", "_structured.csv"];

/// Lines of one system: the message and its true template.
type Lines = Vec<(String, String)>;

/// Mines every system in `data`.
pub fn run(data: &Path) -> Scores {
    let systems = systems(data)?;
    if systems.is_empty() {
        return Err(format!("{}: no archive holds a table *{}", data.display(), TABLES[1]).into());
    }
    let (mut accuracy, mut fga) = (0.0, 0.0);
    for (name, lines) in &systems {
        let (system_accuracy, system_fga) = grouping(lines);
        eprintln!("score loghub: {name}: grouping_accuracy {system_accuracy:.4}, fga {system_fga:.4}");
        accuracy += system_accuracy;
        fga += system_fga;
    }
    let count = systems.len() as f64;
    Ok(vec![
        ("grouping_accuracy".to_owned(), accuracy / count),
        ("fga".to_owned(), fga / count),
        ("lines_per_cpu_s".to_owned(), speed(&systems)),
        ("systems".to_owned(), count),
    ])
}

/// The lines of every system, by its folder.
fn systems(data: &Path) -> Result<BTreeMap<String, Lines>, Box<dyn Error>> {
    let mut tables: BTreeMap<(String, usize), Vec<u8>> = BTreeMap::new();
    for entry in fs::read_dir(data)? {
        let path = entry?.path();
        if !path.to_string_lossy().ends_with(".tar.xz") {
            continue;
        }
        for (name, bytes) in archive::files(&path)? {
            let folder = Path::new(&name).parent().map(|folder| folder.to_string_lossy().into_owned());
            if let Some(choice) = TABLES.iter().position(|ending| name.ends_with(ending)) {
                tables.insert((folder.unwrap_or_default(), choice), bytes);
            }
        }
    }
    let mut systems = BTreeMap::new();
    // The corrected table comes first, and a system takes the first.
    for ((folder, _), bytes) in tables {
        if let Entry::Vacant(place) = systems.entry(folder) {
            let lines = lines(&String::from_utf8_lossy(&bytes)).map_err(|error| format!("{}: {error}", place.key()))?;
            place.insert(lines);
        }
    }
    Ok(systems)
}

/// Messages and true templates of a table.
fn lines(table: &str) -> Result<Lines, String> {
    let mut rows = rows(table).into_iter();
    let head = rows.next().unwrap_or_default();
    let column = |name: &str| head.iter().position(|cell| cell == name).ok_or_else(|| format!("no column {name}"));
    let (content, template) = (column("Content")?, column("EventTemplate")?);
    let cells = |row: Vec<String>| Some((row.get(content)?.clone(), row.get(template)?.clone()));
    Ok(rows.filter_map(cells).collect())
}

/// The rows of a table as RFC 4180 writes it: a cell in quotes may hold commas, line ends and doubled quotes.
fn rows(table: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut characters = table.trim_start_matches('\u{feff}').chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.next_if_eq(&'"').is_some() => cell.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            '\r' if !quoted => {}
            other => cell.push(other),
        }
    }
    if !cell.is_empty() || !row.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    rows
}

/// Grouping accuracy and FGA of one system.
fn grouping(lines: &Lines) -> (f64, f64) {
    let mut miner = Miner::new(Limits::default());
    let given: Vec<TemplateId> = lines.iter().map(|(line, _)| miner.observe(line).id).collect();
    let mut mined: BTreeMap<TemplateId, Vec<usize>> = BTreeMap::new();
    let mut truth: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, (id, (_, template))) in given.iter().zip(lines).enumerate() {
        mined.entry(miner.current(*id)).or_default().push(at);
        truth.entry(template).or_default().push(at);
    }
    let true_groups: HashMap<&Vec<usize>, ()> = truth.values().map(|group| (group, ())).collect();
    let right = || mined.values().filter(|group| true_groups.contains_key(group));
    let right_lines: usize = right().map(Vec::len).sum();
    let right_groups = right().count() as f64;
    // The harmonic mean of right / mined and right / true groups.
    let fga = 2.0 * right_groups / (mined.len() + truth.len()).max(1) as f64;
    (right_lines as f64 / lines.len().max(1) as f64, fga)
}

/// Lines that are mined in a second of computing, over all systems.
fn speed(systems: &BTreeMap<String, Lines>) -> f64 {
    let cpu = Cpu::start();
    let mut lines_mined = 0_usize;
    for _ in 0..ROUNDS {
        for lines in systems.values() {
            let mut miner = Miner::new(Limits::default());
            lines_mined += lines.iter().filter(|(line, _)| miner.observe(line).id.0 > 0).count();
        }
    }
    lines_mined as f64 / cpu.seconds()
}

#[cfg(test)]
mod tests {
    use super::{grouping, lines, rows};

    #[test]
    fn a_table_is_read_with_its_quotes() {
        let table = "Content,EventTemplate\r\n\"a, \"\"b\"\"\nc\",x\r\nlast,y";
        assert_eq!(rows(table).get(1).map(|row| row.join("|")).as_deref(), Some("a, \"b\"\nc|x"));
        assert_eq!(lines(table).map(|lines| lines.len()), Ok(2));
        assert_eq!(lines("Content\nx"), Err("no column EventTemplate".to_owned()));
    }

    #[test]
    fn a_line_is_right_when_its_group_is() {
        let line = |text: &str, template: &str| (text.to_owned(), template.to_owned());
        let right = vec![line("took 1 ms", "A"), line("took 2 ms", "A"), line("it began", "B")];
        assert_eq!(grouping(&right), (1.0, 1.0));
        let half = vec![line("took 1 ms", "A"), line("took 2 ms", "C"), line("it began", "B")];
        assert_eq!(grouping(&half), (1.0 / 3.0, 2.0 / 5.0));
    }
}
