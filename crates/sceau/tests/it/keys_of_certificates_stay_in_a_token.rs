//! `sceau cert` with keys in a token of SoftHSM: made there, used there. OpenSSL judges what is signed, OpenSC's pkcs11-tool what can be read.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::authorities::{authorities, openssl};
use crate::support::{Desk, Ran};

/// Debian's `softhsm2`.
pub(crate) const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
pub(crate) const PIN: &str = "un code assez long";

/// A desk with a token named `essai`.
pub(crate) fn with_token() -> Desk {
    let desk = Desk::new();
    fs::create_dir(desk.path("tokens")).unwrap();
    desk.write(
        "softhsm2.conf",
        format!("directories.tokendir = {}\n", desk.path("tokens").display()).as_bytes(),
    );
    desk.write("pin", PIN.as_bytes());
    fs::set_permissions(desk.path("pin"), fs::Permissions::from_mode(0o600)).unwrap();
    let words = ["--init-token", "--free", "--label", "essai", "--pin", PIN, "--so-pin", "douze chiffres"];
    assert!(
        Command::new("softhsm2-util")
            .args(words)
            .env("SOFTHSM2_CONF", desk.path("softhsm2.conf"))
            .output()
            .unwrap()
            .status
            .success()
    );
    desk
}

pub(crate) fn run(desk: &Desk, words: &[&str]) -> Ran {
    let mut command = desk.sceau(words);
    command.env("SOFTHSM2_CONF", desk.path("softhsm2.conf")).output().unwrap().into()
}

pub(crate) fn key(desk: &Desk, label: &str) -> String {
    format!(
        "pkcs11:token=essai;object={label}?module-path={MODULE}&pin-source=file:{}",
        desk.path("pin").display()
    )
}

/// What OpenSC sees in the token.
fn listed(desk: &Desk) -> String {
    let words = [
        "--module",
        MODULE,
        "--token-label",
        "essai",
        "--login",
        "--pin",
        PIN,
        "--list-objects",
        "--type",
        "privkey",
    ];
    let done = Command::new("pkcs11-tool")
        .args(words)
        .env("SOFTHSM2_CONF", desk.path("softhsm2.conf"))
        .output()
        .unwrap();
    String::from_utf8(done.stdout).unwrap()
}

#[test]
fn a_request_is_signed_by_a_key_that_is_made_in_the_token() {
    let desk = with_token();
    for (kind, said) in
        [("ecdsa-p256", "prime256v1"), ("ecdsa-p384", "secp384r1"), ("rsa-2048", "(2048 bit)")]
    {
        let address = key(&desk, kind);
        let words = [
            "cert",
            "csr",
            "--common-name",
            "api.example.org",
            "--san",
            "api.example.org",
            "--folder",
            kind,
            "--key-kind",
            kind,
            "--key",
            &address,
        ];
        let made = run(&desk, &words).ok();
        assert!(
            made.text().contains(&format!(
                "pkcs11:object={kind};token=essai  (made in the token, which it cannot leave)"
            )),
            "{}",
            made.text()
        );
        let request = openssl(&desk, &format!("req -verify -noout -text -in {kind}/api.example.org.csr"));
        assert!(
            request.contains("verify OK")
                && request.contains(said)
                && request.contains("DNS:api.example.org"),
            "{request}"
        );
        // Nothing but the request is in the folder.
        assert_eq!(fs::read_dir(desk.path(kind)).unwrap().count(), 1);
    }
    let listed = listed(&desk);
    assert_eq!(
        listed.matches("sensitive, always sensitive, never extractable, local").count(),
        3,
        "{listed}"
    );

    // Another request by the same key: for the certificate after this one.
    let address = key(&desk, "ecdsa-p256");
    let again =
        ["cert", "csr", "--common-name", "api.example.org", "--folder", "again", "--key", &address, "--json"];
    run(&desk, &again).failed(2, "is ecdsa-p256, not rsa-3072");
    let again = run(&desk, &[&again[..], &["--key-kind", "ecdsa-p256"]].concat()).ok().json();
    assert_eq!(
        again["private_key"],
        address.replace("token=essai;object=ecdsa-p256", "object=ecdsa-p256;token=essai")
    );
    let keys = ["ecdsa-p256", "again"]
        .map(|folder| openssl(&desk, &format!("req -noout -pubkey -in {folder}/api.example.org.csr")));
    assert_eq!(keys[0], keys[1]);
    assert_eq!(self::listed(&desk).matches("Private Key Object").count(), 3);

    let shown = run(&desk, &["cert", "inspect", &address]).ok();
    assert!(
        shown.text().contains("private key in a token; it cannot leave the token\n  Key        EC P-256"),
        "{}",
        shown.text()
    );
    let shown = run(&desk, &["cert", "inspect", "--json", &address]).ok().json();
    assert_eq!(
        (&shown["never_extractable"], &shown["key"]["sha256"]),
        (&true.into(), &again["public_key_sha256"])
    );
}

