//! A document of any kind that is attested.

use sceau_element_api::documents::{
    AccountDocument, ApplicationDocument, CredentialDocument, Datum, Decision, Document, DocumentError,
    DossierState, FunderKey, IdentityDocument, KeyStatement, Manifest, OrganisationDocument, ProtectAct,
    SchemeDocument,
};
use sceau_element_api::keyring::{Keyring, KeyringAccess, KeyringOfficer, KeyringPolicy};
use sceau_element_api::wire::{Code, Refusal};
use sceau_element_api::{Kind, RowId};

/// A document, read strictly.
#[derive(Debug, Clone)]
pub enum AnyDocument {
    /// An organisation.
    Organisation(OrganisationDocument),
    /// A key statement.
    KeyStatement(KeyStatement),
    /// An account.
    Account(AccountDocument),
    /// A passkey.
    Credential(CredentialDocument),
    /// What a provider of identities calls somebody.
    Identity(IdentityDocument),
    /// A scheme.
    Scheme(SchemeDocument),
    /// A dossier.
    Dossier(DossierState),
    /// A manifest.
    Manifest(Manifest),
    /// A decision.
    Decision(Decision),
    /// A funder's key.
    FunderKey(FunderKey),
    /// An application.
    Application(ApplicationDocument),
    /// A datum.
    Datum(Datum),
    /// An act on data, of administrators and data officers.
    ProtectAct(ProtectAct),
    /// A policy of keyrings.
    KeyringPolicy(KeyringPolicy),
    /// Who acts on an organisation's keyrings.
    KeyringAccess(KeyringAccess),
    /// The next security officer of keyrings.
    KeyringOfficer(KeyringOfficer),
    /// A keyring.
    Keyring(Keyring),
}

impl AnyDocument {
    /// Whether what a security officer signed is for the element of this log: the same officer may be another one's.
    ///
    /// # Errors
    /// [`Code::CallElsewhere`].
    pub fn is_for(&self, log: &str) -> Result<(), Refusal> {
        let origin = match self {
            Self::KeyringPolicy(document) => &document.origin,
            Self::KeyringAccess(document) => &document.origin,
            Self::KeyringOfficer(document) => &document.origin,
            _ => return Ok(()),
        };
        let words = || format!("the document is for the element {origin}, and this one is {log}");
        if origin == log { Ok(()) } else { Err(Refusal::new(Code::CallElsewhere, words())) }
    }

    /// Reads the payload of a row of `kind`.
    ///
    /// # Errors
    /// When it is not such a document, or the kind is not attested yet.
    pub fn parse(kind: Kind, payload: &[u8]) -> Result<Self, Refusal> {
        let read = match kind {
            Kind::Organisation => read(payload, Self::Organisation),
            Kind::KeyStatement => read(payload, Self::KeyStatement),
            Kind::Account => read(payload, Self::Account),
            Kind::Credential => read(payload, Self::Credential),
            Kind::Identity => read(payload, Self::Identity),
            Kind::Scheme => read(payload, Self::Scheme),
            Kind::Dossier => read(payload, Self::Dossier),
            Kind::Manifest => read(payload, Self::Manifest),
            Kind::Decision => read(payload, Self::Decision),
            Kind::FunderKey => read(payload, Self::FunderKey),
            Kind::Application => read(payload, Self::Application),
            Kind::Datum => read(payload, Self::Datum),
            Kind::ProtectAct => read(payload, Self::ProtectAct),
            Kind::KeyringPolicy => read(payload, Self::KeyringPolicy),
            Kind::KeyringAccess => read(payload, Self::KeyringAccess),
            Kind::KeyringOfficer => read(payload, Self::KeyringOfficer),
            Kind::Keyring => read(payload, Self::Keyring),
            Kind::Policy => {
                return Err(Refusal::new(
                    Code::KindNotServed,
                    format!("rows of kind {kind} are not attested yet"),
                ));
            }
        };
        read.map_err(|error| match error {
            DocumentError::TooLarge => Refusal::new(Code::TooLarge, error.to_string()),
            _ => Refusal::new(Code::DocumentMalformed, error.to_string()),
        })
    }

    /// The row that it is a version of.
    #[must_use]
    pub fn row(&self) -> RowId {
        match self {
            Self::Organisation(document) => document.row(),
            Self::KeyStatement(document) => document.row(),
            Self::Account(document) => document.row(),
            Self::Credential(document) => document.row(),
            Self::Identity(document) => document.row(),
            Self::Scheme(document) => document.row(),
            Self::Dossier(document) => document.row(),
            Self::Manifest(document) => document.row(),
            Self::Decision(document) => document.row(),
            Self::FunderKey(document) => document.row(),
            Self::Application(document) => document.row(),
            Self::Datum(document) => document.row(),
            Self::ProtectAct(document) => document.row(),
            Self::KeyringPolicy(document) => document.row(),
            Self::KeyringAccess(document) => document.row(),
            Self::KeyringOfficer(document) => document.row(),
            Self::Keyring(document) => document.row(),
        }
    }
}

fn read<D: Document>(payload: &[u8], wrap: fn(D) -> AnyDocument) -> Result<AnyDocument, DocumentError> {
    D::parse(payload).map(|parsed| wrap(parsed.document))
}
