//! The servers under a house: PostgreSQL, an S3 store, a mail server. All speak TLS under certificates of an organisation's own authority.

use sceau_store::Postgres;
use sceau_store::judge::{PostgresJudge, StandIn};
use serde_json::Value;

use crate::{OwnAuthority, Scratch};

/// Which servers a house gets where the environment says so (`postgresql,s3,smtp`): `cargo xtask test --only servers` sets it.
const ASKED: &str = "SCEAU_TEST_SERVERS";
const PASSWORD: &str = "a password of the database";
/// What stand-ins of S3 and mail want to hear (`tests/judges/servers_*.py`).
const STORE_SECRET: &str = "secret-of-the-store";
const MAIL_PASSWORD: &str = "secret of the mail";

/// A server that a house can stand on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Records.
    Postgresql,
    /// Objects.
    S3,
    /// Letters.
    Smtp,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Postgresql, Self::S3, Self::Smtp];

    /// Those that the environment asks for.
    pub(crate) fn asked() -> Vec<Self> {
        let asked = std::env::var(ASKED).unwrap_or_default();
        let one = |word: &str| match word {
            "postgresql" => Self::Postgresql,
            "s3" => Self::S3,
            "smtp" => Self::Smtp,
            other => panic!("{ASKED} names postgresql, s3 and smtp, not {other}"),
        };
        asked.split(',').filter(|word| !word.is_empty()).map(one).collect()
    }
}

/// Those that a house has. Without one, the platform keeps that part itself.
#[derive(Debug, Default)]
pub struct Servers {
    /// Where records are.
    pub postgresql: Option<PostgresJudge>,
    /// Where objects are; `tests/judges/servers_s3.py` says what it can be told.
    pub s3: Option<StandIn>,
    /// Who carries letters; `tests/judges/servers_smtp.py` says what it can be told.
    pub smtp: Option<StandIn>,
    /// Who issued their certificates.
    pub authority: Option<OwnAuthority>,
    /// Address of the database, without the password.
    pub(crate) database: Option<String>,
}

impl Servers {
    /// Starts some, and writes `platform.toml` into the folder.
    pub fn start(scratch: &Scratch, kinds: &[Kind]) -> Self {
        let mut servers = Self::default();
        if kinds.is_empty() {
            return servers;
        }
        let authority = OwnAuthority::found(&scratch.join("authority"));
        let shown = authority.server("servers", &["localhost"]);
        let [chain, key] = [&shown.chain, &shown.key].map(|path| path.display().to_string());
        let root = authority.root();
        let mut settings = String::new();
        for kind in kinds {
            settings += &match kind {
                Kind::Postgresql => {
                    let mut server = PostgresJudge::start().expect("PostgreSQL is installed");
                    server
                        .listen_encrypted_as(PASSWORD, &shown.chain, &shown.key)
                        .expect("it takes a certificate");
                    let url = server.encrypted_database().expect("a fresh server takes a database");
                    let password = scratch.write("database.password", PASSWORD);
                    (servers.postgresql, servers.database) = (Some(server), Some(url.clone()));
                    format!(
                        "[database]\nkind = \"postgresql\"\nurl = \"{url}\"\npassword_file = {password:?}\nca_file = {root:?}\n"
                    )
                }
                Kind::S3 => {
                    let server =
                        StandIn::start("servers_s3.py", &["sceau", &chain, &key]).expect("moto is installed");
                    let (port, secret) = (server.port(), scratch.write("store.secret", STORE_SECRET));
                    servers.s3 = Some(server);
                    format!(
                        "[objects]\nkind = \"s3\"\nendpoint = \"https://localhost:{port}\"\nbucket = \"sceau\"\naccess_key_id = \"sceau\"\n\
                         secret_access_key_file = {secret:?}\nca_file = {root:?}\n"
                    )
                }
                Kind::Smtp => {
                    let server = StandIn::start("servers_smtp.py", &[&chain, &key, "implicit"]);
                    let server = server.expect("aiosmtpd is installed");
                    let (port, password) = (server.port(), scratch.write("mail.password", MAIL_PASSWORD));
                    servers.smtp = Some(server);
                    format!(
                        "[mail]\nkind = \"smtp\"\nhost = \"localhost\"\nport = {port}\ntls = \"implicit\"\nuser = \"sceau\"\n\
                         password_file = {password:?}\nca_file = {root:?}\nfrom = \"Sceau <sceau@example.org>\"\n"
                    )
                }
            };
        }
        scratch.write("platform.toml", settings);
        servers.authority = Some(authority);
        servers
    }

    /// Whether the platform keeps everything itself.
    pub(crate) fn are_none(&self) -> bool {
        self.authority.is_none()
    }

    /// How to reach the database, where there is a server of it.
    pub(crate) fn postgres(&self) -> Option<Postgres> {
        let address = self.database.as_ref()?.parse().expect("an address of a database");
        Some(Postgres {
            password: Some(PASSWORD.to_owned().into()),
            ca_file: self.authority.as_ref().map(OwnAuthority::root),
            connections: 2,
            turns: 1,
            ..Postgres::at(address)
        })
    }

    /// The letters that the mail server took, each whole; one that came twice under the same `Message-ID` is one.
    pub(crate) fn letters(&self) -> Option<Vec<String>> {
        let said = self.smtp.as_ref()?.ask("letters");
        let taken: Vec<Value> = serde_json::from_str(&said).expect("the mail server says what it took");
        let text = |letter: &Value, name: &str| {
            letter.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let by_id: std::collections::BTreeMap<String, String> =
            taken.iter().map(|letter| (text(letter, "id"), text(letter, "source"))).collect();
        Some(by_id.into_values().collect())
    }
}
