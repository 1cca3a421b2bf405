//! Strangers who send their bodies slowly take no holder's place at the host of keyrings, and are let go.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use sceau_tests::keyrings::Keyrings;

/// More than the requests that the host has under way at once.
const SLOW: usize = 520;

#[test]
fn slow_bodies_keep_no_holder_waiting() {
    let keyrings = Keyrings::start("keyring-slow");
    let keyring = keyrings.hand_over("k", "Marie Curie");
    let folder = keyrings.scratch.join("terminal");
    keyrings.activate(&keyring, &folder).success();
    let document = keyrings.scratch.write("document", b"x");
    let request = keyrings.request("one", &keyring, &document);
    let address = keyrings.address().trim_start_matches("http://").to_owned();
    let mut slow: Vec<TcpStream> = (0..SLOW).map(|_| TcpStream::connect(&address).unwrap()).collect();
    for stream in &mut slow {
        let head = "POST /v1/keyrings/messages HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 300000\r\n\r\n{";
        stream.write_all(head.as_bytes()).unwrap();
    }
    keyrings.sign(&folder, &request, "pin").success();
    for stream in &mut slow {
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut said = [0; 12];
        stream.read_exact(&mut said).unwrap();
        assert_eq!(&said, b"HTTP/1.1 503");
    }
}
