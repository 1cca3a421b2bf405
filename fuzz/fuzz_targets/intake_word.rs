//! An intake's signed word: whatever it says, a manifest is held to it, and what nobody signed is no word.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sceau_crypto::{Secret, SigningKey, Typ, jws};
use sceau_element_api::documents::{Document as _, IntakeWord, Manifest};

static KEY: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::from_seed(Secret::fill_with(|seed| seed.fill(5))));

static MANIFEST: LazyLock<Manifest> = LazyLock::new(|| {
    let hash = "00".repeat(32);
    let manifest = format!(
        r#"{{"v":1,"dossier":"0b0c9f5e-8d5c-4b43-9d39-6d2f3a0c1e77","organisation":"1b0c9f5e-8d5c-4b43-9d39-6d2f3a0c1e77",
        "scheme":"0b0c9f5e-8d5c-4b43-9d39-6d2f3a0c1e77","form_hash":"{hash}","answers":{{"public":{{}}}},
        "files":[{{"file_id":"{}","envelope_hash":"{hash}","size":1,"parts":1}}],"key_id":"{hash}","created":1}}"#,
        "00".repeat(16)
    );
    Manifest::parse(manifest.as_bytes()).expect("a manifest").document
});

fuzz_target!(|input: &[u8]| {
    let key = KEY.verifying_key();
    let text = String::from_utf8_lossy(input).into_owned();
    assert_eq!(IntakeWord::verify(&text, &key), None);
    let signed = jws::sign(&KEY, Typ::IntakeWord, input);
    let word = IntakeWord::verify(&signed, &key);
    if let Some(word) = &word {
        let again = jws::sign(&KEY, Typ::IntakeWord, &serde_json::to_vec(word).expect("a word is written"));
        assert_eq!(IntakeWord::verify(&again, &key).as_ref(), Some(word));
    }
    let manifest = Manifest { words: vec![signed], ..MANIFEST.clone() };
    let about_it = |word: &IntakeWord| {
        word.dossier == manifest.dossier && word.clean().as_ref() == manifest.files.first()
    };
    assert_eq!(manifest.check_words(Some(&key)).is_ok(), word.as_ref().is_some_and(about_it));
    assert!(manifest.check_words(None).is_err(), "a sealed deposit has no word");
});
