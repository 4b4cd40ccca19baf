//! The statements on SQLite.

use crate::statements::statements;

statements! {
    /// The version of the library.
    VERSION = "SELECT sqlite_version()";

    /// Takes the lease when it is free, over, or the same holder's.
    TAKE_LEASE = "UPDATE lease SET fence = fence + 1, holder = ?1, until = ?3 WHERE holder = ?1 OR until <= ?2 \
                  RETURNING fence";
    /// The fence in force.
    FENCE = "SELECT fence FROM lease";
    /// Sets the end of the lease.
    SET_LEASE_END = "UPDATE lease SET until = ?1 WHERE holder <> ''";
    /// Makes the lease free.
    FREE_LEASE = "UPDATE lease SET holder = '', until = -9223372036854775808";

    /// The fence in force and the place after the last record.
    TAIL = "SELECT fence, coalesce((SELECT first + count FROM block ORDER BY first DESC LIMIT 1), 0) FROM lease";
    /// What tells two blocks apart.
    BLOCK_IDENTITY = "SELECT count, digest FROM block WHERE first = ?1";
    /// Writes a block.
    INSERT_BLOCK = "INSERT INTO block (first, count, at, size, digest, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    /// Writes index entries, given as JSON pairs.
    INSERT_INDEX = "INSERT OR IGNORE INTO stream_fact (stream, seq) \
                    SELECT value ->> 0, value ->> 1 FROM json_each(?1)";
    /// Writes other bytes for a block.
    REWRITE_BLOCK = "UPDATE block SET size = ?2, digest = ?3, bytes = ?4 WHERE first = ?1";
    /// One block.
    BLOCK = "SELECT first, count, at, size, digest, bytes FROM block WHERE first = ?1";
    /// The blocks from the one that holds a place.
    BLOCKS = "SELECT first, count, at, size, digest, bytes FROM block \
              WHERE first >= coalesce((SELECT max(first) FROM block WHERE first <= ?1), 0) AND first + count > ?1 \
              ORDER BY first LIMIT ?2";
    /// The place after the last record.
    NEXT_SEQ = "SELECT coalesce((SELECT first + count FROM block ORDER BY first DESC LIMIT 1), 0)";
    /// The facts of a stream.
    STREAM = "SELECT seq FROM stream_fact WHERE stream = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
    /// Moves the write-ahead log into the file and empties it, so that erased bytes do not linger there.
    EMPTY_LOG = "PRAGMA wal_checkpoint(TRUNCATE)";

    /// Snapshots, newest first.
    SNAPSHOTS = "SELECT next, size, digest, bytes FROM snapshot ORDER BY next DESC";
    /// Writes a snapshot.
    PUT_SNAPSHOT = "INSERT OR REPLACE INTO snapshot (next, size, digest, bytes) VALUES (?1, ?2, ?3, ?4)";
    /// Drops all snapshots but the newest.
    DROP_SNAPSHOTS = "DELETE FROM snapshot WHERE next NOT IN (SELECT next FROM snapshot ORDER BY next DESC LIMIT ?1)";

    /// A secret that has not expired.
    VAULT_GET = "SELECT value FROM vault WHERE kind = ?1 AND key = ?2 AND (expires IS NULL OR expires > ?3)";
    /// Writes a secret.
    VAULT_PUT = "INSERT OR REPLACE INTO vault (kind, key, value, expires) VALUES (?1, ?2, ?3, ?4)";
    /// Removes a secret and gives it when it has not expired.
    VAULT_TAKE = "DELETE FROM vault WHERE kind = ?1 AND key = ?2 \
                  RETURNING CASE WHEN expires IS NULL OR expires > ?3 THEN value END";
    /// Removes secrets by the beginning of their keys. Compared as bytes, because `length` of a text ends at a NUL.
    VAULT_FORGET = "DELETE FROM vault WHERE kind = ?1 AND key >= ?2 \
                    AND substr(CAST(key AS BLOB), 1, length(CAST(?2 AS BLOB))) = CAST(?2 AS BLOB)";
    /// Removes expired secrets.
    VAULT_SWEEP = "DELETE FROM vault WHERE expires <= ?1";
}
