//! The servers that the platform works with, in one TOML file (`--config`). Each section may be left away: what is embedded takes its place.
//!
//! ```toml
//! [database]                  # where records are kept; else a file in the data folder
//! kind = "postgresql"
//! url = "postgresql://sceau@db.example.org/sceau"
//! password_file = "credential:database"
//!
//! [objects]                   # where sealed files are kept
//! kind = "s3"                 # or "folder" (path = "/srv/sceau/objects"; else `objects` in the data folder)
//! endpoint = "https://s3.example.org"
//! bucket = "sceau"
//! region = "eu-west-1"
//! access_key_id = "…"
//! secret_access_key_file = "/etc/sceau/s3.secret"
//! ca_file = "/etc/sceau/ca.pem"         # authorities to trust beside the system's
//!
//! [mail]                      # who carries the letters
//! kind = "smtp"               # or "folder" (path = "/srv/sceau/mail"; else `mail` in the data folder)
//! host = "smtp.example.org"
//! tls = "implicit"            # or "starttls"; there is no mail without TLS
//! port = 465                  # else 465, or 587 for starttls
//! user = "sceau"
//! password_file = "credential:smtp"
//! ca_file = "/etc/sceau/ca.pem"
//! from = "Sceau <sceau@example.org>"
//!
//! [[identity.providers]]      # who says who people are, besides the platform's own accounts (docs/deploy/openid-connect.md)
//! name = "franceconnect"
//! preset = "franceconnect"    # or "proconnect", "keycloak", "standard"
//! issuer = "https://oidc.franceconnect.gouv.fr/api/v2"
//! client_id = "…"
//! client_secret_file = "credential:franceconnect"
//!
//! [bus]                       # RabbitMQ, for companies whose own system decides
//! address = "amqps://sceau@bus.example.org"
//! password_file = "credential:bus"
//! ca_file = "/etc/sceau/bus-ca.pem"
//! [[bus.companies]]
//! name = "simulation-sirh"
//! login = "hr-simulation-sirh"
//!
//! [webhooks]                  # how far organisations' webhooks reach: public addresses only, without it
//! allow = ["10.20.0.0/16"]    # networks that are not public and are called all the same
//! ca_file = "/etc/sceau/ca.pem"
//!
//! [trace]                     # who watches over the log (docs/witnesses.md); nobody without it
//! policy_file = "/etc/sceau/witnesses.policy"     # which witnesses, where, and how many of them
//! ca_file = "/etc/sceau/ca.pem"                   # authorities of their servers, in the place of the system's
//! every_seconds = 5                               # how long a new checkpoint may wait
//! witness_file = "/var/lib/sceau-witnessed/checkpoint"     # what they cosigned, for the element's next start
//! [trace.stamps]              # who stamps checkpoints (docs/verify-evidence.md)
//! authority = "https://tsa.example.org"
//! anchors = "/etc/sceau/tsa-roots.pem"
//! every_hours = 24
//! [[trace.peers]]             # logs of other elements, which this one's records that it saw (docs/witnesses.md)
//! url = "https://other.example.org/trace"
//! key = "other.example.org/log+0a1b2c3d+AbC…="
//!
//! [clients]                   # certificates that a gate forwards through the platform's socket are judged here too: see `callers.rs`
//! anchors = ["/etc/sceau/partners.pem"]
//! demand = ["/v1/oauth/token"]
//!
//! [protect]                   # protection of applications' data (`sceau serve keyfront`); off without this section
//! [protect.clients]           # certificates of who calls the keyfront: see `callers.rs`; without it, nobody is asked
//! anchors = ["/etc/sceau/applications.pem"]
//! demand = "everybody"
//!
//! [keyrings]                  # keyrings of holders (`sceau serve keyrings`); off without this section
//! notify_url = "https://push.example.org/sceau"   # who is told that a request waits, by an id; nobody without it
//! notify_token_file = "credential:push"           # the bearer token that it is told with
//! notify_ca_file = "/etc/sceau/ca.pem"            # authorities to trust beside the system's
//! names = ["keyrings.example.org"]                # by which names terminals reach the host; else what each request says
//! [[keyrings.est]]            # authorities outside that policies of keyrings name: see docs/deploy/est.md
//! url = "https://est.example.org"                 # as policies name it
//! ca_file = "/etc/sceau/est-ca.pem"               # the authorities that its server must be of; else the system's
//! identity_file = "/etc/sceau/est-client.pem"     # the certificate and key that it knows this host by
//! user = "sceau"                                  # or, or besides, a user
//! password_file = "credential:est"                # with its password
//! [keyrings.clients]          # what certificates of actors are judged by besides their registration: see `callers.rs`
//! anchors = ["/etc/sceau/actors.pem"]
//! demand = "nobody"
//!
//! [mob]                       # MOB's HTTP interface, on a host of its own (`sceau serve mob`); off without this section
//! url = "https://mob.example.org"
//! key = "…"                   # what `sceau mob key` prints
//! danger_accepted = ["integrity", "plaintext", "preflight"]     # what it gives up: docs/mob-2022.md
//! page_origin = "https://mcm.example.org"         # MOB's page, if it calls from a browser
//! [mob.provider]                                  # whose access tokens are taken beside the platform's own
//! issuer = "https://id.example.org/realms/mcm"
//! audiences = ["api"]
//! [[mob.funders]]
//! organisation = "1b0c9f5e-8d5c-4b43-9d39-6d2f3a0c1e77"
//! group = "/entreprises/simulation-sirh"          # in `membership` of the provider's tokens
//! company = "simulation-sirh"                     # where its own system decides over the bus
//! [mob.clients]                                   # certificates of who calls the host: see `callers.rs`; without it, nobody is asked
//! anchors = ["/etc/sceau/partners.pem"]
//! demand = ["/auth"]
//! ```
//!
//! The file holds no secret: each password is in a file of its own (`…_file`), that only the platform's user may read, or is a credential
//! of its systemd unit (`…_file = "credential:smtp"`). A section of another part: a field of [`Settings`], a type that says its shape,
//! and a line in [`Settings::check`] for what can be judged without asking a server.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
use std::path::{Path, PathBuf};