#[test]
fn a_bundle_of_a_key_in_a_token_has_no_key() {
    let desk = with_token();
    let address = key(&desk, "mine");
    let csr =
        ["cert", "csr", "--profile", "sas", "--editor", "MonLogiciel", "--env", "test", "--key", &address];
    run(&desk, &csr).ok();
    authorities(&desk);
    let holder = "/C=FR/O=EDITEUR/OU=318751275100020/CN=sas-agregateur-test-MonLogiciel";
    let sign = format!(
        "x509 -req -in sas/MonLogiciel_test.csr -CA aci.pem -CAkey aci.key -CAcreateserial -days 20 -subj {holder} -extfile leaf.ext -out crt.pem"
    );
    // OpenSSL 3.0 gives the request's subject; the platform's authority adds to it.
    let sign = sign.replace(&format!("-subj {holder} "), "");
    openssl(&desk, &sign);
    let bundle = |key: &str, out: &str| {
        run(
            &desk,
            &[
                "cert",
                "bundle",
                "--key",
                key,
                "--certificate",
                "crt.pem",
                "--intermediate",
                "aci.pem",
                "-o",
                out,
            ],
        )
    };
    let made = bundle(&address, "bundle.pem").ok();
    assert!(
        made.text().contains("(certificate, intermediate; the key stays in its token)"),
        "{}",
        made.text()
    );
    let text = String::from_utf8(desk.read("bundle.pem")).unwrap();
    assert!(text.matches("BEGIN CERTIFICATE").count() == 2 && !text.contains("PRIVATE"));
    // Another key of the token is not the certificate's.
    run(
        &desk,
        &["cert", "csr", "--common-name", "b", "--key-kind", "ecdsa-p256", "--key", &key(&desk, "other")],
    )
    .ok();
    bundle(&key(&desk, "other"), "other.pem").failed(4, "the private key is not the certificate's");
    bundle(&key(&desk, "none"), "none.pem")
        .failed(4, "there is no private key pkcs11:object=none;token=essai");
}

#[test]
fn an_authority_whose_key_is_in_a_token_issues_and_takes_back() {
    let desk = with_token();
    let root = "CN=TEST AC RACINE,O=ESSAI,C=FR";
    let made = run(
        &desk,
        &[
            "cert",
            "ca",
            "root",
            "--folder",
            "root",
            "--name",
            root,
            "--key-kind",
            "rsa-2048",
            "--key",
            &key(&desk, "root"),
        ],
    )
    .ok();
    assert!(
        made.text().contains("authority.uri  (its address: the key cannot leave the token)"),
        "{}",
        made.text()
    );
    run(
        &desk,
        &[
            "cert",
            "ca",
            "intermediate",
            "--issuer",
            "root",
            "--folder",
            "aci",
            "--name",
            "CN=TEST AC,O=ESSAI,C=FR",
            "--key-kind",
            "ecdsa-p384",
            "--key",
            &key(&desk, "aci"),
        ],
    )
    .ok();
    for folder in ["root", "aci"] {
        assert!(!desk.path(format!("{folder}/authority.key")).exists());
    }
    desk.run(&["cert", "csr", "--common-name", "a", "--key-kind", "ecdsa-p256"]).ok();
    run(&desk, &["cert", "ca", "issue", "--issuer", "aci", "--request", "a/a.csr", "-o", "a.crt"]).ok();
    for (from, to) in
        [("root/authority.cer", "root.pem"), ("aci/authority.cer", "aci.pem"), ("a.crt", "a.pem")]
    {
        openssl(&desk, &format!("x509 -inform DER -in {from} -out {to}"));
    }
    openssl(&desk, "verify -x509_strict -CAfile root.pem -untrusted aci.pem a.pem");
    run(&desk, &["cert", "ca", "revoke", "--issuer", "aci", "a.crt"]).ok();
    run(&desk, &["cert", "ca", "list", "--issuer", "aci", "-o", "aci.crl"]).ok();
    let list = openssl(&desk, "crl -inform DER -in aci.crl -noout -text -CAfile aci.pem");
    assert!(
        list.contains("verify OK") && list.contains("ecdsa-with-SHA384") && list.contains("Serial Number"),
        "{list}"
    );
    // The token gone, nothing is issued.
    fs::rename(desk.path("tokens"), desk.path("gone")).unwrap();
    fs::create_dir(desk.path("tokens")).unwrap();
    run(&desk, &["cert", "ca", "list", "--issuer", "aci", "-o", "later.crl"])
        .failed(1, "there is no token pkcs11:token=essai");
}

