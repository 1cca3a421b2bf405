//! How far organisations' webhooks reach: the section `[webhooks]` of the settings.

use std::path::{Path, PathBuf};

use sceau_dossiers::Reach;
use sceau_element_api::Cidr;
use serde::{Deserialize, Deserializer, de::Error as _};

use super::settings::authorities;
use crate::failure::Failure;

/// Public addresses only, unless it says more.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct WebhookSettings {
    /// Networks that are not public and are called all the same.
    #[serde(deserialize_with = "networks")]
    allow: Vec<Cidr>,
    /// Authorities (PEM) to trust beside the system's.
    ca_file: Option<PathBuf>,
}

impl WebhookSettings {
    /// The path that is written in it.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.ca_file.as_deref()
    }

    /// As far as that.
    pub(crate) fn reach(&self) -> Result<Reach, Failure> {
        let reach = Reach::default().allowing(self.allow.clone());
        Ok(match authorities(self.path())? {
            Some(authorities) => reach.trusting(authorities),
            None => reach,
        })
    }
}

fn networks<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Cidr>, D::Error> {
    let texts = Vec::<String>::deserialize(from)?;
    texts.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
}
