//! Under which names services are told who calls: chosen for all routes and for each. What is said under a name that the file chooses, no client says, on any
//! route.

use std::{collections::BTreeMap, sync::Arc};

use hyper::{
    HeaderMap,
    header::{HeaderName, HeaderValue},
};
use serde::Deserialize;

use crate::{
    error::Error,
    forward::{is_alike, is_of_http},
    settings::Settings,
};

/// Something that a service is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Part {
    /// The certificate, and the way to its anchor (RFC 9440).
    Certificate,
    Chain,
    /// `unchecked`, where no current list speaks for it.
    Revocation,
    /// Who calls, signed.
    Assertion,
    RequestId,
    ForwardedFor,
    ForwardedHost,
    ForwardedProto,
    /// `SUCCESS`.
    Verdict,
    Subject,
    Issuer,
    Serial,
    Fingerprint,
    CommonName,
    OrganizationalUnits,
    /// The profile's environment.
    Environment,
}

/// Each with its usual name, and whether it is usually told.
pub(crate) const USUAL: [(Part, &str, bool); 16] = [
    (Part::Certificate, "client-cert", true),
    (Part::Chain, "client-cert-chain", true),
    (Part::Revocation, "sceau-revocation", true),
    (Part::Assertion, "sceau-assertion", true),
    (Part::RequestId, "x-request-id", true),
    (Part::ForwardedFor, "x-forwarded-for", true),
    (Part::ForwardedHost, "x-forwarded-host", true),
    (Part::ForwardedProto, "x-forwarded-proto", true),
    (Part::Verdict, "x-ssl-client-verify", false),
    (Part::Subject, "x-ssl-client-s-dn", false),
    (Part::Issuer, "x-ssl-client-i-dn", false),
    (Part::Serial, "x-ssl-client-serial", false),
    (Part::Fingerprint, "x-ssl-client-fingerprint", false),
    (Part::CommonName, "x-ssl-client-cn", false),
    (Part::OrganizationalUnits, "x-ssl-client-ou", false),
    (Part::Environment, "x-ssl-client-environment", false),
];

/// `true`, `false`, or the name under which it is told.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "a header's name, `true` for the usual one, or `false`")]
enum Choice {
    Told(bool),
    Named(String),
}

/// What a part of the file chooses.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct HeadersTable(BTreeMap<Part, Choice>);

/// What all routes are told unless they choose otherwise, and what no client says on any: of the whole file, so that no route is read without it.
#[derive(Debug)]
pub(crate) struct Telling {
    general: BTreeMap<Part, Choice>,
    withheld: Withheld,
}

/// What a route's services are told, and under which names.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    names: Arc<[(Part, HeaderName)]>,
    withheld: Withheld,
}

/// The names that the file chooses, of all routes: nobody but the gate says what stands under them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Withheld(Arc<[HeaderName]>);

impl Telling {
    /// By what the file chooses for all routes and for each.
    ///
    /// # Errors
    /// [`Error::Setting`].
    pub(crate) fn of(settings: &Settings) -> Result<Self, Error> {
        let general = settings.identity.headers.0.clone();
        let mut all = names("identity, headers", &general)?;
        let mut telling = Self { general, withheld: Withheld::default() };
        for (at, listener) in settings.listener.iter().enumerate() {
            for (nth, route) in listener.route.iter().enumerate() {
                let name = format!("listener {}, route {}", at + 1, nth + 1);
                all.extend_from_slice(&telling.told(&name, &route.headers)?.names);
            }
        }
        telling.withheld = Withheld(all.into_iter().map(|(_, name)| name).collect());
        Ok(telling)
    }

    /// What the services of this route are told, which chooses so.
    ///
    /// # Errors
    /// [`Error::Setting`].
    pub(crate) fn told(&self, route: &str, own: &HeadersTable) -> Result<Told, Error> {
        let mut chosen = self.general.clone();
        chosen.extend(own.0.clone());
        let names = names(&format!("{route}, headers"), &chosen)?.into();
        Ok(Told { names, withheld: self.withheld.clone() })
    }
}

/// What is told by these choices, and under which names.
fn names(setting: &str, chosen: &BTreeMap<Part, Choice>) -> Result<Vec<(Part, HeaderName)>, Error> {
    let mut names: Vec<(Part, HeaderName)> = Vec::new();
    for (part, usual, is_usual) in USUAL {
        let name = match chosen.get(&part) {
            None if is_usual => HeaderName::from_static(usual),
            Some(Choice::Told(true)) => HeaderName::from_static(usual),
            None | Some(Choice::Told(false)) => continue,
            Some(Choice::Named(name)) => {
                let name = HeaderName::from_bytes(name.as_bytes());
                name.map_err(|_| Error::setting(setting, "a header's name has letters, digits and hyphens"))?
            }
        };
        if is_of_http(&name) {
            let reason = "HTTP itself, a trace or a proof reads this header: choose another name, such as X-SSL-Client-S-DN";
            return Err(Error::setting(setting, reason));
        }
        if names.iter().any(|(_, other)| is_alike(other, &name)) {
            let reason = "two headers would have one name, as some servers read it (`_` and every other sign is a hyphen to them)";
            return Err(Error::setting(setting, reason));
        }
        names.push((part, name));
    }
    Ok(names)
}

impl Told {
    /// Says something, where this route says it.
    pub(crate) fn say(&self, headers: &mut HeaderMap, part: Part, value: HeaderValue) {
        if let Some((_, name)) = self.names.iter().find(|(own, _)| *own == part) {
            headers.insert(name.clone(), value);
        }
    }

    /// What no client says.
    pub(crate) fn withheld(&self) -> &Withheld {
        &self.withheld
    }
}

impl Withheld {
    /// Drops them, under each spelling that a service may take for one.
    pub(crate) fn strip(&self, headers: &mut HeaderMap) {
        let is_one = |name: &&HeaderName| self.0.iter().any(|own| is_alike(own, name));
        let lies: Vec<HeaderName> = headers.keys().filter(is_one).cloned().collect();
        lies.iter().for_each(|name| drop(headers.remove(name)));
    }
}
