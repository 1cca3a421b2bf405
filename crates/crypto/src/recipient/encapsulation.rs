//! X-Wing by AWS-LC (draft-connolly-cfrg-xwing-kem, sections 5.2 to 5.4): ML-KEM-768 and X25519 are its own, in vector code, and the expansion of a
//! seed happens once. HPKE's key schedule and its AEAD are those of `hpke`, as are the shapes of public keys and of what is sent.

use std::sync::Arc;

use aws_lc_rs::{agreement, digest, kem};
use hpke::hybrid_array::Array;
use hpke::kem::{SharedSecret, XWing};
use hpke::rand_core::CryptoRng;
use hpke::{Deserializable, HpkeError, Kem, Serializable};
use ml_kem::{FromSeed as _, MlKem768};
use shake::{ExtendableOutput as _, Shake256, Update as _, XofReader as _};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::Secret;

/// Bytes of ML-KEM-768: of a ciphertext; where its public key begins in an expanded private key, and ends (FIPS 203, algorithm 16).
const CIPHERTEXT: usize = 1088;
const PUBLIC: std::ops::Range<usize> = 1152..2336;
/// What the combiner ends with.
const LABEL: &[u8; 6] = br"\.//^\";

/// X-Wing with its private keys in AWS-LC. What it writes and what it reads are [`XWing`]'s.
pub(super) struct XWingHeld;

/// A private key, expanded.
#[derive(Clone)]
pub(super) struct Expanded(Arc<Parts>);

struct Parts {
    seed: Secret<32>,
    ml_kem: kem::DecapsulationKey,
    x25519: agreement::PrivateKey,
    /// `pk_M ‖ pk_X`.
    public: Vec<u8>,
}

impl Expanded {
    /// `expandDecapsulationKey`.
    pub(super) fn of_seed(seed: &Secret<32>) -> Option<Self> {
        let mut expanded = Zeroizing::new([0; 96]);
        let mut shake = Shake256::default();
        shake.update(seed.expose());
        shake.finalize_xof().read(expanded.as_mut_slice());
        let (ml_kem, x25519) = expanded.split_first_chunk::<64>()?;
        let (ml_kem, public) = ml_kem_of(ml_kem)?;
        let x25519 = agreement::PrivateKey::from_private_key(&agreement::X25519, x25519).ok()?;
        let public = [public.as_slice(), x25519.compute_public_key().ok()?.as_ref()].concat();
        Some(Self(Arc::new(Parts { seed: seed.duplicate(), ml_kem, x25519, public })))
    }

    /// The public key's bytes.
    pub(super) fn public(&self) -> &[u8] {
        &self.0.public
    }

    /// `Decapsulate`. An X25519 share that gives zero is refused, as RFC 7748 section 6.1 lets one: no honest sender makes it.
    fn decapsulate(&self, enc: &[u8]) -> Option<SharedSecret<XWingHeld>> {
        let (ct_m, ct_x) = enc.split_at_checked(CIPHERTEXT)?;
        let ss_m = self.0.ml_kem.decapsulate(ct_m.into()).ok()?;
        let pk_x = self.0.public.get(PUBLIC.len()..)?;
        combined(ss_m.as_ref(), (&self.0.x25519, ct_x), (ct_x, pk_x))
    }
}

/// `EncapsulateDerand`, with what AWS-LC draws; none for a point of X25519 that gives zero.
fn encapsulate(to: &Public) -> Option<(SharedSecret<XWingHeld>, Enc)> {
    let public = to.to_bytes();
    let (pk_m, pk_x) = public.split_at_checked(PUBLIC.len())?;
    let (ct_m, ss_m) = kem::EncapsulationKey::new(&kem::ML_KEM_768, pk_m).ok()?.encapsulate().ok()?;
    let ephemeral = agreement::PrivateKey::generate(&agreement::X25519).ok()?;
    let ct_x = ephemeral.compute_public_key().ok()?;
    let shared = combined(ss_m.as_ref(), (&ephemeral, pk_x), (ct_x.as_ref(), pk_x))?;
    Some((shared, Enc::from_bytes(&[ct_m.as_ref(), ct_x.as_ref()].concat()).ok()?))
}

