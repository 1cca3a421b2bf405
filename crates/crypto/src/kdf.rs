//! Keys derived in counter mode (NIST SP 800-108 Rev. 1 §4.1) from a PRF that may be out of reach: in an HSM, whose master never leaves it.
//!
//! What the PRF is asked is made here, and its answers are put together here; who asks it, and how many at once, is the caller's.

use crate::{Label, Secret};

/// Bytes that one answer of the PRF (HMAC-SHA-256) has.
const BLOCK: usize = 32;

/// A key of `N` bytes to derive: `[i]32 ‖ label ‖ 00 ‖ fields ‖ [L]32`, where `i` counts from one, `L` is the key's length in bits, and each field is
/// `length (4) ‖ bytes`, so that no two lists of fields are one input. Integers are big-endian.
///
/// It holds no secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Derivation<const N: usize>(Vec<u8>);

impl<const N: usize> Derivation<N> {
    /// For this purpose, from these fields in this order.
    #[must_use]
    pub fn new(label: Label, fields: &[&[u8]]) -> Self {
        let mut fixed = label.as_str().as_bytes().to_vec();
        fixed.push(0);
        for field in fields {
            fixed.extend_from_slice(&be(field.len()));
            fixed.extend_from_slice(field);
        }
        fixed.extend_from_slice(&be(N * 8));
        Self(fixed)
    }

    /// What the PRF is asked, in this order.
    #[must_use]
    pub fn inputs(&self) -> Vec<Vec<u8>> {
        const { assert!(N > 0 && N <= 1 << 16, "a key, not a stream") };
        (1..=N.div_ceil(BLOCK)).map(|i| [&be(i), self.0.as_slice()].concat()).collect()
    }

    /// The key, from the PRF's answers to [`Self::inputs`] in their order; none where there are more or fewer of them.
    #[must_use]
    pub fn key(&self, outputs: &[Secret<BLOCK>]) -> Option<Secret<N>> {
        if outputs.len() != N.div_ceil(BLOCK) {
            return None;
        }
        Some(Secret::fill_with(|key| {
            for (part, output) in key.chunks_mut(BLOCK).zip(outputs) {
                let (used, _) = output.expose().split_at(part.len());
                part.copy_from_slice(used);
            }
        }))
    }
}

