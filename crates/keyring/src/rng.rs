//! The random generator of the house, as `opaque-ke` asks for one.

use opaque_ke::rand::{CryptoRng, Error, RngCore};
use sceau_crypto::{Secret, random};

/// Draws from the operating system, through `sceau-crypto`.
pub(crate) struct Drawn;

impl RngCore for Drawn {
    fn next_u32(&mut self) -> u32 {
        u32::from_ne_bytes(random())
    }

    fn next_u64(&mut self) -> u64 {
        u64::from_ne_bytes(random())
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        for part in dest.chunks_mut(64) {
            let drawn = Secret::<64>::random();
            part.iter_mut().zip(drawn.expose()).for_each(|(byte, drawn)| *byte = *drawn);
        }
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(dest);
        Ok(())
    }
}

impl CryptoRng for Drawn {}
