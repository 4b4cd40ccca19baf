//! File descriptors: as many as this process may have, and connections that leave enough of them for the journal and for pages
//! on their way out.

use rustix::process::{Resource, getrlimit, setrlimit};
use web::listen::Bounds;

/// How many descriptors the journal, the deliveries and the checks keep for themselves, where there are enough.
const RESERVED: usize = 512;

/// Raises the limit on descriptors as far as this process may, and bounds connections by it.
pub fn bounds() -> Bounds {
    let mut limit = getrlimit(Resource::Nofile);
    let (wanted, had) = (limit.maximum, limit.current);
    limit.current = wanted;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit on file descriptors stays as it is");
        limit.current = had;
    }
    within(limit.current.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX)))
}

/// The bounds that a limit on descriptors leaves: never more than half of it.
fn within(descriptors: usize) -> Bounds {
    let usual = Bounds::default();
    let room = descriptors.saturating_sub(RESERVED).min(descriptors / 2);
    let connections = usual.connections.min(room).max(1);
    Bounds { connections, of_one: usual.of_one.min(connections.div_ceil(2)), ..usual }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_pages() {
        let connections = |descriptors| within(descriptors).connections;
        let cases = [(0, 1), (512, 1), (1024, 512), (4096, 2048), (65_536, 10_000), (usize::MAX, 10_000)];
        for (descriptors, left) in cases {
            assert_eq!(connections(descriptors), left, "{descriptors}");
        }
        assert!(bounds().connections > 100, "the machine that runs this test has some to give");
    }
}
