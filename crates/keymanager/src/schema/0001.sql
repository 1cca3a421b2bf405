CREATE TABLE sealed (
    name TEXT NOT NULL PRIMARY KEY,
    content BYTEA NOT NULL
);
CREATE TABLE record (
    position BIGINT NOT NULL PRIMARY KEY,
    leaf BYTEA NOT NULL,
    delivered BIGINT NOT NULL
);
CREATE INDEX record_delivered ON record (delivered, position);
CREATE TABLE own_checkpoint (
    id BIGINT NOT NULL PRIMARY KEY,
    note TEXT NOT NULL
);
CREATE TABLE managed_key (
    key_id TEXT NOT NULL PRIMARY KEY,
    key_use TEXT NOT NULL,
    serial BIGINT NOT NULL,
    uri TEXT NOT NULL,
    jws TEXT NOT NULL,
    log_index BIGINT,
    destroyed BIGINT,
    UNIQUE (key_use, serial)
);
CREATE TABLE decision (
    hash TEXT NOT NULL PRIMARY KEY,
    dossier TEXT NOT NULL,
    payload BYTEA NOT NULL,
    delivered BIGINT NOT NULL,
    refused TEXT,
    created BIGINT NOT NULL
);
CREATE INDEX decision_dossier ON decision (dossier, created);
CREATE TABLE watched (
    id BIGINT NOT NULL PRIMARY KEY,
    checkpoint TEXT NOT NULL,
    frontier BYTEA NOT NULL
);
CREATE TABLE alarm (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    log_index BIGINT,
    position BIGINT NOT NULL,
    raised BIGINT NOT NULL
);
