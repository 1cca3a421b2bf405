-- What the element attested of keyrings, by kind. payload: the exact bytes of the document; what is beside it is for finding: the element believes none of it. number: the log's index of the
-- first version. state: a policy's status, a keyring's phase. time: when it was signed, or a keyring was made. No person is in these rows.
CREATE TABLE keyring_row (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    number BIGINT NOT NULL,
    organisation TEXT NOT NULL,
    policy TEXT NOT NULL,
    state TEXT NOT NULL,
    time BIGINT NOT NULL,
    version BIGINT NOT NULL,
    log_index BIGINT NOT NULL,
    payload BYTEA NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE INDEX keyring_row_number ON keyring_row (number);
CREATE INDEX keyring_row_policy ON keyring_row (kind, policy, time, id);
CREATE INDEX keyring_row_organisation ON keyring_row (kind, organisation, time, id);

-- Who acts, by the thumbprint of the key of its certificate: what the access documents say, again.
CREATE TABLE keyring_actor (
    organisation TEXT NOT NULL,
    id TEXT NOT NULL,
    thumbprint BYTEA NOT NULL,
    PRIMARY KEY (organisation, id)
);
CREATE INDEX keyring_actor_thumbprint ON keyring_actor (thumbprint);

-- How far the log was read.
CREATE TABLE keyring_fed (
    id BIGINT NOT NULL PRIMARY KEY,
    next BIGINT NOT NULL
);
INSERT INTO keyring_fed (id, next) VALUES (1, 0);

-- Requests of providers, until some time after they end. jws and outcome name people where a provider's words or a certificate do: they are gone with the row. state: pending, signed, rejected;
-- ended is a matter of the hour. report: why the holder reported it.
CREATE TABLE keyring_request (
    id TEXT NOT NULL PRIMARY KEY,
    keyring TEXT NOT NULL,
    organisation TEXT NOT NULL,
    policy TEXT NOT NULL,
    provider TEXT NOT NULL,
    jws TEXT NOT NULL,
    received BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    state TEXT NOT NULL,
    settled BIGINT,
    terminal TEXT,
    outcome TEXT
);
CREATE INDEX keyring_request_keyring ON keyring_request (keyring, state, ends);
CREATE INDEX keyring_request_provider ON keyring_request (provider, state, ends);
CREATE INDEX keyring_request_ends ON keyring_request (ends);

-- What holders reported: kept after the request is gone, with none of its words.
CREATE TABLE keyring_report (
    request TEXT NOT NULL PRIMARY KEY,
    keyring TEXT NOT NULL,
    organisation TEXT NOT NULL,
    policy TEXT NOT NULL,
    provider TEXT NOT NULL,
    hash BYTEA NOT NULL,
    reason TEXT NOT NULL,
    time BIGINT NOT NULL
);
CREATE INDEX keyring_report_policy ON keyring_report (policy, time, request);

-- Nonces of terminals that were taken, until they end; and what this host's nonces are known by.
CREATE TABLE keyring_visit (
    nonce BYTEA NOT NULL PRIMARY KEY,
    ends BIGINT NOT NULL
);
CREATE INDEX keyring_visit_ends ON keyring_visit (ends);
CREATE TABLE keyring_nonces (
    id BIGINT NOT NULL PRIMARY KEY,
    secret BYTEA NOT NULL
);
