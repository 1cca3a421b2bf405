//! `vectors/time-stamps.json`: tokens, anchors, and what a verifier must say of the two. The browser's verifier reads the same file. OpenSSL makes most of
//! them, with new keys each time: after a wanted change, `UPDATE_VECTORS=1 cargo test -p sceau-pki --test it stamps_are_judged_alike`.

use std::fs;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sceau_pki::{Anchors, TimeStamp};
use serde_json::{Value, json};

use crate::stamp_maker::{Stage, attribute, authorities, info, info_under, seq, sha256, tlv};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/time-stamps.json");
/// Evidence whose checkpoint is what is stamped, so that a page can be shown a whole file.
const EVIDENCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../trace/vectors/policy.json");
const CASE: &str = "two of three, two cosigned";

const THEN: &str = "20261120100000Z";

#[test]
fn each_token_gets_its_verdict() {
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        fs::write(PATH, serde_json::to_string_pretty(&vectors()).unwrap() + "\n").unwrap();
    }
    let file: Value = serde_json::from_str(&fs::read_to_string(PATH).unwrap()).unwrap();
    assert_eq!(file["imprint"], hex::encode(imprint()), "what is stamped is the checkpoint of {CASE}");
    let cases = file["cases"].as_array().unwrap();
    assert!(cases.len() >= 60, "{}", cases.len());
    for case in cases {
        let token = STANDARD.decode(case["token"].as_str().unwrap()).unwrap();
        let anchors = file["anchors"][case["anchors"].as_str().unwrap()].as_str().unwrap();
        assert_eq!(judged(&token, &imprint(), anchors), case["expected"], "{}", case["name"]);
    }
    for case in file["no_anchors"].as_array().unwrap() {
        let read = Anchors::from_pem(case["pem"].as_str().unwrap(), "a vector");
        assert!(read.is_err(), "{}", case["name"]);
    }
}

/// What there is to say of a token.
fn judged(token: &[u8], imprint: &[u8; 32], anchors: &str) -> Value {
    match TimeStamp::verify(token, imprint, &Anchors::from_pem(anchors, "a vector").unwrap()) {
        Ok(stamp) => json!({
            "code": "ok",
            "policy": stamp.policy.to_string(),
            "serial": stamp.serial,
            "signer": stamp.signer.to_string(),
            "time": stamp.time,
        }),
        Err(refusal) => json!({ "code": refusal.code() }),
    }
}

/// SHA-256 of a checkpoint with its log's own line alone: text, an empty line, that line.
fn imprint() -> [u8; 32] {
    let file: Value = serde_json::from_str(&fs::read_to_string(EVIDENCE).unwrap()).unwrap();
    let case = file["cases"].as_array().unwrap().iter().find(|case| case["name"] == CASE).unwrap();
    let evidence: Value = serde_json::from_str(case["file"].as_str().unwrap()).unwrap();
    let (text, lines) = evidence["checkpoint"].as_str().unwrap().rsplit_once("\n\n").unwrap();
    let own = lines.lines().next().unwrap();
    sha256(format!("{text}\n\n{own}\n").as_bytes())
}

struct Cases {
    imprint: [u8; 32],
    anchors: serde_json::Map<String, Value>,
    all: Vec<Value>,
    /// Those that are judged otherwise than was known.
    otherwise: Vec<String>,
}

impl Cases {
    /// A case whose verdict was known before it was asked for.
    fn add(&mut self, name: &str, token: &[u8], anchors: &str, code: &str) {
        let expected = judged(token, &self.imprint, self.anchors[anchors].as_str().unwrap());
        if expected["code"] != code {
            self.otherwise.push(format!("{name}: {} and not {code}", expected["code"]));
        }
        let token = STANDARD.encode(token);
        self.all.push(json!({ "anchors": anchors, "expected": expected, "name": name, "token": token }));
    }
}