use sceau_accounts::callers::ReadSettings;
use sceau_store::Database;
use serde::Deserialize;

use super::bus::BusSettings;
use super::callers::{self, CallersTable};
use super::database::DatabaseSettings;
use super::identity::IdentitySettings;
use super::keyfront::ProtectTable;
use super::keyrings::KeyringsTable;
use super::mail::MailSettings;
use super::mob::MobTable;
use super::objects::ObjectsSettings;
use super::webhooks::WebhookSettings;
use super::witnesses::TraceSettings;
use crate::failure::{Exit, Failure};

/// What a certificate may be demanded for: the token that machines ask for, what connectors and the intake do with it, and what key managers do.
const PLACES: [&str; 4] = ["/v1/oauth/token", "/v1/deliveries", "/v1/intake", "/v1/organisations"];
/// The longest file that is read, in bytes.
const LONGEST: u64 = 256 * 1024;

/// The file as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Where records are kept.
    pub(crate) database: DatabaseSettings,
    /// Where sealed files are kept.
    pub(crate) objects: ObjectsSettings,
    /// Who carries the letters.
    pub(crate) mail: MailSettings,
    /// Who says who people are, besides the platform's own accounts.
    pub(crate) identity: IdentitySettings,
    /// Where companies' own systems receive and decide; nowhere without it.
    pub(crate) bus: Option<BusSettings>,
    /// How far organisations' webhooks reach.
    pub(crate) webhooks: WebhookSettings,
    /// Who watches over the log.
    pub(crate) trace: TraceSettings,
    /// That a keyfront keeps rows here; there is none without it.
    pub(crate) protect: Option<ProtectTable>,
    /// That a host of keyrings keeps rows and requests here; there is none without it.
    pub(crate) keyrings: Option<KeyringsTable>,
    /// Who uses MOB's HTTP interface; nobody without it.
    pub(crate) mob: Option<MobTable>,
    /// Whose certificates, which a gate forwards, are judged by the platform too; nobody's without it.
    pub(crate) clients: Option<CallersTable>,
}

