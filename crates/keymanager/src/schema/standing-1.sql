CREATE TABLE not_ours (
    log_index BIGINT NOT NULL PRIMARY KEY
);
