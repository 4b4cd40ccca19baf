-- Nodes that share this database, and what they share out among each other. Instants are microseconds since 1970 by the
-- database's own clock, so that no two nodes must agree about the time.
CREATE TABLE node (
    name  TEXT PRIMARY KEY,
    url   TEXT NOT NULL,
    -- The digest of the watchbook that the node has.
    book  BYTEA NOT NULL,
    until BIGINT NOT NULL
);

-- Groups of rules over a source, each evaluated by one node at a time. `state` is what the group remembers, `learnt` what
-- its series have taught it, `report` what the evaluating node tells readers; only the holder of the fence writes them.
CREATE TABLE shard (
    key    BYTEA PRIMARY KEY,
    fence  BIGINT NOT NULL,
    holder TEXT NOT NULL,
    until  BIGINT NOT NULL,
    state  BYTEA,
    learnt BYTEA,
    report BYTEA
);

-- What evaluations decided, on its way to the one writer, which takes it out when it is in the journal.
CREATE TABLE inbox (
    id     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shard  BYTEA NOT NULL,
    fence  BIGINT NOT NULL,
    number BIGINT NOT NULL,
    bytes  BYTEA NOT NULL,
    UNIQUE (shard, fence, number)
);

-- Samples that rules over a source recorded, for the other nodes. They are monitoring data and no facts, so a crash of the
-- database may lose them.
CREATE UNLOGGED TABLE recorded (
    id    BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shard BYTEA NOT NULL,
    at    BIGINT NOT NULL,
    bytes BYTEA NOT NULL
);
CREATE INDEX recorded_shard ON recorded (shard, id);
CREATE INDEX recorded_at ON recorded (at);
