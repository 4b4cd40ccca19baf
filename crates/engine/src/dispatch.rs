//! Deliveries on their way out: one lane a channel, one task a delivery, one record an attempt. What must go out is decided
//! by the areas and durable before it gets here; this only tries, waits and reports.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kernel::delivery::{Attempt, Outcome};
use kernel::port::{Chance, Links};
use kernel::{Actor, ChannelName, Delivery};
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tracing::Instrument as _;

use crate::batch::Permitted;
use crate::breaker::Breaker;
use crate::command::Command;
use crate::handle::{Error, Shared};
use crate::limits::{
    ATTEMPT_TIMEOUT, ATTEMPTS_MAX, DELIVERIES_PER_CHANNEL, RECOVERY_MAX, RETRY_AFTER_MAX, RETRY_FIRST, RETRY_MAX,
};
use crate::trace;

/// The policy that the record of an attempt carries.
const RECORD_POLICY: &str = "delivery-record";

/// All lanes.
#[derive(Default)]
pub(crate) struct Lanes(Mutex<HashMap<ChannelName, Arc<Lane>>>);

/// What one channel has in flight, and whether it answers.
struct Lane {
    slots: Semaphore,
    breaker: Mutex<Breaker>,
}

impl Lanes {
    fn of(&self, channel: &ChannelName) -> Arc<Lane> {
        let mut lanes = self.0.lock();
        let new = || {
            let breaker = Mutex::default();
            Arc::new(Lane { slots: Semaphore::new(DELIVERIES_PER_CHANNEL), breaker })
        };
        Arc::clone(lanes.entry(channel.clone()).or_insert_with(new))
    }

    /// The channels whose breaker holds attempts back.
    pub(crate) fn held_back(&self) -> Vec<ChannelName> {
        let lanes = self.0.lock();
        let mut names: Vec<_> =
            lanes.iter().filter(|(_, lane)| lane.breaker.lock().is_open()).map(|(name, _)| name.clone()).collect();
        names.sort();
        names
    }
}

/// Carries one delivery through its attempts.
pub(crate) async fn carry(shared: Arc<Shared>, area: &'static str, delivery: Delivery) {
    let lane = shared.lanes.of(&delivery.address.channel);
    for number in 1..=ATTEMPTS_MAX {
        let slot = lane.slots.acquire().await;
        if !shared.may_send().await {
            // Another node has the journal, and with it this delivery.
            return;
        }
        let at = shared.now();
        let span = trace::attempt(&delivery, number);
        let outcome = attempt(&shared, &lane, &delivery).instrument(span.clone()).await;
        trace::attempted(&span, &outcome);
        drop((span, slot));
        let last = number == ATTEMPTS_MAX || !matches!(outcome, Outcome::Failed { .. });
        let wait = pause(number, &outcome, &*shared.chance);
        record(&shared, area, &delivery, Attempt { number, at, outcome, last }).await;
        if last {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = shared.stopped.cancelled() => return,
        }
        if !shared.still_wanted(area, &delivery.id) {
            return;
        }
    }
}

/// One attempt, as its lane's breaker allows.
async fn attempt(shared: &Shared, lane: &Lane, delivery: &Delivery) -> Outcome {
    let book = shared.book();
    let Some(channel) = book.channels.get(&delivery.address.channel) else {
        let reason = format!("the watchbook has no channel {:?}", delivery.address.channel.as_str());
        return Outcome::Refused { reason };
    };
    tracing::Span::current().record("kind", tracing::field::debug(channel.kind));
    if let Some(wait) = lane.breaker.lock().wait(Instant::now()) {
        let reason = format!("channel {} failed too often and is held back", delivery.address.channel);
        let seconds = u32::try_from(wait.as_secs() + 1).unwrap_or(u32::MAX);
        return Outcome::Failed { reason, wait: Some(kernel::Seconds(seconds)) };
    }
    let links = links(shared, delivery);
    let tried = tokio::time::timeout(ATTEMPT_TIMEOUT, shared.deliver.deliver(delivery, channel, &links)).await;
    let outcome = tried.unwrap_or_else(|_| {
        let reason = format!("no answer within {} s", ATTEMPT_TIMEOUT.as_secs());
        Outcome::Failed { reason, wait: None }
    });
    // A refusal is about this message; the channel itself answers.
    lane.breaker.lock().note(!matches!(outcome, Outcome::Failed { .. }), Instant::now());
    outcome
}

fn links(shared: &Shared, delivery: &Delivery) -> Links {
    let page = format!("{}{}", shared.base_url, delivery.message.path);
    let acknowledge = delivery.message.acknowledge.as_ref().map(|offer| {
        let key = shared.link_key(offer.page, &offer.person);
        format!("{}/ack/{}?person={}&key={key}", shared.base_url, offer.page, offer.person)
    });
    Links { page, acknowledge }
}

/// How long to wait before the next attempt: doubling, with a fifth of jitter, or what the other side asked for.
fn pause(number: u32, outcome: &Outcome, chance: &dyn Chance) -> Duration {
    if let Outcome::Failed { wait: Some(wait), .. } = outcome {
        return wait.std().clamp(RETRY_FIRST, RETRY_AFTER_MAX);
    }
    let base = RETRY_FIRST.saturating_mul(2_u32.saturating_pow(number.saturating_sub(1).min(16))).min(RETRY_MAX);
    let percent = u32::try_from(chance.number() % 41).unwrap_or_default() + 80;
    base * percent / 100
}

/// Tells the area what came of an attempt; goes on telling while the journal cannot take it.
async fn record(shared: &Arc<Shared>, area: &'static str, delivery: &Delivery, attempt: Attempt) {
    loop {
        let Some(command) = command(area, delivery, attempt.clone()) else { return };
        let permitted = Permitted { actor: Actor::system("delivery"), policy: RECORD_POLICY.into(), command };
        match shared.submit(permitted).await {
            Ok(_) => return,
            Err(Error::Failed { .. } | Error::Overloaded) => tokio::select! {
                () = tokio::time::sleep(RECOVERY_MAX / 10) => {}
                () = shared.stopped.cancelled() => return,
            },
            Err(error) => {
                tracing::warn!(%error, delivery = %delivery.id, "an attempt could not be recorded");
                return;
            }
        }
    }
}

fn command(area: &'static str, delivery: &Delivery, attempt: Attempt) -> Option<Command> {
    let delivery = delivery.id.clone();
    match area {
        "alerts" => Some(alerts::Command::RecordAttempt { delivery, attempt }.into()),
        "comms" => Some(comms::Command::RecordAttempt { delivery, attempt }.into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_a_limit_and_obey_the_other_side() {
        let chance = testkit::SeededChance::new(7);
        let failed = Outcome::Failed { reason: String::new(), wait: None };
        for number in 1..=ATTEMPTS_MAX {
            let wait = pause(number, &failed, &chance);
            assert!(wait >= RETRY_FIRST * 8 / 10 && wait <= RETRY_MAX * 12 / 10, "{number}: {wait:?}");
        }
        let told = Outcome::Failed { reason: String::new(), wait: Some(kernel::Seconds(40)) };
        assert_eq!(pause(1, &told, &chance), Duration::from_secs(40));
    }
}
