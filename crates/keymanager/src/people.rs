//! What administrators do: bind certificates, assign dossiers, issue and withdraw certificates. Each act is recorded with it.

use std::sync::PoisonError;

use sceau_element_api::wire::RecordDraft;
use sceau_pki::{CertificateRole, Issued, new_pkcs12_password};
use sceau_trace::{Action, sha256};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::denial::Denial;
use crate::error::Error;
use crate::journal::{REGISTER, REGISTER_HASH};
use crate::manager::KeyManager;
use crate::register::{
    ASSIGNMENTS, Assignment, BINDINGS, Binding, CONNECTORS, Registers, TAG, WITHDRAWN, WITHDRAWN_SINCE,
    canonical, tag,
};
use crate::release::Failure;
use crate::watch::Missing;

/// A client certificate as it is handed over, once.
#[derive(Debug)]
pub struct NewCertificate {
    /// Key, certificate and issuer in PKCS#12, for a browser.
    pub pkcs12: Vec<u8>,
    /// Its password, which is kept nowhere.
    pub password: Zeroizing<String>,
    /// Key and chain in PEM, for programs of the holder.
    pub pem: Zeroizing<String>,
    /// SHA-256 of the certificate, hexadecimal.
    pub fingerprint: String,
}

impl KeyManager {
    /// Issues a client certificate. Who calls answers for the caller being an administrator, or the owner of the machine.
    ///
    /// # Errors
    /// [`Failure::Denied`] for a name that cannot stand in a certificate.
    pub async fn issue_certificate(
        &self,
        name: &str,
        role: CertificateRole,
    ) -> Result<NewCertificate, Failure> {
        let issued = match self.tls().issue(name, role, self.now()) {
            Err(Error::Pki(sceau_pki::Error::BadSubject)) => {
                return Err(
                    Denial::Body("a name has 1 to 64 characters, none of them a control character").into()
                );
            }
            issued => issued?,
        };
        let draft = self.own_record(Action::CERTIFICATE_ISSUE).granted();
        let draft = draft.subject("certificate", issued.fingerprint()).detail("role", role.as_str());
        let mut append = self.journal().begin().await?;
        append.record(draft).await?;
        Self::keep_expiry(append.transaction(), &issued).await?;
        append.commit().await?;
        Ok(handed_over(&issued)?)
    }

    /// Withdraws a client certificate: it is refused from now on, and its binding is gone.
    ///
    /// # Errors
    /// [`Failure::Denied`] for what is no fingerprint.
    pub async fn withdraw_certificate(&self, fingerprint: &str) -> Result<(), Failure> {
        let fingerprint = canonical(fingerprint).ok_or(NOT_A_FINGERPRINT)?;
        let _alone = self.changing_people().await;
        let mut lists = self.lists();
        lists.withdrawn.insert(fingerprint.clone());
        let act = self.own_record(Action::CERTIFICATE_WITHDRAW).granted().detail(TAG, tag(&fingerprint));
        self.keep_list_with(&lists, WITHDRAWN, &lists.withdrawn, Some(act)).await?;
        if lists.bindings.remove(&fingerprint).is_some() {
            self.keep_list(&lists, BINDINGS, &lists.bindings).await?;
        }
        if lists.connectors.remove(&fingerprint).is_some() {
            self.keep_list(&lists, CONNECTORS, &lists.connectors).await?;
        }
        Ok(())
    }

