//! Certificates and server keys in files. A server's key is a PEM file of its owner only (0600), as every server program has it,
//! so that a service starts again unattended. The authority's key is worth more, since it makes administrators:
//! keep it sealed in the keystore ([`crate::Authority::key_pkcs8`]).

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use crate::{
    anchors::Anchors, authority::Authority, certificate::Certificate, error::Error, issued::Issued,
    key::PrivateKey, tls::TlsIdentity,
};

/// Writes `certificate.pem` (the chain) and `key.pem` into this folder, replacing both, key first.
///
/// # Errors
/// [`Error::File`].
pub fn write_identity(folder: &Path, issued: &Issued) -> Result<(), Error> {
    write_private(&folder.join("key.pem"), issued.key().to_pem().as_bytes())?;
    write_public(&folder.join("certificate.pem"), issued.chain_pem().as_bytes())
}

/// Reads what [`write_identity`] wrote, or what an administrator put there instead.
///
/// # Errors
/// [`Error::File`], [`Error::KeyFileOpenToOthers`], and those of [`TlsIdentity::new`].
pub fn read_identity(folder: &Path) -> Result<TlsIdentity, Error> {
    let chain = read(&folder.join("certificate.pem"))?;
    TlsIdentity::new(&chain, read_key(&folder.join("key.pem"))?)
}

/// The first certificate in the folder of [`write_identity`], to see when it expires.
///
/// # Errors
/// [`Error::File`], [`Error::NotACertificate`].
pub fn read_certificate(folder: &Path) -> Result<Certificate, Error> {
    let path = folder.join("certificate.pem");
    Ok(Certificate::all_from_pem(&read(&path)?, &path.display().to_string())?.swap_remove(0))
}

/// Writes an authority whose key is to lie in a file, in the same form as an identity.
///
/// # Errors
/// [`Error::File`].
pub fn write_authority(folder: &Path, authority: &Authority) -> Result<(), Error> {
    write_private(&folder.join("key.pem"), authority.key().to_pem().as_bytes())?;
    write_public(&folder.join("certificate.pem"), authority.certificate().to_pem().as_bytes())
}

/// Reads what [`write_authority`] wrote.
///
/// # Errors
/// [`Error::File`], [`Error::KeyFileOpenToOthers`], and those of [`Authority::load`].
pub fn read_authority(folder: &Path) -> Result<Authority, Error> {
    let certificate = read(&folder.join("certificate.pem"))?;
    Authority::load(&certificate, read_key(&folder.join("key.pem"))?)
}

/// Reads anchors from PEM files.
///
/// # Errors
/// [`Error::File`] and those of [`Anchors::from_pem`].
pub fn read_anchors(paths: &[PathBuf]) -> Result<Anchors, Error> {
    let mut certificates = Vec::new();
    for path in paths {
        certificates.extend(Certificate::all_from_pem(&read(path)?, &path.display().to_string())?);
    }
    Anchors::new(certificates)
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|cause| failed(path, cause))
}

fn read_key(path: &Path) -> Result<PrivateKey, Error> {
    let mode = fs::metadata(path).map_err(|cause| failed(path, cause))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(Error::KeyFileOpenToOthers { path: path.display().to_string() });
    }
    PrivateKey::from_pem(&Zeroizing::new(read(path)?))
}

fn write_private(path: &Path, content: &[u8]) -> Result<(), Error> {
    replace(path, content, 0o600).map_err(|cause| failed(path, cause))
}

fn write_public(path: &Path, content: &[u8]) -> Result<(), Error> {
    replace(path, content, 0o644).map_err(|cause| failed(path, cause))
}

/// The file has its old content or its new one, whenever the power fails; and a key is never for a moment open to others.
fn replace(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let temporary = path.with_extension("new");
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    File::open(folder)?.sync_all()
}

fn failed(path: &Path, cause: io::Error) -> Error {
    Error::File { path: path.display().to_string(), cause }
}
