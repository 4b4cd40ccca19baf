//! Who may do what, by the built-in policies and by a watchbook's.

use governance::{Decision, Permit, PermitError};
use kernel::area::Resource;
use kernel::{Actor, Book, Sensitivity};
use proptest::prelude::*;

use crate::world::{book, person};

fn of(kind: &'static str, sensitivity: Sensitivity) -> Resource {
    Resource { kind, id: "1".into(), sensitivity }
}

fn decide(permit: &Permit, actor: &Actor, action: &str, sensitivity: Sensitivity) -> Decision {
    let kind = if action.starts_with("journal") { "journal" } else { "incident" };
    permit.decide(actor, &[], action, &of(kind, sensitivity))
}

fn with(access: &str) -> Book {
    Book { access: access.to_owned(), ..book() }
}

fn policy(decision: &Decision) -> &str {
    match decision {
        Decision::Allowed { policy } => policy,
        Decision::Denied { .. } => "denied",
    }
}

#[test]
fn go_1_each_role_does_its_own_and_no_more() {
    use Sensitivity::{Confidential, Internal, Public, Restricted};
    let permit = Permit::new(&book()).unwrap();
    // The action, its sensitivity, and who may: viewer, responder, commander, communications, auditor, administrator, guest.
    let table = [
        ("incidents:read", Internal, "vrcoda-"),
        ("incidents:read", Confidential, "-rc-da-"),
        ("incidents:read", Restricted, "--c-da-"),
        ("journal:read", Internal, "-rc-da-"),
        ("status:read", Public, "vrcodag"),
        ("me:read", Internal, "vrcodag"),
        ("alerts:acknowledge", Internal, "-rc--a-"),
        ("signals:dismiss", Internal, "-rc--a-"),
        ("signals:judge", Internal, "-rc--a-"),
        ("incidents:declare", Internal, "-rc--a-"),
        ("incidents:declare", Restricted, "--c--a-"),
        ("learning:publish", Internal, "-rc--a-"),
        ("comms:draft", Internal, "-rco-a-"),
        ("comms:publish", Internal, "--co-a-"),
        ("governance:password", Confidential, "vrcodag"),
        ("governance:session", Confidential, "vrcodag"),
        ("governance:issue-token", Internal, "-----a-"),
        ("governance:end-sessions", Confidential, "-----a-"),
        ("watchbook:apply", Internal, "-----a-"),
        ("journal:checkpoint", Internal, "-----a-"),
        ("telemetry:write", Internal, "-------"),
        ("nonsense", Public, "-------"),
        ("", Public, "-------"),
    ];
    let people = ["viewer", "responder", "commander", "communications", "auditor", "administrator", "guest"];
    for (action, sensitivity, who) in table {
        for (name, may) in people.iter().zip(who.chars()) {
            let decision = decide(&permit, &person(name), action, sensitivity);
            assert_eq!(
                matches!(decision, Decision::Allowed { .. }),
                may != '-',
                "{name} {action} {sensitivity:?}: {decision:?}"
            );
        }
    }
    let stranger = person("not-in-the-book");
    assert!(matches!(decide(&permit, &stranger, "incidents:read", Internal), Decision::Denied { .. }));
}

#[test]
fn go_1_what_a_policy_forbids_is_denied_whatever_permits_it() {
    let permit = Permit::new(&with(
        r#"@id("freeze") forbid (principal, action == Action::"incidents:declare", resource) unless { principal is System };"#,
    ))
    .unwrap();
    let denied = decide(&permit, &person("administrator"), "incidents:declare", Sensitivity::Internal);
    assert_eq!(denied, Decision::Denied { reason: "the policy freeze forbids it to person:administrator".into() });
    let system = decide(&permit, &Actor::system("alerts"), "incidents:declare", Sensitivity::Internal);
    assert_eq!(policy(&system), "system-reacts");
}

#[test]
fn go_2_a_decision_names_its_policy_or_what_would_be_needed() {
    let permit = Permit::new(&book()).unwrap();
    let internal = Sensitivity::Internal;
    assert_eq!(policy(&decide(&permit, &person("responder"), "alerts:acknowledge", internal)), "responders-work");
    assert_eq!(policy(&decide(&permit, &Actor::Anonymous, "status:read", internal)), "anybody-reads-the-status-page");
    let reason = |actor: &Actor, action: &str| match decide(&permit, actor, action, internal) {
        Decision::Denied { reason } => reason,
        Decision::Allowed { policy } => panic!("{policy} allows it"),
    };
    assert_eq!(
        reason(&person("viewer"), "alerts:acknowledge"),
        "no policy allows alerts:acknowledge to viewer, who has viewer: ask an administrator"
    );
    assert!(reason(&person("guest"), "alerts:read").contains("who has no role"));
    assert_eq!(reason(&Actor::Anonymous, "alerts:read"), "alerts:read is not for everybody: log in first");
}

