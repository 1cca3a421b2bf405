//! Tables and statements, in SQL that both databases read.

use sceau_store::Migration;

/// The tables of this room.
pub const MIGRATIONS: &[Migration] = &[
    Migration { name: "accounts/0001-people-and-machines", sql: include_str!("schema/0001.sql") },
    Migration { name: "accounts/0002-ceremonies", sql: include_str!("schema/0002.sql") },
    Migration { name: "accounts/0003-identities", sql: include_str!("schema/0003.sql") },
    Migration { name: "accounts/0004-shares-of-ceremonies", sql: include_str!("schema/0004.sql") },
];

/// Each statement, public for the test that prepares them all.
pub mod statements {
    sceau_store::statements! {
        pub BEGIN_CEREMONY = "INSERT INTO ceremony (kind, id, state, expires, share) VALUES ($1, $2, $3, $4, $5) \
            ON CONFLICT (kind, id) DO UPDATE SET state = excluded.state, expires = excluded.expires, share = excluded.share";
        pub END_CEREMONY = "DELETE FROM ceremony WHERE kind = $1 AND id = $2 RETURNING state, expires";
        pub PURGE_CEREMONIES = "DELETE FROM ceremony WHERE expires <= $1";
        pub BOUND_CEREMONIES = "DELETE FROM ceremony WHERE (SELECT count(*) FROM ceremony) >= $1 AND (kind, id) IN \
            (SELECT kind, id FROM ceremony WHERE share = \
                (SELECT share FROM ceremony GROUP BY share ORDER BY count(*) DESC, share LIMIT 1) \
            ORDER BY expires, kind, id LIMIT 1)";

        pub INSERT_ACCOUNT = "INSERT INTO account (id, email, name, role, payload, state, created) \
            VALUES ($1, $2, $3, $4, $5, 'pending', $6)";
        pub FIND_ACCOUNT = "SELECT id, email, name, payload FROM account WHERE id = $1 AND state = 'active'";
        pub ACTIVATE_ACCOUNT = "UPDATE account SET state = 'active' WHERE id = $1 AND state IN ('pending', 'active')";
        pub DISCARD_ACCOUNT = "DELETE FROM account WHERE id = $1 AND state = 'pending'";
        pub PENDING_ACCOUNTS = "SELECT id, payload FROM account WHERE state = 'pending' AND created < $1";
        pub COUNT_ROLE = "SELECT count(*) AS n FROM account WHERE role = $1 AND state = 'active'";

        pub INSERT_CREDENTIAL = "INSERT INTO credential (id, account, payload, state, sign_count, created) \
            VALUES ($1, $2, $3, 'pending', $4, $5)";
        pub FIND_CREDENTIAL = "SELECT account, payload, sign_count FROM credential \
            WHERE id = $1 AND state = 'active'";
        pub ACCOUNT_CREDENTIALS = "SELECT id, payload, state FROM credential WHERE account = $1";
        pub ACTIVATE_CREDENTIAL = "UPDATE credential SET state = 'active' WHERE id = $1 AND state = 'pending'";
        pub DISCARD_CREDENTIAL = "DELETE FROM credential WHERE id = $1 AND state = 'pending'";
        pub PENDING_CREDENTIALS = "SELECT c.id, c.payload FROM credential c JOIN account a ON a.id = c.account \
            WHERE c.state = 'pending' AND a.state = 'active' AND c.created < $1";
        pub COUNT_SIGNATURE = "UPDATE credential SET sign_count = $2, used = $3 \
            WHERE id = $1 AND (sign_count < $2 OR (sign_count = 0 AND $2 = 0))";

        pub INSERT_IDENTITY = "INSERT INTO identity (id, account, provider, payload, state, created) \
            VALUES ($1, $2, $3, $4, 'pending', $5)";
        pub FIND_IDENTITY = "SELECT account, payload, state FROM identity WHERE id = $1";
        pub ACCOUNT_IDENTITIES = "SELECT id, payload, provider, state FROM identity WHERE account = $1";
        pub RETAKE_IDENTITY = "UPDATE identity SET state = 'pending', payload = $3, created = $4 \
            WHERE id = $1 AND account = $2 AND state = 'ended'";
        pub END_IDENTITY = "UPDATE identity SET state = 'ending', created = $3 \
            WHERE id = $1 AND account = $2 AND state = 'active'";
        pub ENDED_IDENTITY = "UPDATE identity SET state = 'ended' WHERE id = $1 AND state IN ('ending', 'pending')";
        pub KEEP_IDENTITY = "UPDATE identity SET state = 'active' WHERE id = $1 AND state = 'ending'";
        pub END_PROVIDER_SESSIONS = "DELETE FROM session WHERE account = $1 AND token_hash IN \
            (SELECT token_hash FROM provider_session WHERE provider = $2)";
        pub ACTIVATE_IDENTITY = "UPDATE identity SET state = 'active' WHERE id = $1 AND state = 'pending'";
        pub DISCARD_IDENTITY = "DELETE FROM identity WHERE id = $1 AND state = 'pending'";
        pub PENDING_IDENTITIES = "SELECT i.id, i.payload, i.state FROM identity i JOIN account a ON a.id = i.account \
            WHERE i.state IN ('pending', 'ending') AND a.state = 'active' AND i.created < $1";

        pub INSERT_PASSWORD = "INSERT INTO password (account, email, phc, failures, locked_until) \
            VALUES ($1, $2, $3, 0, 0)";
        pub FIND_PASSWORD = "SELECT p.account, p.phc, p.failures, p.locked_until FROM password p \
            JOIN account a ON a.id = p.account WHERE p.email = $1 AND a.state = 'active'";
        pub ACCOUNT_PASSWORD = "SELECT account FROM password WHERE account = $1";
        pub COUNT_FAILURE = "UPDATE password SET failures = $2, locked_until = $3 WHERE account = $1";

        pub INSERT_SESSION = "INSERT INTO session (token_hash, account, method, created, seen, expires) \
            VALUES ($1, $2, $3, $4, $4, $5)";
        pub FIND_SESSION = "SELECT s.account, s.method, s.seen, p.provider, a.email, a.name, a.payload FROM session s \
            JOIN account a ON a.id = s.account AND a.state = 'active' \
            LEFT JOIN provider_session p ON p.token_hash = s.token_hash \
            WHERE s.token_hash = $1 AND s.expires > $2 AND s.seen > $3";
        pub INSERT_PROVIDER_SESSION = "INSERT INTO provider_session (token_hash, provider, id_token) \
            VALUES ($1, $2, $3)";
        pub FIND_PROVIDER_SESSION = "SELECT provider, id_token FROM provider_session WHERE token_hash = $1";
        pub SEE_SESSION = "UPDATE session SET seen = $2 WHERE token_hash = $1";
        pub END_SESSION = "DELETE FROM session WHERE token_hash = $1";
        pub END_SESSIONS = "DELETE FROM session WHERE account = $1";
        pub PURGE_SESSIONS = "DELETE FROM session WHERE expires <= $1 OR seen <= $2";

        pub INSERT_INVITATION = "INSERT INTO invitation (token_hash, account, email, inviter, payload, created, expires) \
            VALUES ($1, $2, $3, $4, $5, $6, $7)";
        pub FIND_INVITATION = "SELECT account, email, inviter, payload, expires FROM invitation \
            WHERE token_hash = $1 AND accepted IS NULL AND expires > $2";
        pub ACCEPT_INVITATION = "UPDATE invitation SET accepted = $2 WHERE account = $1 AND accepted IS NULL";
        pub FIRST_INVITATION = "SELECT account FROM invitation WHERE inviter IS NULL AND accepted IS NULL";
        pub RENEW_INVITATION = "UPDATE invitation SET token_hash = $2, expires = $3 WHERE account = $1 \
            AND accepted IS NULL";

        pub INSERT_CLIENT = "INSERT INTO client (id, organisation, secret_hash, scopes, created, revoked) \
            VALUES ($1, $2, $3, $4, $5, 0)";
        pub FIND_CLIENT = "SELECT organisation, secret_hash, scopes FROM client WHERE id = $1 AND revoked = 0";
        pub CHANGE_SECRET = "UPDATE client SET secret_hash = $2 WHERE id = $1 AND revoked = 0";
        pub REVOKE_CLIENT = "UPDATE client SET revoked = 1 WHERE id = $1";

        pub INSERT_ACCESS_TOKEN = "INSERT INTO access_token (token_hash, client, scopes, expires) \
            VALUES ($1, $2, $3, $4)";
        pub FIND_ACCESS_TOKEN = "SELECT t.client, t.scopes, c.organisation FROM access_token t \
            JOIN client c ON c.id = t.client WHERE t.token_hash = $1 AND t.expires > $2 AND c.revoked = 0";
        pub END_ACCESS_TOKENS = "DELETE FROM access_token WHERE client = $1";
        pub PURGE_ACCESS_TOKENS = "DELETE FROM access_token WHERE expires <= $1";
    }
}
