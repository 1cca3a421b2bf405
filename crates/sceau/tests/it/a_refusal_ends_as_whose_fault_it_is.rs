//! What a keyfront refuses ends the program by whose fault it is, at whichever call it comes.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::thread::JoinHandle;

use crate::support::Desk;

const DATUM: &str = "nV85gXBBn2sWqSBtpYI5nNgVzPnhAKPOMvVYk2aT1Zg";

/// A keyfront that gives these answers, status and body, one after the other; its address.
fn keyfront(answers: Vec<(u16, String)>) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answering = std::thread::spawn(move || {
        for (status, body) in answers {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some(said) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = said.trim().parse().unwrap();
                }
                if line == "\r\n" {
                    break;
                }
            }
            reader.read_exact(&mut vec![0; length]).unwrap();
            let head = format!(
                "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            reader.into_inner().write_all((head + &body).as_bytes()).unwrap();
        }
    });
    (format!("http://localhost:{port}"), answering)
}

/// With `hr.toml`, an application before this keyfront.
fn desk(keyfront: &str) -> Desk {
    let desk = Desk::new();
    crate::authorities::openssl(&desk, "genpkey -algorithm ED25519 -out hr.key");
    std::fs::set_permissions(desk.path("hr.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
    let application = format!(
        "keyfront = \"{keyfront}\"\naudience = \"log.example.org/log\"\n\
         application = \"9d3c1f0e-5d0e-4b43-9d39-6d2f3a0c1e77\"\nkey = \"hr.key\"\n"
    );
    desk.write("hr.toml", application.as_bytes());
    desk
}

#[test]
fn a_certificate_that_is_refused_leaves_no_file() {
    for (status, code, exit) in [(404, "datum_unknown", 3), (503, "unavailable", 1)] {
        let erased = format!(r#"{{"datum":"{DATUM}","index":7}}"#);
        let refused = format!(r#"{{"code":"{code}","detail":"no such datum"}}"#);
        let (address, answering) = keyfront(vec![(200, erased), (status, refused)]);
        let desk = desk(&address);
        let by = ["erase", "--application", "hr.toml", "--user", "alice", "--datum", DATUM];
        let ran = desk.run(&[&by[..], &["--certificate", "payslip.erasure", "--json"]].concat());
        assert_eq!((ran.code, &ran.error_json()["code"]), (exit, &code.into()), "{}", ran.stderr);
        assert!(ran.stderr.contains("it is erased"), "{}", ran.stderr);
        assert_eq!(desk.names(), ["hr.key", "hr.toml", "passphrase"]);
        answering.join().unwrap();
    }
}
