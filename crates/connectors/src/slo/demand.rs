//! What SLO files must fulfil beyond being well formed. Codes are stable, as those of the watchbook are.

use super::warning;
use crate::watchbook::{Level, Rule};

macro_rules! demands {
    ($($name:ident $code:literal $demands:literal;)*) => {
        $(
            #[doc = $demands]
            pub static $name: Rule = Rule { code: $code, level: Level::Error, demands: $demands, masked: false };
        )*
        /// Every demand, by code.
        pub static DEMANDS: &[&Rule] = &[$(&$name,)* &KEY, &KIND, &PLUGIN, &CALENDAR];
    };
}

demands! {
    READABLE "SL001" "a file is UTF-8 and not too large";
    FORM "SL002" "a document is of a known form";
    NAME "SL003" "services and objectives have names";
    TWICE "SL004" "an objective's name is given once in its service";
    OBJECTIVE "SL005" "an objective is a number between none and all of the events";
    SLI "SL006" "an SLI says in exactly one way how bad events are known";
    WINDOWS "SL007" "windows are durations, the short ones shorter than the long ones, and those than the period";
    BEYOND "SL008" "a `watchkeeper` block says something that can be kept";
    METHOD "SL009" "the budgeting method is `Occurrences`";
    INDICATOR "SL010" "an indicator that is referred to stands in the same file";
    SOURCE "SL011" "metrics come from Prometheus";
    RULES "SL013" "an objective can be made into rules";
    LABEL "SL012" "a label has a name, and not `__name__`";
}

/// Every key is known.
pub(super) static KEY: Rule = warning("SL020", "every key is known");
/// Every document is of a kind that is read.
pub(super) static KIND: Rule = warning("SL021", "every document is of a kind that is read");
/// Every SLO plugin is known.
pub(super) static PLUGIN: Rule = warning("SL022", "every SLO plugin is known");
/// A period rolls.
pub(super) static CALENDAR: Rule = warning("SL023", "a period rolls");
