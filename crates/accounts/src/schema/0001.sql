-- payload: the exact bytes of the attested document; what is decided is read from it, not from the columns beside it.
CREATE TABLE account (
    id TEXT NOT NULL PRIMARY KEY,
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    payload BYTEA NOT NULL,
    state TEXT NOT NULL,
    created BIGINT NOT NULL
);
CREATE INDEX account_state ON account (state, role);

-- id: SHA-256 of the credential id, in hex, as the element names it.
CREATE TABLE credential (
    id TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    payload BYTEA NOT NULL,
    state TEXT NOT NULL,
    sign_count BIGINT NOT NULL,
    created BIGINT NOT NULL,
    used BIGINT
);
CREATE INDEX credential_account ON credential (account);

CREATE TABLE password (
    account TEXT NOT NULL PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    email TEXT NOT NULL UNIQUE,
    phc TEXT NOT NULL,
    failures BIGINT NOT NULL,
    locked_until BIGINT NOT NULL
);

CREATE TABLE session (
    token_hash BYTEA NOT NULL PRIMARY KEY,
    account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    method TEXT NOT NULL,
    created BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX session_account ON session (account);
CREATE INDEX session_expires ON session (expires);

-- inviter is null for the first platform administrator only.
CREATE TABLE invitation (
    token_hash BYTEA NOT NULL PRIMARY KEY,
    account TEXT NOT NULL UNIQUE,
    email TEXT,
    inviter TEXT,
    payload BYTEA NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    accepted BIGINT
);

CREATE TABLE client (
    id TEXT NOT NULL PRIMARY KEY,
    organisation TEXT NOT NULL,
    secret_hash BYTEA NOT NULL,
    scopes TEXT NOT NULL,
    created BIGINT NOT NULL,
    revoked BIGINT NOT NULL
);

CREATE TABLE access_token (
    token_hash BYTEA NOT NULL PRIMARY KEY,
    client TEXT NOT NULL REFERENCES client (id) ON DELETE CASCADE,
    scopes TEXT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX access_token_expires ON access_token (expires)
