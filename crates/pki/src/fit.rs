//! Whether what an authority answered to a request is what was asked for, before anything is shown with it.

use rustls::pki_types::CertificateDer;

use crate::{
    anchors::Anchors,
    certificate::Certificate,
    error::Error,
    facts::CertificateFacts,
    shown::{ServerRefusal, judge_server},
    signature,
};

/// Why an answer cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// There is no certificate that can be read.
    #[error("the answer is not a chain of certificates in PEM")]
    Unreadable,
    /// It is about another key than the one that was asked with.
    #[error("the certificate is about another key than the request")]
    AnotherKey,
    /// It does not speak for a name that was asked for.
    #[error("the certificate does not cover {0}")]
    Name(String),
    /// It is not made for servers.
    #[error("the certificate is not made for servers")]
    Purpose,
    /// It is over, or not begun, or one above it is.
    #[error("the certificate, or one above it, is not valid now: compare the clocks")]
    Period,
    /// A certificate of the chain was not issued by the one behind it.
    #[error("the chain is broken: {0} was not issued by the certificate behind it")]
    Chain(String),
    /// The issuer is left out, and nobody here knows it.
    #[error("the chain is incomplete: the certificate's issuer is not in it")]
    Incomplete,
    /// The authorities that it must be of did not issue it.
    #[error("the certificate is not of the authorities that it must be of: {0}")]
    Untrusted(ServerRefusal),
}

impl Unfit {
    /// The stable code of this reason.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable => "issued_unreadable",
            Self::AnotherKey => "issued_another_key",
            Self::Name(_) => "issued_name_missing",
            Self::Purpose => "issued_purpose",
            Self::Period => "issued_not_valid",
            Self::Chain(_) => "issued_chain_broken",
            Self::Incomplete => "issued_chain_incomplete",
            Self::Untrusted(_) => "issued_untrusted",
        }
    }
}

/// Judges a chain in PEM, leaf first, that was asked for with this key (a SubjectPublicKeyInfo) for these DNS names, at `now` (Unix milliseconds): the key
/// is the certificate's, all names are covered, each certificate was issued by the next, all are valid. Where `anchors` are given, they must
/// vouch for it; else the issuer must stand behind it.
///
/// # Errors
/// The reason.
pub fn judge_issued(
    chain_pem: &str,
    public_key_info: &[u8],
    hosts: &[String],
    anchors: Option<&Anchors>,
    now: u64,
) -> Result<(), Unfit> {
    let chain = Certificate::all_from_pem(chain_pem, "the answer").map_err(|_| Unfit::Unreadable)?;
    let leaf = chain.first().ok_or(Unfit::Unreadable)?;
    if leaf.public_key_info() != public_key_info {
        return Err(Unfit::AnotherKey);
    }
    let facts = CertificateFacts::of(leaf).map_err(|_| Unfit::Unreadable)?;
    let covers = |host: &&String| {
        let named = facts.alternative_names.iter().filter_map(|name| name.strip_prefix("DNS:"));
        named.into_iter().any(|name| name.eq_ignore_ascii_case(host))
    };
    if let Some(missing) = hosts.iter().find(|host| !covers(host)) {
        return Err(Unfit::Name(missing.clone()));
    }
    if facts.authority || !is_for_servers(leaf).unwrap_or(false) {
        return Err(Unfit::Purpose);
    }
    if chain.iter().any(|one| now < one.not_before() || now / 1000 > one.not_after() / 1000) {
        return Err(Unfit::Period);
    }
    for (one, issuer) in chain.iter().zip(chain.iter().skip(1)) {
        if !is_issued(one, issuer).unwrap_or(false) {
            return Err(Unfit::Chain(one.subject().to_string()));
        }
    }
    match anchors {
        None if chain.len() == 1 => Err(Unfit::Incomplete),
        None => Ok(()),
        Some(anchors) => {
            let ders: Vec<CertificateDer<'_>> = chain.iter().map(|one| one.der().clone()).collect();
            let host = hosts.first().ok_or_else(|| Unfit::Name(String::new()))?;
            judge_server(anchors, host, &ders, now).map_err(Unfit::Untrusted)
        }
    }
}

fn is_for_servers(leaf: &Certificate) -> Result<bool, Error> {
    let parsed = leaf.parsed()?;
    let purposes = parsed.extended_key_usage().ok().flatten();
    Ok(purposes.is_some_and(|found| found.value.server_auth))
}

fn is_issued(one: &Certificate, issuer: &Certificate) -> Result<bool, Error> {
    Ok(issuer.parsed()?.is_ca()
        && one.issuer() == issuer.subject()
        && signature::certificate_is_by(one, issuer)?)
}
