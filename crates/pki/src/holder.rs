//! Whether what an authority outside issued is the certificate that a holder of a key was to have: of that key and that name, to sign with, for a time that is sane, and vouched for.

use crate::{
    anchors::Anchors,
    certificate::Certificate,
    error::Error,
    judge::Refusal,
    name::{Attribute, Name},
    oid::Oid,
    signatory::SignatoryJudge,
};

/// How far the authority's clock may be ahead, in milliseconds.
const SKEW: u64 = 5 * 60 * 1000;
const DAY: u64 = 24 * 3600 * 1000;
/// What an authority may say of its own accord of where a person belongs: organizationName, organizationalUnitName (X.520), organizationIdentifier (ETSI EN 319 412-1),
/// domainComponent (RFC 4519), and the country where nobody said one. Who the person is, it does not add to.
const BELONGS: [Oid; 5] = [
    Oid::ORGANIZATION,
    Oid::ORGANIZATIONAL_UNIT,
    Oid::literal(&[0x55, 4, 97]),
    Oid::DOMAIN_COMPONENT,
    Oid::COUNTRY,
];

/// What a certificate was asked for.
#[derive(Clone, Copy, Debug)]
pub struct HolderRequest<'a> {
    /// The holder's key, a SubjectPublicKeyInfo.
    pub public_key_info: &'a [u8],
    /// Whom it is to be about.
    pub subject: &'a Name,
    /// For how many days at most.
    pub days: u32,
}

/// A holder's certificate that was judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HolderCertificate {
    /// It.
    pub certificate: Certificate,
    /// Those above it, up to but without the anchor.
    pub above: Vec<Certificate>,
    /// Who is trusted.
    pub anchor: Certificate,
}

/// Why an answer is not the certificate that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotTheHolders {
    /// None is about the key.
    #[error("no certificate of the answer is about the holder's key")]
    AnotherKey,
    /// It cannot be read beyond its key.
    #[error("the certificate cannot be read")]
    Unreadable,
    /// It may issue others.
    #[error("the certificate is one of an authority, and not a holder's")]
    AnAuthority,
    /// Its key usage does not say that its key signs.
    #[error(
        "the certificate is not made to sign documents: its key usage is to say digitalSignature or nonRepudiation, and nothing of issuing; and of its extended key usages, if it has any, one is to be of documents, mail, a person's authentication or all"
    )]
    Usage,
    /// A part of the name that was asked for is not there, is there twice, or says something else.
    #[error(
        "the certificate's subject is another than was asked for: {0} is missing, or says something else"
    )]
    Subject(String),
    /// It says more of who its holder is than was asked for.
    #[error("the certificate's subject says more of its holder than was asked for: {0}")]
    SubjectMore(String),
    /// It lasts longer than any policy allows.
    #[error("the certificate lasts {0} days: certificates of holders last {1} at most")]
    TooLong(u64, u32),
    /// No anchor vouches for it.
    #[error("the policy's anchors do not vouch for the certificate now: {0}")]
    Unvouched(Refusal),
}

/// Judges what came as an answer, in any order, at `now` (Unix milliseconds). A certificate that begins a few minutes later is judged as of then: clocks differ.
///
/// # Errors
/// [`NotTheHolders`].
pub fn judge_holder(
    answer: &[Certificate],
    request: HolderRequest<'_>,
    anchors: &Anchors,
    now: u64,
) -> Result<HolderCertificate, NotTheHolders> {
    let leaf = answer.iter().find(|one| one.public_key_info() == request.public_key_info);
    let leaf = leaf.ok_or(NotTheHolders::AnotherKey)?;
    is_made_to_sign(leaf)?;
    is_of(leaf.subject(), request.subject)?;
    let lasts = leaf.not_after().saturating_sub(leaf.not_before());
    // Its first and its last second count both.
    if lasts > u64::from(request.days) * DAY + 1000 {
        return Err(NotTheHolders::TooLong(lasts.div_ceil(DAY), request.days));
    }
    let brought: Vec<_> = answer.iter().filter(|one| *one != leaf).cloned().collect();
    let begins = leaf.not_before();
    let at = if begins > now && begins - now <= SKEW { begins } else { now };
    let judge = SignatoryJudge::new(anchors.clone());
    let vouching = judge.judge(leaf, &brought, at, now).map_err(|refusal| match refusal {
        Refusal::WrongPurpose => NotTheHolders::Usage,
        refusal => NotTheHolders::Unvouched(refusal),
    })?;
    let above = vouching.path.into_iter().skip(1).collect();
    Ok(HolderCertificate { certificate: leaf.clone(), above, anchor: vouching.anchor })
}

fn is_made_to_sign(leaf: &Certificate) -> Result<(), NotTheHolders> {
    let parsed = leaf.parsed().map_err(|_: Error| NotTheHolders::Unreadable)?;
    if parsed.is_ca() {
        return Err(NotTheHolders::AnAuthority);
    }
    let usage = parsed.key_usage().map_err(|_| NotTheHolders::Unreadable)?;
    let usage = usage.map(|usage| usage.value).ok_or(NotTheHolders::Usage)?;
    // Names beside the subject: nobody here said them, and readers of mail or logons go by them.
    for (id, called) in [("2.5.29.17", "subjectAltName"), ("2.5.29.9", "subjectDirectoryAttributes")] {
        if parsed.extensions().iter().any(|one| one.oid.to_id_string() == id) {
            return Err(NotTheHolders::SubjectMore(called.to_owned()));
        }
    }
    let signs = usage.digital_signature() || usage.non_repudiation();
    let issues = usage.key_cert_sign() || usage.crl_sign();
    if signs && !issues { Ok(()) } else { Err(NotTheHolders::Usage) }
}

/// Whether a name says of who somebody is what was asked for, and nothing else: in any order, in any type of string, with where they belong besides.
fn is_of(subject: &Name, asked: &Name) -> Result<(), NotTheHolders> {
    for part in asked.attributes() {
        let mut same = subject.attributes().filter(|one| one.kind() == part.kind());
        let says = same.next().is_some_and(|one| one.text().is_some() && one.text() == part.text());
        if !says || same.next().is_some() {
            return Err(NotTheHolders::Subject(part.label()));
        }
    }
    let asked_for = |one: &Attribute| asked.attributes().any(|part| part.kind() == one.kind());
    let mut more = subject.attributes().filter(|one| !asked_for(one) && !BELONGS.contains(one.kind()));
    match more.next() {
        None => Ok(()),
        Some(more) => Err(NotTheHolders::SubjectMore(more.label())),
    }
}
