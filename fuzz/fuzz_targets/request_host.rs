//! Whom a request is for: its address and its `Host`, each on a line. What the gate takes must mean the same to others who read it.
#![no_main]

use http::Request;
use libfuzzer_sys::fuzz_target;
use url::{Host, Url};

fuzz_target!(|bytes: &[u8]| {
    let Some(end) = bytes.iter().position(|octet| *octet == b'\n') else { return };
    let (uri, host) = (&bytes[..end], &bytes[end + 1..]);
    let Ok(request) = Request::builder().uri(uri).header("host", host).body(()) else { return };
    let Some(name) = sceau_gate::read_host(&request) else { return };
    let said = request.uri().authority().map_or(host, |authority| authority.as_str().as_bytes());
    let said = std::str::from_utf8(said).expect("a host that is taken is ASCII");
    assert!(said.starts_with(&name) && said.is_ascii(), "{said:?} is {name:?}");
    assert!(!name.contains(['/', '\\', '@', '?', '#', '%', ',', ';', '"', ' ']), "{name:?}");
    // As browsers read it (WHATWG URL); some refuse more, and read numbers as addresses.
    if let Ok(read) = Url::parse(&format!("http://{said}/")) {
        assert!(read.username().is_empty() && read.password().is_none() && read.path() == "/", "{read}");
        match read.host() {
            Some(Host::Domain(domain)) => assert!(domain.trim_end_matches('.').eq_ignore_ascii_case(&name)),
            Some(Host::Ipv6(address)) => {
                let inner = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
                assert_eq!(inner.and_then(|inner| inner.parse().ok()), Some(address));
            }
            Some(Host::Ipv4(_)) => {
                assert!(name.starts_with(|first: char| first.is_ascii_digit()) || name.contains('.'))
            }
            None => panic!("{read} has no host"),
        }
    }
});
