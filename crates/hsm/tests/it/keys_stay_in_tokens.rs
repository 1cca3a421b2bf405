//! Keys made and used in a token of SoftHSM; OpenSSL judges what is signed, OpenSC's pkcs11-tool what can be read.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    thread,
    time::{Duration, Instant},
};

use sceau_hsm::pkcs11::{TokenError, TokenKey};
use sceau_pki::{CertificateKey, Hash, KeyAlgorithm, Signing};

use crate::token_stage::{MODULE, SPY, openssl_verifies, with_tokens};

const EVERY_HASH: [(Hash, &str); 3] =
    [(Hash::Sha256, "-sha256"), (Hash::Sha384, "-sha384"), (Hash::Sha512, "-sha512")];

fn code<T: std::fmt::Debug>(result: Result<T, TokenError>) -> &'static str {
    result.unwrap_err().code()
}

with_tokens! {
    fn openssl_verifies_what_a_token_signs(stage: &Stage) {
        for (kind, hash) in [(KeyAlgorithm::EcdsaP256, "-sha256"), (KeyAlgorithm::EcdsaP384, "-sha384")] {
            let key = TokenKey::generate(&stage.uri(&format!("object={}", kind.as_str())), kind).unwrap();
            let public = key.public_key_info().unwrap();
            // r and s begin with zero octets now and then.
            for number in 0..40 {
                let message = format!("message {number}");
                let signature = key.sign(Signing::Ecdsa, message.as_bytes()).unwrap();
                assert!(openssl_verifies(&stage.folder, &public, &[hash], message.as_bytes(), &signature));
                assert!(!openssl_verifies(&stage.folder, &public, &[hash], b"another", &signature));
            }
            assert_eq!(code(key.sign(Signing::RsaPkcs1(Hash::Sha256), b"message")), "hsm_pkcs11_unusable");
        }
        let key = TokenKey::generate(&stage.uri("object=rsa"), KeyAlgorithm::Rsa2048).unwrap();
        let public = key.public_key_info().unwrap();
        for (hash, option) in EVERY_HASH {
            let signature = key.sign(Signing::RsaPkcs1(hash), b"message").unwrap();
            assert!(openssl_verifies(&stage.folder, &public, &[option], b"message", &signature));
            let pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest", option];
            let signature = key.sign(Signing::RsaPss(hash), b"message").unwrap();
            assert!(openssl_verifies(&stage.folder, &public, &pss, b"message", &signature));
            assert!(!openssl_verifies(&stage.folder, &public, &[option], b"message", &signature));
        }
    }

    fn nobody_reads_a_key_that_was_made(stage: &Stage) {
        let key = TokenKey::generate(&stage.uri("object=mine"), KeyAlgorithm::EcdsaP256).unwrap();
        assert!(key.stays().unwrap());
        let listed = stage.pkcs11_tool(&["--list-objects", "--type", "privkey"]);
        let listed = String::from_utf8(listed.stdout).unwrap();
        assert!(listed.contains("sensitive, always sensitive, never extractable, local"), "{listed}");
        let read = stage.pkcs11_tool(&["--read-object", "--type", "privkey", "--label", "mine"]);
        assert!(read.stdout.is_empty(), "{}", String::from_utf8_lossy(&read.stdout));
        // The key is in no file of the token either, as far as its PIN seals it; its public half is.
        let public = key.public_key_info().unwrap();
        let point = &public[public.len() - 64..];
        let token = fs::read_dir(stage.folder.join("tokens")).unwrap().next().unwrap().unwrap().path();
        let files = fs::read_dir(token).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap());
        assert!(files.into_iter().any(|file| file.windows(64).any(|window| window == point)));
    }

    fn a_key_that_others_made_is_used_and_judged(stage: &Stage) {
        let made = stage.pkcs11_tool(&["--keypairgen", "--key-type", "EC:prime256v1", "--label", "theirs", "--id", "0a0b"]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        for address in ["object=theirs", "id=%0A%0B", "object=theirs;id=%0a%0b;type=private"] {
            let key = TokenKey::find(&stage.uri(address)).unwrap();
            let signature = key.sign(Signing::Ecdsa, b"message").unwrap();
            let public = key.public_key_info().unwrap();
            assert!(openssl_verifies(&stage.folder, &public, &["-sha256"], b"message", &signature));
            assert!(key.stays().unwrap());
        }
        let made = stage.pkcs11_tool(&["--keypairgen", "--key-type", "EC:prime256v1", "--label", "loose", "--id", "0c", "--extractable"]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        assert!(!TokenKey::find(&stage.uri("object=loose")).unwrap().stays().unwrap());
        let made = stage.pkcs11_tool(&["--keypairgen", "--key-type", "EC:secp521r1", "--label", "large", "--id", "0d"]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        assert_eq!(code(TokenKey::find(&stage.uri("object=large"))), "hsm_pkcs11_unusable");
    }

    fn an_address_means_one_key_or_none(stage: &Stage) {
        let first = TokenKey::generate(&stage.uri("object=one;id=%01"), KeyAlgorithm::EcdsaP256).unwrap();
        assert_eq!(code(TokenKey::generate(&stage.uri("object=one"), KeyAlgorithm::EcdsaP256)), "hsm_pkcs11_key_exists");
        assert_eq!(code(TokenKey::generate(&stage.uri("id=%02"), KeyAlgorithm::EcdsaP256)), "hsm_pkcs11_no_name");
        let alone = TokenKey::find(&stage.uri("type=private")).unwrap();
        assert_eq!(alone.public_key_info().unwrap(), first.public_key_info().unwrap());
        TokenKey::generate(&stage.uri("object=two"), KeyAlgorithm::EcdsaP256).unwrap();
        assert_eq!(code(TokenKey::find(&stage.uri("type=private"))), "hsm_pkcs11_several_keys");
        assert_eq!(code(TokenKey::find(&stage.uri("object=three"))), "hsm_pkcs11_no_key");
        let nowhere = TokenKey::find(&stage.address("token=autre;object=one", "pin")).unwrap_err();
        assert!(nowhere.to_string().contains("shows \"essai\""), "{nowhere}");
    }

    fn an_address_means_one_token(stage: &Stage) {
        stage.token("essai");
        assert_eq!(code(TokenKey::generate(&stage.uri("object=one"), KeyAlgorithm::EcdsaP256)), "hsm_pkcs11_several_tokens");
    }

    fn a_pin_is_read_from_its_place_only(stage: &Stage) {
        TokenKey::generate(&stage.uri("object=key"), KeyAlgorithm::EcdsaP256).unwrap();
        let by = |pin: &str| TokenKey::find(&stage.address("token=essai;object=key", pin));
        stage.secret("wrong", "0000\n");
        assert_eq!(code(by("wrong")), "hsm_pkcs11_pin_refused");
        assert_eq!(code(by("nowhere")), "hsm_pkcs11_pin_unreadable");
        stage.secret("empty", "\n");
        assert_eq!(code(by("empty")), "hsm_pkcs11_pin_unreadable");
        // What was refused is asked again once it was changed.
        stage.secret("wrong", crate::token_stage::PIN);
        by("wrong").unwrap();
        stage.secret("open", crate::token_stage::PIN);
        fs::set_permissions(stage.folder.join("open"), fs::Permissions::from_mode(0o640)).unwrap();
        let open = by("open").unwrap_err();
        assert!(open.code() == "hsm_pkcs11_pin_unreadable" && open.to_string().contains("chmod 600"), "{open}");
        let without = format!("pkcs11:token=essai;object=key?module-path={MODULE}");
        assert_eq!(code(TokenKey::find(&without.parse().unwrap())), "hsm_pkcs11_no_pin");
        // systemd's credentials: a file of the folder that it names.
        fs::create_dir(stage.folder.join("credentials")).unwrap();
        stage.secret("credentials/gate-pin", crate::token_stage::PIN);
        TokenKey::find(&format!("{without}&pin-source=credential:gate-pin").parse().unwrap()).unwrap();
    }

    fn a_pin_that_was_refused_is_not_tried_again_by_whoever_asks_anew(stage: &Stage) {
        stage.secret("wrong", "0000\n");
        // A configuration that is read again, and another address of the same token, are no new reasons to ask: three wrong ones lock most tokens.
        for path in ["token=essai;object=key", "token=essai;object=key", "token=essai;object=other", "model=SoftHSM%20v2;token=essai"] {
            let wrong = stage.folder.join("wrong");
            let uri = format!("pkcs11:{path}?module-path={SPY}&pin-source=file:{}", wrong.display());
            assert_eq!(code(TokenKey::find(&uri.parse().unwrap())), "hsm_pkcs11_pin_refused", "{path}");
        }
        let asked = fs::read_to_string(stage.folder.join("asked")).unwrap();
        assert_eq!(asked.matches("C_Login").count(), 1, "{asked}");
    }

    fn a_token_that_was_away_is_used_again(stage: &Stage) {
        let key = TokenKey::generate(&stage.uri("object=key"), KeyAlgorithm::EcdsaP256).unwrap();
        let public = key.public_key_info().unwrap();
        let signs = || key.sign(Signing::Ecdsa, b"message");
        signs().unwrap();
        let token = stage.pull_out();
        let gone = signs().unwrap_err();
        assert!(gone.is_passing(), "{gone}");
        assert!(signs().unwrap_err().is_passing());
        token.put_back();
        let back = eventually(&signs);
        assert!(openssl_verifies(&stage.folder, &public, &["-sha256"], b"message", &back));
    }

    fn another_key_under_the_name_is_not_taken_for_it(stage: &Stage) {
        let key = TokenKey::generate(&stage.uri("object=key"), KeyAlgorithm::EcdsaP256).unwrap();
        key.sign(Signing::Ecdsa, b"message").unwrap();
        let token = stage.pull_out();
        assert!(key.sign(Signing::Ecdsa, b"message").unwrap_err().is_passing());
        token.put_back();
        let gone = stage.pkcs11_tool(&["--delete-object", "--type", "privkey", "--label", "key"]);
        assert!(gone.status.success(), "{}", String::from_utf8_lossy(&gone.stderr));
        stage.pkcs11_tool(&["--delete-object", "--type", "pubkey", "--label", "key"]);
        let made = stage.pkcs11_tool(&["--keypairgen", "--key-type", "EC:prime256v1", "--label", "key", "--id", "0e"]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let refused = eventually(&|| match key.sign(Signing::Ecdsa, b"message") {
            Err(error) if error.is_passing() => Err(error),
            other => Ok(other.map_err(|error| error.code())),
        });
        assert_eq!(refused, Err("hsm_pkcs11_unusable"));
    }

    fn many_callers_sign_at_once_and_one_of_them_makes_a_key(stage: &Stage) {
        let uri = stage.uri("object=key");
        let made = thread::scope(|scope| {
            let makers: Vec<_> = (0..8).map(|_| scope.spawn(|| TokenKey::generate(&uri, KeyAlgorithm::EcdsaP256))).collect();
            makers.into_iter().filter_map(|maker| maker.join().unwrap().ok()).collect::<Vec<_>>()
        });
        assert_eq!(made.len(), 1);
        let signatures = thread::scope(|scope| {
            let callers: Vec<_> = (0..40).map(|_| scope.spawn(|| {
                (0..20).map(|_| made[0].sign(Signing::Ecdsa, b"message").unwrap()).collect::<Vec<_>>()
            })).collect();
            callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect::<Vec<_>>()
        });
        let public = made[0].public_key_info().unwrap();
        assert_eq!(signatures.len(), 800);
        for signature in signatures.iter().step_by(40) {
            assert!(openssl_verifies(&stage.folder, &public, &["-sha256"], b"message", signature));
        }
    }

    fn a_module_that_is_none_is_named(stage: &Stage) {
        let missing = stage.folder.join("missing.so");
        for module in [missing.to_str().unwrap(), "/lib/x86_64-linux-gnu/libm.so.6"] {
            let uri = format!("pkcs11:token=essai;object=key?module-path={module}").parse().unwrap();
            let error = TokenKey::find(&uri).unwrap_err();
            assert!(error.code() == "hsm_pkcs11_module" && error.to_string().contains(module), "{error}");
        }
    }
}

/// What a call gives once it succeeds: within ten seconds.
fn eventually<T>(call: &dyn Fn() -> Result<T, TokenError>) -> T {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        match call() {
            Ok(done) => return done,
            Err(error) => assert!(error.is_passing() && Instant::now() < until, "{error}"),
        }
        // It answers at once while it is away.
        thread::yield_now();
    }
}
