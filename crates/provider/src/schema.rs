//! Tables and statements, in SQL that both databases read.

use sceau_store::Migration;

/// The tables of this room.
pub const MIGRATIONS: &[Migration] =
    &[Migration { name: "provider/0001-holders-and-logins", sql: include_str!("schema/0001.sql") }];

/// Each statement, public for the test that prepares them all. What a statement is filtered by may be an empty text, which stands for all.
pub mod statements {
    sceau_store::statements! {
        pub ANSWER = "SELECT 1 AS n";
        pub HOLDER = "SELECT keyring FROM provider_holder WHERE alias = $1";
        pub HOLDERS = "SELECT alias, keyring, time FROM provider_holder WHERE alias > $1 ORDER BY alias LIMIT $2";
        pub ADD_HOLDER = "INSERT INTO provider_holder (alias, keyring, time) VALUES ($1, $2, $3) ON CONFLICT (alias) DO NOTHING";
        pub REMOVE_HOLDER = "DELETE FROM provider_holder WHERE alias = $1";
        pub KEEP_LOGIN = "INSERT INTO provider_login (id, time, client, keyring, log_index, request, proof) VALUES ($1, $2, $3, $4, $5, $6, $7)";
        pub LOGIN = "SELECT id, time, client, keyring, log_index, request, proof FROM provider_login WHERE id = $1";
        pub LOGINS = "SELECT id, time, client, keyring, log_index, request, proof FROM provider_login WHERE (time < $1 OR (time = $1 AND id < $2)) \
            AND ($3 = '' OR client = $3) AND ($4 = '' OR keyring = $4) ORDER BY time DESC, id DESC LIMIT $5";
        pub FORGET_LOGINS = "DELETE FROM provider_login WHERE time < $1";
    }
}