impl Settings {
    /// Reads a file, and judges what can be judged without asking a server; without a file, what is embedded.
    ///
    /// # Errors
    /// `settings`, with the file, the line and what is expected there; `settings_open_to_others` where somebody else could have written it.
    pub(crate) fn read(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text = text(path)?;
        let settings: Self =
            toml::from_str(&text).map_err(|error| unusable(path, error.to_string().trim_end()))?;
        settings.check().map_err(|why| unusable(path, &why))?;
        Ok(settings)
    }

    /// Reads the platform's section `[clients]` of a file, again each time that it is asked for.
    pub(super) fn clients(path: PathBuf) -> ReadSettings {
        Self::clients_of(path, &PLACES, |settings| settings.clients)
    }

    /// The same of a role that has these places, and its own section.
    pub(super) fn clients_of(
        path: PathBuf,
        places: &'static [&'static str],
        section: fn(Self) -> Option<CallersTable>,
    ) -> ReadSettings {
        Box::new(move |files| {
            files.note(&path);
            let settings = Self::read(Some(&path)).map_err(|failure| failure.to_string())?;
            section(settings).ok_or_else(callers::gone)?.settings(places)
        })
    }

    /// Opens the platform's records; `data` is its folder.
    pub(crate) async fn records(&self, data: &Path) -> Result<Database, Failure> {
        // MOB's host, the keyfront, the host of keyrings and `sceau bus` open the same file.
        let roles = [self.mob.is_none(), self.bus.is_none(), self.protect.is_none(), self.keyrings.is_none()];
        let alone = roles.into_iter().all(|none| none);
        self.database.open(data, alone).await
    }

    fn check(&self) -> Result<(), String> {
        self.database.check()?;
        for (name, path) in self.database.paths() {
            absolute(name, path)?;
        }
        if let Some(bus) = &self.bus {
            bus.check()?;
            bus.paths().into_iter().try_for_each(|(name, path)| absolute(name, path))?;
        }
        absolute("webhooks.ca_file", self.webhooks.path())?;
        self.trace.check()?;
        self.trace.paths().into_iter().try_for_each(|(name, path)| absolute(name, path))?;
        if let Some(mob) = &self.mob {
            mob.check(&self.bus.as_ref().map(BusSettings::names).unwrap_or_default())?;
        }
        if let Some(keyrings) = &self.keyrings {
            keyrings.check()?;
            keyrings.paths().into_iter().try_for_each(|(name, path)| absolute(name, path))?;
        }
        self.clients.as_ref().map_or(Ok(()), |clients| clients.settings(&PLACES).map(drop))?;
        self.identity.check()?;
        self.identity.paths().into_iter().try_for_each(|(name, path)| absolute(name, path))?;
        self.objects.check()?;
        self.mail.check()
    }
}

/// Certificates that a file holds, as they are.
pub(crate) fn authorities(file: Option<&Path>) -> Result<Option<Vec<u8>>, Failure> {
    let read = |file| std::fs::read(file).map_err(|cause| Failure::file("read", file, &cause));
    file.map(read).transpose()
}

/// Which directory a role is started in must not decide which file it reads.
pub(super) fn absolute(name: &str, path: Option<&Path>) -> Result<(), String> {
    match path.filter(|path| !path.is_absolute()) {
        None => Ok(()),
        Some(path) => Err(format!("{name} begins with `/`, {} does not", path.display())),
    }
}

