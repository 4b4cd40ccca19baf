//! The rules that findings name. A code is stable: it is never given a new meaning, and a rule that is gone leaves a gap.

use super::finding::Level;

/// One rule that a watchbook can break.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// The stable code.
    pub code: &'static str,
    /// How bad breaking it is.
    pub level: Level,
    /// What it demands.
    pub demands: &'static str,
    /// Whether the offending text may be a secret and must not be shown.
    pub masked: bool,
}

macro_rules! rules {
    ($($name:ident $code:literal $level:ident $demands:literal $($masked:ident)?;)*) => {
        $(
            #[doc = $demands]
            pub(crate) static $name: Rule = Rule {
                code: $code, level: Level::$level, demands: $demands, masked: rules!(@ $($masked)?),
            };
        )*
        /// Every rule, by code.
        pub static RULES: &[&Rule] = &[$(&$name),*];
    };
    (@ masked) => { true };
    (@) => { false };
}

rules! {
    UNREADABLE "WB001" Error "every file can be read";
    TOO_MUCH "WB002" Error "there are not too many files, and none is too large";
    NO_PLACE "WB003" Error "every YAML file has one of the known names";
    NOT_READ "WB004" Warning "a folder with YAML files has one of the known names";
    ENCODING "WB005" Error "every file is UTF-8";
    MISSING_FILE "WB006" Error "the file `watchkeeper.yaml` exists";
    SYNTAX "WB010" Error "every file is well-formed YAML";
    PLAIN_YAML "WB011" Error "files use plain YAML: no aliases, no tags, one document, keys are text";
    UNKNOWN_KEY "WB012" Error "every key is known";
    TWICE "WB013" Error "a key is given once";
    MISSING_KEY "WB014" Error "every required key is given";
    WRONG_FORM "WB015" Error "every value is a text, a list or a map, as its key demands";
    EMPTY "WB016" Error "a list that must name somebody is not empty";
    NAME "WB020" Error "names are lower-case letters, digits, `-`, `_`, `.` and `@`";
    NAME_TWICE "WB021" Error "a name is defined once";
    UNKNOWN_NAME "WB022" Error "every name that is used is defined";
    WORD "WB030" Error "a value is one of the known words";
    NUMBER "WB031" Error "a number is a number, and in its range";
    DURATION "WB032" Error "a duration is written `90s`, `5m`, `1h30m`, `2d` or `1w`";
    MATCHER "WB033" Error "a matcher is written `name=\"value\"`, with `=`, `!=`, `=~` or `!~`";
    THRESHOLD "WB034" Error "a threshold is written `> 0.05`, with `>`, `>=`, `<` or `<=`";
    TIME_ZONE "WB035" Error "a time zone is one of the IANA database, such as `Europe/Berlin`";
    CIVIL_TIME "WB036" Error "a start is a local date and time: `2026-01-05 09:00`";
    TURN "WB037" Error "a turn is written `1w`, `1d` or `12h`";
    DUTY_HOURS "WB038" Error "hours of duty are written `mon-fri 09:00-17:00`";
    SECRET "WB039" Error "a secret is named by `env:NAME` or `file:PATH`, never written down" masked;
    URL "WB040" Error "an address is a URL of the kind its channel speaks";
    URL_SECRET "WB041" Error "a URL holds no password" masked;
    TEMPLATE "WB042" Error "a template is well formed";
    LABEL_NAME "WB043" Error "a label's name is letters, digits and `_`, not starting with a digit";
    POINTER "WB044" Error "a JSON pointer is empty or begins with `/`";
    LABELS "WB045" Error "labels are not too many and not too long";
    ADDRESS "WB046" Error "an address fits its channel: a mail address, a topic, a room's id";
    SENDER "WB047" Error "a mail channel has a sender";
    METRIC "WB048" Error "a metric's name is letters, digits, `_`, `:` and `.`";
    TEMPLATE_WORD "WB049" Error "the template of an update asks only for what an update has";
    ROOT_MATCHES "WB050" Error "the root route matches everything";
    ROOT_TWICE "WB051" Error "there is one root route";
    NO_CONTACT "WB052" Error "everybody who can be paged has a contact";
    SELF_DEPENDENCY "WB053" Error "a service does not depend on itself";
    HYSTERESIS "WB054" Error "no value both raises and clears";
    PROBE "WB055" Error "a check has one probe, and only the keys of that probe";
    TALLY "WB056" Error "a check's failures are at most the looks that they are among";
    JSON_PATH "WB057" Error "a place in a JSON body is written `$.a.b[0]`";
    HOST "WB058" Error "a host is a name or an address, and a port follows it where one is needed";
    HEADER "WB059" Error "a header's name is one of HTTP, its value one line, and it holds no credential";
    CYCLE "WB060" Warning "services do not depend on each other in a circle";
    NO_CATCH_ALL "WB061" Warning "an alert that no route, service or team places still pages somebody";
    UNREACHABLE "WB062" Warning "every route and every severity rule can be reached";
    MACHINES_ONLY "WB063" Warning "a policy has a step with somebody who can acknowledge";
    CANNOT_ACKNOWLEDGE "WB064" Warning "everybody who can be paged has a role that may acknowledge";
    NO_SEVERITY "WB065" Warning "the last severity rule matches everything";
    NO_ALERT_NAME "WB066" Warning "a hook gives its alerts the label `alertname`";
    SLOW_CHECK "WB067" Warning "a check's timeout is not longer than its interval";
    UNUSED_TEMPLATE "WB068" Warning "a template is named for a stage of an update";
    SIGMA_OWN "WB069" Error "a Sigma filter has an owner, a reason and a last day, and filters and pipelines can be used";
    SIGMA_RULE "WB070" Warning "a Sigma rule can be used, and no exception from it has expired";
    SOURCE_TWICE "WB071" Error "a rule file is evaluated over one source";
    TOO_MANY_CHECKS "WB072" Warning "there are at most 1,000 health checks; those above do not run";
    SOURCE_KEYS "WB073" Error "a source has only the keys of its kind, and a kind that fits its use";
    IDENTIFIER "WB074" Error "a database and a table are named by letters, digits and `_`";
    TIME_RANGE "WB080" Error "the ranges of a time interval are in order and within their bounds";
    ROOT_TIMES "WB081" Error "the root route pages at any time";
}
