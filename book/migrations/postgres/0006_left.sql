-- What wallets left with the desk, for it to send. None of it is part of the log. Times are unix microseconds of the store's
-- clock.

-- Cancels that the owners of orders signed.
CREATE TABLE left_cancels (
    order_id   BYTEA   PRIMARY KEY CHECK (length(order_id) = 32),
    signature  BYTEA   NOT NULL,
    state      TEXT    NOT NULL CHECK (state IN ('waiting', 'sent', 'refused')),
    said       TEXT    NOT NULL, -- why it was refused
    tx_hash    BYTEA   CHECK (length(tx_hash) = 32),
    made_at    BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);
CREATE INDEX left_cancels_waiting ON left_cancels (made_at) WHERE state = 'waiting';

-- Allowances that wallets signed (EIP-2612).
CREATE TABLE left_permits (
    id         TEXT    PRIMARY KEY, -- a UUID v7
    token      BYTEA   NOT NULL CHECK (length(token) = 20),
    owner      BYTEA   NOT NULL CHECK (length(owner) = 20),
    value      BYTEA   NOT NULL CHECK (length(value) = 32), -- base units, big-endian
    nonce      BYTEA   NOT NULL CHECK (length(nonce) = 32),
    deadline   BIGINT NOT NULL, -- unix seconds
    signature  BYTEA   NOT NULL CHECK (length(signature) = 65),
    state      TEXT    NOT NULL CHECK (state IN ('waiting', 'sent', 'refused', 'withdrawn')),
    said       TEXT    NOT NULL, -- why it was refused
    tx_hash    BYTEA   CHECK (length(tx_hash) = 32),
    made_at    BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);
CREATE INDEX left_permits_by_owner ON left_permits (owner, id);
-- A token's permits of one owner have one next nonce.
CREATE UNIQUE INDEX left_permits_waiting ON left_permits (owner, token) WHERE state = 'waiting';
