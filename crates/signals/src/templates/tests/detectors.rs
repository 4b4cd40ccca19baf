//! What deserves attention in the stream of templates, and what does not.

use kernel::{Seconds, Timestamp};

use super::super::novelty::{self, Novelty};
use super::super::rate::{self, Direction, MINUTES, OPEN_MINUTES_MAX, Rates, Skipped};
use super::super::{Found, Limits, Miner, TemplateId};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_040 + second).unwrap()
}

fn found(id: u32, is_new: bool) -> Found<'static> {
    Found { id: TemplateId(id), is_new, template: "a b", merged: &[] }
}

fn detector() -> Novelty {
    Novelty::new(novelty::Policy { learn_for: Seconds(100), lines_min: 3, within: Seconds(60) })
}

#[test]
fn a_new_template_is_reported_once_when_it_came_often_enough() {
    let mut novelty = detector();
    assert_eq!(novelty.observe(at(0), &found(1, true)), None, "learning");
    assert_eq!(novelty.observe(at(100), &found(2, true)), None);
    assert_eq!(novelty.observe(at(101), &found(2, false)), None);
    assert_eq!(novelty.observe(at(102), &found(1, false)), None, "learned");
    let report = novelty.observe(at(103), &found(2, false)).unwrap();
    assert_eq!((report.id, report.first, report.lines), (TemplateId(2), at(100), 3));
    for second in 104..120 {
        assert_eq!(novelty.observe(at(second), &found(2, false)), None);
    }
}

#[test]
fn a_new_template_that_is_rare_is_not_reported() {
    let mut novelty = detector();
    novelty.observe(at(0), &found(1, true));
    for (second, is_new) in [(200, true), (230, false), (300, false), (301, false), (302, false)] {
        assert_eq!(novelty.observe(at(second), &found(2, is_new)), None, "at {second}");
    }
}

#[test]
fn a_name_in_a_known_place_is_nothing_new() {
    let (mut miner, mut novelty) = (Miner::new(Limits::default()), detector());
    let lines = ["ann", "bob", "cy"].map(|user| format!("login of user {user} ok"));
    let more = ["dan", "eve", "fay", "dan", "dan", "dan"].map(|user| format!("login of user {user} ok"));
    for (second, line) in lines.iter().chain(&more).enumerate() {
        let second = i64::try_from(second).unwrap() * 50;
        assert_eq!(novelty.observe(at(second), &miner.observe(line)), None);
    }
}

/// Counts lines of template 1, minute after minute, and says what was reported in which.
fn reports(counts: impl IntoIterator<Item = u32>) -> Vec<(usize, Direction)> {
    let mut rates = Rates::new(rate::Policy::default(), at(0));
    let mut reports = Vec::new();
    for (minute, lines) in counts.into_iter().enumerate() {
        let start = i64::try_from(minute).unwrap() * 60;
        (0..lines).for_each(|_| rates.count(at(start), TemplateId(1)));
        // A minute for what is late has passed when the minute after the next begins.
        reports.extend(rates.advance(at(start + 120)).into_iter().map(|change| (minute, change.direction)));
    }
    reports
}

#[test]
fn a_rate_that_changed_is_reported_once_until_it_was_usual_again() {
    let usual = [100, 104, 96, 101, 99, 103].into_iter().cycle();
    let steady: Vec<u32> = usual.clone().take(60).collect();
    assert_eq!(reports(steady.clone()), []);
    let risen = steady.iter().copied().chain([400, 420, 100, 101, 400]);
    assert_eq!(reports(risen), [(60, Direction::Up), (64, Direction::Up)]);
    let gone = steady.iter().copied().chain([0, 0, 0]);
    assert_eq!(reports(gone), [(60, Direction::Down)]);
    let early = [100; 20].into_iter().chain([400]);
    assert_eq!(reports(early), [], "too little is known");
    let rare = [0, 1, 0].into_iter().cycle().take(60).chain([20]);
    assert_eq!(reports(rare), [], "too few lines");
}

#[test]
fn a_rate_that_swings_by_itself_is_not_reported() {
    let swings = [10, 300, 40, 500, 120, 250].into_iter().cycle().take(200);
    assert_eq!(reports(swings), []);
}

#[test]
fn a_late_line_counts_in_its_own_minute_or_is_counted_as_late() {
    let mut rates = Rates::new(rate::Policy { lateness: Seconds(60), ..rate::Policy::default() }, at(60));
    rates.advance(at(100));
    rates.count(at(0), TemplateId(1));
    rates.advance(at(121));
    rates.count(at(59), TemplateId(1));
    rates.count(at(60), TemplateId(1));
    rates.count(at(60 * (OPEN_MINUTES_MAX + 1)), TemplateId(1));
    assert_eq!(rates.skipped(), Skipped { late: 1, ahead: 1, over: 0 });
}

#[test]
fn histories_become_one_with_their_templates() {
    let mut rates = Rates::new(rate::Policy::default(), at(0));
    let mut reported = Vec::new();
    for minute in 0..41 {
        let start = minute * 60;
        if minute == 40 {
            rates.merge(TemplateId(2), TemplateId(1));
        }
        (0..60).for_each(|_| rates.count(at(start), TemplateId(1)));
        (0..60).for_each(|_| rates.count(at(start), TemplateId(if minute < 40 { 2 } else { 1 })));
        reported.extend(rates.advance(at(start + 120)));
    }
    assert_eq!(reported, []);
}

#[test]
fn a_template_that_fell_silent_gives_its_place_away() {
    let mut rates = Rates::new(rate::Policy::default(), at(0));
    (0..rate::TEMPLATES_MAX as u32 + 1).for_each(|id| rates.count(at(0), TemplateId(id)));
    assert_eq!(rates.skipped().over, 1);
    rates.advance(at(60 * (2 * i64::try_from(MINUTES).unwrap())));
    let long_after = at(60 * (2 * i64::try_from(MINUTES).unwrap()));
    rates.count(long_after, TemplateId(9_999));
    rates.count(long_after, TemplateId(10_000));
    assert_eq!(rates.skipped().over, 1);
}
