//! The stable codes of the key manager's problems, each said once. `docs/problem-codes-key-manager.md` is compared with this table by a test.

sceau_element_api::problem_codes! {
    CertificateMissing, "certificate_missing", 401, Caller,
        "No client certificate was presented", "Import yours into the browser, and choose it when asked.";
    CertificateMalformed, "certificate_malformed", 403, Caller,
        "The client certificate cannot be read", "Ask the key manager's administrator for a new one.";
    CertificateUntrusted, "certificate_untrusted", 403, Caller,
        "The client certificate is of an authority that is not trusted here", "Choose the one that this key manager's administrator gave you.";
    CertificateBadSignature, "certificate_bad_signature", 403, Caller,
        "A signature of the client certificate is false", "Tell the key manager's administrator: somebody may have made it.";
    CertificateExpired, "certificate_expired", 403, Caller,
        "The client certificate has expired", "Ask the key manager's administrator for a new one.";
    CertificateNotYetValid, "certificate_not_yet_valid", 403, Caller,
        "The client certificate is not valid yet", "Check the clocks of both machines.";
    CertificateRevoked, "certificate_revoked", 403, Caller,
        "The client certificate was revoked by its issuer", "Ask whoever issues certificates for a new one.";
    CertificateRevocationUnknown, "certificate_revocation_unknown", 403, Organisation,
        "No current revocation list says whether the client certificate was taken back",
        "The key manager's administrator must fetch the issuer's current list (client_crls).";
    CertificateWrongPurpose, "certificate_wrong_purpose", 403, Caller,
        "The certificate does not authenticate a client", "Choose the one that this key manager's administrator gave you.";
    CertificateUnknownCriticalExtension, "certificate_unknown_critical_extension", 403, Caller,
        "The client certificate has a critical extension that is not understood here", "Ask whoever issues certificates for one without it.";
    CertificateWrongRole, "certificate_wrong_role", 403, Caller,
        "The client certificate has another role than this needs", "Who administers keys opens no document, and the other way round.";
    CertificateNoRole, "certificate_no_role", 403, Caller,
        "The client certificate names no known role, or several", "Ask whoever issues certificates for one with one role.";
    CertificateUnacceptable, "certificate_unacceptable", 403, Caller,
        "The client certificate is refused", "Ask the key manager's administrator for a new one.";
    CertificateWithdrawn, "certificate_withdrawn", 403, Caller,
        "The client certificate was withdrawn", "Ask the key manager's administrator for a new one.";
    CertificateNotBound, "certificate_not_bound", 403, Caller,
        "The certificate is not bound to an account", "Give its fingerprint to the key manager's administrator.";
    ConnectorNotGranted, "connector_not_granted", 403, Caller,
        "The connector has no grant here", "Ask the key manager's administrator to grant its certificate what it needs.";
    GrantNotInForce, "grant_not_in_force", 403, Caller,
        "The connector's grant is not in force now", "Ask the key manager's administrator for other dates.";
    SchemeNotGranted, "scheme_not_granted", 403, Caller,
        "The connector's grant does not reach to this scheme", "Ask the key manager's administrator to add the scheme.";
    DecisionsNotGranted, "decisions_not_granted", 403, Caller,
        "The connector's grant allows no decisions", "Decide on the key manager's page, or have its administrator allow it.";
    ForeignOrigin, "foreign_origin", 403, Caller,
        "This must be asked from the key manager's own pages",
        "People: open the page again from its usual address. Programs: send that address in the header `Origin`.";
    QuotaExceeded, "quota_exceeded", 429, Caller,
        "Too many documents in a short time", "Wait as long as Retry-After says, or talk to the administrator.";
    Malformed, "malformed", 400, Caller,
        "The request cannot be read", "Correct what the detail names.";
    NotFound, "not_found", 404, Caller,
        "There is nothing here", "Check the address, or load the page again.";
    RequestTooSlow, "request_too_slow", 408, Caller,
        "The request took too long", "Try again over a better connection.";
    PlatformNotConnected, "platform_not_connected", 503, Organisation,
        "The key manager is not connected to a platform", "Connect it: sceau keymanager connect.";
    PlatformUnreachable, "platform_unreachable", 502, Platform,
        "The platform does not answer, or refuses", "Try again later: what was recorded is kept and sent then.";
    PlatformRefused, "platform_refused", 409, Platform,
        "The platform refuses this, without a code", "Tell the administrator of the platform.";
    PlatformOtherRoot, "platform_other_root", 502, Platform,
        "The platform shows another root for this organisation", "Have its administrator enrol the right one, by its fingerprint.";
    PlatformLogInconsistent, "platform_log_inconsistent", 502, Platform,
        "The platform's log contradicts itself", "Keep both checkpoints: they are the proof. Tell the administrator.";
    AcknowledgementUnproven, "acknowledgement_unproven", 502, Platform,
        "The platform's acknowledgement is not proven", "Tell the administrator of the platform.";
    NoCurrentKey, "no_current_key", 503, Organisation,
        "No recipient key is in use that the platform acknowledged", "Wait until the key manager has published one.";
    NoSigningKey, "no_signing_key", 503, Organisation,
        "The platform has acknowledged no signing key yet", "Wait until the key manager has published its keys.";
    ManifestMalformed, "manifest_malformed", 422, Platform,
        "The manifest cannot be read", "Nothing was opened. Tell the administrator.";
    ManifestNotAttested, "manifest_not_attested", 422, Platform,
        "The log does not prove the manifest", "Nothing was opened. Tell the administrator.";
    ManifestOfAnotherDossier, "manifest_of_another_dossier", 422, Platform,
        "The manifest is another dossier's", "Nothing was opened. Tell the administrator.";
    ManifestOfAnotherOrganisation, "manifest_of_another_organisation", 403, Platform,
        "The manifest is for another organisation", "Nothing was opened. Tell the administrator.";
    ManifestOfAnotherKey, "manifest_of_another_key", 422, Platform,
        "The manifest names a recipient key that is none of ours", "Nothing was opened. Tell the administrator.";
    FormDiffers, "form_differs", 422, Platform,
        "The form that came along is not the one that the depositor answered",
        "Nothing was opened. Open the dossier again; if it goes on, tell the administrator.";
    NotScanned, "not_scanned", 422, Platform,
        "The intake that the organisation trusts did not say that each file is clean",
        "Nothing was opened. Tell the administrator: the platform let in what was not scanned.";
    ManifestLacksFile, "manifest_lacks_file", 422, Platform,
        "The manifest does not name this file", "Nothing was opened. Tell the administrator.";
    HeaderOfAnotherFile, "header_of_another_file", 422, Platform,
        "The header is another file's", "Nothing was opened. Tell the administrator.";
    FileOfAnotherDossier, "file_of_another_dossier", 422, Platform,
        "The file was sealed for another dossier", "Nothing was opened. Tell the administrator.";
    HeaderNotAnEnvelope, "header_not_an_envelope", 422, Platform,
        "The header is not a sealed file's", "Nothing was opened. Tell the administrator.";
    HeaderVersion, "header_version", 422, Organisation,
        "The file is sealed in a version that is not known here", "Upgrade the key manager.";
    HeaderContentSuite, "header_content_suite", 422, Organisation,
        "The file is sealed with a suite that is not known here", "Upgrade the key manager.";
    HeaderTruncated, "header_truncated", 422, Platform,
        "The header is cut short", "Open the dossier again; then tell the administrator.";
    HeaderMalformed, "header_malformed", 422, Platform,
        "The header breaks a rule of the format", "The file was damaged, or sealed by a faulty program: tell the administrator.";
    HeaderForged, "header_forged", 422, Platform,
        "The header was altered after sealing", "Do not trust this file. Tell the administrator.";
    EnvelopeNotARecipient, "envelope_not_a_recipient", 422, Platform,
        "The envelope was not sealed for this key", "Tell the administrator.";
    EnvelopeUnwrap, "envelope_unwrap", 422, Platform,
        "The content key does not unwrap", "The file was damaged or altered: tell the administrator.";
    EnvelopeCommitment, "envelope_commitment", 422, Platform,
        "The content key is not this envelope's", "The file was altered, or sealed by a faulty program: tell the administrator.";
    MetadataRefused, "metadata_refused", 422, Platform,
        "The document's name and type were altered", "Do not trust this file. Tell the administrator.";
    NotAssigned, "not_assigned", 403, Caller,
        "The dossier is assigned to other people", "Ask the key manager's administrator to assign it to you.";
    NotARecipient, "not_a_recipient", 422, Platform,
        "The document is sealed to no key that is here", "Tell the administrator.";
    KeyNotKept, "key_not_kept", 410, Organisation,
        "The key of this document was destroyed", "It cannot be opened any more. Tell the administrator.";
    KeyDisabled, "key_disabled", 503, Organisation,
        "The key of this document is disabled in the keystore", "Ask the administrator to enable it.";
    KeyNeeded, "key_needed", 409, Caller,
        "The key is still needed", "Wait until each dossier that is sealed to it is decided and its time is over.";
    UnknownKey, "unknown_key", 404, Caller,
        "There is no such key here", "Check its id in the list of keys.";
    AlreadyDecided, "already_decided", 409, Caller,
        "A final decision was taken before", "Load the dossier again to see it.";
    ScanReadingNeeded, "scan_reading_needed", 422, Caller,
        "Documents are examined here, and the reading session to fetch this one did not come along", "Open the dossier again; a program sends its token as `reading`.";
    ScanUnderWay, "scan_under_way", 503, Organisation,
        "The antivirus is still examining the document", "Ask again: the examination goes on meanwhile.";
    ScannerUnavailable, "scanner_unavailable", 503, Organisation,
        "The antivirus does not answer", "The document waits. Try again later; the key manager's administrator looks after the antivirus.";
    ScannerTooLarge, "scanner_too_large", 422, Organisation,
        "The document is larger than the antivirus takes", "Ask the key manager's administrator to raise StreamMaxLength.";
    ScannerFailed, "scanner_failed", 503, Organisation,
        "The examination ended without a verdict", "Try again; the key manager's log says why.";
    ScannerUnconfined, "scanner_unconfined", 503, Organisation,
        "The process that examines documents could not be confined on this machine",
        "The document waits. The key manager's administrator moves it to a kernel with seccomp filters, or accepts the risk: allow_unconfined = true in [scanner].";
    PlatformTooSlow, "platform_too_slow", 503, Platform,
        "The platform delivered the document too slowly to be examined",
        "The document waits. Try again; if it goes on, tell the platform's administrator.";
    DocumentInfected, "document_infected", 403, Organisation,
        "The antivirus found something in the document; the detail names it", "Do not open it. A supervisor may let one officer open it for a while, with a reason.";
    DocumentAltered, "document_altered", 422, Platform,
        "The document is not the one that was deposited", "Do not trust it. Tell the administrator.";
    SupervisorNeeded, "supervisor_needed", 403, Caller,
        "Only a supervisor may do this", "Ask a supervisor of the organisation.";
    ExceptionForOneself, "exception_for_oneself", 403, Caller,
        "Nobody makes an exception for himself", "Ask another supervisor.";
    ColleagueMayNot, "colleague_may_not", 403, Caller,
        "That person has no certificate here, or the dossier is assigned to others", "Choose somebody else, or have the administrator assign the dossier.";
    DocumentNotInfected, "document_not_infected", 409, Caller,
        "The antivirus found nothing in this document of late", "Open it: it is examined again.";
    FolderOutdated, "folder_outdated", 503, Organisation,
        "The platform's log holds records of this key manager that its folder lacks",
        "No key leaves. Its administrator puts the newest folder or backup in place, or goes on without what is missing: sceau keymanager take-up.";
    LogNotCompared, "log_not_compared", 503, Organisation,
        "The platform's log was not compared with the key manager's trace since it started",
        "No key leaves before. Try again when the platform answers; the key manager's log says what is in the way.";
    StorageFull, "storage_full", 507, Organisation,
        "The key manager has no room left to write down what happens",
        "Nothing was released without its record. Tell its administrator: with room on its disk it goes on.";
    Internal, "internal", 500, Organisation,
        "The key manager failed", "Its log says why. Nothing was released without its record; tell the administrator.";
}

