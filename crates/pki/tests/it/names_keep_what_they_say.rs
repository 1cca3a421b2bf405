//! Order, repeated attributes and string types survive DER and text.

use proptest::prelude::*;
use sceau_pki::{Name, NameError, Oid};

use crate::outside::run;

/// The root of French health-care certificates: two OUs in one name.
fn acr_el() -> Name {
    Name::default()
        .with(Oid::COUNTRY, "FR")
        .with(Oid::ORGANIZATION, "ASIP-SANTE")
        .with(Oid::ORGANIZATIONAL_UNIT, "0002 187512751")
        .with(Oid::ORGANIZATIONAL_UNIT, "IGC-SANTE")
        .with(Oid::COMMON_NAME, "AC RACINE IGC-SANTE ELEMENTAIRE")
}

#[test]
fn two_units_stay_two_in_their_order() {
    let name = acr_el();
    assert_eq!(name.organizational_units().collect::<Vec<_>>(), ["0002 187512751", "IGC-SANTE"]);
    assert_eq!(name.common_name().unwrap(), "AC RACINE IGC-SANTE ELEMENTAIRE");
    let text = "CN=AC RACINE IGC-SANTE ELEMENTAIRE,OU=IGC-SANTE,OU=0002 187512751,O=ASIP-SANTE,C=FR";
    assert_eq!(name.to_string(), text);
    assert_eq!(text.parse::<Name>().unwrap(), name);
    assert_eq!(Name::from_der(&name.to_der()).unwrap(), name);
    // C as PrintableString and the rest as UTF8String, byte for byte as the real certificate has them.
    let country = [0x30, 0x79, 0x31, 0x0b, 0x30, 0x09, 6, 3, 0x55, 4, 6, 0x13, 2, b'F', b'R'];
    assert!(name.to_der().starts_with(&country));

    let swapped = "CN=AC RACINE IGC-SANTE ELEMENTAIRE,OU=0002 187512751,OU=IGC-SANTE,O=ASIP-SANTE,C=FR";
    assert_ne!(swapped.parse::<Name>().unwrap(), name);
}

#[test]
fn the_examples_of_rfc_4514_read_and_write() {
    for (text, last_value) in [
        ("UID=jsmith,DC=example,DC=net", "jsmith"),
        ("OU=Sales+CN=J.  Smith,DC=example,DC=net", "J.  Smith"),
        ("CN=James \\\"Jim\\\" Smith\\, III,DC=example,DC=net", "James \"Jim\" Smith, III"),
        ("CN=Before\\0dAfter,DC=example,DC=net", "Before\rAfter"),
        ("CN=Lučić", "Lučić"),
    ] {
        let name: Name = text.parse().unwrap();
        assert!(name.attributes().any(|a| a.text().as_deref() == Some(last_value)), "{text}");
        assert_eq!(name.to_string(), text);
    }
    assert_eq!("CN=Lu\\C4\\8Di\\C4\\87".parse::<Name>().unwrap().to_string(), "CN=Lučić");
    assert_eq!(
        "1.3.6.1.4.1.1466.0=#04024869".parse::<Name>().unwrap().to_string(),
        "1.3.6.1.4.1.1466.0=#04024869"
    );
    assert_eq!("cn=a, ou= b ".parse::<Name>().unwrap().to_string(), "CN=a,OU=b");
}

#[test]
fn what_is_no_name_is_refused_where_it_breaks() {
    for (text, at) in
        [("CN", 2), ("=x", 0), ("CN=a,", 5), ("CN=a;b", 4), ("CN=\\zz", 4), ("CN=#04", 6), ("CN=a\\", 5)]
    {
        assert_eq!(text.parse::<Name>(), Err(NameError::Text { at }), "{text}");
    }
    assert_eq!("XY=a".parse::<Name>(), Err(NameError::AttributeType("XY".into())));
    let der = acr_el().to_der();
    for cut in 0..der.len() {
        assert_eq!(Name::from_der(&der[..cut]), Err(NameError::Der));
    }
    assert_eq!(Name::from_der(&[&der[..], &[0]].concat()), Err(NameError::Der));
    // A length in two octets where one suffices is BER, not DER.
    assert_eq!(Name::from_der(&[0x30, 0x81, 0x00]), Err(NameError::Der));
}

