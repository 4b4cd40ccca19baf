//! Groups over an existing store, when things happen while it is asked.

use super::*;

/// A series of `queue="mail"` with this name and value, as a store answers a range with it.
fn told(told: &Told, house: &House, name: &str, value: f64) {
    let labels = Labels::from_pairs([("__name__", name), ("queue", "mail")]);
    let at = kernel::port::Clock::now(&house.clock).as_millisecond() + 15_000;
    let matrix = promql::Data::Matrix(vec![Series { labels, points: vec![Point::float(at, value)] }]);
    told.0.lock().insert(format!("{{__name__=\"{name}\"}}[300000ms]"), Ok(matrix));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_over_many_series_of_the_source_and_one_of_ours_is_answered() {
    let (house, store) = (House::new(), Arc::<Told>::default());
    store.say("depth * 2", Ok(24.0));
    let names = ["a", "b", "c", "d", "e", "f", "g"];
    names.iter().for_each(|name| told(&store, &house, name, 1.0));
    let query = format!("{} and on (queue) kept > 20", names.join(" and on (queue) "));
    let (engine, ruler) = over_a_source(&house, &[(&query, 0)], &store).await;
    whole_turn(&house, &ruler).await;
    let groups = ruler.groups(&Actor::system("test")).await.unwrap();
    assert_eq!((groups[0].rules[1].error.clone(), raised(&engine)), (None, 1));
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_over_a_source_waits_for_the_next_beat() {
    let (house, store) = (House::new(), Arc::<Told>::default());
    store.say("depth * 2", Ok(24.0));
    let (engine, ruler) = over_a_source(&house, &[("kept > 20", 0)], &store).await;
    house.series.1.lock().mistaken = true;
    whole_turn(&house, &ruler).await;
    let now = engine.now();
    assert!(!ruler.running.lock().groups[0].is_due(now), "it is not tried at every turn");
    let groups = ruler.groups(&Actor::system("test")).await.unwrap();
    assert!(groups[0].unwritten.as_ref().is_some_and(|why| why.contains("mistake")), "{groups:?}");
    engine.stop().await;
}

#[tokio::test]
async fn an_errand_of_before_an_edit_is_not_applied_to_the_group_as_it_is_now() {
    let (house, store) = (House::new(), Arc::<Told>::default());
    store.say("depth > 10", Ok(12.0));
    store.say("depth * 2", Ok(24.0));
    let (engine, ruler) = over_a_source(&house, &[AT_ONCE], &store).await;
    house.clock.advance(Seconds(15));
    ruler.follow().await.unwrap();
    let (old, outside) = ruler.evaluate_now(&|_| true).remove(0);
    ruler.running.lock().book = None;
    ruler.follow().await.unwrap();
    assert_eq!(ruler.evaluate_now(&|_| true).len(), 1, "the group as it is now asks for itself");
    Arc::clone(&ruler).evaluate_elsewhere(old, outside).await;
    assert_eq!(ruler.groups(&Actor::system("test")).await.unwrap()[0].evaluations, 0);
    engine.stop().await;
}
