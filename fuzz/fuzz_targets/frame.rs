//! Frames between the element and its callers, and the calls in them.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use sceau_element_api::{take_frame, wire};

fuzz_target!(|bytes: &[u8]| {
    let mut buffer = BytesMut::from(bytes);
    while let Ok(Some(frame)) = take_frame(&mut buffer) {
        let _refused = serde_json::from_slice::<wire::Call>(&frame);
        let _refused = serde_json::from_slice::<wire::Reply>(&frame);
    }
});
