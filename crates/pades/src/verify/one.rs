//! One signature, judged.

use sceau_pki::{
    Certificate, CmsRefusal, DetachedSignature, RevocationLists, SignatoryJudge, StampRefusal, TimeStamp,
    first_element,
};

use super::{Chain, Coverage, Integrity, SignatureReport, StampReport, Terms, changes, found::Found};
use crate::{
    certified,
    document::Document,
    error::PdfError,
    form::Signed,
    object::Object,
    place::ByteRange,
    source::{Source, window},
    validation::Evidence,
};

/// By what the signatures of one document are judged.
pub(super) struct Judging<'a, S> {
    pub(super) document: &'a Document<S>,
    pub(super) terms: &'a Terms,
    pub(super) evidence: &'a Evidence,
    /// Objects that reach into what follows them: into the place of a signature, which nothing signs, it may be.
    pub(super) reaching: &'a [(u32, u64)],
}

impl<S: Source> Judging<'_, S> {
    pub(super) fn judge(&self, field: &str, signed: &Signed) -> Result<SignatureReport, PdfError> {
        let document = self.document;
        let kind = document.get(&signed.dictionary, "SubFilter")?;
        let mut report = empty(field);
        report.is_stamp = kind.is_name("ETSI.RFC3161");
        report.says = says(document, signed)?;
        let is_signature = kind.is_name("ETSI.CAdES.detached") || kind.is_name("adbe.pkcs7.detached");
        if !is_signature && !report.is_stamp {
            return Ok(report);
        }
        let range = match range(document, signed)? {
            Ok(range) => range,
            Err(why) => {
                (report.coverage, report.integrity) = (Err(why), Integrity::False);
                return Ok(report);
            }
        };
        let Some(Object::Text(contents)) = signed.dictionary.get("Contents") else { return Ok(report) };
        match first_element(contents) {
            None => refuse(&mut report, CmsRefusal::Malformed),
            Some(token) if report.is_stamp => self.stamp_of_document(&mut report, token, range)?,
            Some(message) => match DetachedSignature::read(message) {
                Err(refusal) => refuse(&mut report, refusal),
                Ok(signature) => self.signature_of_document(&mut report, &signature, range)?,
            },
        }
        if report.integrity == Integrity::False {
            // What was added behind something that was never signed is nothing to anybody.
            report.coverage = Err("it does not hold: it covers nothing");
            return Ok(report);
        }
        let (coverage, so_far) = self.coverage(signed, range)?;
        report.integrity = report.integrity.max(so_far);
        report.coverage = Ok(coverage);
        Ok(report)
    }

    fn signature_of_document(
        &self,
        report: &mut SignatureReport,
        signature: &DetachedSignature<'_>,
        range: ByteRange,
    ) -> Result<(), PdfError> {
        let terms = self.terms;
        report.algorithm = signature.algorithm();
        let hash = range.hash(&self.document.source, signature.hash())?;
        let signer = match signature.verify(&hash) {
            Ok(signer) => signer,
            Err(refusal) => {
                refuse(report, refusal);
                return Ok(());
            }
        };
        report.integrity = Integrity::Whole;
        report.signer = Some(signer.certificate.subject().to_string());
        report.bound = signer.bound;
        report.stamp = match (signature.stamp(), &terms.stamp_anchors) {
            (None, _) => StampReport::None,
            (Some(_), None) => StampReport::Unasked,
            (Some(token), Some(anchors)) => match TimeStamp::verify_of(token, signature.value(), anchors) {
                Ok(stamp) => StampReport::Holds(Box::new(stamp)),
                Err(refusal) => StampReport::Refused(refusal),
            },
        };
        let (at, stamped) = match &report.stamp {
            StampReport::Holds(stamp) => (stamp.time, true),
            _ => (terms.now, false),
        };
        let Some(anchors) = &terms.anchors else { return Ok(()) };
        let kept = &self.evidence;
        let lists = kept.lists.iter().filter_map(|list| RevocationLists::read(list, "the document").ok());
        let lists = lists.fold(terms.lists.clone(), RevocationLists::and);
        let judge = SignatoryJudge::new(anchors.clone()).asking(lists, kept.answers.clone());
        let kept = kept.certificates.iter().filter_map(|der| Certificate::from_der(der, "the document").ok());
        let brought: Vec<Certificate> = signature.certificates().into_iter().chain(kept).take(24).collect();
        report.chain = match judge.judge(&signer.certificate, &brought, at, terms.now) {
            Ok(by) => Chain::Vouched { by: Box::new(by), at, stamped },
            Err(refusal) => Chain::Refused(refusal),
        };
        report.vouched = report.bound
            && matches!(report.chain, Chain::Vouched { .. })
            && !matches!(report.stamp, StampReport::Refused(_));
        Ok(())
    }

    /// A time stamp of the document itself (ISO 32000-2 §12.8.5), by whatever hash it is of.
    fn stamp_of_document(
        &self,
        report: &mut SignatureReport,
        token: &[u8],
        range: ByteRange,
    ) -> Result<(), PdfError> {
        report.algorithm = "a time stamp (RFC 3161)";
        report.stamp = StampReport::Unasked;
        let Some(anchors) = &self.terms.stamp_anchors else { return Ok(()) };
        let outcome = match TimeStamp::hash_of(token) {
            Ok(hash) => {
                let imprint = range.hash(&self.document.source, hash)?;
                TimeStamp::verify_imprint(token, hash, &imprint, anchors)
            }
            Err(refusal) => Err(refusal),
        };
        match outcome {
            Ok(stamp) => {
                report.signer = Some(stamp.signer.to_string());
                report.stamp = StampReport::Holds(Box::new(stamp));
                (report.integrity, report.vouched) = (Integrity::Whole, true);
            }
            Err(refusal) => {
                report.stamp = StampReport::Refused(refusal);
                report.integrity = match refusal {
                    StampRefusal::Algorithm => Integrity::Unjudged,
                    // It is of this document, by somebody who is not trusted to say when.
                    StampRefusal::Unauthorised | StampRefusal::SignerNotValid => Integrity::Whole,
                    _ => Integrity::False,
                };
            }
        }
        Ok(())
    }

    /// What it covers, and what that makes of the document.
    fn coverage(&self, signed: &Signed, range: ByteRange) -> Result<(Coverage, Integrity), PdfError> {
        let is_whole = range.until == self.document.end;
        let mut found = if is_whole {
            Found::default()
        } else {
            let permission = certified::permission(self.document, signed)?;
            changes::since(self.document, range.until, permission)?
        };
        for (number, at) in self.reaching {
            found.other(format!(
                "object {number} at byte {at}, which is not there or reaches into what follows it, the place of a signature it may be"
            ));
        }
        let integrity = match (found.is_harmless(), is_whole) {
            (false, _) => Integrity::ChangedSince,
            (true, false) => Integrity::AddedTo,
            (true, true) => Integrity::Whole,
        };
        let (added, more) = found.told();
        Ok((Coverage { until: range.until, is_whole, added, more }, integrity))
    }
}

