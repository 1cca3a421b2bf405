//! Where sealed files are kept: a folder, or an S3 store.

use std::path::{Path, PathBuf};

use sceau_store::{Objects, S3Limits, S3Store};
use serde::Deserialize;

use super::secret::SecretFile;
use super::settings::{absolute, authorities};
use crate::failure::Failure;

/// Where sealed files are kept.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum ObjectsSettings {
    /// A folder of this machine.
    Folder {
        /// Else `objects` in the data folder.
        path: Option<PathBuf>,
    },
    /// An S3 store.
    S3 {
        /// Web address, without the bucket.
        endpoint: String,
        /// Name of the bucket.
        bucket: String,
        /// Region, as the store names it.
        #[serde(default = "region")]
        region: String,
        /// Id of the access key.
        access_key_id: String,
        /// File of its secret half.
        secret_access_key_file: SecretFile,
        /// Authorities (PEM) to trust beside the system's.
        ca_file: Option<PathBuf>,
    },
}

impl Default for ObjectsSettings {
    fn default() -> Self {
        Self::Folder { path: None }
    }
}

impl ObjectsSettings {
    /// Whether it is a server of other people.
    pub(crate) fn is_server(&self) -> bool {
        matches!(self, Self::S3 { .. })
    }

    /// Opens the store; `data` is the platform's folder.
    pub(crate) fn open(&self, data: &Path) -> Result<Objects, Failure> {
        match self {
            Self::Folder { path: Some(path) } => Objects::folder(path),
            Self::Folder { path: None } => Objects::folder(&data.join("objects")),
            Self::S3 { endpoint, bucket, region, access_key_id, secret_access_key_file, ca_file } => {
                Objects::s3(&S3Store {
                    endpoint: endpoint.clone(),
                    bucket: bucket.clone(),
                    region: region.clone(),
                    access_key_id: access_key_id.clone(),
                    secret_access_key: secret_access_key_file.read()?,
                    authorities: authorities(ca_file.as_deref())?,
                    limits: S3Limits::default(),
                })
            }
        }
        .map_err(|error| Failure::role("object store", &error))
    }

    /// What can be judged without asking a server.
    pub(super) fn check(&self) -> Result<(), String> {
        match self {
            Self::Folder { path } => absolute("objects.path", path.as_deref()),
            Self::S3 { secret_access_key_file, ca_file, .. } => {
                absolute("objects.secret_access_key_file", secret_access_key_file.path())?;
                absolute("objects.ca_file", ca_file.as_deref())
            }
        }
    }
}

fn region() -> String {
    "us-east-1".to_owned()
}
