-- What is counted of data: never decides anything, and nobody's word but this database's.

-- How often a datum was kept: once, and it is new here.
ALTER TABLE protect_datum ADD COLUMN kept BIGINT NOT NULL DEFAULT 1;

-- Data by state, and by the day on which their key ends (days since 1970, UTC).
CREATE TABLE protect_stock (
    organisation TEXT NOT NULL,
    status TEXT NOT NULL,
    day BIGINT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (organisation, status, day)
);
INSERT INTO protect_stock (organisation, status, day, n)
    SELECT organisation, status, expires / 86400000, count(*) FROM protect_datum GROUP BY organisation, status, expires / 86400000;
