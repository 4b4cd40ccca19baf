//! What rule files and unit tests must fulfil beyond being well formed. Codes are stable, as those of the watchbook are.

use crate::watchbook::{Level, Rule};

macro_rules! demands {
    ($($name:ident $code:literal $demands:literal;)*) => {
        $(
            #[doc = $demands]
            pub static $name: Rule =
                Rule { code: $code, level: Level::Error, demands: $demands, masked: false };
        )*
        /// Every demand, by code.
        pub static DEMANDS: &[&Rule] = &[$(&$name),*];
    };
}

demands! {
    GROUP_NAME "RF001" "every group has a name, once in its file";
    KIND "RF002" "a rule has either `record` or `alert`";
    EXPRESSION "RF003" "every expression is PromQL";
    ALERTS_ONLY "RF004" "only alerting rules have annotations, `for`, `keep_firing_for` and a `watchkeeper` block";
    RECORD_NAME "RF005" "a recorded series has a metric's name";
    LABEL_NAME "RF006" "a label or annotation has a name, and labels not `__name__`";
    DURATION "RF007" "a duration is written `90s`, `5m`, `1h30m` or `1d`, the longest unit first";
    NUMBER "RF008" "a number is a number";
    BEYOND "RF009" "a `watchkeeper` block says something that can be kept";
    TOO_MUCH "RF010" "a file is not too large and has not too many rules";
    ENCODING "RF011" "a file is UTF-8";
    READABLE "RF012" "every file can be read";
    RUNS "RF013" "a rule can be run: its templates can be read, and what it asks can be kept";
    SHARED "RF014" "no groups of one name have alerts of one name in two files";
    TEST "RF020" "a unit test has what it needs";
    TIME "RF021" "a start is written in RFC 3339, or as seconds since 1970";
}
