//! An element that serves keyrings, its carriage, and the people of a keyring: a security officer, a registration authority, a service provider, a holder.
//!
//! All of them act by the command line, as they would. Their certificates are OpenSSL's.

mod asked;
mod est;
mod face;
mod roaming;
mod token;

pub use est::{Answers, EstAuthority};
pub use face::{face_policy, tiny_model};

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use sceau_client::keyring::FileKey;
use sceau_client::{Server, Trust};
use sceau_keyring::Signs as _;
use sceau_store::Database;

use crate::{Finished, Program, Running, Scratch};

/// The element's log.
pub const ORIGIN: &str = "test.sceau.localhost/log";
/// The organisation, and its actors, by their ids.
const ORGANISATION: &str = "3f7c1b4e-7a34-4c8e-9d8a-6a1f2c3d4e50";
/// The policy.
pub const POLICY: &str = "9a1d7c52-0b0e-4c0f-8a52-51b8f0f1c001";
const AUTHORITY: &str = "9a1d7c52-0b0e-4c0f-8a52-51b8f0f1c002";
/// The service provider, by its id.
pub const PROVIDER: &str = "9a1d7c52-0b0e-4c0f-8a52-51b8f0f1c003";
const SUPPORT: &str = "9a1d7c52-0b0e-4c0f-8a52-51b8f0f1c004";
/// The PIN: long enough to be found by no accident.
pub const PIN: &str = "402917385516";
/// What the provider is registered as, and what the holder is called.
pub const PROVIDER_NAME: &str = "Notaires de la Seine";

/// The processes, and a folder that everything is in.
pub struct Keyrings {
    /// Everything.
    pub scratch: Scratch,
    element: Option<Running>,
    host: Option<Running>,
    biometric: Option<Running>,
    /// Whether the element's keys are in a token.
    in_token: bool,
}

/// A keyring that was handed over, and perhaps activated.
pub struct HandedKeyring {
    /// Its id.
    pub id: String,
    name: String,
    two: bool,
}

impl Keyrings {
    /// Starts the element with an officer, and the host before it; a policy and who may act are published.
    pub fn start(name: &str) -> Self {
        Self::start_with(name, json!({}))
    }

    /// The same, with these members of the policy in the place of its own.
    pub fn start_with(name: &str, other: Value) -> Self {
        Self::start_as(name, other, "")
    }

    /// The same, of a host that is told this besides in its part of `sceau.toml`.
    pub fn start_as(name: &str, other: Value, configured: &str) -> Self {
        Self::begun(Scratch::new(name), other, configured, false)
    }

    fn begun(scratch: Scratch, other: Value, configured: &str, in_token: bool) -> Self {
        scratch.write("passphrase", "four words and one more");
        scratch.write("pin", PIN);
        for actor in ["officer", "ra", "sp", "support", "stranger"] {
            certificate(&scratch, actor, &[]);
        }
        let of_host =
            ["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"];
        certificate(&scratch, "host", &of_host);
        let both =
            ["host.pem", "host.key"].map(|name| std::fs::read_to_string(scratch.join(name)).expect("made"));
        scratch.write("host.both", both.concat());
        scratch.write("sceau.toml", format!("[keyrings]\n{configured}"));
        let mut keyrings = Self { scratch, element: None, host: None, biometric: None, in_token };
        keyrings.start_element();
        let element = Program::sceau("keyring").args(["element", "--socket"]).arg(keyrings.socket()).run();
        keyrings.scratch.write("element.json", element.success().text());
        let mut policy = keyrings.policy("6");
        for (member, value) in other.as_object().into_iter().flatten() {
            policy[member] = value.clone();
        }
        keyrings.publish("officer", &policy).success();
        keyrings.act("officer", &["access"]).arg(keyrings.access()).run().success();
        keyrings
    }

