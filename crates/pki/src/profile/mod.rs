//! Profiles: a platform's rules for mutual TLS, in a file. Who calls under which exact name, whose certificates are taken, where lists are, and how
//! requests and files are named.
//!
//! A profile is data, never code: adding one is adding a file. [`Profile::shipped`] has those that the program brings along.

mod steps;
mod written;

use std::net::IpAddr;

use serde::Deserialize;

pub use steps::{Done, Step, StepWords};

use crate::{certificate::Certificate, demand::Demands, key::KeyAlgorithm, name::Name, rule::SubjectRule};

/// What stands in a profile's texts for the name of the publisher's software.
const EDITOR: &str = "<EDITEUR>";
/// The most characters of a common name (RFC 5280 appendix A.1, ub-common-name).
const COMMON_NAME_MAX: usize = 64;

const SHIPPED: [(&str, &str); 1] = [("sas", include_str!("../../profiles/sas.toml"))];

/// A platform's rules, checked.
#[derive(Clone, Debug)]
pub struct Profile {
    /// What it is called by: `sas`.
    pub name: String,
    /// For people.
    pub title: String,
    /// Where its values are from.
    pub source: String,
    /// The kind of a publisher's own keys.
    pub key: KeyAlgorithm,
    /// What TLS must be.
    pub tls: Tls,
    /// Below a service's base address, where it is asked whether it works.
    pub check_path: String,
    /// What it answers as `status` where it does.
    pub check_available: String,
    /// Where the state of one certificate is asked (RFC 6960).
    pub ocsp: Option<String>,
    /// From when on new lists are there each day, `07:00`.
    pub lists_renewed_from: Option<String>,
    /// The environments, in the file's order.
    pub environments: Vec<Environment>,
    /// A publisher's own certificates, in the file's order.
    pub clients: Vec<ClientNaming>,
    /// What is exchanged.
    pub flows: Vec<Flow>,
    /// The procedure, in order.
    pub steps: Vec<Step>,
    chains: Vec<AuthorityChain>,
}

/// What TLS must be.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The lowest version: `1.2`.
    pub least: String,
    /// How many certificates may stand between a client and an anchor.
    pub depth: u8,
}

/// An anchor and the authority below it that issues the clients.
#[derive(Clone, Debug)]
pub struct AuthorityChain {
    /// What it is called by: `test`, `production`.
    pub id: String,
    /// Where its authorities publish their certificates, for people.
    pub page: String,
    /// The file, in PEM, that holds both certificates.
    pub certificates_file: String,
    /// The file, in PEM, that holds both lists.
    pub lists_file: String,
    /// Who is trusted.
    pub anchor: ProfileAuthority,
    /// Whose certificates are taken, and no other's below the anchor.
    pub issuer: ProfileAuthority,
}

/// An authority of a profile.
#[derive(Clone, Debug)]
pub struct ProfileAuthority {
    /// The name of its certificate's file: `ACR-EL.cer`.
    pub file: String,
    /// Where that is published.
    pub certificate_url: String,
    /// The name of its list's file: `ACR-EL.crl`.
    pub list_file: String,
    /// Where that is published.
    pub list_url: String,
    common_name: Text,
    organizational_unit: Option<String>,
}

#[derive(Clone, Debug)]
enum Text {
    Exactly(String),
    BeginsWith(String),
}

/// One environment of the platform.
#[derive(Clone, Debug)]
pub struct Environment {
    /// What it is called by: `recette`.
    pub id: String,
    /// For people.
    pub title: String,
    /// Whose certificate it shows.
    pub subject: Name,
    /// From where it calls.
    pub addresses: Vec<IpAddr>,
    /// Where it is called.
    pub url: String,
    /// Which of a publisher's own certificates is shown to it.
    pub client: Option<String>,
    /// What its certificate says besides its names.
    pub demands: Demands,
    chain: String,
}

/// A publisher's own certificate: how it and its files are named. `<EDITEUR>` is still in the texts: see [`Self::of`].
#[derive(Clone, Debug)]
pub struct ClientNaming {
    /// What it is called by: `test`, `prod`.
    pub id: String,
    /// The request's only part.
    pub common_name: String,
    /// The file of the private key.
    pub key_file: String,
    /// The file of the request.
    pub request_file: String,
    /// The file that the authority sends, in DER.
    pub certificate_file: String,
    /// Key, certificate and issuer in one file, in PEM.
    pub bundle_file: String,
    chain: String,
}