fn unusable(path: &Path, why: &str) -> Failure {
    Failure::new(Exit::Usage, "settings", format!("the settings {} cannot be used: {why}", path.display()))
}

/// The text of a settings file that nobody but its owner and root could have written.
///
/// # Errors
/// `settings_open_to_others`; `settings` when it is longer than any.
pub(crate) fn text(path: &Path) -> Result<String, Failure> {
    let failed = |cause: std::io::Error| Failure::file("read", path, &cause);
    let metadata = std::fs::metadata(path).map_err(failed)?;
    let ours = [0, rustix::process::geteuid().as_raw()].contains(&metadata.uid());
    if !ours || metadata.permissions().mode() & 0o022 != 0 {
        let words = format!(
            "the settings {} could have been written by somebody else: give them to root or to the user of this role, \
             and take writing away from all others (chmod go-w)",
            path.display()
        );
        return Err(Failure::new(Exit::Usage, "settings_open_to_others", words));
    }
    if metadata.len() > LONGEST {
        return Err(unusable(path, &format!("it is longer than {} KiB", LONGEST >> 10)));
    }
    std::fs::read_to_string(path).map_err(failed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    fn written(text: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("platform.toml");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        (folder, path)
    }

    fn refused(text: &str) -> String {
        let (_folder, path) = written(text, 0o640);
        Settings::read(Some(&path)).unwrap_err().to_string()
    }

    #[test]
    fn what_is_left_away_is_embedded() {
        let (_folder, path) = written("", 0o640);
        let settings = Settings::read(Some(&path)).unwrap();
        assert!(matches!(settings.objects, ObjectsSettings::Folder { path: None }));
        assert!(matches!(settings.mail, MailSettings::Folder { path: None, .. }));
    }

    #[test]
    fn what_is_misspelt_is_named_with_its_line() {
        let said = refused("[mail]\nkind = \"folder\"\n\n[object]\nkind = \"folder\"\n");
        assert!(
            said.contains("platform.toml") && said.contains("line 4") && said.contains("`objects`"),
            "{said}"
        );
        let said = refused("[objects]\nkind = \"folder\"\npaht = \"/srv\"\n");
        assert!(said.contains("line ") && said.contains("paht") && said.contains("`path`"), "{said}");
        let said = refused("[objects]\nkind = \"tape\"\n");
        assert!(said.contains("tape") && said.contains("`folder`"), "{said}");
        assert!(refused("[objects]\nkind = \"folder\"\npath = \"objects\"\n").contains("objects.path"));
        let postgresql = |more: &str| refused(&format!("[database]\nkind = \"postgresql\"\n{more}"));
        let said = postgresql("url = \"postgresql://sceau:hunter2@db/sceau\"\n");
        assert!(said.contains("password_file") && !said.contains("hunter2"), "{said}");
        assert!(
            postgresql("url = \"postgresql://s@db/s\"\npassword_file = \"pw\"").contains("password_file")
        );
        assert!(postgresql("url = \"postgresql://s@db/s\"\nconnections = 0").contains("1 to 1000"));
    }

    #[test]
    fn webhooks_reach_the_networks_that_are_named() {
        let (_folder, path) = written("[webhooks]\nallow = [\"10.20.0.0/16\", \"127.0.0.1\"]\n", 0o640);
        let reach = Settings::read(Some(&path)).unwrap().webhooks.reach().unwrap();
        let judged = |url: &str| reach.judge(&url.parse().unwrap()).is_ok();
        assert!(
            judged("https://10.20.3.4/") && judged("http://127.0.0.1:8000/") && !judged("https://10.21.0.1/")
        );
        let nobody = Settings::default().webhooks.reach().unwrap();
        assert!(nobody.judge(&"https://10.20.3.4/".parse().unwrap()).is_err());
        assert!(refused("[webhooks]\nallow = [\"everything\"]\n").contains("10.1.0.0/16"));
        assert!(refused("[webhooks]\nca_file = \"ca.pem\"\n").contains("webhooks.ca_file"));
    }

    #[test]
    fn companies_have_logins_of_their_own() {
        let bus = "[bus]\naddress = \"amqps://sceau@bus\"\npassword_file = \"/p\"\nca_file = \"/c\"\n";
        let with = |companies: &[(&str, &str)]| {
            let tables = companies
                .iter()
                .map(|(name, login)| format!("[[bus.companies]]\nname = \"{name}\"\nlogin = \"{login}\"\n"));
            format!("{bus}{}", tables.collect::<String>())
        };
        let (_folder, path) = written(&with(&[("alpha", "hr-alpha"), ("beta", "hr-beta")]), 0o640);
        assert!(Settings::read(Some(&path)).is_ok());
        assert!(refused(&with(&[("alpha", "sceau")])).contains("bus.companies"), "the platform's own");
        assert!(refused(&with(&[("alpha", "hr"), ("beta", "hr")])).contains("stands once"));
        assert!(refused(&with(&[("alpha", "hr alpha")])).contains("login"), "records could not name it");
        assert!(refused(&with(&[("127.0.0.1", "hr")])).contains("a company's name"));
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let smtp = "[mail]\nkind = \"smtp\"\nhost = \"a\"\nfrom = \"a@b.fr\"\n";
        assert!(refused(smtp).contains("tls"));
        assert!(refused(&format!("{smtp}tls = \"opportunistic\"\n")).contains("opportunistic"));
        assert!(refused(&format!("{smtp}tls = \"implicit\"\nuser = \"a\"\n")).contains("go together"));
        let s3 =
            "[objects]\nkind = \"s3\"\nendpoint = \"https://a\"\nbucket = \"b\"\naccess_key_id = \"c\"\n";
        assert!(
            refused(&format!("{s3}secret_access_key_file = \"s3.secret\"\n"))
                .contains("secret_access_key_file")
        );
        let stamps = |more: &str| refused(&format!("[trace.stamps]\nauthority = \"https://a\"\n{more}"));
        assert!(stamps("").contains("`anchors`"), "what it says is verified first");
        assert!(stamps("anchors = \"roots.pem\"\n").contains("trace.stamps.anchors"));
        assert!(stamps("anchors = \"/roots.pem\"\nevery_hours = 0\n").contains("1 to 8760"));
    }

    #[test]
    fn a_provider_of_identities_is_judged_before_it_is_asked() {
        let provider = |more: &str| {
            format!(
                "[[identity.providers]]\nname = \"id\"\nissuer = \"https://id.example.org\"\nclient_id = \"sceau\"\n\
                 client_secret_file = \"/etc/sceau/id.secret\"\n{more}"
            )
        };
        let (_folder, path) = written(&provider("preset = \"franceconnect\"\n"), 0o640);
        assert!(Settings::read(Some(&path)).is_ok());
        for (more, said) in [
            ("roles = [\"platform_admin\"]\n", "sign in with a passkey"),
            ("roles = [\"case_officer\", \"data_officer\"]\n", "data officers sign in with a passkey"),
            ("scopes = [\"email\"]\n", "openid"),
            ("preset = \"google\"\n", "franceconnect"),
            ("ca_file = \"ca.pem\"\n", "identity.providers.ca_file"),
        ] {
            assert!(refused(&provider(more)).contains(said), "{}", refused(&provider(more)));
        }
        assert!(refused(&format!("{}{}", provider(""), provider(""))).contains("twice"));
        assert!(refused(&provider("").replace("https", "http")).contains("https address"));
    }

    #[test]
    fn settings_that_others_could_have_written_are_refused() {
        for mode in [0o660, 0o602, 0o646] {
            let (_folder, path) = written("", mode);
            assert_eq!(Settings::read(Some(&path)).unwrap_err().code, "settings_open_to_others", "{mode:o}");
        }
    }
}
