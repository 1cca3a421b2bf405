//! `vectors/kept.json`: what the element's journal, a terminal's folder and a provider's files hold for years opens as when it was made. A change that turns one of these red strands the
//! keyrings that are: it is not the vector that is written anew.

use sceau_crypto::Secret;
use sceau_element_api::Base64Url;
use sceau_element_api::keyring::RequestKind;
use sceau_keyring::{
    Code, Factors, Identity, Names, OpaqueServer, Pin, Place, ProvenBy, SecondCode, Statement as _,
    TransactionProof, factors_hash, open_box, seal_box, unlock_of,
};
use sceau_trace::Hash;
use serde::{Deserialize, Serialize};

const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/kept.json");
const PIN: &str = "402917";
const ORIGIN: &str = "example.org/log";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    pin: Registered,
    #[serde(rename = "box")]
    opens: Boxed,
    proofs: Vec<Recorded>,
    factors: Handed,
}

/// A PIN as it was registered: by the names, the element's keys of OPAQUE and the terminal's stretching.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Registered {
    keyring: String,
    terminal: String,
    origin: String,
    pin: String,
    /// What the element seals of OPAQUE: seed, private key, and a public key for nobody.
    setup: Base64Url,
    record: Base64Url,
    export: Base64Url,
}

/// A terminal's box, by the PIN's export key above and the terminal's secret.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Boxed {
    key: Base64Url,
    secret: Base64Url,
    sealed: Base64Url,
    holds: Base64Url,
}

/// A proof as the element wrote it, and what its record names it by.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    payload: String,
    record: Hash,
}

/// What a delivery names of the factors.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Handed {
    code: String,
    second: String,
    of_one: Hash,
    of_both: Hash,
}

fn kept() -> Kept {
    serde_json::from_slice(&std::fs::read(KEPT).unwrap()).unwrap()
}

fn secret<const N: usize>(bytes: &Base64Url) -> Secret<N> {
    Secret::from_slice(bytes).unwrap()
}

fn names(of: &Registered) -> Names {
    Names::of(of.keyring.parse().unwrap(), of.terminal.parse().unwrap(), &of.origin)
}

fn place(of: &Registered, boxed: &Boxed) -> Place {
    Place {
        keyring: of.keyring.parse().unwrap(),
        terminal: of.terminal.parse().unwrap(),
        key: boxed.key.0.clone().try_into().unwrap(),
    }
}

#[test]
fn a_pin_that_was_registered_is_proven_and_opens_its_box() {
    let Kept { pin: registered, opens, .. } = kept();
    let server = OpaqueServer::from_bytes(&registered.setup).unwrap();
    assert_eq!(server.to_bytes().expose(), &*registered.setup.0);
    let (pin, names) = (Pin::parse(&registered.pin).unwrap(), names(&registered));
    let (logging_in, ke1) = pin.login().unwrap();
    let (begun, ke2) = server.begin(&names, &registered.record, &ke1).unwrap();
    let proven = logging_in.finish(&pin, &ke2, &names).expect("the PIN is stretched as it was");
    begun.finish(&proven.ke3).unwrap();
    assert_eq!(proven.export, secret(&registered.export));

    let place = place(&registered, &opens);
    let unlock = unlock_of(&proven.export, &secret(&opens.secret), &place);
    assert_eq!(open_box(&unlock, &place, &opens.sealed).unwrap(), secret(&opens.holds));
}

/// What a provider computes of the proof that it has, and finds in the log.
#[test]
fn a_proof_is_named_in_the_log_by_its_payload_without_the_index() {
    let proofs = kept().proofs;
    assert_eq!(proofs.len(), 2);
    for Recorded { payload, record } in proofs {
        let proof = TransactionProof::parse(payload.as_bytes()).unwrap();
        assert_eq!(*proof.to_bytes().unwrap(), *payload.as_bytes(), "it is written as it was");
        assert_eq!(proof.record_hash(), record);
        // As documented: the index is the last member, and taken out of the text.
        let index = format!(",\"index\":{}}}", proof.index.unwrap());
        let unplaced = format!("{}}}", payload.strip_suffix(&index).unwrap());
        assert_eq!(sceau_trace::sha256(unplaced.as_bytes()), record);
    }
}

