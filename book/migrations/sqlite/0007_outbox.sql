-- Whom events of the log are told, and who looked at whose orders. Times are unix microseconds of the store's clock.

-- The log itself is the outbox: an event and the need to tell it are one commit, and each row has its own place in it.
CREATE TABLE webhooks (
    id       TEXT    PRIMARY KEY,
    url      TEXT    NOT NULL,
    types    TEXT    NOT NULL, -- separated by spaces
    made_by  BLOB    NOT NULL CHECK (length(made_by) = 20),
    made_at  INTEGER NOT NULL,
    ended_at INTEGER NOT NULL, -- zero until then
    seq      INTEGER NOT NULL, -- the event whose message was dealt with last,
    part     INTEGER NOT NULL  -- and which of its messages that was
) STRICT, WITHOUT ROWID;

CREATE TABLE deliveries (
    webhook   TEXT    NOT NULL REFERENCES webhooks (id),
    seq       INTEGER NOT NULL,
    part      INTEGER NOT NULL,
    type      TEXT    NOT NULL,
    ids       TEXT    NOT NULL, -- what it names, as JSON
    tries     INTEGER NOT NULL,
    tried_at  INTEGER NOT NULL,
    next_at   INTEGER NOT NULL, -- zero when it is not tried again
    delivered INTEGER NOT NULL CHECK (delivered IN (0, 1)),
    said      TEXT    NOT NULL, -- what the last try came to
    PRIMARY KEY (webhook, seq, part)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_by_age ON deliveries (tried_at);

-- Staff looking at customers' orders: a row for each page, numbered from 1 without a gap.
CREATE TABLE accesses (
    number    INTEGER PRIMARY KEY CHECK (number > 0),
    person    TEXT    NOT NULL,
    route     TEXT    NOT NULL,
    customers TEXT    NOT NULL, -- wallets, separated by spaces
    seen_at   INTEGER NOT NULL
) STRICT;
CREATE TRIGGER accesses_keep_row BEFORE UPDATE ON accesses BEGIN
    SELECT RAISE(ABORT, 'who looked is never changed'); END;
CREATE TRIGGER accesses_keep BEFORE DELETE ON accesses BEGIN
    SELECT RAISE(ABORT, 'who looked is never deleted'); END;

-- In a book that was made from another's export: the rows that events up to this one count are with that one.
CREATE TABLE accesses_elsewhere (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    seq      INTEGER NOT NULL
) STRICT;
