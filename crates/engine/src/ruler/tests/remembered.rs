//! What groups remember over a stop, and after they have left the watchbook.

use super::*;

/// The key of the group of [`book`] in the vault.
const KEY: &str = "prometheus/queues.yml/queues";

/// What the vault has of the group; nothing where it has nothing.
async fn kept(engine: &Engine) -> Option<State> {
    let bytes = engine.vault().vault_get(VAULT, KEY, engine.now()).await.unwrap();
    bytes.map(|bytes| rmp_serde::from_slice(&bytes).unwrap())
}

#[tokio::test]
async fn ru_9_what_was_over_when_the_server_was_killed_is_not_raised_at_the_start() {
    let house = House::new();
    let (engine, ruler) = house.start(&[AT_ONCE]).await;
    house.turn(&ruler, Some(11.0)).await;
    house.clock.advance(Seconds(15));
    house.write("depth", 1.0);
    ruler.beat().await.unwrap();
    assert_eq!(facts(&engine).await, ["SignalRaised", "SignalCleared"]);
    assert_eq!(kept(&engine).await.unwrap().all_active().count(), 1, "the vault has not heard of the end");
    engine.stop().await;
    house.clock.advance(Seconds::minutes(10));
    let (engine, ruler) = house.start(&[AT_ONCE]).await;
    house.turn(&ruler, None).await;
    house.turn(&ruler, Some(1.0)).await;
    assert_eq!(facts(&engine).await, ["SignalRaised", "SignalCleared"]);
    engine.stop().await;
}

#[tokio::test]
async fn ru_9_a_group_that_comes_back_to_the_watchbook_begins_anew() {
    let house = House::new();
    let (engine, ruler) = house.start(&[AT_ONCE]).await;
    house.turn(&ruler, Some(11.0)).await;
    assert!(kept(&engine).await.is_some());
    engine.apply_book(&Actor::system("test"), book_of(&[]), "test").await.unwrap();
    house.turn(&ruler, None).await;
    assert_eq!(kept(&engine).await, None);
    house.clock.advance(Seconds::hours(48));
    engine.apply_book(&Actor::system("test"), book(&[AT_ONCE]), "test").await.unwrap();
    house.turn(&ruler, None).await;
    assert_eq!(facts(&engine).await, ["SignalRaised", "SignalCleared"]);
    engine.stop().await;
}

#[tokio::test]
async fn what_is_remembered_is_kept_when_the_engine_stops() {
    let house = House::new();
    let (engine, ruler) = house.start(&[AT_ONCE]).await;
    house.turn(&ruler, Some(1.0)).await;
    house.clock.advance(Seconds(1));
    house.write("depth", 11.0);
    ruler.turn().await.unwrap();
    assert_eq!((raised(&engine), kept(&engine).await.unwrap().all_active().count()), (1, 0), "it is kept every 5 s");
    let running = tokio::spawn(ruler.run());
    engine.stop().await;
    running.await.unwrap();
    assert_eq!(kept(&engine).await.unwrap().all_active().count(), 1);
}

#[tokio::test]
async fn what_could_not_be_kept_is_kept_as_soon_as_that_is_possible() {
    let house = House::new();
    let (engine, ruler) = house.start(&[AT_ONCE]).await;
    house.turn(&ruler, Some(11.0)).await;
    house.clock.advance(Seconds(10));
    house.write("depth", 1.0);
    ruler.beat().await.unwrap();
    house.store.fail_writes(true);
    assert!(ruler.keep(false).await.is_err());
    house.store.repair();
    house.clock.advance(Seconds(10));
    ruler.keep(false).await.unwrap();
    assert_eq!(kept(&engine).await.unwrap().all_active().count(), 0);
    engine.stop().await;
}