/// One flow.
#[derive(Clone, Debug)]
pub struct Flow {
    /// `R01`.
    pub code: String,
    /// What it is for.
    pub title: String,
    /// The document that describes it.
    pub specification: String,
    /// What the publisher's software is in it.
    pub publisher: FlowRole,
}

/// What a publisher's software is in a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowRole {
    /// The platform calls it.
    Server,
    /// It calls the platform.
    Client,
}

/// Why a text is not a profile, or something is not in one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// Not TOML, a field that is not known, or one that is missing.
    #[error("this is not a profile: {0}")]
    Malformed(#[from] Box<toml::de::Error>),
    /// A value that cannot be.
    #[error("the profile's {place}: {what}")]
    Setting {
        /// Which one.
        place: String,
        /// What is wrong with it.
        what: String,
    },
    /// A name that cannot stand in a common name and in names of files.
    #[error(
        "{0:?} cannot be the name of a software here: it takes ASCII letters, digits, dots, hyphens and underscores, the first a letter or a digit, and the \
         common name that it makes has at most 64 characters"
    )]
    Editor(String),
}

impl ProfileError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "profile_malformed",
            Self::Setting { .. } => "profile_setting",
            Self::Editor(_) => "profile_editor",
        }
    }
}

impl Profile {
    /// Reads a profile's file.
    ///
    /// # Errors
    /// [`ProfileError::Malformed`], [`ProfileError::Setting`].
    pub fn read(text: &str) -> Result<Self, ProfileError> {
        let written: written::Written = toml::from_str(text).map_err(Box::new)?;
        let key = KeyAlgorithm::parse(&written.key.kind).ok_or_else(|| {
            setting("key.kind", "one of rsa-2048, rsa-3072, rsa-4096, ecdsa-p256, ecdsa-p384 is wanted")
        })?;
        let chains = written.chain.into_iter().map(written::chain).collect::<Result<Vec<_>, _>>()?;
        let environments =
            written.environment.into_iter().map(written::environment).collect::<Result<Vec<_>, _>>()?;
        let clients: Vec<_> = written.client.into_iter().map(written::naming).collect();
        let flows = written.flow.into_iter().map(written::flow).collect();
        let profile = Self {
            name: written.name,
            title: written.title,
            source: written.source,
            key,
            tls: written.tls,
            check_path: written.check.path,
            check_available: written.check.available,
            ocsp: written.revocation.ocsp,
            lists_renewed_from: written.revocation.renewed_from,
            environments,
            clients,
            flows,
            steps: written.step,
            chains,
        };
        profile.check()?;
        Ok(profile)
    }

    /// One that the program brings along, by its name. It was read by a test.
    pub fn shipped(name: &str) -> Option<Self> {
        let (_, text) = SHIPPED.into_iter().find(|(known, _)| *known == name)?;
        Self::read(text).ok()
    }

    /// The names of those.
    pub fn shipped_names() -> impl Iterator<Item = &'static str> {
        SHIPPED.into_iter().map(|(name, _)| name)
    }

    /// The environment of this id.
    pub fn environment(&self, id: &str) -> Option<&Environment> {
        self.environments.iter().find(|environment| environment.id == id)
    }

    /// The publisher's own certificate of this id (`test`), or for the environment of this id (`recette`).
    pub fn client(&self, id: &str) -> Option<&ClientNaming> {
        let named = |id: &str| self.clients.iter().find(|client| client.id == id);
        named(id).or_else(|| self.environment(id)?.client.as_deref().and_then(named))
    }

    /// The chain below which the environment's certificate is issued.
    pub fn chain_of(&self, environment: &Environment) -> Option<&AuthorityChain> {
        self.chain(&environment.chain)
    }

    /// The chain below which a publisher's own certificate is issued.
    pub fn chain_of_client(&self, client: &ClientNaming) -> Option<&AuthorityChain> {
        self.chain(&client.chain)
    }

    fn chain(&self, id: &str) -> Option<&AuthorityChain> {
        self.chains.iter().find(|chain| chain.id == id)
    }

    /// What one part says of another.
    fn check(&self) -> Result<(), ProfileError> {
        for environment in &self.environments {
            let place = |setting: &str| format!("environment {}, {setting}", environment.id);
            if self.chain_of(environment).is_none() {
                return Err(setting(&place("chain"), "there is no [[chain]] of this id"));
            }
            let known = |id: &String| self.clients.iter().any(|client| client.id == *id);
            if environment.client.as_ref().is_some_and(|id| !known(id)) {
                return Err(setting(&place("client"), "there is no [[client]] of this id"));
            }
        }
        for client in &self.clients {
            let place = |setting: &str| format!("client {}, {setting}", client.id);
            if self.chain_of_client(client).is_none() {
                return Err(setting(&place("chain"), "there is no [[chain]] of this id"));
            }
            if !client.common_name.contains(EDITOR) {
                return Err(setting(&place("common_name"), "<EDITEUR> is not in it"));
            }
            for file in client.files() {
                if file.contains('/') {
                    return Err(setting(
                        &place(file),
                        "a file's name has no slash: the folder is for the caller to choose",
                    ));
                }
            }
        }
        steps::check(&self.steps, &self.clients)?;
        unique("step", self.steps.iter().map(|step| &step.id))?;
        unique("chain", self.chains.iter().map(|chain| &chain.id))?;
        unique("environment", self.environments.iter().map(|environment| &environment.id))?;
        unique("client", self.clients.iter().map(|client| &client.id))
    }
}

