//! Why a caller is turned away by its certificate: a line for each verdict, under the verdict's own code.

use sceau_pki::Refusal;

sceau_element_api::problem_codes! {
    Missing, "certificate_missing", 401, Caller,
        "No client certificate was shown", "Show yours in the handshake: this is for who has one.";
    Malformed, "certificate_malformed", 403, Caller,
        "The client certificate cannot be read", "Ask whoever issues certificates for a new one.";
    Untrusted, "certificate_untrusted", 403, Caller,
        "The client certificate is of an authority that is not trusted here", "Show the one that was made for this server, with the authorities between.";
    BadSignature, "certificate_bad_signature", 403, Caller,
        "A signature of the client certificate is false", "Tell the operator: somebody may have made it.";
    Expired, "certificate_expired", 403, Caller,
        "The client certificate has expired", "Ask whoever issues certificates for a new one.";
    NotYetValid, "certificate_not_yet_valid", 403, Caller,
        "The client certificate is not valid yet", "Check the clocks of both machines.";
    Revoked, "certificate_revoked", 403, Caller,
        "The client certificate was revoked by its issuer", "Ask whoever issues certificates for a new one.";
    RevocationUnknown, "certificate_revocation_unknown", 403, Platform,
        "No current revocation list says whether the client certificate was taken back", "The operator fetches the issuer's current list.";
    WrongIssuer, "certificate_wrong_issuer", 403, Caller,
        "The client certificate is of another issuer than the one of clients here", "Show the one that was made for this server.";
    WrongPurpose, "certificate_wrong_purpose", 403, Caller,
        "The certificate does not authenticate a client", "Show one that was made for it (extended key usage clientAuth).";
    UnknownCriticalExtension, "certificate_unknown_critical_extension", 403, Caller,
        "The client certificate has a critical extension that is not understood here", "Ask whoever issues certificates for one without it.";
    UnknownClient, "client_unknown", 403, Caller,
        "The client certificate is good, and its holder is none of those that are let in", "Tell the operator the certificate's common name and organizational units.";
    Unacceptable, "certificate_unacceptable", 403, Caller,
        "The client certificate is refused", "Ask whoever issues certificates for a new one.";
}

impl Code {
    /// The line of a verdict.
    pub(super) fn of(refusal: &Refusal) -> Self {
        Self::ALL.iter().copied().find(|line| line.as_str() == refusal.code()).unwrap_or(Self::Unacceptable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_verdict_that_needs_no_role_has_a_line_of_its_own() {
        for refusal in [
            Refusal::Missing,
            Refusal::Malformed,
            Refusal::Untrusted,
            Refusal::BadSignature,
            Refusal::Expired,
            Refusal::NotYetValid,
            Refusal::Revoked,
            Refusal::RevocationUnknown,
            Refusal::WrongIssuer,
            Refusal::WrongPurpose,
            Refusal::UnknownCriticalExtension,
            Refusal::UnknownClient,
            Refusal::Unacceptable,
        ] {
            assert_eq!(Code::of(&refusal).as_str(), refusal.code());
        }
    }
}
