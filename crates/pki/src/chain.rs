//! The chain and the purpose of a client's certificate, judged. Pure: chain and time are passed in.

use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;

use crate::{
    anchors::Anchors,
    certificate::Certificate,
    judge::{ClientIdentity, Refusal},
    name::Name,
    online::{Online, Unasked},
    path::{self, Holder, Question, Way},
    revocation::RevocationLists,
    signature,
};

/// How many authorities may stand between a client and an anchor at most, whatever is configured: `webpki` looks no further (its `MAX_SUB_CA_COUNT`), so that
/// a hostile chain costs a bounded number of signatures.
pub const DEPTH_MAX: usize = 6;
/// Of the authorities that a client sends, so many are looked at whatever their names: each more multiplies the ways that a hostile chain has us try, before
/// anything of it is believed. One of a name that none before it has multiplies nothing, and up to [`DEPTH_MAX`] are then looked at.
const SENT: usize = 5;

/// Judges whether an authority that is trusted vouches for a client's certificate now. What its holder may do is for others to say.
#[derive(Clone, Debug)]
pub struct ChainJudge {
    anchors: Anchors,
    /// None: nothing is asked.
    lists: Option<RevocationLists>,
    intermediates: Vec<CertificateDer<'static>>,
    issuer: Option<Name>,
    /// How many authorities may stand between a client and an anchor.
    depth: usize,
}

/// A client for whom an authority vouches.
#[derive(Clone, Debug)]
pub struct Vouched {
    /// Who it is.
    pub identity: ClientIdentity,
    /// The way that was verified, whatever else the client sent: the leaf, then each authority below the anchor.
    pub path: Vec<CertificateDer<'static>>,
    /// Whom it leads to.
    pub anchor: Certificate,
    /// From when on to judge again, at the latest (Unix milliseconds): a certificate or a list ends.
    pub until: u64,
    /// Whether no current list speaks for a certificate of the way, and the grace was used.
    pub lapsed: bool,
    /// What a responder is to be asked before it may pass: nothing else is wrong.
    pub unasked: Option<Box<Unasked>>,
}

impl ChainJudge {
    /// One who trusts these anchors, and asks no list: see [`Self::asking`].
    pub fn new(anchors: Anchors) -> Self {
        Self { anchors, lists: None, intermediates: Vec::new(), issuer: None, depth: DEPTH_MAX }
    }

    /// Who asks these lists in the place of those before: one that is current must speak for each certificate of a chain but the anchor. Where there
    /// is none, nobody passes.
    #[must_use]
    pub fn asking(mut self, lists: RevocationLists) -> Self {
        self.lists = Some(lists);
        self
    }

    /// Who also knows these authorities between an anchor and a client, which a client may then leave out.
    #[must_use]
    pub fn with_intermediates(mut self, known: &[Certificate]) -> Self {
        self.intermediates.extend(known.iter().map(|certificate| certificate.der().clone()));
        self.anchors.name(known);
        self
    }

    /// Who takes certificates of this issuer only: another one below the same anchor is not enough.
    #[must_use]
    pub fn issued_by(mut self, issuer: Name) -> Self {
        self.issuer = Some(issuer);
        self
    }

    /// Who takes a client's certificate only where at most `depth` authorities stand between it and an anchor (neither of the two is counted), and never more
    /// than [`DEPTH_MAX`]. With 0, an anchor must have issued it.
    #[must_use]
    pub fn within(mut self, depth: usize) -> Self {
        self.depth = depth.min(DEPTH_MAX);
        self
    }

    /// How many authorities may stand between a client and an anchor.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Whose certificates are taken; none: those of any authority below the anchors.
    pub fn required_issuer(&self) -> Option<&Name> {
        self.issuer.as_ref()
    }

    /// The anchors trusted.
    pub fn anchors(&self) -> &Anchors {
        &self.anchors
    }

