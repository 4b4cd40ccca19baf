//! Every operation of the API, with the verb that asks for it. Requests are built from this table, and a test compares it with
//! the API's own description and with the verbs, so that no operation is without a verb and none is misspelt. What Prometheus
//! has described is not in it: [`super::query`] asks for that as Prometheus' clients do.

/// An operation of the API.
#[derive(Debug, PartialEq, Eq)]
pub struct Operation {
    /// The HTTP method.
    pub method: &'static str,
    /// The path below `/api/v1`; names of things stand in braces.
    pub path: &'static str,
    /// The words after `watchkeeper`.
    pub verb: &'static str,
}

macro_rules! operations {
    ($($name:ident = $method:ident $path:literal $verb:literal;)*) => {
        $(
            #[doc = concat!("`watchkeeper ", $verb, "`")]
            pub const $name: &Operation =
                &Operation { method: stringify!($method), path: $path, verb: $verb };
        )*
        /// All of them.
        #[cfg(test)]
        pub const ALL: &[&Operation] = &[$($name),*];
    };
}

operations! {
    NOW = GET "/now" "now";

    ALERTS = GET "/alerts" "alert list";
    ALERT = GET "/alerts/{alert}" "alert show";
    ALERT_WHY = GET "/alerts/{alert}/why" "alert why";
    REPORT_ALERT = POST "/alerts" "alert report";
    ACKNOWLEDGE_ALERT = POST "/alerts/{alert}/acknowledge" "alert acknowledge";
    RESOLVE_ALERT = POST "/alerts/{alert}/resolve" "alert resolve";

    PAGES = GET "/pages" "page list";
    PAGE = GET "/pages/{page}" "page show";
    ACKNOWLEDGE_PAGE = POST "/pages/{page}/acknowledge" "page acknowledge";

    SILENCES = GET "/silences" "silence list";
    SILENCE = GET "/silences/{id}" "silence show";
    ADD_SILENCE = POST "/silences" "silence add";
    EXPIRE_SILENCE = POST "/silences/{id}/expire" "silence expire";

    ONCALL = GET "/oncall" "oncall list";
    SHIFTS = GET "/oncall/{schedule}/shifts" "oncall shifts";
    OVERRIDES = GET "/oncall/{schedule}/overrides" "oncall overrides";
    OVERRIDE = POST "/oncall/{schedule}/overrides" "oncall override";
    CANCEL_OVERRIDE = POST "/overrides/{id}/cancel" "oncall cancel";

    INCIDENTS = GET "/incidents" "incident list";
    INCIDENT = GET "/incidents/{incident}" "incident show";
    DECLARE = POST "/incidents" "incident declare";
    ASSIGN = POST "/incidents/{incident}/assign" "incident assign";
    UNASSIGN = POST "/incidents/{incident}/unassign" "incident unassign";
    HAND_OVER = POST "/incidents/{incident}/handover" "incident handover";
    NOTE = POST "/incidents/{incident}/note" "incident note";
    SEVERITY = POST "/incidents/{incident}/severity" "incident severity";
    IMPACT = POST "/incidents/{incident}/impact" "incident impact";
    MITIGATE = POST "/incidents/{incident}/mitigate" "incident mitigate";
    RESOLVE = POST "/incidents/{incident}/resolve" "incident resolve";
    REOPEN = POST "/incidents/{incident}/reopen" "incident reopen";

    UPDATES = GET "/updates" "update list";
    UPDATE = GET "/updates/{update}" "update show";
    DRAFT_UPDATE = POST "/updates" "update draft";
    REVISE_UPDATE = PUT "/updates/{update}" "update revise";
    PUBLISH_UPDATE = POST "/updates/{update}/publish" "update publish";
    DISCARD_UPDATE = POST "/updates/{update}/discard" "update discard";
    REOPEN_NOTICE = POST "/notices/{notice}/reopen" "notice reopen";
    STATUS = GET "/status" "status";

    REVIEWS = GET "/reviews" "review list";
    REVIEW = GET "/reviews/{review}" "review show";
    REVIEW_MARKDOWN = GET "/reviews/{review}/markdown" "review markdown";
    WRITE_SECTION = PUT "/reviews/{review}/sections/{section}" "review write";
    ADD_ACTION = POST "/reviews/{review}/actions" "review ask";
    COMPLETE_ACTION = POST "/reviews/{review}/actions/{action}/complete" "review complete";
    DROP_ACTION = POST "/reviews/{review}/actions/{action}/drop" "review drop";
    PUBLISH_REVIEW = POST "/reviews/{review}/publish" "review publish";

    SIGNALS = GET "/signals" "signal list";
    DISMISS_SIGNAL = POST "/signals/dismiss" "signal dismiss";
    TRACES = GET "/traces" "traces search";
    TRACE = GET "/traces/{trace}" "traces show";
    SIGMA = GET "/sigma" "sigma show";
    SIGMA_RULES = GET "/sigma/rules" "sigma list";
    JUDGE = POST "/sigma/rules/{rule}/judge" "sigma judge";
    BEAT = POST "/checks/{check}/beat" "check beat";
    BACKTESTS = GET "/backtests" "backtest list";
    START_BACKTEST = POST "/backtests" "backtest start";
    BACKTEST = GET "/backtests/{backtest}" "backtest show";
    CANCEL_BACKTEST = POST "/backtests/{backtest}/cancel" "backtest cancel";
    NOISE = GET "/rules/noise" "rules noise";
    SLOS = GET "/slos" "slo status";
    LOGS = GET "/logs" "logs search";
    EXPORT_LOGS = GET "/logs/export" "logs export";
    WATCHED_LOGS = GET "/logs/watched" "logs list";
    LOG_PATTERNS = GET "/logs/patterns" "logs patterns";
    LOG_FINDINGS = GET "/logs/findings" "logs findings";
    TARGETS = GET "/targets" "target list";
    SOURCES = GET "/sources" "source list";
    CHANGES = GET "/changes" "change list";
    REPORT_CHANGE = POST "/changes" "change report";

    SERVICES = GET "/services" "service list";
    PEOPLE = GET "/people" "person list";
    INVITE = POST "/people/{person}/invite" "invite";
    END_SESSIONS = POST "/people/{person}/end-sessions" "person end-sessions";
    TOKENS = GET "/tokens" "token list";
    ISSUE_TOKEN = POST "/tokens" "token issue";
    REVOKE_TOKEN = POST "/tokens/{name}/revoke" "token revoke";
    WATCHBOOK = GET "/watchbook" "watchbook live";
    APPLY_WATCHBOOK = POST "/watchbook/apply" "watchbook apply";

    FACTS = GET "/journal" "journal list";
    FOLLOW = GET "/journal/live" "journal follow";
    FACT = GET "/journal/{seq}" "journal show";
    HEAD = GET "/journal/checkpoint" "journal head";
    SIGN = POST "/journal/checkpoint" "journal sign";
}