#[test]
fn go_3_a_program_does_what_its_scopes_say() {
    let permit = Permit::new(&book()).unwrap();
    let scraper = Actor::Integration("scraper".into());
    let ask = |scopes: &[&str], action: &str, sensitivity| {
        let scopes: Vec<Box<str>> = scopes.iter().map(|scope| (*scope).into()).collect();
        permit.decide(&scraper, &scopes, action, &of("alert", sensitivity))
    };
    let internal = Sensitivity::Internal;
    assert_eq!(policy(&ask(&["alerts:write"], "alerts:observe", internal)), "programs-do-what-their-scopes-say");
    assert_eq!(policy(&ask(&["alerts:observe"], "alerts:observe", internal)), "programs-do-what-their-scopes-say");
    assert_eq!(policy(&ask(&["alerts:read"], "alerts:read", internal)), "programs-do-what-their-scopes-say");
    assert_eq!(policy(&ask(&["alerts:read"], "alerts:observe", internal)), "denied");
    assert_eq!(policy(&ask(&["alerts:observe"], "alerts:resolve", internal)), "denied");
    assert_eq!(policy(&ask(&["alerts:write"], "alerts:read", internal)), "denied");
    assert_eq!(policy(&ask(&["alerts:write"], "alerts:observe", Sensitivity::Restricted)), "denied");
    assert_eq!(
        ask(&["alerts:read", "comms:read"], "alerts:observe", internal),
        Decision::Denied {
            reason: "the token scraper has the scopes [alerts:read, comms:read]: alerts:write is needed".into()
        }
    );
}

#[test]
fn a_policy_about_one_thing_does_not_leak_to_another() {
    let permit = Permit::new(&with(
        r#"@id("guest-sees-one") permit (principal == Person::"guest", action in Action::"read", resource == Resource::"incident/INC-7");"#,
    ))
    .unwrap();
    let read = |id: &str| {
        let resource = Resource { kind: "incident", id: id.into(), sensitivity: Sensitivity::Confidential };
        permit.decide(&person("guest"), &[], "incidents:read", &resource)
    };
    for _ in 0..2 {
        assert_eq!(policy(&read("INC-7")), "guest-sees-one");
        assert_eq!(policy(&read("INC-8")), "denied");
        assert_eq!(policy(&read("")), "denied");
    }
}

#[test]
fn policies_that_cannot_be_meant_are_refused_with_their_place() {
    let wrong = |access: &str| Permit::new(&with(access)).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(matches!(
        Permit::new(&with("permit (principal, action, resource);\n  permit (principal action, resource);")).err(),
        Some(PermitError::Syntax { line: 2, column: 21, .. })
    ));
    let cases = [
        (r#"@id("a") permit (principal in Role::"wiever", action, resource);"#, "access policy a: "),
        (r#"@id("a") permit (principal == Person::"nobody", action, resource);"#, "there is no person \"nobody\""),
        (
            r#"@id("a") permit (principal, action == Action::"alarms:read", resource);"#,
            "there is no action \"alarms:read\"",
        ),
        (r#"@id("a") permit (principal, action == Action::"alerts:", resource);"#, "there is no action \"alerts:\""),
        (r#"@id("a") permit (principal, action, resource) when { resource.severity == 1 };"#, "access policy a: "),
        (
            r#"@id("a") permit (principal, action, resource) when { principal.scopes.contains("x") };"#,
            "access policy a: ",
        ),
        (r#"@id("a") permit (principal == ?principal, action, resource);"#, "it has a slot"),
        (r#"@id("system-reacts") permit (principal, action, resource);"#, "another policy has the same @id"),
        (r#"permit (principal is Robot, action, resource);"#, "Robot"),
    ];
    for (access, expected) in cases {
        let message = wrong(access);
        assert!(message.contains(expected), "{access}\n  {message}");
    }
    let many = "permit (principal, action, resource);\n".repeat(governance::POLICIES_MAX + 1);
    assert!(wrong(&many).contains("at most"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_remembered_decision_is_the_one_that_would_be_made(asks in proptest::collection::vec((0_usize..9, 0_usize..6, 0_usize..4, 0_usize..3), 1..30)) {
        let remembering = Permit::new(&book()).unwrap();
        let actors = ["viewer", "responder", "commander", "communications", "auditor", "administrator", "guest"];
        let mut actors: Vec<Actor> = actors.iter().map(|name| person(name)).collect();
        actors.extend([Actor::Integration("scraper".into()), Actor::Anonymous]);
        let actions = ["alerts:read", "alerts:observe", "comms:publish", "journal:read", "governance:invite", "status:read"];
        let scopes: [&[Box<str>]; 3] = [&[], &["alerts:read".into()], &["alerts:write".into(), "comms:publish".into()]];
        for (actor, action, label, scope) in asks {
            let resource = of("alert", Sensitivity::ALL[label]);
            let fresh = Permit::new(&book()).unwrap().decide(&actors[actor], scopes[scope], actions[action], &resource);
            for _ in 0..2 {
                prop_assert_eq!(&remembering.decide(&actors[actor], scopes[scope], actions[action], &resource), &fresh);
            }
        }
    }
}
