//! What a connector reads: the feed, its own journal after a bad night, decisions of an HR system, answers that a depositor sealed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sceau_client::connector::parsers;

fuzz_target!(|input: (u64, &[u8])| {
    let (position, bytes) = input;
    let (deliveries, _) = parsers::page(bytes, position);
    for (delivery, follows) in deliveries.iter().zip(position.saturating_add(1)..) {
        assert_eq!(delivery.position, follows);
    }
    if let Some((standing, anew)) = parsers::journal(bytes) {
        assert_eq!(parsers::journal(&anew).expect("our own journal").0, standing);
    }
    parsers::decision(bytes);
    if let Some(answers) = parsers::sealed_answers(bytes) {
        serde_json::to_string_pretty(&answers).expect("answers are written");
    }
});