    /// Takes from people, in a key manager that is made anew, what was taken from them since its backup.
    pub(crate) async fn take_back(&self, missing: &Missing) -> Result<(), Error> {
        let _alone = self.changing_people().await;
        let mut lists = self.lists();
        let since = missing.withdrawn.iter().cloned();
        lists.withdrawn_since.extend(since);
        let withdrawn = |fingerprint: &String| lists.withdrawn_since.contains(&tag(fingerprint));
        lists.bindings.retain(|fingerprint, _| !withdrawn(fingerprint));
        let ended = |fingerprint: &String| withdrawn(fingerprint) || missing.revoked.contains(fingerprint);
        lists.connectors.retain(|fingerprint, _| !ended(fingerprint));
        if !missing.withdrawn.is_empty() {
            self.keep_list(&lists, WITHDRAWN_SINCE, &lists.withdrawn_since).await?;
            self.keep_list(&lists, BINDINGS, &lists.bindings).await?;
        }
        if !missing.withdrawn.is_empty() || !missing.revoked.is_empty() {
            self.keep_list(&lists, CONNECTORS, &lists.connectors).await?;
        }
        Ok(())
    }

    /// Binds a certificate to an account; a certificate has one binding, the last.
    ///
    /// # Errors
    /// [`Failure::Denied`] for what is no fingerprint or no name.
    pub async fn bind(&self, binding: Binding) -> Result<(), Failure> {
        let fingerprint = canonical(&binding.certificate_fingerprint).ok_or(NOT_A_FINGERPRINT)?;
        let named = !binding.name.trim().is_empty() && binding.name.chars().count() <= 64;
        if !named || binding.name.chars().any(char::is_control) {
            return Err(
                Denial::Body("a name has 1 to 64 characters, none of them a control character").into()
            );
        }
        let _alone = self.changing_people().await;
        let mut lists = self.lists();
        let binding = Binding { certificate_fingerprint: fingerprint.clone(), ..binding };
        lists.bindings.insert(fingerprint, binding);
        Ok(self.keep_list(&lists, BINDINGS, &lists.bindings).await?)
    }

    /// Assigns a dossier to some accounts; to none, it is again open to each bound case officer.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub async fn assign(&self, assignment: Assignment) -> Result<(), Failure> {
        let _alone = self.changing_people().await;
        let mut lists = self.lists();
        if assignment.accounts.is_empty() {
            lists.assignments.remove(&assignment.dossier);
        } else {
            lists.assignments.insert(assignment.dossier, assignment.accounts);
        }
        Ok(self.keep_list(&lists, ASSIGNMENTS, &lists.assignments).await?)
    }

    pub(crate) fn lists(&self) -> Registers {
        self.registers().read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Seals a list, names its hash in the trace, and puts it into force; all at once.
    pub(crate) async fn keep_list(
        &self,
        lists: &Registers,
        name: &'static str,
        list: &impl Serialize,
    ) -> Result<(), Error> {
        self.keep_list_with(lists, name, list, None).await
    }

    /// The same, with one more record of the act that changed it.
    pub(crate) async fn keep_list_with(
        &self,
        lists: &Registers,
        name: &'static str,
        list: &impl Serialize,
        act: Option<RecordDraft>,
    ) -> Result<(), Error> {
        let sealed = self.vault().seal(name, list)?;
        let draft = self.own_record(Action::REGISTER_CHANGE).granted().detail(REGISTER, name);
        let mut append = self.journal().begin().await?;
        append.record(draft.detail(REGISTER_HASH, sha256(&sealed).to_string())).await?;
        if let Some(act) = act {
            append.record(act).await?;
        }
        self.vault().put_sealed(append.transaction(), name, &sealed).await?;
        append.commit().await?;
        *self.registers().write().unwrap_or_else(PoisonError::into_inner) = lists.clone();
        Ok(())
    }
}

pub(crate) const NOT_A_FINGERPRINT: Denial = Denial::Body("a fingerprint is 64 hexadecimal digits");

fn handed_over(issued: &Issued) -> Result<NewCertificate, Error> {
    let password = new_pkcs12_password()?;
    let (key, chain) = (issued.key().to_pem(), issued.chain_pem());
    let mut pem = Zeroizing::new(String::with_capacity(key.len() + chain.len()));
    pem.push_str(&key);
    pem.push_str(&chain);
    Ok(NewCertificate {
        pkcs12: issued.to_pkcs12(&password)?,
        password,
        pem,
        fingerprint: issued.fingerprint().to_string(),
    })
}
