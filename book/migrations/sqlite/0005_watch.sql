-- What one process does at a time for all that serve a book. None of it is part of the log.

-- Who does it. Every write of a holder checks the number in its own transaction.
CREATE TABLE leases (
    name    TEXT    PRIMARY KEY,
    holder  TEXT    NOT NULL,
    number  INTEGER NOT NULL CHECK (number > 0), -- grows with every holder
    ends_at INTEGER NOT NULL                     -- unix microseconds by the database's clock
) STRICT, WITHOUT ROWID;

-- How far the watcher of the chain has come.
CREATE TABLE watched (
    only_row    INTEGER PRIMARY KEY CHECK (only_row = 1),
    looked_at   INTEGER NOT NULL, -- unix microseconds of the store's clock
    latest      INTEGER NOT NULL, -- blocks by the node's tags
    latest_hash BLOB    NOT NULL CHECK (length(latest_hash) = 32),
    latest_time INTEGER NOT NULL, -- unix seconds
    safe        INTEGER NOT NULL,
    final       INTEGER NOT NULL,
    registry    INTEGER NOT NULL  -- the last block in which something changed that decides who may hold what
) STRICT;

-- Fills as the chain has them now, whether or not the log has recorded them yet.
CREATE TABLE chain_fills (
    bid           BLOB    PRIMARY KEY CHECK (length(bid) = 32),
    ask           BLOB    NOT NULL CHECK (length(ask) = 32),
    settlement_id TEXT    NOT NULL,
    total         BLOB    NOT NULL CHECK (length(total) = 16),
    tx_hash       BLOB    NOT NULL CHECK (length(tx_hash) = 32),
    block         INTEGER NOT NULL,
    state         TEXT    NOT NULL CHECK (state IN ('soft', 'safe', 'final', 'gone')),
    version       INTEGER NOT NULL, -- larger with every change of any row
    changed_at    INTEGER NOT NULL  -- unix microseconds of the store's clock
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX chain_fills_by_version ON chain_fills (version);

-- Settlements that were asked for over HTTP.
CREATE TABLE jobs (
    id         TEXT    PRIMARY KEY, -- a UUID v7
    match_id   TEXT    NOT NULL REFERENCES matches (id),
    asked_by   TEXT    NOT NULL,
    state      TEXT    NOT NULL CHECK (state IN ('waiting', 'running', 'submitted', 'unknown', 'settled', 'refused', 'failed')),
    steps      TEXT    NOT NULL,    -- JSON, oldest first
    made_at    INTEGER NOT NULL,    -- unix microseconds of the store's clock
    changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_by_match ON jobs (match_id, id);
-- A match is settled by one job at a time.
CREATE UNIQUE INDEX jobs_open ON jobs (match_id) WHERE state NOT IN ('settled', 'refused', 'failed');
