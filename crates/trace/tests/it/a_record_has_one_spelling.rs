use crate::support::record;
use sceau_trace::*;

const BYTES: &str = concat!(
    r#"{"action":"unwrap.outcome","actor":{"id":"9b1c2f0e-3d0a-4a53-8a44-6c1f3d1a2b3c","kind":"key_manager"},"#,
    r#""asserted":"organisation","attested":{"hash":"00000000000000000000000000000000"#,
    r#"00000000000000000000000000000000","id":"a/b","kind":"decision","previous":null,"version":1},"#,
    r#""code":"unwrap.no_assignment","detail":{"count":"12","quota":"day"},"#,
    r#""organisation":"9b1c2f0e-3d0a-4a53-8a44-6c1f3d1a2b3c","outcome":"refused","#,
    r#""subjects":[{"id":"d1","kind":"dossier"},{"id":"00ff","kind":"file"}],"time":1795132800000,"v":1}"#
);

fn full() -> Record {
    let organisation = "9b1c2f0e-3d0a-4a53-8a44-6c1f3d1a2b3c";
    let actor = Actor::new(ActorKind::KeyManager, organisation);
    Record::builder(1_795_132_800_000, actor, Asserted::Organisation, Action::UNWRAP_OUTCOME)
        .refused("unwrap.no_assignment")
        .organisation(organisation)
        .subject("dossier", "d1")
        .subject("file", "00ff")
        .detail("quota", "day")
        .detail("count", "12")
        .attested(Attested {
            kind: "decision".into(),
            id: "a/b".into(),
            version: 1,
            hash: Hash::new([0; 32]),
            previous: None,
        })
        .build()
        .unwrap()
}

#[test]
fn built_and_parsed_it_is_the_same_to_the_byte() {
    assert_eq!(String::from_utf8(full().to_bytes()).unwrap(), BYTES);
    let parsed = Record::parse(BYTES.as_bytes()).unwrap();
    assert_eq!(parsed, full());
    assert_eq!(parsed.outcome(), Outcome::Refused);
    assert_eq!(parsed.code(), "unwrap.no_assignment");
    assert_eq!(parsed.action(), &Action::UNWRAP_OUTCOME);
    assert_eq!(parsed.subjects().len(), 2);
}

#[test]
fn as_a_value_in_other_json_it_is_checked_too() {
    let value = serde_json::to_value(full()).unwrap();
    assert_eq!(serde_json::from_value::<Record>(value.clone()).unwrap(), full());
    let mut evil = value;
    evil["detail"]["name"] = "Jeanne Dupont".into();
    assert!(serde_json::from_value::<Record>(evil).is_err());
}

#[test]
fn any_other_spelling_is_refused() {
    let text = String::from_utf8(record(1).to_bytes()).unwrap();
    let spellings = [
        text.replace(",\"v\":1}", ", \"v\":1}"),
        text.replace(",\"v\":1}", ",\"v\":1}\n"),
        text.replace("\"attested\":null,", ""),
        text.replace("\"citizen\"", "\"\\u0063itizen\""),
        text.replace("\"detail\":{}", "\"detail\":{\"b\":\"\",\"a\":\"\"}"),
        text.replace("\"detail\":{}", "\"detail\":{\"a\":\"x\",\"a\":\"y\"}"),
    ];
    for spelling in spellings {
        assert_ne!(spelling, text);
        assert_eq!(Record::parse(spelling.as_bytes()), Err(RecordError::NotCanonical), "{spelling}");
    }
    let twice = text.replace("\"code\":\"\"", "\"code\":\"\",\"code\":\"\"");
    assert_eq!(Record::parse(twice.as_bytes()).unwrap_err().code(), "record.malformed");
}

#[test]
fn personal_data_and_free_text_do_not_enter() {
    let begin = || {
        let actor = Actor::new(ActorKind::Citizen, "a");
        Record::builder(1, actor, Asserted::Platform, Action::LOGIN)
    };
    let long = "a".repeat(257);
    for value in
        ["jeanne@example.org", "Jeanne Dupont", "192.0.2.7", "2001:db8::1", "Zo\u{e9}", "a\nb", "\"", &long]
    {
        let refused = begin().detail("x", value).build().unwrap_err();
        assert_eq!(refused.code(), "record.field", "{value}");
        assert_eq!(begin().subject("account", value).build().unwrap_err().code(), "record.field", "{value}");
        assert!(!refused.to_string().contains(value), "an error never repeats what was refused");
    }
    assert!(begin().detail("Name", "x").build().is_err());
    assert!(begin().organisation("ACME").build().is_err());
    assert!(begin().refused("").build().is_err());
    assert!(begin().subject("dossier", "").build().is_err());
    assert!(begin().granted().build().is_ok());
    let mut crowded = begin();
    for number in 0..65 {
        crowded = crowded.subject("dossier", number.to_string());
    }
    assert!(crowded.build().is_err());
}

#[test]
fn a_version_follows_its_previous() {
    let with = |version, previous| {
        let actor = Actor::new(ActorKind::Element, "e");
        let attested =
            Attested { kind: "scheme".into(), id: "s".into(), version, hash: sha256(b"x"), previous };
        Record::builder(1, actor, Asserted::Element, Action::ATTEST).attested(attested).build()
    };
    assert!(with(1, None).is_ok());
    assert!(with(2, Some(sha256(b"w"))).is_ok());
    assert!(with(0, None).is_err());
    assert!(with(1, Some(sha256(b"w"))).is_err());
    assert!(with(2, None).is_err());
}

#[test]
fn a_record_attests_one_payload_and_only_when_granted() {
    let attested =
        Attested { kind: "scheme".into(), id: "s".into(), version: 1, hash: sha256(b"x"), previous: None };
    let actor = Actor::new(ActorKind::Element, "e");
    let begin = Record::builder(1, actor, Asserted::Element, Action::ATTEST).attested(attested.clone());
    let granted = begin.clone().granted().build().unwrap();
    assert_eq!(granted.attests("scheme", b"x"), Some(&attested));
    assert_eq!(granted.attests("scheme", b"y"), None);
    assert_eq!(granted.attests("manifest", b"x"), None);
    assert_eq!(begin.clone().build().unwrap().attests("scheme", b"x"), None, "an intent is not an act");
    assert_eq!(begin.refused("state.conflict").build().unwrap().attests("scheme", b"x"), None);
}

#[test]
fn actions_are_open_and_well_formed() {
    assert!(Action::REGISTERED.iter().all(|action| Action::parse(action.as_str()).unwrap() == *action));
    assert_eq!(Action::parse("key.rotate").unwrap().as_str(), "key.rotate");
    for wrong in ["", ".", "key.", ".key", "key..rotate", "Key", "key rotate", "cl\u{e9}", &"a".repeat(65)] {
        assert!(Action::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn too_long_is_said_before_anything_else() {
    let bytes = vec![b' '; MAX_RECORD_BYTES + 1];
    assert_eq!(Record::parse(&bytes), Err(RecordError::TooLong));
}