#[test]
fn a_pin_is_neither_taken_as_an_argument_nor_said() {
    let desk = with_token();
    let address = format!("pkcs11:token=essai;object=a?module-path={MODULE}&pin-value=1234");
    let refused = run(&desk, &["cert", "csr", "--common-name", "a", "--key", &address])
        .failed(2, "pin-value is not taken");
    assert!(!refused.stderr.contains("1234"));
    desk.write("pin", b"0000");
    let refused = run(&desk, &["cert", "csr", "--common-name", "a", "--key", &key(&desk, "a")])
        .failed(4, "refuses the PIN");
    assert!(!refused.stderr.contains("0000"));
    fs::set_permissions(desk.path("pin"), fs::Permissions::from_mode(0o644)).unwrap();
    run(&desk, &["cert", "csr", "--common-name", "a", "--key", &key(&desk, "a")]).failed(2, "chmod 600");
}

#[test]
fn a_token_is_begun_listed_and_tried() {
    let desk = with_token();
    let secret = |name: &str, content: &str| {
        desk.write(name, content.as_bytes());
        fs::set_permissions(desk.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    };
    secret("so-pin", "encore un autre code");
    let init = |label: &str| {
        run(
            &desk,
            &[
                "hsm",
                "init",
                "--module",
                MODULE,
                "--label",
                label,
                "--so-pin-file",
                "so-pin",
                "--pin-file",
                "pin",
            ],
        )
    };
    let made = init("deuxième").ok();
    assert!(made.text().starts_with("Token    \"deuxième\", serial "), "{}", made.text());
    init("deuxième").failed(2, "there is a token \"deuxième\" already");
    init("a label of more than thirty-two octets").failed(2, "1 to 32 octets");
    let all = run(&desk, &["hsm", "list", "--module", MODULE]).ok();
    for line in ["\"essai\"  SoftHSM project", "\"deuxième\"  SoftHSM project", "(never initialised)"] {
        assert!(all.text().contains(line), "{line} in {}", all.text());
    }
    assert_eq!(all.text().matches("PIN set").count(), 2);

    let address = key(&desk, "clé").replace("essai", "deuxi%C3%A8me").replace("clé", "cl%C3%A9");
    run(&desk, &["hsm", "check", &address]).failed(4, "there is no private key");
    run(&desk, &["cert", "csr", "--common-name", "a", "--key-kind", "ecdsa-p256", "--key", &address]).ok();
    let tried = run(&desk, &["hsm", "check", &address]).ok();
    assert!(tried.text().contains("Signs    yes\nLeaves   never"), "{}", tried.text());
    let listed = run(&desk, &["hsm", "list", &address]).ok();
    assert!(
        listed.text().contains("\"clé\"  EC, id ") && listed.text().contains("cannot leave the token"),
        "{}",
        listed.text()
    );

    // A key that was once outside signs, and is told apart.
    openssl(&desk, "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out out.key");
    let out = desk.path("out.key").display().to_string();
    let words = ["--import", &out, "--token", "essai", "--label", "out", "--id", "01", "--pin", PIN];
    assert!(
        Command::new("softhsm2-util")
            .args(words)
            .env("SOFTHSM2_CONF", desk.path("softhsm2.conf"))
            .output()
            .unwrap()
            .status
            .success()
    );
    let tried = run(&desk, &["hsm", "check", &key(&desk, "out"), "--json"]).failed(5, "key_may_leave");
    let found: serde_json::Value = serde_json::from_slice(&tried.stdout).unwrap();
    assert_eq!((&found["signs"], &found["never_extractable"]), (&true.into(), &false.into()));
    run(&desk, &["hsm", "list", "--module", "/nowhere.so"])
        .failed(1, "the PKCS#11 module /nowhere.so cannot be used");
}
