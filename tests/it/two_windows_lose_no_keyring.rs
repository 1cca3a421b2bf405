//! One terminal, used twice at once, or with nowhere to put what is signed: neither the keyring nor a signature is lost.

use std::fs::{self, File};

use sceau_client::ClientError;
use sceau_client::terminal::{Storage, sign};
use sceau_keyring::Pin;
use sceau_tests::keyrings::{Keyrings, PIN, refused};

#[tokio::test(flavor = "multi_thread")]
async fn two_windows_lose_no_keyring() {
    let keyrings = Keyrings::start("keyring-windows");
    let keyring = keyrings.hand_over("k", "Marie Curie");
    let folder = keyrings.scratch.join("terminal");
    keyrings.activate(&keyring, &folder).success();
    let document = keyrings.scratch.write("document", b"x");
    let server = keyrings.server();
    let request = |name: &str| keyrings.request(name, &keyring, &document);
    // While a holder reads in one window, they agree in another: the first goes by the secret of now.
    let (one, two) = (request("one"), request("two"));
    let one = fs::read_to_string(one).unwrap();
    let storage = Storage::at(&folder);
    let signed = sign(&storage, &server, &one, |_| {
        keyrings.sign(&folder, &two, "pin").success();
        Ok::<_, ClientError>(Pin::parse(PIN).unwrap())
    });
    signed.await.unwrap();
    // Two at the same moment: one is told to wait, and nothing of it is spent.
    let three = request("three");
    let used = File::options().write(true).open(folder.join("lock")).unwrap();
    used.lock().unwrap();
    assert_eq!(refused(&keyrings.sign(&folder, &three, "pin")), "terminal_busy");
    drop(used);
    keyrings.sign(&folder, &three, "pin").success();
    // Where there is no place for what is signed, nothing is; the certificate may be there from the last time.
    let four = request("four");
    fs::copy(three.with_extension("pem"), four.with_extension("pem")).unwrap();
    for taken in ["signature", "proof"] {
        fs::write(four.with_extension(taken), b"of somebody").unwrap();
        refused(&keyrings.sign(&folder, &four, "pin"));
        assert_eq!(fs::read(four.with_extension(taken)).unwrap(), b"of somebody");
        fs::remove_file(four.with_extension(taken)).unwrap();
    }
    keyrings.sign(&folder, &four, "pin").success();
}
