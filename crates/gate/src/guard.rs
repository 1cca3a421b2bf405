//! Who may pass a route: certificate, name and address, judged anew at each request.

use std::{
    net::IpAddr,
    sync::{Arc, PoisonError, RwLock},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hyper::header::HeaderValue;
use rustls::pki_types::CertificateDer;
use sceau_pki::{
    Anchors, Certificate, ChainJudge, ClientIdentity, Heard, Name, Refusal, RevocationLists, SubjectRule,
    Unasked,
};

use crate::{
    clock,
    error::Error,
    fail_open::{FailOpen, GoesOn, Passing},
    lists::{Feed, Stale},
    observe::{GuardTally, Ledger, Partner, PartnerTally},
    ocsp::Inquiry,
    shown::Shown,
    verdicts::Verdicts,
};

/// Who may pass.
#[derive(Debug)]
pub(crate) struct Guard {
    name: String,
    chain: ChainJudge,
    rules: Rules,
    /// Where lists come from; without any, no list is asked.
    feeds: Vec<Arc<Feed>>,
    fail_open: Option<FailOpen>,
    /// Whom it asks about callers' certificates besides.
    inquiry: Option<Inquiry>,
    state: RwLock<Arc<State>>,
    /// Its anchors and intermediates.
    authorities: Vec<Certificate>,
    tally: Arc<GuardTally>,
    partners: Vec<Partner>,
}

/// Whom of those that the chain vouches for.
#[derive(Debug)]
pub(crate) struct Rules {
    /// None: whoever the chain vouches for.
    pub(crate) names: Option<Vec<Permit>>,
    /// None: from anywhere.
    pub(crate) addresses: Option<Vec<IpAddr>>,
}

/// One client.
#[derive(Debug)]
pub(crate) struct Permit {
    pub(crate) name: SubjectRule,
    /// From where this one calls; none: from anywhere that the rules allow.
    pub(crate) addresses: Option<Vec<IpAddr>>,
}

impl Rules {
    /// From where a client of this name calls (inner none: from anywhere); none where no client has it.
    #[allow(clippy::option_option, reason = "the outer one says whether, the inner one from where")]
    fn of(&self, subject: &Name) -> Option<Option<Vec<IpAddr>>> {
        let Some(names) = &self.names else { return Some(None) };
        let mut permits = names.iter().filter(|permit| permit.name.permits(subject)).peekable();
        permits.peek()?;
        Some(
            permits
                .map(|permit| permit.addresses.clone())
                .collect::<Option<Vec<_>>>()
                .map(|all| all.concat()),
        )
    }
}

/// The lists of one moment, and the verdicts that rest on them.
#[derive(Debug)]
struct State {
    epoch: u64,
    chain: ChainJudge,
    lists: RevocationLists,
    verdicts: Verdicts,
}

/// A caller whom a guard let through.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) identity: ClientIdentity,
    /// What is said of it upstream (RFC 9440): its certificate, and the way to the anchor as it was verified.
    pub(crate) certificate: HeaderValue,
    pub(crate) path: Option<HeaderValue>,
    /// From where it calls; none: from anywhere.
    addresses: Option<Vec<IpAddr>>,
    /// Counts of the client that the file names, if any.
    partner: Option<Arc<PartnerTally>>,
    /// Until when this may be said without judging again (Unix milliseconds).
    pub(crate) until: u64,
    /// Whether it passes though no current list speaks for it: see [`Guard::pass`].
    pub(crate) unchecked: bool,
    /// What a responder is to be asked first.
    unasked: Option<Box<Unasked>>,
}

#[cfg(test)]
impl Admitted {
    /// Whoever has this certificate, though no current list speaks for it.
    pub(crate) fn unchecked(identity: ClientIdentity) -> Self {
        Self {
            identity,
            certificate: HeaderValue::from_static("::"),
            path: None,
            addresses: None,
            partner: None,
            until: u64::MAX,
            unchecked: true,
            unasked: None,
        }
    }
}

/// Why a caller is turned away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Denial {
    /// The certificate does not prove who calls: 401.
    Certificate(Refusal),
    /// It does, and that client is none of ours: 403.
    UnknownClient,
    /// A client of ours that calls from elsewhere: 403.
    Address,
}

impl Denial {
    /// The stable code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Certificate(refusal) => refusal.code(),
            Self::UnknownClient => "client_unknown",
            Self::Address => "address_not_allowed",
        }
    }

    /// For whoever reads the answer's header.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Certificate(refusal) => refusal.to_string(),
            Self::UnknownClient => "this common name and organizational unit are not known here".to_owned(),
            Self::Address => "this client may not call from this address".to_owned(),
        }
    }

    /// What nginx' `$ssl_client_verify` says in this case, which existing callers read.
    pub(crate) fn verify(&self) -> &'static str {
        match self {
            Self::UnknownClient | Self::Address => "SUCCESS",
            Self::Certificate(refusal) => match refusal {
                Refusal::Missing => "NONE",
                Refusal::Untrusted | Refusal::WrongIssuer => "FAILED:unable to get local issuer certificate",
                Refusal::BadSignature => "FAILED:certificate signature failure",
                Refusal::Expired => "FAILED:certificate has expired",
                Refusal::NotYetValid => "FAILED:certificate is not yet valid",
                Refusal::Revoked => "FAILED:certificate revoked",
                Refusal::RevocationUnknown => "FAILED:unable to get certificate CRL",
                Refusal::WrongPurpose => "FAILED:unsuitable certificate purpose",
                Refusal::UnknownCriticalExtension => "FAILED:unhandled critical extension",
                _ => "FAILED:certificate rejected",
            },
        }
    }
}

