-- What a citizen's page carries to the intake: used once, and exchanged for a session that only the intake has.
CREATE TABLE intake_grants (
  grant_hash BYTEA PRIMARY KEY,
  token_hash BYTEA UNIQUE,
  dossier TEXT NOT NULL REFERENCES dossiers (id),
  citizen TEXT NOT NULL,
  source TEXT NOT NULL,
  expires BIGINT NOT NULL,
  session_expires BIGINT
);
CREATE INDEX intake_grants_by_expiry ON intake_grants (expires);

-- The intake's signed word on a file that it found clean; without it a manifest of a scanned dossier does not name the file.
CREATE TABLE scans (
  dossier TEXT NOT NULL REFERENCES dossiers (id),
  file_id TEXT NOT NULL,
  word TEXT NOT NULL,
  PRIMARY KEY (dossier, file_id)
);
