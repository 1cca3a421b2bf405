//! SHA-256, HMAC, HKDF and the random generator, with types that say the sizes.

use aws_lc_rs::{constant_time, digest, hkdf as aws_hkdf, hmac as aws_hmac, rand};

use crate::Secret;

/// SHA-256 (FIPS 180-4) of `bytes`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    to_array(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// SHA-256 as bytes come.
#[derive(Clone)]
pub struct Sha256(digest::Context);

impl Sha256 {
    /// An empty hash.
    #[must_use]
    pub fn new() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }

    /// Takes `bytes` in.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of all that was taken in.
    #[must_use]
    pub fn finish(self) -> [u8; 32] {
        to_array(self.0.finish().as_ref())
    }
}

impl Default for Sha256 {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sha256(in progress)")
    }
}

/// HMAC-SHA-256 (RFC 2104) of the concatenated parts.
#[must_use]
pub fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let key = aws_hmac::Key::new(aws_hmac::HMAC_SHA256, key);
    let mut context = aws_hmac::Context::with_key(&key);
    for part in parts {
        context.update(part);
    }
    to_array(context.sign().as_ref())
}

/// Whether `tag` is the HMAC-SHA-256 of the concatenated parts, in constant time.
#[must_use]
pub fn hmac_verify(key: &[u8], parts: &[&[u8]], tag: &[u8; 32]) -> bool {
    constant_time::verify_slices_are_equal(&hmac(key, parts), tag).is_ok()
}

/// HKDF-SHA-256 (RFC 5869), extract and expand: `N` bytes, at most 8,160, from `key`, `salt` and the concatenated `info`.
#[must_use]
pub fn hkdf<const N: usize>(key: &[u8], salt: &[u8], info: &[&[u8]]) -> Secret<N> {
    const { assert!(N <= 255 * 32, "HKDF-SHA-256 gives 8,160 bytes at most") };
    struct Length<const N: usize>;
    impl<const N: usize> aws_hkdf::KeyType for Length<N> {
        fn len(&self) -> usize {
            N
        }
    }
    let prk = aws_hkdf::Salt::new(aws_hkdf::HKDF_SHA256, salt).extract(key);
    #[expect(clippy::expect_used, reason = "both calls only fail on a length, which is asserted above")]
    Secret::fill_with(|out| {
        prk.expand(info, Length::<N>).and_then(|okm| okm.fill(out)).expect("the length is in range");
    })
}

/// `N` random bytes that are not secret: salts, identifiers, nonces. For keys, [`Secret::random`].
#[must_use]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill_random(&mut bytes);
    bytes
}

pub(crate) fn fill_random(bytes: &mut [u8]) {
    #[expect(
        clippy::expect_used,
        reason = "AWS-LC's generator aborts the process rather than return an error"
    )]
    rand::fill(bytes).expect("the system's random generator answers");
}

/// Bytes whose length is known to be `N`.
fn to_array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(bytes);
    array
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha256_of_abc() {
        // FIPS 180-4, example.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex::encode(sha256(b"abc")), expected);
        let mut hash = Sha256::new();
        hash.update(b"a");
        hash.update(b"bc");
        assert_eq!(hex::encode(hash.finish()), expected);
    }

    #[test]
    fn a_wrong_mac_is_refused() {
        let mut tag = hmac(b"key", &[b"ab", b"c"]);
        assert!(hmac_verify(b"key", &[b"abc"], &tag));
        tag[31] ^= 1;
        assert!(!hmac_verify(b"key", &[b"abc"], &tag));
    }
}
