//! Revocation lists: a good one in which something was changed, and a row of offers to who uses one.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/pki/tests/it/offered.rs"]
mod offered;

fuzz_target!(|bytes: &[u8]| {
    offered::a_change_is_seen(bytes);
    offered::the_list_in_use_never_goes_back(bytes);
});
