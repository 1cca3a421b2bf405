//! A token that is slow, out of sessions or memory, that loses its login, or does not come back from a call: SoftHSM behind a module that does as it is told
//! (`module/bad_days.c`).

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use sceau_crypto::{Cek, FileId, wrap_cek};
use sceau_hsm::{Error, KeyKind, KeyRef, KeyVersion, Operations as _, Provider as _, pkcs11::TokenKeystore};

use crate::{
    NOW, label,
    token_stage::{Stage, run_in_nss, with_tokens},
};

fn open(stage: &Stage) -> TokenKeystore {
    TokenKeystore::open_or_create(&stage.folder.join("keystore"), &stage.on_bad_days("object=house")).unwrap()
}

fn derives(store: &TokenKeystore, master: &KeyRef) -> Result<[u8; 32], Error> {
    Ok(*store.prf(master, KeyVersion::FIRST, &[b"x"])?[0].expose())
}

/// Derives for so many callers at once, while something else happens: what each was answered.
fn at_once(
    store: &TokenKeystore,
    master: &KeyRef,
    callers: usize,
    meanwhile: impl FnOnce(),
) -> Vec<Result<[u8; 32], Error>> {
    thread::scope(|scope| {
        let threads: Vec<_> = (0..callers).map(|_| scope.spawn(|| derives(store, master))).collect();
        meanwhile();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

with_tokens! {
    fn a_slow_token_is_waited_for_and_its_callers_do_not_wait_in_line(stage: &Stage) {
        let store = open(stage);
        let master = store.create_master(&label("master"), NOW).unwrap();
        let expected = derives(&store, &master).unwrap();
        stage.order("C_Sign hang");
        let answers = at_once(&store, &master, 32, || {
            until(|| asked(stage).matches("C_Sign hangs").count() == 16);
            stage.order("C_Sign delay 250");
        });
        assert!(answers.into_iter().all(|answer| answer.unwrap() == expected));
    }

    fn a_token_with_few_sessions_serves_all_who_wait_for_one(stage: &Stage) {
        let store = open(stage);
        let master = store.create_master(&label("master"), NOW).unwrap();
        let expected = derives(&store, &master).unwrap();
        // CKR_SESSION_COUNT for every further one.
        stage.order("C_OpenSession answer 0xB1\nC_Sign delay 20");
        let answers = at_once(&store, &master, 40, || ());
        assert!(answers.into_iter().all(|answer| answer.unwrap() == expected));
    }

    fn a_token_that_is_out_of_sessions_or_memory_is_busy_and_used_again(stage: &Stage) {
        let store = open(stage);
        let master = store.create_master(&label("master"), NOW).unwrap();
        let expected = derives(&store, &master).unwrap();
        // CKR_DEVICE_MEMORY, CKR_HOST_MEMORY, and CKR_SESSION_COUNT where no session is left.
        for orders in [
            "C_SignInit answer 0x31",
            "C_Sign answer 0x2",
            "C_OpenSession answer 0xB1\nC_Sign answer 0x30",
        ] {
            stage.order(orders);
            let answers = at_once(&store, &master, 8, || ());
            for refused in answers {
                let error = refused.unwrap_err();
                assert!(error.is_passing(), "{orders}: {error}");
            }
            stage.order("");
            assert_eq!(eventually(|| derives(&store, &master)), expected);
        }
    }

    fn a_login_that_was_lost_is_made_anew_for_whoever_asks(stage: &Stage) {
        let store = open(stage);
        let master = store.create_master(&label("master"), NOW).unwrap();
        let expected = derives(&store, &master).unwrap();
        // CKR_USER_NOT_LOGGED_IN, CKR_SESSION_HANDLE_INVALID, CKR_DEVICE_ERROR: once each.
        for answer in ["0x101", "0xB3", "0x30"] {
            stage.order(&format!("C_SignInit answer {answer} once"));
            assert_eq!(derives(&store, &master).unwrap(), expected, "{answer}");
        }
    }

    fn a_call_that_hangs_keeps_nobody_else_waiting(stage: &Stage) {
        let store = open(stage);
        let master = store.create_master(&label("master"), NOW).unwrap();
        let other = store.generate(KeyKind::RsaOaep256, &label("rsa"), NOW).unwrap();
        let (file, cek) = (FileId::random(), Cek::random());
        let stanza = wrap_cek(&store.recipient_key(&other).unwrap(), &file, &cek);
        let expected = derives(&store, &master).unwrap();
        assert_eq!(store.unwrap_cek(&other, &file, &stanza).unwrap(), cek);
        stage.order("C_Sign hang");
        thread::scope(|scope| {
            let hanging = scope.spawn(|| derives(&store, &master));
            until_asked(stage, "C_Sign hangs");
            assert_eq!(store.unwrap_cek(&other, &file, &stanza).unwrap(), cek, "another call goes on");
            stage.order("");
            assert_eq!(hanging.join().unwrap().unwrap(), expected);
        });
    }

    fn when_all_sessions_hang_who_comes_is_told_after_five_seconds(stage: &Stage) {
        let store = open(stage);
        let master = store.create_master(&label("master"), NOW).unwrap();
        let expected = derives(&store, &master).unwrap();
        stage.order("C_Sign hang");
        thread::scope(|scope| {
            let hanging: Vec<_> = (0..16).map(|_| scope.spawn(|| derives(&store, &master))).collect();
            until(|| asked(stage).matches("C_Sign hangs").count() == 16);
            let began = Instant::now();
            let told = derives(&store, &master).unwrap_err();
            assert_eq!(told.code(), "hsm_pkcs11_busy", "{told}");
            assert!(told.is_passing() && began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
            stage.order("");
            for hanging in hanging {
                assert_eq!(hanging.join().unwrap().unwrap(), expected);
            }
        });
        assert_eq!(derives(&store, &master).unwrap(), expected);
    }
}

/// Softoken undoes RSA-OAEP with SHA-256 by itself: here it is told not to do bare RSA, so that nothing else opens anything.
#[test]
fn a_token_that_undoes_oaep_by_itself_is_asked_for_that() {
    let name = concat!(module_path!(), "::a_token_that_undoes_oaep_by_itself_is_asked_for_that");
    run_in_nss(name, |stage| {
        // CKM_RSA_X_509.
        stage.order("C_DecryptInit without 3");
        let store = open(stage);
        let key = store.generate(KeyKind::RsaOaep256, &label("rsa"), NOW).unwrap();
        let (file, cek) = (FileId::random(), Cek::random());
        let public = store.recipient_key(&key).unwrap();
        let stanza = wrap_cek(&public, &file, &cek);
        assert_eq!(store.unwrap_cek(&key, &file, &stanza).unwrap(), cek);
        let modulus = public.rsa_modulus().unwrap().to_vec();
        for wrapped in [vec![0; 384], vec![0xff; 384], vec![1; 383], vec![1; 385], Vec::new(), modulus] {
            let refused = store.unwrapping().unwrap().unwrap_cek(&key, &file, &wrapped).unwrap_err();
            assert_eq!(refused.code(), "envelope_unwrap");
            assert_eq!(store.unwrap_cek(&key, &file, &stanza).unwrap(), cek);
        }
        // Nor is CKM_RSA_PKCS_OAEP there any more: the fault is the token's, and is said to be.
        stage.order("C_DecryptInit without 3\nC_DecryptInit without 9");
        assert_eq!(store.unwrap_cek(&key, &file, &stanza).unwrap_err().code(), "hsm_pkcs11_unusable");
    });
}

fn asked(stage: &Stage) -> String {
    fs::read_to_string(stage.folder.join("orders.told")).unwrap_or_default()
}

fn until_asked(stage: &Stage, line: &str) {
    until(|| asked(stage).contains(line));
}

fn until(mut is: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !is() {
        assert!(Instant::now() < end, "it did not come to that");
        thread::yield_now();
    }
}

/// What a call gives once it succeeds.
fn eventually<T>(call: impl Fn() -> Result<T, Error>) -> T {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        match call() {
            Ok(done) => return done,
            Err(error) => assert!(error.is_passing() && Instant::now() < end, "{error}"),
        }
        thread::yield_now();
    }
}
