//! Certificates of authorities outside: what waits for one, and what came as an answer.
//!
//! Whoever carries them is believed nothing of: that a certificate is the holder's is judged here, by the anchors that the security officer signed and by this clock.

use sceau_element_api::documents::Document as _;
use sceau_element_api::keyring::{
    AwaitedCertificate, BroughtCertificate, CertificateSource, Keyring, KeyringKey, KeyringPhase,
    LONGEST_BROUGHT, LONGEST_CERTIFICATE, MOST_AWAITED, MOST_BROUGHT,
};
use sceau_element_api::wire::{Code, Refusal};
use sceau_element_api::{Base64Url, KeyringId};
use sceau_pki::{Anchors, Certificate, HolderCertificate, HolderRequest, judge_holder};
use sceau_trace::sha256;

use super::activate::subject;
use super::conversation::Desk;
use super::make::Found;
use super::secrets::{Secrets, damaged, unusable};
use super::{By, KeyringAct, PreparedKeyring};
use crate::rules::keyring::{anchors_of, awaits};

impl Desk {
    /// Keyrings that wait for a certificate of an authority outside, after this one: fewer than [`MOST_AWAITED`] where no more wait.
    pub(crate) fn awaited(&self, after: Option<KeyringId>) -> Result<Vec<AwaitedCertificate>, Refusal> {
        let (mut awaited, mut after) = (Vec::new(), after);
        while awaited.len() < MOST_AWAITED {
            let waiting = self.waiting(after, MOST_AWAITED - awaited.len());
            let Some((last, ..)) = waiting.last() else { break };
            after = Some(*last);
            // One that was certified meanwhile waits no more; one that is damaged is told of in the log, and holds up no other.
            awaited.extend(waiting.into_iter().filter_map(|waits| self.awaits(waits)));
        }
        Ok(awaited)
    }

    /// So many of those that wait, after this one: which, its row, and since when.
    fn waiting(&self, after: Option<KeyringId>, most: usize) -> Vec<(KeyringId, u64, u64)> {
        self.with(|state| {
            let keyrings = state.keyrings();
            let all = keyrings.certifying().after(after);
            let known = all.filter_map(|id| Some((id, keyrings.keyring(id)?)));
            let mine = known.filter(|(_, known)| awaits(state, known).is_ok());
            mine.map(|(id, known)| (id, known.row, known.since)).take(most).collect()
        })
    }

    /// What one of them asks for.
    fn awaits(&self, (keyring, row, since): (KeyringId, u64, u64)) -> Option<AwaitedCertificate> {
        let (found, _, secrets) = self.certifying(keyring).ok().filter(|(found, ..)| found.row == row)?;
        let request = secrets.key.and_then(|key| key.request)?;
        match &found.policy.document.authority {
            CertificateSource::Est { url, label, .. } => {
                Some(AwaitedCertificate { keyring, request, url: url.clone(), label: label.clone(), since })
            }
            _ => None,
        }
    }

    /// Judges what an authority outside answered, for the rules to take it in.
    pub(crate) fn certified(&self, brought: &BroughtCertificate) -> Result<PreparedKeyring, Refusal> {
        let keyring = brought.keyring;
        let (found, document, secrets) = self.certifying(keyring)?;
        let anchors = anchors(keyring, &found)?;
        let answer = read(&brought.certificates)?;
        let identity =
            secrets.identity.as_ref().ok_or_else(|| damaged(keyring, "it has a key, and is nobody's"))?;
        let key = secrets.key.as_ref().ok_or_else(|| damaged(keyring, "it waits, and has no key"))?;
        let request = HolderRequest {
            public_key_info: &key.spki,
            subject: &subject(identity),
            days: LONGEST_CERTIFICATE,
        };
        let judged = judge_holder(&answer, request, &anchors, self.now().unix);
        let judged = judged.map_err(|why| Refusal::new(Code::CertificateInvalid, why.to_string()))?;
        let (document, secrets) = with_certificate((document, secrets), &judged);
        document.check().map_err(unusable)?;
        let row = self.new_row(&document, &secrets, Some(found.version))?;
        let told = vec![
            ("anchor", sha256(judged.anchor.der()).to_string()),
            ("certificate", sha256(judged.certificate.der()).to_string()),
        ];
        Ok(PreparedKeyring { keyring, by: By::Outside, act: KeyringAct::Certify { row, told } })
    }

    /// A keyring that waits for a certificate of an authority outside.
    fn certifying(&self, keyring: KeyringId) -> Result<(Found, Keyring, Secrets), Refusal> {
        let unknown = || Refusal::new(Code::KeyringUnknown, "there is no such keyring");
        self.with(|state| awaits(state, state.keyrings().keyring(keyring).ok_or_else(unknown)?))?;
        let found = self.found(keyring, KeyringPhase::Certifying)?;
        let (document, secrets) = self.keyring_at(keyring, found.row)?;
        Ok((found, document, secrets))
    }
}

/// Whom the certificates of a keyring must lead to, as the security officer signed it.
fn anchors(keyring: KeyringId, found: &Found) -> Result<Anchors, Refusal> {
    let CertificateSource::Est { anchors, .. } = &found.policy.document.authority else {
        return Err(damaged(keyring, "it waits for an authority outside, and its policy names none"));
    };
    anchors_of(anchors).map_err(|error| damaged(keyring, error))
}

fn read(brought: &[Base64Url]) -> Result<Vec<Certificate>, Refusal> {
    let fits = brought.iter().all(|der| der.len() <= LONGEST_BROUGHT);
    if brought.len() > MOST_BROUGHT || !fits {
        let words = format!("at most {MOST_BROUGHT} certificates of at most {LONGEST_BROUGHT} bytes each");
        return Err(Refusal::new(Code::TooLarge, words));
    }
    let one = |der: &Base64Url| Certificate::from_der(der, "the answer");
    let all = brought.iter().map(one).collect::<Result<_, _>>();
    all.map_err(|error| Refusal::new(Code::CertificateInvalid, error.to_string()))
}

/// The version of a keyring whose key is certified.
fn with_certificate(
    (document, mut secrets): (Keyring, Secrets),
    judged: &HolderCertificate,
) -> (Keyring, Secrets) {
    let der = |one: &Certificate| Base64Url(one.der().to_vec());
    if let Some(key) = &mut secrets.key {
        key.certificate = Some(der(&judged.certificate));
        key.above = Some(judged.above.iter().map(der).collect());
        key.request = None;
    }
    let certificate = Some(sha256(judged.certificate.der()));
    let key = document.key.map(|key| KeyringKey { certificate, ..key });
    (Keyring { phase: KeyringPhase::Active, key, ..document }, secrets)
}
