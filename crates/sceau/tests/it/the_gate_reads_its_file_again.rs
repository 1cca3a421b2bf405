//! `sceau gate`: looks at a file without leaving a trace, and takes up other certificates at SIGHUP while it runs.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::Instant,
};

use serde_json::Value;

use crate::support::Desk;

/// A certificate of a server of this machine, and its key.
fn certificate(desk: &Desk, organisation: &str) {
    let words = format!(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout new.key -out new.pem -days 2 \
         -subj /O={organisation}/CN=localhost -addext subjectAltName=DNS:localhost"
    );
    let mut openssl = Command::new("openssl");
    let made = openssl.args(words.split_whitespace()).current_dir(desk.path("")).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    for (new, name) in [("new.key", "server.key"), ("new.pem", "server.pem")] {
        std::fs::rename(desk.path(new), desk.path(name)).unwrap();
    }
}

/// What curl gets, where it believes the server's certificate of now.
fn asked(desk: &Desk, port: u64) -> Option<String> {
    let mut curl = Command::new("curl");
    curl.args(["-sS", "-i", "--cacert", "server.pem"]).arg(format!("https://localhost:{port}/"));
    let output = curl.current_dir(desk.path("")).output().unwrap();
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn other_certificates_are_shown_after_a_hangup() {
    let desk = Desk::new();
    certificate(&desk, "one");
    let settings = "[[listener]]\naddress = \"127.0.0.1:0\"\ncertificate = \"server.pem\"\nkey = \"server.key\"\n\
                    [[listener.route]]\npath = \"/a\"\nupstream = \"http://127.0.0.1:9\"\n";
    desk.write("gate.toml", settings.as_bytes());
    // A gate that was killed was writing a list.
    std::fs::create_dir(desk.path("cache")).unwrap();
    let aside = format!("cache/{}.crl.1.0.new", "5c".repeat(32));
    desk.write(&aside, b"half a list");
    let before = desk.names();
    let looked = desk.run(&["gate", "check"]);
    assert_eq!((looked.code, desk.names()), (0, before), "{}", looked.stderr);
    assert!(desk.path(&aside).exists(), "who looks changes nothing");

    let mut command = desk.sceau(&["gate", "run", "--die-with-parent"]);
    let mut running = Running(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let mut ready = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    let ready: Value = serde_json::from_str(&ready).unwrap();
    assert!(!desk.path(&aside).exists());
    let address = ready["addresses"][0].as_str().unwrap();
    let port = address.rsplit(':').next().unwrap().parse().unwrap();
    assert!(asked(&desk, port).unwrap().contains("no_route"));

    certificate(&desk, "two");
    assert_eq!(asked(&desk, port), None, "it is not looked at by itself");
    let told = Command::new("kill").args(["-HUP", &running.0.id().to_string()]).status().unwrap();
    assert!(told.success());
    let since = Instant::now();
    while asked(&desk, port).is_none() {
        assert!(since.elapsed().as_secs() < 20, "SIGHUP is heard");
    }
}
