-- What contracts logged, in pages of consecutive blocks without a gap. Everything here can be read from the chain again.
CREATE TABLE pages (
    chain       BIGINT NOT NULL,
    contract    BYTEA  NOT NULL CHECK (length(contract) = 20),
    first_block BIGINT NOT NULL CHECK (first_block >= 0),
    last_block  BIGINT NOT NULL CHECK (last_block >= first_block),
    last_hash   BYTEA  NOT NULL CHECK (length(last_hash) = 32),
    last_time   BIGINT NOT NULL,
    logs        BIGINT NOT NULL CHECK (logs >= 0),
    data        BYTEA  NOT NULL,
    UNIQUE (chain, contract, last_block)
);
