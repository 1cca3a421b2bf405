-- id: hash of issuer and subject, in hex, as the element names it; the subject itself is not kept.
CREATE TABLE identity (
    id TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    provider TEXT NOT NULL,
    payload BYTEA NOT NULL,
    state TEXT NOT NULL,
    created BIGINT NOT NULL
);
CREATE INDEX identity_account ON identity (account);

-- Sessions that a provider's word began. id_token: sealed under a key of the session's token, for signing out there too.
CREATE TABLE provider_session (
    token_hash BYTEA NOT NULL PRIMARY KEY REFERENCES session (token_hash) ON DELETE CASCADE,
    provider TEXT NOT NULL,
    id_token BYTEA NOT NULL
)
