CREATE TABLE enrolled_root (
    log_index BIGINT NOT NULL PRIMARY KEY,
    root TEXT NOT NULL,
    hash TEXT NOT NULL
);