/// `Combiner`, of ML-KEM's secret and of what X25519 gives for this key and that point.
fn combined(
    ss_m: &[u8],
    (private, peer): (&agreement::PrivateKey, &[u8]),
    (ct_x, pk_x): (&[u8], &[u8]),
) -> Option<SharedSecret<XWingHeld>> {
    let peer = agreement::UnparsedPublicKey::new(&agreement::X25519, peer);
    let combined = agreement::agree(private, peer, (), |ss_x| {
        let mut combiner = digest::Context::new(&digest::SHA3_256);
        [ss_m, ss_x, ct_x, pk_x, LABEL].iter().for_each(|part| combiner.update(part));
        Ok(combiner.finish())
    });
    let mut shared = SharedSecret::default();
    shared.0.copy_from_slice(combined.ok()?.as_ref());
    Some(shared)
}

/// A key of ML-KEM-768 from `d ‖ z`, and its public part. AWS-LC takes the expanded form alone, which is made here and wiped.
#[expect(deprecated, reason = "of what is read from elsewhere, which this is not")]
fn ml_kem_of(seed: &[u8; 64]) -> Option<(kem::DecapsulationKey, Vec<u8>)> {
    use ml_kem::ExpandedKeyEncoding as _;
    let (key, _) = MlKem768::from_seed(&Array::from(*seed));
    let expanded = Zeroizing::new(key.to_expanded_bytes());
    let held = kem::DecapsulationKey::new(&kem::ML_KEM_768, &expanded).ok()?;
    Some((held, expanded.get(PUBLIC)?.to_vec()))
}

type Enc = <XWing as Kem>::EncappedKey;
type Public = <XWing as Kem>::PublicKey;

impl Kem for XWingHeld {
    type PublicKey = Public;
    type PrivateKey = Expanded;
    type EncappedKey = Enc;
    type NSecret = <XWing as Kem>::NSecret;

    const KEM_ID: u16 = XWing::KEM_ID;

    #[expect(clippy::expect_used, reason = "it was made from a seed")]
    fn sk_to_pk(key: &Expanded) -> Public {
        Public::from_bytes(key.public()).expect("a public key")
    }

    #[expect(clippy::expect_used, reason = "every seed gives a key")]
    fn derive_keypair(ikm: &[u8]) -> (Expanded, Public) {
        let (seed, public) = XWing::derive_keypair(ikm);
        (Expanded::from_bytes(&Zeroizing::new(seed.to_bytes())).expect("a seed"), public)
    }

    fn decap(key: &Expanded, sender: Option<&Public>, enc: &Enc) -> Result<SharedSecret<Self>, HpkeError> {
        // It authenticates no sender.
        let enc = Some(enc).filter(|_| sender.is_none()).ok_or(HpkeError::DecapError)?;
        key.decapsulate(&enc.to_bytes()).ok_or(HpkeError::DecapError)
    }

    fn encap_with_rng(
        to: &Public,
        sender: Option<(&Expanded, &Public)>,
        random: &mut impl CryptoRng,
    ) -> Result<(SharedSecret<Self>, Enc), HpkeError> {
        let to = Some(to).filter(|_| sender.is_none()).ok_or(HpkeError::EncapError)?;
        if let Some(encapsulated) = encapsulate(to) {
            return Ok(encapsulated);
        }
        // A key that its owner made wrong: what is sealed to it is sealed all the same, and opens for nobody who looks.
        let (shared, enc) = XWing::encap_with_rng(to, None, random)?;
        let mut own = SharedSecret::default();
        own.0.copy_from_slice(&shared.0);
        Ok((own, enc))
    }
}

impl Serializable for Expanded {
    type OutputSize = <<XWing as Kem>::PrivateKey as Serializable>::OutputSize;

    fn write_exact(&self, buffer: &mut [u8]) {
        buffer.copy_from_slice(self.0.seed.expose());
    }
}

impl Deserializable for Expanded {
    fn from_bytes(seed: &[u8]) -> Result<Self, HpkeError> {
        let seed = Secret::from_slice(seed).map_err(|_| HpkeError::ValidationError)?;
        Self::of_seed(&seed).ok_or(HpkeError::ValidationError)
    }
}

impl ConstantTimeEq for Expanded {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.seed.expose().ct_eq(other.0.seed.expose())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what must hold")]
    use super::super::xwing::SystemRandom;
    use super::*;

