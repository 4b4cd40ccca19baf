-- The journal: one row a commit. `bytes` is zstd where that is shorter than `size`; `digest` is SHA-256 of the plain bytes.
CREATE TABLE block (
    first  INTEGER PRIMARY KEY CHECK (first >= 0),
    count  INTEGER NOT NULL CHECK (count > 0),
    at     INTEGER NOT NULL,
    size   INTEGER NOT NULL,
    digest BLOB NOT NULL,
    bytes  BLOB NOT NULL
) STRICT;

-- Which facts belong to a stream, for the areas whose history people read.
CREATE TABLE stream_fact (
    stream TEXT NOT NULL,
    seq    INTEGER NOT NULL,
    PRIMARY KEY (stream, seq)
) STRICT, WITHOUT ROWID;

-- Folded state; the last two are kept.
CREATE TABLE snapshot (
    next   INTEGER PRIMARY KEY CHECK (next >= 0),
    size   INTEGER NOT NULL,
    digest BLOB NOT NULL,
    bytes  BLOB NOT NULL
) STRICT;

-- Secrets and sessions. Never journaled.
CREATE TABLE vault (
    kind    TEXT NOT NULL,
    key     TEXT NOT NULL,
    value   BLOB NOT NULL,
    expires INTEGER,
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX vault_expires ON vault (expires) WHERE expires IS NOT NULL;

-- Who may write. One row; instants everywhere are microseconds since 1970.
CREATE TABLE lease (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    fence  INTEGER NOT NULL,
    holder TEXT NOT NULL,
    until  INTEGER NOT NULL
) STRICT;
INSERT INTO lease (id, fence, holder, until) VALUES (1, 0, '', -9223372036854775808);