impl Environment {
    /// Exactly the common name and the organizational units of its subject.
    pub fn rule(&self) -> SubjectRule {
        SubjectRule::new(&self.common_name(), &self.organizational_units())
    }

    /// The common name of its subject.
    pub fn common_name(&self) -> String {
        self.subject.common_name().unwrap_or_default().into_owned()
    }

    /// The organizational units of its subject, in DER order.
    pub fn organizational_units(&self) -> Vec<String> {
        self.subject.organizational_units().map(std::borrow::Cow::into_owned).collect()
    }
}

impl ProfileAuthority {
    /// Whether a certificate says that it is this authority's. It proves nothing: whoever asks has verified it, or has fetched it from where he trusts.
    pub fn is_named_in(&self, certificate: &Certificate) -> bool {
        self.names(certificate.subject())
    }

    /// Whether a name, for instance of an issuer, is this authority's.
    pub fn names(&self, name: &Name) -> bool {
        let common = name.common_name();
        let common = common.as_deref().is_some_and(|common| match &self.common_name {
            Text::Exactly(wanted) => common == wanted,
            Text::BeginsWith(start) => common.starts_with(start.as_str()),
        });
        let unit = |wanted: &String| name.organizational_units().any(|unit| unit == wanted.as_str());
        common && self.organizational_unit.as_ref().is_none_or(unit)
    }

    /// What its common name is, in words.
    pub fn described(&self) -> String {
        match &self.common_name {
            Text::Exactly(name) => name.clone(),
            Text::BeginsWith(start) => format!("{start}…"),
        }
    }
}

impl ClientNaming {
    /// The names of its four files.
    pub fn files(&self) -> [&str; 4] {
        [&self.key_file, &self.request_file, &self.certificate_file, &self.bundle_file]
    }

    /// The same with the name of the publisher's software in each text.
    ///
    /// # Errors
    /// [`ProfileError::Editor`] where it cannot stand in a common name and in names of files.
    pub fn of(&self, editor: &str) -> Result<Self, ProfileError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let put = |text: &str| text.replace(EDITOR, editor);
        let made = Self {
            id: self.id.clone(),
            common_name: put(&self.common_name),
            key_file: put(&self.key_file),
            request_file: put(&self.request_file),
            certificate_file: put(&self.certificate_file),
            bundle_file: put(&self.bundle_file),
            chain: self.chain.clone(),
        };
        let begins = editor.starts_with(|c: char| c.is_ascii_alphanumeric());
        let usable = begins && editor.chars().all(fits) && made.common_name.len() <= COMMON_NAME_MAX;
        if usable { Ok(made) } else { Err(ProfileError::Editor(editor.to_owned())) }
    }
}

fn setting(place: &str, what: &str) -> ProfileError {
    ProfileError::Setting { place: place.to_owned(), what: what.to_owned() }
}

fn unique<'a>(kind: &str, ids: impl Iterator<Item = &'a String>) -> Result<(), ProfileError> {
    let mut seen = Vec::new();
    for id in ids {
        if seen.contains(&id) {
            return Err(setting(&format!("{kind} {id}"), "it is there twice"));
        }
        seen.push(id);
    }
    Ok(())
}
