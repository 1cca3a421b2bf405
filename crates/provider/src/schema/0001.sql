-- What people type to say who they are, and the keyring that this is. alias: in small letters.
CREATE TABLE provider_holder (
    alias TEXT NOT NULL PRIMARY KEY,
    keyring TEXT NOT NULL,
    time BIGINT NOT NULL
);
CREATE INDEX provider_holder_keyring ON provider_holder (keyring);

-- Each login: what was asked, as it was signed, and the element's word that its holder agreed. It shows who logged in to anybody who has the element's key. It names people.
CREATE TABLE provider_login (
    id TEXT NOT NULL PRIMARY KEY,
    time BIGINT NOT NULL,
    client TEXT NOT NULL,
    keyring TEXT NOT NULL,
    log_index BIGINT NOT NULL,
    request TEXT NOT NULL,
    proof TEXT NOT NULL
);
CREATE INDEX provider_login_time ON provider_login (time, id);
