//! Every limit of governance, named.

use kernel::Seconds;

/// How many logins may fail in a row before the next one must wait.
pub const LOGIN_FAILURES_FREE: u32 = 5;
/// The first wait; it doubles with each further failure.
pub const LOGIN_WAIT_FIRST: Seconds = Seconds(10);
/// The longest wait.
pub const LOGIN_WAIT_MAX: Seconds = Seconds::hours(1);
/// The longest life of a token.
pub const TOKEN_LASTS_MAX: Seconds = Seconds(2 * 366 * 86_400);
/// How many scopes a token may have.
pub const SCOPES_MAX: usize = 32;
/// How many names tokens may have at once, revoked ones included.
pub const TOKENS_MAX: usize = 10_000;
/// How many denials and restricted reads are kept for the page; the journal keeps all.
pub const RECENT_MAX: usize = 200;
/// The shortest password, in characters.
pub const PASSWORD_CHARS_MIN: usize = 12;
/// The longest password, in bytes.
pub const PASSWORD_BYTES_MAX: usize = 1024;
