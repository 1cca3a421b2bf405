//! One suite over every provider. To add one: a function that makes an empty, opened provider, and a line in `every_provider`.

use sceau_crypto::jose::jwe::{EncryptionKey, KeyAlgorithm};
use sceau_crypto::jose::{PublicJwk, Statement, StatementError, rs256_input, rs256_token};
use sceau_crypto::{Cek, Derivation, FileId, Label, Secret, Typ, hmac, jws, wrap_cek};
use sceau_hsm::{
    Error, HolderAlgorithm, HolderKey, HolderPlace, KeyKind, KeyRef, KeyState, KeyUri, KeyVersion,
    Operations, Provider, PublicKey, Together,
};

use sceau_pki::{DigestVerifier, KeyFamily};

use crate::{NOW, label};

/// Runs each behaviour on a new provider of a sort.
macro_rules! suite {
    ($provider:ident, $make:path: $($behaviour:ident),* $(,)?) => {
        mod $provider {
            $(#[test] fn $behaviour() {
                use super::AsProvider;
                let folder = tempfile::tempdir().unwrap();
                let provider = $make(folder.path());
                super::$behaviour(AsProvider::provider(&provider));
            })*
        }
    };
}

/// The same in a token, each behaviour in a process of its own.
macro_rules! suite_in_tokens {
    ($tokens:ident, $run:path, $uri:ident: $($behaviour:ident),* $(,)?) => {
        mod $tokens {
            $(#[test] fn $behaviour() {
                $run(concat!(module_path!(), "::", stringify!($behaviour)), |stage| {
                    let folder = stage.folder.join("keystore");
                    let store = sceau_hsm::pkcs11::TokenKeystore::create(&folder, &stage.$uri("object=house"));
                    super::$behaviour(&store.unwrap());
                });
            })*
        }
    };
}

/// What a function of a suite gives: a provider, or one with what it stands on.
trait AsProvider {
    fn provider(&self) -> &dyn Provider;
}

impl AsProvider for sceau_hsm::SoftwareKeystore {
    fn provider(&self) -> &dyn Provider {
        self
    }
}

