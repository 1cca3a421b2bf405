-- The feed of each organisation. Positions are drawn from feed_heads in the transaction that makes the entry, whose row stays locked
-- until it commits: who reads in order of position misses nothing that commits later.
CREATE TABLE feed_heads (
  organisation TEXT PRIMARY KEY REFERENCES organisations (id),
  position BIGINT NOT NULL
);

CREATE TABLE feed (
  organisation TEXT NOT NULL REFERENCES organisations (id),
  position BIGINT NOT NULL,
  dossier TEXT NOT NULL REFERENCES dossiers (id),
  log_index BIGINT NOT NULL,
  kind TEXT NOT NULL,
  scheme TEXT NOT NULL,
  manifest_hash TEXT NOT NULL,
  time BIGINT NOT NULL,
  PRIMARY KEY (organisation, position)
);
CREATE UNIQUE INDEX feed_by_dossier ON feed (dossier, log_index);

-- Machines of organisations that receive; acknowledged is the position up to which one has everything.
CREATE TABLE connectors (
  client TEXT PRIMARY KEY,
  organisation TEXT NOT NULL REFERENCES organisations (id),
  name TEXT NOT NULL,
  acknowledged BIGINT NOT NULL,
  created BIGINT NOT NULL,
  revoked BIGINT
);
CREATE INDEX connectors_by_organisation ON connectors (organisation, created);

CREATE TABLE webhooks (
  organisation TEXT PRIMARY KEY REFERENCES organisations (id),
  url TEXT NOT NULL,
  changed BIGINT NOT NULL
);