    /// Judges what a TLS client presented, leaf first, at `now` (Unix milliseconds). Nothing presented is `None` or empty, as rustls'
    /// `peer_certificates()` gives it.
    ///
    /// # Errors
    /// The refusal, the deepest reason first: what is untrusted is not called expired.
    pub fn judge(&self, chain: Option<&[CertificateDer<'_>]>, now: u64) -> Result<ClientIdentity, Refusal> {
        self.vouch(chain, now, 0).map(|vouched| vouched.identity)
    }

    /// As [`Self::judge`]; where nothing is wrong but that no current list speaks, one that ended less than `grace` milliseconds ago is believed.
    ///
    /// # Errors
    /// As [`Self::judge`].
    pub fn vouch(
        &self,
        chain: Option<&[CertificateDer<'_>]>,
        now: u64,
        grace: u64,
    ) -> Result<Vouched, Refusal> {
        self.vouch_online(chain, now, grace, None)
    }

    /// As [`Self::vouch`], and by what responders say of the leaf, whom the caller asks: see [`Vouched::unasked`].
    ///
    /// # Errors
    /// As [`Self::judge`].
    pub fn vouch_online(
        &self,
        chain: Option<&[CertificateDer<'_>]>,
        now: u64,
        grace: u64,
        online: Option<Online<'_>>,
    ) -> Result<Vouched, Refusal> {
        let Some((leaf, sent)) = chain.and_then(<[_]>::split_first) else {
            return Err(Refusal::Missing);
        };
        let certificate = Certificate::from_der(leaf, "client").map_err(|_| Refusal::Malformed)?;
        let parsed = certificate.parsed().map_err(|_| Refusal::Malformed)?;
        let intermediates: Vec<_> = looked_at(sent).chain(&self.intermediates).cloned().collect();
        let check = |grace| self.check_chain(&certificate, &intermediates, now, grace, online);
        let way = match check(0) {
            Err(Refusal::RevocationUnknown) if grace > 0 => check(grace),
            strictly => strictly,
        }?;
        check_purpose(&parsed)?;
        // TLS here verifies by no other key; where it ends before us, whoever ended it may have.
        if !signature::is_spoken(parsed.public_key().raw) {
            return Err(Refusal::Unacceptable);
        }
        if self.issuer.as_ref().is_some_and(|issuer| issuer != certificate.issuer()) {
            return Err(Refusal::WrongIssuer);
        }
        let identity = ClientIdentity::of(&certificate);
        let Way { certificates: path, anchor, until, lapsed, unasked } = way;
        Ok(Vouched { identity, path, anchor, until, lapsed, unasked })
    }

    fn check_chain(
        &self,
        certificate: &Certificate,
        intermediates: &[CertificateDer<'_>],
        now: u64,
        grace: u64,
        online: Option<Online<'_>>,
    ) -> Result<Way, Refusal> {
        let (anchors, lists, depth) = (&self.anchors, self.lists.as_ref(), self.depth);
        let verify = |now| {
            path::verify(
                Question { anchors, lists, now, grace, online, holder: Holder::Client, depth },
                certificate,
                intermediates,
            )
        };
        let refusal = match verify(now) {
            Ok(way) => return Ok(way),
            Err(refusal) => refusal,
        };
        // The library looks at the leaf's dates before its issuer. Who is told "expired" is told that a trusted
        // authority once said yes, so ask again about a moment when the leaf was valid.
        let (from, until) = (certificate.not_before(), certificate.not_after());
        if matches!(refusal, Refusal::Expired | Refusal::NotYetValid) && !(from..=until).contains(&now) {
            let then = from.midpoint(until);
            match verify(then) {
                // A list of today says nothing of then.
                Ok(_) | Err(Refusal::Expired | Refusal::NotYetValid | Refusal::RevocationUnknown) => {}
                Err(deeper) => return Err(deeper),
            }
        }
        Err(refusal)
    }
}

/// Of the authorities that a client sends, those that are tried.
fn looked_at<'a, 'b>(sent: &'a [CertificateDer<'b>]) -> impl Iterator<Item = &'a CertificateDer<'b>> {
    let sent = sent.get(..DEPTH_MAX).unwrap_or(sent);
    let (first, more) = sent.split_at(sent.len().min(SENT));
    let name = |der: &CertificateDer<'_>| Some(Certificate::from_der(der, "a chain").ok()?.subject().clone());
    let is_new = move |der: &&CertificateDer<'_>| {
        name(der).is_some_and(|own| first.iter().all(|other| name(other).is_none_or(|other| other != own)))
    };
    first.iter().chain(more.iter().filter(is_new))
}

/// The leaf itself: an authority's certificate is not a person's, and one without ExtendedKeyUsage, which webpki
/// lets pass as RFC 5280 allows, was not made for this.
fn check_purpose(leaf: &X509Certificate<'_>) -> Result<(), Refusal> {
    let purposes = leaf.extended_key_usage().map_err(|_| Refusal::Malformed)?;
    let usage = leaf.key_usage().map_err(|_| Refusal::Malformed)?;
    let for_clients = purposes.is_some_and(|purposes| purposes.value.client_auth);
    let for_signing = usage.is_none_or(|usage| usage.value.digital_signature());
    if for_clients && for_signing && !leaf.is_ca() { Ok(()) } else { Err(Refusal::WrongPurpose) }
}
