//! Tables and statements, in SQL that both databases read.

use sceau_store::Migration;

/// The tables of this room.
pub const MIGRATIONS: &[Migration] = &[
    Migration { name: "protect/0001-applications-and-data", sql: include_str!("schema/0001.sql") },
    Migration { name: "protect/0002-what-data-are-found-by", sql: include_str!("schema/0002.sql") },
    Migration { name: "protect/0003-data-are-numbered", sql: include_str!("schema/0003.sql") },
    Migration { name: "protect/0004-what-is-counted", sql: include_str!("schema/0004.sql") },
    Migration { name: "protect/0005-data-are-counted", sql: include_str!("schema/0005.sql") },
    Migration { name: "protect/0006-acts", sql: include_str!("schema/0006.sql") },
    Migration {
        name: "protect/0007-acts-of-applications-and-failures",
        sql: include_str!("schema/0007.sql"),
    },
    Migration { name: "protect/0008-refusals", sql: include_str!("schema/0008.sql") },
];

/// Each statement, public for the test that prepares them all. What a statement is filtered by may be an empty text, which stands for all.
pub mod statements {
    sceau_store::statements! {
        pub KEEP_APPLICATION = "INSERT INTO protect_application \
            (id, organisation, name, status, version, log_index, payload) VALUES ($1, $2, $3, $4, $5, $6, $7) \
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, status = excluded.status, version = excluded.version, \
            log_index = excluded.log_index, payload = excluded.payload";
        /// Its number stays what it was when it came first.
        pub KEEP_DATUM = "INSERT INTO protect_datum (id, organisation, application, status, created, expires, \
            version, log_index, number, payload, salt, kept) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10, 1) \
            ON CONFLICT (id) DO UPDATE SET status = excluded.status, created = excluded.created, expires = excluded.expires, \
            version = excluded.version, log_index = excluded.log_index, payload = excluded.payload, salt = excluded.salt, \
            kept = protect_datum.kept + 1 RETURNING number, kept";
        /// Eight at once: most data have no more, and each statement is a way to the server and back.
        pub KEEP_TERMS = "INSERT INTO protect_found (number, created, term) VALUES \
            ($1, $2, $3), ($1, $2, $4), ($1, $2, $5), ($1, $2, $6), ($1, $2, $7), ($1, $2, $8), ($1, $2, $9), ($1, $2, $10) \
            ON CONFLICT (term, created, number) DO NOTHING";
        pub FORGET_TERM = "DELETE FROM protect_found WHERE term = $1 AND created = $2 AND number = $3";
        pub BEFORE = "SELECT number, payload, organisation, status, expires FROM protect_datum WHERE id = $1";
        pub KEEP_STOCK = "INSERT INTO protect_stock (organisation, status, day, n) VALUES ($1, $2, $3, $4) \
            ON CONFLICT (organisation, status, day) DO UPDATE SET n = protect_stock.n + excluded.n";
        pub STOCK = "SELECT status, CAST(CASE WHEN day < $2 THEN 1 ELSE 0 END AS BIGINT) AS ended, CAST(sum(n) AS BIGINT) AS n \
            FROM protect_stock WHERE organisation = $1 GROUP BY 1, 2";
        pub ENDING = "SELECT day, n FROM protect_stock WHERE organisation = $1 AND status = 'active' AND day >= $2 AND day < $3 \
            AND n > 0 ORDER BY day";
        pub DATUM = "SELECT payload, salt FROM protect_datum WHERE id = $1";
        /// Those of these ids, in any order.
        pub DATA = "SELECT id, payload, salt FROM protect_datum WHERE id IN ( \
            $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, \
            $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, \
            $49, $50, $51, $52, $53, $54, $55, $56, $57, $58, $59, $60, $61, $62, $63, $64)";
        pub SWEPT = "SELECT id, number, organisation, application, status, created, expires, payload FROM protect_datum \
            WHERE (number, id) > ($1, $2) ORDER BY number, id LIMIT $3";
        pub NUMBERED = "SELECT number FROM protect_datum WHERE number >= $1 AND number < $2";
        pub NUMBER_OF = "SELECT number FROM protect_datum WHERE id = $1";
        pub TALLIED = "SELECT next, hour FROM protect_tallied WHERE id = 1";
        /// Whoever finds the place as it was counts the lot.
        pub TALLY_ON = "UPDATE protect_tallied SET next = $1, hour = $2 WHERE id = 1 AND next = $3";
        pub TALLY = "INSERT INTO protect_tally (organisation, hour, application, action, code, n, first_index, last_index) \
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (organisation, hour, application, action, code) \
            DO UPDATE SET n = protect_tally.n + excluded.n, last_index = excluded.last_index";
        /// An empty text stands for all.
        pub CALLS_BY_HOUR = "SELECT hour, CAST(CASE WHEN code = '' THEN 1 ELSE 0 END AS BIGINT) AS granted, CAST(sum(n) AS BIGINT) AS n \
            FROM protect_tally WHERE organisation = $1 AND hour >= $2 AND hour < $3 AND application <> '' AND ($4 = '' OR application = $4) \
            GROUP BY 1, 2";
        pub CALLS_BY_APPLICATION = "SELECT application, CAST(CASE WHEN code = '' THEN 1 ELSE 0 END AS BIGINT) AS granted, \
            CAST(sum(n) AS BIGINT) AS n \
            FROM protect_tally WHERE organisation = $1 AND hour >= $2 AND hour < $3 AND application <> '' GROUP BY 1, 2";
        pub REFUSALS_BY_CODE = "SELECT code, CAST(sum(n) AS BIGINT) AS n FROM protect_tally WHERE organisation = $1 AND hour >= $2 \
            AND hour < $3 AND application <> '' AND code <> '' AND ($4 = '' OR application = $4) GROUP BY code ORDER BY code";
        /// Empty texts stand for all.
        pub STRETCHES = "SELECT hour, first_index, last_index FROM protect_tally WHERE organisation = $1 AND hour >= $2 AND hour < $3 \
            AND first_index < $4 AND ($5 = '' OR application = $5) AND ($6 = '' OR ($6 = 'granted') = (code = '')) \
            AND ($7 = '' OR ($7 = 'applications') = (application <> '')) ORDER BY hour DESC, last_index DESC LIMIT $8";
        pub ANSWER = "SELECT 1 AS n";
        pub APPLICATIONS = "SELECT id, payload FROM protect_application WHERE organisation = $1 ORDER BY name, id LIMIT $2";
        pub KEEP_ACT = "INSERT INTO protect_act (id, organisation, time, version, log_index, payload, applications) VALUES ($1, $2, $3, $4, $5, $6, $7) \
            ON CONFLICT (id) DO UPDATE SET version = excluded.version, log_index = excluded.log_index, payload = excluded.payload, \
            applications = CASE WHEN excluded.applications = '' THEN protect_act.applications ELSE excluded.applications END";
        pub ACT = "SELECT id, time, payload, applications FROM protect_act WHERE id = $1";
        pub ACTS = "SELECT id, time, payload, applications FROM protect_act WHERE organisation = $1 AND (time, id) < ($2, $3) \
            ORDER BY time DESC, id DESC LIMIT $4";
        /// How often calls about a datum were refused. What is not there yet is not counted.
        pub REFUSE = "INSERT INTO protect_refused (number, organisation, created, n, last) \
            SELECT number, organisation, created, $2, $3 FROM protect_datum WHERE id = $1 \
            ON CONFLICT (number) DO UPDATE SET n = protect_refused.n + excluded.n, last = excluded.last";
        /// How rare a term is, as far as it matters.
        pub HOW_MANY = "SELECT count(*) AS n FROM (SELECT created FROM protect_found WHERE term = $1 LIMIT 1000) found";
        pub OF_TERM = "SELECT created AS place, number FROM protect_found WHERE term = $1 AND created >= $2 AND (created, number) < ($3, $4) \
            ORDER BY created DESC, number DESC LIMIT $5";
        /// What data of these numbers are, in any order: a share of those of a term, which lie far apart and are read beside each other.
        pub FEW_OF_NUMBER = "SELECT d.number AS number, d.payload AS payload, refused.n AS refusals, refused.last AS last FROM protect_datum d \
            LEFT JOIN protect_refused refused ON refused.number = d.number WHERE d.number IN ($1, $2, $3, $4, $5, $6, $7, $8)";
        pub MANY_OF_NUMBER = "SELECT d.number AS number, d.payload AS payload, refused.n AS refusals, refused.last AS last FROM protect_datum d \
            LEFT JOIN protect_refused refused ON refused.number = d.number WHERE d.number IN ( \
            $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, \
            $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, \
            $49, $50, $51, $52, $53, $54, $55, $56, $57, $58, $59, $60, $61, $62, $63, $64)";
        pub OF_APPLICATION = "SELECT d.created AS place, d.number AS number, d.payload AS payload, refused.n AS refusals, refused.last AS last FROM protect_datum d \
            LEFT JOIN protect_refused refused ON refused.number = d.number WHERE d.application = $1 \
            AND d.created >= $2 AND (d.created, d.number) < ($3, $4) ORDER BY d.created DESC, d.number DESC LIMIT $5";
        pub OF_ORGANISATION = "SELECT d.created AS place, d.number AS number, d.payload AS payload, refused.n AS refusals, refused.last AS last FROM protect_datum d \
            LEFT JOIN protect_refused refused ON refused.number = d.number WHERE d.organisation = $1 \
            AND d.created >= $2 AND (d.created, d.number) < ($3, $4) ORDER BY d.created DESC, d.number DESC LIMIT $5";
        pub BY_EXPIRY = "SELECT d.expires AS place, d.number AS number, d.payload AS payload, refused.n AS refusals, refused.last AS last FROM protect_datum d \
            LEFT JOIN protect_refused refused ON refused.number = d.number WHERE d.organisation = $1 \
            AND d.expires < $2 AND (d.expires, d.number) > ($3, $4) ORDER BY d.expires, d.number LIMIT $5";
        pub OF_REFUSED = "SELECT refused.created AS place, refused.number AS number, d.payload AS payload, refused.n AS refusals, refused.last AS last FROM \
            (SELECT created, number, n, last FROM protect_refused WHERE organisation = $1 AND created >= $2 \
            AND (created, number) < ($3, $4) ORDER BY created DESC, number DESC LIMIT $5) refused \
            LEFT JOIN protect_datum d ON d.number = refused.number ORDER BY refused.created DESC, refused.number DESC";
    }
}
