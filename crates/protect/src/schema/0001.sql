-- payload: the exact bytes of the attested document; salt: sealed by the element. Columns beside them are for searching: nothing is decided by them.
CREATE TABLE protect_application (
    id TEXT NOT NULL PRIMARY KEY,
    organisation TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    version BIGINT NOT NULL,
    log_index BIGINT NOT NULL,
    payload BYTEA NOT NULL
);
CREATE INDEX protect_application_organisation ON protect_application (organisation, name);

CREATE TABLE protect_datum (
    id TEXT NOT NULL PRIMARY KEY,
    organisation TEXT NOT NULL,
    application TEXT NOT NULL,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    version BIGINT NOT NULL,
    log_index BIGINT NOT NULL,
    payload BYTEA NOT NULL,
    salt BYTEA NOT NULL
);
CREATE INDEX protect_datum_owner ON protect_datum (organisation, owner, created);
CREATE INDEX protect_datum_application ON protect_datum (application, created);
CREATE INDEX protect_datum_expires ON protect_datum (organisation, expires);

CREATE TABLE protect_tag (
    datum TEXT NOT NULL REFERENCES protect_datum (id) ON DELETE CASCADE,
    tag TEXT NOT NULL,
    PRIMARY KEY (datum, tag)
);
CREATE INDEX protect_tag_tag ON protect_tag (tag, datum);
