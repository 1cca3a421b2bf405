//! The element's side.

use opaque_ke::{
    CredentialFinalization, CredentialRequest, Identifiers, RegistrationRequest, RegistrationUpload,
    ServerLogin, ServerLoginParameters, ServerRegistration, ServerSetup,
};
use sceau_crypto::{Secret, SecretBytes};
use zeroize::Zeroize;

use super::suite::ElementSuite;
use super::{Names, OpaqueError, WrongPin, exactly, size};
use crate::rng::Drawn;

/// The element's secrets for all PINs: the seed of the oblivious function, and its key. Who has them and a record may guess a PIN.
pub struct OpaqueServer(ServerSetup<ElementSuite>);

impl OpaqueServer {
    /// Draws new ones.
    #[must_use]
    pub fn draw() -> Self {
        Self(ServerSetup::new(&mut Drawn))
    }

    /// Their 128 bytes, to be sealed at rest.
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes {
        let mut bytes = self.0.serialize();
        let kept = SecretBytes::from(bytes.as_slice());
        bytes.as_mut_slice().zeroize();
        kept
    }

    /// Takes what [`OpaqueServer::to_bytes`] gave.
    ///
    /// # Errors
    /// [`OpaqueError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, OpaqueError> {
        exactly(size::SETUP, bytes)?;
        ServerSetup::deserialize(bytes).map(Self).map_err(|_| OpaqueError)
    }

    /// Answers a RegistrationRequest of 32 bytes: a RegistrationResponse of 64.
    ///
    /// # Errors
    /// [`OpaqueError`].
    pub fn registration(&self, names: &Names, request: &[u8]) -> Result<[u8; size::RESPONSE], OpaqueError> {
        exactly(size::REQUEST, request)?;
        let request = RegistrationRequest::deserialize(request).map_err(|_| OpaqueError)?;
        let started =
            ServerRegistration::<ElementSuite>::start(&self.0, request, names.credential.as_bytes())
                .map_err(|_| OpaqueError)?;
        started.message.serialize().as_slice().try_into().map_err(|_| OpaqueError)
    }

    /// The record to keep of a RegistrationRecord that a terminal uploads: 192 bytes, checked.
    ///
    /// # Errors
    /// [`OpaqueError`].
    pub fn record(&self, upload: &[u8]) -> Result<Vec<u8>, OpaqueError> {
        exactly(size::RECORD, upload)?;
        let upload = RegistrationUpload::<ElementSuite>::deserialize(upload).map_err(|_| OpaqueError)?;
        Ok(ServerRegistration::finish(upload).serialize().to_vec())
    }

    /// Answers KE1 (96 bytes) by KE2 (320), and keeps what KE3 will be judged by.
    ///
    /// # Errors
    /// [`OpaqueError`].
    pub fn begin(
        &self,
        names: &Names,
        record: &[u8],
        ke1: &[u8],
    ) -> Result<(Begun, [u8; size::KE2]), OpaqueError> {
        exactly(size::RECORD, record)?;
        let record = ServerRegistration::deserialize(record).map_err(|_| OpaqueError)?;
        exactly(size::KE1, ke1)?;
        let request = CredentialRequest::deserialize(ke1).map_err(|_| OpaqueError)?;
        let credential = names.credential.as_bytes();
        let started =
            ServerLogin::start(&mut Drawn, &self.0, Some(record), request, credential, parameters(names))
                .map_err(|_| OpaqueError)?;
        let ke2 = started.message.serialize().as_slice().try_into().map_err(|_| OpaqueError)?;
        Ok((Begun { state: started.state, names: names.clone() }, ke2))
    }
}

impl std::fmt::Debug for OpaqueServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OpaqueServer(redacted)")
    }
}

/// An attempt under way. It is kept in memory only, and is worth one try.
pub struct Begun {
    state: ServerLogin<ElementSuite>,
    names: Names,
}

impl Begun {
    /// Judges KE3 (64 bytes): whoever made it has the PIN. Gives the session key, which the terminal has too.
    ///
    /// # Errors
    /// [`WrongPin`].
    pub fn finish(self, ke3: &[u8]) -> Result<Secret<64>, WrongPin> {
        exactly(size::KE3, ke3).map_err(|_| WrongPin)?;
        let message = CredentialFinalization::deserialize(ke3).map_err(|_| WrongPin)?;
        let mut finished = self.state.finish(message, parameters(&self.names)).map_err(|_| WrongPin)?;
        let session = Secret::from_slice(&finished.session_key).map_err(|_| WrongPin);
        finished.session_key.as_mut_slice().zeroize();
        session
    }
}

impl std::fmt::Debug for Begun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Begun(redacted)")
    }
}

fn parameters(names: &Names) -> ServerLoginParameters<'_, '_> {
    let (client, server) = (Some(names.credential.as_bytes()), Some(names.server.as_bytes()));
    ServerLoginParameters { context: None, identifiers: Identifiers { client, server } }
}
