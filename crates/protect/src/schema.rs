//! Tables and statements, in SQL that both databases read.

use sceau_store::Migration;

/// The tables of this room.
pub const MIGRATIONS: &[Migration] =
    &[Migration { name: "protect/0001-applications-and-data", sql: include_str!("schema/0001.sql") }];

/// Each statement, public for the test that prepares them all.
pub mod statements {
    sceau_store::statements! {
        pub KEEP_APPLICATION = "INSERT INTO protect_application \
            (id, organisation, name, status, version, log_index, payload) VALUES ($1, $2, $3, $4, $5, $6, $7) \
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, status = excluded.status, version = excluded.version, \
            log_index = excluded.log_index, payload = excluded.payload";
        pub KEEP_DATUM = "INSERT INTO protect_datum (id, organisation, application, owner, name, status, created, expires, \
            version, log_index, payload, salt) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
            ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, name = excluded.name, status = excluded.status, \
            created = excluded.created, expires = excluded.expires, version = excluded.version, \
            log_index = excluded.log_index, payload = excluded.payload, salt = excluded.salt";
        pub FORGET_TAGS = "DELETE FROM protect_tag WHERE datum = $1";
        pub KEEP_TAG = "INSERT INTO protect_tag (datum, tag) VALUES ($1, $2) ON CONFLICT (datum, tag) DO NOTHING";
        pub DATUM = "SELECT payload, salt FROM protect_datum WHERE id = $1";
        pub ANSWER = "SELECT 1 AS n";
    }
}
