//! Every SQL text of this room.

sceau_store::statements! {
    pub ANSWER = "SELECT 1 AS n";

    pub INSERT_ORGANISATION = "INSERT INTO organisations (id, name, siret, contact_email, client_id, created) \
        VALUES ($1, $2, $3, $4, $5, $6)";
    pub ORGANISATIONS = "SELECT id FROM organisations ORDER BY name, id";
    pub CONTACT = "SELECT contact_email FROM organisations WHERE id = $1";

    pub INSERT_KEY_STATEMENT = "INSERT INTO key_statements (organisation, key_use, serial, key_manager, jws, log_index) \
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (organisation, key_use, serial) DO NOTHING";
    pub KEY_STATEMENTS = "SELECT key_use, jws, log_index FROM key_statements \
        WHERE organisation = $1 ORDER BY key_use, serial";
    pub NAMING_KEY_MANAGER = "SELECT DISTINCT organisation FROM key_statements WHERE key_manager = $1";

    pub INSERT_SCHEME = "INSERT INTO schemes (id, organisation, created) VALUES ($1, $2, $3) \
        ON CONFLICT (id) DO NOTHING";
    pub SCHEMES = "SELECT id FROM schemes ORDER BY created, id";

    pub INSERT_DOSSIER = "INSERT INTO dossiers (id, citizen, organisation, scheme, key_id, key_serial, state, created, settled) \
        SELECT $1, $2, $3, $4, $5, CAST($6 AS BIGINT), 'draft', CAST($7 AS BIGINT), 0 \
        WHERE (SELECT count(*) FROM dossiers WHERE citizen = $2 AND state = 'draft') < $8";
    pub DOSSIER = "SELECT id, key_id, created, submitted, decided FROM dossiers WHERE id = $1";
    pub DOSSIERS_OF_CITIZEN = "SELECT id, created, submitted, decided FROM dossiers \
        WHERE citizen = $1 ORDER BY created DESC";
    pub DOSSIERS_OF_ORGANISATION = "SELECT id, created, submitted, decided FROM dossiers \
        WHERE organisation = $1 AND state NOT IN ('draft', 'withdrawn') ORDER BY submitted DESC";
    pub OPEN_DOSSIERS = "SELECT id, key_id, state FROM dossiers \
        WHERE organisation = $1 AND state NOT IN ('withdrawn') ORDER BY created";
    pub SETTLE = "UPDATE dossiers SET state = $2, submitted = $3, decided = $4, settled = $5 \
        WHERE id = $1 AND settled <= $5";
    pub UNSETTLED = "SELECT id, settled FROM dossiers \
        WHERE id > $1 AND state IN ('draft', 'submitted', 'more_information') ORDER BY id LIMIT $2";
    pub OLD_DRAFTS = "SELECT id, created FROM dossiers WHERE state = 'draft' AND created < $1 ORDER BY id";
    pub WITHDRAW = "UPDATE dossiers SET state = 'withdrawn' WHERE id = $1 AND state = 'draft'";
    pub FORGET_DOSSIER = "DELETE FROM dossiers WHERE id = $1 AND state = 'draft'";
    pub BEFORE_PART = "SELECT (SELECT digest FROM parts WHERE dossier = $1 AND file_id = $2 AND part = $3) AS digest, \
        (SELECT count(*) FROM files WHERE dossier = $1 AND file_id = $2) AS begun, \
        (SELECT count(*) FROM parts WHERE dossier = $1) AS parts, \
        CAST((SELECT COALESCE(SUM(bytes), 0) FROM draft_space WHERE citizen = $4) AS BIGINT) AS of_account, \
        CAST((SELECT COALESCE(SUM(bytes), 0) FROM draft_space WHERE source = $5) AS BIGINT) AS of_source";

    pub INSERT_FILE = "INSERT INTO files (dossier, file_id, header, created) SELECT $1, $2, $3, CAST($4 AS BIGINT) \
        WHERE (SELECT count(*) FROM files WHERE dossier = $1) < $5 \
        ON CONFLICT (dossier, file_id) DO NOTHING";
    pub FILE = "SELECT file_id, header FROM files WHERE dossier = $1 AND file_id = $2";
    pub FILES = "SELECT file_id, header FROM files WHERE dossier = $1 ORDER BY created, file_id";
    pub EXCHANGE_HEADER = "UPDATE files SET header = $4 WHERE dossier = $1 AND file_id = $2 AND header = $3";
    pub SEALED_TO = "UPDATE dossiers SET key_id = $2, key_serial = $3 WHERE id = $1";
    pub INSERT_PART = "INSERT INTO parts (dossier, file_id, part, object, digest, length) \
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (dossier, file_id, part) DO NOTHING";
    pub PART = "SELECT object, digest, length FROM parts WHERE dossier = $1 AND file_id = $2 AND part = $3";
    pub PARTS_OF_DOSSIER = "SELECT file_id, part, digest, length FROM parts WHERE dossier = $1 ORDER BY file_id, part";
    pub PARTS = "SELECT part, digest, length FROM parts WHERE dossier = $1 AND file_id = $2 ORDER BY part";

    pub TAKE_SPACE = "INSERT INTO draft_space (dossier, file_id, source, citizen, bytes) \
        SELECT $1, $2, $3, $4, CAST($5 AS BIGINT) \
        WHERE (SELECT COALESCE(SUM(bytes), 0) FROM draft_space WHERE citizen = $4) <= CAST($6 AS BIGINT) - CAST($5 AS BIGINT) \
        AND (SELECT COALESCE(SUM(bytes), 0) FROM draft_space WHERE source = $3) <= CAST($7 AS BIGINT) - CAST($5 AS BIGINT) \
        ON CONFLICT (dossier, file_id, source) DO UPDATE SET bytes = draft_space.bytes + excluded.bytes";
    pub FILES_OF_DRAFT = "SELECT file_id FROM files WHERE dossier = $1 \
        UNION SELECT file_id FROM draft_space WHERE dossier = $1";
    pub FILES_IN_DRAFT = "SELECT DISTINCT file_id FROM draft_space WHERE dossier = $1";
    pub RELEASE_SPACE = "DELETE FROM draft_space WHERE dossier = $1";
    pub RELEASE_FILE = "DELETE FROM draft_space WHERE dossier = $1 AND file_id = $2";
    pub TO_RELEASE = "SELECT DISTINCT s.dossier FROM draft_space s JOIN dossiers d ON d.id = s.dossier \
        WHERE d.state NOT IN ('draft', 'more_information')";

    pub OBJECT = "SELECT object FROM parts WHERE object = $1 \
        UNION ALL SELECT object FROM mob_parts WHERE object = $1 LIMIT 1";
    pub OBJECTS_OF_FILE = "SELECT object FROM parts WHERE dossier = $1 AND file_id = $2";
    pub FORGET_PARTS = "DELETE FROM parts WHERE dossier = $1 AND file_id = $2";
    pub FORGET_FILE = "DELETE FROM files WHERE dossier = $1 AND file_id = $2";

    pub KEEP_GRANT_KEY = "INSERT INTO intake_grant_key (id, key) VALUES (1, $1) ON CONFLICT (id) DO NOTHING";
    pub GRANT_KEY = "SELECT key FROM intake_grant_key WHERE id = 1";
    pub INSERT_GRANT = "INSERT INTO intake_grants (grant_hash, dossier, citizen, source, expires) VALUES ($1, $2, $3, $4, $5)";
    pub REDEEM_GRANT = "UPDATE intake_grants SET token_hash = $2, session_expires = $3 \
        WHERE grant_hash = $1 AND token_hash IS NULL AND expires > $4 RETURNING dossier, citizen";
    pub INTAKE_SESSION = "SELECT dossier, citizen, source FROM intake_grants WHERE token_hash = $1 AND session_expires > $2";
    pub FORGET_GRANTS = "DELETE FROM intake_grants WHERE expires < $1 AND (session_expires IS NULL OR session_expires < $1)";
    pub INSERT_SCAN = "INSERT INTO scans (dossier, file_id, word) VALUES ($1, $2, $3) ON CONFLICT (dossier, file_id) DO NOTHING";
    pub SCAN = "SELECT word FROM scans WHERE dossier = $1 AND file_id = $2";

    pub INSERT_TICKET = "INSERT INTO tickets (ticket_hash, dossier, account, role, expires) VALUES ($1, $2, $3, $4, $5)";
    pub REDEEM_TICKET = "UPDATE tickets SET token_hash = $2, session_expires = $3 \
        WHERE ticket_hash = $1 AND token_hash IS NULL AND expires > $4 RETURNING dossier, account, role";
    pub READING_SESSION = "SELECT dossier, account, role FROM tickets WHERE token_hash = $1 AND session_expires > $2";
    pub FORGET_TICKETS = "DELETE FROM tickets WHERE expires < $1 AND (session_expires IS NULL OR session_expires < $1)";

    pub INSERT_MACHINE_READING = "INSERT INTO tickets (ticket_hash, token_hash, dossier, account, role, expires, session_expires) \
        VALUES ($1, $1, $2, $3, $4, $5, $5)";

    pub NEXT_POSITION = "INSERT INTO feed_heads (organisation, position) VALUES ($1, 1) \
        ON CONFLICT (organisation) DO UPDATE SET position = feed_heads.position + 1 RETURNING position, \
        (SELECT count(*) FROM feed WHERE dossier = $2 AND kind IN ('submitted', 'resubmitted')) AS sent, \
        (SELECT count(*) FROM webhooks WHERE organisation = $1) AS webhooks";
    pub HEAD = "SELECT position FROM feed_heads WHERE organisation = $1";
    pub INSERT_DELIVERY = "INSERT INTO feed (organisation, position, dossier, log_index, kind, scheme, manifest_hash, time) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    pub DELIVERIES = "SELECT position, dossier, log_index, kind, scheme, manifest_hash, time FROM feed \
        WHERE organisation = $1 AND position > $2 ORDER BY position LIMIT $3";
    pub INSERT_CONNECTOR = "INSERT INTO connectors (client, organisation, name, acknowledged, created) \
        VALUES ($1, $2, $3, 0, $4)";
    pub CONNECTOR = "SELECT organisation, acknowledged FROM connectors WHERE client = $1";
    pub CONNECTORS = "SELECT client, name, created, revoked, acknowledged FROM connectors \
        WHERE organisation = $1 ORDER BY created, client";
    pub END_CONNECTOR = "UPDATE connectors SET revoked = $2 WHERE client = $1 AND revoked IS NULL";
    pub WEBHOOK = "SELECT url FROM webhooks WHERE organisation = $1";
    pub SET_WEBHOOK = "INSERT INTO webhooks (organisation, url, changed) VALUES ($1, $2, $3) \
        ON CONFLICT (organisation) DO UPDATE SET url = excluded.url, changed = excluded.changed";
    pub FORGET_WEBHOOK = "DELETE FROM webhooks WHERE organisation = $1";
    pub WEBHOOK_KEY = "SELECT seed FROM webhook_key WHERE id = $1";
    pub WEBHOOK_KEYS = "SELECT id, seed, created FROM webhook_key ORDER BY id";
    pub KEEP_WEBHOOK_KEY = "INSERT INTO webhook_key (id, seed, created) VALUES ($1, $2, $3) \
        ON CONFLICT (id) DO NOTHING";
    pub FORGET_WEBHOOK_KEYS = "DELETE FROM webhook_key WHERE id < $1";
    pub ACKNOWLEDGE = "UPDATE connectors SET acknowledged = $2 WHERE client = $1 AND acknowledged < $2";

    pub FETCH = "SELECT file_id FROM fetches WHERE token_hash = $1 AND file_id = $2";
    pub INSERT_FETCH = "INSERT INTO fetches (token_hash, file_id) VALUES ($1, $2) \
        ON CONFLICT (token_hash, file_id) DO NOTHING";

    pub INSERT_EVENT = "INSERT INTO events (dossier, log_index, time, action, outcome, actor_role, organisation) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (dossier, log_index) DO NOTHING";
    pub EVENTS = "SELECT log_index, time, action, outcome, actor_role, organisation FROM events \
        WHERE dossier = $1 ORDER BY log_index";
    pub EVENT = "SELECT log_index FROM events WHERE dossier = $1 AND log_index = $2";
    pub COUNT_OPENED = "SELECT count(*) AS n FROM events WHERE dossier = $1 AND action = 'unwrap.outcome' \
        AND outcome = 'granted'";

    pub KEEP_DOCUMENT = "INSERT INTO attested_documents (kind, id, hash, payload, proof, created) \
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (kind, id, hash) DO UPDATE SET proof = excluded.proof \
        WHERE attested_documents.log_index IS NULL";
    pub CONFIRM_DOCUMENT = "UPDATE attested_documents SET log_index = $4, proof = $5 \
        WHERE kind = $1 AND id = $2 AND hash = $3 AND log_index IS NULL";
    pub CONFIRM_AS_KEPT = "UPDATE attested_documents SET log_index = $4 \
        WHERE kind = $1 AND id = $2 AND hash = $3 AND log_index IS NULL";
    pub PENDING_DOCUMENTS = "SELECT kind, id, hash FROM attested_documents WHERE log_index IS NULL AND created < $1";
    pub FORGET_DOCUMENT = "DELETE FROM attested_documents WHERE kind = $1 AND id = $2 AND hash = $3 \
        AND log_index IS NULL";
    pub DOCUMENT = "SELECT payload, proof, log_index FROM attested_documents WHERE kind = $1 AND id = $2 AND hash = $3";

    pub PREPARE_ORGANISATION = "INSERT INTO prepared_organisations (id, siret, contact_email, created) \
        VALUES ($1, $2, $3, $4)";
    pub PREPARED_ORGANISATION = "SELECT siret, contact_email FROM prepared_organisations WHERE id = $1";
    pub FORGET_PREPARATIONS = "DELETE FROM prepared_organisations WHERE created < $1";
    pub FORGET_PREPARED_ORGANISATION = "DELETE FROM prepared_organisations WHERE id = $1";
}