impl AsProvider for crate::vault_stage::Both {
    fn provider(&self) -> &dyn Provider {
        &**self
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    result.unwrap_err().code()
}

fn signs_what_the_public_key_verifies(provider: &dyn Provider) {
    let key = provider.generate(KeyKind::Ed25519, &label("root"), NOW).unwrap();
    let public = provider.verifying_key(&key).unwrap();
    let signature = provider.sign(&key, b"message").unwrap();
    assert!(public.verifies(b"message", &signature));
    assert!(!public.verifies(b"massage", &signature));
    let statement = provider.sign_jws(&key, Typ::Decision, b"{}").unwrap();
    assert_eq!(jws::verify(&statement, Typ::Decision, &public).unwrap(), b"{}");
}

fn signs_tokens_by_rsa(provider: &dyn Provider) {
    let Some(signing) = provider.signing_rs256() else {
        assert_eq!(code(provider.generate(KeyKind::Rs256, &label("tokens"), NOW)), "hsm_unsupported");
        return;
    };
    let key = provider.generate(KeyKind::Rs256, &label("tokens"), NOW).unwrap();
    let public = provider.rs256_key(&key).unwrap();
    let token = |claims: &[u8]| {
        let input = rs256_input("JWT", public.kid().unwrap(), claims);
        let signature = signing.sign_rs256(&key, input.as_bytes()).unwrap();
        Statement::parse(&rs256_token(input, &signature)).unwrap()
    };
    assert_eq!(public.verify(&token(b"{}")).unwrap(), b"{}");
    let other = provider.generate(KeyKind::Rs256, &label("others"), NOW).unwrap();
    let other = provider.rs256_key(&other).unwrap();
    assert_eq!(other.verify(&token(b"{}")), Err(StatementError::Signature));
    let unwraps = provider.generate(KeyKind::RsaOaep256, &label("unwraps"), NOW).unwrap();
    assert_eq!(code(provider.sign_rs256(&unwraps, b"")), "hsm_wrong_kind");
    provider.set_state(&key, KeyState::Disabled).unwrap();
    assert_eq!(code(provider.sign_rs256(&key, b"")), "hsm_key_disabled");
}

fn unwraps_its_own_content_keys_only(provider: &dyn Provider) {
    for kind in [KeyKind::HpkeXWing, KeyKind::RsaOaep256] {
        let key =
            provider.generate(kind, &label(&format!("mine-{}", kind.as_str().to_lowercase())), NOW).unwrap();
        let other =
            provider.generate(kind, &label(&format!("other-{}", kind.as_str().to_lowercase())), NOW).unwrap();
        let (file, cek) = (FileId::random(), Cek::random());
        let stanza = wrap_cek(&provider.recipient_key(&key).unwrap(), &file, &cek);
        assert_eq!(provider.unwrap_cek(&key, &file, &stanza).unwrap(), cek);

        assert_eq!(code(provider.unwrap_cek(&other, &file, &stanza)), "hsm_not_for_this_key");
        let mut renamed = stanza.clone();
        renamed.key_id = provider.recipient_key(&other).unwrap().key_id();
        assert_eq!(code(provider.unwrap_cek(&other, &file, &renamed)), "envelope_unwrap");
        let mut altered = stanza.clone();
        *altered.wrapped.last_mut().unwrap() ^= 1;
        assert_eq!(code(provider.unwrap_cek(&key, &file, &altered)), "envelope_unwrap");
        if kind == KeyKind::HpkeXWing {
            assert_eq!(code(provider.unwrap_cek(&key, &FileId::random(), &stanza)), "envelope_unwrap");
        }
    }
}

fn signs_with_holders_keys_by_master_and_secret_together(provider: &dyn Provider) {
    const P256: HolderAlgorithm = HolderAlgorithm::EcdsaP256;
    let (secret, other) = (Secret::random(), Secret::random());
    let place = HolderPlace { context: &[1; 32], secret: &secret };
    if provider.holding().is_none() {
        let any = provider.generate(KeyKind::RsaOaep256, &label("any"), NOW).unwrap();
        assert_eq!(code(provider.prepare_holder_keys(&any, NOW)), "hsm_unsupported");
        return assert_eq!(code(provider.make_holder_key(&any, &place, P256)), "hsm_unsupported");
    }
    let master = provider.create_master(&label("holders"), NOW).unwrap();
    let kept = provider.prepare_holder_keys(&master, NOW).unwrap();
    assert_eq!(kept, provider.prepare_holder_keys(&master, NOW + 1).unwrap(), "at each start");
    let digests = [[7; 32], [8; 32]];
    let rsa = provider.make_holder_key(&master, &place, HolderAlgorithm::Rsa3072).unwrap();
    let signed = provider.sign_with_holder_key(&master, &place, &rsa, &digests).unwrap();
    assert!(signed.iter().all(|signature| signature.len() == 384) && signed[0] != signed[1]);
    let key = provider.make_holder_key(&master, &place, P256).unwrap();
    let by_p256 = provider.sign_with_holder_key(&master, &place, &key, &digests).unwrap();
    assert_eq!(by_p256.len(), 2);
    for (family, key, signed) in [(KeyFamily::Rsa, &rsa, signed), (KeyFamily::P256, &key, by_p256)] {
        let verifier = DigestVerifier::of(family, &key.spki).unwrap();
        for (digest, signature) in digests.iter().zip(&signed) {
            assert!(verifier.verifies(digest, signature) && !verifier.verifies(&[9; 32], signature));
        }
    }
    assert!(!key.wrapped.windows(32).any(|part| part == secret.expose()));

    // Under the version that wrapped it, also when there is a next one.
    provider.rotate(&master, NOW).unwrap();
    provider.sign_with_holder_key(&master, &place, &key, &digests).unwrap();
    assert_eq!(provider.make_holder_key(&master, &place, P256).unwrap().version.number(), 2);

    let refused = |master: &KeyRef, place: HolderPlace<'_>, key: &HolderKey| {
        code(provider.sign_with_holder_key(master, &place, key, &digests))
    };
    assert_eq!(refused(&master, HolderPlace { secret: &other, ..place }, &rsa), "blob_refused");
    assert_eq!(refused(&master, HolderPlace { secret: &other, ..place }, &key), "blob_refused");
    assert_eq!(refused(&master, HolderPlace { context: &[2; 32], ..place }, &key), "blob_refused");
    let mut altered = key.clone();
    *altered.wrapped.last_mut().unwrap() ^= 1;
    assert_eq!(refused(&master, place, &altered), "blob_refused");
    // Its first octet says how it is kept, and is bound too.
    for turned in 1..=u8::MAX {
        let mut other = key.clone();
        other.wrapped[0] ^= turned;
        let refused = refused(&master, place, &other);
        assert!(refused.starts_with("blob_"), "{turned}: {refused}");
    }
    let foreign = provider.create_master(&label("foreign"), NOW).unwrap();
    assert_eq!(refused(&foreign, place, &key), "blob_refused");
}

