//! The floors of the house: who may lean on whom. The table here is the one place where a crate is given its floor.

use super::{Checked, Finding};
use serde_json::Value;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The most crates that the house may have, this tool included.
const MOST_CRATES: usize = 18;
/// The most floors that the house may have.
const MOST_FLOORS: usize = 5;
/// Stands beside the house: may lean on anything; nothing that ships may lean on it.
const BESIDE: usize = usize::MAX;

/// Every crate and its floor, from the ground up.
const FLOORS: [(&str, usize); 18] = [
    ("kernel", 0),
    ("promql", 0),
    ("signals", 1),
    ("alerts", 1),
    ("incidents", 1),
    ("comms", 1),
    ("diagnosis", 1),
    ("remedy", 1),
    ("learning", 1),
    ("governance", 1),
    ("store", 1),
    ("telemetry", 1),
    ("connectors", 1),
    ("engine", 2),
    ("web", 3),
    ("watchkeeper", 4),
    ("testkit", BESIDE),
    ("xtask", BESIDE),
];

/// Crates without clock, chance, async or I/O.
pub const PURE: [&str; 10] =
    ["kernel", "promql", "signals", "alerts", "incidents", "comms", "diagnosis", "remedy", "learning", "governance"];

/// The pure crate that declares the ports which the world fills; a port may be awaited, so its signature may say `async`.
pub const PORTS: &str = "kernel";

/// Dependencies that would bring the world into a pure crate.
const WORLDLY: [&str; 17] = [
    "async-trait",
    "axum",
    "futures",
    "getrandom",
    "hyper",
    "lettre",
    "libsqlite3-sys",
    "mio",
    "rand",
    "reqwest",
    "rustls",
    "sqlx",
    "tokio",
    "tokio-stream",
    "tonic",
    "tracing",
    "ureq",
];

/// A crate of the workspace and what it leans on.
#[derive(Debug)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its manifest, relative to the workspace.
    pub manifest: PathBuf,
    /// What it depends on.
    pub dependencies: Vec<Dependency>,
}

/// One line of a manifest's dependency tables.
#[derive(Debug)]
pub struct Dependency {
    /// The package's name.
    pub name: String,
    /// Whether only tests use it.
    pub dev: bool,
}

/// The workspace's crates, as cargo sees them.
pub fn members(root: &Path) -> Result<Vec<Member>, Box<dyn Error>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root)
        .output()?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata: no packages")?;
    Ok(packages.iter().map(|package| member(root, package)).collect())
}

fn member(root: &Path, package: &Value) -> Member {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let manifest = PathBuf::from(text(&package["manifest_path"]));
    let dependency = |line: &Value| Dependency { name: text(&line["name"]), dev: line["kind"] == "dev" };
    Member {
        name: text(&package["name"]),
        manifest: manifest.strip_prefix(root).unwrap_or(&manifest).to_path_buf(),
        dependencies: package["dependencies"].as_array().into_iter().flatten().map(dependency).collect(),
    }
}

/// Checks the number of crates, the floors, and every edge.
pub fn check(members: &[Member]) -> Checked {
    let mut findings = Vec::new();
    if members.len() > MOST_CRATES {
        let way_out = format!("{} crates, limit {MOST_CRATES}: make one of them a module", members.len());
        findings.push(Finding::new(Path::new("Cargo.toml"), 1, "crate-count", way_out));
    }
    for member in members {
        match floor_of(&member.name) {
            Some(floor) => findings.extend(edges(member, floor)),
            None => {
                let way_out = format!("`{}` has no floor: give it one in xtask/src/tidy/floors.rs", member.name);
                findings.push(Finding::new(&member.manifest, 1, "floor", way_out));
            }
        }
    }
    let mut floors: Vec<usize> = members.iter().filter_map(|member| floor_of(&member.name)).collect();
    floors.retain(|floor| *floor != BESIDE);
    floors.sort_unstable();
    floors.dedup();
    if floors.len() > MOST_FLOORS {
        let way_out = format!("{} floors, limit {MOST_FLOORS}: bring a crate down", floors.len());
        findings.push(Finding::new(Path::new("Cargo.toml"), 1, "floor-count", way_out));
    }
    (findings, Some(format!("{} crates on {} floors", members.len(), floors.len())))
}

fn edges(member: &Member, floor: usize) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut complain = |rule, way_out: String| findings.push(Finding::new(&member.manifest, 1, rule, way_out));
    for Dependency { name, dev } in &member.dependencies {
        let port = member.name == PORTS && name == "async-trait";
        if !dev && !port && PURE.contains(&member.name.as_str()) && WORLDLY.contains(&name.as_str()) {
            complain("pure-room", format!("depends on `{name}`: a pure crate knows no world; move the work to a door"));
        }
        match floor_of(name) {
            None => {}
            Some(BESIDE) if *dev || floor == BESIDE => {}
            Some(BESIDE) => complain("floor", format!("ships `{name}`: make it a dev-dependency")),
            Some(below) if below < floor => {}
            Some(below) if below == floor && *name != member.name => complain(
                "room-to-room",
                format!("depends on `{name}` of the same floor: let engine's react.rs carry it across"),
            ),
            Some(_) if *dev => {}
            Some(_) => complain("floor", format!("depends on `{name}`, which is not below it: arrows go only down")),
        }
    }
    findings
}

fn floor_of(name: &str) -> Option<usize> {
    FLOORS.iter().find(|(crate_name, _)| *crate_name == name).map(|(_, floor)| *floor)
}
