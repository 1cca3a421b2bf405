//! Files that a configuration names.

use std::{
    borrow::Cow,
    fs, io,
    path::{Path, PathBuf},
};

use rustix::fs::{Access, access};
use sceau_hsm::{durable, pkcs11::Pkcs11Uri};
use sceau_pki::{Certificate, PrivateKey, TlsIdentity};
use zeroize::Zeroizing;

use crate::{error::Error, token};

/// The largest file of a key.
const KEY: usize = 256 << 10;

/// Certificates of files in PEM or DER.
pub(crate) fn certificates(
    folder: &Path,
    paths: &[PathBuf],
    setting: &str,
) -> Result<Vec<Certificate>, Error> {
    let mut all = Vec::new();
    for path in paths {
        let (bytes, name) = (read(folder, path, setting)?, path.display().to_string());
        if bytes.first() == Some(&0x30) {
            all.push(Certificate::from_der(&bytes, &name).map_err(Error::pki(setting))?);
        } else {
            all.extend(Certificate::all_from_pem(&text_of(&bytes), &name).map_err(Error::pki(setting))?);
        }
    }
    Ok(all)
}

pub(crate) fn read(folder: &Path, path: &Path, setting: &str) -> Result<Vec<u8>, Error> {
    let path = folder.join(path);
    fs::read(&path).map_err(|cause| Error::File {
        setting: setting.to_owned(),
        path: path.display().to_string(),
        cause,
    })
}

pub(crate) fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// The folder in which a file is: of a name alone, this one.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The folder that systemd gives under this name, the first of several (systemd.exec(5)).
pub(crate) fn given_folder(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).as_deref().and_then(|all| std::env::split_paths(all).next())
}

/// Whether lines can be added to a file, which is made where there is none. Nothing is opened or made.
///
/// # Errors
/// Those of the system.
pub(crate) fn may_be_written(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(_) => Ok(access(path, Access::WRITE_OK)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Ok(access(folder_of(path), Access::WRITE_OK | Access::EXEC_OK)?)
        }
        Err(error) => Err(error),
    }
}

/// A chain, in PEM or DER, and its key, which is in a file that nobody but its owner may read, or in a token.
pub(crate) fn identity(
    folder: &Path,
    [chain, key]: [&Path; 2],
    [at_chain, at_key]: [&str; 2],
) -> Result<TlsIdentity, Error> {
    let chain: String =
        certificates(folder, &[chain.to_owned()], at_chain)?.iter().map(Certificate::to_pem).collect();
    if let Some(address) = key.to_str().filter(|text| Pkcs11Uri::is_meant(text)) {
        return token::identity(&chain, address, [at_chain, at_key]);
    }
    let key = private_key(folder, key, at_key)?;
    TlsIdentity::new(&chain, key).map_err(Error::pki(at_chain))
}

/// A key, which nobody but its owner may read.
pub(crate) fn private_key(folder: &Path, key: &Path, setting: &str) -> Result<PrivateKey, Error> {
    let key = secret(folder, key, setting)?;
    let key = std::str::from_utf8(&key).map_err(|_| sceau_pki::Error::NotAPrivateKey);
    key.and_then(PrivateKey::from_pem).map_err(Error::pki(setting))
}

/// What nobody but its owner may read.
pub(crate) fn secret(folder: &Path, path: &Path, setting: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let path = folder.join(path);
    let secret = |cause| Error::Secret { setting: setting.to_owned(), cause };
    durable::check_secret(&path).map_err(secret)?;
    durable::read_secret(&path, KEY).map_err(secret)
}
