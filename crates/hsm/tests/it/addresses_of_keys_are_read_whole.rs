//! Addresses of keys in tokens, as RFC 7512 writes them: §3's examples, what is refused, and what is written back.

use proptest::prelude::*;
use sceau_hsm::pkcs11::{PinSource, Pkcs11Uri, UriError};

const MODULE: &str = "module-path=/lib/p.so";

fn read(path: &str) -> Result<Pkcs11Uri, UriError> {
    format!("pkcs11:{path}?{MODULE}").parse()
}

#[test]
fn the_examples_of_the_standard_are_read() {
    // RFC 7512 §3, with a module, and with a private key where an example is of another object.
    let uri = read("object=my-pubkey;type=private").unwrap();
    assert_eq!(uri.object(), Some("my-pubkey"));
    let uri = read("token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;model=1.0;object=my-certificate;type=private;id=%69%95%3E%5C%F4%BD%EC%91;serial=").unwrap();
    assert_eq!(uri.text("token"), Some("The Software PKCS#11 Softtoken"));
    assert_eq!(uri.text("manufacturer"), Some("Snake Oil, Inc."));
    assert_eq!(uri.text("serial"), Some(""));
    assert_eq!(uri.id(), Some([0x69, 0x95, 0x3e, 0x5c, 0xf4, 0xbd, 0xec, 0x91].as_slice()));
    let uri =
        read("token=Software%20PKCS%2311%20softtoken;manufacturer=Snake%20Oil,%20Inc.;slot-id=327").unwrap();
    assert_eq!(uri.slot_id(), Some(327));
    let uri = read("library-manufacturer=Snake%20Oil,%20Inc.;library-description=Soft%20Token%20Library;library-version=1.23").unwrap();
    assert_eq!(uri.text("library-version"), Some("1.23"));
    assert_eq!(
        read("token=My%20token%25%20created%20by%20Joe").unwrap().text("token"),
        Some("My token% created by Joe")
    );
    assert_eq!(
        read("token=A%20name%20with%20a%20substring%20%25%3B").unwrap().text("token"),
        Some("A name with a substring %;")
    );
    assert_eq!(
        read("token=Name%20with%20a%20small%20A%20with%20acute:%20%C3%A1").unwrap().text("token"),
        Some("Name with a small A with acute: á")
    );
    assert_eq!(read("").unwrap().object(), None);
    assert!(Pkcs11Uri::is_meant("PKCS11:token=a") && !Pkcs11Uri::is_meant("pkcs11.key"));
}

#[test]
fn pins_are_named_by_their_place() {
    let pin = |text: &str| format!("pkcs11:?{MODULE}&{text}").parse::<Pkcs11Uri>();
    let file = |path: &str| Some(PinSource::File(path.into()));
    for text in ["pin-source=file:/etc/pin", "pin-source=file:///etc/pin", "pin-source=/etc/pin"] {
        assert_eq!(pin(text).unwrap().pin().cloned(), file("/etc/pin"));
    }
    let credential = pin("pin-source=credential:gate-pin").unwrap();
    assert_eq!(credential.pin(), Some(&PinSource::Credential("gate-pin".to_owned())));
    let refused = |text: &str| pin(text).unwrap_err();
    assert_eq!(refused("pin-value=1234"), UriError::PinValue);
    assert!(!refused("pin-value=1234").to_string().contains("1234"));
    for text in [
        "|/usr/lib/pinomatic",
        "file:pin",
        "pin",
        "file://host/pin",
        "credential:",
        "credential:../pin",
        "credential:..",
        "",
    ] {
        assert_eq!(refused(&format!("pin-source={text}")), UriError::PinSource, "{text}");
    }
}

#[test]
fn what_could_mean_another_key_is_refused() {
    let refused = |text: &str| text.parse::<Pkcs11Uri>().unwrap_err().code();
    for text in [
        format!("pkcs11:token=a;token=a?{MODULE}"),
        format!("pkcs11:id=a;id=b?{MODULE}"),
        format!("pkcs11:slot-id=1;slot-id=1?{MODULE}"),
        format!("pkcs11:type=private;type=private?{MODULE}"),
        format!("pkcs11:objekt=a?{MODULE}"),
        format!("pkcs11:x-vendor=a?{MODULE}"),
        format!("pkcs11:?{MODULE}&x-vendor=a"),
        format!("pkcs11:?{MODULE}&{MODULE}"),
        format!("pkcs11:type=cert?{MODULE}"),
        format!("pkcs11:slot-id=+1?{MODULE}"),
        format!("pkcs11:slot-id=99999999999999999999999?{MODULE}"),
        format!("pkcs11:token=a b?{MODULE}"),
        format!("pkcs11:token=%zz?{MODULE}"),
        format!("pkcs11:token=%2?{MODULE}"),
        format!("pkcs11:token=%ff?{MODULE}"),
        format!("pkcs11:token=a%00b?{MODULE}"),
        format!("pkcs11:token?{MODULE}"),
        format!("pkcs11:token=a;?{MODULE}"),
        format!("pkcs11:token=é?{MODULE}"),
        format!("pkcs11:object={}?{MODULE}", "a".repeat(5000)),
        "software:key".to_owned(),
    ] {
        assert_eq!(refused(&text), "hsm_pkcs11_uri", "{text}");
    }
    for text in ["pkcs11:token=a", "pkcs11:token=a?module-path=p.so", "pkcs11:token=a?module-name=p"] {
        assert_eq!(refused(text), "hsm_pkcs11_module_path", "{text}");
    }
}

proptest! {
    #[test]
    fn what_is_read_is_written_back_as_the_same(
        token in "\\PC{0,12}", object in proptest::option::of("\\PC{0,12}"), id in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..9)),
        slot in proptest::option::of(any::<u64>()), module in "/[a-z /&?;=%]{1,9}", name in "[a-z.-]{3,9}",
    ) {
        let all = |octets: &[u8]| octets.iter().map(|octet| format!("%{octet:02x}")).collect::<String>();
        let mut path = format!("token={}", all(token.as_bytes()));
        if let Some(object) = &object { path += &format!(";object={}", all(object.as_bytes())); }
        if let Some(id) = &id { path += &format!(";id={}", all(id)); }
        if let Some(slot) = slot { path += &format!(";slot-id={slot}"); }
        let text = format!("pkcs11:{path}?module-path={}&pin-source=credential:{name}", all(module.as_bytes()));
        let uri: Pkcs11Uri = text.parse().unwrap();
        prop_assert_eq!(uri.text("token"), Some(token.as_str()));
        prop_assert_eq!(uri.object(), object.as_deref());
        prop_assert_eq!(uri.id(), id.as_deref());
        prop_assert_eq!(uri.module().to_str(), Some(module.as_str()));
        prop_assert_eq!(&uri.to_string().parse::<Pkcs11Uri>().unwrap(), &uri);
    }

    #[test]
    fn no_text_makes_it_panic(text in "(pkcs11:)?[a-z=;?&%0-9/|.:\\PC]{0,60}") {
        if let Ok(uri) = text.parse::<Pkcs11Uri>() {
            prop_assert_eq!(uri.to_string().parse::<Pkcs11Uri>().unwrap(), uri);
        }
    }
}
