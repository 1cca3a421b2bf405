//! A real RabbitMQ, started for a test over TLS, with our own definitions and a certificate of the house's authority.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use sceau_pki::{Authority, AuthorityProfile, ServerProfile};
use zeroize::Zeroizing;

use super::{group_id, user_id};
use crate::bus::{Broker, BusError, BusLogin, Company, Provision, definitions};
use crate::{Clock as _, SystemClock};

const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
/// The login of the platform.
const PLATFORM: &str = "sceau";

/// How often it is started anew where another program took one of its ports first.
const TRIES: usize = 5;

/// Runs until its standard input ends, which it does with us, however we end: then files and the whole group go. With the server the group goes too.
const WATCH: &str = r#"epmd -port "$ERL_EPMD_PORT" -address 127.0.0.1 >/dev/null 2>&1 &
{ "$0"; kill -KILL 0; } &
read -r _
rm -rf -- "$HOME"
kill -KILL 0"#;

/// An organisation's own certificates, files of PEM.
#[derive(Debug, Clone, Copy)]
pub struct Certified<'a> {
    /// The server's chain, leaf first.
    pub chain: &'a Path,
    /// Its key.
    pub key: &'a Path,
    /// Who issued it, and who issues what clients must show.
    pub authority: &'a Path,
}

/// A broker of its own with a virtual host for each company, killed and removed when dropped. Ten seconds to start.
#[derive(Debug)]
pub struct RabbitJudge {
    folder: tempfile::TempDir,
    port: u16,
    passwords: BTreeMap<String, String>,
    server: Child,
}

impl RabbitJudge {
    /// Starts it with these companies, and how many messages the queue of each may hold.
    ///
    /// # Errors
    /// In words, with what to install if RabbitMQ is missing.
    pub fn start(companies: &[(&str, Option<u32>)]) -> Result<Self, String> {
        Self::start_as(companies, None)
    }

