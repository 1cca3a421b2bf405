//! What is kept of keys and subscriptions. The rows are the platform's; what a reader needs to trust is signed beside them.

use sceau_element_api::{OrganisationId, SchemeId};
use sceau_store::{ObjectName, Row, StoreError, params};
use serde_json::{Map, Value};

use super::MobHost;
use super::forms::{Person, Sealed};
use super::refusal::{Answer, Code};

/// The SQL of this part.
pub mod statements {
    sceau_store::statements! {
        pub KEY_OF_BEFORE = "SELECT document, log_index FROM mob_keys WHERE funder = $1 ORDER BY serial DESC LIMIT 1";

        pub INSERT_REQUEST = "INSERT INTO mob_requests (id, owner, funder, scheme, company, status, citizen, person, answers, created, updated, last_name) \
            VALUES ($1, $2, $3, $4, $5, 'BROUILLON', $6, $7, $8, $9, $9, $10)";
        pub REQUEST = "SELECT r.id, r.owner, r.funder, r.scheme, r.company, COALESCE(s.status, r.status) AS status, r.person, r.answers, \
            r.sealed, r.manifest, r.outcome, r.created, r.updated \
            FROM mob_requests r LEFT JOIN mob_subscriptions s ON s.id = r.id WHERE r.id = $1";
        pub REQUESTS_OF_OWNER = "SELECT r.id, r.owner, r.funder, r.scheme, r.company, COALESCE(s.status, r.status) AS status, r.person, \
            r.answers, r.sealed, r.manifest, r.outcome, r.created, r.updated \
            FROM mob_requests r LEFT JOIN mob_subscriptions s ON s.id = r.id \
            WHERE r.owner = $1 AND r.status <> 'BROUILLON' AND (r.created < $2 OR (r.created = $2 AND r.id > $3)) \
            AND r.updated >= $4 AND r.updated < $5 AND ($6 = '' OR r.citizen = $6) \
            AND ($7 = '' OR $7 LIKE '%,' || r.scheme || ',%') \
            AND ($8 = '' OR $8 LIKE '%,' || COALESCE(s.status, r.status) || ',%') \
            AND ($9 = '' OR (r.company IS NULL AND $9 = 'none') OR (r.company IS NOT NULL AND $9 = 'company')) \
            AND (r.last_name IS NULL OR r.last_name LIKE $10 ESCAPE '!') ORDER BY r.created DESC, r.id LIMIT $11";
        pub REQUESTS_OF_FUNDER = "SELECT r.id, r.owner, r.funder, r.scheme, r.company, COALESCE(s.status, r.status) AS status, r.person, \
            r.answers, r.sealed, r.manifest, r.outcome, r.created, r.updated \
            FROM mob_requests r LEFT JOIN mob_subscriptions s ON s.id = r.id \
            WHERE r.funder = $1 AND r.status <> 'BROUILLON' AND (r.created < $2 OR (r.created = $2 AND r.id > $3)) \
            AND r.updated >= $4 AND r.updated < $5 AND ($6 = '' OR r.citizen = $6) \
            AND ($7 = '' OR $7 LIKE '%,' || r.scheme || ',%') \
            AND ($8 = '' OR $8 LIKE '%,' || COALESCE(s.status, r.status) || ',%') \
            AND ($9 = '' OR (r.company IS NULL AND $9 = 'none') OR (r.company IS NOT NULL AND $9 = 'company')) \
            AND (r.last_name IS NULL OR r.last_name LIKE $10 ESCAPE '!') ORDER BY r.created DESC, r.id LIMIT $11";
        pub CHANGE_ANSWERS = "UPDATE mob_requests SET answers = $2, updated = $3 \
            WHERE id = $1 AND status = 'BROUILLON' AND answers = $4";
        pub SEAL = "UPDATE mob_requests SET sealed = $2, manifest = $4, updated = $3 \
            WHERE id = $1 AND status = 'BROUILLON' AND sealed IS NULL";
        pub SEND = "UPDATE mob_requests SET status = 'A_TRAITER', updated = $2 \
            WHERE id = $1 AND status = 'BROUILLON'";
        pub DRAFTS = "SELECT count(*) AS n FROM mob_requests WHERE owner = $1 AND citizen = $2 AND status = 'BROUILLON'";
        pub DRAFTS_OF_OWNER = "SELECT count(*) AS n FROM mob_requests WHERE owner = $1 AND status = 'BROUILLON'";
        pub DECIDE = "UPDATE mob_requests SET status = $2, outcome = $3, updated = $4 \
            WHERE id = $1 AND status = 'A_TRAITER'";

        pub INSERT_ATTACHMENT = "INSERT INTO mob_attachments (subscription, place, name, proof_type, media_type, size, hash, uploaded) \
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        pub ATTACHMENTS = "SELECT name, proof_type, media_type, size, hash, uploaded FROM mob_attachments \
            WHERE subscription = $1 ORDER BY place";
        pub INSERT_SEALED_PART = "INSERT INTO mob_parts (subscription, name, part, object, digest) VALUES ($1, $2, $3, $4, $5)";
        pub KEEP_OUTCOME = "INSERT INTO mob_outcomes (id, draft, created) VALUES ($1, $2, $3)";
        pub OUTCOMES = "SELECT id, draft FROM mob_outcomes WHERE created < $1 ORDER BY created LIMIT 1000";
        pub FORGET_OUTCOME = "DELETE FROM mob_outcomes WHERE id = $1";
        pub INSERT_METADATA = "INSERT INTO mob_metadata (id, owner, scheme, document, created) VALUES ($1, $2, $3, $4, $5)";
        pub UNUSED_METADATA = "SELECT count(*) AS n FROM mob_metadata WHERE owner = $1";
        pub METADATA = "SELECT owner, scheme, document FROM mob_metadata WHERE id = $1";
        pub FORGET_METADATA = "DELETE FROM mob_metadata WHERE id = $1 AND owner = $2";
        pub FORGET_OLD_METADATA = "DELETE FROM mob_metadata WHERE created < $1";
        pub OLD_DRAFTS = "SELECT id FROM mob_requests WHERE status = 'BROUILLON' AND updated < $1 ORDER BY updated LIMIT 500";
        pub PARTS_OF_DRAFT = "SELECT object FROM mob_parts WHERE subscription = $1";
        pub FORGET_PARTS = "DELETE FROM mob_parts WHERE subscription = $1 \
            AND EXISTS (SELECT 1 FROM mob_requests WHERE id = $1 AND status = 'BROUILLON')";
        pub FORGET_ATTACHMENTS = "DELETE FROM mob_attachments WHERE subscription = $1 \
            AND EXISTS (SELECT 1 FROM mob_requests WHERE id = $1 AND status = 'BROUILLON')";
        pub FORGET_DRAFT = "DELETE FROM mob_requests WHERE id = $1 AND status = 'BROUILLON'";
        pub SEALED_PARTS = "SELECT object, digest FROM mob_parts WHERE subscription = $1 AND name = $2 ORDER BY part";
    }
}

