//! The outside as a test sees it: it takes every delivery, answers as the script says, and lets the test wait for what
//! it expects. A test never sleeps to see whether a message went out.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use async_trait::async_trait;
use kernel::book::Channel;
use kernel::port::{Deliver, Links};
use kernel::{Delivery, Outcome};
use parking_lot::Mutex;
use tokio::sync::watch;

/// How long an expected delivery may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the world says to one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It takes the message.
    Accept,
    /// It does not take it now.
    Fail(&'static str),
    /// It will never take it.
    Refuse(&'static str),
    /// It says nothing until [`FakeWorld::release`], and then takes it.
    Hang,
}

/// A world that records deliveries and answers from a script.
#[derive(Debug)]
pub struct FakeWorld {
    heard: Mutex<Heard>,
    count: watch::Sender<usize>,
    released: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Heard {
    scripts: BTreeMap<String, VecDeque<Answer>>,
    attempts: Vec<(Delivery, Links)>,
    expected: Vec<bool>,
}

impl Default for FakeWorld {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeWorld {
    /// A world that accepts everything.
    #[must_use]
    pub fn new() -> Self {
        Self { heard: Mutex::default(), count: watch::Sender::new(0), released: watch::Sender::new(0) }
    }

    /// Adds answers for the next attempts to an address, written `channel to whom` or `channel`; afterwards the world
    /// accepts again.
    pub fn script(&self, address: &str, answers: impl IntoIterator<Item = Answer>) {
        self.heard.lock().scripts.entry(address.to_owned()).or_default().extend(answers);
    }

    /// Lets every attempt that hangs now be accepted.
    pub fn release(&self) {
        self.released.send_modify(|generation| *generation += 1);
    }

    /// Every attempt so far, in order.
    #[must_use]
    pub fn attempts(&self) -> Vec<Delivery> {
        self.heard.lock().attempts.iter().map(|(delivery, _)| delivery.clone()).collect()
    }

    /// Waits for the first attempt to an address (`channel to whom`) that no earlier call has returned.
    ///
    /// # Panics
    /// When none comes within ten seconds; the message lists what came instead.
    pub async fn expect_delivery(&self, address: &str) -> (Delivery, Links) {
        self.expect(address, |delivery| delivery.address.to_string() == address).await
    }

    /// Waits for the first attempt of a certain look that no earlier call has returned; `what` names it in the failure.
    ///
    /// # Panics
    /// When none comes within ten seconds; the message lists what came instead.
    #[expect(clippy::panic, reason = "a test that waits in vain must stop")]
    pub async fn expect(&self, what: &str, look: impl Fn(&Delivery) -> bool) -> (Delivery, Links) {
        let mut count = self.count.subscribe();
        let search = async {
            loop {
                count.borrow_and_update();
                if let Some(found) = self.heard.lock().take(&look) {
                    return found;
                }
                // The sender lives as long as `self`, so waiting cannot fail.
                let _ = count.changed().await;
            }
        };
        match tokio::time::timeout(PATIENCE, search).await {
            Ok(found) => found,
            Err(_) => panic!("no delivery for {what} within {PATIENCE:?}; seen: {:#?}", self.seen()),
        }
    }

    fn seen(&self) -> Vec<String> {
        let line = |d: Delivery| format!("{} -> {}: {}", d.id, d.address, d.message.title);
        self.attempts().into_iter().map(line).collect()
    }
}

impl Heard {
    fn take(&mut self, look: impl Fn(&Delivery) -> bool) -> Option<(Delivery, Links)> {
        let open = self.attempts.iter().zip(&mut self.expected);
        let (found, expected) = open.into_iter().find(|((d, _), expected)| !**expected && look(d))?;
        *expected = true;
        Some(found.clone())
    }
}

#[async_trait]
impl Deliver for FakeWorld {
    async fn deliver(&self, delivery: &Delivery, _channel: &Channel, links: &Links) -> Outcome {
        let mut released = self.released.subscribe();
        let (answer, count) = {
            let mut heard = self.heard.lock();
            heard.attempts.push((delivery.clone(), links.clone()));
            heard.expected.push(false);
            let script = heard.scripts.get_mut(&delivery.address.to_string());
            (script.and_then(VecDeque::pop_front).unwrap_or(Answer::Accept), heard.attempts.len())
        };
        self.count.send_replace(count);
        match answer {
            Answer::Accept => {}
            Answer::Fail(reason) => return Outcome::Failed { reason: reason.to_owned(), wait: None },
            Answer::Refuse(reason) => return Outcome::Refused { reason: reason.to_owned() },
            Answer::Hang => _ = released.changed().await,
        }
        Outcome::Accepted { by: format!("fake world, receipt {count}") }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kernel::{Address, ChannelKind, DeliveryId};

    use super::*;

    fn delivery(id: &str, to: &str) -> Delivery {
        let message = kernel::delivery::Message {
            title: "payments fail".into(),
            body: String::new(),
            severity: None,
            details: Vec::new(),
            path: "/pages/1".into(),
            acknowledge: None,
            data: None,
        };
        let address = Address { channel: "mail".parse().unwrap(), to: to.into() };
        Delivery { id: DeliveryId(id.into()), address, message }
    }

    async fn send(world: &FakeWorld, id: &str, to: &str) -> Outcome {
        let channel = Channel { kind: ChannelKind::Email, url: "smtp://localhost".into(), from: None, secret: None };
        world.deliver(&delivery(id, to), &channel, &Links::default()).await
    }

    #[tokio::test]
    async fn the_script_is_followed_for_its_address_and_then_all_is_accepted() {
        let world = FakeWorld::new();
        world.script("mail to ada", [Answer::Fail("busy"), Answer::Refuse("unknown")]);
        assert!(matches!(send(&world, "d1", "ada").await, Outcome::Failed { reason, .. } if reason == "busy"));
        assert!(matches!(send(&world, "d2", "bob").await, Outcome::Accepted { .. }));
        assert!(matches!(send(&world, "d3", "ada").await, Outcome::Refused { reason } if reason == "unknown"));
        assert!(matches!(send(&world, "d4", "ada").await, Outcome::Accepted { .. }));
        assert_eq!(world.attempts().len(), 4);
    }

    #[tokio::test]
    async fn an_expected_delivery_is_awaited_and_given_once() {
        let world = Arc::new(FakeWorld::new());
        world.script("mail to ada", [Answer::Hang]);
        let sender = tokio::spawn({
            let world = Arc::clone(&world);
            async move { (send(&world, "d1", "ada").await, send(&world, "d2", "ada").await) }
        });
        assert_eq!(&*world.expect_delivery("mail to ada").await.0.id.0, "d1");
        assert!(!sender.is_finished());
        world.release();
        assert_eq!(&*world.expect("the second", |d| d.address.to == "ada").await.0.id.0, "d2");
        sender.await.unwrap();
    }
}
