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

    /// Takes the lease when it is free, over, or the same holder's. Instants are the database's own.
    TAKE_LEASE = "UPDATE lease SET fence = fence + 1, holder = $1, \
                      until = (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + $2 \
                  WHERE holder = $1 OR until <= (extract(epoch FROM clock_timestamp()) * 1000000)::bigint \
                  RETURNING fence";
    /// Takes the lease when it is as it was seen.
    TAKE_SILENT_LEASE = "UPDATE lease SET fence = fence + 1, holder = $1, \
                             until = (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + $2 \
                         WHERE fence = $3 AND until = $4 RETURNING fence";
    /// Who writes, or wrote last.
    LEASE = "SELECT holder, fence, until FROM lease";
    /// The fence in force.
    FENCE = "SELECT fence FROM lease";
    /// The fence in force, which no one may change before this transaction ends.
    LOCK_FENCE = "SELECT fence FROM lease FOR UPDATE";
    /// Sets the end of the lease, unless it was given up, and says whether the fence holds. One statement, because a node that
    /// is stopped between two would hold the lock, and with it the next taker.
    RENEW_LEASE = "UPDATE lease SET until = CASE WHEN holder = '' THEN until \
                       ELSE (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + $2 END \
                   WHERE fence = $1 RETURNING fence";
    /// Makes the lease free.
    FREE_LEASE = "UPDATE lease SET holder = '', until = -9223372036854775808 WHERE fence = $1 RETURNING fence";

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

    /// Says that a node is there.
    ANNOUNCE = "INSERT INTO node (name, url, book, until) \
                VALUES ($1, $2, $3, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + $4) \
                ON CONFLICT (name) DO UPDATE SET url = excluded.url, book = excluded.book, until = excluded.until";
    /// The nodes that are there.
    NODES = "SELECT name, url, book FROM node \
             WHERE until > (extract(epoch FROM clock_timestamp()) * 1000000)::bigint ORDER BY name LIMIT $1";
    /// Forgets a node, and those that have been gone for a day.
    FORGET_NODE = "DELETE FROM node \
                   WHERE name = $1 OR until < (extract(epoch FROM clock_timestamp()) * 1000000)::bigint - 86400000000";
    /// Gives up whatever a node held.
    FREE_SHARDS_OF = "UPDATE shard SET holder = '', until = -9223372036854775808 WHERE holder = $1";

    /// Makes shards known that are not.
    NAME_SHARDS = "INSERT INTO shard (key, fence, holder, until) \
                   SELECT key, 0, '', -9223372036854775808 FROM unnest($1::bytea[]) AS wanted (key) \
                   ON CONFLICT DO NOTHING";
    /// Takes those shards that are free, over, or the same holder's. The locks are taken in one order, so that two
    /// takers do not wait for each other.
    TAKE_SHARDS = "WITH wanted AS (SELECT key, holder = $1 \
                       OR until <= (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS free \
                       FROM shard WHERE key = ANY($2) ORDER BY key FOR UPDATE) \
                   UPDATE shard SET fence = fence + 1, holder = $1, \
                       until = (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + $3 \
                   FROM wanted WHERE shard.key = wanted.key AND wanted.free \
                   RETURNING shard.key, shard.fence, shard.state, shard.learnt";
    /// Keeps shards for longer.
    RENEW_SHARDS = "UPDATE shard SET until = (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + $4 \
                    FROM unnest($2::bytea[], $3::bigint[]) AS held (key, fence) \
                    WHERE shard.key = held.key AND shard.fence = held.fence AND holder = $1 RETURNING shard.key";
    /// Gives shards up.
    FREE_SHARDS = "UPDATE shard SET holder = '', until = -9223372036854775808 \
                   FROM unnest($1::bytea[], $2::bigint[]) AS held (key, fence) \
                   WHERE shard.key = held.key AND shard.fence = held.fence";
    /// Keeps what a group remembers.
    KEEP_STATE = "UPDATE shard SET state = $3 WHERE key = $1 AND fence = $2 RETURNING fence";
    /// Keeps what its series have taught it.
    KEEP_LEARNT = "UPDATE shard SET learnt = $3 WHERE key = $1 AND fence = $2 RETURNING fence";
    /// Keeps what the evaluating node tells readers.
    KEEP_REPORT = "UPDATE shard SET report = $3 WHERE key = $1 AND fence = $2 RETURNING fence";
    /// Every shard, and who holds it.
    SHARDS = "SELECT key, CASE WHEN until > (extract(epoch FROM clock_timestamp()) * 1000000)::bigint \
                  THEN holder ELSE '' END, report FROM shard ORDER BY key";

    /// Puts a letter into the inbox while the fence holds and there is room, and says both.
    POST = "WITH held AS (SELECT fence FROM shard WHERE key = $1 AND fence = $2 FOR UPDATE), \
            room AS (SELECT count(*) < $5 AS open FROM inbox WHERE shard = $1), \
            posted AS ( \
                INSERT INTO inbox (shard, fence, number, bytes) \
                SELECT $1, held.fence, $3, $4 FROM held, room WHERE room.open ON CONFLICT DO NOTHING) \
            SELECT EXISTS (SELECT FROM held), (SELECT open FROM room)";
    /// The first letters, in order for each shard.
    LETTERS = "SELECT id, shard, fence, number, bytes FROM inbox ORDER BY shard, fence, number LIMIT $1";
    /// Takes letters out.
    DISCARD = "DELETE FROM inbox WHERE id = ANY($1)";
    /// Which shards have letters.
    WAITING = "SELECT DISTINCT shard FROM inbox WHERE shard = ANY($1)";

    /// Leaves samples for the other nodes while the fence holds.
    RECORD = "WITH held AS (SELECT fence FROM shard WHERE key = $1 AND fence = $2 FOR UPDATE), \
              old AS (DELETE FROM recorded \
                  WHERE shard = $1 AND at < (extract(epoch FROM clock_timestamp()) * 1000000)::bigint - $4) \
              INSERT INTO recorded (shard, at, bytes) \
              SELECT $1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, $3 FROM held RETURNING id";
    /// What was recorded after the numbers that are known, in order for each shard.
    RECORDED = "SELECT recorded.id, recorded.shard, recorded.bytes FROM recorded \
                LEFT JOIN unnest($1::bytea[], $2::bigint[]) AS known (shard, id) ON known.shard = recorded.shard \
                JOIN shard ON shard.key = recorded.shard \
                WHERE recorded.id > coalesce(known.id, 0) AND shard.holder <> $3 \
                ORDER BY recorded.shard, recorded.id LIMIT $4";
}
