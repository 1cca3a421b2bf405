-- The keys that funders published, oldest first and for good: what was sealed to an old one names it.
CREATE TABLE mob_keys (
  funder TEXT NOT NULL,
  serial BIGINT NOT NULL,
  document TEXT NOT NULL,
  log_index BIGINT NOT NULL,
  published BIGINT NOT NULL,
  PRIMARY KEY (funder, serial)
);

-- Subscriptions of MOB's HTTP interface. Once one is sent, mob_subscriptions holds the status of those that a company decides over the bus.
CREATE TABLE mob_requests (
  id TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  funder TEXT NOT NULL,
  scheme TEXT NOT NULL,
  company TEXT,
  status TEXT NOT NULL,
  citizen TEXT NOT NULL,
  person TEXT NOT NULL,
  answers TEXT NOT NULL,
  sealed TEXT,
  manifest TEXT,
  outcome TEXT,
  created BIGINT NOT NULL,
  updated BIGINT NOT NULL
);
CREATE INDEX mob_requests_by_owner ON mob_requests (owner, created);
CREATE INDEX mob_requests_by_funder ON mob_requests (funder, created);

CREATE TABLE mob_attachments (
  subscription TEXT NOT NULL REFERENCES mob_requests (id),
  place BIGINT NOT NULL,
  name TEXT NOT NULL,
  proof_type TEXT NOT NULL,
  media_type TEXT NOT NULL,
  size BIGINT NOT NULL,
  hash TEXT NOT NULL,
  uploaded BIGINT NOT NULL,
  PRIMARY KEY (subscription, name)
);

CREATE TABLE mob_parts (
  subscription TEXT NOT NULL,
  name TEXT NOT NULL,
  part BIGINT NOT NULL,
  object TEXT NOT NULL,
  digest BYTEA NOT NULL,
  PRIMARY KEY (subscription, name, part),
  FOREIGN KEY (subscription, name) REFERENCES mob_attachments (subscription, name)
);
CREATE INDEX mob_parts_by_object ON mob_parts (object);

CREATE TABLE mob_metadata (
  id TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  scheme TEXT NOT NULL,
  document TEXT NOT NULL,
  created BIGINT NOT NULL
);
