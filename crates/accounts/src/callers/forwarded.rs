//! What a gate forwards of a caller that showed it a certificate (RFC 9440), through a socket that nobody else opens.

use std::convert::Infallible;

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::middleware::map_request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio_rustls::rustls::pki_types::CertificateDer;

use super::Callers;
use super::edge::{Presented, guarded, turned_away};

const CERTIFICATE: &str = "client-cert";
const CHAIN: &str = "client-cert-chain";
/// The gate looks at five authorities that a client sends, and forwards the way that it verified.
const MOST: usize = 8;

/// These routes behind a gate, whose word for a caller's certificate is taken and judged again here. Whoever else could reach them could forge it: they
/// are for a socket that the gate alone opens.
pub fn forwarded(router: Router, callers: &Callers) -> Router {
    guarded(router, Some(callers), turned_away).layer(map_request(take))
}

async fn take(mut request: Request) -> Result<Request, Infallible> {
    let presented = presented(request.headers());
    request.extensions_mut().insert(presented);
    Ok(request)
}

/// The leaf, then what is above it.
pub fn presented(headers: &HeaderMap) -> Presented {
    let [leaf, above] = [CERTIFICATE, CHAIN].map(|name| byte_sequences(headers, name));
    match (leaf.as_deref(), above) {
        (Some([]), Some(above)) if above.is_empty() => Presented::Nothing,
        (Some([leaf]), Some(above)) if above.len() < MOST => {
            Presented::Chain(std::iter::once(leaf.clone()).chain(above).collect())
        }
        _ => Presented::Garbled,
    }
}

/// A list of byte sequences (RFC 8941 section 3.3.5) in one header at most; none where it is not one.
fn byte_sequences(headers: &HeaderMap, name: &str) -> Option<Vec<CertificateDer<'static>>> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Some(Vec::new()) };
    if values.next().is_some() {
        return None;
    }
    let item = |text: &str| {
        let encoded = text.trim_matches(' ').strip_prefix(':')?.strip_suffix(':')?;
        STANDARD.decode(encoded).ok().filter(|der| !der.is_empty()).map(CertificateDer::from)
    };
    value.to_str().ok()?.split(',').map(item).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what must hold")]
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn of(headers: &[(&str, &str)]) -> Presented {
        let pair = |(name, value): &(&str, &str)| {
            (HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap())
        };
        let mut all = HeaderMap::new();
        headers.iter().map(pair).for_each(|(name, value)| {
            all.append(name, value);
        });
        presented(&all)
    }

    #[test]
    fn a_leaf_and_what_is_above_it_are_read() {
        let chain = of(&[("client-cert", ":AQID:"), ("client-cert-chain", ":BAU=:, :Bg==:")]);
        let Presented::Chain(chain) = chain else { unreachable!("{chain:?}") };
        let read: Vec<&[u8]> = chain.iter().map(|der| der.as_ref()).collect();
        assert_eq!(read, [&[1, 2, 3][..], &[4, 5], &[6]]);
        assert!(matches!(of(&[("client-cert", ":AQID:")]), Presented::Chain(chain) if chain.len() == 1));
        assert!(matches!(of(&[]), Presented::Nothing));
    }

    #[test]
    fn whatever_is_changed_is_a_chain_or_garbled_and_never_nothing() {
        let whole = ":AQID:, :BAU=:,:Bg==:";
        for at in 0..whole.len() {
            for letter in [":", ",", "=", " ", "A", "-", "\t", ""] {
                let changed = format!("{}{letter}{}", &whole[..at], &whole[at + 1..]);
                for headers in [
                    &[("client-cert", ":AQID:"), ("client-cert-chain", changed.as_str())][..],
                    &[("client-cert", changed.as_str())],
                    &[("client-cert-chain", changed.as_str())],
                ] {
                    match of(headers) {
                        Presented::Nothing => unreachable!("{headers:?}"),
                        Presented::Chain(chain) => {
                            assert!(
                                headers[0].0 == "client-cert" && (1..=MOST).contains(&chain.len()),
                                "{headers:?}"
                            );
                        }
                        Presented::Garbled => {}
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_not_of_this_form_is_no_certificate_and_not_nothing() {
        let many = [":AQ==:"; 9].join(",");
        for garbled in [
            &[("client-cert", "AQID")][..],
            &[("client-cert", "")],
            &[("client-cert", "::")],
            &[("client-cert", ":AQ:")],
            &[("client-cert", ":AQID:, :AQID:")],
            &[("client-cert", ":AQID:"), ("client-cert", ":AQID:")],
            &[("client-cert-chain", ":AQID:")],
            &[("client-cert", ":AQID:"), ("client-cert-chain", ":AQID:,")],
            &[("client-cert", ":AQID:"), ("client-cert-chain", &many)],
        ] {
            assert!(matches!(of(garbled), Presented::Garbled), "{garbled:?}");
        }
    }
}
