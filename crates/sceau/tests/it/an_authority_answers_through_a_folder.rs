//! A gate gets its certificate from an authority whose key it never sees: requests and answers pass through a folder, and nothing else in it leads anywhere.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::Value;

use crate::authorities::openssl;
use crate::support::Desk;

/// A program that says when it is ready, and ends with the test.
struct Running(Child);

impl Running {
    fn start(mut command: Command) -> (Self, Value) {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        (Self(child), serde_json::from_str(&ready).unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn house(desk: &Desk) {
    let ec = ["--key-kind", "ecdsa-p256"];
    let root = ["cert", "ca", "root", "--folder", "root", "--name", "CN=RACINE,C=FR"];
    desk.run(&[&root[..], &ec].concat()).ok();
    let below = ["cert", "ca", "intermediate", "--issuer", "root", "--folder", "aci", "--name", "CN=AC,C=FR"];
    desk.run(&[&below[..], &ec].concat()).ok();
    openssl(desk, "x509 -inform DER -in root/authority.cer -out root.pem");
    for part in ["exchange/requests", "exchange/answers"] {
        fs::create_dir_all(desk.path(part)).unwrap();
    }
}

const SIGN: [&str; 9] =
    ["cert", "ca", "sign", "--issuer", "aci", "--folder", "exchange", "--host", "gate.example"];

/// A request by OpenSSL for this host, under the name that its key has, or another.
fn asked(desk: &Desk, host: &str, name: Option<&str>) -> String {
    openssl(
        desk,
        &format!(
            "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout x.key -out x.csr -subj /CN=x -addext subjectAltName=DNS:{host}"
        ),
    );
    openssl(desk, "pkey -in x.key -pubout -outform DER -out x.pub");
    let hash = openssl(desk, "dgst -sha256 -r x.pub");
    let id = name.unwrap_or_else(|| hash.split(' ').next().unwrap()).to_owned();
    fs::rename(desk.path("x.csr"), desk.path(format!("exchange/requests/{id}.csr"))).unwrap();
    id
}

#[test]
fn a_gate_gets_its_certificate_and_never_sees_the_key() {
    let desk = Desk::new();
    house(&desk);
    let settings = r#"
[ca.house]
folder = "exchange"
anchors = ["root.pem"]
state = "state"
[observe]
address = "127.0.0.1:0"
[[listener]]
address = "127.0.0.1:0"
ca = "house"
names = ["gate.example"]
[[listener.route]]
upstream = "http://127.0.0.1:9"
"#;
    desk.write("gate.toml", settings.as_bytes());
    let (_gate, ready) =
        Running::start(desk.sceau(&["gate", "run", "--config", "gate.toml", "--die-with-parent"]));
    let address = ready["addresses"][0].as_str().unwrap().to_owned();
    let shown = || {
        let words = format!(
            "s_client -connect {address} -servername gate.example -verify_return_error -CAfile root.pem"
        );
        let output = Command::new("openssl")
            .args(words.split(' '))
            .current_dir(desk.path(""))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat()
    };
    let before = shown();
    assert!(before.contains("alert access denied"), "{before}");
    let (_sign, _) = Running::start(desk.sceau(&[&SIGN[..], &["--watch", "--die-with-parent"]].concat()));
    let since = Instant::now();
    let said = loop {
        let said = shown();
        if said.contains("CN = gate.example") {
            break said;
        }
        assert!(since.elapsed().as_secs() < 60, "{said}");
    };
    assert!(said.contains("Verify return code: 0 (ok)") && said.contains("CN = AC"), "{said}");
    assert!(fs::read_dir(desk.path("exchange/requests")).unwrap().next().is_none(), "it is answered");
    let answer = fs::read_dir(desk.path("exchange/answers")).unwrap().next().unwrap().unwrap();
    assert_eq!(answer.metadata().unwrap().permissions().mode() & 0o777, 0o644);
    assert!(!fs::read_to_string(answer.path()).unwrap().contains("PRIVATE KEY"));
}

#[test]
fn what_is_not_for_its_hosts_or_is_no_request_is_refused() {
    let desk = Desk::new();
    house(&desk);
    let good = asked(&desk, "gate.example", None);
    let other = asked(&desk, "bank.example", None);
    let both = asked(&desk, "gate.example,DNS:bank.example", None);
    let misnamed = asked(&desk, "gate.example", Some(&"0".repeat(64)));
    let link = "1".repeat(64);
    symlink(desk.path("aci/authority.key"), desk.path(format!("exchange/requests/{link}.csr"))).unwrap();
    let pipe = "2".repeat(64);
    assert!(
        Command::new("mkfifo")
            .arg(desk.path(format!("exchange/requests/{pipe}.csr")))
            .status()
            .unwrap()
            .success()
    );
    desk.write(&format!("exchange/requests/{}.csr", "3".repeat(64)), &vec![b'A'; 1 << 20]);
    desk.write("exchange/requests/..csr", b"x");
    let said = desk.run(&SIGN).ok().text();
    assert!(said.contains("Issued   1") && said.contains("Refused  6"), "{said}");
    let why = |id: &str| fs::read_to_string(desk.path(format!("exchange/answers/{id}.refused"))).unwrap();
    for id in [&other, &both] {
        assert!(why(id).contains("bank.example") && why(id).contains("--host"), "{}", why(id));
    }
    assert!(why(&misnamed).contains("hash of its key"), "{}", why(&misnamed));
    assert!(why(&link).contains("cannot be read") && why(&pipe).contains("no file"));
    fs::copy(desk.path(format!("exchange/answers/{good}.pem")), desk.path("good.pem")).unwrap();
    openssl(&desk, "x509 -inform DER -in aci/authority.cer -out aci.pem");
    let verified = openssl(&desk, "verify -CAfile root.pem -untrusted aci.pem -purpose sslserver good.pem");
    assert!(verified.contains("good.pem: OK"), "{verified}");
    // Once answered is answered: the same key is not asked about twice.
    let said = desk.run(&SIGN).ok().text();
    assert!(said.contains("Issued   0") && said.contains("Refused  0"), "{said}");
}
