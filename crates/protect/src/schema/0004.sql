-- What is counted, so that no page counts it again: never decides anything, and nobody's word but this database's.

-- Records of the log about protection, by hour of their time (Unix milliseconds). application: empty where an administrator or the element acted; code: empty
-- where granted. first_index, last_index: where in the log to look for them.
CREATE TABLE protect_tally (
    organisation TEXT NOT NULL,
    hour BIGINT NOT NULL,
    application TEXT NOT NULL,
    action TEXT NOT NULL,
    code TEXT NOT NULL,
    n BIGINT NOT NULL,
    first_index BIGINT NOT NULL,
    last_index BIGINT NOT NULL,
    PRIMARY KEY (organisation, hour, application, action, code)
);

-- How far the log was counted: the next index, and the last hour.
CREATE TABLE protect_tallied (
    id BIGINT NOT NULL PRIMARY KEY,
    next BIGINT NOT NULL,
    hour BIGINT NOT NULL
);
INSERT INTO protect_tallied (id, next, hour) VALUES (1, 0, 0);
