//! Organisations and their keys, as their roots state them.

use sceau_accounts::{Accounts, ClientCredentials, Prepared, Scope};
use sceau_crypto::{Fingerprint, KeyId};
use sceau_element_api::OrganisationId;
use sceau_element_api::documents::{Document as _, KeyStatement, KeySuite, KeyUse, OrganisationDocument};
use sceau_element_api::proof::Proof;
use sceau_store::params;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fault::Fault;
use crate::rows::Row;
use crate::{Dossiers, statements};

/// What the platform's administrator fills in.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganisationForm {
    /// Public name.
    pub name: String,
    /// SIRET, 14 digits.
    pub siret: Option<String>,
    /// Where letters to the organisation go.
    pub contact_email: String,
    /// Fingerprint of the organisation's root, received over another channel.
    #[schema(value_type = String)]
    pub root_fingerprint: Fingerprint,
}

/// An organisation as everyone may see it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OrganisationView {
    /// The organisation.
    #[schema(value_type = String)]
    pub id: OrganisationId,
    /// Public name.
    pub name: String,
    /// Fingerprint of its root.
    #[schema(value_type = String)]
    pub root_fingerprint: Fingerprint,
    /// The key that dossiers are sealed to now.
    pub current_key: Option<PublishedKey>,
}

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
    /// Fingerprint of the root that the platform enrolled.
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
    /// Whether a deposit may be sealed to it at `now`.
    pub fn is_usable(&self, now: u64) -> bool {
        self.not_before <= now && now < self.not_after
    }
}

impl Dossiers {
    /// Makes the document that the administrator's passkey will sign.
    ///
    /// # Errors
    /// When a field is not what it should be.
    pub async fn prepare_organisation(&self, form: &OrganisationForm) -> Result<Prepared, Fault> {
        if form
            .siret
            .as_deref()
            .is_some_and(|siret| siret.len() != 14 || !siret.bytes().all(|b| b.is_ascii_digit()))
        {
            return Err(Fault::malformed("a SIRET is 14 digits"));
        }
        if !form.contact_email.contains('@') || form.contact_email.chars().any(char::is_control) {
            return Err(Fault::malformed("the contact address is not an e-mail address"));
        }
        let id = OrganisationId::random();
        let document = OrganisationDocument {
            v: 1,
            organisation: id,
            name: form.name.clone(),
            root_fingerprint: form.root_fingerprint,
        };
        let payload = document.to_bytes()?;
        let values =
            params![id.to_string(), form.siret.clone(), form.contact_email.clone(), self.clock.now_ms()];
        self.database.execute(statements::PREPARE_ORGANISATION, values).await?;
        Ok(Prepared::new(payload, self.element().nonce().await?))
    }

    /// Enrols the organisation and makes the confidential client of its key manager, whose secret is shown once.
    ///
    /// # Errors
    /// When the proof is not a platform administrator's.
    pub async fn enrol_organisation(
        &self,
        accounts: &Accounts,
        payload: &[u8],
        proof: Proof,
    ) -> Result<(OrganisationId, ClientCredentials), Fault> {
        let document = OrganisationDocument::parse(payload)?.document;
        let id = document.organisation.to_string();
        let prepared = self.database.fetch_optional(statements::PREPARED_ORGANISATION, params![&id]).await?;
        let prepared = prepared.ok_or_else(|| Fault::malformed("prepare the organisation first"))?;
        self.rows.attest::<OrganisationDocument>(payload, proof).await?;
        let siret: Option<String> = prepared.get("siret")?;
        let contact: String = prepared.get("contact_email")?;
        let mut transaction = self.database.begin().await?;
        let client = accounts
            .create_client(&mut transaction, document.organisation, &[Scope::KeyManager])
            .await
            .map_err(|error| Fault::Refused(error.problem()))?;
        let values =
            params![&id, document.name, siret, contact, client.client_id.to_string(), self.clock.now_ms()];
        transaction.execute(statements::INSERT_ORGANISATION, values).await?;
        transaction.execute(statements::FORGET_PREPARED_ORGANISATION, params![&id]).await?;
        transaction.commit().await?;
        Ok((document.organisation, client))
    }

