CREATE TABLE issued_certificate (
    fingerprint TEXT NOT NULL PRIMARY KEY,
    not_after BIGINT NOT NULL
);
CREATE TABLE calendar_alert (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    raised BIGINT NOT NULL
);
