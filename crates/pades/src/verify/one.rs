//! One signature, judged.

use sceau_pki::{
    Certificate, CmsRefusal, DetachedSignature, Hash, RevocationLists, SignatoryJudge, TimeStamp,
    first_element,
};

use super::{Chain, Coverage, SignatureReport, StampReport, Terms, Verdict, changes, found::Found};
use crate::{
    certified,
    document::Document,
    error::PdfError,
    form::Signed,
    object::Object,
    parse::is_space,
    place::ByteRange,
    source::{Source, window},
    validation::Evidence,
};

pub(super) fn judge<S: Source>(
    document: &Document<S>,
    field: &str,
    signed: &Signed,
    terms: &Terms,
    evidence: &Evidence,
) -> Result<SignatureReport, PdfError> {
    let kind = document.get(&signed.dictionary, "SubFilter")?;
    let mut report = SignatureReport {
        field: field.to_owned(),
        is_stamp: kind.is_name("ETSI.RFC3161"),
        verdict: Verdict::Unjudged,
        coverage: Err("it is of a kind that is not judged here"),
        refusal: None,
        signer: None,
        bound: false,
        algorithm: "an algorithm that is not taken here",
        chain: Chain::Unasked,
        stamp: StampReport::None,
        says: says(document, signed)?,
    };
    let is_signature = kind.is_name("ETSI.CAdES.detached") || kind.is_name("adbe.pkcs7.detached");
    if !is_signature && !report.is_stamp {
        return Ok(report);
    }
    let range = match range(document, signed)? {
        Ok(range) => range,
        Err(why) => {
            (report.coverage, report.verdict) = (Err(why), Verdict::False);
            return Ok(report);
        }
    };
    let Some(Object::Text(contents)) = signed.dictionary.get("Contents") else { return Ok(report) };
    match first_element(contents) {
        None => refuse(&mut report, CmsRefusal::Malformed),
        Some(token) if report.is_stamp => stamp_of_document(document, &mut report, token, range, terms)?,
        Some(message) => match DetachedSignature::read(message) {
            Err(refusal) => refuse(&mut report, refusal),
            Ok(signature) => {
                signature_of_document(document, &mut report, &signature, range, terms, evidence)?
            }
        },
    }
    let (coverage, is_harmless) = coverage(document, signed, range)?;
    if !coverage.is_whole {
        let so_far = if is_harmless { Verdict::AddedTo } else { Verdict::ChangedSince };
        report.verdict = report.verdict.max(so_far);
    }
    report.coverage = Ok(coverage);
    Ok(report)
}

fn refuse(report: &mut SignatureReport, refusal: CmsRefusal) {
    report.refusal = Some(refusal);
    report.verdict = match refusal {
        CmsRefusal::Algorithm => Verdict::Unjudged,
        _ => Verdict::False,
    };
}

/// The range, if it leaves out this signature's own place and nothing else.
fn range<S: Source>(
    document: &Document<S>,
    signed: &Signed,
) -> Result<Result<ByteRange, &'static str>, PdfError> {
    let Some(range) = signed.byte_range().and_then(ByteRange::read) else {
        return Ok(Err("it does not say which bytes it covers (ByteRange)"));
    };
    if range.until > document.end {
        return Ok(Err("it covers bytes behind the end of the document"));
    }
    if signed.contents != Some((range.before, range.from)) {
        return Ok(Err("what it leaves out is something else than its own place"));
    }
    let place = window(&document.source, range.before..range.from)?;
    let [b'<', inside @ .., b'>'] = place.as_slice() else {
        return Ok(Err("what it leaves out is something else than its own place"));
    };
    let plain = inside.iter().all(u8::is_ascii_hexdigit) && inside.len().is_multiple_of(2);
    Ok(if plain { Ok(range) } else { Err("its place holds something else than a signature") })
}

