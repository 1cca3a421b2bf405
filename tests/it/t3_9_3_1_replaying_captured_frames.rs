//! Threat 3.9.3.1, replaying captured frames: everything that a terminal sent is sent again by who stood in between. Nothing is done twice, and nothing is told that was not told before.

use sceau_client::terminal::{Storage, Visitor, enrol_face, sign, sign_with_face};
use sceau_client::{ClientError, Server};
use sceau_keyring::{Capture, Pin};
use sceau_tests::keyrings::{Keyrings, PIN, said, tiny_model};
use sceau_tests::{Liar, Needle, search};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_captured_does_nothing_again() {
    let keyrings = Keyrings::start("keyring-replay");
    let (keyring, folder) = keyrings.activated("k", "Marie Curie");
    let document = keyrings.scratch.write("document", b"x");
    let left = said(&keyrings.leave("sp", &keyring.id, &document).success(), "/request");
    let between = Liar::before(keyrings.address(), keyrings.read("host.pem").as_bytes()).await;
    let (storage, server) = (Storage::at(&folder), Server::new(&between.url(), &Default::default()).unwrap());

    let visitor = Visitor::to(&storage, &server).unwrap();
    let told = visitor.waiting().await.unwrap_err();
    assert_eq!(
        told.code(),
        Some("call_elsewhere"),
        "a visit is to the host that the terminal went to: {told}"
    );
    let direct = keyrings.server();
    let jws = Visitor::to(&storage, &direct).unwrap().fetch(left.parse().unwrap()).await.unwrap();
    sign(&storage, &server, &jws, |_| Ok::<_, ClientError>(Pin::parse(PIN).unwrap())).await.unwrap();
    let state = || keyrings.on(&folder, &["state"]).success();
    let before = state();

    let captured = between.frames("/v1/keyrings/messages");
    assert!(captured.len() >= 3, "a look, a login and a use");
    for frame in &captured {
        let (status, answer) = between.sends(frame).await;
        // The same bytes have the same answer, which its terminal alone opens; or the exchange is over.
        let over = status == 410 || status == 400 || status == 409;
        assert!(answer == frame.answer || over, "{status} {}", String::from_utf8_lossy(&answer));
    }
    for frame in between.frames("/v1/keyrings/visits") {
        let (status, answer) = between.sends(&frame).await;
        assert!((400..500).contains(&status), "{status} {}", String::from_utf8_lossy(&answer));
    }
    for pointer in ["/standing/phase", "/standing/tries", "/standing/done"] {
        assert_eq!(
            said(&state(), pointer),
            said(&before, pointer),
            "nothing was counted, and nothing recorded"
        );
    }
}

/// Of B2: what a terminal sent with a picture of a face shows nobody the face, and is no face once more, in that exchange or another one.
#[tokio::test(flavor = "multi_thread")]
async fn a_face_that_was_captured_on_its_way_is_of_no_use() {
    let keyrings = Keyrings::start_with_faces("keyring-face-replay");
    let (keyring, folder) = keyrings.activated("k", "Marie Curie");
    let document = keyrings.scratch.write("document", b"x");
    let between = Liar::before(keyrings.address(), keyrings.read("host.pem").as_bytes()).await;
    let (storage, server) = (Storage::at(&folder), Server::new(&between.url(), &Default::default()).unwrap());
    let camera = || Ok(Capture::from_ppm(&tiny_model::picture(1, 1)).unwrap());
    let pin = || Pin::parse(PIN).unwrap();
    enrol_face(&storage, &server, |_| Ok::<_, ClientError>(pin()), &camera).await.unwrap();
    let jws = std::fs::read_to_string(keyrings.request("one", &keyring, &document)).unwrap();
    sign_with_face(&storage, &server, &jws, |_| Ok::<_, ClientError>(pin()), &camera).await.unwrap();
    let state = || keyrings.on(&folder, &["state"]).success();
    let before = state();

    let pixels = &tiny_model::picture(1, 1)[11..];
    let template = std::fs::read(folder.join("face.template")).unwrap();
    let needles = [Needle::new("picture", &pixels[..48]), Needle::new("template", &template[..48])];
    let captured = between.frames("/v1/keyrings/messages");
    assert!(captured.len() >= 5, "an enrolment and a use");
    for frame in &captured {
        assert!(
            search("a frame", &frame.body, &needles).is_empty()
                && search("an answer", &frame.answer, &needles).is_empty()
        );
        let (status, answer) = between.sends(frame).await;
        let over = status == 410 || status == 400 || status == 409;
        assert!(answer == frame.answer || over, "{status} {}", String::from_utf8_lossy(&answer));
    }
    for pointer in ["/standing/tries", "/standing/done"] {
        assert_eq!(
            said(&state(), pointer),
            said(&before, pointer),
            "nothing was counted, and nothing recorded"
        );
    }
}
