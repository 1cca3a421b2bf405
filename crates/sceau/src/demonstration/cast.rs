//! The people and the organisation of the demonstration: who has been made so far, kept so that the next start goes on.

use std::io::ErrorKind;
use std::path::PathBuf;

use sceau_client::{ClientError, Credentials, NewOrganisation, Person, SoftwarePasskey, StoredPasskey};
use sceau_element_api::{OrganisationId, Role};
use sceau_hsm::durable::write_secret;
use serde::{Deserialize, Serialize};

use super::{form, scanned_form};
use crate::failure::{Exit, Failure};
use crate::house::{House, Layout};

/// Who has been made. The file holds the passkeys of the demonstration's administrators: it is for a demonstration only.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Cast {
    administrator: Option<StoredPasskey>,
    /// The organisation.
    pub(crate) organisation: Option<OrganisationId>,
    client: Option<(String, String)>,
    chief: Option<StoredPasskey>,
    scheme: Option<String>,
    /// The scheme with scanned intake, where an antivirus was given.
    #[serde(default)]
    scanned_scheme: Option<String>,
    /// The case officer who is invited.
    pub(crate) officer: Option<Officer>,
    /// An administrator of the organisation for somebody to play: whose passkey registers applications.
    #[serde(default)]
    director: Option<Officer>,
    /// Whether the case officer's certificate is bound.
    #[serde(default)]
    pub(crate) bound: bool,
    #[serde(skip)]
    path: PathBuf,
}

/// Somebody who is invited, and waits for somebody to play the part; a case officer is bound to a certificate.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Officer {
    /// The account that the invitation makes.
    pub(crate) account: String,
    /// The one-time link.
    pub(crate) link: String,
}

impl Cast {
    /// Reads who was made before.
    pub(crate) fn open(layout: &Layout) -> Result<Self, Failure> {
        let folder = layout.demonstration()?;
        let path = folder.join("cast.json");
        let mut cast: Self = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|_| {
                let words =
                    format!("{} is not ours any more; put it back, or use another --data", path.display());
                Failure::new(Exit::Input, "cast", words)
            })?,
            Err(cause) if cause.kind() == ErrorKind::NotFound => Self::default(),
            Err(cause) => return Err(Failure::file("read", &path, &cause)),
        };
        cast.path = path;
        Ok(cast)
    }

    /// The platform's administrator: accepts the first link, or signs in again.
    pub(crate) async fn administrator(&mut self, house: &House) -> Result<Person, Failure> {
        let known = house.log_key()?;
        if let Some(stored) = &self.administrator {
            let passkey = SoftwarePasskey::load(stored)?;
            return Ok(Person::sign_in(&house.platform, passkey, Some(&known)).await?);
        }
        let link = house.first_administrator.as_deref().ok_or_else(Failure::no_first_link)?;
        let person = accept(house, link, "administration@sceau.localhost", "Ada Démonstration").await?;
        self.administrator = Some(stored(&person)?);
        self.keep()?;
        Ok(person)
    }

    /// Enrols the organisation with the root that its key manager made, once. The client's credentials are kept until they have been
    /// handed to the key manager.
    pub(crate) async fn organisation(
        &mut self,
        administrator: &Person,
        name: &str,
        root_fingerprint: &str,
    ) -> Result<(OrganisationId, Option<Credentials>), Failure> {
        if let Some(organisation) = self.organisation {
            let credentials = self.client.as_ref().map(|(id, secret)| Credentials {
                client_id: id.clone(),
                client_secret: secret.clone().into(),
            });
            return Ok((organisation, credentials));
        }
        let new = NewOrganisation {
            name: name.to_owned(),
            contact_email: "contact@metropole.example".to_owned(),
            root_fingerprint: root_fingerprint.to_owned(),
        };
        let enrolled = administrator.enrol_organisation(&new).await?;
        self.organisation = Some(enrolled.organisation);
        self.client = Some((enrolled.client.client_id.clone(), enrolled.client.client_secret.to_string()));
        self.keep()?;
        Ok((enrolled.organisation, Some(enrolled.client)))
    }

    /// The key manager has the credentials: forget them.
    pub(crate) fn forget_client(&mut self) -> Result<(), Failure> {
        self.client = None;
        self.keep()
    }

    /// Notes that the case officer's certificate is bound to the account.
    pub(crate) fn note_bound(&mut self) -> Result<(), Failure> {
        self.bound = true;
        self.keep()
    }

    /// The organisation's administrator, who publishes the scheme.
    pub(crate) async fn chief(&mut self, house: &House, administrator: &Person) -> Result<Person, Failure> {
        let known = house.log_key()?;
        let person = match &self.chief {
            Some(stored) => {
                Person::sign_in(&house.platform, SoftwarePasskey::load(stored)?, Some(&known)).await?
            }
            None => {
                let organisation = self.organisation;
                let email = "direction@metropole.example";
                let (link, _) = administrator.invite(Role::OrganisationAdmin, organisation, email).await?;
                let person = accept(house, &link, email, "Charles Démonstration").await?;
                self.chief = Some(stored(&person)?);
                self.keep()?;
                person
            }
        };
        if self.scheme.is_none() {
            self.scheme = Some(person.publish_scheme(&form()).await?.id.to_string());
            self.keep()?;
        }
        if let Some(intake) = house.intake().filter(|_| self.scanned_scheme.is_none()) {
            self.scanned_scheme = Some(person.publish_scheme(&scanned_form(intake)).await?.id.to_string());
            self.keep()?;
        }
        Ok(person)
    }

    /// Invites the case officer, once.
    pub(crate) async fn officer(&mut self, chief: &Person) -> Result<Officer, Failure> {
        if let Some(officer) = &self.officer {
            return Ok(officer.clone());
        }
        let email = "gestionnaire@metropole.example";
        let (link, account) = chief.invite(Role::CaseOfficer, None, email).await?;
        let officer = Officer { account, link };
        self.officer = Some(officer.clone());
        self.keep()?;
        Ok(officer)
    }

    /// Invites an administrator of the organisation, once.
    pub(crate) async fn director(&mut self, administrator: &Person) -> Result<Officer, Failure> {
        if let Some(director) = &self.director {
            return Ok(director.clone());
        }
        let email = "applications@metropole.example";
        let (link, account) = administrator.invite(Role::OrganisationAdmin, self.organisation, email).await?;
        let director = Officer { account, link };
        self.director = Some(director.clone());
        self.keep()?;
        Ok(director)
    }

    fn keep(&self) -> Result<(), Failure> {
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| Failure::file("write", &self.path, &error.into()))?;
        Ok(write_secret(&self.path, &text)?)
    }
}

/// Accepts an invitation with a new passkey.
pub(crate) async fn accept(house: &House, link: &str, email: &str, name: &str) -> Result<Person, Failure> {
    let token = link.rsplit_once('#').map(|(_, token)| token);
    let known = house.log_key()?;
    Ok(Person::register(&house.platform, email, name, token, Some(&known)).await?)
}

/// The passkey of somebody who registered with one.
fn stored(person: &Person) -> Result<StoredPasskey, Failure> {
    Ok(person.passkey().ok_or(ClientError::Passkey)?.store()?)
}
