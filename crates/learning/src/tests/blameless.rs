//! Names become roles: which ones, where, and what is left alone.

use super::{book, name};
use crate::Names;

fn hidden(text: &str) -> String {
    let people = [(name("bob"), "incident commander".to_owned()), (name("will"), "scribe".to_owned())];
    Names::new(&people, &book()).hide(text)
}

#[test]
fn names_become_roles() {
    let table = [
        ("bob restarted it", "The incident commander restarted it"),
        ("then Bob Stone restarted it", "then the incident commander restarted it"),
        ("then Stone, then BOB.", "then the incident commander, then the incident commander."),
        ("ask @bob", "ask the incident commander"),
        ("person:bob said so", "person:the incident commander said so"),
        ("ada and Ada Vance", "A colleague and a colleague"),
        ("Ada was there", "A colleague was there"),
        ("Vance is a town", "Vance is a town"),
        ("bobsled, kebob, bob_2", "bobsled, kebob, bob_2"),
        ("it will be fine, said Will", "it will be fine, said the scribe"),
        ("@will and Harper", "The scribe and the scribe"),
        ("", ""),
        ("nobody", "nobody"),
        ("  bob  ", "  the incident commander  "),
        ("übob, éada", "übob, éada"),
    ];
    for (text, expected) in table {
        assert_eq!(hidden(text), expected, "{text:?}");
    }
}

#[test]
fn without_anybody_nothing_changes() {
    assert_eq!(Names::default().hide("bob & ada — 100 %"), "bob & ada — 100 %");
}

proptest::proptest! {
    /// Whatever stands around it, a name standing alone is gone.
    #[test]
    fn no_name_is_left(before in "[ .,:;!?(é-]{0,5}", after in "[ .,:;!?)é-]{0,5}", which in 0_usize..4) {
        let name = ["bob", "Bob Stone", "ada", "Ada Vance"][which];
        let text = format!("{before} {name} {after}");
        let hidden = hidden(&text);
        proptest::prop_assert!(!hidden.to_lowercase().contains(&name.to_lowercase()), "{}", hidden);
    }

    /// Text without names is left as it is: no name can be made of these letters, for each has an a, a b or a w.
    #[test]
    fn other_text_is_untouched(text in "[c-t @.,é0-9]{0,80}") {
        proptest::prop_assert_eq!(hidden(&text), text);
    }
}