fn vectors() -> Value {
    let stage = Stage::set();
    authorities(&stage);
    let anchors = ["root", "root.false", "rsaroot", "shortroot", "otherroot", "oldroot", "namedroot"];
    let mut of: serde_json::Map<String, Value> =
        anchors.iter().map(|name| ((*name).to_owned(), stage.pem(name).into())).collect();
    of.insert("all".into(), anchors.iter().map(|name| stage.pem(name)).collect::<String>().into());
    let mut cases = Cases { imprint: imprint(), anchors: of, all: Vec::new(), otherwise: Vec::new() };
    by_openssl(&stage, &mut cases);
    by_chains(&stage, &mut cases);
    damaged(&stage, &mut cases);
    by_hand(&stage, &mut cases);
    assert!(cases.otherwise.is_empty(), "{:#?}", cases.otherwise);
    json!({
        "about": "Time stamps (RFC 3161) of `imprint`, each with the name of the anchors under which it is judged, and what must be said of it: `ok` with its time \
                  (unix milliseconds), signer (RFC 4514), serial number (hexadecimal) and policy, or a code. `no_anchors` are texts that nobody takes for anchors. \
                  `imprint` is that of the checkpoint of a case of crates/trace/vectors/policy.json.",
        "anchors": cases.anchors,
        "cases": cases.all,
        "evidence": CASE,
        "imprint": hex::encode(imprint()),
        "no_anchors": no_anchors(&stage),
    })
}

fn by_openssl(stage: &Stage, cases: &mut Cases) {
    let imprint = cases.imprint;
    for (signer, options) in [
        ("clock", "signer_digest = sha256\ness_cert_id_alg = sha256\n"),
        ("clock", "signer_digest = sha512\ness_cert_id_alg = sha384\n"),
        ("clock", "signer_digest = sha256\ness_cert_id_alg = sha1\n"),
        ("p384", "signer_digest = sha384\ness_cert_id_alg = sha512\n"),
        ("p521", "signer_digest = sha512\ness_cert_id_alg = sha256\n"),
        ("rsa", "signer_digest = sha256\ness_cert_id_alg = sha256\ntsa_name = yes\nordering = yes\n"),
        ("rsa", "signer_digest = sha384\ness_cert_id_alg = sha256\ness_cert_id_chain = yes\n"),
        ("rsa3", "signer_digest = sha512\ness_cert_id_alg = sha256\n"),
    ] {
        let token = stage.stamped(signer, &[], &imprint, options);
        let said = options.replace('\n', ", ").replace(" = ", " ");
        cases.add(&format!("openssl ts, {signer}, {said}"), &token, "root", "ok");
    }
    let token = stage.stamped("byrsa", &[], &imprint, "signer_digest = sha256\n");
    cases.add("a root with an RSA key", &token, "rsaroot", "ok");
    cases.add("several anchors", &token, "all", "ok");
    cases.add("another anchor", &token, "root", "stamp.unauthorised");
    let token = stage.stamped("clock", &[], &sha256(b"something else"), "signer_digest = sha256\n");
    cases.add("of something else", &token, "root", "stamp.another_imprint");
    let content = info(&imprint, THEN, &[]);
    let pss = "-md sha256 -cades -keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:digest";
    cases.add("RSA-PSS", &stage.signed(&["rsa"], &content, pss), "root", "ok");
    let odd = "-md sha256 -cades -keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:20";
    cases.add(
        "RSA-PSS with another salt than its hash is long",
        &stage.signed(&["rsa"], &content, odd),
        "root",
        "stamp.algorithm",
    );
    let edwards =
        stage.made("ed25519", content.clone(), |it| it.algorithm = seq(&[tlv(6, &[0x2b, 0x65, 0x70])]));
    cases.add("Ed25519", &edwards, "root", "ok");
    cases.add(
        "an RSA key of 1024 bits",
        &stage.signed(&["weak"], &content, "-md sha256 -cades"),
        "root",
        "stamp.algorithm",
    );
    cases.add("SHA-1", &stage.signed(&["rsa"], &content, "-md sha1 -cades"), "root", "stamp.algorithm");
    let two = stage.signed(&["clock", "p384"], &content, "-md sha256 -cades");
    cases.add("two signers", &two, "root", "stamp.malformed");
    let bare = stage.signed(&["clock"], &content, "-md sha256 -noattr");
    cases.add("no signed attributes", &bare, "root", "stamp.malformed");
    let plain = stage.signed(&["clock"], &content, "-md sha256");
    cases.add("no certificate is named in what is signed", &plain, "root", "stamp.unknown_signer");
    let without = stage.signed(&["clock"], &content, "-md sha256 -cades -nocerts");
    cases.add("no certificate came along", &without, "root", "stamp.unknown_signer");
    let by_key = stage.signed(&["clock"], &content, "-md sha256 -cades -keyid");
    cases.add("its signer is named by its key", &by_key, "root", "ok");
}

