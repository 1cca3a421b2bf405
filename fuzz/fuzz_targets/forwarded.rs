//! What proxies say of whom they ask for: whatever a sender writes before it, the trusted proxy's own word counts.
#![no_main]

use std::net::IpAddr;
use std::sync::LazyLock;

use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use sceau_accounts::TrustedProxies;
use sceau_element_api::Cidr;

static PROXIES: LazyLock<TrustedProxies> =
    LazyLock::new(|| TrustedProxies::new(vec!["10.0.0.0/8".parse().expect("a network")]));

fuzz_target!(|input: (bool, &[u8], &str)| {
    let (standard, sent, network) = input;
    let [proxy, sender] = [[10, 0, 0, 1], [192, 0, 2, 7]].map(IpAddr::from);
    let name = if standard { "forwarded" } else { "x-forwarded-for" };
    let added: &[u8] = if standard { b", for=192.0.2.7" } else { b", 192.0.2.7" };
    if let Ok(value) = HeaderValue::from_bytes(&[sent, added].concat()) {
        let headers: HeaderMap =
            [(name, value)].into_iter().map(|(n, v)| (n.parse().expect("a name"), v)).collect();
        assert!([proxy, sender].contains(&PROXIES.client(proxy, &headers)));
        assert_eq!(PROXIES.client(sender, &headers), sender, "nobody else is believed");
    }
    if let Ok(value) = HeaderValue::from_bytes(sent) {
        let mut headers = HeaderMap::new();
        headers.append("forwarded", value.clone());
        headers.append("x-forwarded-for", value);
        let _ = PROXIES.client(proxy, &headers);
        headers.append("forwarded", HeaderValue::from_static("for=192.0.2.7"));
        headers.remove("x-forwarded-for");
        assert_eq!(PROXIES.client(proxy, &headers), sender, "a line of the proxy's own is its own");
    }
    if let Ok(network) = network.parse::<Cidr>() {
        let _ = (network.contains(proxy), network.contains(IpAddr::from([0; 16])));
    }
});
