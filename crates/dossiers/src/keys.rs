//! An organisation's keys, as its root states them: taken in, shown, and chosen from.
//!
//! Each time a key is read, the chain is checked: each statement signed by the root that it names, numbered without a gap, the last one the
//! statement that the element says is current. Only what the enrolled root states is sealed to, as a depositor will check.

use sceau_crypto::{Fingerprint, KeyId};
use sceau_element_api::documents::{Document as _, KeyStatement, KeySuite, KeyUse, OrganisationDocument};
use sceau_element_api::proof::Proof;
use sceau_element_api::wire::{AttestedRow, RowKey};
use sceau_element_api::{Kind, OrganisationId};
use sceau_store::params;
use sceau_trace::Hash;
use serde::Serialize;
use utoipa::ToSchema;

use crate::code::Code;
use crate::fault::Fault;
use crate::rows::Row;
use crate::{Dossiers, statements};

/// Each has a chain of statements of its own.
const USES: [KeyUse; 2] = [KeyUse::Encrypt, KeyUse::Sign];

/// A key as the organisation's root states it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PublishedKey {
    /// The statement, a JWS under the organisation's root.
    pub statement_jws: String,
    /// The evidence file of its entry in the log.
    #[schema(value_type = Option<Object>)]
    pub evidence: Option<serde_json::Value>,
    /// Log index of that entry.
    pub index: u64,
    /// Fingerprint of the root that states it.
    #[schema(value_type = String)]
    pub root_fingerprint: Fingerprint,
    /// Id of the key.
    #[schema(value_type = String)]
    pub key_id: KeyId,
    /// Suite of the key.
    #[schema(value_type = String)]
    pub suite: KeySuite,
    /// What the key is for.
    #[serde(rename = "use")]
    #[schema(value_type = String)]
    pub key_use: KeyUse,
    /// Serial of the statement.
    pub serial: u64,
    /// From when it may be used, in Unix milliseconds.
    pub not_before: u64,
    /// Until when.
    pub not_after: u64,
    /// Where the organisation's people open documents.
    pub key_manager: String,
}

impl PublishedKey {
    /// Whether a deposit may be sealed to it at `now`, for an organisation of this root: what another root stated has ended.
    pub fn is_usable(&self, now: u64, root: &Fingerprint) -> bool {
        let valid = self.not_before <= now && now < self.not_after;
        self.key_use == KeyUse::Encrypt && self.root_fingerprint == *root && valid
    }

    fn of(StatedKey { statement, root, .. }: StatedKey, jws: String, index: u64) -> Self {
        Self {
            statement_jws: jws,
            evidence: None,
            index,
            root_fingerprint: root,
            key_id: statement.key_id,
            suite: statement.suite,
            key_use: statement.key_use,
            serial: statement.serial,
            not_before: statement.not_before,
            not_after: statement.not_after,
            key_manager: statement.key_manager,
        }
    }
}

/// A statement that verified under the root that it names. Which root is enrolled is another question.
struct StatedKey {
    statement: KeyStatement,
    root: Fingerprint,
    hash: Hash,
}

impl StatedKey {
    fn read(jws: &str) -> Option<Self> {
        let root = KeyStatement::parse(&jws_payload(jws).ok()?).ok()?.document.root()?;
        let verified = KeyStatement::verify(jws, &root).ok()?;
        Some(Self { hash: verified.hash(), statement: verified.into_document(), root })
    }
}

impl Dossiers {
    /// Takes a key statement of `organisation` and acknowledges it with its place in the log. Publishing it again changes nothing.
    ///
    /// # Errors
    /// When it is another organisation's, is not signed by its root, or does not follow the last one.
    pub async fn publish_key(&self, organisation: OrganisationId, jws: &str) -> Result<PublishedKey, Fault> {
        let payload = jws_payload(jws)?;
        if KeyStatement::parse(&payload)?.document.organisation != organisation {
            return Err(Code::ForeignOrganisation.into());
        }
        let row = self.rows.attest::<KeyStatement>(&payload, Proof::Jws { jws: jws.to_owned() }).await?;
        let mut key = self.show_statement(organisation, row).await?;
        key.evidence = Some(self.evidence(key.index).await?);
        Ok(key)
    }

    /// Each key that a root of the organisation has stated, by use and serial, without evidence files.
    ///
    /// # Errors
    /// [`Fault::Tampered`] when the chain is not the one that was attested.
    pub async fn published_keys(&self, organisation: OrganisationId) -> Result<Vec<PublishedKey>, Fault> {
        self.enrolled(organisation).await?;
        self.stated_keys(organisation).await
    }

    /// The same of an organisation that is known to be enrolled.
    pub(crate) async fn stated_keys(&self, organisation: OrganisationId) -> Result<Vec<PublishedKey>, Fault> {
        let id = |key_use| KeyStatement::row_of(organisation, key_use);
        let chains = USES.map(|key_use| RowKey { kind: Kind::KeyStatement, id: id(key_use) });
        let current = self.element().current_many(chains.to_vec()).await?;
        let at = params![organisation.to_string()];
        let rows = self.database.fetch_all(statements::KEY_STATEMENTS, at).await?;
        let mut keys = Vec::with_capacity(rows.len());
        for (key_use, current) in USES.into_iter().zip(current) {
            let said = |row: &&sceau_store::Row| {
                row.get::<String>("key_use").is_ok_and(|said| said == key_use.as_str())
            };
            keys.extend(self.chain(organisation, key_use, current, rows.iter().filter(said)).await?);
        }
        Ok(keys)
    }

