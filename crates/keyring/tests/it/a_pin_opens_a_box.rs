//! The PIN and the terminal's secret open the holder's part together: neither does alone, and no record is good at another place.

use sceau_crypto::Secret;
use sceau_element_api::keyring::PinRule;
use sceau_element_api::{KeyringId, TerminalId};
use sceau_keyring::{
    ContextId, ExportKey, Inner, Names, OpaqueServer, Pin, PinRefused, Place, open_box, open_inner, seal_box,
    seal_inner, unlock_of,
};

const PIN: &str = "402917";

fn registered(server: &OpaqueServer, names: &Names) -> (Vec<u8>, ExportKey) {
    let pin = Pin::parse(PIN).unwrap();
    let (registering, request) = pin.register().unwrap();
    let response = server.registration(names, &request).unwrap();
    let (upload, export) = registering.finish(&pin, &response, names).unwrap();
    (server.record(&upload).unwrap(), export)
}

#[test]
fn the_pin_and_the_secret_open_and_nothing_less_does() {
    // As after a restart.
    let server = OpaqueServer::from_bytes(OpaqueServer::draw().to_bytes().expose()).unwrap();
    let (keyring, terminal) = (KeyringId::random(), TerminalId::random());
    let names = Names::of(keyring, terminal, "log");
    let (record, export) = registered(&server, &names);
    let place = Place { keyring, terminal, key: [7; 16] };
    let (secret, held) = (Secret::random(), Secret::random());
    let boxed = seal_box(&unlock_of(&export, &secret, &place), &place, &held);

    let pin = Pin::parse(PIN).unwrap();
    let (logging_in, ke1) = pin.login().unwrap();
    let (begun, ke2) = server.begin(&names, &record, &ke1).unwrap();
    let proven = logging_in.finish(&pin, &ke2, &names).unwrap();
    let session = begun.finish(&proven.ke3).unwrap();
    assert_eq!(session, proven.session);
    let unlock = unlock_of(&proven.export, &secret, &place);
    assert_eq!(open_box(&unlock, &place, &boxed).unwrap(), held);

    let elsewhere = Place { terminal: TerminalId::random(), ..place };
    assert!(open_box(&unlock_of(&proven.export, &Secret::random(), &place), &place, &boxed).is_err());
    assert!(open_box(&unlock_of(&Secret::random(), &secret, &place), &place, &boxed).is_err());
    assert!(open_box(&unlock_of(&proven.export, &secret, &elsewhere), &place, &boxed).is_err());
    assert!(open_box(&unlock, &elsewhere, &boxed).is_err());

    let next = unlock_of(&proven.export, &Secret::random(), &place);
    let inner = Inner { sad: "a.b.c".to_owned(), unlock: vec![unlock], next, expected: None };
    let context = ContextId([3; 16]);
    let sealed = seal_inner(&session, &context, &inner);
    assert_eq!(open_inner(&proven.session, &context, &sealed).unwrap(), inner);
    assert!(open_inner(&proven.session, &ContextId([4; 16]), &sealed).is_err());
    assert!(open_inner(&Secret::random(), &context, &sealed).is_err());
}

#[test]
fn nothing_stands_behind_a_message_of_the_pins_protocol() {
    let (server, pin) = (OpaqueServer::draw(), Pin::parse(PIN).unwrap());
    let names = Names::of(KeyringId::random(), TerminalId::random(), "log");
    let longer = |message: &[u8]| [message, &[0]].concat();
    let (registering, request) = pin.register().unwrap();
    let response = server.registration(&names, &request).unwrap();
    assert!(server.registration(&names, &longer(&request)).is_err());
    assert!(registering.finish(&pin, &longer(&response), &names).is_err());

    let (record, _) = registered(&server, &names);
    let (logging_in, ke1) = pin.login().unwrap();
    assert!(server.begin(&names, &longer(&record), &ke1).is_err());
    let (_, ke2) = server.begin(&names, &record, &ke1).unwrap();
    assert!(logging_in.finish(&pin, &longer(&ke2), &names).is_err());
    assert!(OpaqueServer::from_bytes(&longer(server.to_bytes().expose())).is_err());
}

#[test]
fn a_wrong_pin_or_a_record_of_another_terminal_proves_nothing() {
    let server = OpaqueServer::draw();
    let keyring = KeyringId::random();
    let names = Names::of(keyring, TerminalId::random(), "log");
    let (record, _) = registered(&server, &names);
    let tried = |pin: &str, names: &Names| {
        let pin = Pin::parse(pin).unwrap();
        let (logging_in, ke1) = pin.login().unwrap();
        let (begun, ke2) = server.begin(names, &record, &ke1).unwrap();
        assert!(begun.finish(&[0; 64]).is_err());
        logging_in.finish(&pin, &ke2, names).map(|_| ()).map_err(|error| error.code())
    };
    assert_eq!(tried(PIN, &names), Ok(()));
    assert_eq!(tried("402918", &names), Err("pin_invalid"));
    assert_eq!(tried(PIN, &Names::of(keyring, TerminalId::random(), "log")), Err("pin_invalid"));
    assert_eq!(tried(PIN, &Names { server: "other".to_owned(), ..names }), Err("pin_invalid"));
    assert!(server.registration(&Names::of(keyring, TerminalId::random(), "log"), &[0; 31]).is_err());
    assert!(server.record(&record[1..]).is_err());
}

#[test]
fn pins_are_of_the_policys_length_and_not_the_first_that_is_tried() {
    let rule = PinRule { least: 6, most: 8 };
    let check = |pin: &str| Pin::parse(pin).unwrap().check(&rule);
    assert_eq!(check(PIN), Ok(()));
    assert_eq!(check("40291"), Err(PinRefused::Length { least: 6, most: 8 }));
    assert_eq!(check("402917385"), Err(PinRefused::Length { least: 6, most: 8 }));
    for obvious in ["111111", "123456", "987654"] {
        assert_eq!(check(obvious), Err(PinRefused::Obvious), "{obvious}");
    }
    assert!(Pin::parse("40291x").is_err() && Pin::parse("").is_err() && Pin::parse("٤٠٢٩١٧").is_err());
}
