//! Names and addresses that people and operators write: of one line and one spelling, or refused.
#![no_main]

use std::str::FromStr;

use libfuzzer_sys::fuzz_target;
use sceau_accounts::oidc::{IssuerUrl, ProviderName};
use sceau_accounts::{ClientId, Email, PersonName};
use sceau_hsm::{KeyLabel, KeyUri};
use sceau_pki::{Fingerprint, Oid};
use sceau_store::bus::Company;
use sceau_store::{ClamdAddress, PostgresAddress};

/// What is read is written as it was.
fn again<T: FromStr<Err: std::fmt::Debug> + ToString>(text: &str) {
    if let Ok(read) = text.parse::<T>() {
        assert_eq!(
            read.to_string().parse::<T>().expect("what is written is read").to_string(),
            read.to_string()
        );
    }
}

fuzz_target!(|text: &str| {
    if let Ok(email) = text.parse::<Email>() {
        assert!(
            !email.as_str().contains(|c: char| c.is_control() || c.is_whitespace() || "<>,;".contains(c))
        );
        assert_eq!(email.as_str().parse::<Email>().expect("its own spelling"), email);
    }
    if let Ok(name) = text.parse::<PersonName>() {
        assert!(!name.as_str().contains(char::is_control) && !name.as_str().trim().is_empty());
    }
    if let Ok(company) = text.parse::<Company>() {
        assert!(company.as_str() == text && !text.contains(['*', '#', '/', '%', ' ']));
    }
    again::<ClamdAddress>(text);
    again::<ClientId>(text);
    again::<Fingerprint>(text);
    again::<KeyLabel>(text);
    again::<KeyUri>(text);
    again::<Oid>(text);
    // Shown to people, whatever is in a folder's name.
    let _ = text.parse::<PostgresAddress>().map(|address| address.to_string());
    let _ = (text.parse::<ProviderName>(), IssuerUrl::try_from(text.to_owned()));
});
