//! What an organisation decides about its key manager, in one TOML file; everything has a default.
//!
//! ```toml
//! suite = "hybrid"            # or "rsa": RSA-OAEP-256, for what cannot do the hybrid suite
//! period_days = 183           # how long a key is valid
//! lead_days = 14              # how long before its expiry the next one is made and published
//! retention_days = 365        # how long after its expiry a key is kept at least
//! backup_days = 31            # how old the last backup may be before the calendar says so
//! server_identity = "/etc/sceau/cles.pem"      # certificate chain and key; else the embedded authority issues one
//! client_anchors = ["/etc/sceau/ac.pem"]       # who may issue client certificates; else the embedded authority
//! client_intermediates = ["/etc/sceau/ac2.pem"]   # authorities below those; needed for their lists
//! client_crls = ["/etc/sceau/ac.crl"]          # revocation lists of both; without it, nobody is asked
//! token = "pkcs11:token=keys;object=keymanager?module-path=…&pin-source=…"   # a token keeps the keys: see docs/keep-a-key-in-an-hsm.md
//!
//! [quota]                     # content keys that one officer may have
//! burst = 100
//! per_hour = 400
//!
//! [roles]                     # which organizational unit in a certificate stands for which role
//! "Gestionnaires" = "case-officer"
//! "Administrateurs" = "administrator"
//!
//! [scanner]                   # documents are examined before their keys leave: see docs/deploy/antivirus.md
//! antivirus = ["unix:/run/clamav/clamd.ctl"]
//! allow_unconfined = false    # true: also where the kernel cannot confine the process that examines
//!
//! [transit]                   # answers as a Vault does: see docs/deploy/vault-clients.md and [`super::transit`]
//! export = false              # true lets keys that were made exportable leave
//!
//! [letters]                   # tells who looks after the keys what is due, by the organisation's own mail server
//! to = "cles@metropole.example"
//! mail = { kind = "smtp", host = "smtp.metropole.example", tls = "implicit", from = "Sceau <cles@metropole.example>" }
//!
//! [vault]                     # a Vault or OpenBao keeps the keys: see docs/deploy/vault-keys.md and [`super::vault_keys`]
//! address = "https://vault.internal:8200"
//!
//! [mob]                       # publishes keys to Mon Compte Mobilité: see docs/deploy/vault-mob.md and [`super::mob_keys`]
//! api = "https://api.mcm.example"
//! ```

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sceau_crypto::RecipientSuite;
use sceau_hsm::pkcs11::Pkcs11Uri;
use sceau_keymanager::{LetterSettings, Quota, ScannerSettings, Settings};
use sceau_pki::{CertificateRole, RoleNames};
use sceau_store::{AddressError, ClamdAddress, Clock, SystemClock};
use serde::Deserialize;

use super::mail::MailSettings;
use crate::failure::{Exit, Failure};

const DAY_MS: u64 = 24 * 3600 * 1000;
/// The longest time that can be asked for, in days: a hundred years.
const MAX_DAYS: u64 = 36_525;

