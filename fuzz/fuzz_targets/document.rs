//! The documents that the element attests.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sceau_element_api::documents::{
    AccountDocument, ApplicationDocument, CredentialDocument, Datum, Decision, Document, DossierState,
    FunderKey, IdentityDocument, KeyStatement, Manifest, OrganisationDocument, SchemeDocument,
};

/// What parses is written and parses again to the same.
fn parse<T: Document + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
    if let Ok(parsed) = T::parse(bytes) {
        let written = parsed.document.to_bytes().expect("what was checked is written");
        assert_eq!(T::parse(&written).expect("what was written parses").document, parsed.document);
    }
}

fuzz_target!(|bytes: &[u8]| {
    parse::<AccountDocument>(bytes);
    parse::<ApplicationDocument>(bytes);
    parse::<Datum>(bytes);
    parse::<CredentialDocument>(bytes);
    parse::<Decision>(bytes);
    parse::<DossierState>(bytes);
    parse::<FunderKey>(bytes);
    parse::<IdentityDocument>(bytes);
    parse::<KeyStatement>(bytes);
    parse::<Manifest>(bytes);
    parse::<OrganisationDocument>(bytes);
    parse::<SchemeDocument>(bytes);
});
