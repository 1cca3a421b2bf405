-- number: the log's index of the version that was kept first. What data are found by names them by it: it takes eight octets, where an id takes forty-three.
ALTER TABLE protect_datum ADD COLUMN number BIGINT NOT NULL DEFAULT 0;
UPDATE protect_datum SET number = log_index;
CREATE INDEX protect_datum_number ON protect_datum (number);
CREATE TABLE protect_found (
    term BYTEA NOT NULL,
    created BIGINT NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (term, created, number)
) /* SQLite: WITHOUT ROWID */;
INSERT INTO protect_found (term, created, number)
    SELECT t.term, t.created, d.number FROM protect_term t JOIN protect_datum d ON d.id = t.datum;
DROP TABLE protect_term;
DROP INDEX protect_datum_created;
DROP INDEX protect_datum_application;
DROP INDEX protect_datum_expires;
CREATE INDEX protect_datum_created ON protect_datum (organisation, created, number);
CREATE INDEX protect_datum_application ON protect_datum (application, created, number);
CREATE INDEX protect_datum_expires ON protect_datum (organisation, expires, number);
-- The document has both.
ALTER TABLE protect_datum DROP COLUMN owner;
ALTER TABLE protect_datum DROP COLUMN name;
