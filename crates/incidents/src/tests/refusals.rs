//! Every refusal: what it says, which kind it is, and which field it names. Each leaves the state as it was.

use kernel::area::Refuse as _;
use kernel::{Impact, IncidentId, Severity};

use super::{ONE, Room, assign, declare, from, hand_over, mitigate, name, note, reopen, resolve};
use crate::{Command, FUNCTIONS_MAX, IncidentRole, NOTE_BYTES_MAX, OPEN_MAX, PAGES_MAX, Refusal};

fn impact(summary: &str, percent: u8, functions: usize) -> Command {
    let functions = vec!["buying".to_owned(); functions];
    let impact = Impact { summary: summary.into(), users_percent: Some(percent), functions };
    Command::StateImpact { incident: ONE, impact }
}

fn titled(text: &str) -> Command {
    let mut command = declare();
    if let Command::Declare { title, .. } = &mut command {
        *title = text.into();
    }
    command
}

#[test]
fn each_refusal_names_the_rule_and_a_way_out() {
    let gone = IncidentId(9);
    let long = "x".repeat(NOTE_BYTES_MAX + 1);
    let leave = |person| Command::Unassign { incident: ONE, role: IncidentRole::Commander, person: name(person) };
    let expert = Command::HandOver {
        incident: ONE,
        role: IncidentRole::SubjectMatterExpert,
        to: name("bob"),
        summary: "s".into(),
    };
    let same = Command::ChangeSeverity { incident: ONE, severity: Severity::P2, why: "still".into() };
    let commands = [
        Command::Note { incident: gone, text: "x".into() },
        note(" "),
        note(&long),
        titled(""),
        titled(&"x".repeat(301)),
        from(None, &["unknown"], Severity::P1),
        assign(IncidentRole::Scribe, "eve"),
        assign(IncidentRole::Commander, "ada"),
        leave("bob"),
        leave("ada"),
        hand_over("ada"),
        expert,
        same,
        impact("", 5, 0),
        impact("some", 101, 0),
        impact("some", 5, FUNCTIONS_MAX + 1),
        Command::Mitigate { incident: ONE, how: String::new() },
        Command::Resolve { incident: ONE, how: String::new() },
        reopen(),
    ];
    let mut room = Room::open();
    room.ask(assign(IncidentRole::Commander, "ada")).unwrap();
    let before = serde_json::to_string(&room.state).unwrap();
    let mut said = Vec::new();
    for command in commands {
        let refusal = room.ask(command.clone()).expect_err(&format!("{command:?} was not refused"));
        said.push(format!("{:?} {}: {refusal}", refusal.kind(), refusal.field().unwrap_or("-")));
    }
    assert_eq!(serde_json::to_string(&room.state).unwrap(), before);
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn at_most_so_many_are_open() {
    let mut room = Room::new();
    for _ in 0..OPEN_MAX {
        room.ask(declare()).unwrap();
    }
    assert_eq!(room.ask(declare()), Err(Refusal::TooManyOpen));
    room.ask(resolve()).unwrap();
    room.ask(declare()).unwrap();
    assert_eq!(room.ask(reopen()), Err(Refusal::TooManyOpen));
}

#[test]
fn an_incident_takes_in_so_many_pages_and_the_next_one_gets_its_own() {
    let mut room = Room::new();
    for page in 0..PAGES_MAX as u64 {
        room.ask_as("system:alerts", from(Some(page), &["checkout"], Severity::P2)).unwrap();
    }
    assert_eq!((room.one().pages.len(), room.state.open_count()), (PAGES_MAX, 1));
    let next = from(Some(PAGES_MAX as u64), &["checkout"], Severity::P2);
    assert_eq!(room.ask_as("system:alerts", next), Ok(vec!["IncidentDeclared"]));
}

#[test]
fn nothing_is_refused_twice_over() {
    // A command that was accepted and asked again says why it has nothing to do.
    let mut room = Room::open();
    room.ask(mitigate()).unwrap();
    assert!(room.ask(mitigate()).unwrap_err().to_string().ends_with("add a note, resolve it, or reopen it"));
    room.ask(resolve()).unwrap();
    assert!(room.ask(resolve()).unwrap_err().to_string().ends_with("add a note, or reopen it"));
}
