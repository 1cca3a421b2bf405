//! What a balancer says before the first octet of TLS.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|header: &[u8]| {
    if sceau_gate::read_proxied(header).is_ok() {
        let more = [header, b"x"].concat();
        assert!(sceau_gate::read_proxied(&more).is_err(), "a header has one end");
    }
});
