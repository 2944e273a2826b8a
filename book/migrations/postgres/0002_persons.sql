-- Log format 2: events are salted. An event without a salt is one of format 1.
ALTER TABLE events ADD COLUMN salt BYTEA CHECK (length(salt) = 16);

-- Who owns which accounts and wallets. No part of the log: names are personal data, and change.
CREATE TABLE investors (
    id   BYTEA PRIMARY KEY CHECK (length(id) = 32), -- the code that the registry has on chain
    name TEXT  NOT NULL CHECK (length(name) > 0)
);
CREATE TABLE investor_accounts (
    account  TEXT  PRIMARY KEY CHECK (length(account) > 0),
    investor BYTEA NOT NULL REFERENCES investors (id)
);
CREATE INDEX accounts_by_investor ON investor_accounts (investor);
CREATE TABLE investor_wallets (
    wallet   BYTEA PRIMARY KEY CHECK (length(wallet) = 20),
    investor BYTEA NOT NULL REFERENCES investors (id)
);
CREATE INDEX wallets_by_investor ON investor_wallets (investor);