/// A content key, wrapped to a key's public part by RSA-OAEP with this hash, whatever the key is for.
fn wrapped_by(algorithm: KeyAlgorithm, public: &PublicJwk) -> (Cek, Vec<u8>) {
    let mut jwk: serde_json::Value = serde_json::from_str(&public.to_json()).unwrap();
    jwk["alg"] = algorithm.name().into();
    let key = EncryptionKey::parse(jwk.to_string().as_bytes(), &[algorithm]).unwrap();
    let (cek, wrapped) = key.trial().unwrap();
    (Cek::from_slice(cek.expose()).unwrap(), wrapped)
}

fn unwraps_by_sha1_under_keys_of_their_own(provider: &dyn Provider) {
    const SHA1: KeyAlgorithm = KeyAlgorithm::DangerRsaOaepSha1;
    if provider.danger_unwrapping().is_none() {
        let refused = provider.generate(KeyKind::DangerRsaOaepSha1, &label("older"), NOW);
        return assert_eq!(code(refused), "hsm_unsupported");
    }
    let key = provider.generate(KeyKind::DangerRsaOaepSha1, &label("older"), NOW).unwrap();
    let public = provider.danger_sha1_key(&key).unwrap();
    let (cek, wrapped) = wrapped_by(SHA1, &public);
    assert_eq!(provider.danger_unwrap_sha1(&key, &wrapped).unwrap(), cek);

    let other = provider.generate(KeyKind::DangerRsaOaepSha1, &label("others"), NOW).unwrap();
    let mut altered = wrapped.clone();
    *altered.last_mut().unwrap() ^= 1;
    let by_sha256 = wrapped_by(KeyAlgorithm::RsaOaep256, &public).1;
    for (key, refused) in [
        (&other, wrapped.as_slice()),
        (&key, &altered),
        (&key, &by_sha256),
        (&key, &[0; 384]),
        (&key, &[0xff; 384]),
        (&key, &wrapped[1..]),
        (&key, &[]),
    ] {
        assert_eq!(code(provider.danger_unwrap_sha1(key, refused)), "envelope_unwrap");
        // Nobody else waits for it.
        assert!(
            provider
                .danger_unwrap_sha1(&other, &wrapped_by(SHA1, &provider.danger_sha1_key(&other).unwrap()).1)
                .is_ok()
        );
    }
    // Neither of envelopes, nor the other way round.
    assert_eq!(code(provider.recipient_key(&key)), "hsm_wrong_kind");
    let unwraps = provider.unwrapping().unwrap().unwrap_cek(&key, &FileId::random(), &by_sha256);
    assert!(unwraps.is_err());
    let recipient = provider.generate(KeyKind::RsaOaep256, &label("unwraps"), NOW).unwrap();
    assert!(provider.danger_unwrap_sha1(&recipient, &wrapped).is_err());
    provider.set_state(&key, KeyState::Disabled).unwrap();
    assert_eq!(code(provider.danger_unwrap_sha1(&key, &wrapped)), "hsm_key_disabled");
}

fn authenticates_under_separate_keys(provider: &dyn Provider) {
    let one = provider.generate(KeyKind::HmacSha256, &label("one"), NOW).unwrap();
    let other = provider.generate(KeyKind::HmacSha256, &label("other"), NOW).unwrap();
    let tag = provider.mac(&one, &[b"ab", b"c"]).unwrap();
    assert_eq!(tag, provider.mac(&one, &[b"abc"]).unwrap());
    assert_ne!(tag, provider.mac(&one, &[b"abd"]).unwrap());
    assert_ne!(tag, provider.mac(&other, &[b"abc"]).unwrap());
    assert_ne!(tag, hmac(&[0; 32], &[b"abc"]), "not the key of nobody");
}

fn seals_for_one_place(provider: &dyn Provider) {
    let key = provider.generate(KeyKind::Aes256Gcm, &label("state"), NOW).unwrap();
    let other = provider.generate(KeyKind::Aes256Gcm, &label("other"), NOW).unwrap();
    let sealed = provider.seal(&key, b"here", b"secret").unwrap();
    assert!(!sealed.windows(6).any(|window| window == b"secret"));
    assert_ne!(sealed, provider.seal(&key, b"here", b"secret").unwrap());
    assert_eq!(provider.open(&key, b"here", &sealed).unwrap().expose(), b"secret");
    assert_eq!(code(provider.open(&key, b"there", &sealed)), "blob_refused");
    assert_eq!(code(provider.open(&other, b"here", &sealed)), "blob_refused");
    assert_eq!(code(provider.open(&key, b"here", &sealed[..9])), "blob_malformed");
}

