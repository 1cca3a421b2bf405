//! Certificates and revocation lists in files: for how long they hold.

use std::path::Path;

use sceau_pki::{Certificate, RevocationLists};

use super::Finding;
use crate::say;

const CHECK: &str = "certificate";
const DAY_MS: u64 = 86_400_000;
/// When to have a new one made.
const SOON_DAYS: u64 = 21;
/// Lists come every week or so.
const LIST_SOON_DAYS: u64 = 2;

/// Of the certificate that `whose` shows or holds.
pub(super) fn validity(whose: &str, certificate: &Certificate, now_ms: u64) -> Finding {
    let (subject, issuer) = (certificate.subject(), certificate.issuer());
    let named = format!("{whose}: certificate of {subject} by {issuer}");
    let advice = "have its issuer make another, put it in its place and let the server read it again";
    if now_ms > certificate.not_after() {
        let days = say::counted((now_ms - certificate.not_after()) / DAY_MS, "day");
        return Finding::trouble(CHECK, format!("{named} expired {days} ago"), advice);
    }
    if now_ms < certificate.not_before() {
        let advice = "compare the clocks of both machines (timedatectl)";
        return Finding::trouble(CHECK, format!("{named} is not valid yet"), advice);
    }
    let left = (certificate.not_after() - now_ms) / DAY_MS;
    let found = format!("{named} is valid for {} more", say::counted(left, "day"));
    if left < SOON_DAYS { Finding::notice(CHECK, found, advice) } else { Finding::well(CHECK, found) }
}

/// Each certificate of a file (PEM), a chain or authorities; what else is in it is not read.
pub(super) fn file(path: &Path, now_ms: u64) -> Vec<Finding> {
    let name = path.display().to_string();
    let advice = "name a file of certificates in PEM that this user may read";
    let read = std::fs::read_to_string(path).map_err(|error| error.to_string());
    let certificates =
        read.and_then(|text| Certificate::all_from_pem(&text, &name).map_err(|error| error.to_string()));
    match certificates {
        Ok(certificates) if certificates.is_empty() => {
            vec![Finding::trouble(CHECK, format!("{name} holds no certificate"), advice)]
        }
        Ok(certificates) => certificates.iter().map(|one| validity(&name, one, now_ms)).collect(),
        Err(why) => vec![Finding::trouble(CHECK, format!("{name}: {why}"), advice)],
    }
}

/// The revocation lists of a file.
pub(super) fn list(path: &Path, now_ms: u64) -> Finding {
    let name = path.display().to_string();
    let advice = "fetch the issuer's current list, each day, into this file: without it nobody is let in";
    let read = std::fs::read(path).map_err(|error| error.to_string());
    let lists =
        read.and_then(|bytes| RevocationLists::read(&bytes, &name).map_err(|error| error.to_string()));
    let next = match lists {
        Ok(lists) => lists.next_update(),
        Err(why) => return Finding::trouble(CHECK, format!("{name}: {why}"), advice),
    };
    let Some(next) = next else {
        return Finding::notice(CHECK, format!("{name} does not say until when it holds"), advice);
    };
    if now_ms > next {
        return Finding::trouble(CHECK, format!("{name} is a revocation list that is over"), advice);
    }
    let left = (next - now_ms) / DAY_MS;
    let found = format!("{name}: revocation lists, current for {} more", say::counted(left, "day"));
    if left < LIST_SOON_DAYS { Finding::notice(CHECK, found, advice) } else { Finding::well(CHECK, found) }
}
