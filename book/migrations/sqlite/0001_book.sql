-- The log. Everything else can be rebuilt from it.
CREATE TABLE events (
    seq         INTEGER PRIMARY KEY CHECK (seq > 0),
    type        TEXT    NOT NULL,
    subject     TEXT    NOT NULL,
    occurred_at INTEGER NOT NULL, -- unix microseconds
    captured_at INTEGER NOT NULL, -- unix microseconds
    actor       TEXT    NOT NULL CHECK (length(actor) > 0),
    reason      TEXT    NOT NULL,
    body        TEXT    NOT NULL, -- canonical JSON
    prev        BLOB    NOT NULL CHECK (length(prev) = 32),
    hash        BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;
-- Orders are found through their own table; everything else is rare enough to be indexed by subject.
CREATE INDEX events_by_subject ON events (subject, seq) WHERE type <> 'order_posted';
CREATE INDEX events_by_type ON events (type, seq) WHERE type <> 'order_posted';

-- What the log commits to: one row, rewritten with every append.
CREATE TABLE head (
    only_row    INTEGER PRIMARY KEY CHECK (only_row = 1),
    size        INTEGER NOT NULL,
    hash        BLOB    NOT NULL CHECK (length(hash) = 32),
    root        BLOB    NOT NULL CHECK (length(root) = 32),
    captured_at INTEGER NOT NULL,
    frontier    BLOB    NOT NULL -- the roots of the complete subtrees, largest first
) STRICT;

-- Complete subtrees of the Merkle tree at every fourth level (16, 256, 4096, ... leaves).
CREATE TABLE merkle (
    level    INTEGER NOT NULL CHECK (level > 0),
    position INTEGER NOT NULL CHECK (position >= 0),
    hash     BLOB    NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE securities (
    seq      INTEGER PRIMARY KEY REFERENCES events (seq),
    symbol   TEXT    NOT NULL UNIQUE,
    isin     TEXT    NOT NULL UNIQUE,
    token    BLOB    NOT NULL UNIQUE CHECK (length(token) = 20),
    name     TEXT    NOT NULL,
    decimals INTEGER NOT NULL
) STRICT;

-- What orders are searched by; the record itself is the body of the event that posted it.
CREATE TABLE orders (
    seq      INTEGER PRIMARY KEY REFERENCES events (seq),
    id       BLOB    NOT NULL UNIQUE CHECK (length(id) = 32),
    security INTEGER NOT NULL REFERENCES securities (seq),
    side     INTEGER NOT NULL CHECK (side IN (0, 1)),
    price    BLOB    NOT NULL CHECK (length(price) = 16),    -- 10^-18 dollars, big-endian
    quantity BLOB    NOT NULL CHECK (length(quantity) = 16), -- base units, big-endian
    expiry   INTEGER NOT NULL,                               -- unix seconds
    owner    BLOB    NOT NULL CHECK (length(owner) = 20),
    account  TEXT    NOT NULL
) STRICT;
CREATE INDEX orders_by_security ON orders (security, seq);
CREATE INDEX orders_by_owner ON orders (owner, seq);

-- An order without a row here is OPEN.
CREATE TABLE closings (
    order_seq INTEGER PRIMARY KEY REFERENCES orders (seq),
    state     INTEGER NOT NULL CHECK (state IN (2, 3)), -- 2 filled, 3 cancelled
    seq       INTEGER NOT NULL REFERENCES events (seq)
) STRICT;
CREATE INDEX closings_by_event ON closings (seq);

-- The open orders in book sequence, kept by the triggers below.
CREATE TABLE open_orders (
    security INTEGER NOT NULL,
    side     INTEGER NOT NULL,
    price    BLOB    NOT NULL,
    seq      INTEGER NOT NULL REFERENCES orders (seq),
    quantity BLOB    NOT NULL,
    expiry   INTEGER NOT NULL,
    PRIMARY KEY (security, side, price, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX open_orders_by_expiry ON open_orders (security, side, expiry);

-- The open orders added up by price, expired ones included; the quantity in four parts of 32 bits, lowest first.
CREATE TABLE levels (
    security  INTEGER NOT NULL,
    side      INTEGER NOT NULL,
    price     BLOB NOT NULL,
    orders    INTEGER NOT NULL,
    quantity0 INTEGER NOT NULL,
    quantity1 INTEGER NOT NULL,
    quantity2 INTEGER NOT NULL,
    quantity3 INTEGER NOT NULL,
    PRIMARY KEY (security, side, price)
) STRICT, WITHOUT ROWID;

CREATE TABLE matches (
    id           TEXT    PRIMARY KEY,                 -- a UUID v7
    bid          BLOB    NOT NULL REFERENCES orders (id),
    ask          BLOB    NOT NULL REFERENCES orders (id),
    total        BLOB    NOT NULL CHECK (length(total) = 16),
    state        TEXT    NOT NULL,
    proposed_by  TEXT    NOT NULL,
    approved_by  TEXT,
    tx_hash      BLOB,
    nonce        INTEGER,
    sender       BLOB,
    proposed_seq INTEGER NOT NULL UNIQUE REFERENCES events (seq),
    changed_seq  INTEGER NOT NULL REFERENCES events (seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX matches_by_bid ON matches (bid);
CREATE INDEX matches_by_ask ON matches (ask);
CREATE INDEX matches_by_state ON matches (state, proposed_seq);
-- An order is in one live match at most.
CREATE UNIQUE INDEX matches_live_bid ON matches (bid) WHERE state NOT IN ('REFUSED', 'SETTLED');
CREATE UNIQUE INDEX matches_live_ask ON matches (ask) WHERE state NOT IN ('REFUSED', 'SETTLED');

CREATE TRIGGER orders_open AFTER INSERT ON orders BEGIN
    INSERT INTO open_orders (security, side, price, seq, quantity, expiry)
    VALUES (NEW.security, NEW.side, NEW.price, NEW.seq, NEW.quantity, NEW.expiry);
END;
CREATE TRIGGER closings_close AFTER INSERT ON closings BEGIN
    DELETE FROM open_orders WHERE (security, side, price, seq) =
        (SELECT security, side, price, seq FROM orders WHERE seq = NEW.order_seq);
END;

CREATE TRIGGER events_keep_content BEFORE UPDATE ON events BEGIN
    SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_keep_rows BEFORE DELETE ON events BEGIN
    SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER merkle_keep_content BEFORE UPDATE ON merkle BEGIN
    SELECT RAISE(ABORT, 'merkle is append-only'); END;
CREATE TRIGGER merkle_keep_rows BEFORE DELETE ON merkle BEGIN
    SELECT RAISE(ABORT, 'merkle is append-only'); END;
CREATE TRIGGER securities_keep_content BEFORE UPDATE ON securities BEGIN
    SELECT RAISE(ABORT, 'securities are append-only'); END;
CREATE TRIGGER securities_keep_rows BEFORE DELETE ON securities BEGIN
    SELECT RAISE(ABORT, 'securities are append-only'); END;
CREATE TRIGGER orders_keep_content BEFORE UPDATE ON orders BEGIN
    SELECT RAISE(ABORT, 'orders are append-only'); END;
CREATE TRIGGER orders_keep_rows BEFORE DELETE ON orders BEGIN
    SELECT RAISE(ABORT, 'orders are append-only'); END;
CREATE TRIGGER closings_keep_content BEFORE UPDATE ON closings BEGIN
    SELECT RAISE(ABORT, 'closings are append-only'); END;
CREATE TRIGGER closings_keep_rows BEFORE DELETE ON closings BEGIN
    SELECT RAISE(ABORT, 'closings are append-only'); END;
CREATE TRIGGER head_grows BEFORE UPDATE ON head WHEN NEW.size <= OLD.size BEGIN
    SELECT RAISE(ABORT, 'the head only moves forward'); END;
CREATE TRIGGER head_keep_row BEFORE DELETE ON head BEGIN
    SELECT RAISE(ABORT, 'the head is never deleted'); END;
CREATE TRIGGER matches_keep_rows BEFORE DELETE ON matches BEGIN
    SELECT RAISE(ABORT, 'matches are never deleted'); END;
