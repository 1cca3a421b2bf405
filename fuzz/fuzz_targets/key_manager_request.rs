//! What pages, connectors and administrators send to the key manager.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sceau_keymanager::parsers::requests;

fuzz_target!(|bytes: &[u8]| {
    requests(bytes);
});