    /// Starts the element on its state, and the host before it.
    pub fn start_element(&mut self) {
        self.host = None;
        let element = Program::ours("sceau-element")
            .arg("--state")
            .arg(self.scratch.join("element"))
            .arg("--socket")
            .arg(self.socket())
            .args(["--origin", ORIGIN, "--keyrings-officer"])
            .arg(self.scratch.join("officer.pem"))
            .arg("--biometric-socket")
            .arg(self.biometric_socket());
        // As on a machine of one processor: who waits on a thread that others need shows.
        let element = self.with_keystore(element).env("TOKIO_WORKER_THREADS", "1");
        // The one before ends before its state is read.
        drop(self.element.take());
        self.element = Some(element.start(self.scratch.path()));
        let host = Program::sceau("serve")
            .args(["keyrings", "--listen", "127.0.0.1:0", "--element"])
            .arg(self.socket())
            .arg("--config")
            .arg(self.scratch.join("sceau.toml"))
            .arg("--data")
            .arg(self.scratch.join("platform"))
            .arg("--tls")
            .arg(self.scratch.join("host.both"));
        self.host = Some(host.named("keyrings").start(self.scratch.path()));
    }

    /// Ends host and element.
    pub fn stop(&mut self) {
        self.host = None;
        self.element = None;
    }

    /// Ends the element alone: its host finds nobody behind it.
    pub fn stop_element(&mut self) {
        self.element = None;
    }

    /// The element's socket.
    pub fn socket(&self) -> PathBuf {
        self.scratch.join("run").join("element.sock")
    }

    /// The processes' ids: the element's, and the host's.
    pub fn pids(&self) -> [u32; 2] {
        [&self.element, &self.host].map(|running| running.as_ref().expect("it runs").pid())
    }

    /// Where messages go.
    pub fn address(&self) -> &str {
        self.host.as_ref().expect("it runs").said("/url")
    }

    /// The host, as a terminal reaches it.
    pub fn server(&self) -> Server {
        let anchors_pem = std::fs::read(self.scratch.join("host.pem")).ok();
        Server::new(self.address(), &Trust { anchors_pem, identity_pem: None }).expect("an address")
    }

    /// What the host keeps, as whoever administers its database reaches it: beside it, while it runs.
    pub async fn database(&self) -> Database {
        let migrations = [
            sceau_store::MIGRATIONS,
            sceau_accounts::MIGRATIONS,
            sceau_dossiers::MIGRATIONS,
            sceau_protect::MIGRATIONS,
            sceau_keyrings::MIGRATIONS,
        ]
        .concat();
        let file = self.scratch.join("platform").join("records.db");
        Database::open_beside_another(&file, &migrations).await.expect("the host's database")
    }

    /// A keyring of this holder that is activated, and its terminal's folder.
    pub fn activated(&self, name: &str, holder: &str) -> (HandedKeyring, PathBuf) {
        let keyring = self.hand_over(name, holder);
        let folder = self.scratch.join(&format!("{name}.terminal"));
        self.activate(&keyring, &folder).success();
        (keyring, folder)
    }

