-- What a server keeps beside the log. None of it is part of the log, and none of it holds what a client must keep secret:
-- tokens stand here as SHA-256. Times are unix microseconds of the store's clock.

-- Sign-in texts that wait for their signature.
CREATE TABLE challenges (
    nonce   TEXT    PRIMARY KEY,
    browser BYTEA    NOT NULL CHECK (length(browser) = 32), -- SHA-256 of the cookie of who asked
    wallet  BYTEA    NOT NULL CHECK (length(wallet) = 20),
    message TEXT    NOT NULL,
    made_at BIGINT NOT NULL
);
CREATE INDEX challenges_by_age ON challenges (made_at);

CREATE TABLE sessions (
    token   BYTEA    PRIMARY KEY CHECK (length(token) = 32),
    wallet  BYTEA    NOT NULL CHECK (length(wallet) = 20),
    made_at BIGINT NOT NULL,
    used_at BIGINT NOT NULL -- written at most once a minute
);
CREATE INDEX sessions_by_age ON sessions (made_at);

CREATE TABLE api_keys (
    id      TEXT    PRIMARY KEY,
    token   BYTEA    NOT NULL UNIQUE CHECK (length(token) = 32),
    wallet  BYTEA    NOT NULL CHECK (length(wallet) = 20),
    made_by BYTEA    NOT NULL CHECK (length(made_by) = 20),
    name    TEXT    NOT NULL,
    scopes  TEXT    NOT NULL, -- separated by spaces
    made_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL
);
CREATE INDEX api_keys_by_wallet ON api_keys (wallet);

-- Answers that are given again to the same request.
CREATE TABLE answers (
    id      BYTEA    PRIMARY KEY CHECK (length(id) = 32),      -- SHA-256 over whose key it is, the route and the key
    request BYTEA    NOT NULL CHECK (length(request) = 32), -- SHA-256 of the request
    status  BIGINT NOT NULL,
    body    TEXT    NOT NULL,
    made_at BIGINT NOT NULL
);
CREATE INDEX answers_by_age ON answers (made_at);

-- Random keys that all instances share.
CREATE TABLE secrets (
    name  TEXT PRIMARY KEY,
    value BYTEA NOT NULL CHECK (length(value) = 32)
);

-- What the log's key signed last.
CREATE TABLE checkpoint (
    only_row BIGINT PRIMARY KEY CHECK (only_row = 1),
    size     BIGINT NOT NULL,
    root     BYTEA    NOT NULL CHECK (length(root) = 32),
    note     TEXT    NOT NULL
);
CREATE FUNCTION refuse_older() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.size < OLD.size THEN
        RAISE EXCEPTION 'the checkpoint only moves forward';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER checkpoint_grows BEFORE UPDATE ON checkpoint FOR EACH ROW EXECUTE FUNCTION refuse_older();
CREATE TRIGGER checkpoint_keep BEFORE DELETE OR TRUNCATE ON checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