    /// The organisations, by name.
    ///
    /// # Errors
    /// When a row is not the attested one.
    pub async fn organisations(&self) -> Result<Vec<OrganisationView>, Fault> {
        let rows = self.database.fetch_all(statements::ORGANISATIONS, params![]).await?;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            let id: String = row.get("id")?;
            let tampered = |_| Fault::Tampered { kind: "organisation", id: id.clone() };
            views.push(self.organisation(id.parse().map_err(tampered)?).await?);
        }
        Ok(views)
    }

    /// One organisation.
    ///
    /// # Errors
    /// When it is unknown, or its row is not the attested one.
    pub async fn organisation(&self, id: OrganisationId) -> Result<OrganisationView, Fault> {
        let row = self.enrolled(id).await?;
        let current_key = match self.usable_key(id).await {
            Ok(key) => Some(key),
            Err(Fault::Refused(_)) => None,
            Err(fault) => return Err(fault),
        };
        let OrganisationDocument { name, root_fingerprint, .. } = row.document;
        Ok(OrganisationView { id, name, root_fingerprint, current_key })
    }

    pub(crate) async fn enrolled(&self, id: OrganisationId) -> Result<Row<OrganisationDocument>, Fault> {
        self.rows.current::<OrganisationDocument>(id).await?.ok_or_else(Fault::not_found)
    }

    /// Takes a key statement of `organisation` and acknowledges it with its place in the log.
    ///
    /// # Errors
    /// When it is another organisation's, is not signed by its root, or does not follow the last one.
    pub async fn publish_key(&self, organisation: OrganisationId, jws: &str) -> Result<PublishedKey, Fault> {
        let payload = jws_payload(jws)?;
        let statement = KeyStatement::parse(&payload)?.document;
        if statement.organisation != organisation {
            return Err(Fault::refused(
                403,
                "foreign_organisation",
                "The statement is another organisation's",
            ));
        }
        let root_fingerprint = self.enrolled(organisation).await?.document.root_fingerprint;
        let row = self.rows.attest::<KeyStatement>(&payload, Proof::Jws { jws: jws.to_owned() }).await?;
        let key = published(&statement, jws, row.attested.index, root_fingerprint);
        let values = params![
            organisation.to_string(),
            key.key_use.as_str(),
            key.serial,
            key.key_id.to_string(),
            suite_name(key.suite),
            key.key_manager.as_str(),
            key.not_before,
            key.not_after,
            jws,
            key.index
        ];
        self.database.execute(statements::INSERT_KEY_STATEMENT, values).await?;
        self.with_evidence(key).await
    }

    /// Each key that the organisation's root has stated, in order.
    ///
    /// # Errors
    /// When a statement is not one any more.
    pub async fn published_keys(&self, organisation: OrganisationId) -> Result<Vec<PublishedKey>, Fault> {
        let root_fingerprint = self.enrolled(organisation).await?.document.root_fingerprint;
        let rows =
            self.database.fetch_all(statements::KEY_STATEMENTS, params![organisation.to_string()]).await?;
        let tampered = || Fault::Tampered { kind: "key-statement", id: organisation.to_string() };
        rows.iter()
            .map(|row| {
                let jws: String = row.get("jws")?;
                // What the statement says counts, not the columns beside it.
                let payload = jws_payload(&jws).map_err(|_| tampered())?;
                let statement = KeyStatement::parse(&payload).map_err(|_| tampered())?.document;
                if statement.organisation != organisation {
                    return Err(tampered());
                }
                Ok(published(&statement, &jws, row.get("log_index")?, root_fingerprint))
            })
            .collect()
    }

    /// Joins the evidence of its log entry to a key.
    pub(crate) async fn with_evidence(&self, mut key: PublishedKey) -> Result<PublishedKey, Fault> {
        key.evidence = Some(self.evidence(key.index).await?);
        Ok(key)
    }

    /// The evidence file of a log entry.
    ///
    /// # Errors
    /// When there is no such entry.
    pub async fn evidence(&self, index: u64) -> Result<serde_json::Value, Fault> {
        let text = self.element().evidence(index).await?;
        serde_json::from_str(&text)
            .map_err(|_| Fault::refused(502, "element_answer", "The evidence cannot be read"))
    }

    /// The address where an organisation's people open documents.
    pub(crate) async fn key_manager(&self, organisation: OrganisationId) -> Result<String, Fault> {
        let keys = self.published_keys(organisation).await?;
        keys.into_iter().max_by_key(|key| key.index).map(|key| key.key_manager).ok_or_else(|| {
            Fault::refused(409, "no_key_manager", "The organisation has connected no key manager yet")
        })
    }

    /// Whether `origin` is the key manager of an enrolled organisation: its page may exchange tickets and fetch ciphertext.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_key_manager(&self, origin: &str) -> Result<bool, Fault> {
        let rows = self.database.fetch_all(statements::KEY_MANAGERS, params![]).await?;
        for row in rows {
            if row.get::<String>("key_manager")? == origin {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn published(statement: &KeyStatement, jws: &str, index: u64, root_fingerprint: Fingerprint) -> PublishedKey {
    PublishedKey {
        statement_jws: jws.to_owned(),
        evidence: None,
        index,
        root_fingerprint,
        key_id: statement.key_id,
        suite: statement.suite,
        key_use: statement.key_use,
        serial: statement.serial,
        not_before: statement.not_before,
        not_after: statement.not_after,
        key_manager: statement.key_manager.clone(),
    }
}

fn suite_name(suite: KeySuite) -> &'static str {
    match suite {
        KeySuite::XWing => "HPKE-X-Wing",
        KeySuite::RsaOaep256 => "RSA-OAEP-256",
        KeySuite::Ed25519 => "Ed25519",
    }
}

/// The payload of a compact JWS, not verified: the element verifies it under the enrolled root.
pub(crate) fn jws_payload(jws: &str) -> Result<Vec<u8>, Fault> {
    let middle = jws.split('.').nth(1).ok_or_else(|| Fault::malformed("not a compact JWS"))?;
    sceau_element_api::Base64Url::decode(middle)
        .map(|payload| payload.0)
        .map_err(|_| Fault::malformed("not a compact JWS"))
}
