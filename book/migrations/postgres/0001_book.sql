-- The log. Everything else can be rebuilt from it.
CREATE TABLE events (
    seq         BIGINT PRIMARY KEY CHECK (seq > 0),
    type        TEXT   NOT NULL,
    subject     TEXT   NOT NULL,
    occurred_at BIGINT NOT NULL, -- unix microseconds
    captured_at BIGINT NOT NULL, -- unix microseconds
    actor       TEXT   NOT NULL CHECK (length(actor) > 0),
    reason      TEXT   NOT NULL,
    body        TEXT   NOT NULL, -- canonical JSON
    prev        BYTEA  NOT NULL CHECK (length(prev) = 32),
    hash        BYTEA  NOT NULL CHECK (length(hash) = 32)
);
-- Orders are found through their own table; everything else is rare enough to be indexed by subject.
CREATE INDEX events_by_subject ON events (subject, seq) WHERE type <> 'order_posted';
CREATE INDEX events_by_type ON events (type, seq) WHERE type <> 'order_posted';

-- What the log commits to: one row, rewritten with every append.
CREATE TABLE head (
    only_row    BIGINT PRIMARY KEY CHECK (only_row = 1),
    size        BIGINT NOT NULL,
    hash        BYTEA  NOT NULL CHECK (length(hash) = 32),
    root        BYTEA  NOT NULL CHECK (length(root) = 32),
    captured_at BIGINT NOT NULL,
    frontier    BYTEA  NOT NULL -- the roots of the complete subtrees, largest first
);

-- Complete subtrees of the Merkle tree at every fourth level (16, 256, 4096, ... leaves).
CREATE TABLE merkle (
    level    BIGINT NOT NULL CHECK (level > 0),
    position BIGINT NOT NULL CHECK (position >= 0),
    hash     BYTEA  NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, position)
);

CREATE TABLE securities (
    seq      BIGINT PRIMARY KEY REFERENCES events (seq),
    symbol   TEXT   NOT NULL UNIQUE,
    isin     TEXT   NOT NULL UNIQUE,
    token    BYTEA  NOT NULL UNIQUE CHECK (length(token) = 20),
    name     TEXT   NOT NULL,
    decimals BIGINT NOT NULL
);

-- What orders are searched by; the record itself is the body of the event that posted it.
CREATE TABLE orders (
    seq      BIGINT PRIMARY KEY REFERENCES events (seq),
    id       BYTEA  NOT NULL UNIQUE CHECK (length(id) = 32),
    security BIGINT NOT NULL REFERENCES securities (seq),
    side     BIGINT NOT NULL CHECK (side IN (0, 1)),
    price    BYTEA  NOT NULL CHECK (length(price) = 16),    -- 10^-18 dollars, big-endian
    quantity BYTEA  NOT NULL CHECK (length(quantity) = 16), -- base units, big-endian
    expiry   BIGINT NOT NULL,                               -- unix seconds
    owner    BYTEA  NOT NULL CHECK (length(owner) = 20),
    account  TEXT   NOT NULL
);
CREATE INDEX orders_by_security ON orders (security, seq);
CREATE INDEX orders_by_owner ON orders (owner, seq);

-- An order without a row here is OPEN.
CREATE TABLE closings (
    order_seq BIGINT PRIMARY KEY REFERENCES orders (seq),
    state     BIGINT NOT NULL CHECK (state IN (2, 3)), -- 2 filled, 3 cancelled
    seq       BIGINT NOT NULL REFERENCES events (seq)
);
CREATE INDEX closings_by_event ON closings (seq);

-- The open orders in book sequence, kept by the triggers below.
CREATE TABLE open_orders (
    security BIGINT NOT NULL,
    side     BIGINT NOT NULL,
    price    BYTEA  NOT NULL,
    seq      BIGINT NOT NULL REFERENCES orders (seq),
    quantity BYTEA  NOT NULL,
    expiry   BIGINT NOT NULL,
    PRIMARY KEY (security, side, price, seq)
);
CREATE INDEX open_orders_by_expiry ON open_orders (security, side, expiry);

-- The open orders added up by price, expired ones included; the quantity in four parts of 32 bits, lowest first.
CREATE TABLE levels (
    security  BIGINT NOT NULL,
    side      BIGINT NOT NULL,
    price     BYTEA NOT NULL,
    orders    BIGINT NOT NULL,
    quantity0 BIGINT NOT NULL,
    quantity1 BIGINT NOT NULL,
    quantity2 BIGINT NOT NULL,
    quantity3 BIGINT NOT NULL,
    PRIMARY KEY (security, side, price)
);

CREATE TABLE matches (
    id           TEXT   PRIMARY KEY,                -- a UUID v7
    bid          BYTEA  NOT NULL REFERENCES orders (id),
    ask          BYTEA  NOT NULL REFERENCES orders (id),
    total        BYTEA  NOT NULL CHECK (length(total) = 16),
    state        TEXT   NOT NULL,
    proposed_by  TEXT   NOT NULL,
    approved_by  TEXT,
    tx_hash      BYTEA,
    nonce        BIGINT,
    sender       BYTEA,
    proposed_seq BIGINT NOT NULL UNIQUE REFERENCES events (seq),
    changed_seq  BIGINT NOT NULL REFERENCES events (seq)
);
CREATE INDEX matches_by_bid ON matches (bid);
CREATE INDEX matches_by_ask ON matches (ask);
CREATE INDEX matches_by_state ON matches (state, proposed_seq);
-- An order is in one live match at most.
CREATE UNIQUE INDEX matches_live_bid ON matches (bid) WHERE state NOT IN ('REFUSED', 'SETTLED');
CREATE UNIQUE INDEX matches_live_ask ON matches (ask) WHERE state NOT IN ('REFUSED', 'SETTLED');

CREATE FUNCTION open_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO open_orders (security, side, price, seq, quantity, expiry)
    VALUES (NEW.security, NEW.side, NEW.price, NEW.seq, NEW.quantity, NEW.expiry);
    RETURN NULL;
END $$;
CREATE TRIGGER orders_open AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION open_order();

CREATE FUNCTION close_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM open_orders o USING orders p
    WHERE p.seq = NEW.order_seq
      AND (o.security, o.side, o.price, o.seq) = (p.security, p.side, p.price, p.seq);
    RETURN NULL;
END $$;
CREATE TRIGGER closings_close AFTER INSERT ON closings FOR EACH ROW EXECUTE FUNCTION close_order();

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;
CREATE TRIGGER events_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER merkle_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON merkle
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER securities_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON securities
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER orders_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON orders
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER closings_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON closings
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER head_keep BEFORE DELETE OR TRUNCATE ON head
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER matches_keep BEFORE DELETE OR TRUNCATE ON matches
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE FUNCTION refuse_step_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.size <= OLD.size THEN
        RAISE EXCEPTION 'the head only moves forward';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER head_grows BEFORE UPDATE ON head FOR EACH ROW EXECUTE FUNCTION refuse_step_back();
