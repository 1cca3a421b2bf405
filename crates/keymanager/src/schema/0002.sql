ALTER TABLE watched ADD COLUMN reading BIGINT NOT NULL DEFAULT 0;
ALTER TABLE managed_key ADD COLUMN acknowledged BIGINT;
ALTER TABLE record ADD COLUMN logged BIGINT;
CREATE TABLE manifest (
    hash TEXT NOT NULL PRIMARY KEY,
    key_id TEXT NOT NULL,
    log_index BIGINT NOT NULL,
    ended BIGINT
);
CREATE INDEX manifest_key ON manifest (key_id, ended);