fn what_is_sealed_together_opens_by_itself_and_each_in_its_place_alone(provider: &dyn Provider) {
    let key = provider.generate(KeyKind::Aes256Gcm, &label("state"), NOW).unwrap();
    let other = provider.generate(KeyKind::Aes256Gcm, &label("other"), NOW).unwrap();
    let together = Together::default();
    let seal = |key, context: &[u8]| provider.seal_together(key, context, b"secret", &together).unwrap();
    let sealed = [seal(&key, b"one"), seal(&key, b"two"), seal(&other, b"one"), seal(&key, b"one")];
    assert_ne!(sealed[0], sealed[3]);
    if provider.rotating().is_some() {
        provider.rotate(&key, NOW).unwrap();
    }
    let anew = seal(&key, b"one");
    let alone = provider.seal(&key, b"one", b"secret").unwrap();
    // By itself, among those that it was sealed with, and among others.
    let open = |key, context: &[u8], sealed: &[u8]| {
        let opened = provider.open(key, context, sealed);
        for with in [&together, &Together::default()] {
            let among = provider.open_together(key, context, sealed, with);
            match &opened {
                Ok(secret) => assert_eq!(secret.expose(), among.unwrap().expose()),
                Err(error) => assert_eq!(error.code(), code(among)),
            }
        }
        opened
    };
    for (key, context, sealed) in [
        (&key, b"one", &sealed[0]),
        (&key, b"two", &sealed[1]),
        (&other, b"one", &sealed[2]),
        (&key, b"one", &anew),
        (&key, b"one", &alone),
    ] {
        assert_eq!(open(key, context, sealed).unwrap().expose(), b"secret");
    }
    assert_eq!(code(open(&key, b"two", &sealed[0])), "blob_refused");
    assert_eq!(code(open(&key, b"one", &sealed[2])), "blob_refused");
    assert_eq!(code(open(&key, b"one", &sealed[0][..9])), "blob_malformed");
    provider.set_state(&key, KeyState::Disabled).unwrap();
    let refused = provider.seal_together(&key, b"one", b"secret", &together);
    assert_eq!(refused.unwrap_err().code(), "hsm_key_disabled");
    assert_eq!(code(open(&key, b"one", &sealed[0])), "hsm_key_disabled");
}

fn a_key_serves_one_purpose(provider: &dyn Provider) {
    for kind in KeyKind::ALL {
        let lacks = match kind {
            KeyKind::Rs256 => provider.signing_rs256().is_none(),
            KeyKind::DangerRsaOaepSha1 => provider.danger_unwrapping().is_none(),
            _ => false,
        };
        if lacks {
            continue;
        }
        let key = provider.generate(kind, &label(&kind.as_str().to_lowercase()), NOW).unwrap();
        let allowed = [
            provider.sign(&key, b"").is_ok(),
            provider.unwrapping().unwrap().unwrap_cek(&key, &FileId::random(), b"x").is_err_and(is_unwrap),
            provider.mac(&key, &[]).is_ok(),
            provider.seal(&key, b"", b"").is_ok(),
            provider.prf(&key, KeyVersion::FIRST, &[b""]).is_ok(),
            provider.sign_rs256(&key, b"").is_ok(),
            provider.danger_unwrap_sha1(&key, b"x").is_err_and(is_unwrap),
        ];
        let expected = [
            kind == KeyKind::Ed25519,
            kind.recipient_suite().is_some(),
            kind == KeyKind::HmacSha256,
            kind == KeyKind::Aes256Gcm,
            kind == KeyKind::PrfHmacSha256,
            kind == KeyKind::Rs256,
            kind == KeyKind::DangerRsaOaepSha1,
        ];
        assert_eq!(allowed, expected, "{kind}");
        let public = provider.public(&key).unwrap();
        let signs = matches!(kind, KeyKind::Ed25519 | KeyKind::Rs256);
        let unwraps = kind.recipient_suite().is_some() || kind == KeyKind::DangerRsaOaepSha1;
        let signs_or_unwraps = signs || unwraps;
        assert_eq!(public != PublicKey::None, signs_or_unwraps);
        let prf = provider.prf(&key, KeyVersion::FIRST, &[b""]).err();
        for refused in
            [provider.sign(&key, b"").err(), provider.mac(&key, &[]).err(), prf].into_iter().flatten()
        {
            assert_eq!(refused.code(), "hsm_wrong_kind");
        }
    }
}