    /// A text that stands in a file of this test.
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.scratch.join(name)).expect("it is there")
    }

    /// An actor's key.
    pub fn key_of(&self, actor: &str) -> FileKey {
        let key = sceau_pki::PrivateKey::from_pem(&self.read(&format!("{actor}.key"))).expect("a key");
        FileKey::from_pkcs8(&key.to_pkcs8()).expect("a key of P-256")
    }

    /// What this actor signs with a program of its own, which asks nobody whether it should (compact JWS, ES256).
    pub fn signs_anyway(&self, actor: &str, typ: &str, payload: &Value) -> String {
        let key = self.key_of(actor);
        let kid = sceau_keyring::thumbprint(key.spki()).expect("a key");
        let header = json!({"alg": "ES256", "kid": URL_SAFE_NO_PAD.encode(kid), "typ": typ});
        let input = [header, payload.clone()].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
        let signature = key.sign(input.as_bytes()).expect("it signs");
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The members of a request of the provider to sign one item.
    pub fn request_members(&self, keyring: &HandedKeyring, description: &str) -> Value {
        json!({
            "v": 1, "request": sceau_element_api::KeyringRequestId::random(), "provider": PROVIDER, "keyring": keyring.id,
            "kind": "sign", "description": description, "hash": "SHA-256", "algorithm": "ES256", "aud": ORIGIN,
            "items": [{"label": "lease.pdf", "hash": URL_SAFE_NO_PAD.encode([7; 32])}],
            "time": crate::now_ms(), "ends": crate::now_ms() + 300_000,
        })
    }

    /// `sceau terminal sign` of a request that waits at the host.
    pub fn sign_waiting(&self, folder: &Path, request: &str) -> Finished {
        let pin = self.scratch.join("pin");
        self.terminal("sign", folder).args(["--request", request, "--pin-file"]).arg(pin).run()
    }

    /// `sceau keyring outcome`, by the provider.
    pub fn outcome(&self, request: &str) -> Finished {
        let element = self.scratch.join("element.json");
        self.act("sp", &["outcome", "--request", request]).arg("--element").arg(element).run()
    }

    /// The element as it said that it is ready.
    pub fn element(&self) -> &Running {
        self.element.as_ref().expect("it runs")
    }

    /// The element's process.
    pub fn element_id(&self) -> u32 {
        self.element.as_ref().expect("it runs").pid()
    }

    /// A program that is told where the host is, and by which certificate.
    fn to_host(&self, program: Program) -> Program {
        program.args(["--at", self.address(), "--anchors"]).arg(self.scratch.join("host.pem"))
    }

    /// `sceau keyring …`, done by this actor over the platform.
    pub fn act(&self, actor: &str, words: &[&str]) -> Program {
        self.to_host(self.by(actor, words))
    }

    /// The same, of what asks no platform.
    fn by(&self, actor: &str, words: &[&str]) -> Program {
        Program::sceau("keyring")
            .args(words)
            .arg("--certificate")
            .arg(self.scratch.join(&format!("{actor}.pem")))
            .arg("--key")
            .arg(self.scratch.join(&format!("{actor}.key")))
    }

    /// Publishes a policy, in the word of this actor.
    pub fn publish(&self, actor: &str, policy: &Value) -> Finished {
        let file = self.scratch.write("policy.json", policy.to_string());
        self.act(actor, &["policy"]).arg(file).run()
    }

    /// The policy, for PINs of so many digits or more.
    pub fn policy(&self, least: &str) -> Value {
        let least: u8 = least.parse().expect("a number");
        json!({
            "origin": ORIGIN, "policy": POLICY, "organisation": ORGANISATION, "name": "Signature des baux", "use": "sign",
            "pin": {"least": least, "most": 12}, "second_factor": "none", "algorithm": "ES256",
            "authority": {"embedded": {"days": 365}}, "subject": ["common_name"], "activation_days": 30,
            "terminals_most": 1, "roaming": "none", "biometric": "none", "batch_most": 10, "request_seconds": 600,
            "dissociation": "holder", "applies_to_existing": false, "status": "active",
        })
    }

    fn access(&self) -> PathBuf {
        let actor = |id: &str, role: &str, name: &str, file: &str, kinds: &[&str]| {
            json!({"id": id, "role": role, "name": name, "certificate_file": file, "policies": [POLICY],
                "kinds": kinds, "status": "active"})
        };
        let actors = [
            actor(AUTHORITY, "registration_authority", "Guichet", "ra.pem", &[]),
            actor(PROVIDER, "service_provider", PROVIDER_NAME, "sp.pem", &["sign", "authenticate"]),
            actor(SUPPORT, "support", "Assistance", "support.pem", &[]),
        ];
        let access = json!({"origin": ORIGIN, "organisation": ORGANISATION, "actors": actors});
        self.scratch.write("access.json", access.to_string())
    }

    /// A keyring for this holder, handed over and not activated.
    pub fn hand_over(&self, name: &str, holder: &str) -> HandedKeyring {
        let (handed, delivered) = self.hand_over_by(name, holder, &["hand"]);
        delivered.success();
        handed
    }

    /// The same, its factors by these channels: two where it has two; and how the delivery ended.
    pub fn hand_over_by(&self, name: &str, holder: &str, channels: &[&str]) -> (HandedKeyring, Finished) {
        self.hand_over_as(name, holder, channels, &[])
    }

    /// The same, with more words on who the holder is.
    pub fn hand_over_as(
        &self,
        name: &str,
        holder: &str,
        channels: &[&str],
        identity: &[&str],
    ) -> (HandedKeyring, Finished) {
        let two = channels.len() == 2;
        let files = ["--package", "--invitation", "--code", "--second"];
        let made = self
            .act("ra", &["fabricate", "--policy", POLICY])
            .arg("--element")
            .arg(self.scratch.join("element.json"))
            .args(files.into_iter().take(3 + usize::from(two)).flat_map(|option| {
                let file = self.scratch.join(&format!("{name}.{}", option.trim_start_matches('-')));
                [option.into(), file.into_os_string()]
            }))
            .run()
            .success();
        let id = said(&made, "/keyring");
        let words = ["deliver", "--holder", "2026-118", "--common-name", holder];
        let delivered = self
            .act("ra", &words)
            .args(identity)
            .args(channels.iter().flat_map(|channel| ["--channel", channel]))
            .arg("--element")
            .arg(self.scratch.join("element.json"))
            .arg(self.scratch.join(&format!("{name}.package")))
            .run();
        (HandedKeyring { id, name: name.to_owned(), two }, delivered)
    }

    /// `sceau terminal …`, in this folder.
    pub fn terminal(&self, word: &str, folder: &Path) -> Program {
        self.to_host(Program::sceau("terminal").args([word, "--json", "--folder"]).arg(folder))
    }

    /// Leaves a request of this provider for a file at the host; what the command says.
    pub fn leave(&self, actor: &str, keyring: &str, document: &Path) -> Finished {
        let words = ["request", "--provider", PROVIDER, "--keyring", keyring];
        self.act(actor, &words)
            .arg("--element")
            .arg(self.scratch.join("element.json"))
            .args(["--description", "Le bail du 12 mars\n\n1 250 € par mois", "--file"])
            .arg(document)
            .run()
    }

    /// `sceau terminal activate`, by whoever has invitation and code.
    pub fn activate(&self, keyring: &HandedKeyring, folder: &Path) -> Finished {
        let file = |end: &str| self.scratch.join(&format!("{}.{end}", keyring.name));
        let activate = self.terminal("activate", folder);
        let activate = if keyring.two { activate.arg("--second-file").arg(file("second")) } else { activate };
        activate
            .arg("--invitation")
            .arg(file("invitation"))
            .arg("--code-file")
            .arg(file("code"))
            .arg("--pin-file")
            .arg(self.scratch.join("pin"))
            .run()
    }

    /// `sceau keyring show`, by anybody.
    pub fn show(&self, what: &[&str]) -> Program {
        let element = self.scratch.join("element.json");
        self.to_host(Program::sceau("keyring").arg("show")).args(what).arg("--element").arg(element)
    }

    /// `sceau keyring <what> KEYRING`, by this actor: state, suspend, resume, destroy.
    pub fn of(&self, actor: &str, what: &[&str], keyring: &HandedKeyring) -> Finished {
        let element = self.scratch.join("element.json");
        self.act(actor, what).arg(&keyring.id).arg("--element").arg(element).run()
    }

    /// `sceau terminal <what>` on this folder: state, suspend, destroy.
    pub fn on(&self, folder: &Path, what: &[&str]) -> Finished {
        let program = Program::sceau("terminal").args(what).args(["--json", "--folder"]).arg(folder);
        self.to_host(program).run()
    }

    /// A request of the provider for a file; its path.
    pub fn request(&self, name: &str, keyring: &HandedKeyring, document: &Path) -> PathBuf {
        self.request_by(name, keyring, document, "ES256")
    }

    /// The same, of a keyring that signs by this algorithm.
    pub fn request_by(&self, name: &str, keyring: &HandedKeyring, document: &Path, by: &str) -> PathBuf {
        let out = self.scratch.join(&format!("{name}.request"));
        let words = ["request", "--provider", PROVIDER, "--keyring", &keyring.id, "--algorithm", by];
        self.by("sp", &words)
            .arg("--element")
            .arg(self.scratch.join("element.json"))
            .args(["--description", "Le bail du 12 mars\n\n1 250 € par mois", "--file"])
            .arg(document)
            .arg("--out")
            .arg(&out)
            .run()
            .success();
        out
    }

    /// A request of the provider for who the holder is; its path.
    pub fn request_identity(&self, name: &str, keyring: &HandedKeyring, nonce: &str) -> PathBuf {
        let out = self.scratch.join(&format!("{name}.request"));
        let words = ["request", "--provider", PROVIDER, "--keyring", &keyring.id, "--authenticate"];
        self.by("sp", &words)
            .arg("--element")
            .arg(self.scratch.join("element.json"))
            .args(["--description", "Ouvrir votre espace", "--nonce", nonce])
            .arg("--out")
            .arg(&out)
            .run()
            .success();
        out
    }

    /// `sceau terminal authenticate` with the PIN in a file; the proof is named after the request.
    pub fn authenticate(&self, folder: &Path, request: &Path, pin: &str) -> Finished {
        self.terminal("authenticate", folder)
            .arg("--out")
            .arg(request.with_extension("proof"))
            .arg("--pin-file")
            .arg(self.scratch.join(pin))
            .arg(request)
            .run()
    }

    /// `sceau keyring verify` of the proof that is named after the request, held against this request.
    pub fn verify(&self, request: &Path, against: &Path, more: &[(&str, &Path)]) -> Finished {
        let verify = Program::sceau("keyring")
            .args(["verify", "--element"])
            .arg(self.scratch.join("element.json"))
            .arg("--request")
            .arg(against)
            .arg(request.with_extension("proof"));
        more.iter().fold(verify, |verify, (option, value)| verify.arg(option).arg(value)).run()
    }

    /// `sceau terminal sign` with the PIN in a file; what it writes is named after the request.
    pub fn sign(&self, folder: &Path, request: &Path, pin: &str) -> Finished {
        let out = |end: &str| request.with_extension(end);
        self.terminal("sign", folder)
            .arg("--out")
            .arg(out("signature"))
            .arg("--certificate")
            .arg(out("pem"))
            .arg("--proof")
            .arg(out("proof"))
            .arg("--pin-file")
            .arg(self.scratch.join(pin))
            .arg(request)
            .run()
    }
}

/// A text in what a program said.
pub fn said(finished: &Finished, pointer: &str) -> String {
    let value: Value = serde_json::from_str(&finished.text()).expect("it says JSON");
    let text = value.pointer(pointer).expect("it says that");
    text.as_str().map_or_else(|| text.to_string(), str::to_owned)
}

/// The stable code with which a program ended.
pub fn refused(finished: &Finished) -> String {
    assert_ne!(finished.code, Some(0), "{}", finished.text());
    let last = finished.stderr.lines().last().unwrap_or_default();
    let value: Value = serde_json::from_str(last).unwrap_or_else(|_| panic!("no JSON: {}", finished.stderr));
    value["code"].as_str().expect("a code").to_owned()
}

/// A certificate in DER, base64url, as PEM.
pub fn pem_of(der: &str) -> String {
    let der = URL_SAFE_NO_PAD.decode(der).expect("base64url");
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(der))
}

fn certificate(scratch: &Scratch, name: &str, more: &[&str]) {
    let (key, pem) = (scratch.join(&format!("{name}.key")), scratch.join(&format!("{name}.pem")));
    Program::other("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "30",
        ])
        .args(more.iter().copied())
        .args(["-subj", &format!("/CN={name}"), "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&pem)
        .run()
        .success();
}