impl Code {
    /// The code of this spelling: errors of the rooms below come with theirs.
    pub(crate) fn named(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;
    use sceau_crypto::envelope::OpenError;
    use sceau_pki::{CertificateRole, Refusal};
    use std::collections::BTreeSet;

    #[test]
    fn what_the_rooms_below_refuse_is_in_the_table() {
        let held = CertificateRole::Administrator;
        let certificates = [
            Refusal::Missing,
            Refusal::Malformed,
            Refusal::Untrusted,
            Refusal::BadSignature,
            Refusal::Expired,
            Refusal::NotYetValid,
            Refusal::Revoked,
            Refusal::RevocationUnknown,
            Refusal::WrongPurpose,
            Refusal::UnknownCriticalExtension,
            Refusal::WrongRole { wanted: CertificateRole::CaseOfficer, held },
            Refusal::NoRole,
            Refusal::Unacceptable,
        ];
        let headers = [
            OpenError::NotAnEnvelope,
            OpenError::Version(9),
            OpenError::ContentSuite(9),
            OpenError::HeaderTruncated,
            OpenError::HeaderMalformed,
            OpenError::NotARecipient,
            OpenError::Commitment,
            OpenError::HeaderForged,
            OpenError::Metadata,
        ];
        let codes = certificates.iter().map(Refusal::code).chain(headers.iter().map(OpenError::code));
        let missing: Vec<&str> = codes.filter(|code| Code::named(code).is_none()).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn no_code_and_no_title_is_said_twice() {
        let codes: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        let titles: BTreeSet<&str> = Code::ALL.iter().map(|code| code.title()).collect();
        assert_eq!((codes.len(), titles.len()), (Code::ALL.len(), Code::ALL.len()));
        assert!(codes.iter().all(|code| code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')));
    }

    #[test]
    fn the_document_lists_what_the_code_says() {
        let mut lines: Vec<String> = Code::ALL
            .iter()
            .map(|code| {
                let fault = code.at_fault().as_str();
                format!(
                    "| `{}` | {} | {fault} | {} | {} |",
                    code.as_str(),
                    code.http_status(),
                    code.title(),
                    code.remedy()
                )
            })
            .collect();
        lines.sort();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/problem-codes-key-manager.md");
        let kept = std::fs::read_to_string(path).unwrap();
        let kept: Vec<&str> = kept.lines().filter(|line| line.starts_with("| `")).collect();
        assert!(
            kept == lines,
            "docs/problem-codes-key-manager.md is not what the code says; its rows must be\n{}",
            lines.join("\n")
        );
    }
}
