//! A keyring whose policy asks for the face besides the PIN: enrolled once, compared at each use in a process of its own, by a tiny model that this test makes. How good a real
//! model is, is not tested here.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread::{JoinHandle, spawn};

use sceau_crypto::{Secret, XWingPrivateKey};
use sceau_element_api::Base64Url;
use sceau_keyring::{FaceAnswer, FaceAsk, FaceCall, FaceFault, FaceHello, FaceReply, ServedModel};
use sceau_tests::keyrings::{HandedKeyring, Keyrings, refused, said, tiny_model};
use serde_json::{Value, from_value, to_value};

fn active(name: &str) -> (Keyrings, HandedKeyring, PathBuf) {
    let keyrings = Keyrings::start_with_faces(name);
    let (keyring, folder) = keyrings.activated("k", "Marie Curie");
    keyrings.scratch.write("document", b"x");
    (keyrings, keyring, folder)
}

fn request(keyrings: &Keyrings, keyring: &HandedKeyring, name: &str) -> PathBuf {
    keyrings.request(name, keyring, &keyrings.scratch.join("document"))
}

fn tries(keyrings: &Keyrings, folder: &Path) -> String {
    said(&keyrings.on(folder, &["state"]).success(), "/standing/tries/left")
}

#[test]
fn a_face_is_enrolled_once_and_asked_for_at_each_use() {
    let (keyrings, keyring, folder) = active("keyring-face");
    let one = request(&keyrings, &keyring, "one");
    // Nothing is asked of the element before a face is there, and no PIN is tried.
    assert_eq!(refused(&keyrings.sign(&folder, &one, "pin")), "face_missing");
    assert_eq!(refused(&keyrings.sign_as(&folder, &one, 1)), "face_missing");
    let enrolled = keyrings.enrol(&folder, 2).success();
    assert!(enrolled.stderr.contains("this terminal's folder alone"), "{}", enrolled.stderr);
    // Until it was used, another picture may take its place.
    keyrings.enrol(&folder, 1).success();
    assert_eq!(refused(&keyrings.sign(&folder, &one, "pin")), "face_missing");

    keyrings.sign_as(&folder, &one, 1).success();
    let tasks = std::fs::read_dir(format!("/proc/{}/task", keyrings.biometric_id())).unwrap();
    let status = tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("status")).unwrap());
    let confined: Vec<bool> = status.map(|status| status.contains("Seccomp:\t2\n")).collect();
    assert!(confined.len() > 2 && confined.iter().all(|confined| *confined), "each thread is confined");
    let verified = keyrings.verify(&one, &one, &[]).success();
    assert_eq!(said(&verified, "/factors"), r#"["pin","face"]"#);
    assert_eq!(refused(&keyrings.enrol(&folder, 2)), "face_enrolled");

    // Who a holder is takes it too.
    let login = keyrings.request_identity("login", &keyring, "session");
    assert_eq!(refused(&keyrings.authenticate(&folder, &login, "pin")), "face_missing");
    let (picture, pin) = (keyrings.picture(1, 3), keyrings.scratch.join("pin"));
    let shown = keyrings.terminal("authenticate", &folder).arg("--capture").arg(picture);
    let shown = shown.arg("--pin-file").arg(pin).arg("--out").arg(login.with_extension("proof"));
    shown.arg(&login).run().success();
    assert_eq!(said(&keyrings.verify(&login, &login, &[]).success(), "/factors"), r#"["pin","face"]"#);
}

#[test]
fn another_face_counts_as_a_wrong_pin_and_a_right_pin_takes_none_back() {
    let (keyrings, keyring, folder) = active("keyring-faces");
    keyrings.enrol(&folder, 1).success();
    let one = request(&keyrings, &keyring, "one");
    assert_eq!(refused(&keyrings.sign_as(&folder, &one, 2)), "face_not_matched");
    assert_eq!(tries(&keyrings, &folder), "2");
    // The right PIN, with what is refused before a face is compared: the count stays.
    let template = folder.join("face.template");
    let kept = std::fs::read(&template).unwrap();
    let mut altered = kept.clone();
    altered[20] ^= 1;
    std::fs::write(&template, &altered).unwrap();
    let two = request(&keyrings, &keyring, "two");
    assert_eq!(refused(&keyrings.sign_as(&folder, &two, 1)), "face_invalid");
    assert_eq!(tries(&keyrings, &folder), "2");
    std::fs::write(&template, &kept).unwrap();
    // And so does another template, which nobody used yet.
    keyrings.enrol(&folder, 1).success();
    assert_eq!(tries(&keyrings, &folder), "2");
    keyrings.sign_as(&folder, &two, 1).success();
    assert_eq!(tries(&keyrings, &folder), "3", "PIN and face take it back");

    for (name, left) in [("three", "2"), ("four", "1")] {
        let request = request(&keyrings, &keyring, name);
        assert_eq!(refused(&keyrings.sign_as(&folder, &request, 3)), "face_not_matched");
        assert_eq!(tries(&keyrings, &folder), left);
    }
    let five = request(&keyrings, &keyring, "five");
    assert_eq!(refused(&keyrings.sign_as(&folder, &five, 3)), "face_not_matched");
    assert_eq!(refused(&keyrings.sign_as(&folder, &five, 1)), "keyring_blocked");
}

#[test]
fn without_the_process_nothing_is_signed_and_nothing_is_counted() {
    let (mut keyrings, keyring, folder) = active("keyring-face-away");
    keyrings.enrol(&folder, 1).success();
    keyrings.stop_biometric();
    let one = request(&keyrings, &keyring, "one");
    let told = keyrings.sign_as(&folder, &one, 1);
    assert_eq!(refused(&told), "face_unavailable");
    assert!(told.stderr.contains("away"), "{}", told.stderr);
    assert_eq!(tries(&keyrings, &folder), "3");
    // The holder can still end it: that takes the PIN alone.
    keyrings.start_biometric();
    keyrings.sign_as(&folder, &one, 1).success();
    // With another model than the policy names, as without one.
    keyrings.scratch.write("model.onnx", tiny_model::onnx(2));
    keyrings.start_biometric();
    let two = request(&keyrings, &keyring, "two");
    assert_eq!(refused(&keyrings.sign_as(&folder, &two, 1)), "face_unavailable");
    keyrings.stop_biometric();
    let pin = keyrings.scratch.join("pin");
    keyrings.terminal("destroy", &folder).arg("--pin-file").arg(pin).run().success();
    assert!(!folder.join("face.template").exists(), "nothing of the face is left");
}

/// Somebody else in the place of the process, who has its user: knows no key of templates, and answers what is asked for a face by `lie`. Taken in when this returns.
fn liar(keyrings: &Keyrings, lie: impl Fn(u64) -> FaceReply + Send + 'static) -> JoinHandle<()> {
    fn say(stream: &mut UnixStream, message: serde_json::Result<Value>) {
        let json = message.unwrap().to_string();
        let length = u32::try_from(json.len()).unwrap().to_be_bytes();
        // Who is left may be left before all is written.
        let _ = stream.write_all(&[length.as_slice(), json.as_bytes()].concat());
    }
    fn next(stream: &mut UnixStream) -> Option<Value> {
        let mut length = [0; 4];
        stream.read_exact(&mut length).ok()?;
        let mut json = vec![0; u32::from_be_bytes(length) as usize];
        stream.read_exact(&mut json).ok()?;
        Some(serde_json::from_slice(&json).unwrap())
    }
    let mut stream = UnixStream::connect(keyrings.biometric_socket()).unwrap();
    let model = sceau_trace::sha256(&tiny_model::onnx(1));
    let models = vec![ServedModel { model, width: tiny_model::SIDE, height: tiny_model::SIDE }];
    say(&mut stream, to_value(FaceHello { v: 1, models }));
    assert_eq!(next(&mut stream).unwrap()["v"], 1, "it is welcome");
    spawn(move || {
        let own = XWingPrivateKey::from_seed(Secret::random()).unwrap();
        while let Some(asked) = next(&mut stream) {
            let FaceCall { call, ask } = from_value(asked).unwrap();
            match ask {
                FaceAsk::Session { .. } => {
                    let key = own.recipient_key().public().into();
                    say(&mut stream, to_value(FaceReply { call, answer: FaceAnswer::Session { key } }));
                }
                _ => return say(&mut stream, to_value(lie(call))),
            }
        }
    })
}

#[test]
fn a_process_that_answers_something_else_is_believed_nothing() {
    let (mut keyrings, keyring, folder) = active("keyring-face-lies");
    keyrings.stop_biometric();
    // To an enrolment, that a face matched.
    let lying = liar(&keyrings, |call| FaceReply { call, answer: FaceAnswer::Compared { matched: true } });
    refused(&keyrings.enrol(&folder, 1));
    lying.join().unwrap();
    assert!(!folder.join("face.template").exists());
    keyrings.start_biometric();
    keyrings.enrol(&folder, 1).success();
    keyrings.stop_biometric();
    let template = Base64Url(std::fs::read(folder.join("face.template")).unwrap());
    let one = request(&keyrings, &keyring, "one");
    // To a comparison, what is no answer to it, or an answer to another one.
    let lies: [Box<dyn Fn(u64) -> FaceReply + Send>; 4] = [
        Box::new(move |call| FaceReply { call, answer: FaceAnswer::Enrolled { template: template.clone() } }),
        Box::new(|call| FaceReply { call, answer: FaceAnswer::Session { key: Base64Url(vec![1; 1216]) } }),
        Box::new(|call| FaceReply { call, answer: FaceAnswer::Refused { fault: FaceFault::Failed } }),
        Box::new(|call| FaceReply { call: call + 1, answer: FaceAnswer::Compared { matched: true } }),
    ];
    for lie in lies {
        let lying = liar(&keyrings, lie);
        let told = keyrings.sign_as(&folder, &one, 1);
        assert_ne!(refused(&told), "face_not_matched", "nothing was counted");
        assert!(!one.with_extension("signature").exists());
        lying.join().unwrap();
    }
    assert_eq!(tries(&keyrings, &folder), "3");
    keyrings.start_biometric();
    keyrings.sign_as(&folder, &one, 1).success();
}

#[test]
fn pictures_that_are_none_are_refused_before_a_pin_is_tried() {
    let (keyrings, keyring, folder) = active("keyring-pictures");
    keyrings.enrol(&folder, 1).success();
    let one = request(&keyrings, &keyring, "one");
    let pictures: [(&str, Vec<u8>); 4] = [
        ("empty.ppm", Vec::new()),
        ("garbage.ppm", vec![255; 4000]),
        ("long.ppm", [b"P6\n8 8\n255\n".as_slice(), &[7; 193]].concat()),
        ("vast.ppm", b"P6\n65535 65535\n255\n".to_vec()),
    ];
    let sign = |picture: &Path| {
        let sign = keyrings.terminal("sign", &folder).arg("--out").arg(one.with_extension("signature"));
        let sign = sign.arg("--capture").arg(picture).arg("--pin-file").arg(keyrings.scratch.join("pin"));
        sign.arg(&one).run()
    };
    for (name, bytes) in pictures {
        assert_eq!(refused(&sign(&keyrings.scratch.write(name, bytes))), "face_invalid", "{name}");
    }
    assert_eq!(tries(&keyrings, &folder), "3");
    // One of another size than the model takes is known once the model says so.
    let small = keyrings.scratch.write("other.ppm", tiny_model::picture_of(9, 1, 1));
    assert_eq!(refused(&sign(&small)), "face_invalid");
}

#[test]
fn keyrings_that_ask_for_no_face_take_none() {
    let keyrings = Keyrings::start("keyring-faceless");
    let (keyring, folder) = keyrings.activated("k", "Marie Curie");
    assert_eq!(refused(&keyrings.enrol(&folder, 1)), "face_missing");
    let document = keyrings.scratch.write("document", b"x");
    let request = keyrings.request("one", &keyring, &document);
    keyrings.sign(&folder, &request, "pin").success();
    let proof = std::fs::read_to_string(request.with_extension("proof")).unwrap();
    let payload = Base64Url::decode(proof.split('.').nth(1).unwrap()).unwrap();
    assert!(!String::from_utf8(payload.0).unwrap().contains("factors"), "proofs are as they were");
}
