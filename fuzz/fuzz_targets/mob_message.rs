//! Messages of Mon Compte Mobilité's bus, and what is kept of them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sceau_dossiers::mob::{Refused, Reply, SubscriptionMessage};

fuzz_target!(|input: (u64, &[u8])| {
    let (now_ms, bytes) = input;
    match Reply::parse(bytes, now_ms) {
        Ok(reply) => {
            let kept = serde_json::to_string(&reply).expect("a reply is written");
            assert_eq!(serde_json::from_str::<Reply>(&kept).expect("and read again"), reply);
            assert_eq!(Reply::named_ids(bytes), (reply.citizen_id, reply.subscription_id));
        }
        Err(error) => assert!([400, 422].contains(&error.code)),
    }
    if let Ok(message) = serde_json::from_slice::<SubscriptionMessage>(bytes) {
        serde_json::to_string(&message).expect("a message is written");
    }
    let _ = serde_json::from_slice::<Refused>(bytes);
});
