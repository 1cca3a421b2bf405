-- First steps that wait for their second one, for five minutes at most. state: JSON.
CREATE TABLE ceremony (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    state TEXT NOT NULL,
    expires BIGINT NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE INDEX ceremony_expires ON ceremony (expires);
