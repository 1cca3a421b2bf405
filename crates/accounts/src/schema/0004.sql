-- Whose part of the places a ceremony takes: one of 65,536 numbers, which name no machine and no account.
ALTER TABLE ceremony ADD COLUMN share BIGINT NOT NULL DEFAULT 0;
CREATE INDEX ceremony_shares ON ceremony (share, expires)
