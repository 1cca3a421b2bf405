CREATE TABLE rewrapped_manifest (
    hash TEXT NOT NULL PRIMARY KEY,
    key_id TEXT NOT NULL,
    rewrapped BIGINT NOT NULL
);
CREATE TABLE rewrapped_key (
    key_id TEXT NOT NULL PRIMARY KEY,
    rewrapped BIGINT NOT NULL
);