fn is_unwrap(error: Error) -> bool {
    matches!(error, Error::Unwrap(_))
}

fn derives_from_separate_masters(provider: &dyn Provider) {
    let master = provider.create_master(&label("tenant-a"), NOW).unwrap();
    assert_eq!(provider.create_master(&label("tenant-a"), NOW).unwrap(), master, "there is one");
    let other = provider.create_master(&label("tenant-b"), NOW).unwrap();
    let first = KeyVersion::FIRST;
    let both = provider.prf(&master, first, &[b"one", b"two"]).unwrap();
    assert_eq!(both[0], provider.prf(&master, first, &[b"one"]).unwrap()[0]);
    assert_eq!(both[1], provider.prf(&master, first, &[b"two"]).unwrap()[0]);
    assert_ne!(both[0], both[1]);
    assert_ne!(both[0], provider.prf(&other, first, &[b"one"]).unwrap()[0]);
    assert_ne!(both[0].expose(), &hmac(&[0; 32], &[b"one"]), "not the key of nobody");
    assert_eq!(code(provider.prf(&master, KeyVersion::new(2).unwrap(), &[b"one"])), "hsm_no_version");
    assert!(provider.prf(&master, first, &[]).unwrap().is_empty());

    let of = |salt: u8| Derivation::<64>::new(Label::DatumKey, &[b"owner", b"datum", &[salt; 32]]);
    let keys = provider.derive_all(&master, first, &[of(1), of(2), of(3)]).unwrap();
    for (salt, key) in (1..).zip(&keys) {
        assert_eq!(key, &provider.derive(&master, first, &of(salt)).unwrap());
    }
    assert_ne!(keys[0], keys[1]);
    let asked = of(1).inputs();
    let outputs = provider.prf(&master, first, &[&asked[0], &asked[1]]).unwrap();
    assert_eq!(keys[0].expose()[..32], outputs[0].expose()[..]);
    assert_eq!(keys[0].expose()[32..], outputs[1].expose()[..]);
}

fn a_new_version_leaves_what_old_ones_sealed_and_derived(provider: &dyn Provider) {
    let master = provider.create_master(&label("master"), NOW).unwrap();
    let state = provider.generate(KeyKind::Aes256Gcm, &label("state"), NOW).unwrap();
    let signs = provider.generate(KeyKind::Ed25519, &label("root"), NOW).unwrap();
    assert_eq!(code(provider.rotate(&signs, NOW)), "hsm_unsupported");
    if provider.rotating().is_none() {
        assert_eq!(code(provider.rotate(&master, NOW)), "hsm_unsupported");
        return;
    }
    let (mut sealed, mut derived) = (Vec::new(), Vec::new());
    for number in 1..4 {
        let version = KeyVersion::new(number).unwrap();
        for key in [&master, &state] {
            assert_eq!(provider.find(key.uri()).unwrap().version, version);
        }
        sealed.push(provider.seal(&state, b"here", &[u8::try_from(number).unwrap()]).unwrap());
        derived.push((version, provider.prf(&master, version, &[b"x"]).unwrap()));
        assert_eq!(provider.rotate(&master, NOW).unwrap().number(), number + 1);
        assert_eq!(provider.rotate(&state, NOW).unwrap().number(), number + 1);
    }
    for (number, sealed) in (1..).zip(&sealed) {
        assert_eq!(provider.open(&state, b"here", sealed).unwrap().expose(), [number]);
        assert_eq!(code(provider.open(&state, b"there", sealed)), "blob_refused");
    }
    for (version, output) in &derived {
        assert_eq!(&provider.prf(&master, *version, &[b"x"]).unwrap(), output);
    }
    assert_ne!(derived[0].1, derived[1].1);
    provider.set_state(&master, KeyState::Disabled).unwrap();
    assert_eq!(code(provider.rotate(&master, NOW)), "hsm_key_disabled");
    assert_eq!(code(provider.prf(&master, KeyVersion::FIRST, &[b"x"])), "hsm_key_disabled");
}

