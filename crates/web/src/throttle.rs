//! Who asks too often: token buckets by key, bounded in memory. Pure: it is told what time it is.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use kernel::{Seconds, Timestamp};
use parking_lot::Mutex;

/// How many keys one throttle remembers. When they are all in use, further ones share a bucket, so that whoever comes from
/// everywhere gains nothing by it.
const KEYS_MAX: usize = 10_000;

/// How much somebody may do: so many at once, and one more each time that `every` passes.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// How many at once.
    pub burst: u32,
    /// How long one more takes.
    pub every: Duration,
}

/// Wrong passwords from one address.
pub const WRONG_PASSWORDS: Rate = Rate { burst: 30, every: Duration::from_secs(10) };
/// Wrong tokens from one address.
pub const WRONG_TOKENS: Rate = Rate { burst: 100, every: Duration::from_secs(1) };
/// Requests to our own API with one token, and requests of one person.
pub const REQUESTS: Rate = Rate { burst: 5_000, every: Duration::from_micros(500) };

/// Everything that is throttled.
#[derive(Debug)]
pub struct Throttles {
    /// Wrong passwords, by address.
    pub passwords: Throttle,
    /// Wrong tokens, by address.
    pub tokens: Throttle,
    /// Requests to our API and of people, by token or person.
    pub requests: Throttle,
}

impl Default for Throttles {
    fn default() -> Self {
        let [passwords, tokens, requests] = [WRONG_PASSWORDS, WRONG_TOKENS, REQUESTS].map(Throttle::new);
        Self { passwords, tokens, requests }
    }
}

/// One bucket for each key. What is kept is the instant at which it will be full again, in microseconds.
#[derive(Debug)]
pub struct Throttle {
    rate: Rate,
    full_at: Mutex<HashMap<Box<str>, i64>>,
}

impl Throttle {
    /// A throttle that has seen nobody.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        Self { rate, full_at: Mutex::default() }
    }

    /// Takes one from the bucket of a key.
    ///
    /// # Errors
    /// How long to wait, when it is empty.
    pub fn take(&self, key: &str, now: Timestamp) -> Result<(), Seconds> {
        let mut kept = self.full_at.lock();
        let now = now.as_microsecond();
        let key = self.place(&mut kept, key, now);
        let full_at = kept.get(key).map_or(now, |full_at| now.max(*full_at));
        self.room(full_at, now)?;
        let next = full_at.saturating_add(self.step());
        match kept.get_mut(key) {
            Some(known) => *known = next,
            None => drop(kept.insert(key.into(), next)),
        }
        Ok(())
    }

    /// Whether the bucket of a key holds one, without taking it.
    ///
    /// # Errors
    /// How long to wait, when it is empty.
    pub fn check(&self, key: &str, now: Timestamp) -> Result<(), Seconds> {
        let (kept, now) = (self.full_at.lock(), now.as_microsecond());
        let shared = if kept.len() >= KEYS_MAX { kept.get("") } else { None };
        self.room(kept.get(key).or(shared).map_or(now, |full_at| now.max(*full_at)), now)
    }

    /// The key under which somebody is kept: their own, or the one that is shared when there are too many.
    fn place<'a>(&self, kept: &mut HashMap<Box<str>, i64>, key: &'a str, now: i64) -> &'a str {
        if kept.len() >= KEYS_MAX && !kept.contains_key(key) {
            kept.retain(|_, full_at| *full_at > now);
        }
        if kept.len() < KEYS_MAX || kept.contains_key(key) { key } else { "" }
    }

    fn room(&self, full_at: i64, now: i64) -> Result<(), Seconds> {
        let burst = self.step().saturating_mul(i64::from(self.rate.burst));
        let beyond = full_at.saturating_add(self.step()).saturating_sub(now).saturating_sub(burst);
        if beyond <= 0 {
            return Ok(());
        }
        Err(Seconds(u32::try_from(beyond.unsigned_abs().div_ceil(1_000_000)).unwrap_or(u32::MAX)))
    }

    fn step(&self) -> i64 {
        i64::try_from(self.rate.every.as_micros()).unwrap_or(i64::MAX)
    }
}

/// The key of an address. Whoever has an IPv6 address has its whole network of 64 bits.
#[must_use]
pub fn address(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("{:x}::/64", ip.to_bits() >> 64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 3, every: Duration::from_secs(10) };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    #[test]
    fn a_burst_then_one_at_a_time_and_each_key_for_itself() {
        let throttle = Throttle::new(RATE);
        for (second, taken) in
            [(0, Ok(())), (0, Ok(())), (0, Ok(())), (0, Err(Seconds(10))), (4, Err(Seconds(6))), (10, Ok(()))]
        {
            assert_eq!(throttle.check("a", at(second)), taken, "{second}");
            assert_eq!(throttle.take("a", at(second)), taken, "{second}");
        }
        assert_eq!(throttle.take("a", at(10)), Err(Seconds(10)));
        assert_eq!(throttle.take("b", at(10)), Ok(()));
        assert_eq!(throttle.take("a", at(1000)), Ok(()), "it fills up again");
    }

    #[test]
    fn memory_is_bounded_and_a_flood_of_keys_shares_one_bucket() {
        let throttle = Throttle::new(RATE);
        let taken = (0..KEYS_MAX * 2).filter(|key| throttle.take(&key.to_string(), at(0)).is_ok()).count();
        assert_eq!(taken, KEYS_MAX + 3);
        assert!(throttle.full_at.lock().len() <= KEYS_MAX + 1);
        assert!(throttle.check("one more", at(0)).is_err() && throttle.check("0", at(0)).is_ok());
        assert_eq!(throttle.take("one more", at(1000)), Ok(()), "what is full again is forgotten");
        assert_eq!(throttle.full_at.lock().len(), 1);
    }

    #[test]
    fn an_address_is_its_network() {
        for (ip, key) in
            [("192.0.2.7", "192.0.2.7"), ("::ffff:192.0.2.7", "192.0.2.7"), ("2001:db8::7", "20010db800000000::/64")]
        {
            assert_eq!(address(ip.parse().unwrap()), key);
        }
        assert_eq!(address("2001:db8::7".parse().unwrap()), address("2001:db8::8".parse().unwrap()));
    }
}
