//! What is said of a body beside it.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use sceau_crypto::envelope::Metadata;
use sceau_element_api::protect::DatumId;

use super::super::refusal::Refused;

/// The call, as the application signed it.
const CALL: HeaderName = HeaderName::from_static("sceau-call");
const DATUM: HeaderName = HeaderName::from_static("sceau-datum");
/// Index of the call's record in the log.
const RECORD: HeaderName = HeaderName::from_static("sceau-record");
/// The longest call in a header, in bytes: what HTTP/2 takes of a head is 16 KiB.
const MAX_CALL: usize = 12 * 1024;
/// A file that was given none.
const UNNAMED: &str = "data";
const UNTYPED: &str = "application/octet-stream";

/// The call that a body travels with.
pub(super) fn call(headers: &HeaderMap) -> Result<String, Refused> {
    let missing = "the call is wanted in the header Sceau-Call: a compact JWS of at most 12 KiB, once";
    let mut calls = headers.get_all(CALL).iter();
    match (calls.next().and_then(|call| call.to_str().ok()), calls.next()) {
        (Some(call), None) if call.len() <= MAX_CALL => Ok(call.to_owned()),
        _ => Err(Refused::malformed(missing)),
    }
}

/// The length that a body says of itself.
pub(super) fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Name and type of what is to be encrypted.
pub(super) fn metadata(headers: &HeaderMap) -> Result<Metadata, Refused> {
    let name = match headers.get(CONTENT_DISPOSITION) {
        None => UNNAMED.to_owned(),
        Some(said) => said.to_str().ok().and_then(file_name).ok_or_else(|| {
            Refused::malformed("Content-Disposition: attachment; filename*=UTF-8''…, percent-encoded")
        })?,
    };
    let kind = match headers.get(CONTENT_TYPE) {
        None => UNTYPED,
        Some(kind) => kind.to_str().unwrap_or_default(),
    };
    Metadata::new(&name, kind).map_err(|error| Refused::malformed(&error.to_string()))
}

/// What is said of an envelope that goes out.
pub(super) fn of_envelope(datum: &DatumId, record: u64) -> HeaderMap {
    let mut headers = of_both(datum, record);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(UNTYPED));
    headers
}

/// What is said of a file that goes out: never for a browser to show.
pub(super) fn of_file(datum: &DatumId, record: u64, metadata: &Metadata) -> HeaderMap {
    let mut headers = of_both(datum, record);
    let kind = HeaderValue::from_str(metadata.media_type());
    headers.insert(CONTENT_TYPE, kind.unwrap_or_else(|_| HeaderValue::from_static(UNTYPED)));
    let named = format!("attachment; filename*=UTF-8''{}", encoded(metadata.name()));
    if let Ok(named) = HeaderValue::from_str(&named) {
        headers.insert(CONTENT_DISPOSITION, named);
    }
    headers
}

fn of_both(datum: &DatumId, record: u64) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(RECORD, record.into());
    if let Ok(datum) = HeaderValue::from_str(&datum.to_string()) {
        headers.insert(DATUM, datum);
    }
    headers
}

/// `filename*` of a Content-Disposition (RFC 6266 section 4.1, RFC 8187 section 3.2.1) in UTF-8.
fn file_name(said: &str) -> Option<String> {
    let (_, value) = said
        .split(';')
        .filter_map(|part| part.trim().split_once('='))
        .find(|(name, _)| *name == "filename*")?;
    let (charset, rest) = value.split_once('\'')?;
    let (_language, text) = rest.split_once('\'')?;
    if !charset.eq_ignore_ascii_case("utf-8") {
        return None;
    }
    let (mut octets, mut rest) = (Vec::new(), text.bytes());
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                digits.iter().all(u8::is_ascii_hexdigit).then_some(())?;
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            octet if is_plain(octet) => octet,
            _ => return None,
        });
    }
    String::from_utf8(octets).ok()
}

fn encoded(name: &str) -> String {
    name.bytes()
        .map(|octet| if is_plain(octet) { char::from(octet).to_string() } else { format!("%{octet:02X}") })
        .collect()
}

/// `attr-char` of RFC 8187.
fn is_plain(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&octet)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn a_name_comes_back_as_it_was_said() {
        for name in ["bulletin de paie.pdf", "congés 100%.pdf", "o'neil;.txt", "数据"] {
            let said = format!("attachment; filename=\"x\"; filename*=UTF-8''{}", encoded(name));
            assert_eq!(file_name(&said).as_deref(), Some(name));
        }
        for wrong in [
            "attachment",
            "attachment; filename=x",
            "attachment; filename*=x",
            "attachment; filename*=latin1''x",
            "attachment; filename*=UTF-8''a%2",
            "attachment; filename*=UTF-8''a%+1",
            "attachment; filename*=UTF-8''%FF",
            "attachment; filename*=UTF-8''a b",
        ] {
            assert_eq!(file_name(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_call_comes_once() {
        let mut headers = HeaderMap::new();
        assert!(call(&headers).is_err());
        headers.insert(CALL, HeaderValue::from_static("a.b.c"));
        assert_eq!(call(&headers).ok().as_deref(), Some("a.b.c"));
        headers.append(CALL, HeaderValue::from_static("d.e.f"));
        assert!(call(&headers).is_err());
    }
}
