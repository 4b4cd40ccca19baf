-- The journal: one row a commit. `bytes` is zstd where that is shorter than `size`; `digest` is SHA-256 of the plain bytes.
CREATE TABLE block (
    first  BIGINT PRIMARY KEY CHECK (first >= 0),
    count  BIGINT NOT NULL CHECK (count > 0),
    at     BIGINT NOT NULL,
    size   BIGINT NOT NULL,
    digest BYTEA NOT NULL,
    bytes  BYTEA NOT NULL
);
-- The bytes are compressed already.
ALTER TABLE block ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- Which facts belong to a stream, for the areas whose history people read. Names are bytes here and in the vault,
-- because text in PostgreSQL cannot hold every text, and no collation must order them.
CREATE TABLE stream_fact (
    stream BYTEA NOT NULL,
    seq    BIGINT NOT NULL,
    PRIMARY KEY (stream, seq)
);

-- Folded state; the last two are kept.
CREATE TABLE snapshot (
    next   BIGINT PRIMARY KEY CHECK (next >= 0),
    size   BIGINT NOT NULL,
    digest BYTEA NOT NULL,
    bytes  BYTEA NOT NULL
);
ALTER TABLE snapshot ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- Secrets and sessions. Never journaled.
CREATE TABLE vault (
    kind    BYTEA NOT NULL,
    key     BYTEA NOT NULL,
    value   BYTEA NOT NULL,
    expires BIGINT,
    PRIMARY KEY (kind, key)
);
CREATE INDEX vault_expires ON vault (expires) WHERE expires IS NOT NULL;

-- Who may write. One row; instants everywhere are microseconds since 1970.
CREATE TABLE lease (
    id     SMALLINT PRIMARY KEY CHECK (id = 1),
    fence  BIGINT NOT NULL,
    holder TEXT NOT NULL,
    until  BIGINT NOT NULL
);
INSERT INTO lease (id, fence, holder, until) VALUES (1, 0, '', -9223372036854775808);
