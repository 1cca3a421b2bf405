-- What unfinished deposits take up, by file and by the network that it was sent from; gone once the dossier is sent or withdrawn.
CREATE TABLE draft_space (
  dossier TEXT NOT NULL REFERENCES dossiers (id),
  file_id TEXT NOT NULL,
  source TEXT NOT NULL,
  citizen TEXT NOT NULL,
  bytes BIGINT NOT NULL,
  PRIMARY KEY (dossier, file_id, source)
);
CREATE INDEX draft_space_by_citizen ON draft_space (citizen);
CREATE INDEX draft_space_by_source ON draft_space (source);

-- The sweep asks of each object whether a row names it.
CREATE INDEX parts_by_object ON parts (object);
