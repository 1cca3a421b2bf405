//! EME-OAEP decoding (RFC 8017 §7.1.2, step 3) for a token that does RSA but not OAEP with SHA-256: what the private key gives is decoded here.
//!
//! The length of the message is known, so nothing is looked for, and each byte is looked at whatever the others are: neither time nor answer says
//! which part was wrong (Manger's attack).

use subtle::{Choice, ConstantTimeEq as _};
use zeroize::Zeroizing;

use super::UnwrapError;
use crate::{SecretBytes, Sha256, sha256};

const HASH: usize = 32;

/// The message of `length` bytes that `encoded` (as long as the modulus) is the OAEP encoding of, with SHA-256, MGF1 with SHA-256 and an empty label.
///
/// # Errors
/// [`UnwrapError`], whatever the cause.
pub fn oaep_decode(encoded: &[u8], length: usize) -> Result<SecretBytes, UnwrapError> {
    let (first, rest) = encoded.split_first().ok_or(UnwrapError)?;
    let (masked_seed, masked_block) = rest.split_at_checked(HASH).ok_or(UnwrapError)?;
    let separator = masked_block.len().checked_sub(length + 1).filter(|at| *at >= HASH).ok_or(UnwrapError)?;
    let seed = unmasked(masked_seed, masked_block);
    let block = unmasked(masked_block, &seed);
    let (head, message) = block.split_at_checked(separator + 1).ok_or(UnwrapError)?;
    let (hash, padding) = head.split_at_checked(HASH).ok_or(UnwrapError)?;
    let (one, zeros) = padding.split_last().ok_or(UnwrapError)?;
    let mut good: Choice = first.ct_eq(&0) & hash.ct_eq(&sha256(b"")) & one.ct_eq(&1);
    for zero in zeros {
        good &= zero.ct_eq(&0);
    }
    if bool::from(good) { Ok(SecretBytes::from(message)) } else { Err(UnwrapError) }
}

/// `masked` without the mask that MGF1 (RFC 8017 §B.2.1) makes of `seed`.
fn unmasked(masked: &[u8], seed: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut plain = Zeroizing::new(masked.to_vec());
    for (counter, part) in (0_u32..).zip(plain.chunks_mut(HASH)) {
        let mut hash = Sha256::new();
        hash.update(seed);
        hash.update(&counter.to_be_bytes());
        let mask = Zeroizing::new(hash.finish());
        part.iter_mut().zip(mask.iter()).for_each(|(byte, mask)| *byte ^= mask);
    }
    plain
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what must hold")]
    use super::*;

    /// EME-OAEP encoding (§7.1.1, step 2), for the tests; whether the decoding is RFC 8017's, Wycheproof's vectors say
    /// (`tests/wycheproof.rs`).
    fn encode(size: usize, message: &[u8], change: impl Fn(&mut [u8])) -> Vec<u8> {
        let mut block = sha256(b"").to_vec();
        block.resize(size - HASH - 1 - message.len() - 1, 0);
        block.push(1);
        block.extend_from_slice(message);
        change(&mut block);
        let seed = [0x5A; HASH];
        let masked = unmasked(&block, &seed);
        [&[0], unmasked(&seed, &masked).as_slice(), &masked].concat()
    }

    #[test]
    fn what_was_encoded_is_decoded() {
        for size in [256, 384, 512] {
            let encoded = encode(size, &[7; 32], |_| ());
            assert_eq!(oaep_decode(&encoded, 32).unwrap().expose(), [7; 32]);
            assert_eq!(oaep_decode(&encoded, 31), Err(UnwrapError));
            assert_eq!(oaep_decode(&encoded, 33), Err(UnwrapError));
        }
    }

    #[test]
    fn each_part_is_looked_at() {
        for at in (0..HASH).chain([HASH, 100, 255 - HASH - 32 - 2, 255 - HASH - 32 - 1]) {
            let encoded = encode(256, &[7; 32], |block| block[at] ^= 0x80);
            assert_eq!(oaep_decode(&encoded, 32), Err(UnwrapError), "{at}");
        }
        let mut encoded = encode(256, &[7; 32], |_| ());
        encoded[0] = 1;
        assert_eq!(oaep_decode(&encoded, 32), Err(UnwrapError));
    }

    #[test]
    fn any_length_is_refused_without_a_panic() {
        for size in 0..100 {
            assert_eq!(oaep_decode(&vec![0; size], 32), Err(UnwrapError));
        }
        assert_eq!(oaep_decode(&[0; 256], usize::MAX - 1), Err(UnwrapError));
    }
}
