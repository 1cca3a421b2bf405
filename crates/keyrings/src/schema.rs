//! Tables and statements, in SQL that both databases read.

use sceau_store::Migration;

/// The tables of this room.
pub const MIGRATIONS: &[Migration] =
    &[Migration { name: "keyrings/0001-rows-and-requests", sql: include_str!("schema/0001.sql") }];

/// Each statement, public for the test that prepares them all. What a statement is filtered by may be an empty text, which stands for all.
pub mod statements {
    sceau_store::statements! {
        pub ANSWER = "SELECT 1 AS n";
        /// An older version does not take the place of a newer one; what was altered is dropped first.
        pub KEEP = "INSERT INTO keyring_row (kind, id, number, organisation, policy, state, time, version, log_index, payload) \
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (kind, id) DO UPDATE SET number = CASE WHEN $8 = 1 THEN excluded.number \
            ELSE keyring_row.number END, organisation = excluded.organisation, policy = excluded.policy, state = excluded.state, time = excluded.time, \
            version = excluded.version, log_index = excluded.log_index, payload = excluded.payload WHERE excluded.version >= keyring_row.version";
        pub DROP_ROW = "DELETE FROM keyring_row WHERE kind = $1 AND id = $2";
        pub ROW = "SELECT number, payload FROM keyring_row WHERE kind = $1 AND id = $2";
        pub NUMBER = "UPDATE keyring_row SET number = $1 WHERE kind = $2 AND id = $3";
        pub NUMBERED = "SELECT number FROM keyring_row WHERE number >= $1 AND number < $2";
        pub SWEPT = "SELECT kind, id, organisation, policy, state, time, version, log_index, payload FROM keyring_row \
            WHERE kind > $1 OR (kind = $1 AND id > $2) ORDER BY kind, id LIMIT $3";
        pub FORGET_ACTORS = "DELETE FROM keyring_actor WHERE organisation = $1";
        pub KEEP_ACTOR = "INSERT INTO keyring_actor (organisation, id, thumbprint) VALUES ($1, $2, $3) \
            ON CONFLICT (organisation, id) DO UPDATE SET thumbprint = excluded.thumbprint";
        pub ACTORS = "SELECT id, thumbprint FROM keyring_actor WHERE organisation = $1 ORDER BY id";
        /// The access documents that register a key.
        pub ACCESS_OF = "SELECT r.payload FROM keyring_row r WHERE r.kind = 'keyring-access' AND r.id IN \
            (SELECT organisation FROM keyring_actor WHERE thumbprint = $1) ORDER BY r.id LIMIT 16";
        pub FED = "SELECT next FROM keyring_fed WHERE id = 1";
        /// What somebody deleted or wrote over begins again.
        pub FEED_FROM = "INSERT INTO keyring_fed (id, next) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET next = excluded.next";
        /// Whoever finds the place as it was moves it.
        pub FEED_ON = "UPDATE keyring_fed SET next = $1 WHERE id = 1 AND next = $2";
        pub POLICIES_OF = "SELECT payload FROM keyring_row WHERE kind = 'keyring-policy' AND organisation = $1 ORDER BY time, id LIMIT $2";
        pub KEYRINGS_OF = "SELECT payload, version, log_index, time, id FROM keyring_row WHERE kind = 'keyring' AND policy = $1 AND ($2 = '' OR state = $2) \
            AND (time > $3 OR (time = $3 AND id > $4)) ORDER BY time, id LIMIT $5";

        pub REQUEST = "SELECT id, keyring, organisation, policy, provider, jws, ends, state, terminal, outcome FROM keyring_request WHERE id = $1";
        pub WAITING_OF = "SELECT count(CASE WHEN keyring = $2 THEN 1 END) AS here, count(*) AS everywhere FROM keyring_request \
            WHERE provider = $1 AND organisation = $4 AND state = 'pending' AND ends > $3";
        pub WAITING_FOR = "SELECT count(*) AS n FROM keyring_request WHERE keyring = $1 AND state = 'pending' AND ends > $2";
        pub ASKED_SINCE = "SELECT count(*) AS n FROM keyring_request WHERE keyring = $1 AND provider = $2 AND organisation = $4 AND received > $3";
        pub DEPOSIT = "INSERT INTO keyring_request (id, keyring, organisation, policy, provider, jws, received, ends, state) \
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'pending')";
        pub PENDING = "SELECT id, ends FROM keyring_request WHERE keyring = $1 AND state = 'pending' AND ends > $2 ORDER BY received, id LIMIT $3";
        /// Once: whoever finds it pending settles it; but what was signed, which is proven, takes the place of what was rejected, which is not.
        pub SETTLE = "UPDATE keyring_request SET state = $2, settled = $3, terminal = $4, outcome = $5 WHERE id = $1 \
            AND (state = 'pending' OR ($2 = 'signed' AND state = 'rejected'))";
        pub FORGET_REQUESTS = "DELETE FROM keyring_request WHERE ends < $1";
        pub REPORT = "INSERT INTO keyring_report (request, keyring, organisation, policy, provider, hash, reason, time) \
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (request) DO NOTHING";
        pub REPORTS_OF = "SELECT request, keyring, provider, hash, reason, time FROM keyring_report WHERE policy = $1 \
            AND (time > $2 OR (time = $2 AND request > $3)) ORDER BY time, request LIMIT $4";

        pub VISIT = "INSERT INTO keyring_visit (nonce, ends) VALUES ($1, $2) ON CONFLICT (nonce) DO NOTHING";
        pub FORGET_VISITS = "DELETE FROM keyring_visit WHERE ends < $1";
        pub DRAW_SECRET = "INSERT INTO keyring_nonces (id, secret) VALUES (1, $1) ON CONFLICT (id) DO NOTHING";
        pub SECRET = "SELECT secret FROM keyring_nonces WHERE id = 1";
    }
}
