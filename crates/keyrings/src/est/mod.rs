//! Carries requests of certificates from the element to authorities outside, by EST (RFC 7030), and their answers back.
//!
//! The element has no network, and believes nothing of what is brought: it holds each certificate to the key, to the name and to the anchors of the officer's policy. Here is decided when who is asked, and with
//! which credentials: those go to the addresses alone that the operator set, whatever a policy says.

mod answer;
mod pace;
mod server;
mod trouble;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sceau_element_api::keyring::{AwaitedCertificate, BroughtCertificate, MOST_AWAITED};
use sceau_element_api::wire::Code;
use sceau_element_api::{Base64Url, CallError, KeyringId};
use tokio::sync::watch;
use tokio::time::Instant;

pub use self::server::{EstAccess, EstServer};
pub use self::trouble::Trouble as EstTrouble;

use self::answer::Answered;
use self::pace::Pause;
use self::trouble::Trouble;
use crate::host::Host;

/// How often the element is asked who waits.
const EVERY: Duration = Duration::from_secs(2);
/// How long one authority is waited for in a round of all: the others wait so long for theirs.
const A_WHILE: Duration = Duration::from_secs(20);
/// By which the element says that a keyring waits for no certificate now.
const WAITS_NO_MORE: [Code; 6] = [
    Code::KeyringPhase,
    Code::KeyringSuspended,
    Code::KeyringBlocked,
    Code::KeyringDestroyed,
    Code::KeyringUnknown,
    Code::PolicyUnknown,
];

/// Carries until told to stop.
#[derive(Debug)]
pub struct Carrier {
    host: Host,
    places: Vec<Place>,
    /// Of those that wait.
    cases: BTreeMap<KeyringId, Case>,
    /// Whether the element was not reached the last time.
    failing: bool,
}

/// An authority, and what it is with it.
#[derive(Debug)]
struct Place {
    server: EstServer,
    /// While it is not there.
    away: Pause,
    /// For how long it was waited for in this round.
    waited: Duration,
}

/// A keyring that waits.
#[derive(Debug, Default)]
struct Case {
    pause: Pause,
    /// What was issued, until the element has it: who asks twice has two issued.
    issued: Option<Vec<Base64Url>>,
}

impl Host {
    /// What carries between this host's element and these authorities.
    #[must_use]
    pub fn carrier(&self, servers: Vec<EstServer>) -> Carrier {
        let place = |server| Place { server, away: Pause::default(), waited: Duration::ZERO };
        let places = servers.into_iter().map(place).collect();
        Carrier { host: self.clone(), places, cases: BTreeMap::new(), failing: false }
    }
}

impl Carrier {
    /// Carries until told to stop.
    pub async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => return,
                round = self.round() => self.tell(round.err()),
            }
            tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => return,
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    /// That the element does not answer, once.
    fn tell(&mut self, error: Option<CallError>) {
        if let Some(error) = &error
            && !self.failing
        {
            tracing::warn!(%error, "the element does not say which keyrings wait for certificates of authorities outside");
        }
        self.failing = error.is_some();
    }

    /// Looks at all that wait, once.
    async fn round(&mut self) -> Result<(), CallError> {
        let (mut after, mut seen) = (None, BTreeSet::new());
        self.places.iter_mut().for_each(|place| place.waited = Duration::ZERO);
        loop {
            let page = self.host.element().awaited_certificates(after).await?;
            for awaited in &page {
                seen.insert(awaited.keyring);
                self.carry(awaited).await;
            }
            after = page.last().map(|last| last.keyring);
            if page.len() < MOST_AWAITED {
                break;
            }
        }
        self.cases.retain(|keyring, _| seen.contains(keyring));
        Ok(())
    }

    /// Carries for one of them, if it is time to.
    async fn carry(&mut self, awaited: &AwaitedCertificate) {
        let (keyring, now) = (awaited.keyring, self.host.now());
        let mut case = self.cases.remove(&keyring).unwrap_or_default();
        if case.pause.is_over(now) {
            let done = self.try_to(awaited, &mut case, now).await;
            match done {
                Ok(Some(index)) => {
                    tracing::info!(%keyring, index, "the certificate of an authority outside was taken: the keyring is in use");
                    self.host.feed().nudge();
                    return;
                }
                Ok(None) => {}
                Err(trouble) => {
                    if case.pause.after(&trouble, self.host.now()) {
                        tracing::warn!(%keyring, url = awaited.url, code = trouble.code(), %trouble, "a keyring waits on for its certificate");
                    }
                }
            }
        }
        self.cases.insert(keyring, case);
    }

    /// Asks for it where nobody did, and brings what was issued; where that is on record, or none where it is not time yet.
    async fn try_to(
        &mut self,
        awaited: &AwaitedCertificate,
        case: &mut Case,
        now: u64,
    ) -> Result<Option<u64>, Trouble> {
        let place = self.places.iter_mut().find(|place| place.server.is_at(&awaited.url));
        let Place { server, away, waited } = place.ok_or(Trouble::NotSet)?;
        // One that is slow is waited for a while, and then others have their turn.
        if !away.is_over(now) || *waited >= A_WHILE {
            return Ok(None);
        }
        let issued = match case.issued.take() {
            Some(issued) => issued,
            None => {
                let begun = Instant::now();
                let asked = asked(server, awaited).await;
                *waited += begun.elapsed();
                if let Err(trouble) = &asked
                    && trouble.is_of_server()
                {
                    // Nobody else need try meanwhile; it is told once for all who wait for it.
                    if away.after(trouble, self.host.now()) {
                        tracing::warn!(url = awaited.url, code = trouble.code(), %trouble, "keyrings wait for certificates of this authority");
                    }
                    return Ok(None);
                }
                away.well();
                match asked? {
                    Answered::Issued(issued) => issued,
                    Answered::Later(wait) => {
                        case.pause.until(self.host.now(), wait);
                        return Ok(None);
                    }
                }
            }
        };
        self.bring(awaited.keyring, issued, case).await
    }

    async fn bring(
        &self,
        keyring: KeyringId,
        certificates: Vec<Base64Url>,
        case: &mut Case,
    ) -> Result<Option<u64>, Trouble> {
        let brought = BroughtCertificate { keyring, certificates: certificates.clone() };
        match self.host.element().bring_certificate(brought).await {
            Ok(index) => Ok(Some(index)),
            // It was stopped or ended meanwhile, or has one by another host: the next round does not find it.
            Err(CallError::Refused(refusal)) if WAITS_NO_MORE.contains(&refusal.code) => Ok(None),
            Err(CallError::Refused(refusal)) if refusal.code.http_status() < 500 => {
                Err(Trouble::Invalid(refusal.detail))
            }
            Err(error) => {
                case.issued = Some(certificates);
                Err(Trouble::Element(error.to_string()))
            }
        }
    }
}

/// What the authority answers, with those that stand above what it issues: of itself it gives the holder's certificate alone (RFC 7030 section 4.2.3).
async fn asked(server: &EstServer, awaited: &AwaitedCertificate) -> Result<Answered, Trouble> {
    let label = awaited.label.as_deref();
    // First: what is issued is not to be lost for want of them.
    let above = server.authorities(label).await?;
    match server.enrol(label, &awaited.request).await? {
        Answered::Issued(issued) => Ok(Answered::Issued(issued.into_iter().chain(above).collect())),
        later @ Answered::Later(_) => Ok(later),
    }
}
