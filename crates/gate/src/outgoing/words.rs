//! What a local application reads where a partner is not reached, or refuses: a stable code, and what to do in words.

use hyper::StatusCode;

use crate::upstream::{TlsTrouble, Trouble};

/// Status, code and words.
pub(super) type Told = (StatusCode, &'static str, &'static str);

/// Of a call that got no answer.
pub(super) fn told(trouble: &Trouble) -> Told {
    let (status, code, words) = match trouble {
        Trouble::Away => (
            502,
            "partner_away",
            "the partner takes no connection, or breaks off: see the log for the address and the cause",
        ),
        Trouble::Slow => (504, "partner_slow", "the partner does not answer within `answer_within`"),
        Trouble::Stalled => (408, "request_too_slow", "the application does not send its body in time"),
        Trouble::TooLarge => (413, "body_too_large", "the body is larger than `largest_body`"),
        // Of the gate's own clients alone.
        Trouble::TakenBack => (403, "client_taken_back", "the client may no longer pass"),
        Trouble::Crowded => {
            (503, "gate_crowded", "the gate has no descriptor left for another connection: ask again later")
        }
        Trouble::Tls(trouble) => return of_tls(*trouble),
    };
    (StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY), code, words)
}

fn of_tls(trouble: TlsTrouble) -> Told {
    let (code, words) = match trouble {
        TlsTrouble::Expired => (
            "partner_certificate_expired",
            "the partner's certificate, or its issuer's, has expired: tell the partner",
        ),
        TlsTrouble::NotYetValid => (
            "partner_certificate_not_yet_valid",
            "the partner's certificate is not valid yet: check the clock here, then tell the partner",
        ),
        TlsTrouble::Untrusted => (
            "partner_certificate_untrusted",
            "`tls.authority` did not issue the partner's certificate, or the partner leaves an intermediate certificate away",
        ),
        TlsTrouble::OtherName => (
            "partner_certificate_other_name",
            "the partner's certificate is for another name: check the address in `to`",
        ),
        TlsTrouble::Revoked => (
            "partner_certificate_revoked",
            "the partner's certificate was taken back: nothing was sent; tell the partner",
        ),
        TlsTrouble::RevocationUnknown => (
            "partner_revocation_unknown",
            "no current list of `revocation_lists` speaks for the partner's certificate",
        ),
        TlsTrouble::Unacceptable => {
            ("partner_certificate_unacceptable", "the partner's certificate is refused: see the log")
        }
        TlsTrouble::OwnWanted => {
            ("own_certificate_wanted", "the partner wants a certificate: name one in `tls`")
        }
        TlsTrouble::OwnRefused => (
            "own_certificate_refused",
            "the partner refuses our certificate: check its end, its authority and whether the partner knows it",
        ),
        TlsTrouble::Refused => {
            ("partner_refuses_tls", "the partner ends the TLS handshake, or speaks none at this address")
        }
    };
    (StatusCode::BAD_GATEWAY, code, words)
}

/// Of an answer with which the partner turns the call away; the answer itself goes through as it is.
pub(super) fn turned_away(status: StatusCode) -> Option<(&'static str, &'static str)> {
    match status {
        StatusCode::UNAUTHORIZED => Some((
            "partner_unauthorized",
            "the partner does not take our certificate for proof (missing, expired, revoked, or of an authority that it does not trust), or wants another proof besides: its own words are in the body",
        )),
        StatusCode::FORBIDDEN => Some((
            "partner_forbidden",
            "the partner believes our certificate, and does not know its common name and unit, or not from this address: its own words are in the body",
        )),
        _ => None,
    }
}
