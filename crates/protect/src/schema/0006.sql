-- Acts of administrators on data. payload: the exact bytes of the attested document; what is beside it is for listing: nothing is decided by it.
CREATE TABLE protect_act (
    id TEXT NOT NULL PRIMARY KEY,
    organisation TEXT NOT NULL,
    time BIGINT NOT NULL,
    version BIGINT NOT NULL,
    log_index BIGINT NOT NULL,
    payload BYTEA NOT NULL
);
CREATE INDEX protect_act_organisation ON protect_act (organisation, time, id);
