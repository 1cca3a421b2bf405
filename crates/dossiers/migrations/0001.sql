-- What counts is in attested_documents, found by the hash that the element says is current; the other tables say where to look.
-- attested_documents.log_index is null until the element has attested the document.
-- dossiers.settled is the log index of the newest attestation that the row, its timeline and its letters already show.
CREATE TABLE organisations (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  siret TEXT,
  contact_email TEXT NOT NULL,
  client_id TEXT NOT NULL UNIQUE,
  created BIGINT NOT NULL
);

CREATE TABLE key_statements (
  organisation TEXT NOT NULL REFERENCES organisations (id),
  key_use TEXT NOT NULL,
  serial BIGINT NOT NULL,
  key_manager TEXT NOT NULL,
  jws TEXT NOT NULL,
  log_index BIGINT NOT NULL,
  PRIMARY KEY (organisation, key_use, serial)
);
CREATE INDEX key_statements_by_key_manager ON key_statements (key_manager);

CREATE TABLE schemes (
  id TEXT PRIMARY KEY,
  organisation TEXT NOT NULL REFERENCES organisations (id),
  created BIGINT NOT NULL
);

CREATE TABLE dossiers (
  id TEXT PRIMARY KEY,
  citizen TEXT NOT NULL,
  organisation TEXT NOT NULL REFERENCES organisations (id),
  scheme TEXT NOT NULL REFERENCES schemes (id),
  key_id TEXT NOT NULL,
  key_serial BIGINT NOT NULL,
  state TEXT NOT NULL,
  created BIGINT NOT NULL,
  submitted BIGINT,
  decided BIGINT,
  settled BIGINT NOT NULL
);
CREATE INDEX dossiers_by_citizen ON dossiers (citizen, created);
CREATE INDEX dossiers_by_state ON dossiers (state, id);
CREATE INDEX dossiers_by_organisation ON dossiers (organisation, state, submitted);

CREATE TABLE files (
  dossier TEXT NOT NULL REFERENCES dossiers (id),
  file_id TEXT NOT NULL,
  header BYTEA NOT NULL,
  created BIGINT NOT NULL,
  PRIMARY KEY (dossier, file_id)
);

CREATE TABLE parts (
  dossier TEXT NOT NULL,
  file_id TEXT NOT NULL,
  part BIGINT NOT NULL,
  object TEXT NOT NULL,
  digest BYTEA NOT NULL,
  length BIGINT NOT NULL,
  PRIMARY KEY (dossier, file_id, part),
  FOREIGN KEY (dossier, file_id) REFERENCES files (dossier, file_id)
);

CREATE TABLE tickets (
  ticket_hash BYTEA PRIMARY KEY,
  token_hash BYTEA UNIQUE,
  dossier TEXT NOT NULL REFERENCES dossiers (id),
  account TEXT NOT NULL,
  role TEXT NOT NULL,
  expires BIGINT NOT NULL,
  session_expires BIGINT
);
CREATE INDEX tickets_by_expiry ON tickets (expires);

CREATE TABLE fetches (
  token_hash BYTEA NOT NULL REFERENCES tickets (token_hash) ON DELETE CASCADE,
  file_id TEXT NOT NULL,
  PRIMARY KEY (token_hash, file_id)
);

CREATE TABLE events (
  dossier TEXT NOT NULL REFERENCES dossiers (id),
  log_index BIGINT NOT NULL,
  time BIGINT NOT NULL,
  action TEXT NOT NULL,
  outcome TEXT NOT NULL,
  actor_role TEXT NOT NULL,
  organisation TEXT,
  PRIMARY KEY (dossier, log_index)
);

CREATE TABLE attested_documents (
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  hash BYTEA NOT NULL,
  payload BYTEA NOT NULL,
  proof TEXT NOT NULL,
  created BIGINT NOT NULL,
  log_index BIGINT,
  PRIMARY KEY (kind, id, hash)
);
CREATE INDEX attested_documents_pending ON attested_documents (created) WHERE log_index IS NULL;

CREATE TABLE prepared_organisations (
  id TEXT PRIMARY KEY,
  siret TEXT,
  contact_email TEXT NOT NULL,
  created BIGINT NOT NULL
);
