-- Log format 2: events are salted. An event without a salt is one of format 1.
ALTER TABLE events ADD COLUMN salt BLOB CHECK (length(salt) = 16);

-- Who owns which accounts and wallets. No part of the log: names are personal data, and change.
CREATE TABLE investors (
    id   BLOB PRIMARY KEY CHECK (length(id) = 32), -- the code that the registry has on chain
    name TEXT NOT NULL CHECK (length(name) > 0)
) STRICT, WITHOUT ROWID;
CREATE TABLE investor_accounts (
    account  TEXT PRIMARY KEY CHECK (length(account) > 0),
    investor BLOB NOT NULL REFERENCES investors (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX accounts_by_investor ON investor_accounts (investor);
CREATE TABLE investor_wallets (
    wallet   BLOB PRIMARY KEY CHECK (length(wallet) = 20),
    investor BLOB NOT NULL REFERENCES investors (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX wallets_by_investor ON investor_wallets (investor);
