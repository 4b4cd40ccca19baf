//! What scrape jobs must fulfil beyond being well formed. Codes are stable, as those of the watchbook are.

use crate::watchbook::{Level, Rule};

macro_rules! demands {
    ($($name:ident $code:literal $demands:literal $masked:literal;)*) => {
        $(
            #[doc = $demands]
            pub(super) static $name: Rule =
                Rule { code: $code, level: Level::Error, demands: $demands, masked: $masked };
        )*
        /// Every demand, by code.
        pub static DEMANDS: &[&Rule] = &[$(&$name),*];
    };
}

demands! {
    JOB_NAME "SC001" "every job has a name, once in a watchbook" false;
    NOT_DONE "SC002" "a job uses only what Watchkeeper does" false;
    TIMES "SC003" "an interval is at least one second, and a timeout not longer than its interval" false;
    SECRET "SC004" "a secret is named by its file, never written down" true;
    LOGIN "SC005" "a job logs in in one way, and says all that it needs" false;
    ADDRESS "SC006" "a target is a host, mostly with a port; asked of a job without `relabel_configs` only" false;
    RELABEL "SC007" "a step of relabeling has what its action needs, and nothing else" false;
    FILES "SC008" "files of targets end in .json, .yml or .yaml; a star stands in the last part only" false;
    SIZE "SC009" "a size is written 512KB, 10MB or 1GB" false;
    TOO_MUCH "SC010" "a file has at most 1,000 jobs" false;
}
