//! A terminal's side: the PIN is stretched by Argon2id, blinded, and never leaves.

use argon2::{Algorithm, Argon2, Params, Version};
use opaque_ke::errors::InternalError;
use opaque_ke::generic_array::{ArrayLength, GenericArray};
use opaque_ke::ksf::Ksf;
use opaque_ke::{
    ClientLogin, ClientLoginFinishParameters, ClientRegistration, ClientRegistrationFinishParameters,
    CredentialResponse, Identifiers, RegistrationResponse,
};
use sceau_crypto::{Secret, SecretBytes};
use sceau_element_api::keyring::PinRule;
use zeroize::Zeroize;

use super::suite::TerminalSuite;
use super::{Names, OpaqueError, WrongPin, exactly, size};
use crate::rng::Drawn;

/// Argon2id's memory (KiB), passes and lanes: the second choice of RFC 9106 section 4.
const MEMORY: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 4;

/// A PIN: digits.
pub struct Pin(SecretBytes);

/// A PIN is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PinRefused {
    /// It has other characters than digits.
    #[error("a PIN is made of digits 0 to 9")]
    NotDigits,
    /// It is shorter or longer than its policy says.
    #[error("the policy asks for a PIN of {least} to {most} digits")]
    Length {
        /// At least so many.
        least: u8,
        /// At most so many.
        most: u8,
    },
    /// Every attacker tries it first.
    #[error("all digits are the same, or follow each other: choose another PIN")]
    Obvious,
}

impl Pin {
    /// Takes a PIN as it was typed, to log in with.
    ///
    /// # Errors
    /// [`PinRefused::NotDigits`].
    pub fn parse(typed: &str) -> Result<Self, PinRefused> {
        let digits =
            !typed.is_empty() && typed.len() <= 64 && typed.bytes().all(|byte| byte.is_ascii_digit());
        if digits { Ok(Self(SecretBytes::from(typed.as_bytes()))) } else { Err(PinRefused::NotDigits) }
    }

    /// Whether it may be chosen under this rule. Nobody but the terminal can ask: OPAQUE hides the PIN, and its length, from everybody else.
    ///
    /// # Errors
    /// [`PinRefused::Length`], [`PinRefused::Obvious`].
    pub fn check(&self, rule: &PinRule) -> Result<(), PinRefused> {
        let digits = self.0.expose();
        let long = u8::try_from(digits.len()).unwrap_or(u8::MAX);
        if !(rule.least..=rule.most).contains(&long) {
            return Err(PinRefused::Length { least: rule.least, most: rule.most });
        }
        let step = |by: i16| {
            digits.iter().zip(digits.iter().skip(1)).all(|(a, b)| i16::from(*b) - i16::from(*a) == by)
        };
        if [0, 1, -1].into_iter().any(step) { Err(PinRefused::Obvious) } else { Ok(()) }
    }

    /// Begins to register it: the state to keep, and a RegistrationRequest of 32 bytes.
    ///
    /// # Errors
    /// [`OpaqueError`] where the library cannot begin, which no PIN makes it.
    pub fn register(&self) -> Result<(Registering, [u8; size::REQUEST]), OpaqueError> {
        let started = ClientRegistration::start(&mut Drawn, self.0.expose()).map_err(|_| OpaqueError)?;
        let request = started.message.serialize().as_slice().try_into().map_err(|_| OpaqueError)?;
        Ok((Registering(started.state), request))
    }

    /// Begins to prove it: the state to keep, and KE1 of 96 bytes.
    ///
    /// # Errors
    /// [`OpaqueError`] where the library cannot begin, which no PIN makes it.
    pub fn login(&self) -> Result<(LoggingIn, [u8; size::KE1]), OpaqueError> {
        let started = ClientLogin::start(&mut Drawn, self.0.expose()).map_err(|_| OpaqueError)?;
        let ke1 = started.message.serialize().as_slice().try_into().map_err(|_| OpaqueError)?;
        Ok((LoggingIn(started.state), ke1))
    }
}

impl std::fmt::Debug for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pin(redacted)")
    }
}

/// The RegistrationRecord that the element keeps, 192 bytes.
pub type Upload = [u8; size::RECORD];

/// What the right PIN gives, each time, to the terminal alone.
pub type ExportKey = Secret<64>;