    /// Starts it under an organisation's own certificates; it lets nobody in who shows none of that authority.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_certified(
        companies: &[(&str, Option<u32>)],
        certified: Certified<'_>,
    ) -> Result<Self, String> {
        Self::start_as(companies, Some(certified))
    }

    fn start_as(companies: &[(&str, Option<u32>)], certified: Option<Certified<'_>>) -> Result<Self, String> {
        if !Path::new(SERVER).exists() {
            return Err("RabbitMQ judges in tests; install it: apt-get install rabbitmq-server".into());
        }
        let mut last = String::new();
        for _ in 0..TRIES {
            match Self::at(companies, certified, free_ports()?) {
                Err(said) if is_taken(&said) => last = said,
                done => return done,
            }
        }
        Err(last)
    }

    fn at(
        companies: &[(&str, Option<u32>)],
        certified: Option<Certified<'_>>,
        ports: [u16; 3],
    ) -> Result<Self, String> {
        let folder = tempfile::Builder::new().prefix("rabbit").tempdir().map_err(words)?;
        let mut passwords = BTreeMap::from([(PLATFORM.to_owned(), password())]);
        passwords.extend(companies.iter().map(|(name, _)| (login(name), password())));
        certify(folder.path(), certified)?;
        write(folder.path(), &passwords, companies, ports[0], certified.is_some())?;
        let mut server = launch(folder.path(), ports)?;
        let log = server.stdout.take().ok_or("no log")?;
        let mut said = Vec::new();
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            if line.contains("Server startup complete") {
                return Ok(Self { folder, port: ports[0], passwords, server });
            }
            said.push(line);
        }
        Err(format!("RabbitMQ ended before it was ready:\n{}", said.join("\n")))
    }

    /// The broker as the platform's settings name it.
    pub fn broker(&self) -> Arc<Broker> {
        self.broker_at(self.port)
    }

    /// The same through another port of this machine: something that a test put in between.
    pub fn broker_at(&self, port: u16) -> Arc<Broker> {
        let password = Zeroizing::new(self.password_of(PLATFORM).to_owned());
        let address = format!("amqps://{PLATFORM}@localhost:{port}");
        #[expect(clippy::expect_used, reason = "an address of the right form")]
        let broker = Broker::new(&address, password, &self.authority()).expect("an address");
        Arc::new(broker)
    }

    /// Its port on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The password of the platform's login.
    pub fn platform_password(&self) -> &str {
        self.password_of(PLATFORM)
    }

    /// The certificate of its authority: a file, for programs that we did not write.
    pub fn authority_file(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// A connection of the platform's login to a virtual host; a machine that has much else to do is asked again.
    ///
    /// # Errors
    /// What the broker says.
    pub async fn connect(&self, vhost: &str) -> Result<lapin::Connection, String> {
        for _ in 0..5 {
            match self.broker().connect(vhost).await {
                Err(BusError::Silent) => {}
                connected => return connected.map_err(|error| error.to_string()),
            }
        }
        Err("the broker is silent".to_owned())
    }

    /// How many messages wait in a queue of a company for somebody to take them.
    ///
    /// # Errors
    /// What the broker says.
    pub async fn waiting(&self, company: &str, queue: &str) -> Result<u32, String> {
        let words = |error: lapin::Error| error.to_string();
        let connection = self.connect(&format!("mob.{company}")).await?;
        let channel = connection.create_channel().await.map_err(words)?;
        let options = lapin::options::QueueDeclareOptions { passive: true, ..Default::default() };
        let found = channel.queue_declare(queue.into(), options, Default::default()).await.map_err(words)?;
        Ok(found.message_count())
    }

    /// The name and password of a company's login.
    pub fn login_of(&self, company: &str) -> (String, &str) {
        let name = login(company);
        let password = self.password_of(&name);
        (name, password)
    }

    fn authority(&self) -> String {
        std::fs::read_to_string(self.authority_file()).unwrap_or_default()
    }

    fn password_of(&self, login: &str) -> &str {
        self.passwords.get(login).map_or("", String::as_str)
    }
}

impl Drop for RabbitJudge {
    fn drop(&mut self) {
        drop(self.server.stdin.take());
        let _ = self.server.wait();
    }
}

fn login(company: &str) -> String {
    format!("hr-{company}")
}

fn password() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// Whether the server ended because another program has its port.
fn is_taken(said: &str) -> bool {
    ["in use", "already_used", "eaddrinuse"].iter().any(|words| said.contains(words))
}

/// Ports that nobody has now: of the broker, of its node, of its name server.
fn free_ports() -> Result<[u16; 3], String> {
    let bind = || std::net::TcpListener::bind(("127.0.0.1", 0)).map_err(words);
    let held = [bind()?, bind()?, bind()?];
    let [one, two, three] = &held;
    let port = |listener: &std::net::TcpListener| listener.local_addr().map(|at| at.port()).map_err(words);
    Ok([port(one)?, port(two)?, port(three)?])
}

/// Its certificate, and its authority's.
fn certify(folder: &Path, certified: Option<Certified<'_>>) -> Result<(), String> {
    if let Some(Certified { chain, key, authority }) = certified {
        for (from, to) in [(chain, "certificate.pem"), (key, "key.pem"), (authority, "authority.pem")] {
            std::fs::copy(from, folder.join(to)).map_err(words)?;
        }
        return Ok(());
    }
    let now = SystemClock.now_ms();
    let authority = Authority::create(&AuthorityProfile::of("Judge"), now).map_err(|e| e.to_string())?;
    let server = authority.issue_server(&ServerProfile::for_hosts(["localhost", "127.0.0.1"]), now);
    let server = server.map_err(|e| e.to_string())?;
    let put = |name: &str, text: &str| std::fs::write(folder.join(name), text).map_err(words);
    put("authority.pem", &authority.certificate().to_pem())?;
    put("certificate.pem", &server.chain_pem())?;
    put("key.pem", &server.key().to_pem())
}