/// The file as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Policy {
    suite: Option<Suite>,
    period_days: Option<u64>,
    lead_days: Option<u64>,
    retention_days: Option<u64>,
    backup_days: Option<u64>,
    quota: Option<QuotaTable>,
    client_anchors: Option<Vec<PathBuf>>,
    client_intermediates: Option<Vec<PathBuf>>,
    client_crls: Option<Vec<PathBuf>>,
    server_identity: Option<PathBuf>,
    roles: Option<BTreeMap<String, String>>,
    scanner: Option<ScannerTable>,
    letters: Option<LettersTable>,
    transit: Option<super::transit::TransitTable>,
    mob: Option<super::mob_keys::MobKeysTable>,
    vault: Option<super::vault_keys::VaultTable>,
    token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Suite {
    Hybrid,
    Rsa,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QuotaTable {
    pub(super) burst: u32,
    pub(super) per_hour: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LettersTable {
    to: String,
    mail: MailSettings,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScannerTable {
    antivirus: Vec<String>,
    #[serde(default)]
    allow_unconfined: bool,
}

/// Reads the policy of a file; without one, the defaults.
pub(crate) fn read(path: Option<&Path>) -> Result<Settings, Failure> {
    let Some(path) = path else { return Ok(Settings::default()) };
    let text = std::fs::read_to_string(path).map_err(|cause| Failure::file("read", path, &cause))?;
    let settings = parse(&text).map_err(|why| unusable(path, &why))?;
    readable(&settings).map_err(|why| unusable(path, &why))?;
    Ok(settings)
}

/// The mail server of its letters, as it is written; for who looks at servers.
pub(crate) fn mail(path: &Path) -> Result<Option<MailSettings>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|cause| Failure::file("read", path, &cause))?;
    let policy: Policy = toml::from_str(&text).map_err(|error| unusable(path, &error.to_string()))?;
    Ok(policy.letters.map(|letters| letters.mail))
}

fn unusable(path: &Path, why: &str) -> Failure {
    Failure::new(Exit::Usage, "policy", format!("the policy {} cannot be used: {why}", path.display()))
}

/// Each file without which nothing starts, under the name of its setting. Revocation lists may come later, and secrets are read at each use.
fn readable(settings: &Settings) -> Result<(), String> {
    let anchors = settings.anchors.iter().map(|path| ("client_anchors", path));
    let below = settings.client_intermediates.iter().map(|path| ("client_intermediates", path));
    let server = settings.server_identity.iter().map(|path| ("server_identity", path));
    let vault = settings.vault.iter().map(|vault| ("vault.authorities", &vault.authorities));
    let mob = settings.mob.iter().flat_map(|mob| mob.anchors.iter().map(|path| ("mob.anchors", path)));
    let mut files = anchors.chain(below).chain(server).chain(vault).chain(mob);
    files.try_for_each(|(name, path)| {
        std::fs::File::open(path).map(drop).map_err(|cause| format!("{name}: {}: {cause}", path.display()))
    })
}

fn parse(text: &str) -> Result<Settings, String> {
    let policy: Policy = toml::from_str(text).map_err(|error| error.to_string())?;
    let mut settings = Settings::default();
    match policy.suite {
        Some(Suite::Hybrid) => settings.suite = RecipientSuite::HpkeXWing,
        Some(Suite::Rsa) => settings.suite = RecipientSuite::RsaOaep256,
        None => {}
    }
    set_days(&mut settings.period_ms, policy.period_days, "period_days")?;
    set_days(&mut settings.lead_ms, policy.lead_days, "lead_days")?;
    set_days(&mut settings.retention_ms, policy.retention_days, "retention_days")?;
    set_days(&mut settings.backup_age_ms, policy.backup_days, "backup_days")?;
    if settings.lead_ms >= settings.period_ms {
        return Err("lead_days must be less than period_days".to_owned());
    }
    if let Some(QuotaTable { burst, per_hour }) = policy.quota {
        settings.quota = Quota { burst, per_hour };
    }
    if let Some(anchors) = policy.client_anchors {
        settings.anchors = anchors;
    }
    settings.client_intermediates = policy.client_intermediates.unwrap_or_default();
    settings.client_crls = policy.client_crls.unwrap_or_default();
    settings.server_identity = policy.server_identity;
    settings.letters = policy.letters.map(letters).transpose()?;
    settings.scanner = policy.scanner.map(scanner).transpose()?;
    settings.transit = policy.transit.map(super::transit::settings).transpose()?;
    settings.mob = policy.mob.map(super::mob_keys::settings).transpose()?;
    settings.vault = policy.vault.map(super::vault_keys::settings).transpose()?;
    let token = policy.token.map(|address| address.parse::<Pkcs11Uri>());
    settings.token = token.transpose().map_err(|error| format!("token: {error}"))?;
    if let Some(roles) = policy.roles {
        settings.role_names = RoleNames::new(role_pairs(roles)?);
    }
    Ok(settings)
}

fn letters(LettersTable { to, mail }: LettersTable) -> Result<LetterSettings, String> {
    mail.check()?;
    if matches!(mail, MailSettings::Folder { path: None, .. }) {
        return Err("letters.mail.path names the folder".to_owned());
    }
    if !to.contains('@') || to.contains(char::is_whitespace) {
        return Err("letters.to is an address, without a name".to_owned());
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mailer = mail.open(Path::new(""), &clock).map_err(|failure| failure.to_string())?;
    Ok(LetterSettings { mailer, to })
}

fn scanner(table: ScannerTable) -> Result<ScannerSettings, String> {
    let antivirus: Result<Vec<ClamdAddress>, _> =
        table.antivirus.iter().map(|address| address.parse()).collect();
    let antivirus = antivirus.map_err(|error: AddressError| error.to_string())?;
    if antivirus.is_empty() {
        return Err(AddressError::Empty.to_string());
    }
    Ok(ScannerSettings { allow_unconfined: table.allow_unconfined, ..scanner_of(antivirus) })
}

/// This very program examines, even where a newer one has taken its place on the disk.
pub(crate) fn scanner_of(antivirus: Vec<ClamdAddress>) -> ScannerSettings {
    let program = ["/proc/self/exe", "serve", "scanner"].map(OsString::from).to_vec();
    ScannerSettings::new(antivirus, program)
}

fn set_days(into: &mut u64, days: Option<u64>, name: &str) -> Result<(), String> {
    match days {
        None => Ok(()),
        Some(days @ 1..=MAX_DAYS) => {
            *into = days * DAY_MS;
            Ok(())
        }
        Some(_) => Err(format!("{name} is 1 to {MAX_DAYS}")),
    }
}

fn role_pairs(roles: BTreeMap<String, String>) -> Result<Vec<(String, CertificateRole)>, String> {
    roles
        .into_iter()
        .map(|(unit, role)| match CertificateRole::parse(&role) {
            Some(role) => Ok((unit, role)),
            None => {
                Err(format!("the role of {unit:?} is case-officer, administrator or connector, not {role:?}"))
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn an_empty_file_is_the_default() {
        let settings = parse("").unwrap();
        assert_eq!(settings.period_ms, Settings::default().period_ms);
        assert_eq!(settings.suite, RecipientSuite::HpkeXWing);
    }

    #[test]
    fn each_choice_is_taken() {
        let text = "suite = \"rsa\"\nperiod_days = 90\nlead_days = 7\nretention_days = 30\n\
                    client_anchors = [\"/ac.pem\"]\nclient_intermediates = [\"/ac2.pem\"]\nclient_crls = [\"/ac.crl\"]\nserver_identity = \"/cles.pem\"\n\
                    [quota]\nburst = 3\nper_hour = 5\n[roles]\n\"Gestionnaires\" = \"case-officer\"\n\
                    [scanner]\nantivirus = [\"unix:/run/clamd.ctl\"]\nallow_unconfined = true\n";
        let settings = parse(text).unwrap();
        assert_eq!(settings.suite, RecipientSuite::RsaOaep256);
        let days = (settings.period_ms, settings.lead_ms, settings.retention_ms);
        assert_eq!(days, (90 * DAY_MS, 7 * DAY_MS, 30 * DAY_MS));
        assert_eq!(settings.quota, Quota { burst: 3, per_hour: 5 });
        let scanner = settings.scanner.unwrap();
        assert_eq!(scanner.antivirus, [ClamdAddress::Unix("/run/clamd.ctl".into())]);
        assert!(scanner.allow_unconfined && !scanner_of(Vec::new()).allow_unconfined, "by name only");
        assert_eq!(settings.anchors, [PathBuf::from("/ac.pem")]);
        assert_eq!(settings.client_intermediates, [PathBuf::from("/ac2.pem")]);
        assert_eq!(settings.client_crls, [PathBuf::from("/ac.crl")]);
        assert_eq!(settings.server_identity, Some(PathBuf::from("/cles.pem")));
        let names = RoleNames::new([("Gestionnaires".to_owned(), CertificateRole::CaseOfficer)]);
        assert_eq!(settings.role_names, names);
    }

    #[test]
    fn what_is_misspelt_or_impossible_is_refused_whole() {
        for text in [
            "sweet = \"rsa\"",
            "suite = \"RSA\"",
            "period_days = 0",
            "period_days = 40000",
            "period_days = 10\nlead_days = 10",
            "[roles]\n\"Chefs\" = \"boss\"",
            "[quota]\nburst = 1",
            "[letters]\nto = \"a@b.example\"",
            "[letters]\nto = \"a b\"\nmail = { kind = \"folder\", path = \"/mail\" }",
            "[letters]\nto = \"a@b.example\"\nmail = { kind = \"folder\" }",
            "[scanner]",
            "[scanner]\nantivirus = []",
            "[scanner]\nantivirus = [\"clamd\"]",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
