//! What mining promises, on lines written for it.

mod detectors;
mod laws;

use super::{CATCH_ALL, LINE_WORDS_MAX, Limits, Miner, Over, TemplateId};

/// The template that a line has when it comes alone.
fn alone(line: &str) -> String {
    Miner::new(Limits::default()).observe(line).template.to_owned()
}

/// Mines lines and says which group each is in at the end, groups numbered in order of their first line.
fn groups<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<usize> {
    let mut miner = Miner::new(Limits::default());
    let given: Vec<TemplateId> = lines.into_iter().map(|line| miner.observe(line).id).collect();
    let mut seen = Vec::new();
    let group = |id| {
        let id = miner.current(id);
        seen.iter().position(|known| *known == id).unwrap_or_else(|| {
            seen.push(id);
            seen.len() - 1
        })
    };
    given.into_iter().map(group).collect()
}

#[test]
fn values_are_known_by_their_form() {
    let cases = [
        ("took 12 ms", "took <*>"),
        ("took 0.5s and sent 1.25 KB.", "took <*> and sent <*>."),
        ("from 10.0.0.1:8080 to [::1]:80", "from <*> to [<*>]:<*>"),
        ("from 10.0.0.1", "from <*>"),
        ("peer fe80::1ff:fe23:4567:890a left", "peer <*> left"),
        ("card aa:bb:cc:dd:ee:ff is up", "card <*> is up"),
        ("id 7f9c2ba4-e88f-11ee-8c99-0242ac120002 done", "id <*> done"),
        ("read /var/log/app/out.log", "read <*>"),
        (r"read C:\Windows\System32\a.dll now", "read <*> now"),
        ("GET https://example.org/a?b=c HTTP/1.1", "GET <*>"),
        ("mail to ops@example.org failed", "mail to <*> failed"),
        ("lookup of db.example.org failed", "lookup of <*> failed"),
        ("class org.example.util.Pool loaded", "class org.example.util.Pool loaded"),
        ("uid=0 tty=pts user=alice", "uid=<*> tty=<*> user=<*>"),
        (r#"msg="two words" level=info"#, "msg=<*> level=<*>"),
        ("bounds=Rect(0, 0 - 0, 0) end", "bounds=<*> end"),
        ("if a == b and c != d", "if a == b and c != d"),
        ("eth0 is up", "eth<*> is up"),
        ("at Tue Jul 1 10:01:42 2015 it began", "at <*> it began"),
        ("5 (five)", "<*> (five)"),
        ("7 (0x7) seen", "<*> seen"),
        ("up.......4", "up..<*>"),
        ("flag is true, parent is null", "flag is <*>, parent is <*>"),
        ("ports 1, 2, 3 and 4", "ports <*> and <*>"),
        ("hosts an1 an2 an17 answer", "hosts an<*> answer"),
        ("of (1, 2, 3) all", "of (<*>) all"),
        ("speeds ( 35 36 ) ok", "speeds ( <*>) ok"),
        ("deadbeef or cafe", "<*> or cafe"),
        ("read/write of I/O", "read/write of I/O"),
        ("größe 5 überschritten", "größe <*> überschritten"),
    ];
    for (line, template) in cases {
        assert_eq!(alone(line), template, "{line}");
    }
}

#[test]
fn lines_that_differ_by_form_alone_are_one() {
    let lines = ["job 1 took 5 ms", "job 2 took 7 s", "job ended in 5 ms", "job 3 took 12 ms"];
    assert_eq!(groups(lines), [0, 0, 1, 0]);
}

#[test]
fn few_different_words_stay_apart_and_many_names_become_one() {
    let verbs = ["VM started now", "VM stopped now", "VM paused now", "VM resumed now"];
    assert_eq!(groups(verbs), [0, 1, 2, 3]);
    let users = ["login of user ann ok", "login of user bob ok", "login of user cy ok", "login of user dan ok"];
    assert_eq!(groups(users), [0, 0, 0, 0]);
    let states =
        ["moved from NEW to RUN", "moved from RUN to DONE", "moved from NEW to DEAD", "moved from RUN to DEAD"];
    assert_eq!(groups(states), [0, 1, 2, 3]);
}

#[test]
fn two_places_that_vary_together_are_found() {
    let line = |at: usize| format!("copy of x-{a}{a} to host y-{b}{b} was begun", a = letter(at), b = letter(at + 7));
    let lines: Vec<String> = (0..5).map(line).collect();
    assert_eq!(groups(lines.iter().map(String::as_str)), [0, 0, 0, 0, 0]);
}

fn letter(at: usize) -> char {
    char::from(b'g' + u8::try_from(at % 20).unwrap())
}

#[test]
fn a_number_that_was_given_leads_to_the_template_that_took_it_in() {
    let mut miner = Miner::new(Limits::default());
    let first = miner.observe("session of user ann opened").id;
    let second = miner.observe("session of user bob opened").id;
    assert_ne!(first, second);
    let third = miner.observe("session of user cy opened");
    assert_eq!((third.id, third.is_new, third.merged), (first, false, &[second][..]));
    assert_eq!(miner.current(second), first);
    assert_eq!(miner.text(second), "session of user <*> opened");
    assert_eq!(miner.lines(second), 3);
    assert_eq!(miner.observe("session of user bob opened").id, first);
    assert_eq!(miner.observe("session of user eve opened").id, first);
    let all: Vec<(TemplateId, &str, u64)> = miner.templates().collect();
    assert_eq!(all, [(first, "session of user <*> opened", 5)]);
}

#[test]
fn what_is_over_goes_to_the_catch_all_and_is_counted() {
    let mut miner = Miner::new(Limits { templates: 2, ..Limits::default() });
    miner.observe("one is here");
    miner.observe("two were there");
    let third = miner.observe("three came too");
    assert_eq!((third.id, third.is_new, third.template), (CATCH_ALL, false, "<...>"));
    assert_eq!(miner.observe("  ").id, CATCH_ALL);
    assert_eq!(miner.over(), Over { templates: 1, empty: 1, ..Over::default() });
    assert_eq!(miner.lines(CATCH_ALL), 2);

    let mut miner = Miner::new(Limits { leaf: 1, vocabulary: 8, numbers: 2, ..Limits::default() });
    for line in ["go there now", "go away again", "a b c d e f g h i", "x y", "p q r s"] {
        miner.observe(line);
    }
    assert_eq!(miner.over(), Over { leaf: 1, vocabulary: 1, numbers: 1, ..Over::default() });
}

#[test]
fn a_long_line_is_cut_and_counted() {
    let mut miner = Miner::new(Limits::default());
    let long = |tail: &str| format!("{}{tail}", "word ".repeat(LINE_WORDS_MAX * 2));
    let first = miner.observe(&long("a")).id;
    assert_eq!(miner.observe(&long("b c d")).id, first);
    assert_eq!(miner.text(first).split(' ').count(), LINE_WORDS_MAX);
    assert_eq!(miner.over().cut, 2);
}