/// A PIN on its way to be registered.
pub struct Registering(ClientRegistration<TerminalSuite>);

impl Registering {
    /// Ends the registration with the element's answer of 64 bytes. It takes the time of the stretching.
    ///
    /// # Errors
    /// [`OpaqueError`].
    pub fn finish(
        self,
        pin: &Pin,
        response: &[u8],
        names: &Names,
    ) -> Result<(Upload, ExportKey), OpaqueError> {
        exactly(size::RESPONSE, response)?;
        let response = RegistrationResponse::deserialize(response).map_err(|_| OpaqueError)?;
        let parameters = ClientRegistrationFinishParameters::new(identifiers(names), None);
        let mut finished =
            self.0.finish(&mut Drawn, pin.0.expose(), response, parameters).map_err(|_| OpaqueError)?;
        let upload = finished.message.serialize().as_slice().try_into().map_err(|_| OpaqueError)?;
        let export = Secret::from_slice(&finished.export_key).map_err(|_| OpaqueError)?;
        finished.export_key.as_mut_slice().zeroize();
        Ok((upload, export))
    }
}

impl std::fmt::Debug for Registering {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Registering(redacted)")
    }
}

/// A PIN on its way to be proven.
pub struct LoggingIn(ClientLogin<TerminalSuite>);

/// A PIN is right, and the element too.
#[derive(Debug)]
pub struct Proven {
    /// KE3, which proves it to the element.
    pub ke3: [u8; size::KE3],
    /// What both have now, and nobody else.
    pub session: Secret<64>,
    /// As at the registration.
    pub export: ExportKey,
}

impl LoggingIn {
    /// Judges KE2 (320 bytes). It takes the time of the stretching.
    ///
    /// # Errors
    /// [`WrongPin`].
    pub fn finish(self, pin: &Pin, ke2: &[u8], names: &Names) -> Result<Proven, WrongPin> {
        exactly(size::KE2, ke2).map_err(|_| WrongPin)?;
        let response = CredentialResponse::deserialize(ke2).map_err(|_| WrongPin)?;
        let parameters = ClientLoginFinishParameters::new(None, identifiers(names), None);
        let mut finished =
            self.0.finish(&mut Drawn, pin.0.expose(), response, parameters).map_err(|_| WrongPin)?;
        let ke3 = finished.message.serialize().as_slice().try_into().map_err(|_| WrongPin)?;
        let session = Secret::from_slice(&finished.session_key).map_err(|_| WrongPin)?;
        let export = Secret::from_slice(&finished.export_key).map_err(|_| WrongPin)?;
        finished.session_key.as_mut_slice().zeroize();
        finished.export_key.as_mut_slice().zeroize();
        Ok(Proven { ke3, session, export })
    }
}

impl std::fmt::Debug for LoggingIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LoggingIn(redacted)")
    }
}

fn identifiers(names: &Names) -> Identifiers<'_> {
    Identifiers { client: Some(names.credential.as_bytes()), server: Some(names.server.as_bytes()) }
}

/// 8 bytes of a secret, stretched as a PIN is; none where there is no memory for it.
pub(crate) fn stretched(secret: &Secret<32>) -> Option<[u8; 8]> {
    let mut output = [0; 8];
    let parameters = Params::new(MEMORY, PASSES, LANES, Some(output.len())).ok()?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
    argon2.hash_password_into(secret.expose(), &[0; 16], &mut output).ok()?;
    Some(output)
}

/// Argon2id of the oblivious function's output, with a salt of zeros (RFC 9807 section 7): what is stretched is a secret of its own for each record.
#[derive(Default)]
pub(super) struct Stretched;

impl Ksf for Stretched {
    fn hash<L: ArrayLength<u8>>(
        &self,
        input: GenericArray<u8, L>,
    ) -> Result<GenericArray<u8, L>, InternalError> {
        let mut output = GenericArray::<u8, L>::default();
        let parameters =
            Params::new(MEMORY, PASSES, LANES, Some(output.len())).map_err(|_| InternalError::KsfError)?;
        Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
            .hash_password_into(&input, &[0; 16], &mut output)
            .map_err(|_| InternalError::KsfError)?;
        Ok(output)
    }
}
