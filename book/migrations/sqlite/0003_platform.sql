-- What a server keeps beside the log. None of it is part of the log, and none of it holds what a client must keep secret:
-- tokens stand here as SHA-256. Times are unix microseconds of the store's clock.

-- Sign-in texts that wait for their signature.
CREATE TABLE challenges (
    nonce   TEXT    PRIMARY KEY,
    browser BLOB    NOT NULL CHECK (length(browser) = 32), -- SHA-256 of the cookie of who asked
    wallet  BLOB    NOT NULL CHECK (length(wallet) = 20),
    message TEXT    NOT NULL,
    made_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX challenges_by_age ON challenges (made_at);

CREATE TABLE sessions (
    token   BLOB    PRIMARY KEY CHECK (length(token) = 32),
    wallet  BLOB    NOT NULL CHECK (length(wallet) = 20),
    made_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL -- written at most once a minute
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_age ON sessions (made_at);

CREATE TABLE api_keys (
    id      TEXT    PRIMARY KEY,
    token   BLOB    NOT NULL UNIQUE CHECK (length(token) = 32),
    wallet  BLOB    NOT NULL CHECK (length(wallet) = 20),
    made_by BLOB    NOT NULL CHECK (length(made_by) = 20),
    name    TEXT    NOT NULL,
    scopes  TEXT    NOT NULL, -- separated by spaces
    made_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX api_keys_by_wallet ON api_keys (wallet);

-- Answers that are given again to the same request.
CREATE TABLE answers (
    id      BLOB    PRIMARY KEY CHECK (length(id) = 32),      -- SHA-256 over whose key it is, the route and the key
    request BLOB    NOT NULL CHECK (length(request) = 32), -- SHA-256 of the request
    status  INTEGER NOT NULL,
    body    TEXT    NOT NULL,
    made_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX answers_by_age ON answers (made_at);

-- Random keys that all instances share.
CREATE TABLE secrets (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL CHECK (length(value) = 32)
) STRICT, WITHOUT ROWID;

-- What the log's key signed last.
CREATE TABLE checkpoint (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    size     INTEGER NOT NULL,
    root     BLOB    NOT NULL CHECK (length(root) = 32),
    note     TEXT    NOT NULL
) STRICT;
CREATE TRIGGER checkpoint_grows BEFORE UPDATE ON checkpoint WHEN NEW.size < OLD.size BEGIN
    SELECT RAISE(ABORT, 'the checkpoint only moves forward'); END;
CREATE TRIGGER checkpoint_keep_row BEFORE DELETE ON checkpoint BEGIN
    SELECT RAISE(ABORT, 'the checkpoint is never deleted'); END;