fn by_chains(stage: &Stage, cases: &mut Cases) {
    let imprint = cases.imprint;
    for name in ["uncritical", "more", "odd", "code", "none", "nokey", "authority", "strange"] {
        let token = stage.made(name, info(&imprint, THEN, &[]), |_| {});
        cases.add(
            &format!("a certificate that is not for time stamps alone: {name}"),
            &token,
            "root",
            "stamp.unauthorised",
        );
    }
    let token = stage.stamped("by-between", &["between"], &imprint, "signer_digest = sha256\n");
    cases.add("an authority between", &token, "root", "ok");
    let token = stage.stamped("by-second", &["between", "second"], &imprint, "signer_digest = sha256\n");
    cases.add("two authorities between", &token, "root", "ok");
    for (name, anchors, code) in [
        ("purpose", "root", "ok"),
        ("any", "root", "stamp.unauthorised"),
        ("code-ca", "root", "stamp.unauthorised"),
        ("no-ca", "root", "stamp.unauthorised"),
        ("no-sign", "root", "stamp.unauthorised"),
        ("ended", "root", "stamp.signer_not_valid"),
        ("limited", "root", "ok"),
        ("undershort", "shortroot", "stamp.unauthorised"),
    ] {
        let above = stage.certificate(name);
        let token =
            stage.made(&format!("by-{name}"), info(&imprint, THEN, &[]), |it| it.certificates.push(above));
        cases.add(&format!("under an authority between: {name}"), &token, anchors, code);
    }
    let above = ["limited", "below"].map(|name| stage.certificate(name));
    let token = stage.made("by-below", info(&imprint, THEN, &[]), |it| it.certificates.extend(above));
    cases.add("below an authority that may have none below it", &token, "root", "stamp.unauthorised");
    let mut above = stage.certificate("between");
    *above.last_mut().unwrap() ^= 1;
    let token = stage.made("by-between", info(&imprint, THEN, &[]), |it| it.certificates.push(above));
    cases.add("an authority between that nobody signed so", &token, "root", "stamp.unauthorised");
    let token = stage.made("clock", info(&imprint, THEN, &[]), |_| {});
    cases.add("an anchor of the same name with another key", &token, "root.false", "stamp.unauthorised");
    let token = stage.made("by-between", info(&imprint, THEN, &[]), |_| {});
    cases.add("the authority between did not come along", &token, "root", "stamp.unauthorised");
    for (time, code) in [
        ("20201120100000Z", "ok"),
        ("20210101000000.9Z", "ok"),
        ("20210101000001Z", "stamp.signer_not_valid"),
        ("20191231235959Z", "stamp.signer_not_valid"),
    ] {
        let token = stage.made("past", info(&imprint, time, &[]), |_| {});
        cases.add(&format!("a certificate of 2020 alone, a stamp of {time}"), &token, "root", code);
    }
    let token = stage.made("past", info(&imprint, THEN, &[]), |_| {});
    cases.add(
        "a certificate that had ended, under another anchor",
        &token,
        "otherroot",
        "stamp.unauthorised",
    );
    let token = stage.made("underold", info(&imprint, THEN, &[]), |_| {});
    cases.add("an anchor that had ended", &token, "oldroot", "stamp.signer_not_valid");
    let token = stage.made("dns", info(&imprint, THEN, &[]), |_| {});
    cases.add("a name that its anchor does not permit", &token, "namedroot", "stamp.unauthorised");
    let token = stage.made("nodns", info(&imprint, THEN, &[]), |_| {});
    cases.add("no name of a kind that its anchor constrains", &token, "namedroot", "ok");
}

