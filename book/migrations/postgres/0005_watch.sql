-- What one process does at a time for all that serve a book. None of it is part of the log.

-- Who does it. Every write of a holder checks the number in its own transaction.
CREATE TABLE leases (
    name    TEXT    PRIMARY KEY,
    holder  TEXT    NOT NULL,
    number  BIGINT NOT NULL CHECK (number > 0), -- grows with every holder
    ends_at BIGINT NOT NULL                     -- unix microseconds by the database's clock
);

-- How far the watcher of the chain has come.
CREATE TABLE watched (
    only_row    BIGINT PRIMARY KEY CHECK (only_row = 1),
    looked_at   BIGINT NOT NULL, -- unix microseconds of the store's clock
    latest      BIGINT NOT NULL, -- blocks by the node's tags
    latest_hash BYTEA   NOT NULL CHECK (length(latest_hash) = 32),
    latest_time BIGINT NOT NULL, -- unix seconds
    safe        BIGINT NOT NULL,
    final       BIGINT NOT NULL,
    registry    BIGINT NOT NULL  -- the last block in which something changed that decides who may hold what
);

-- Fills as the chain has them now, whether or not the log has recorded them yet.
CREATE TABLE chain_fills (
    bid           BYTEA   PRIMARY KEY CHECK (length(bid) = 32),
    ask           BYTEA   NOT NULL CHECK (length(ask) = 32),
    settlement_id TEXT    NOT NULL,
    total         BYTEA   NOT NULL CHECK (length(total) = 16),
    tx_hash       BYTEA   NOT NULL CHECK (length(tx_hash) = 32),
    block         BIGINT NOT NULL,
    state         TEXT    NOT NULL CHECK (state IN ('soft', 'safe', 'final', 'gone')),
    version       BIGINT NOT NULL, -- larger with every change of any row
    changed_at    BIGINT NOT NULL  -- unix microseconds of the store's clock
);
CREATE UNIQUE INDEX chain_fills_by_version ON chain_fills (version);

-- Settlements that were asked for over HTTP.
CREATE TABLE jobs (
    id         TEXT    PRIMARY KEY, -- a UUID v7
    match_id   TEXT    NOT NULL REFERENCES matches (id),
    asked_by   TEXT    NOT NULL,
    state      TEXT    NOT NULL CHECK (state IN ('waiting', 'running', 'submitted', 'unknown', 'settled', 'refused', 'failed')),
    steps      TEXT    NOT NULL,    -- JSON, oldest first
    made_at    BIGINT NOT NULL,    -- unix microseconds of the store's clock
    changed_at BIGINT NOT NULL
);
CREATE INDEX jobs_by_match ON jobs (match_id, id);
-- A match is settled by one job at a time.
CREATE UNIQUE INDEX jobs_open ON jobs (match_id) WHERE state NOT IN ('settled', 'refused', 'failed');