    type Seeded = <XWing as Kem>::PrivateKey;

    fn key(seed: u8) -> (Seeded, Expanded) {
        (Seeded::from_bytes(&[seed; 32]).unwrap(), Expanded::from_bytes(&[seed; 32]).unwrap())
    }

    #[test]
    fn a_seed_gives_the_key_that_it_gives_elsewhere_and_the_same_secrets() {
        for seed in 0..50 {
            let (theirs, ours) = key(seed);
            let public = XWing::sk_to_pk(&theirs);
            assert_eq!(public.to_bytes().as_slice(), ours.public());
            assert_eq!(ours.to_bytes(), theirs.to_bytes());
            let (shared, enc) = XWing::encap_with_rng(&public, None, &mut SystemRandom).unwrap();
            assert_eq!(XWingHeld::decap(&ours, None, &enc).unwrap().0, shared.0);
            let (shared, enc) = XWingHeld::encap_with_rng(&public, None, &mut SystemRandom).unwrap();
            assert_eq!(XWing::decap(&theirs, None, &enc).unwrap().0, shared.0);
        }
    }

    /// Those of draft-connolly-cfrg-xwing-kem, appendix C.
    #[test]
    fn published_vectors() {
        #[derive(serde::Deserialize)]
        struct Vector {
            seed: String,
            public: String,
            enc: String,
            shared: String,
        }
        let vectors: Vec<Vector> = serde_json::from_str(include_str!("encapsulation_vectors.json")).unwrap();
        assert_eq!(vectors.len(), 3);
        for vector in vectors {
            let ours = Expanded::from_bytes(&from_hex(&vector.seed)).unwrap();
            assert_eq!(ours.public(), from_hex(&vector.public));
            let enc = Enc::from_bytes(&from_hex(&vector.enc)).unwrap();
            assert_eq!(XWingHeld::decap(&ours, None, &enc).unwrap().0.as_slice(), from_hex(&vector.shared));
        }
    }

    fn from_hex(text: &str) -> Vec<u8> {
        let digit = |at: usize| u8::from_str_radix(text.get(at..at + 2).unwrap(), 16).unwrap();
        (0..text.len()).step_by(2).map(digit).collect()
    }

    #[test]
    fn a_key_whose_point_gives_zero_stops_nobody_who_seals_to_it() {
        let mut public = XWing::sk_to_pk(&key(7).0).to_bytes();
        public[PUBLIC.len()..].fill(0);
        let public = Public::from_bytes(&public).unwrap();
        assert!(encapsulate(&public).is_none());
        XWingHeld::encap_with_rng(&public, None, &mut SystemRandom).unwrap();
    }

    /// What was not made for the key gives a secret of nobody's, the same on both sides: ML-KEM rejects implicitly (FIPS 203, algorithm 18), and X25519 takes any point.
    #[test]
    fn whatever_comes_gives_what_it_gives_elsewhere_or_nothing() {
        let (theirs, ours) = key(7);
        let (_, enc) = XWing::encap_with_rng(&XWing::sk_to_pk(&theirs), None, &mut SystemRandom).unwrap();
        for at in [0, 1, 543, 1087, 1088, 1100, 1119] {
            for with in [1_u8, 0x80, 0xff] {
                let mut bytes = enc.to_bytes();
                bytes[at] ^= with;
                let enc = Enc::from_bytes(&bytes).unwrap();
                let (theirs, ours) = (XWing::decap(&theirs, None, &enc), XWingHeld::decap(&ours, None, &enc));
                assert_eq!(theirs.unwrap().0, ours.unwrap().0, "{at} {with}");
            }
        }
        // Points of small order, and one that is written otherwise (RFC 7748 section 6.1).
        let mut bytes = enc.to_bytes();
        for (first, last) in [(0, 0), (1, 0), (0xed, 0x7f), (0, 0x80)] {
            bytes[CIPHERTEXT..].fill(if last == 0x7f { 0xff } else { 0 });
            (bytes[CIPHERTEXT], bytes[1119]) = (first, last);
            assert!(XWingHeld::decap(&ours, None, &Enc::from_bytes(&bytes).unwrap()).is_err());
        }
    }
}