/// Definitions and settings.
fn write(
    folder: &Path,
    passwords: &BTreeMap<String, String>,
    companies: &[(&str, Option<u32>)],
    port: u16,
    demanding: bool,
) -> Result<(), String> {
    let put = |name: &str, text: &str| std::fs::write(folder.join(name), text).map_err(words);
    put("plugins", "[].\n")?;
    let of = |login: &str| passwords.get(login).map_or("", String::as_str);
    let parsed: Result<Vec<Company>, _> = companies.iter().map(|(name, _)| name.parse()).collect();
    let parsed = parsed.map_err(|e: crate::bus::NotACompany| e.to_string())?;
    let logins: Vec<String> = companies.iter().map(|(name, _)| login(name)).collect();
    let provisions: Vec<Provision<'_>> = parsed
        .iter()
        .zip(companies)
        .zip(&logins)
        .map(|((company, (_, limit)), name)| Provision {
            company,
            login: BusLogin { name, password: of(name) },
            limit: *limit,
        })
        .collect();
    let platform = BusLogin { name: PLATFORM, password: of(PLATFORM) };
    let all = definitions(&platform, &provisions).map_err(|e| e.to_string())?;
    put("definitions.json", &all.to_string())?;
    let at = folder.display();
    let verify = if demanding { "verify_peer" } else { "verify_none" };
    put(
        "rabbitmq.conf",
        &format!(
            "listeners.tcp = none\nlisteners.ssl.1 = 127.0.0.1:{port}\nssl_options.cacertfile = {at}/authority.pem\n\
             ssl_options.certfile = {at}/certificate.pem\nssl_options.keyfile = {at}/key.pem\n\
             ssl_options.verify = {verify}\nssl_options.fail_if_no_peer_cert = {demanding}\n\
             max_message_size = 1048576\n\
             load_definitions = {at}/definitions.json\nlog.console = true\nlog.console.level = info\nlog.file = false\n"
        ),
    )
}

fn launch(folder: &Path, [_, node, names]: [u16; 3]) -> Result<Child, String> {
    let mut command = Command::new("sh");
    command.args(["-c", WATCH, SERVER]);
    // Its package's user runs it, where we are root: Erlang's cookie and files must be its own.
    if user_id("")? == 0 {
        let (user, group) = (user_id("rabbitmq")?, group_id("rabbitmq")?);
        chown(folder, Some(user), Some(group)).map_err(words)?;
        for entry in std::fs::read_dir(folder).map_err(words)?.flatten() {
            chown(entry.path(), Some(user), Some(group)).map_err(words)?;
        }
        command.uid(user).gid(group);
    }
    let local = "-kernel inet_dist_use_interface {127,0,0,1}";
    command
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", folder)
        .env("LANG", "C.UTF-8")
        .env("RABBITMQ_NODENAME", format!("judge{node}@localhost"))
        .env("RABBITMQ_DIST_PORT", node.to_string())
        .env("ERL_EPMD_PORT", names.to_string())
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", local)
        .env("RABBITMQ_MNESIA_BASE", folder.join("data"))
        .env("RABBITMQ_LOG_BASE", folder.join("log"))
        .env("RABBITMQ_LOGS", "-")
        .env("RABBITMQ_CONFIG_FILE", folder.join("rabbitmq.conf"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", folder.join("plugins"))
        .env("RABBITMQ_PID_FILE", folder.join("pid"))
        .current_dir(folder)
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command.spawn().map_err(words)
}

fn words(error: std::io::Error) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn a_server_whose_port_another_took_says_so_and_ends() {
        let ports = free_ports().unwrap();
        let _another = std::net::TcpListener::bind(("127.0.0.1", ports[1])).unwrap();
        let said = RabbitJudge::at(&[], None, ports).unwrap_err();
        assert!(is_taken(&said), "{said}");
    }
}