/// One place of a good token changed.
fn damaged(stage: &Stage, cases: &mut Cases) {
    let content = info(&cases.imprint, THEN, &[tlv(2, &[5])]);
    let good = stage.made("clock", content.clone(), |_| {});
    cases.add("put together by hand", &good, "root", "ok");
    let place = |part: &[u8]| good.windows(part.len()).position(|window| window == part).unwrap();
    let certificate = stage.certificate("clock");
    let changed = |at: usize| {
        let mut token = good.clone();
        token[at] ^= 1;
        token
    };
    let last = good.len() - 1;
    for (name, at, code) in [
        ("the signature", last, "stamp.false_signature"),
        ("the imprint", place(&cases.imprint.clone()), "stamp.another_imprint"),
        ("the time", place(THEN.as_bytes()) + 13, "stamp.false_signature"),
        ("the hash of what is signed", place(&sha256(&content)), "stamp.false_signature"),
        ("the hash of the certificate", place(&sha256(&certificate)), "stamp.unknown_signer"),
        ("the certificate's signature", place(&certificate) + certificate.len() - 1, "stamp.unknown_signer"),
        ("the kind of message", 14, "stamp.malformed"),
        ("a version that nobody looks at", 25, "ok"),
    ] {
        let token = changed(at);
        cases.add(&format!("one bit changed: {name}"), &token, "root", code);
    }
    cases.add("an octet after it", &[&good[..], &[0]].concat(), "root", "stamp.malformed");
    cases.add("cut short", &good[..last], "root", "stamp.malformed");
    cases.add("nothing", &[], "root", "stamp.malformed");
    cases.add("longer than any", &vec![0x30; (64 << 10) + 1], "root", "stamp.too_long");
    let inside = &good[4..];
    let indefinite = [&[0x30, 0x80][..], inside, &[0, 0]].concat();
    cases.add("of indefinite length", &indefinite, "root", "stamp.malformed");
    let padded = [&[0x30, 0x83, 0][..], &good[2..]].concat();
    cases.add("a length in more octets than it needs", &padded, "root", "stamp.malformed");
    let huge = [&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff][..], inside].concat();
    cases.add("a length beyond its octets", &huge, "root", "stamp.malformed");
    cases.add("a high tag", &[&[0x3f, 0x10][..], &good[1..]].concat(), "root", "stamp.malformed");
}

