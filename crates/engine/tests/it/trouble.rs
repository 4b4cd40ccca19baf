//! Restarts, failed appends, and a journal that proves itself.

use std::sync::Arc;

use governance::tlog::note::Verifier;
use governance::tlog::proof::Policy;
use kernel::{Actor, Seq};

use crate::house::{House, kinds};

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_forgets_nothing_and_repeats_with_the_same_id() {
    let house = House::open().await;
    house.world.script("mail to ada@example.org", [testkit::Answer::Hang]);
    house.fire("a").await.unwrap();
    let (first, _) = house.world.expect_delivery("mail to ada@example.org").await;
    house.engine.stop().await;

    let again = House::over(Arc::clone(&house.store), house.clock.clone()).await;
    let (second, _) = again.world.expect_delivery("mail to ada@example.org").await;
    assert_eq!(first.id, second.id, "the receiver can tell that it is the same page");
    assert!(again.fire("a").await.unwrap().is_empty(), "the alert is known");
    again.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_append_changes_nothing_and_heals() {
    let house = House::open().await;
    let before = house.engine.head();
    house.store.fail_appends(1);
    let failed = house.fire("a").await;
    assert!(matches!(failed, Err(engine::Error::Failed { .. })), "{failed:?}");
    let facts = loop {
        match house.fire("a").await {
            Ok(facts) => break facts,
            Err(engine::Error::Failed { .. }) => tokio::task::yield_now().await,
            Err(other) => panic!("{other}"),
        }
    };
    assert!(kinds(&facts).contains(&"AlertOpened"), "the failed one left no trace: {:?}", kinds(&facts));
    assert_eq!(facts.first().map(|fact| fact.seq), Some(Seq(before.0)));
    house.engine.stop().await;
}

/// A node takes its own lease without waiting, so two of one name are told apart by their fences alone.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_nodes_with_one_name_only_the_later_one_writes() {
    let first = House::open().await;
    first.fire("a").await.unwrap();
    let second = House::over(Arc::clone(&first.store), first.clock.clone()).await;
    let stale = first.fire("b").await;
    assert!(matches!(stale, Err(engine::Error::Failed { .. })), "{stale:?}");
    first.engine.stopped().await;
    assert!(matches!(first.engine.health(), engine::Health::Fenced { .. }), "{:?}", first.engine.health());
    let facts = second.fire("b").await.unwrap();
    assert!(kinds(&facts).contains(&"AlertOpened"), "{:?}", kinds(&facts));
    second.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fact_has_a_proof_that_holds() {
    let house = House::open().await;
    for instance in ["a", "b", "c"] {
        house.fire(instance).await.unwrap();
    }
    let auditor = Actor::system("test");
    for seq in 0..house.engine.head().0 {
        let proof = house.engine.fact_proof(&auditor, Seq(seq)).await.unwrap().unwrap();
        let policy = Policy { log: Verifier::parse(&proof.verifier).unwrap(), witnesses: Vec::new(), quorum: 0 };
        assert!(proof.proof.verify_leaf(&proof.leaf.0, &policy).is_ok(), "fact {seq}");
        let wrong = kernel::Digest([9; 32]);
        assert!(proof.proof.verify_leaf(&wrong.0, &policy).is_err(), "fact {seq}");
    }
    house.engine.stop().await;
}
