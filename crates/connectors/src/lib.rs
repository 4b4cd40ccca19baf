//! Speaks to the outside: mail, webhooks, push, chat, health checks, OTLP, and the watchbook's files.
//!
//! A connector translates and nothing else: it holds no state that matters, decides no rule, and bounds everything that
//! comes from outside in time and in size. What it may not do is decided above it, by the engine and the rooms.
//!
//! | module | direction | speaks |
//! |---|---|---|
//! | [`outbound`] | out | SMTP, Standard Webhooks, ntfy, Slack, Matrix |
//! | [`checks`] | out | HTTP health checks |
//! | [`exposition`] | out, in | Prometheus' text format, read from a target |
//! | [`otlp`] | in | OTLP metrics, as protobuf and as JSON |
//! | [`remote_write`] | in | Prometheus' remote write 1.0 and 2.0 |
//! | [`watchbook`] | in | the watchbook's files |

pub mod checks;
pub mod exposition;
pub mod http;
pub mod otlp;
pub mod outbound;
pub mod remote_write;
pub mod signature;
mod text;
pub mod watchbook;
