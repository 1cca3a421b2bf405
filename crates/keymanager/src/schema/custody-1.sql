CREATE TABLE backup (
    id TEXT NOT NULL PRIMARY KEY,
    made BIGINT NOT NULL,
    threshold BIGINT NOT NULL,
    custodians BIGINT NOT NULL
);
