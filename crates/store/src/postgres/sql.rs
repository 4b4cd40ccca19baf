//! The statements on PostgreSQL.

use crate::statements::statements;

statements! {
    /// The version of the server.
    VERSION = "SELECT current_setting('server_version')";
    /// Settings of the server under which an acknowledged commit may be lost.
    RISKS = "SELECT name FROM pg_settings WHERE name IN ('fsync', 'full_page_writes') AND setting = 'off'";
    /// Whether commits wait for the disk.
    COMMITS_WAIT = "SELECT current_setting('synchronous_commit') <> 'off'";
    /// Ends whatever transaction a cancelled caller left behind. It begins one first, because to end none at all would
    /// write a warning into the server's log each time.
    END_TRANSACTION = "BEGIN; ROLLBACK";

    /// Takes the lease when it is free, over, or the same holder's.
    TAKE_LEASE = "UPDATE lease SET fence = fence + 1, holder = $1, until = $3 WHERE holder = $1 OR until <= $2 \
                  RETURNING fence";
    /// The fence in force.
    FENCE = "SELECT fence FROM lease";
    /// The fence in force, which no one may change before this transaction ends.
    LOCK_FENCE = "SELECT fence FROM lease FOR UPDATE";
    /// Sets the end of the lease.
    SET_LEASE_END = "UPDATE lease SET until = $1 WHERE holder <> ''";
    /// Makes the lease free.
    FREE_LEASE = "UPDATE lease SET holder = '', until = -9223372036854775808";

    /// Writes a block and its index entries when the fence holds and the block continues the journal, and says whether
    /// it did. The lock on the lease makes a taker wait for an append under way, and an append see a taker.
    APPEND = "WITH held AS (SELECT fence FROM lease WHERE fence = $1 FOR UPDATE), \
              written AS ( \
                  INSERT INTO block (first, count, at, size, digest, bytes) \
                  SELECT $2, $3, $4, $5, $6, $7 FROM held \
                  WHERE $2 = coalesce((SELECT first + count FROM block ORDER BY first DESC LIMIT 1), 0) \
                  RETURNING first), \
              indexed AS ( \
                  INSERT INTO stream_fact (stream, seq) \
                  SELECT entry.stream, entry.seq FROM written, unnest($8::bytea[], $9::bigint[]) AS entry (stream, seq) \
                  ON CONFLICT DO NOTHING) \
              SELECT EXISTS (SELECT FROM written)";
    /// The fence in force and the place after the last record.
    TAIL = "SELECT fence, coalesce((SELECT first + count FROM block ORDER BY first DESC LIMIT 1), 0) FROM lease";
    /// What tells two blocks apart.
    BLOCK_IDENTITY = "SELECT count, digest FROM block WHERE first = $1";
    /// Writes other bytes for a block.
    REWRITE_BLOCK = "UPDATE block SET size = $2, digest = $3, bytes = $4 WHERE first = $1";
    /// One block.
    BLOCK = "SELECT first, count, at, size, digest, bytes FROM block WHERE first = $1";
    /// The blocks from the one that holds a place.
    BLOCKS = "SELECT first, count, at, size, digest, bytes FROM block \
              WHERE first >= coalesce((SELECT max(first) FROM block WHERE first <= $1), 0) AND first + count > $1 \
              ORDER BY first LIMIT $2";
    /// The place after the last record.
    NEXT_SEQ = "SELECT coalesce((SELECT first + count FROM block ORDER BY first DESC LIMIT 1), 0)";
    /// The facts of a stream.
    STREAM = "SELECT seq FROM stream_fact WHERE stream = $1 AND seq > $2 ORDER BY seq LIMIT $3";

    /// Snapshots, newest first.
    SNAPSHOTS = "SELECT next, size, digest, bytes FROM snapshot ORDER BY next DESC";
    /// Writes a snapshot.
    PUT_SNAPSHOT = "INSERT INTO snapshot (next, size, digest, bytes) VALUES ($1, $2, $3, $4) \
                    ON CONFLICT (next) DO UPDATE \
                    SET size = excluded.size, digest = excluded.digest, bytes = excluded.bytes";
    /// Drops all snapshots but the newest.
    DROP_SNAPSHOTS = "DELETE FROM snapshot WHERE next NOT IN (SELECT next FROM snapshot ORDER BY next DESC LIMIT $1)";

    /// A secret that has not expired.
    VAULT_GET = "SELECT value FROM vault WHERE kind = $1 AND key = $2 AND (expires IS NULL OR expires > $3)";
    /// Writes a secret.
    VAULT_PUT = "INSERT INTO vault (kind, key, value, expires) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value, expires = excluded.expires";
    /// Removes a secret and gives it when it has not expired.
    VAULT_TAKE = "DELETE FROM vault WHERE kind = $1 AND key = $2 \
                  RETURNING CASE WHEN expires IS NULL OR expires > $3 THEN value END";
    /// Removes secrets by the beginning of their keys.
    VAULT_FORGET = "DELETE FROM vault WHERE kind = $1 AND key >= $2 AND substring(key FOR length($2)) = $2";
    /// Removes expired secrets.
    VAULT_SWEEP = "DELETE FROM vault WHERE expires <= $1";
}