fn signature_of_document<S: Source>(
    document: &Document<S>,
    report: &mut SignatureReport,
    signature: &DetachedSignature<'_>,
    range: ByteRange,
    terms: &Terms,
    evidence: &Evidence,
) -> Result<(), PdfError> {
    report.algorithm = signature.algorithm();
    let hash = range.hash(&document.source, signature.hash())?;
    let signer = match signature.verify(&hash) {
        Ok(signer) => signer,
        Err(refusal) => {
            refuse(report, refusal);
            return Ok(());
        }
    };
    report.signer = Some(signer.certificate.subject().to_string());
    report.bound = signer.bound;
    report.stamp = match (signature.stamp(), &terms.stamp_anchors) {
        (None, _) => StampReport::None,
        (Some(_), None) => StampReport::Unjudged,
        (Some(token), Some(anchors)) => {
            match TimeStamp::verify(token, &sceau_crypto::sha256(signature.value()), anchors) {
                Ok(stamp) => StampReport::Holds(Box::new(stamp)),
                Err(refusal) => StampReport::Refused(refusal),
            }
        }
    };
    let (at, stamped) = match &report.stamp {
        StampReport::Holds(stamp) => (stamp.time, true),
        _ => (terms.now, false),
    };
    report.verdict = Verdict::Untrusted;
    let Some(anchors) = &terms.anchors else { return Ok(()) };
    let lists = evidence.lists.iter().filter_map(|list| RevocationLists::read(list, "the document").ok());
    let lists = lists.fold(terms.lists.clone(), RevocationLists::and);
    let judge = SignatoryJudge::new(anchors.clone()).asking(lists, evidence.answers.clone());
    let kept = evidence.certificates.iter().filter_map(|der| Certificate::from_der(der, "the document").ok());
    let brought: Vec<Certificate> = signature.certificates().into_iter().chain(kept).take(24).collect();
    report.chain = match judge.judge(&signer.certificate, &brought, at, terms.now) {
        Ok(by) => Chain::Vouched { by: Box::new(by), at, stamped },
        Err(refusal) => Chain::Refused(refusal),
    };
    let well =
        matches!(report.chain, Chain::Vouched { .. }) && !matches!(report.stamp, StampReport::Refused(_));
    if well && report.bound {
        report.verdict = Verdict::Holds;
    }
    Ok(())
}

/// A time stamp of the document itself (ISO 32000-2 §12.8.5).
fn stamp_of_document<S: Source>(
    document: &Document<S>,
    report: &mut SignatureReport,
    token: &[u8],
    range: ByteRange,
    terms: &Terms,
) -> Result<(), PdfError> {
    report.algorithm = "a time stamp (RFC 3161)";
    report.stamp = StampReport::Unjudged;
    let Some(anchors) = &terms.stamp_anchors else { return Ok(()) };
    let hash = range.hash(&document.source, Hash::Sha256)?;
    let imprint: [u8; 32] = hash.try_into().unwrap_or_default();
    match TimeStamp::verify(token, &imprint, anchors) {
        Ok(stamp) => {
            report.signer = Some(stamp.signer.to_string());
            report.stamp = StampReport::Holds(Box::new(stamp));
            report.verdict = Verdict::Holds;
        }
        Err(refusal) => {
            report.stamp = StampReport::Refused(refusal);
            report.verdict = Verdict::False;
        }
    }
    Ok(())
}

/// What it covers, and whether all that was added behind it changes nothing.
fn coverage<S: Source>(
    document: &Document<S>,
    signed: &Signed,
    range: ByteRange,
) -> Result<(Coverage, bool), PdfError> {
    let rest = window(&document.source, range.until..document.end.min(range.until.saturating_add(16)))?;
    // An end of a line behind the last word changes nothing.
    let is_whole = rest.len() < 16 && rest.iter().all(|octet| is_space(*octet));
    let found = if is_whole {
        Found::default()
    } else {
        let permission = certified::permission(document, signed)?;
        changes::since(document, range.until, permission)?
    };
    let is_harmless = found.is_harmless();
    let (added, more) = found.told();
    Ok((Coverage { until: range.until, is_whole, added, more }, is_harmless))
}

fn says<S: Source>(document: &Document<S>, signed: &Signed) -> Result<Vec<(&'static str, String)>, PdfError> {
    let mut all = Vec::new();
    for (key, what) in [("M", "time"), ("Name", "name"), ("Reason", "reason"), ("Location", "place")] {
        if let Some(words) = document.get(&signed.dictionary, key)?.words() {
            // What is written there is anybody's: it is shown on one line, and not for ever.
            let plain = words.chars().filter(|character| !character.is_control()).take(200);
            all.push((what, plain.collect()));
        }
    }
    Ok(all)
}