impl Guard {
    pub(crate) fn new(
        name: &str,
        chain: ChainJudge,
        rules: Rules,
        feeds: Vec<Arc<Feed>>,
        fail_open: Option<FailOpen>,
    ) -> Self {
        let state = RwLock::new(Arc::new(State::of(&chain, &feeds, epoch(&feeds))));
        let (authorities, tally, partners, inquiry) = Default::default();
        let name = name.to_owned();
        Self { name, chain, rules, feeds, fail_open, inquiry, state, authorities, tally, partners }
    }

    /// Who asks responders too.
    pub(crate) fn inquiring(self, inquiry: Option<Inquiry>) -> Self {
        Self { inquiry, ..self }
    }

    /// Who counts in this ledger, and shows these authorities of its.
    pub(crate) fn counting(mut self, authorities: Vec<Certificate>, ledger: &Ledger) -> Self {
        let names = self.rules.names.iter().flatten();
        self.partners = names.map(|permit| Partner::of(&self.name, &permit.name, ledger)).collect();
        self.tally = ledger.guards.of(&self.name);
        Self { authorities, ..self }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn tally(&self) -> &GuardTally {
        &self.tally
    }

    /// The clients that the file names.
    pub(crate) fn partners(&self) -> &[Partner] {
        &self.partners
    }

    /// Each with whether it is an anchor.
    pub(crate) fn authorities(&self) -> impl Iterator<Item = (&Certificate, bool)> {
        let anchors = self.chain.anchors().certificates();
        self.authorities
            .iter()
            .map(|it| (it, anchors.iter().any(|anchor| anchor.fingerprint() == it.fingerprint())))
    }

    /// Whose certificates it takes; none: those of any authority below its anchors.
    pub(crate) fn required_issuer(&self) -> Option<&Name> {
        self.chain.required_issuer()
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Where its lists come from.
    pub(crate) fn feeds(&self) -> &[Arc<Feed>] {
        &self.feeds
    }

    /// Whom it asks about callers' certificates besides.
    pub(crate) fn inquiry(&self) -> Option<&Inquiry> {
        self.inquiry.as_ref()
    }

    /// Whether a list must speak for each certificate.
    pub(crate) fn asks_lists(&self) -> bool {
        !self.feeds.is_empty()
    }

    /// How long after its end the last list is believed (milliseconds); none: not at all.
    pub(crate) fn fail_open_age(&self) -> Option<u64> {
        self.fail_open.as_ref().map(|open| open.maximum_age)
    }

    /// Counts a verdict on a request at `now` (Unix milliseconds).
    pub(crate) fn count(&self, verdict: Result<&Admitted, &Denial>, now: u64) {
        let admitted = match verdict {
            Ok(admitted) => admitted,
            Err(denial) => return self.tally.refused.one(denial.code()),
        };
        self.tally.passed.one();
        if admitted.unchecked {
            self.tally.unchecked.one();
        }
        if let Some(partner) = &admitted.partner {
            partner.called(now, admitted.identity.not_after);
        }
    }

    /// Makes ready what it needs on a bad day.
    ///
    /// # Errors
    /// The file that cannot be written.
    pub(crate) fn arm(&self) -> Result<(), Error> {
        let place = || format!("clients.{}, fail_open.journal", self.name);
        let armed = self.fail_open.as_ref().map_or(Ok(()), FailOpen::arm);
        armed.map_err(|(path, cause)| Error::File { place: place(), path: path.display().to_string(), cause })
    }

    /// What it asks and nobody answers at `now` (Unix milliseconds).
    pub(crate) fn stale(&self, now: u64) -> Vec<Stale> {
        self.feeds.iter().flat_map(|feed| feed.stale(now)).collect()
    }

    pub(crate) fn anchors(&self) -> &Anchors {
        self.chain.anchors()
    }

    /// Judges a request of a caller who showed this, from this address, at `now` (Unix milliseconds).
    pub(crate) fn admit(&self, shown: &Shown, address: IpAddr, now: u64) -> Result<Arc<Admitted>, Denial> {
        match self.look(shown, address, now) {
            Ok(admitted) if admitted.unasked.is_some() => {
                Err(Denial::Certificate(Refusal::RevocationUnknown))
            }
            looked => looked,
        }
    }

    /// As [`Self::admit`], once a responder was asked where that is all that lacks.
    pub(crate) async fn admit_asking(
        &self,
        shown: &Shown,
        address: IpAddr,
        now: u64,
    ) -> Result<Arc<Admitted>, Denial> {
        let looked = self.look(shown, address, now)?;
        let (Some(unasked), Some(inquiry)) = (&looked.unasked, &self.inquiry) else { return Ok(looked) };
        inquiry.ask(unasked, &self.state().lists).await;
        self.admit(shown, address, clock::now())
    }

    fn look(&self, shown: &Shown, address: IpAddr, now: u64) -> Result<Arc<Admitted>, Denial> {
        let state = self.state();
        let mut lookup = &self.tally.remembered;
        let verdict = state.verdicts.of(shown.fingerprint(), now, || {
            lookup = &self.tally.judged;
            self.judge(&state, shown, now)
        });
        lookup.one();
        let admitted = verdict?;
        let address = address.to_canonical();
        let allows = |allowed: &Option<Vec<IpAddr>>| allowed.as_ref().is_none_or(|it| it.contains(&address));
        if allows(&self.rules.addresses) && allows(&admitted.addresses) {
            Ok(admitted)
        } else {
            Err(Denial::Address)
        }
    }

    /// The last step of an admission: what passes unchecked leaves its record first.
    ///
    /// # Errors
    /// [`Refusal::RevocationUnknown`] where no record can be left.
    pub(crate) async fn pass(&self, who: &Admitted, passing: Passing<'_>) -> Result<(), Denial> {
        let recorded = match &self.fail_open {
            _ if !who.unchecked => true,
            Some(open) => open.record(&self.name, who, passing).await,
            None => false,
        };
        if recorded { Ok(()) } else { Err(Denial::Certificate(Refusal::RevocationUnknown)) }
    }

    /// Whether what was let through and is still open (a WebSocket) may go on: where that is unchecked, it leaves records too.
    pub(crate) fn goes_on(
        &self,
        who: &Admitted,
        goes_on: &GoesOn,
        route: &str,
        from: IpAddr,
        now: u64,
    ) -> bool {
        let passing = Passing { id: goes_on.id(), method: "GET", route, from, now };
        if !who.unchecked {
            goes_on.reset();
            return true;
        }
        match &self.fail_open {
            Some(open) => open.record_again(&self.name, who, passing, goes_on),
            None => false,
        }
    }

    fn judge(&self, state: &State, shown: &Shown, now: u64) -> Result<Arc<Admitted>, Denial> {
        let grace = self.fail_open.as_ref().map_or(0, |open| open.maximum_age);
        let heard = |certificate: &Certificate, issuer: &Certificate| match &self.inquiry {
            Some(inquiry) => inquiry.heard(certificate, issuer, &state.lists, now),
            None => Heard::Nothing { ended: None, again: u64::MAX },
        };
        let online = self.inquiry.as_ref().map(|inquiry| inquiry.online(&heard));
        let vouched =
            state.chain.vouch_online(shown.chain(), now, grace, online).map_err(Denial::Certificate)?;
        let addresses = self.rules.of(&vouched.identity.subject).ok_or(Denial::UnknownClient)?;
        let partner = self.partners.iter().find(|partner| partner.rule.permits(&vouched.identity.subject));
        let (leaf, above) = vouched.path.split_at(vouched.path.len().min(1));
        Ok(Arc::new(Admitted {
            certificate: byte_sequences(leaf),
            path: (!above.is_empty()).then(|| byte_sequences(above)),
            identity: vouched.identity,
            addresses,
            partner: partner.map(|partner| Arc::clone(&partner.tally)),
            until: vouched.until,
            unchecked: vouched.lapsed,
            unasked: vouched.unasked,
        }))
    }

    /// The state of now: another one where a list changed since.
    fn state(&self) -> Arc<State> {
        let state = Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner));
        let epoch = epoch(&self.feeds) + self.inquiry.as_ref().map_or(0, Inquiry::epoch);
        if state.epoch == epoch {
            return state;
        }
        let next = Arc::new(State::of(&self.chain, &self.feeds, epoch));
        self.fail_open.iter().for_each(|open| open.rearm(&self.name));
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&next);
        next
    }
}

impl State {
    /// `epoch` is of before: a list that comes in between makes another state, not none.
    fn of(chain: &ChainJudge, feeds: &[Arc<Feed>], epoch: u64) -> Self {
        let lists = feeds.iter().map(|feed| feed.lists()).reduce(RevocationLists::and);
        let chain = lists.iter().cloned().fold(chain.clone(), ChainJudge::asking);
        Self { epoch, chain, lists: lists.unwrap_or_default(), verdicts: Verdicts::default() }
    }
}

fn epoch(feeds: &[Arc<Feed>]) -> u64 {
    feeds.iter().map(|feed| feed.epoch()).sum()
}

/// A list of byte sequences (RFC 8941 §3.3.5): base64 has nothing that a header could not carry.
fn byte_sequences(certificates: &[CertificateDer<'_>]) -> HeaderValue {
    let items: Vec<_> = certificates.iter().map(|der| format!(":{}:", BASE64_STANDARD.encode(der))).collect();
    HeaderValue::from_str(&items.join(", ")).unwrap_or_else(|_| HeaderValue::from_static(""))
}
