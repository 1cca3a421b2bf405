//! PEM, written (RFC 7468).

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

/// One PEM block with lines of 64 characters. Wiped when dropped, as it may hold a private key.
pub(crate) fn encode(label: &str, der: &[u8]) -> Zeroizing<String> {
    let body = Zeroizing::new(STANDARD.encode(der));
    // Sized beforehand so that no copy of a key stays behind in a buffer that grew.
    let mut out = Zeroizing::new(String::with_capacity(body.len() + body.len() / 64 + 2 * label.len() + 40));
    out.push_str("-----BEGIN ");
    out.push_str(label);
    out.push_str("-----\n");
    for (i, c) in body.chars().enumerate() {
        if i > 0 && i % 64 == 0 {
            out.push('\n');
        }
        out.push(c);
    }
    out.push_str("\n-----END ");
    out.push_str(label);
    out.push_str("-----\n");
    out
}