/// A subscription.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) id: String,
    pub(super) owner: String,
    pub(super) funder: OrganisationId,
    pub(super) scheme: SchemeId,
    /// As the bus names its funder, if it decides there.
    pub(super) company: Option<String>,
    pub(super) status: Status,
    pub(super) person: Person,
    pub(super) answers: Map<String, Value>,
    /// The answers as they are kept, to change these and no others.
    pub(super) answers_text: String,
    pub(super) sealed: Option<Sealed>,
    pub(super) manifest: Option<String>,
    pub(super) outcome: Option<Value>,
    pub(super) created: u64,
    pub(super) updated: u64,
}

/// Where a subscription stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Draft,
    ToProcess,
    Validated,
    Rejected,
}

impl Status {
    pub(super) const ALL: [(&'static str, Self); 4] = [
        ("BROUILLON", Self::Draft),
        ("A_TRAITER", Self::ToProcess),
        ("VALIDEE", Self::Validated),
        ("REJETEE", Self::Rejected),
    ];

    pub(super) fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, status)| *status == self).map_or("", |(name, _)| name)
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| *name == text).map(|(_, status)| *status)
    }
}

/// A file of a subscription.
#[derive(Debug, Clone)]
pub(super) struct Attachment {
    pub(super) name: String,
    /// The form's field that it came in.
    pub(super) proof_type: String,
    pub(super) media_type: String,
    /// Plaintext bytes.
    pub(super) size: u64,
    /// The hash of its ciphertext.
    pub(super) hash: String,
    pub(super) uploaded: u64,
}

impl MobHost {
    /// A subscription, of whomever.
    pub(super) async fn request(&self, id: &str) -> Answer<Request> {
        let row = self.database().fetch_optional(statements::REQUEST, params![id]).await?;
        request(&row.ok_or(Code::NoSubscription)?)
    }

    /// Its files, in their order.
    pub(super) async fn attachments(&self, id: &str) -> Answer<Vec<Attachment>> {
        let rows = self.database().fetch_all(statements::ATTACHMENTS, params![id]).await?;
        let attachment = |row: &Row| -> Result<Attachment, StoreError> {
            Ok(Attachment {
                name: row.get("name")?,
                proof_type: row.get("proof_type")?,
                media_type: row.get("media_type")?,
                size: row.get("size")?,
                hash: row.get("hash")?,
                uploaded: row.get("uploaded")?,
            })
        };
        rows.iter().map(|row| Ok(attachment(row)?)).collect()
    }

    /// Where the ciphertext of a file is, part by part, with the SHA-256 of each.
    pub(super) async fn sealed_parts(&self, id: &str, name: &str) -> Answer<Vec<(ObjectName, Vec<u8>)>> {
        let rows = self.database().fetch_all(statements::SEALED_PARTS, params![id, name]).await?;
        rows.iter().map(|row| Ok((row.get("object")?, row.get("digest")?))).collect()
    }
}

pub(super) fn request(row: &Row) -> Answer<Request> {
    let damaged = |_| Code::Tampered;
    let text = |name: &str| -> Answer<Option<String>> { Ok(row.get(name)?) };
    let answers_text: String = row.get("answers")?;
    Ok(Request {
        id: row.get("id")?,
        owner: row.get("owner")?,
        funder: row.get::<String>("funder")?.parse().map_err(|_| Code::Tampered)?,
        scheme: row.get::<String>("scheme")?.parse().map_err(|_| Code::Tampered)?,
        company: row.get("company")?,
        status: Status::parse(&row.get::<String>("status")?).ok_or(Code::Tampered)?,
        person: serde_json::from_str(&row.get::<String>("person")?).map_err(damaged)?,
        answers: serde_json::from_str(&answers_text).map_err(damaged)?,
        answers_text,
        sealed: text("sealed")?.map(|text| serde_json::from_str(&text)).transpose().map_err(damaged)?,
        manifest: row.get("manifest")?,
        outcome: text("outcome")?.map(|text| serde_json::from_str(&text)).transpose().map_err(damaged)?,
        created: row.get("created")?,
        updated: row.get("updated")?,
    })
}