#[test]
fn openssl_writes_the_same_text() {
    let folder = tempfile::tempdir().unwrap();
    let subject = "/C=FR/O=Métropole, d'Essai + fils/OU=0002 187512751/OU=IGC-SANTE/CN= a \\\"quoted\\\" <name>;=#\\\\ ";
    let make =
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k.pem -out c.pem -utf8 -subj";
    run(folder.path(), "openssl", &make.split(' ').chain([subject]).collect::<Vec<_>>());
    let show = ["x509", "-in", "c.pem", "-noout", "-subject", "-nameopt", "RFC2253,-esc_msb,utf8"];
    let printed = run(folder.path(), "openssl", &show);
    let pem = std::fs::read_to_string(folder.path().join("c.pem")).unwrap();
    let certificate = sceau_pki::Certificate::all_from_pem(&pem, "c.pem").unwrap().swap_remove(0);
    assert_eq!(printed.trim_end_matches('\n'), format!("subject={}", certificate.subject()));
    assert_eq!(
        certificate.subject().to_string().parse::<Name>().unwrap().to_string(),
        certificate.subject().to_string()
    );
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{0,20}", "\\PC{0,10}", "[\\x00-\\x1f\\\\,+\"<>;=# ]{0,8}"]
}

/// Whoever reads a log sees the name that stands there, whichever way their screen writes.
#[test]
fn no_letter_of_a_name_acts_on_the_line_that_it_stands_in() {
    for odd in [
        '\u{202e}',
        '\u{2066}',
        '\u{200f}',
        '\u{61c}',
        '\u{200b}',
        '\u{ad}',
        '\u{2028}',
        '\u{feff}',
        '\u{e0041}',
    ] {
        let name = Name::default().with(Oid::COMMON_NAME, &format!("a{odd}b"));
        let written = name.to_string();
        assert!(written.is_ascii() && written.contains('\\'), "{:x}: {written:?}", u32::from(odd));
        assert_eq!(written.parse::<Name>().unwrap(), name);
    }
    assert_eq!(Name::default().with(Oid::COMMON_NAME, "Hôpital d’Évry").to_string(), "CN=Hôpital d’Évry");
}

fn kind() -> impl Strategy<Value = Oid> {
    let known = [
        "2.5.4.3",
        "2.5.4.6",
        "2.5.4.10",
        "2.5.4.11",
        "0.9.2342.19200300.100.1.25",
        "2.5.4.97",
        "1.2.250.1.71.1.2",
    ];
    prop_oneof![
        proptest::sample::select(known.to_vec()).prop_map(|dotted| dotted.parse().unwrap()),
        (0u64..3, 0u64..40, any::<u64>()).prop_map(|(a, b, c)| format!("{a}.{b}.{c}").parse().unwrap()),
    ]
}

proptest! {
    #[test]
    fn any_name_survives_der_and_text(parts in proptest::collection::vec((kind(), value()), 0..8)) {
        let name = parts.iter().fold(Name::default(), |name, (kind, value)| name.with(kind.clone(), value));
        prop_assert_eq!(Name::from_der(&name.to_der()).unwrap(), name.clone());
        prop_assert_eq!(name.to_string().parse::<Name>().unwrap(), name.clone());
        prop_assert!(!name.to_string().chars().any(sceau_pki::acts_on_text));
        let values: Vec<_> = name.attributes().map(|a| a.text().unwrap().into_owned()).collect();
        prop_assert_eq!(values, parts.into_iter().map(|(_, value)| value).collect::<Vec<_>>());
    }

    #[test]
    fn any_bytes_are_refused_or_come_back_the_same(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(name) = Name::from_der(&bytes) {
            prop_assert_eq!(name.to_der(), bytes);
        }
    }

    #[test]
    fn an_altered_name_is_refused_or_comes_back_the_same(at in 0usize..127, bit in 0u8..8) {
        let mut der = acr_el().to_der();
        let length = der.len();
        der[at % length] ^= 1 << bit;
        if let Ok(name) = Name::from_der(&der) {
            prop_assert_eq!(name.to_der(), der);
            prop_assert_ne!(name.clone(), acr_el());
            let text = name.to_string();
            prop_assert_eq!(text.parse::<Name>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn any_text_is_refused_or_reads_as_it_is_written(text in "[A-Za-z0-9=,+#\\\\ .\"é]{0,30}") {
        if let Ok(name) = text.parse::<Name>() {
            prop_assert_eq!(name.to_string().parse::<Name>().unwrap(), name);
        }
    }
}
