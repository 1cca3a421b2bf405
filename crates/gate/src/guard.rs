//! Who may pass a route: certificate, name and address, judged anew at each request.

use std::{net::IpAddr, sync::Arc};

use rustls::pki_types::CertificateDer;
use sceau_pki::{ChainJudge, ClientIdentity, Refusal, SubjectRule};

/// Who may pass.
#[derive(Debug)]
pub(crate) struct Guard {
    pub(crate) chain: ChainJudge,
    /// None: whoever the chain vouches for.
    pub(crate) rules: Option<Vec<SubjectRule>>,
    /// None: from anywhere.
    pub(crate) addresses: Option<Vec<IpAddr>>,
}

/// A caller whom a guard let through, for one request.
#[derive(Clone, Debug)]
pub(crate) struct Admitted(pub(crate) Arc<ClientIdentity>);

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
    /// Judges a request that came with this certificate chain from this address at `now` (Unix milliseconds).
    pub(crate) fn admit(
        &self,
        chain: Option<&[CertificateDer<'_>]>,
        address: IpAddr,
        now: u64,
    ) -> Result<Admitted, Denial> {
        let identity = self.chain.judge(chain, now).map_err(Denial::Certificate)?;
        let known = |rules: &Vec<SubjectRule>| rules.iter().any(|rule| rule.permits(&identity.subject));
        if !self.rules.as_ref().is_none_or(known) {
            return Err(Denial::UnknownClient);
        }
        let address = address.to_canonical();
        if !self.addresses.as_ref().is_none_or(|allowed| allowed.contains(&address)) {
            return Err(Denial::Address);
        }
        Ok(Admitted(Arc::new(identity)))
    }
}
