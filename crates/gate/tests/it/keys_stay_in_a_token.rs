//! The gate's own keys in a token of SoftHSM: `sceau-gate` as it is run, curl and OpenSSL before it, nginx behind it.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    others::Server,
    outside::{chain, run, usual},
};

/// Debian's `softhsm2`.
const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
/// Debian's `opensc-pkcs11`.
const SPY: &str = "/usr/lib/x86_64-linux-gnu/pkcs11-spy.so";
const PIN: &str = "un code assez long";

/// A folder with a token named `gate`.
struct Token(TempDir);

impl Token {
    fn new() -> Self {
        let token = Self(tempfile::tempdir().unwrap());
        fs::create_dir(token.at("tokens")).unwrap();
        let conf = format!("directories.tokendir = {}\nlog.level = ERROR\n", token.at("tokens").display());
        fs::write(token.at("softhsm2.conf"), conf).unwrap();
        token.pin(PIN);
        token.softhsm(&[
            "--init-token",
            "--free",
            "--label",
            "gate",
            "--pin",
            PIN,
            "--so-pin",
            "douze chiffres",
        ]);
        token
    }

    fn at(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn pin(&self, pin: &str) {
        fs::write(self.at("pin"), pin).unwrap();
        fs::set_permissions(self.at("pin"), fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn softhsm(&self, words: &[&str]) {
        let done =
            Command::new("softhsm2-util").args(words).env("SOFTHSM2_CONF", self.at("softhsm2.conf")).output();
        let done = done.unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// Puts this key into it: its address.
    fn import(&self, key: &Path, label: &str, id: &str) -> String {
        self.softhsm(&[
            "--import",
            key.to_str().unwrap(),
            "--token",
            "gate",
            "--label",
            label,
            "--id",
            id,
            "--pin",
            PIN,
        ]);
        let pin = self.at("pin");
        format!("pkcs11:token=gate;object={label}?module-path={MODULE}&pin-source=file:{}", pin.display())
    }

    fn gate(&self, words: &[&str]) -> Command {
        let mut gate = Command::new(env!("CARGO_BIN_EXE_sceau-gate"));
        gate.args(words)
            .arg("--config")
            .arg(self.at("gate.toml"))
            .env("SOFTHSM2_CONF", self.at("softhsm2.conf"));
        gate
    }

    fn write(&self, text: &str) {
        fs::write(self.at("gate.toml"), text).unwrap();
    }

    fn check(&self) -> (Option<i32>, String) {
        let ended = self.gate(&["check"]).output().unwrap();
        (ended.status.code(), String::from_utf8(ended.stderr).unwrap())
    }
}

/// A gate that runs until this is dropped.
struct Running {
    process: Child,
    ready: Value,
    log: std::path::PathBuf,
}

impl Running {
    fn start(token: &Token) -> Self {
        Self::begin(token, token.gate(&["run", "--die-with-parent"]))
    }

    /// On one processor.
    fn start_alone(token: &Token) -> Self {
        let gate = token.gate(&["run"]);
        let mut alone = Command::new("taskset");
        alone.args(["-c", "0"]).arg(gate.get_program()).args(gate.get_args());
        alone.envs(gate.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Self::begin(token, alone)
    }

    fn begin(token: &Token, mut gate: Command) -> Self {
        let log = token.at("log");
        let mut process =
            gate.stdout(Stdio::piped()).stderr(fs::File::create(&log).unwrap()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("{}", fs::read_to_string(&log).unwrap()));
        Self { process, ready, log }
    }

    fn port(&self) -> &str {
        self.ready["addresses"][0].as_str().unwrap().rsplit_once(':').unwrap().1
    }

    /// What curl gets of the guarded path, as a client that may pass.
    fn curl(&self, words: &str) -> Result<String, String> {
        let at = chain().display();
        let words = format!(
            "-sS --cacert {at}/root.pem --cert {at}/known.pem --key {at}/known.key {words} https://localhost:{}/mtls-protect/",
            self.port()
        );
        let done = Command::new("curl").args(words.split_whitespace()).output().unwrap();
        let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
        if done.status.success() { Ok(said) } else { Err(said) }
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    fn has_module(&self) -> bool {
        fs::read_to_string(format!("/proc/{}/maps", self.process.id())).unwrap().contains("softhsm")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn lists() -> [String; 2] {
    ["root", "authority"].map(|name| format!("{}/{name}.crl", chain().display()))
}

/// A service that answers each request.
fn service(folder: &Path) -> (Server, std::net::SocketAddr) {
    let (server, port) =
        Server::nginx(folder, "server { listen 127.0.0.1:PORT; location / { return 200 served; } }");
    (server, ([127, 0, 0, 1], port).into())
}

fn with_key(text: &str, certificate: &Path, key: &str) -> String {
    let at = chain().display();
    text.replace(&format!("{at}/server.pem"), &certificate.display().to_string())
        .replace(&format!("{at}/server.key"), key)
}

#[test]
fn handshakes_are_signed_in_the_token_and_come_back_with_it() {
    let token = Token::new();
    let (_service, upstream) = service(token.0.path());
    let address = token.import(&chain().join("server.key"), "server", "01");
    token.write(&with_key(&usual(upstream, &lists()), &chain().join("server.pem"), &address));
    assert_eq!(token.check().0, Some(0));
    let gate = Running::start(&token);
    for words in ["--tls-max 1.2", "--tlsv1.3", "--http1.1"] {
        assert_eq!(gate.curl(words).as_deref(), Ok("served"), "{}", gate.log());
    }
    assert!(gate.has_module());
    // SoftHSM's word for a key that was once outside.
    assert!(gate.log().contains("the key may leave its token"));
    assert!(!gate.log().contains(PIN));

    fs::rename(token.at("tokens"), token.at("pulled-out")).unwrap();
    fs::create_dir(token.at("tokens")).unwrap();
    for _ in 0..3 {
        let said = gate.curl("").unwrap_err();
        assert!(said.contains("curl: (35)"), "{said}");
    }
    let refused = "handshakes with this certificate are refused until the token signs again";
    assert_eq!(gate.log().matches(refused).count(), 1, "{}", gate.log());
    assert!(gate.log().contains("there is no token pkcs11:token=gate"), "{}", gate.log());
    // A gate that starts now says the same, as what the machine lacks.
    let (code, words) = token.check();
    assert!(code == Some(1) && words.contains("there is no token"), "{words}");

    fs::remove_dir(token.at("tokens")).unwrap();
    fs::rename(token.at("pulled-out"), token.at("tokens")).unwrap();
    let since = Instant::now();
    while let Err(said) = gate.curl("") {
        assert!(since.elapsed() < Duration::from_secs(20), "{said}\n{}", gate.log());
    }
    assert!(gate.log().contains("the token signs again"), "{}", gate.log());
}

#[test]
fn on_one_processor_a_token_that_is_named_later_may_hold_everybody_up_and_the_log_says_so() {
    let token = Token::new();
    let (_service, upstream) = service(token.0.path());
    let address = token.import(&chain().join("server.key"), "server", "01");
    let held_up = "begin it anew, or a token that takes its time holds all of them up";
    let (files, tokens) = (
        usual(upstream, &lists()),
        with_key(&usual(upstream, &lists()), &chain().join("server.pem"), &address),
    );
    token.write(&files);
    let gate = Running::start_alone(&token);
    for words in ["--tls-max 1.2", "--tlsv1.3", "--http1.1"] {
        assert_eq!(gate.curl(words).as_deref(), Ok("served"), "{}", gate.log());
    }
    token.write(&tokens);
    let since = Instant::now();
    while !gate.log().contains(held_up) {
        assert!(since.elapsed() < Duration::from_secs(20), "{}", gate.log());
        assert_eq!(gate.curl("").as_deref(), Ok("served"), "{}", gate.log());
    }
    assert_eq!(gate.curl("").as_deref(), Ok("served"), "{}", gate.log());
    drop(gate);
    let anew = Running::start_alone(&token);
    assert_eq!(anew.curl("").as_deref(), Ok("served"), "{}", anew.log());
    assert!(!anew.log().contains(held_up), "{}", anew.log());
}

#[test]
fn rsa_keys_sign_handshakes_of_both_versions() {
    let token = Token::new();
    let (_service, upstream) = service(token.0.path());
    let at = token.0.path();
    run(at, "openssl", "req -new -newkey rsa:2048 -nodes -keyout rsa.key -out rsa.csr -subj /CN=localhost");
    fs::write(token.at("server.ext"), "subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n").unwrap();
    let chain = chain().display();
    let words = format!(
        "x509 -req -in rsa.csr -CA {chain}/root.pem -CAkey {chain}/root.key -CAcreateserial -CAserial serial -days 9 -extfile server.ext -out rsa.pem"
    );
    run(at, "openssl", &words);
    let address = token.import(&token.at("rsa.key"), "rsa", "02");
    token.write(&with_key(&usual(upstream, &lists()), &token.at("rsa.pem"), &address));
    let gate = Running::start(&token);
    for (words, scheme) in [
        ("-tls1_3", "RSA-PSS"),
        ("-tls1_2 -sigalgs RSA-PSS+SHA512", "RSA-PSS"),
        ("-tls1_2 -sigalgs RSA+SHA384", "RSA"),
    ] {
        let words = format!(
            "s_client -brief -verify_return_error -CAfile {chain}/root.pem -connect localhost:{} {words}",
            gate.port()
        );
        let done =
            Command::new("openssl").args(words.split_whitespace()).stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(
            done.status.success() && said.contains(&format!("Signature type: {scheme}\n")),
            "{said}\n{}",
            gate.log()
        );
    }
}

#[test]
fn a_client_certificate_whose_key_is_in_the_token_is_shown_to_services() {
    let token = Token::new();
    let at = chain().display();
    let server = format!(
        "server {{ listen 127.0.0.1:PORT ssl; ssl_certificate {at}/server.pem; ssl_certificate_key {at}/server.key; ssl_client_certificate {at}/root.pem; \
         ssl_verify_client on; ssl_verify_depth 3; location / {{ return 200 \"$ssl_client_s_dn\"; }} }}"
    );
    let (_service, port) = Server::nginx(token.0.path(), &server);
    let address = token.import(&chain().join("direct.key"), "client", "03");
    let tls = format!(
        "tls = {{ authority = \"{at}/root.pem\", certificate = \"{at}/direct.pem\", key = \"{address}\" }}"
    );
    token.write(&format!(
        "[[outgoing]]\naddress = \"127.0.0.1:0\"\nto = \"https://localhost:{port}\"\n{tls}\n"
    ));
    let gate = Running::start(&token);
    let url = format!("http://{}/", gate.ready["outgoing"][0].as_str().unwrap());
    let done = Command::new("curl").args(["-sS", &url]).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert_eq!(said, "CN=sas-agregateur-recette,OU=499700234190004,O=X,C=FR", "{}", gate.log());
}

#[test]
fn a_check_says_what_is_wrong_with_a_token() {
    let token = Token::new();
    let address = token.import(&chain().join("server.key"), "server", "01");
    token.import(&chain().join("direct.key"), "other", "02");
    let usual = usual("127.0.0.1:9".parse().unwrap(), &lists());
    let pem = chain().join("server.pem");
    let after = |key: &str| {
        token.write(&with_key(&usual, &pem, key));
        token.check()
    };
    let good = after(&address);
    assert!(good.0 == Some(0) && good.1.contains("the key may leave its token"), "{}", good.1);
    for (key, said) in [
        (
            address.replace("object=server", "object=other"),
            "certificate: the private key does not belong to the certificate",
        ),
        (
            address.replace("object=server", "object=none"),
            "key: there is no private key pkcs11:object=none;token=gate",
        ),
        (
            address.replace("softhsm/libsofthsm2", "softhsm/none"),
            "key: the PKCS#11 module /usr/lib/softhsm/none.so cannot be used",
        ),
        (address.replace("pin-source=file:", "pin-value="), "key: pin-value is not taken"),
        (address.replace("object", "objekt"), "key: objekt is no attribute of a pkcs11: address"),
    ] {
        let (code, words) = after(&key);
        assert!(code == Some(3) && words.contains(said), "{key}: {words}");
    }
    token.pin("0000");
    let (code, words) = after(&address);
    assert!(code == Some(3) && words.contains("refuses the PIN") && !words.contains("0000"), "{words}");
    // Nobody starts it again and again with it, until the token locks.
    let unit = include_str!("../../../../packaging/systemd/sceau-gate.service");
    assert!(unit.contains("\nRestartPreventExitStatus=3\n"), "{unit}");
}

#[test]
fn no_module_is_loaded_where_no_such_key_is_named() {
    let token = Token::new();
    let (_service, upstream) = service(token.0.path());
    token.write(&usual(upstream, &lists()));
    let gate = Running::start(&token);
    assert_eq!(gate.curl("").as_deref(), Ok("served"), "{}", gate.log());
    assert!(!gate.has_module());
}

/// OpenSC's spy opens its log before it answers: a pipe that nobody reads makes it a module that hangs.
#[test]
fn a_gate_ends_when_it_is_told_to_though_a_token_hangs() {
    let token = Token::new();
    run(token.0.path(), "mkfifo", "unread");
    let (_service, upstream) = service(token.0.path());
    let text = usual(upstream, &lists());
    token.write(&text);
    let mut gate = token.gate(&["run", "--die-with-parent"]);
    let unread = token.at("unread");
    gate.env("PKCS11SPY", MODULE).env("PKCS11SPY_OUTPUT", &unread).stdout(Stdio::piped());
    let log = token.0.path().join("log");
    let mut gate = gate.stderr(fs::File::create(&log).unwrap()).spawn().unwrap();
    BufReader::new(gate.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
    let spied =
        format!("pkcs11:token=gate;object=x?module-path={SPY}&pin-source=file:{}", token.at("pin").display());
    token.write(&with_key(&text, &chain().join("server.pem"), &spied));
    let loaded = || fs::read_to_string(format!("/proc/{}/maps", gate.id())).unwrap().contains("pkcs11-spy");
    let since = Instant::now();
    while !loaded() {
        assert!(since.elapsed().as_secs() < 20, "it did not read its file again");
        std::thread::park_timeout(Duration::from_millis(20));
    }
    let waits = "the configuration is still being read, and changes wait";
    while !fs::read_to_string(&log).unwrap().contains(waits) {
        assert!(since.elapsed().as_secs() < 40, "the log does not say why changes wait");
        std::thread::park_timeout(Duration::from_millis(50));
    }
    rustix::process::kill_process(rustix::process::Pid::from_child(&gate), rustix::process::Signal::TERM)
        .unwrap();
    let since = Instant::now();
    let ended = loop {
        match gate.try_wait().unwrap() {
            None if since.elapsed().as_secs() < 15 => std::thread::park_timeout(Duration::from_millis(20)),
            ended => break ended,
        }
    };
    if ended.is_none() {
        gate.kill().unwrap();
        gate.wait().unwrap();
    }
    assert!(ended.is_some_and(|status| status.success()), "{ended:?}");
}
