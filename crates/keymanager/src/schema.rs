//! Tables and statements, in SQL that both databases read.

use sceau_store::Migration;

/// The tables of this room, without those of the store's own room that its outbox needs.
pub const MIGRATIONS: &[Migration] = &[
    Migration { name: "keymanager/0001-first", sql: include_str!("schema/0001.sql") },
    Migration { name: "keymanager/0002-manifests", sql: include_str!("schema/0002.sql") },
    Migration { name: "keymanager/0003-roots", sql: include_str!("schema/0003.sql") },
    Migration { name: "keymanager/custody-1", sql: include_str!("schema/custody-1.sql") },
    Migration { name: "keymanager/custody-2", sql: include_str!("schema/custody-2.sql") },
    Migration { name: "keymanager/custody-3", sql: include_str!("schema/custody-3.sql") },
    Migration { name: "keymanager/rewrap-1", sql: include_str!("schema/rewrap-1.sql") },
    Migration { name: "keymanager/rewrap-2", sql: include_str!("schema/rewrap-2.sql") },
    Migration { name: "keymanager/standing-1", sql: include_str!("schema/standing-1.sql") },
    Migration { name: "keymanager/decided-1", sql: include_str!("schema/decided-1.sql") },
];

/// Each statement, public for the test that prepares them all.
pub mod statements {
    sceau_store::statements! {
        pub PUT_SEALED = "INSERT INTO sealed (name, content) VALUES ($1, $2) \
            ON CONFLICT (name) DO UPDATE SET content = excluded.content";
        pub GET_SEALED = "SELECT content FROM sealed WHERE name = $1";

        pub INSERT_RECORD = "INSERT INTO record (position, leaf, delivered) VALUES ($1, $2, 0)";
        pub LEAVES = "SELECT position, leaf FROM record WHERE position >= $1 ORDER BY position LIMIT $2";
        pub RECORDS_BEFORE = "SELECT position, leaf, delivered FROM record WHERE position < $1 \
            ORDER BY position DESC LIMIT $2";
        pub UNDELIVERED = "SELECT position, leaf FROM record WHERE delivered = 0 ORDER BY position LIMIT $1";
        pub UNDELIVERED_RECORD = "SELECT leaf FROM record WHERE position = $1 AND delivered = 0";
        pub COUNT_UNDELIVERED = "SELECT count(*) AS n FROM record WHERE delivered = 0";
        /// The platform's log holds it.
        pub RECORD_LOGGED = "UPDATE record SET logged = $2 WHERE position = $1";
        pub FORGET_LOGGED = "UPDATE record SET logged = NULL WHERE logged IS NOT NULL";
        pub RECORD_IN_LOG = "SELECT logged FROM record WHERE position = $1";
        pub COUNT_LOGGED = "SELECT count(*) AS n FROM record WHERE logged IS NOT NULL";
        pub RECORD_DELIVERED = "UPDATE record SET delivered = 1 WHERE position = $1";
        pub PUT_CHECKPOINT = "INSERT INTO own_checkpoint (id, note) VALUES (1, $1) \
            ON CONFLICT (id) DO UPDATE SET note = excluded.note";
        pub GET_CHECKPOINT = "SELECT note FROM own_checkpoint WHERE id = 1";

        pub INSERT_KEY = "INSERT INTO managed_key (key_id, key_use, serial, uri, jws) VALUES ($1, $2, $3, $4, $5)";
        /// One that the platform never acknowledged and never will.
        pub FORGET_KEY = "DELETE FROM managed_key WHERE key_use = $1 AND serial = $2 AND log_index IS NULL";
        pub KEYS = "SELECT uri, jws, log_index, acknowledged, destroyed FROM managed_key \
            ORDER BY key_use, serial";
        pub KEY_ACKNOWLEDGED = "UPDATE managed_key SET log_index = $2, acknowledged = $3 WHERE key_id = $1";
        pub KEY_DESTROYED = "UPDATE managed_key SET destroyed = $2, destroyed_record = $3 WHERE key_id = $1";
        pub RECORD_OF_DESTRUCTION = "SELECT destroyed_record FROM managed_key WHERE key_id = $1";
        pub MANIFESTS_OF_KEY = "SELECT hash, log_index, ended FROM manifest WHERE key_id = $1 ORDER BY log_index";

        /// One that another copy of this key manager stated: its private half is not here.
        pub INSERT_LOST_KEY = "INSERT INTO managed_key (key_id, key_use, serial, uri, jws, log_index, acknowledged, \
            destroyed) VALUES ($1, $2, $3, $4, $5, $6, $7, $7)";
        pub INSERT_BACKUP = "INSERT INTO backup (id, made, threshold, custodians) VALUES ($1, $2, $3, $4)";
        pub KNOWN_BACKUP = "SELECT id FROM backup WHERE id = $1";
        pub LAST_BACKUP = "SELECT id, made, threshold, custodians FROM backup ORDER BY made DESC LIMIT 1";

        pub INSERT_CERTIFICATE = "INSERT INTO issued_certificate (fingerprint, not_after) VALUES ($1, $2)";
        pub CERTIFICATES = "SELECT fingerprint, not_after FROM issued_certificate ORDER BY not_after";
        pub RAISED_ALERTS = "SELECT id FROM calendar_alert ORDER BY id";
        pub RAISE_ALERT = "INSERT INTO calendar_alert (id, kind, raised) VALUES ($1, $2, $3)";
        pub FORGET_ALERT = "DELETE FROM calendar_alert WHERE id = $1";

        pub INSERT_DECISION = "INSERT INTO decision (hash, dossier, payload, delivered, created) \
            VALUES ($1, $2, $3, 0, $4)";
        pub DECISIONS = "SELECT hash, payload, delivered, refused FROM decision WHERE dossier = $1 ORDER BY created";
        pub GET_DECISION = "SELECT payload, delivered FROM decision WHERE hash = $1";
        pub DECISION_DELIVERED = "UPDATE decision SET delivered = 1, refused = NULL WHERE hash = $1";
        pub DECISION_REFUSED = "UPDATE decision SET refused = $2 WHERE hash = $1";

        /// The platform's log holds it.
        pub DECISION_LOGGED = "UPDATE decision SET logged = $2 WHERE hash = $1";
        pub FORGET_DECISIONS_LOGGED = "UPDATE decision SET logged = NULL WHERE logged IS NOT NULL";
        pub LOGGED_DECISIONS = "SELECT payload, logged FROM decision WHERE logged > $1 ORDER BY logged LIMIT $2";

        pub PUT_WATCHED = "INSERT INTO watched (id, checkpoint, frontier, reading) VALUES (1, $1, $2, $3) \
            ON CONFLICT (id) DO UPDATE SET checkpoint = excluded.checkpoint, frontier = excluded.frontier, \
            reading = excluded.reading";
        pub GET_WATCHED = "SELECT checkpoint, frontier, reading FROM watched WHERE id = 1";
        pub READ_AGAIN = "UPDATE watched SET reading = 0";
        /// A record in our name that our trace lacks.
        pub NOT_OURS = "INSERT INTO not_ours (log_index) VALUES ($1) ON CONFLICT (log_index) DO NOTHING";
        pub FORGET_NOT_OURS = "DELETE FROM not_ours WHERE log_index < $1";
        pub SOME_NOT_OURS = "SELECT log_index FROM not_ours ORDER BY log_index LIMIT 1";
        pub PUT_ENROLLED_ROOT = "INSERT INTO enrolled_root (log_index, root, hash) VALUES ($1, $2, $3) \
            ON CONFLICT (log_index) DO UPDATE SET root = excluded.root, hash = excluded.hash";
        pub FORGET_ENROLLED_ROOTS = "DELETE FROM enrolled_root";
        pub ENROLLED_ROOTS = "SELECT log_index, root, hash FROM enrolled_root ORDER BY log_index";
        /// Read again, a manifest is open until what ended it is read again.
        pub PUT_MANIFEST = "INSERT INTO manifest (hash, key_id, log_index) VALUES ($1, $2, $3) \
            ON CONFLICT (hash) DO UPDATE SET key_id = excluded.key_id, log_index = excluded.log_index, ended = NULL";
        pub END_MANIFEST = "UPDATE manifest SET ended = $2 WHERE hash = $1";
        pub OPEN_MANIFESTS = "SELECT hash, log_index FROM manifest WHERE log_index > $1 AND ended IS NULL \
            ORDER BY log_index LIMIT $2";
        /// Under the key that it is sealed to by now.
        pub COUNT_OPEN_MANIFESTS = "SELECT count(*) AS n FROM manifest m LEFT JOIN rewrapped_manifest r ON r.hash = m.hash \
            WHERE COALESCE(r.key_id, m.key_id) = $1 AND m.ended IS NULL";
        pub MANIFEST_REWRAPPED = "INSERT INTO rewrapped_manifest (hash, key_id, rewrapped) VALUES ($1, $2, $3) \
            ON CONFLICT (hash) DO UPDATE SET key_id = excluded.key_id, rewrapped = excluded.rewrapped";
        /// Announced: whatever the platform says of it, it is looked at until it is done.
        pub BEGIN_REWRAPPING = "INSERT INTO rewrapping (dossier) VALUES ($1) ON CONFLICT (dossier) DO NOTHING";
        pub END_REWRAPPING = "DELETE FROM rewrapping WHERE dossier = $1";
        pub REWRAPPING = "SELECT dossier FROM rewrapping ORDER BY dossier";
        pub KEY_REWRAPPED = "INSERT INTO rewrapped_key (key_id, rewrapped) VALUES ($1, $2) \
            ON CONFLICT (key_id) DO UPDATE SET rewrapped = excluded.rewrapped";
        pub IS_REWRAPPED = "SELECT rewrapped FROM rewrapped_key WHERE key_id = $1";
        pub INSERT_ALARM = "INSERT INTO alarm (id, kind, log_index, position, raised) VALUES ($1, $2, $3, $4, $5)";
        pub KNOWN_ALARM = "SELECT id FROM alarm WHERE id = $1";
        pub COUNT_ALARMS = "SELECT count(*) AS n FROM alarm WHERE kind = $1";
        pub ALARM_KINDS = "SELECT DISTINCT kind FROM alarm ORDER BY kind";
    }
}
