CREATE TABLE rewrapping (
    dossier TEXT NOT NULL PRIMARY KEY
);
