//! Certificates and their keys at rest.
//!
//! A server's key is a PEM file that only its owner reads (0600), as every server program keeps it, so that it can be replaced
//! by an administrator's own. The embedded authority's key makes administrators, so it lies sealed under a key of the keystore: who
//! steals the disk or a backup issues nothing.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sceau_pki::{Anchors, Authority, Certificate, Issued, PrivateKey, TlsIdentity};
use zeroize::Zeroizing;

use crate::{
    durable,
    error::Error,
    key::KeyRef,
    operations::Operations,
    provider::Provider,
    unlock::{base64, unbase64},
};

/// Writes a server's key and chain into one PEM file, replacing both at once.
///
/// # Errors
/// [`Error::File`].
pub fn write_identity(path: &Path, issued: &Issued) -> Result<(), Error> {
    let (key, chain) = (issued.key().to_pem(), issued.chain_pem());
    // Sized beforehand: a string that grows leaves copies of the key behind.
    let mut content = Zeroizing::new(String::with_capacity(key.len() + chain.len()));
    content.push_str(&key);
    content.push_str(&chain);
    durable::write_secret(path, content.as_bytes())
}

/// Reads what [`write_identity`] wrote, or what an administrator put there instead: a PKCS#8 key and a chain, leaf first.
///
/// # Errors
/// [`Error::File`], [`Error::OpenToOthers`], and those of [`TlsIdentity::new`].
pub fn read_identity(path: &Path) -> Result<TlsIdentity, Error> {
    durable::check_secret(path)?;
    let pem = durable::read_secret(path, 256 * 1024)?;
    let pem = std::str::from_utf8(&pem).map_err(|_| sceau_pki::Error::NotAPrivateKey)?;
    Ok(TlsIdentity::new(pem, PrivateKey::from_pem(pem)?)?)
}

/// The first certificate of a PEM file, for instance of [`write_identity`]'s, to see when it expires.
///
/// # Errors
/// [`Error::File`], [`sceau_pki::Error::NotACertificate`].
pub fn read_certificate(path: &Path) -> Result<Certificate, Error> {
    Ok(Certificate::all_from_pem(&read(path)?, &path.display().to_string())?.swap_remove(0))
}

/// Writes an authority into one file: its certificate in PEM, which other programs can read there, then a line with its key
/// sealed under `sealing`, an AES-256-GCM key.
///
/// # Errors
/// [`Error::File`]; [`Error::WrongKind`], [`Error::Disabled`] about `sealing`.
pub fn write_authority(
    path: &Path,
    authority: &Authority,
    keys: &dyn Provider,
    sealing: &KeyRef,
) -> Result<(), Error> {
    let sealed = keys.seal(sealing, &context(authority.certificate()), &authority.key_pkcs8())?;
    let content = format!("{}{SEALED_KEY}{}\n", authority.certificate().to_pem(), base64(&sealed));
    durable::write_secret(path, content.as_bytes())
}

/// Reads what [`write_authority`] wrote.
///
/// # Errors
/// [`Error::File`], [`Error::Damaged`], [`Error::Blob`]; those of [`Authority::load`].
pub fn read_authority(path: &Path, keys: &dyn Provider, sealing: &KeyRef) -> Result<Authority, Error> {
    let certificate = read_certificate(path)?;
    let sealed = read(path)?.lines().find_map(|line| line.strip_prefix(SEALED_KEY).and_then(unbase64));
    let sealed = sealed.ok_or_else(|| Error::Damaged(path.to_owned()))?;
    let pkcs8 = keys.open(sealing, &context(&certificate), &sealed)?;
    let key = PrivateKey::from_pkcs8(Zeroizing::new(pkcs8.expose().to_vec()))?;
    Ok(Authority::load(&certificate.to_pem(), key)?)
}

const SEALED_KEY: &str = "sealed-key ";

/// Reads trust anchors from PEM files.
///
/// # Errors
/// [`Error::File`] and those of [`Anchors::from_pem`].
pub fn read_anchors(paths: &[PathBuf]) -> Result<Anchors, Error> {
    Ok(Anchors::new(read_certificates(paths)?)?)
}

/// Reads certificates of authorities from PEM files.
///
/// # Errors
/// [`Error::File`], [`sceau_pki::Error::NotACertificate`].
pub fn read_certificates(paths: &[PathBuf]) -> Result<Vec<Certificate>, Error> {
    paths.iter().try_fold(Vec::new(), |mut all, path| {
        all.extend(Certificate::all_from_pem(&read(path)?, &path.display().to_string())?);
        Ok(all)
    })
}

/// The sealed key belongs to this certificate only.
fn context(certificate: &Certificate) -> Vec<u8> {
    [b"authority ".as_slice(), certificate.fingerprint().as_bytes()].concat()
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|cause| durable::failed(path, cause))
}