/// A report in which nothing is judged yet.
fn empty(field: &str) -> SignatureReport {
    SignatureReport {
        field: field.to_owned(),
        is_stamp: false,
        integrity: Integrity::Unjudged,
        vouched: false,
        coverage: Err("it is of a kind that is not judged here"),
        refusal: None,
        signer: None,
        bound: false,
        algorithm: "an algorithm that is not taken here",
        chain: Chain::Unasked,
        stamp: StampReport::None,
        says: Vec::new(),
    }
}

/// On what stands where a signature should, and is none.
pub(super) fn unreadable(field: &str) -> SignatureReport {
    let coverage = Err("what is in its field stands where no signature can be judged");
    SignatureReport { integrity: Integrity::False, coverage, ..empty(field) }
}

fn refuse(report: &mut SignatureReport, refusal: CmsRefusal) {
    report.refusal = Some(refusal);
    report.integrity = match refusal {
        CmsRefusal::Algorithm => Integrity::Unjudged,
        _ => Integrity::False,
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
    // Digits of two cases would say something beside the signature.
    let is_one_case =
        !inside.iter().any(u8::is_ascii_lowercase) || !inside.iter().any(u8::is_ascii_uppercase);
    let plain = is_one_case && inside.iter().all(u8::is_ascii_hexdigit) && inside.len().is_multiple_of(2);
    Ok(if plain { Ok(range) } else { Err("its place holds something else than a signature") })
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
