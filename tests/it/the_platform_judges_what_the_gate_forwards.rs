//! The platform ends no TLS: the gate before it does, and forwards who called (RFC 9440). With `[clients]` the platform judges that certificate once more,
//! with the same code and by its own rules and lists; nobody but the gate is believed about one.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sceau_tests::{House, OwnAuthority, Program, Running, Shown};
use serde_json::Value;

/// The gate asks machines for a certificate here, and people for none there.
const MACHINES: &str = "machines.localhost";
const PEOPLE: &str = "sceau.localhost";

/// A platform at a socket, and the gate before it.
struct World {
    house: House,
    own: OwnAuthority,
    port: u16,
    _platform: Running,
    _gate: Running,
}

impl World {
    fn set() -> Self {
        let mut house = House::start("the-platform-judges");
        drop(house.platform.take());
        let own = OwnAuthority::found(&house.scratch.join("authority"));
        own.list(&house.scratch.join("list.pem"));
        house.scratch.write("platform.toml", settings(&house, "machine-a"));
        let socket = house.scratch.join("run").join("platform.sock");
        let platform = Program::ours("sceau")
            .args(["serve", "platform", "--data"])
            .arg(house.scratch.join("platform"))
            .arg("--element")
            .arg(house.socket())
            .args(["--listen", &format!("unix:{}", socket.display()), "--origin", "https://sceau.localhost"])
            .arg("--config")
            .arg(house.scratch.join("platform.toml"))
            .named("platform-behind")
            .start(house.scratch.path());
        let port = sceau_tests::free_port();
        let shown = own.server("gate", &[MACHINES, PEOPLE]);
        let upstream = format!("unix:{}", socket.display());
        let gate = format!(
            "[[listener]]\naddress = \"127.0.0.1:{port}\"\ncertificate = {:?}\nkey = {:?}\n\
             [[listener.route]]\nhost = \"{MACHINES}\"\nupstream = \"{upstream}\"\nclients = \"machines\"\n\
             [[listener.route]]\nhost = \"{PEOPLE}\"\nupstream = \"{upstream}\"\n\
             [clients.machines]\nanchors = [{:?}]\n",
            shown.chain,
            shown.key,
            own.root()
        );
        house.scratch.write("gate.toml", gate);
        let gate =
            Program::ours("sceau").args(["gate", "run", "--config"]).arg(house.scratch.join("gate.toml"));
        let gate = gate.named("gate").start(house.scratch.path());
        Self { house, own, port, _platform: platform, _gate: gate }
    }

    /// Asks for a token without credentials: status, and the problem's code or OAuth's error.
    fn asks(&self, host: &str, shown: Option<&Shown>, more: &[&str]) -> (u16, String) {
        let mut curl =
            Program::other("curl").args(["-sS", "--noproxy", "*", "-w", "\n%{http_code}", "--cacert"]);
        curl = curl.arg(self.own.root()).args(["--resolve", &format!("{host}:{}:127.0.0.1", self.port)]);
        if let Some(shown) = shown {
            curl = curl.arg("--cert").arg(&shown.chain).arg("--key").arg(&shown.key);
        }
        let curl = curl.args(["--data", "grant_type=client_credentials"]).args(more);
        let said = curl.arg(format!("https://{host}:{}/v1/oauth/token", self.port)).run().success().text();
        let (body, status) = said.trim_end().rsplit_once('\n').unwrap();
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        let code = body["code"].as_str().or(body["error"].as_str()).unwrap_or_default();
        (status.parse().unwrap(), code.to_owned())
    }
}

/// The platform's settings, where this machine passes.
fn settings(house: &House, machine: &str) -> String {
    let at = |name: &str| house.scratch.join(name);
    format!(
        "[clients]\nanchors = [{:?}]\nintermediates = [{:?}]\nrevocation_lists = [{:?}]\ndemand = [\"/v1/oauth/token\"]\n\
         [[clients.allow]]\ncommon_name = \"{machine}\"\norganizational_units = [\"Machines\"]\n",
        at("authority").join("root.pem"),
        at("authority").join("intermediate.pem"),
        at("list.pem")
    )
}

#[test]
fn the_platform_judges_what_the_gate_forwards() {
    let world = World::set();
    let refused = |code: &str| (403, code.to_owned());
    let [first, second] = ["machine-a", "machine-b"].map(|name| world.own.person(name, "Machines"));
    let passed = world.asks(MACHINES, Some(&first), &[]);
    assert_eq!(passed.1, "invalid_client", "it passes, and has no credentials: {passed:?}");

    // The gate knows authorities, the platform names too; another rule counts from the next request on.
    assert_eq!(world.asks(MACHINES, Some(&second), &[]), refused("client_unknown"));
    world.house.scratch.write("platform.toml", settings(&world.house, "machine-b"));
    assert_eq!(world.asks(MACHINES, Some(&second), &[]), passed);
    assert_eq!(world.asks(MACHINES, Some(&first), &[]), refused("client_unknown"));

    // And lists, which this gate does not ask.
    world.own.revoke(&second);
    world.own.list(&world.house.scratch.join("list.pem"));
    assert_eq!(world.asks(MACHINES, Some(&second), &[]), refused("certificate_revoked"));
    assert_eq!(world.asks(MACHINES, None, &[]).0, 401, "the gate's own word");

    // Where the gate asks nobody, nobody is believed who says so.
    let missing = (401, "certificate_missing".to_owned());
    assert_eq!(world.asks(PEOPLE, None, &[]), missing);
    let third = world.own.person("machine-b", "Machines");
    let pem = fs::read_to_string(&third.chain).unwrap();
    let leaf: String = pem.lines().skip(1).take_while(|line| !line.starts_with("---")).collect();
    let der = STANDARD.encode(STANDARD.decode(leaf).unwrap());
    assert_eq!(world.asks(MACHINES, Some(&third), &[]), passed, "it is a good one");
    assert_eq!(world.asks(PEOPLE, None, &["-H", &format!("Client-Cert: :{der}:")]), missing);
    assert_eq!(world.asks(PEOPLE, Some(&third), &["-H", &format!("Client-Cert: :{der}:")]), missing);
}

#[test]
fn certificates_of_callers_come_through_a_socket_alone() {
    let mut house = House::start("the-platform-judges-at-a-socket");
    drop(house.platform.take());
    let own = OwnAuthority::found(&house.scratch.join("authority"));
    own.list(&house.scratch.join("list.pem"));
    house.scratch.write("platform.toml", settings(&house, "machine-a"));
    let ran = Program::ours("sceau")
        .args(["serve", "platform", "--listen", "127.0.0.1:0", "--data"])
        .arg(house.scratch.join("platform"))
        .arg("--element")
        .arg(house.socket())
        .arg("--config")
        .arg(house.scratch.join("platform.toml"))
        .run();
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("listen at unix:/path"), "{}", ran.stderr);
}
