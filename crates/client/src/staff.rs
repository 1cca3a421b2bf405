//! What administrators and case officers do, from a program.

use sceau_crypto::Fingerprint;
use sceau_element_api::documents::{
    AccountDocument, AccountStatus, FormField, OrganisationDocument, RequestedFile, SchemeDocument, Text,
};
use sceau_element_api::{DossierId, OrganisationId, Role};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::machine::Credentials;
use crate::{ClientError, Person, Scheme};

/// An organisation to enrol.
#[derive(Debug, Clone)]
pub struct NewOrganisation {
    /// Public name.
    pub name: String,
    /// Where letters to it go.
    pub contact_email: String,
    /// Fingerprint of its root, received over another channel; 64 hexadecimal digits.
    pub root_fingerprint: String,
}

/// An organisation that was enrolled.
#[derive(Debug, Clone)]
pub struct Enrolled {
    /// The organisation.
    pub organisation: OrganisationId,
    /// The credentials of its key manager, shown once.
    pub client: Credentials,
}

#[derive(Deserialize)]
struct EnrolledAnswer {
    organisation: OrganisationAnswer,
    client: Credentials,
}

#[derive(Deserialize)]
struct OrganisationAnswer {
    id: OrganisationId,
}

#[derive(Deserialize)]
struct Invited {
    link: String,
}

/// The body of `POST /v1/schemes/prepare`.
#[derive(Deserialize)]
struct SchemeForm {
    title: Text,
    description: Text,
    form: Vec<FormField>,
    documents: Vec<RequestedFile>,
}

#[derive(Deserialize)]
struct TicketAnswer {
    url: String,
}

impl Person {
    /// Enrols an organisation, as the platform's administrator.
    ///
    /// # Errors
    /// When this person is not one.
    pub async fn enrol_organisation(&self, new: &NewOrganisation) -> Result<Enrolled, ClientError> {
        let form = json!({
            "name": new.name, "siret": null, "contact_email": new.contact_email,
            "root_fingerprint": new.root_fingerprint,
        });
        let root: Fingerprint = new.root_fingerprint.parse().map_err(|_| ClientError::Fingerprint)?;
        let meant =
            |prepared: &OrganisationDocument| prepared.name == new.name && prepared.root_fingerprint == root;
        let (answer, _): (EnrolledAnswer, _) = self.proven_write("/v1/organisations", &form, meant).await?;
        Ok(Enrolled { organisation: answer.organisation.id, client: answer.client })
    }

    /// Gives an organisation another root, as the platform's administrator: what the old one stated ends.
    ///
    /// # Errors
    /// When this person is not one, or the platform prepared another document than meant.
    pub async fn replace_root(
        &self,
        organisation: OrganisationId,
        name: &str,
        root: &Fingerprint,
    ) -> Result<(), ClientError> {
        let meant = |prepared: &OrganisationDocument| {
            prepared.organisation == organisation
                && prepared.name == name
                && prepared.root_fingerprint == *root
        };
        let (path, form) =
            (format!("/v1/organisations/{organisation}/root"), json!({"root_fingerprint": root}));
        let (_, _): (Value, _) = self.proven_write(&path, &form, meant).await?;
        Ok(())
    }

    /// Invites somebody to a role; the answer is the one-time link and the id that the account will have.
    ///
    /// # Errors
    /// When this person may not invite to that role.
    pub async fn invite(
        &self,
        role: Role,
        organisation: Option<OrganisationId>,
        email: &str,
    ) -> Result<(String, String), ClientError> {
        let form = json!({"role": role, "organisation": organisation, "email": email});
        let meant = |prepared: &AccountDocument| {
            let place = organisation.is_none() || prepared.organisation == organisation;
            prepared.role == role && place && prepared.status == AccountStatus::Active
        };
        let (answer, document): (Invited, _) = self.proven_write("/v1/invitations", &form, meant).await?;
        Ok((answer.link, document.account.to_string()))
    }

    /// Publishes a scheme, as an organisation's administrator. The form is the body of `POST /v1/schemes/prepare`.
    ///
    /// # Errors
    /// When this person is not one, or the form breaks its limits.
    pub async fn publish_scheme(&self, form: &Value) -> Result<Scheme, ClientError> {
        let asked: SchemeForm = serde_json::from_value(form.clone()).map_err(|_| ClientError::Form)?;
        let meant = |prepared: &SchemeDocument| {
            let texts = prepared.title == asked.title && prepared.description == asked.description;
            texts && prepared.form == asked.form && prepared.documents == asked.documents
        };
        let (scheme, _) = self.proven_write("/v1/schemes", form, meant).await?;
        Ok(scheme)
    }

    /// Asks for a one-use link to the key manager's opening page, as a case officer.
    ///
    /// # Errors
    /// When the dossier is not there for this person's organisation.
    pub async fn ticket(&self, dossier: DossierId) -> Result<String, ClientError> {
        let answer: TicketAnswer =
            self.server.post(&format!("/v1/dossiers/{dossier}/ticket"), &json!({})).await?;
        Ok(answer.url)
    }
}
