//! Every refusal: what it says, which kind it is, and which field it names. Each leaves the state as it was.

use jiff::civil::date;
use kernel::area::Refuse as _;

use super::{ONE, Room, SOON, add, complete, drop_one, edit, name, publish};
use crate::{ACTIONS_MAX, ActionKind, Command, EVIDENCE_BYTES_MAX, Refusal, ReviewId, Section, TEXT_BYTES_MAX};

#[test]
fn each_refusal_names_the_rule_and_a_way_out() {
    let titled = |title: &str| {
        let (title, owner) = (title.to_owned(), name("ada"));
        Command::AddAction { review: ONE, title, owner, due: SOON, kind: ActionKind::Process }
    };
    let commands = [
        Command::Publish { review: ReviewId(9) },
        edit(Section::Summary, "x", 7),
        edit(Section::Summary, &"x".repeat(TEXT_BYTES_MAX + 1), 0),
        titled(" "),
        titled(&"x".repeat(301)),
        add("eve", SOON),
        add("ada", date(2026, 1, 1)),
        Command::CompleteAction { review: ONE, action: 9, evidence: "x".into() },
        complete(" "),
        complete(&"x".repeat(EVIDENCE_BYTES_MAX + 1)),
        drop_one(""),
        publish(),
    ];
    let mut room = Room::open();
    room.ask(add("ada", SOON)).unwrap();
    let before = serde_json::to_string(&room.state).unwrap();
    let mut said = Vec::new();
    for command in commands {
        let refusal = room.ask(command.clone()).expect_err(&format!("{command:?} was not refused"));
        said.push(format!("{:?} {}: {refusal}", refusal.kind(), refusal.field().unwrap_or("-")));
    }
    assert_eq!(serde_json::to_string(&room.state).unwrap(), before);
    room.ask(complete("seen")).unwrap();
    let ended = room.ask(drop_one("x")).unwrap_err();
    said.push(format!("{:?} {}: {ended}", ended.kind(), ended.field().unwrap_or("-")));
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn at_most_so_many_actions() {
    let mut room = Room::open();
    for _ in 0..ACTIONS_MAX {
        room.ask(add("ada", SOON)).unwrap();
    }
    assert_eq!(room.ask(add("ada", SOON)), Err(Refusal::Many(ONE)));
}
