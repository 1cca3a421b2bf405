-- What data are found by, as hashes (src/terms.rs), each in the order in which data were begun: a page of a search is a short range of this index,
-- however many data there are. What was kept before finds its terms again when it changes.
CREATE TABLE protect_term (
    term BYTEA NOT NULL,
    created BIGINT NOT NULL,
    datum TEXT NOT NULL,
    PRIMARY KEY (term, created, datum)
);
DROP TABLE protect_tag;
DROP INDEX protect_datum_owner;
DROP INDEX protect_datum_application;
DROP INDEX protect_datum_expires;
CREATE INDEX protect_datum_created ON protect_datum (organisation, created, id);
CREATE INDEX protect_datum_application ON protect_datum (application, created, id);
CREATE INDEX protect_datum_expires ON protect_datum (organisation, expires, id);
