//! Why there are no rules for an objective.

/// Why there are no rules for an objective.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A plugin makes the query.
    #[error(
        "the SLI plugin `{id}` makes the query, and the file does not say which: give the plugin's query in a file of \
         plugins, or write `events` or `raw` instead"
    )]
    UnknownPlugin {
        /// The plugin.
        id: String,
    },
    /// A query would be the same for every window.
    #[error(
        "the query `{query}` has no `{{{{.window}}}}`, so it would be the same for every window: put it where the range stands"
    )]
    NoWindow {
        /// The query.
        query: String,
    },
    /// A query's template cannot be filled.
    #[error("the query `{query}` cannot be filled: {reason}")]
    Template {
        /// The query.
        query: String,
        /// Why.
        reason: String,
    },
    /// There is no count of bad events.
    #[error(
        "`min_events` needs a query that counts bad events, and this SLI is only a ratio: write it as `events`, or leave `min_events` out"
    )]
    NothingToCount,
    /// It is not known whether a query counts.
    #[error(
        "`min_events` needs a query that counts events, by `rate`, `increase`, `sum_over_time` or `count_over_time`, and \
         `{query}` has none of them: rewrite it, or leave `min_events` out"
    )]
    NoCount {
        /// The query.
        query: String,
    },
    /// A period is too short or too long.
    #[error("a period of {period} is not between {least} and {most}")]
    Period {
        /// The period.
        period: String,
        /// The shortest.
        least: String,
        /// The longest.
        most: String,
    },
    /// The windows of a period make no sense.
    #[error("the windows of {period}: {reason}")]
    Windows {
        /// The period.
        period: String,
        /// Why not.
        reason: String,
    },
}
