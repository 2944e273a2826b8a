-- What contracts logged, in pages of consecutive blocks without a gap. Everything here can be read from the chain again.
CREATE TABLE pages (
    chain       INTEGER NOT NULL,
    contract    BLOB    NOT NULL CHECK (length(contract) = 20),
    first_block INTEGER NOT NULL CHECK (first_block >= 0),
    last_block  INTEGER NOT NULL CHECK (last_block >= first_block),
    last_hash   BLOB    NOT NULL CHECK (length(last_hash) = 32),
    last_time   INTEGER NOT NULL,
    logs        INTEGER NOT NULL CHECK (logs >= 0),
    data        BLOB    NOT NULL,
    UNIQUE (chain, contract, last_block)
) STRICT;