/// What OpenSSL would not make.
fn by_hand(stage: &Stage, cases: &mut Cases) {
    let imprint = cases.imprint;
    let time = |text: &str| stage.made("clock", info(&imprint, text, &[]), |_| {});
    for text in ["20261120100000.5Z", "20261120100000.123456789Z", "20240229235959Z"] {
        cases.add(
            &format!("a time: {text}"),
            &time(text),
            "root",
            if text.starts_with("2024") { "stamp.signer_not_valid" } else { "ok" },
        );
    }
    for text in [
        "20261120100000",
        "202611201000Z",
        "20261120100000.Z",
        "20261120100000+0100",
        "20261320100000Z",
        "20260229100000Z",
        "20261120100060Z",
        "20261120250000Z",
        "+2026112010000Z",
        "20261120100000.1234567891Z",
        "20261120100000,5Z",
        "20261120100000z",
        "19691231235959Z",
    ] {
        cases.add(&format!("no time: {text}"), &time(text), "root", "stamp.malformed");
    }
    let extension = |critical: &[Vec<u8>]| {
        let one = seq(&[tlv(6, &[0x2a, 3]), critical.concat(), tlv(4, &[5, 0])]);
        stage.made("clock", info(&imprint, THEN, &[tlv(0xa1, &one)]), |_| {})
    };
    cases.add("an extension", &extension(&[]), "root", "ok");
    cases.add("a critical extension", &extension(&[tlv(1, &[0xff])]), "root", "stamp.malformed");
    let uuid = [&[0x69, 0x83][..], &[0xff; 17], &[0x7f]].concat();
    let content = info_under(&uuid, &[0], &imprint, THEN, &[]);
    cases.add("a policy made from a UUID, number zero", &stage.made("clock", content, |_| {}), "root", "ok");
    for (name, policy, serial) in [
        ("a policy that ends within a number", &[0x2a, 0x83][..], &[1][..]),
        ("a policy with a padded number", &[0x2a, 0x80, 3], &[1]),
        ("a negative serial number", &[0x2a, 3], &[0x81]),
        ("a padded serial number", &[0x2a, 3], &[0, 1]),
        ("an empty serial number", &[0x2a, 3], &[]),
    ] {
        let content = info_under(policy, serial, &imprint, THEN, &[]);
        cases.add(name, &stage.made("clock", content, |_| {}), "root", "stamp.malformed");
    }
    let content = || info(&imprint, THEN, &[]);
    let twice = stage.made("clock", content(), |it| it.attributes.push(it.attributes[1].clone()));
    cases.add("a hash of what is signed twice", &twice, "root", "stamp.malformed");
    let two = stage.made("clock", content(), |it| {
        let hash = tlv(4, &sha256(&content()));
        it.attributes[1] =
            attribute(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4], &[hash.clone(), hash].concat());
    });
    cases.add("two values of one attribute", &two, "root", "stamp.malformed");
    let data = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
    let other = stage.made("clock", content(), |it| {
        it.attributes[0] = attribute(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 3], &tlv(6, data));
    });
    cases.add("signed as something else", &other, "root", "stamp.malformed");
    let other = stage.made("clock", content(), |it| it.kind = data.to_vec());
    cases.add("said to be something else", &other, "root", "stamp.malformed");
    let older = attribute(
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 12],
        &seq(&[seq(&[seq(&[tlv(4, &[1; 20])])])]),
    );
    let both = stage.made("clock", content(), |it| it.attributes.push(older));
    cases.add("the newer word on the certificate before the older", &both, "root", "ok");
    let elsewhere = stage.made("clock", content(), |it| it.named = seq(&[seq(&[]), tlv(2, &[1])]));
    cases.add("the name beside the signature is another's", &elsewhere, "root", "stamp.unknown_signer");
    let p384 = stage.certificate("p384");
    let first = stage.made("clock", content(), |it| it.certificates.insert(0, p384));
    cases.add("another certificate before its own", &first, "root", "ok");
    let many = stage.certificate("p384");
    let ninth = stage
        .made("clock", content(), |it| it.certificates = [vec![many; 8], it.certificates.clone()].concat());
    cases.add("its certificate is the ninth", &ninth, "root", "stamp.unknown_signer");
    let bare = stage.made("clock", content(), |it| {
        it.algorithm = seq(&[tlv(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1])]);
    });
    cases.add("an algorithm that says no hash", &bare, "root", "stamp.algorithm");
    let rsa = stage.made("clock", content(), |it| {
        it.algorithm = seq(&[tlv(6, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11]), tlv(5, &[])]);
    });
    cases.add("an algorithm of another kind of key", &rsa, "root", "stamp.algorithm");
}

fn no_anchors(stage: &Stage) -> Value {
    let text = |name: &str, pem: String| json!({ "name": name, "pem": pem });
    let root = stage.pem("root");
    json!([
        text("nothing", String::new()),
        text("no PEM", "anchors".into()),
        text("a certificate of time stamps", stage.pem("clock")),
        text("an authority that may not sign certificates", stage.pem("no-sign")),
        text("one of them is none", format!("{root}{}", stage.pem("clock"))),
        text("cut short", root.replacen("-----END", "-----E", 1)),
        text("not base64", root.replacen("MII", "M!I", 1)),
    ])
}
