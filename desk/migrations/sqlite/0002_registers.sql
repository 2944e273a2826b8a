-- Registers as they stood after a block, so that a later one need not be folded from the first log on. Nothing is only here.
CREATE TABLE registers (
    chain      INTEGER NOT NULL,
    contract   BLOB    NOT NULL CHECK (length(contract) = 20),
    last_block INTEGER NOT NULL CHECK (last_block >= 0),
    -- All logs up to that block.
    logs       INTEGER NOT NULL CHECK (logs >= 0),
    data       BLOB    NOT NULL,
    UNIQUE (chain, contract, last_block)
) STRICT;
