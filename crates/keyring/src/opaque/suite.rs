//! The suites: the same messages, with and without the stretching that only a terminal does.

use opaque_ke::ksf::Identity;
use opaque_ke::{CipherSuite, Ristretto255, TripleDh};

/// The element's: it never sees a PIN, so there is nothing to stretch.
pub(super) struct ElementSuite;

impl CipherSuite for ElementSuite {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, sha2::Sha512>;
    type Ksf = Identity;
}

/// A terminal's.
#[cfg(feature = "terminal")]
pub(super) struct TerminalSuite;

#[cfg(feature = "terminal")]
impl CipherSuite for TerminalSuite {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, sha2::Sha512>;
    type Ksf = super::terminal::Stretched;
}
