//! Every limit of the engine, named.

use std::time::Duration;

/// How deep reactions may follow each other. A deeper chain is a mistake in the table and is cut with a log line.
pub const REACTION_DEPTH_MAX: u8 = 16;
/// How many commands wait for the writer before new ones are refused as overload.
pub const QUEUE_COMMANDS_MAX: usize = 16_384;
/// How many commands one block may hold.
pub const BLOCK_COMMANDS_MAX: usize = 1024;
/// After how many facts a block takes no further command.
pub const BLOCK_FACTS_SOFT_MAX: usize = 16_384;
/// After how many facts a new snapshot is made.
pub const SNAPSHOT_EVERY_FACTS: u64 = 200_000;
/// How many blocks are read at once when the journal is folded.
pub const BLOCKS_AT_ONCE: u32 = 64;
/// How many facts one reading may ask for.
pub const FACTS_READ_MAX: u32 = 1000;
/// How many attempts a delivery gets.
pub const ATTEMPTS_MAX: u32 = 30;
/// The wait after the first failed attempt; it doubles from there.
pub const RETRY_FIRST: Duration = Duration::from_millis(500);
/// The longest wait between two attempts.
pub const RETRY_MAX: Duration = Duration::from_secs(30);
/// The longest wait that another side may ask of us.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);
/// How many deliveries one channel performs at once; a hanging channel holds only its own.
pub const DELIVERIES_PER_CHANNEL: usize = 64;
/// How long one attempt may take, whatever the connector does.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);
/// How many failures in a row open a channel's breaker.
pub const BREAKER_FAILURES: u32 = 10;
/// How long an open breaker lets nothing through.
pub const BREAKER_PAUSE: Duration = Duration::from_secs(5);
/// How often the threshold rules look at their windows.
pub const RULES_EVERY: Duration = Duration::from_secs(1);
/// The longest the clock sleeps without looking again.
pub const CLOCK_SLEEP_MAX: Duration = Duration::from_secs(60);
/// How long the lease on a journal lasts that another node may take. Together with how often it is tried to take it and with
/// the time to fold what is new, this is how long nobody writes after a node died.
pub const LEASE: Duration = Duration::from_secs(2);
/// How often it is renewed: three renewals may fail before it is over.
pub const LEASE_RENEW: Duration = Duration::from_millis(500);
/// How often a node that stands by tries to take it.
pub const LEASE_TRY: Duration = Duration::from_millis(100);
/// How long the lease must have been seen to stand still, by the clock of a node that stands by, until it counts as over
/// whatever the database's clock says.
pub const LEASE_SILENT: Duration = Duration::from_secs(4);
/// How long the lease on a journal lasts that is one node's alone.
pub const LEASE_ALONE: Duration = Duration::from_secs(15);
/// How often that one is renewed.
pub const LEASE_RENEW_ALONE: Duration = Duration::from_secs(5);
/// How often a node that stands by folds what is new in the journal.
pub const FOLLOW_EVERY: Duration = Duration::from_millis(500);
/// The first wait after a failed append, while commands are refused; it doubles.
pub const RECOVERY_FIRST: Duration = Duration::from_millis(250);
/// The longest such wait.
pub const RECOVERY_MAX: Duration = Duration::from_secs(10);
/// How many facts may stand between two signed checkpoints.
pub const CHECKPOINT_EVERY_FACTS: u64 = 10_000;