/// Lengths of what is in memory here are far below 2^32.
fn be(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;
    use crate::hmac;
    use aws_lc_rs::kdf::{KbkdfCtrHmacAlgorithmId, get_kbkdf_ctr_hmac_algorithm, kbkdf_ctr_hmac};

    fn derive<const N: usize>(key: &[u8], derivation: &Derivation<N>) -> Secret<N> {
        let asked = derivation.inputs();
        let outputs: Vec<_> = asked
            .iter()
            .map(|input| Secret::fill_with(|out| out.copy_from_slice(&hmac(key, &[input]))))
            .collect();
        derivation.key(&outputs).unwrap()
    }

    /// NIST CAVP, CAVS 14.4 "SP800-108 - KDF", KDFCTR_gen.rsp: [PRF=HMAC_SHA256] [CTRLOCATION=BEFORE_FIXED] [RLEN=32_BITS], of each length two.
    fn cavp<const N: usize>(key: &str, fixed: &str, derived: &str) {
        let derivation = Derivation::<N>(hex::decode(fixed).unwrap());
        assert_eq!(hex::encode(derive(&hex::decode(key).unwrap(), &derivation).expose()), derived);
    }

    #[test]
    fn nist_vectors() {
        cavp::<16>(
            "dd1d91b7d90b2bd3138533ce92b272fbf8a369316aefe242e659cc0ae238afe0",
            "01322b96b30acd197979444e468e1c5c6859bf1b1cf951b7e725303e237e46b864a145fab25e517b08f8683d0315bb2911d80a0e8aba17f3b413faac",
            "10621342bfb0fd40046c0e29f2cfdbf0",
        );
        cavp::<16>(
            "32c4003872a146194023eac1bda74ddf2b66977dad8a554b974ca2a62f7e4f43",
            "33d8cf6d0c759fb622d867ea8cf1285de4020af81cc287addf38cc2da4643e6db3b215ad3e33bfc47877c3620e336887c3c9ad4a1c6c0476b0f90a33",
            "f593af0e1a492a7b904a2662897fa1c1",
        );
        cavp::<32>(
            "e204d6d466aad507ffaf6d6dab0a5b26152c9e21e764370464e360c8fbc765c6",
            "7b03b98d9f94b899e591f3ef264b71b193fba7043c7e953cde23bc5384bc1a6293580115fae3495fd845dadbd02bd6455cf48d0f62b33e62364a3a80",
            "770dfab6a6a4a4bee0257ff335213f78d8287b4fd537d5c1fffa956910e7c779",
        );
        cavp::<32>(
            "aeeeca60f689a441b13b0cbcd441d82df0cf87dac236290dece8931df8d70317",
            "588ec041e5733b7031212c5538efe4f6aafa4cda8b925d261f5a2688f007b3ac240ee12991e77b8cb8538678615966164a81872bd1cfcbfb39a4f450",
            "3e81d6113cee3c529ecedff89a6999ce25b618c15ee1d19d45cb376a1c8e2374",
        );
        cavp::<20>(
            "dc60338d884eecb72975c603c27b360605011756c697c4fc388f5176ef81efb1",
            "44d7aa08feba26093c14979c122c2437c3117b63b78841cd10a4bc5ed55c56586ad8986d55307dca1d198edcffbc516a8fbe6152aa428cdd800c062d",
            "29ac07dccf1f28d506cd623e6e3fc2fa255bd60b",
        );
        cavp::<20>(
            "7a7ecee4f04c1f5453f29b8c65bee909f673c44f65e8f9cc18c31c32e9bcfc5a",
            "0e2b53dd63008e0663962a25da9cd55fc2ea377148783da229ff7e3bd6142a43c854b6b5d06d87b535936f1edc7cd067e8dbba220a1f9a5932b32a64",
            "96fb8ef9380ac9de2711ef5a83249e608dc7bffc",
        );
        cavp::<40>(
            "c4bedbddb66493e7c7259a3bbbc25f8c7e0ca7fe284d92d431d9cd99a0d214ac",
            "1c69c54766791e315c2cc5c47ecd3ffab87d0d273dd920e70955814c220eacace6a5946542da3dfe24ff626b4897898cafb7db83bdff3c14fa46fd4b",
            "1da47638d6c9c4d04d74d4640bbd42ab814d9e8cc22f4326695239f96b0693f12d0dd1152cf44430",
        );
        cavp::<40>(
            "22256ca571d5c896db80a8758ff81cf8631d2bc38c7e76f3bafb0c2af540a356",
            "9dd2dcd97b926251b50c6111d988e2951b02accc143702c88920cf36848f7c731756ab0537cb26e22725f11de069e5335802b0cb56c158dd75014791",
            "a11aa3b1a93d2ce117550866c28d6974cf626719385b8868101a71a5d2aa793bc23c3cfdebe52ec9",
        );
    }

    /// AWS-LC's own counter mode, over the layout written out by hand.
    #[test]
    fn the_layout_is_what_aws_lc_derives_from() {
        let key = [7; 32];
        let algorithm = get_kbkdf_ctr_hmac_algorithm(KbkdfCtrHmacAlgorithmId::Sha256).unwrap();
        let derivation = Derivation::<96>::new(Label::DatumKey, &[b"owner", b"", &[9; 300]]);
        let mut fixed = b"sceau/datum-key\0\0\0\0\x05owner\0\0\0\0\0\0\x01\x2c".to_vec();
        fixed.extend_from_slice(&[9; 300]);
        fixed.extend_from_slice(&[0, 0, 3, 0]); // 768 bits
        let mut expected = [0; 96];
        kbkdf_ctr_hmac(algorithm, &key, &fixed, &mut expected).unwrap();
        assert_eq!(derive(&key, &derivation).expose(), &expected);
    }

    #[test]
    fn no_two_lists_of_fields_are_one_input() {
        let of = |fields: &[&[u8]]| Derivation::<32>::new(Label::DatumKey, fields);
        assert_ne!(of(&[b"ab", b"c"]), of(&[b"a", b"bc"]));
        assert_ne!(of(&[b"a"]), of(&[b"a", b""]));
        assert_ne!(of(&[b"a"]).inputs(), Derivation::<32>::new(Label::TokenSeal, &[b"a"]).inputs());
        assert_ne!(of(&[b"a"]).inputs()[..1], Derivation::<64>::new(Label::DatumKey, &[b"a"]).inputs()[..1]);
    }

    #[test]
    fn as_many_answers_as_were_asked() {
        let derivation = Derivation::<40>::new(Label::DatumKey, &[]);
        assert_eq!(derivation.inputs().len(), 2);
        assert!(derivation.key(&[Secret::random()]).is_none());
        assert!(derivation.key(&[Secret::random(), Secret::random(), Secret::random()]).is_none());
    }
}
