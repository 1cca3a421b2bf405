//! Tables and statements, in SQL that both databases read.

use sceau_store::Migration;

/// The tables of this room.
pub const MIGRATIONS: &[Migration] = &[
    Migration { name: "protect/0001-applications-and-data", sql: include_str!("schema/0001.sql") },
    Migration { name: "protect/0002-what-data-are-found-by", sql: include_str!("schema/0002.sql") },
];

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
        /// Eight at once: most data have no more, and each statement is a way to the server and back.
        pub KEEP_TERMS = "INSERT INTO protect_term (datum, created, term) VALUES \
            ($1, $2, $3), ($1, $2, $4), ($1, $2, $5), ($1, $2, $6), ($1, $2, $7), ($1, $2, $8), ($1, $2, $9), ($1, $2, $10) \
            ON CONFLICT (term, created, datum) DO NOTHING";
        pub FORGET_TERM = "DELETE FROM protect_term WHERE term = $1 AND created = $2 AND datum = $3";
        pub DATUM = "SELECT payload, salt FROM protect_datum WHERE id = $1";
        pub ANSWER = "SELECT 1 AS n";
        pub APPLICATIONS = "SELECT id, payload FROM protect_application WHERE organisation = $1 ORDER BY name, id LIMIT $2";
        /// How rare a term is, as far as it matters.
        pub HOW_MANY = "SELECT count(*) AS n FROM (SELECT created FROM protect_term WHERE term = $1 LIMIT 1000) found";
        pub OF_TERM = "SELECT found.created AS place, found.datum AS id, d.payload AS payload FROM \
            (SELECT created, datum FROM protect_term WHERE term = $1 AND created >= $2 AND (created, datum) < ($3, $4) \
            ORDER BY created DESC, datum DESC LIMIT $5) found \
            LEFT JOIN protect_datum d ON d.id = found.datum ORDER BY found.created DESC, found.datum DESC";
        pub OF_APPLICATION = "SELECT created AS place, id, payload FROM protect_datum \
            WHERE application = $1 AND created >= $2 AND (created, id) < ($3, $4) ORDER BY created DESC, id DESC LIMIT $5";
        pub OF_ORGANISATION = "SELECT created AS place, id, payload FROM protect_datum \
            WHERE organisation = $1 AND created >= $2 AND (created, id) < ($3, $4) ORDER BY created DESC, id DESC LIMIT $5";
        pub BY_EXPIRY = "SELECT expires AS place, id, payload FROM protect_datum \
            WHERE organisation = $1 AND expires < $2 AND (expires, id) > ($3, $4) ORDER BY expires, id LIMIT $5";
    }
}
