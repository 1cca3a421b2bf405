-- Of the data of which applications an act is, their ids with a space between: what officers of some applications see of it. What was kept before is shown to those of the whole organisation.
ALTER TABLE protect_act ADD COLUMN applications TEXT NOT NULL DEFAULT '';
-- Data about which calls were refused, and how often: few of all. number, created: as protect_datum has them; last: the time of the last such call, in Unix milliseconds.
CREATE TABLE protect_failed (
    number BIGINT NOT NULL PRIMARY KEY,
    organisation TEXT NOT NULL,
    created BIGINT NOT NULL,
    n BIGINT NOT NULL,
    last BIGINT NOT NULL
);
CREATE INDEX protect_failed_created ON protect_failed (organisation, created, number);
-- The log is counted once more from its beginning.
DELETE FROM protect_tally;
UPDATE protect_tallied SET next = 0, hour = 0 WHERE id = 1;
