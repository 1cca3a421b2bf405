//! What an authority answers, read: a status, and a body of certificates (RFC 7030 section 4.2.3, RFC 8951 section 3). Pure.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sceau_element_api::Base64Url;
use sceau_pki::certs_only;

use super::trouble::Trouble;

/// The longest body, in bytes.
pub(super) const LONGEST: usize = 96 * 1024;
/// How long is waited where an authority does not say how long.
const UNSAID: Duration = Duration::from_secs(60);

/// What became of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answered {
    /// Certificates, DER, in the order of the answer.
    Issued(Vec<Base64Url>),
    /// Somebody there decides: to be asked again, as it is, after this.
    Later(Duration),
}

/// What a status says besides its body; whether there is one to be read.
pub(super) fn status(status: u16, retry_after: Option<&str>) -> Result<Option<Answered>, Trouble> {
    match status {
        200 => Ok(None),
        // A date is not taken: its clock is not this one.
        202 => {
            let seconds = retry_after.and_then(|text| text.trim().parse().ok());
            Ok(Some(Answered::Later(seconds.map_or(UNSAID, Duration::from_secs))))
        }
        300..=399 => {
            let words = format!(
                "it sends elsewhere ({status}), which is not followed: the policy names the address that answers"
            );
            Err(Trouble::Broken(words))
        }
        401 | 403 | 407 => Err(Trouble::NotLetIn(status)),
        429 | 502..=504 => Err(Trouble::Away(format!("status {status}"))),
        _ => Err(Trouble::Refused(status)),
    }
}

/// The certificates of a body.
pub(super) fn certificates(kind: Option<&str>, body: &[u8]) -> Result<Vec<Base64Url>, Trouble> {
    let broken = |words: &str| Trouble::Broken(words.to_owned());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/pkcs7-mime") {
        return Err(broken("its content type is not application/pkcs7-mime"));
    }
    let text: Vec<u8> = body.iter().copied().filter(|octet| !octet.is_ascii_whitespace()).collect();
    let der = STANDARD.decode(text).map_err(|_| broken("its body is not base64 (RFC 8951 section 3.1)"))?;
    let certificates = certs_only(&der).map_err(|why| broken(&why.to_string()))?;
    Ok(certificates.iter().map(|one| Base64Url::from(one.der().as_ref())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_whether_to_read_to_wait_or_to_give_up() {
        assert_eq!(status(200, None), Ok(None));
        assert_eq!(status(202, Some(" 7 ")), Ok(Some(Answered::Later(Duration::from_secs(7)))));
        for unread in [None, Some("Mon, 23 Nov 2026 20:00:00 GMT"), Some("-1")] {
            assert_eq!(status(202, unread), Ok(Some(Answered::Later(UNSAID))));
        }
        for (number, code) in [
            (302, "est_broken"),
            (400, "est_refused"),
            (401, "est_not_let_in"),
            (404, "est_refused"),
            (429, "est_away"),
            (500, "est_refused"),
            (503, "est_away"),
            (204, "est_refused"),
        ] {
            assert_eq!(status(number, None).map_err(|trouble| trouble.code()), Err(code), "{number}");
        }
    }

    #[test]
    fn what_is_no_answer_of_certificates_is_refused() {
        let kind = Some("application/pkcs7-mime; smime-type=certs-only");
        for (kind, body) in [
            (None, &b""[..]),
            (Some("text/html"), b"MAA="),
            (kind, b""),
            (kind, b"<html>"),
            (kind, b"MAA="),
            (kind, &[0x30, 0x80]),
        ] {
            let refused = certificates(kind, body).map_err(|trouble| trouble.code());
            assert_eq!(refused, Err("est_broken"), "{kind:?} {body:?}");
        }
    }
}
