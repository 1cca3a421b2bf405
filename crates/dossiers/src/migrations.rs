//! The tables of this room, in the order in which they were made.

use sceau_store::Migration;

/// The tables of this room.
pub const MIGRATIONS: &[Migration] = &[
    Migration { name: "dossiers/0001-tables", sql: include_str!("../migrations/0001.sql") },
    Migration { name: "dossiers/0002-draft-space", sql: include_str!("../migrations/0002.sql") },
    Migration { name: "dossiers/scanned-intake-1", sql: include_str!("../migrations/scanned-intake.sql") },
    Migration { name: "dossiers/deliveries-1", sql: include_str!("../migrations/deliveries.sql") },
    Migration { name: "dossiers/deliveries-2", sql: include_str!("../migrations/webhooks.sql") },
    Migration { name: "dossiers/mob-1", sql: include_str!("../migrations/mob.sql") },
    Migration { name: "dossiers/mob-http-1", sql: include_str!("../migrations/mob-http.sql") },
    Migration { name: "dossiers/mob-http-2", sql: include_str!("../migrations/mob-outcomes.sql") },
    Migration { name: "dossiers/mob-records", sql: include_str!("../migrations/mob-records.sql") },
    Migration { name: "dossiers/intake-grant-key", sql: include_str!("../migrations/intake-grant-key.sql") },
    Migration { name: "dossiers/mob-lists", sql: include_str!("../migrations/mob-lists.sql") },
];
