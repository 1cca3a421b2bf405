//! Who asks, as types that carry the proof: made only by judging a certificate at the moment of the request.

use sceau_element_api::documents::DecisionRole;
use sceau_element_api::{AccountId, Role};
use sceau_pki::{CertificateRole, VerifiedClient};
use sceau_trace::Actor;
use std::sync::PoisonError;

use crate::denial::Denial;
use crate::manager::KeyManager;
use crate::register::{Binding, Registers};

/// A case officer or supervisor: an accepted case officer's certificate, bound to an account.
#[derive(Debug, Clone)]
pub struct VerifiedOfficer {
    binding: Binding,
}

/// An administrator of this key manager: an accepted administrator's certificate.
#[derive(Debug, Clone)]
pub struct VerifiedAdministrator {
    _client: VerifiedClient,
}

impl VerifiedOfficer {
    /// The account.
    pub fn account(&self) -> AccountId {
        self.binding.account
    }

    /// In which role.
    pub fn role(&self) -> DecisionRole {
        self.binding.role
    }

    /// That the certificate was neither withdrawn nor bound anew since it was judged.
    pub(crate) fn check_still_bound(&self, registers: &Registers) -> Result<(), Denial> {
        let fingerprint = &self.binding.certificate_fingerprint;
        if registers.is_withdrawn(fingerprint) {
            return Err(Denial::CertificateWithdrawn);
        }
        if registers.bindings.get(fingerprint) == Some(&self.binding) {
            Ok(())
        } else {
            Err(Denial::NotBound)
        }
    }

    /// As records name the officer.
    pub(crate) fn actor(&self) -> Actor {
        Actor::new(Role::from(self.binding.role).into(), self.binding.account.to_string())
    }
}

/// A chain that a client showed in the handshake; what it is worth is judged at each request.
pub(crate) type Shown<'a> = Option<&'a [rustls::pki_types::CertificateDer<'static>]>;

impl KeyManager {
    /// Judges a certificate now: chain, dates, purpose, role, and that no administrator withdrew it.
    pub(crate) fn judge_client(&self, shown: Shown<'_>) -> Result<VerifiedClient, Denial> {
        let client = self.judge().judge(shown, self.now())?;
        let registers = self.registers().read().unwrap_or_else(PoisonError::into_inner);
        if registers.is_withdrawn(&client.fingerprint().to_string()) {
            return Err(Denial::CertificateWithdrawn);
        }
        Ok(client)
    }

    pub(crate) fn judge_officer(&self, shown: Shown<'_>) -> Result<VerifiedOfficer, Denial> {
        let client = self.judge_client(shown)?.with_role(CertificateRole::CaseOfficer)?;
        let binding = self.binding_of(&client).ok_or(Denial::NotBound)?;
        Ok(VerifiedOfficer { binding })
    }

    pub(crate) fn judge_administrator(&self, shown: Shown<'_>) -> Result<VerifiedAdministrator, Denial> {
        let client = self.judge_client(shown)?.with_role(CertificateRole::Administrator)?;
        Ok(VerifiedAdministrator { _client: client })
    }

    pub(crate) fn binding_of(&self, client: &VerifiedClient) -> Option<Binding> {
        let registers = self.registers().read().unwrap_or_else(PoisonError::into_inner);
        registers.bindings.get(&client.fingerprint().to_string()).cloned()
    }
}
