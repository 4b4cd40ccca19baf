//! Laws of mining: over any lines.

use proptest::prelude::*;

use super::super::{CATCH_ALL, Limits, Miner, TemplateId};

/// Lines that share words, so that templates are found, lost to others and found again.
fn lines() -> impl Strategy<Value = Vec<String>> {
    let word = prop::sample::select(vec![
        "open", "shut", "user", "ann", "bob", "cy", "12", "x=1", "NEW", "a-b", "c.d", "(", "=", "\"", "",
    ]);
    let line = prop::collection::vec(word, 0..6).prop_map(|words| words.join(" "));
    prop::collection::vec(line, 0..80)
}

fn mined(lines: &[String], limits: Limits) -> (Miner, Vec<TemplateId>) {
    let mut miner = Miner::new(limits);
    let given = lines.iter().map(|line| miner.observe(line).id).collect();
    (miner, given)
}

proptest! {
    #[test]
    fn any_text_has_a_template(line in any::<String>(), more in "[ -~]{0,200}") {
        let mut miner = Miner::new(Limits::default());
        for line in [&line, &more, &line] {
            let id = miner.observe(line).id;
            prop_assert_eq!(miner.current(id), id);
        }
    }

    #[test]
    fn the_same_line_is_in_the_same_template(lines in lines()) {
        let (mut miner, given) = mined(&lines, Limits::default());
        for (line, id) in lines.iter().zip(given) {
            let now = miner.current(id);
            let found = miner.observe(line);
            prop_assert!(!found.is_new);
            prop_assert_eq!(found.id, now);
        }
    }

    #[test]
    fn every_line_is_counted_once(lines in lines(), templates in 0_usize..20) {
        let (miner, _) = mined(&lines, Limits { templates, ..Limits::default() });
        let total: u64 = miner.templates().map(|(_, _, lines)| lines).sum();
        prop_assert_eq!(total + miner.lines(CATCH_ALL), lines.len() as u64);
        prop_assert!(miner.templates().count() <= templates);
    }

    #[test]
    fn a_miner_that_was_saved_goes_on_the_same(lines in lines(), more in lines(), templates in 1_usize..30) {
        let (mut miner, _) = mined(&lines, Limits { templates, ..Limits::default() });
        let text = serde_json::to_string(&miner).unwrap();
        let mut read: Miner = serde_json::from_str(&text).unwrap();
        for line in &more {
            prop_assert_eq!(miner.observe(line), read.observe(line));
        }
        prop_assert_eq!(serde_json::to_string(&miner).unwrap(), serde_json::to_string(&read).unwrap());
    }
}

#[test]
fn what_is_no_miner_is_refused_with_the_reason() {
    let (miner, _) = mined(&["open user ann".to_owned()], Limits::default());
    let good = serde_json::to_string(&miner).unwrap();
    let cases = [
        (r#""templates":[{"words":[]"#, r#""templates":[{"words":[1]"#, "the first must be the catch-all"),
        (
            r#""words":[2,3,4],"lines""#,
            r#""words":[2,3,9],"lines""#,
            "template 1 names the word 9, of which there are 5",
        ),
        (r#""part_of":1"#, r#""part_of":7"#, "template 1 names the template 7, of which there are 2"),
        (r#"["open","user","ann"]"#, r#"["open","user","open"]"#, r#"the word "open" has two numbers"#),
        (r#"[[2,3,4],1]"#, r#"[[2,3,4],5]"#, "names the template 5"),
    ];
    for (part, wrong, reason) in cases {
        assert!(good.contains(part), "{part} in {good}");
        let error = serde_json::from_str::<Miner>(&good.replace(part, wrong)).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}
