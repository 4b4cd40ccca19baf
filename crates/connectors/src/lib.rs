//! Speaks to the outside: mail, webhooks, push, chat, health checks, OTLP, and the watchbook's files.
