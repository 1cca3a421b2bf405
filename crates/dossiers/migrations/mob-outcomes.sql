-- What the log is still to say of what was done, kept in the transaction that did it; gone once it is said.
CREATE TABLE mob_outcomes (
  id TEXT PRIMARY KEY,
  draft TEXT NOT NULL,
  created BIGINT NOT NULL
);
