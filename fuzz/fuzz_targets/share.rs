//! Shares of a backup's key, as somebody typed them: read or refused, and a wrong letter never passes.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sceau_crypto::Secret;
use sceau_crypto::sharing::{self, SetId, Written};

static SHARE: LazyLock<String> = LazyLock::new(|| {
    let shares = sharing::split(&Secret::random(), SetId::random(), 2, 3).expect("two of three");
    shares[0].to_text().to_string()
});

fuzz_target!(|input: (u16, char, &str)| {
    let (at, other, text) = input;
    match sharing::read(text) {
        Ok(Written::Clear(share)) => {
            let again = sharing::read(&share.to_text());
            assert!(matches!(again, Ok(Written::Clear(same)) if same.head() == share.head()));
        }
        Ok(Written::Sealed(sealed)) => {
            let again = sharing::read(&sealed.to_text());
            assert!(matches!(again, Ok(Written::Sealed(same)) if same.head() == sealed.head()));
        }
        Err(_) => {}
    }
    let at = usize::from(at) % SHARE.len();
    let copied: String = SHARE.chars().enumerate().map(|(n, c)| if n == at { other } else { c }).collect();
    // Spaces and line ends are for whoever copies.
    let letters = |text: &str| text.split_whitespace().collect::<String>().to_ascii_lowercase();
    if letters(&copied) != letters(&SHARE) {
        assert!(sharing::read(&copied).is_err(), "{copied}");
    }
});
