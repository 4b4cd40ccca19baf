//! Speaks to the outside: mail, webhooks, push, chat, health checks, OTLP, and the watchbook's files.
//!
//! A connector translates and nothing else: it holds no state that matters, decides no rule, and bounds everything that
//! comes from outside in time and in size. What it may not do is decided above it, by the engine and the rooms.
//!
//! | module | direction | speaks |
//! |---|---|---|
//! | [`outbound`] | out | SMTP, Standard Webhooks, ntfy, Slack, Matrix |
//! | [`checks`] | out | health checks: HTTP, TCP, DNS, TLS, ICMP, gRPC |
//! | [`clickhouse`] | out | log events and spans of existing stores that are ClickHouse |
//! | [`evtx`] | in | Windows event logs as files |
//! | [`exposition`] | in | Prometheus' text format and OpenMetrics |
//! | [`scrape`] | out | targets of `scrape_configs`: found, asked, relabeled |
//! | [`otlp`] | in | OTLP metrics, as protobuf and as JSON |
//! | [`rules`] | in | Prometheus' rule files and promtool's unit tests |
//! | [`sources`] | out | queries to existing stores that speak Prometheus' API |
//! | [`slo`] | in | service-level objectives: OpenSLO's and sloth's forms |
//! | [`remote_write`] | in | Prometheus' remote write 1.0 and 2.0 |
//! | [`watchbook`] | in | the watchbook's files |

pub mod checks;
pub mod clickhouse;
pub mod evtx;
pub mod exposition;
pub mod http;
pub mod lines;
pub mod otlp;
pub mod outbound;
pub mod remote_write;
pub mod rules;
pub mod scrape;
pub mod signature;
pub mod slo;
pub mod sources;
pub mod syslog;
mod text;
pub mod watchbook;