#[test]
fn a_delivery_names_the_factors_that_were_handed_over() {
    let Handed { code, second, of_one, of_both } = kept().factors;
    let (code, second) = (Code::parse(&code).unwrap(), SecondCode::parse(&second).unwrap());
    assert_eq!(factors_hash(&Factors { code: &code, second: None }), of_one);
    assert_eq!(factors_hash(&Factors { code: &code, second: Some(&second) }), of_both);
}

fn proof(kind: RequestKind) -> TransactionProof {
    let signs = kind == RequestKind::Sign;
    let text = |text: &str| text.to_owned();
    let identity = Identity {
        common_name: text("Marie Skłodowska-Curie \"Маня\""),
        given_name: Some(text("Marie")),
        surname: None,
        serial_number: Some(text("IDCFR-1867:11")),
        country: Some(text("FR")),
    };
    let signatures = [Base64Url(vec![14; 70]), Base64Url(vec![15; 71])];
    TransactionProof {
        v: 1,
        kind,
        id: "a3bb189e-8bf9-4c54-9d3f-1f2f6d8e0c01".parse().unwrap(),
        request: Hash::new([1; 32]),
        provider: "9a1d7c52-0b0e-4c0f-8a52-51b8f0f1c003".parse().unwrap(),
        keyring: "5d0f7f2c-0f4e-4a5b-9d36-8f1f3d1f7a11".parse().unwrap(),
        identity: Some(identity).filter(|_| !signs),
        terminal: "0b0c7d9e-53d4-4b6f-8a2e-5f6a7b8c9d01".parse().unwrap(),
        description: Hash::new([2; 32]),
        hashes: if signs { vec![Base64Url(vec![3; 32]), Base64Url(vec![4; 32])] } else { Vec::new() },
        signatures: TransactionProof::signatures_hash(if signs { &signatures } else { &[] }),
        policy: Hash::new([5; 32]),
        sad: Hash::new([6; 32]),
        factors: vec![ProvenBy::Pin],
        time: 1_790_000_001_000,
        nonce: signs.then(|| text("session-1")),
        index: Some(4711),
    }
}

#[test]
#[ignore = "writes what is not there yet"]
fn write_what_is_kept() {
    assert!(!std::path::Path::new(KEPT).exists(), "keyrings that are stand on it: add to it by hand");
    let (keyring, terminal) =
        ("5d0f7f2c-0f4e-4a5b-9d36-8f1f3d1f7a11", "0b0c7d9e-53d4-4b6f-8a2e-5f6a7b8c9d01");
    let server = OpaqueServer::draw();
    let names = Names::of(keyring.parse().unwrap(), terminal.parse().unwrap(), ORIGIN);
    let pin = Pin::parse(PIN).unwrap();
    let (registering, request) = pin.register().unwrap();
    let response = server.registration(&names, &request).unwrap();
    let (upload, export) = registering.finish(&pin, &response, &names).unwrap();
    let registered = Registered {
        keyring: keyring.to_owned(),
        terminal: terminal.to_owned(),
        origin: ORIGIN.to_owned(),
        pin: PIN.to_owned(),
        setup: server.to_bytes().expose().into(),
        record: server.record(&upload).unwrap().into(),
        export: export.expose().as_slice().into(),
    };
    let (held, own) = (Secret::<32>::random(), Secret::<32>::random());
    let mut opens = Boxed {
        key: vec![9; 16].into(),
        secret: own.expose().as_slice().into(),
        sealed: Vec::new().into(),
        holds: held.expose().as_slice().into(),
    };
    let at = place(&registered, &opens);
    opens.sealed = seal_box(&unlock_of(&export, &own, &at), &at, &held).into();
    let recorded = |kind| {
        let proof = proof(kind);
        let payload = String::from_utf8(proof.to_bytes().unwrap().to_vec()).unwrap();
        Recorded { payload, record: proof.record_hash() }
    };
    let (code, second) = ("0123-4567-89AB-CDEF-GHJK", "MNPQ-RSTV-WXYZ-0123");
    let (read, other) = (Code::parse(code).unwrap(), SecondCode::parse(second).unwrap());
    let kept = Kept {
        pin: registered,
        opens,
        proofs: [RequestKind::Sign, RequestKind::Authenticate].map(recorded).into(),
        factors: Handed {
            code: code.to_owned(),
            second: second.to_owned(),
            of_one: factors_hash(&Factors { code: &read, second: None }),
            of_both: factors_hash(&Factors { code: &read, second: Some(&other) }),
        },
    };
    std::fs::write(KEPT, serde_json::to_string_pretty(&kept).unwrap() + "\n").unwrap();
}
