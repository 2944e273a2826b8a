-- Whom events of the log are told, and who looked at whose orders. Times are unix microseconds of the store's clock.

-- The log itself is the outbox: an event and the need to tell it are one commit, and each row has its own place in it.
CREATE TABLE webhooks (
    id       TEXT   PRIMARY KEY,
    url      TEXT   NOT NULL,
    types    TEXT   NOT NULL, -- separated by spaces
    made_by  BYTEA  NOT NULL CHECK (length(made_by) = 20),
    made_at  BIGINT NOT NULL,
    ended_at BIGINT NOT NULL, -- zero until then
    seq      BIGINT NOT NULL, -- the event whose message was dealt with last,
    part     BIGINT NOT NULL  -- and which of its messages that was
);

CREATE TABLE deliveries (
    webhook   TEXT   NOT NULL REFERENCES webhooks (id),
    seq       BIGINT NOT NULL,
    part      BIGINT NOT NULL,
    type      TEXT   NOT NULL,
    ids       TEXT   NOT NULL, -- what it names, as JSON
    tries     BIGINT NOT NULL,
    tried_at  BIGINT NOT NULL,
    next_at   BIGINT NOT NULL, -- zero when it is not tried again
    delivered BIGINT NOT NULL CHECK (delivered IN (0, 1)),
    said      TEXT   NOT NULL, -- what the last try came to
    PRIMARY KEY (webhook, seq, part)
);
CREATE INDEX deliveries_by_age ON deliveries (tried_at);

-- Staff looking at customers' orders: a row for each page, numbered from 1 without a gap.
CREATE TABLE accesses (
    number    BIGINT PRIMARY KEY CHECK (number > 0),
    person    TEXT   NOT NULL,
    route     TEXT   NOT NULL,
    customers TEXT   NOT NULL, -- wallets, separated by spaces
    seen_at   BIGINT NOT NULL
);
CREATE TRIGGER accesses_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON accesses
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- In a book that was made from another's export: the rows that events up to this one count are with that one.
CREATE TABLE accesses_elsewhere (
    only_row BIGINT PRIMARY KEY CHECK (only_row = 1),
    seq      BIGINT NOT NULL
);