    /// The statements of one use, whose newest the element says is `current`.
    async fn chain(
        &self,
        organisation: OrganisationId,
        key_use: KeyUse,
        current: Option<AttestedRow>,
        rows: impl Iterator<Item = &sceau_store::Row>,
    ) -> Result<Vec<PublishedKey>, Fault> {
        let tampered = || tampered(organisation);
        let mut keys = Vec::new();
        let mut last = None;
        for (serial, row) in (1..).zip(rows) {
            let jws: String = row.get("jws").map_err(|_| tampered())?;
            // What the statement says counts, not the columns beside it.
            let stated = StatedKey::read(&jws).ok_or_else(tampered)?;
            let index: u64 = row.get("log_index").map_err(|_| tampered())?;
            last = Some((stated.hash, index));
            let statement = &stated.statement;
            if (statement.organisation, statement.key_use, statement.serial)
                != (organisation, key_use, serial)
            {
                return Err(tampered());
            }
            keys.push(PublishedKey::of(stated, jws, index));
        }
        if last == current.map(|current| (current.hash, current.index)) {
            return Ok(keys);
        }
        // A kill between the element's word and the row: the attested document has what is missing.
        let id = KeyStatement::row_of(organisation, key_use);
        let row = self.rows.current::<KeyStatement>(id).await?.ok_or_else(tampered)?;
        if last == Some((row.attested.hash, row.attested.index)) {
            // It was published between the two questions: the rows had it, and the element's word was of before.
            return Ok(keys);
        }
        if row.document.serial != keys.len() as u64 + 1 {
            return Err(tampered());
        }
        keys.push(self.show_statement(organisation, row).await?);
        Ok(keys)
    }

    /// Writes the row of a statement that is attested.
    async fn show_statement(
        &self,
        organisation: OrganisationId,
        row: Row<KeyStatement>,
    ) -> Result<PublishedKey, Fault> {
        // What was attested first is what is kept, whatever came this time.
        let Proof::Jws { jws } = row.proof else { return Err(tampered(organisation)) };
        let stated = StatedKey::read(&jws).ok_or_else(|| tampered(organisation))?;
        let key = PublishedKey::of(stated, jws, row.attested.index);
        let values = params![
            organisation.to_string(),
            key.key_use.as_str(),
            key.serial,
            key.key_manager.as_str(),
            key.statement_jws.as_str(),
            key.index
        ];
        self.database.execute(statements::INSERT_KEY_STATEMENT, values).await?;
        Ok(key)
    }

    /// The key that a new dossier is sealed to, with its proofs.
    ///
    /// # Errors
    /// When the organisation has none that is valid now.
    pub(crate) async fn usable_key(
        &self,
        organisation: &OrganisationDocument,
    ) -> Result<PublishedKey, Fault> {
        let now = self.clock.now_ms();
        let root = organisation.root_fingerprint;
        let keys = self.stated_keys(organisation.organisation).await?;
        let usable = keys.into_iter().filter(|key| key.is_usable(now, &root));
        let mut key = usable.max_by_key(|key| key.serial).ok_or(Fault::from(Code::NoRecipientKey))?;
        key.evidence = Some(self.evidence(key.index).await?);
        Ok(key)
    }

    /// The address where an organisation's people open documents.
    ///
    /// # Errors
    /// When the enrolled root states none.
    pub(crate) async fn key_manager(&self, organisation: OrganisationId) -> Result<String, Fault> {
        self.stated_key_manager(organisation).await?.ok_or(Fault::from(Code::NoKeyManager))
    }

    /// That address as the newest statement of the enrolled root says it.
    async fn stated_key_manager(&self, organisation: OrganisationId) -> Result<Option<String>, Fault> {
        let root = self.enrolled(organisation).await?.document.root_fingerprint;
        let keys = self.stated_keys(organisation).await?;
        let stated = keys.into_iter().filter(|key| key.root_fingerprint == root);
        Ok(stated.max_by_key(|key| key.index).map(|key| key.key_manager))
    }

    /// Whether an enrolled organisation's people open documents at `origin`: its page may exchange tickets and fetch ciphertext.
    ///
    /// # Errors
    /// When the database or the element fails, or a row is not what was attested.
    pub async fn is_key_manager(&self, origin: &str) -> Result<bool, Fault> {
        // The column only says whom to ask; what the enrolled root states decides.
        for row in self.database.fetch_all(statements::NAMING_KEY_MANAGER, params![origin]).await? {
            let named: String = row.get("organisation")?;
            let organisation =
                named.parse().map_err(|_| Fault::Tampered { kind: "key-statement", id: named })?;
            if self.stated_key_manager(organisation).await?.is_some_and(|stated| stated == origin) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn tampered(organisation: OrganisationId) -> Fault {
    Fault::Tampered { kind: "key-statement", id: organisation.to_string() }
}

/// The payload of a compact JWS, not verified: the element verifies it under the enrolled root.
pub(crate) fn jws_payload(jws: &str) -> Result<Vec<u8>, Fault> {
    sceau_crypto::jws::unverified_payload(jws).map_err(|_| Fault::malformed("This is not a compact JWS."))
}
