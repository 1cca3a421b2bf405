//! The section that has callers judged by their certificates: `[clients]` of the intake and of the platform, `[mob.clients]` of MOB's host,
//! `[protect.clients]` of the keyfront. Its words are those of a gate's `[clients.NAME]`.
//!
//! ```toml
//! [clients]
//! anchors = ["/etc/sceau/partners/root.pem"]             # whom to trust; several in each file
//! intermediates = ["/etc/sceau/partners/issuer.pem"]     # may be left out by clients
//! issuer = "/etc/sceau/partners/issuer.pem"              # nobody else's clients
//! revocation_lists = ["/var/lib/sceau-lists/root.crl", "/var/lib/sceau-lists/issuer.crl"]
//! demand = "nobody"                                      # or "everybody", or paths: ["/v1/deposits"]
//! [[clients.allow]]                                      # without any, whoever these authorities vouch for
//! common_name = "mobility.example.org"
//! organizational_units = ["MaaS"]
//! ```

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sceau_accounts::callers::{CallerSettings, Callers, Demand, Edge, ReadSettings};
use sceau_hsm::certificates;
use sceau_pki::SubjectRule;
use sceau_store::SystemClock;
use serde::Deserialize;

use super::settings::absolute;
use crate::failure::{Exit, Failure};

/// The section as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallersTable {
    anchors: Vec<PathBuf>,
    #[serde(default)]
    intermediates: Vec<PathBuf>,
    issuer: Option<PathBuf>,
    #[serde(default)]
    revocation_lists: Vec<PathBuf>,
    /// No default: who writes this section says whom it stops.
    demand: DemandText,
    allow: Option<Vec<AllowTable>>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum DemandText {
    Word(String),
    Paths(Vec<String>),
}

/// One client: exactly this common name and these organizational units.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AllowTable {
    common_name: String,
    #[serde(default)]
    organizational_units: Vec<String>,
}

impl CallersTable {
    /// What the section says, or why it cannot be; `places` are what the role has to demand a certificate for.
    pub(super) fn settings(&self, places: &[&str]) -> Result<CallerSettings, String> {
        let named = [("anchors", &self.anchors), ("intermediates", &self.intermediates)];
        let named = named.into_iter().chain([("revocation_lists", &self.revocation_lists)]);
        let paths = named.flat_map(|(name, paths)| paths.iter().map(move |path| (name, path)));
        for (name, path) in paths.chain(self.issuer.iter().map(|path| ("issuer", path))) {
            absolute(&format!("clients.{name}"), Some(path))?;
        }
        let demand = match &self.demand {
            DemandText::Word(word) if word == "nobody" => Demand::Nobody,
            DemandText::Word(word) if word == "everybody" => Demand::Everybody,
            DemandText::Word(_) => {
                return Err(format!("clients.demand is \"nobody\", \"everybody\" or paths: {places:?}"));
            }
            DemandText::Paths(paths) => Demand::Paths(paths.clone()),
        };
        demand.check(places).map_err(|why| format!("clients.demand: {why}"))?;
        let rule = |one: &AllowTable| SubjectRule::new(&one.common_name, &one.organizational_units);
        Ok(CallerSettings {
            anchors: self.anchors.clone(),
            intermediates: self.intermediates.clone(),
            issuer: self.issuer.clone(),
            lists: self.revocation_lists.clone(),
            names: self.allow.as_ref().map(|all| all.iter().map(rule).collect()),
            demand,
        })
    }
}

/// What a role shows and asks for: the certificate of `tls`, and callers' by the section of its settings, where there is one. Without a certificate of its
/// own it is for loopback, in clear.
///
/// # Errors
/// The setting or file at fault.
pub(super) fn edge(role: &str, tls: Option<&Path>, clients: Option<ReadSettings>) -> Result<Edge, Failure> {
    let failed = |error: &dyn std::error::Error| Failure::role(role, error);
    match (tls, clients) {
        (None, None) => Ok(Edge::Clear),
        (None, Some(_)) => {
            let words = "callers show certificates to who shows one: give the role its own with --tls";
            Err(Failure::new(Exit::Usage, role, words))
        }
        (Some(path), None) => {
            let identity = certificates::read_identity(path)?;
            let config = sceau_pki::server_config(&identity).map_err(|error| failed(&error))?;
            Ok(Edge::Tls(Arc::new(config)))
        }
        (Some(path), Some(clients)) => {
            let identity = certificates::read_identity(path)?;
            let callers = Callers::open(clients, Some(identity), Arc::new(SystemClock));
            callers.map(Edge::Mutual).map_err(|error| unusable(&error))
        }
    }
}

/// Why callers cannot be judged.
pub(super) fn unusable(error: &dyn std::error::Error) -> Failure {
    Failure::new(Exit::Usage, "clients", format!("callers cannot be judged: {error}"))
}

/// What a role that runs is told when its section went away.
pub(super) fn gone() -> String {
    "the section about clients is gone: start the role again to ask nobody for a certificate".to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    const PLACES: [&str; 2] = ["/v1/deposits", "/auth/token"];

    fn parse(text: &str) -> Result<CallerSettings, String> {
        let table: CallersTable = toml::from_str(text).map_err(|error| error.to_string())?;
        table.settings(&PLACES)
    }

    #[test]
    fn each_choice_is_taken() {
        let settings = parse(
            "anchors = [\"/a.pem\"]\nintermediates = [\"/i.pem\"]\nissuer = \"/i.pem\"\n\
             revocation_lists = [\"/a.crl\"]\ndemand = [\"/v1/deposits\"]\n\
             [[allow]]\ncommon_name = \"a\"\norganizational_units = [\"b\"]\n",
        );
        let settings = settings.unwrap();
        assert_eq!(settings.demand, Demand::Paths(vec!["/v1/deposits".to_owned()]));
        assert_eq!(settings.names, Some(vec![SubjectRule::new("a", &["b".to_owned()])]));
        assert_eq!((settings.anchors.len(), settings.lists.len()), (1, 1));
        for (word, demand) in [("nobody", Demand::Nobody), ("everybody", Demand::Everybody)] {
            let settings = parse(&format!("anchors = [\"/a.pem\"]\ndemand = \"{word}\"\n")).unwrap();
            assert_eq!((settings.demand, settings.names), (demand, None));
        }
    }

    #[test]
    fn what_is_misspelt_or_would_stop_nobody_is_refused() {
        for (text, said) in [
            ("anchors = [\"/a.pem\"]\n", "demand"),
            ("demand = \"everybody\"\n", "anchors"),
            ("anchors = [\"a.pem\"]\ndemand = \"everybody\"\n", "clients.anchors begins with `/`"),
            ("anchors = [\"/a.pem\"]\ndemand = \"all\"\n", "\"everybody\""),
            ("anchors = [\"/a.pem\"]\ndemand = []\n", "clients.demand"),
            ("anchors = [\"/a.pem\"]\ndemand = [\"/v1/deposit\"]\n", "nothing is at \"/v1/deposit\""),
            ("anchors = [\"/a.pem\"]\ndemand = \"nobody\"\nallowed = []\n", "allowed"),
        ] {
            let why = parse(text).unwrap_err();
            assert!(why.contains(said), "{text}: {why}");
        }
    }
}