fn disabling_stops_every_use_and_is_reversible(provider: &dyn Provider) {
    let key = provider.generate(KeyKind::Ed25519, &label("root"), NOW).unwrap();
    let public = provider.verifying_key(&key).unwrap();
    provider.set_state(&key, KeyState::Disabled).unwrap();
    assert_eq!(code(provider.sign(&key, b"m")), "hsm_key_disabled");
    assert_eq!(provider.find(key.uri()).unwrap().state, KeyState::Disabled);
    assert_eq!(provider.verifying_key(&key).unwrap(), public);
    provider.set_state(&key, KeyState::Active).unwrap();
    assert!(public.verifies(b"m", &provider.sign(&key, b"m").unwrap()));
}

fn a_destroyed_key_is_gone_and_its_name_is_free(provider: &dyn Provider) {
    let key = provider.generate(KeyKind::Ed25519, &label("root"), NOW).unwrap();
    let before = provider.verifying_key(&key).unwrap();
    provider.destroy(&key).unwrap();
    assert_eq!(code(provider.sign(&key, b"m")), "hsm_key_not_found");
    assert_eq!(code(provider.public(&key)), "hsm_key_not_found");
    assert_eq!(code(provider.find(key.uri())), "hsm_key_not_found");
    assert_eq!(code(provider.destroy(&key)), "hsm_key_not_found");
    assert_eq!(code(provider.set_state(&key, KeyState::Active)), "hsm_key_not_found");
    assert!(provider.list().unwrap().is_empty());
    let again = provider.generate(KeyKind::Ed25519, &label("root"), NOW).unwrap();
    assert_ne!(provider.verifying_key(&again).unwrap(), before);
}

fn keys_are_found_by_address(provider: &dyn Provider) {
    let key = provider.generate(KeyKind::HmacSha256, &label("b.2026-1"), NOW).unwrap();
    provider.generate(KeyKind::Ed25519, &label("a"), NOW + 1).unwrap();
    let uri: KeyUri = format!("{}:b.2026-1", provider.scheme()).parse().unwrap();
    let entry = provider.find(&uri).unwrap();
    assert_eq!((entry.key, entry.created, entry.state), (key.clone(), NOW, KeyState::Active));
    let labels: Vec<_> = provider.list().unwrap().iter().map(|entry| entry.key.label().to_string()).collect();
    assert_eq!(labels, ["a", "b.2026-1"]);
    assert_eq!(code(provider.find(&"elsewhere:a".parse().unwrap())), "hsm_key_not_found");

    assert_eq!(code(provider.generate(KeyKind::HmacSha256, key.label(), NOW)), "hsm_key_exists");
    assert_eq!(provider.find_or_generate(KeyKind::HmacSha256, key.label(), NOW).unwrap(), key);
    assert_eq!(code(provider.find_or_generate(KeyKind::Ed25519, key.label(), NOW)), "hsm_wrong_kind");
}

fn of_two_who_make_the_same_key_one_does(provider: &dyn Provider) {
    let made: Vec<_> = std::thread::scope(|scope| {
        let make = || provider.generate(KeyKind::Ed25519, &label("root"), NOW);
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(make)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let (winners, losers): (Vec<_>, Vec<_>) = made.into_iter().partition(Result::is_ok);
    assert_eq!((winners.len(), losers.len()), (1, 3));
    assert!(losers.into_iter().all(|lost| code(lost) == "hsm_key_exists"));
}

/// Every behaviour, of every provider.
macro_rules! every_provider {
    ($($behaviour:ident),* $(,)?) => {
        suite!(software, crate::keystore: $($behaviour),*);
        suite!(vault, crate::vault_stage::keystore: $($behaviour),*);
        suite_in_tokens!(pkcs11, crate::token_stage::run, uri: $($behaviour),*);
        // Another maker's, which undoes RSA-OAEP with SHA-256 by itself and has no EdDSA.
        suite_in_tokens!(pkcs11_of_nss, crate::token_stage::run_in_nss, on_bad_days: $($behaviour),*);
    };
}

every_provider!(
    signs_what_the_public_key_verifies,
    signs_tokens_by_rsa,
    unwraps_its_own_content_keys_only,
    unwraps_by_sha1_under_keys_of_their_own,
    signs_with_holders_keys_by_master_and_secret_together,
    authenticates_under_separate_keys,
    seals_for_one_place,
    what_is_sealed_together_opens_by_itself_and_each_in_its_place_alone,
    a_key_serves_one_purpose,
    derives_from_separate_masters,
    a_new_version_leaves_what_old_ones_sealed_and_derived,
    disabling_stops_every_use_and_is_reversible,
    a_destroyed_key_is_gone_and_its_name_is_free,
    keys_are_found_by_address,
    of_two_who_make_the_same_key_one_does,
);
