//! PKCS#12 files (RFC 7292) that browsers import.

use aws_lc_rs::rand;
use p12_keystore::{
    Certificate as P12Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm,
    PrivateKey as P12Key, PrivateKeyChain,
};
use zeroize::Zeroizing;

use crate::{certificate::Certificate, error::Error, key::PrivateKey};

/// PBKDF2 and PKCS#12 iterations. The password we make has 100 bits; this is for those that people choose.
const ITERATIONS: u32 = 100_000;

/// Letters and digits that are not mistaken for each other: no 0, O, 1, l, I. 32 of them: five bits each.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// A new password for [`crate::Issued::to_pkcs12`]: 100 random bits as five groups of four, to be read aloud or typed.
///
/// # Errors
/// [`Error::Crypto`] when the random source fails.
pub fn new_pkcs12_password() -> Result<Zeroizing<String>, Error> {
    let mut random = Zeroizing::new([0u8; 20]);
    rand::fill(random.as_mut())?;
    let mut password = Zeroizing::new(String::with_capacity(24));
    for (i, octet) in random.iter().enumerate() {
        if i > 0 && i % 4 == 0 {
            password.push('-');
        }
        password.extend(ALPHABET.get(usize::from(octet % 32)).copied().map(char::from));
    }
    Ok(password)
}

/// Writes key and certificates, leaf first.
pub(crate) fn encode(
    key: &PrivateKey,
    certificates: &[&Certificate],
    password: &str,
) -> Result<Vec<u8>, Error> {
    // Importers disagree on how other characters become bytes (BMPString or UTF-8, RFC 7292 appendix B.1).
    let plain = password.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !plain || !(12..=64).contains(&password.len()) {
        return Err(Error::BadPassword);
    }
    let leaf = certificates.first().ok_or(Error::Pkcs12)?;
    let alias = leaf.subject().common_name().unwrap_or_default().into_owned();
    let key = P12Key::from_der(&key.to_pkcs8()).map_err(|_| Error::Pkcs12)?;
    let chain = certificates
        .iter()
        .map(|certificate| P12Certificate::from_der(certificate.der()).map_err(|_| Error::Pkcs12))
        .collect::<Result<Vec<_>, _>>()?;
    let local_key_id = leaf.fingerprint().as_bytes().get(..20).unwrap_or_default().to_vec();
    let mut store = KeyStore::new();
    store.add_entry(&alias, KeyStoreEntry::PrivateKeyChain(PrivateKeyChain::new(local_key_id, key, chain)));
    store
        .writer(password)
        .encryption_algorithm(EncryptionAlgorithm::PbeWithHmacSha256AndAes256)
        .encryption_iterations(ITERATIONS)
        .mac_algorithm(MacAlgorithm::HmacSha256)
        .mac_iterations(ITERATIONS)
        .write()
        .map_err(|_| Error::Pkcs12)
}
