//! Ids of what this room makes. Not names of the watchbook: those are in `kernel::name`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The number of a page; shown as `page-12`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PageId(pub u64);

/// The id of a silence: a UUID as text, as Alertmanager's clients expect.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SilenceId(pub Box<str>);

/// The identity of a group: a hash of its route and its group labels, so the same group has the same key each time it
/// opens. Shown as sixteen hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct GroupKey(pub u64);

/// The number of an override of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OverrideId(pub u32);

impl PageId {
    /// The identity of this page's delivery of that number.
    #[must_use]
    pub fn delivery(self, number: u32) -> kernel::DeliveryId {
        kernel::DeliveryId(format!("{self}-{number}").into())
    }

    /// The page and the number that a delivery's identity names; `None` when another area made it.
    #[must_use]
    pub fn of_delivery(id: &kernel::DeliveryId) -> Option<(Self, u32)> {
        let (page, number) = id.0.strip_prefix("page-")?.split_once('-')?;
        Some((Self(page.parse().ok()?), number.parse().ok()?))
    }
}

impl fmt::Display for PageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "page-{}", self.0)
    }
}

impl std::str::FromStr for PageId {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix("page-").unwrap_or(text);
        digits.parse().map(Self).map_err(|_| format!("{text:?} is not a page: write page-12 or 12"))
    }
}

impl SilenceId {
    /// A random UUID (version 4) from a fresh random number.
    #[must_use]
    pub fn from_nonce(nonce: u128) -> Self {
        let bits = nonce & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
        let hex = format!("{bits:032x}");
        let parts: Vec<&str> = [0..8, 8..12, 12..16, 16..20, 20..32].into_iter().filter_map(|r| hex.get(r)).collect();
        Self(parts.join("-").into())
    }
}

impl fmt::Display for SilenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for GroupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for GroupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<GroupKey> for String {
    fn from(key: GroupKey) -> Self {
        key.to_string()
    }
}

impl std::str::FromStr for GroupKey {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |_| format!("{text:?} is not a group: write sixteen hexadecimal digits");
        u64::from_str_radix(text, 16).map(Self).map_err(wrong)
    }
}

impl TryFrom<String> for GroupKey {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for OverrideId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "override-{}", self.0)
    }
}
