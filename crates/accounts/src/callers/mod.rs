//! Who calls, by the certificate that it shows: asked for in the handshake or forwarded by a gate, judged at each request by the code that judges for
//! the key manager and the gate ([`sceau_pki::CallerJudge`]).
//!
//! Anchors, rules and revocation lists are those of their files at that moment, whatever connection or session the request comes by. This room must never
//! let a request through that shows a certificate which is refused, nor break a connection where a reason is owed.

mod connection;
mod edge;
mod forwarded;
mod moment;
mod refusal;

use std::path::PathBuf;
use std::sync::Arc;

use axum::http::{Method, Request};
use sceau_hsm::{Files, Watched};
use sceau_pki::{ClientIdentity, Refusal, SubjectRule, TlsIdentity};
use sceau_store::Clock;
use tokio_rustls::rustls::ServerConfig;

pub use connection::converse;
pub use edge::{Presented, Standing, Words, guarded, turned_away};
pub use forwarded::{forwarded, presented};
use moment::Moment;
pub use moment::Unusable;
pub use refusal::Code as CallerCode;

/// What answers to whoever asks, with or without a certificate: whether a role is well.
const OPEN: &str = "/check";

/// What an operator says of callers' certificates.
#[derive(Debug, Clone)]
pub struct CallerSettings {
    /// Authorities that are trusted, PEM, any number in each file.
    pub anchors: Vec<PathBuf>,
    /// Authorities between an anchor and a client, which a client may then leave out.
    pub intermediates: Vec<PathBuf>,
    /// One certificate: clients of any other issuer are refused.
    pub issuer: Option<PathBuf>,
    /// Revocation lists, PEM or DER. With any, one that is current must speak for each certificate.
    pub lists: Vec<PathBuf>,
    /// Whose names pass; none: whoever the chain vouches for.
    pub names: Option<Vec<SubjectRule>>,
    /// Who must show one.
    pub demand: Demand,
}

/// Who must show a certificate. Whoever shows one is judged by it anywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Demand {
    /// Nobody: it is asked for, and who has none passes.
    Nobody,
    /// Everybody.
    Everybody,
    /// Who asks for one of these paths, or for one below it.
    Paths(Vec<String>),
}

/// What reads the settings, naming each file before it does.
pub type ReadSettings = Box<dyn Fn(&mut Files) -> Result<CallerSettings, String> + Send + Sync>;

/// Judges callers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Callers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    watched: Watched<Moment, Unusable>,
    clock: Arc<dyn Clock>,
}

/// What a listener shows and asks for.
#[derive(Debug, Clone)]
pub enum Edge {
    /// Connections are taken as they are: for loopback alone.
    Clear,
    /// TLS, and nobody is asked for a certificate.
    Tls(Arc<ServerConfig>),
    /// TLS, and everybody is asked for one.
    Mutual(Callers),
}

/// Who calls, as it was judged at this request. Handlers find it among the request's extensions.
#[derive(Debug, Clone)]
pub struct VerifiedCaller(ClientIdentity);

impl VerifiedCaller {
    /// Who it is.
    pub fn identity(&self) -> &ClientIdentity {
        &self.0
    }
}

impl Callers {
    /// Reads everything for the first time. With the `identity` that a listener shows; without, TLS ends elsewhere.
    ///
    /// # Errors
    /// [`Unusable`], with the file at fault.
    pub fn open(
        settings: ReadSettings,
        identity: Option<TlsIdentity>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Unusable> {
        let watched = Watched::open(moment::maker(settings, identity, Arc::clone(&clock)))?;
        Ok(Self(Arc::new(Inner { watched, clock })))
    }

    /// Judges a request by what its caller showed; none where it showed nothing and need not.
    fn judge<B>(&self, request: &Request<B>, shown: &Presented) -> Result<Option<VerifiedCaller>, Refusal> {
        let path = request.uri().path();
        // A browser sends no certificate with a preflight (Fetch, CORS protocol), whose answer speaks of nobody.
        if path == OPEN || request.method() == Method::OPTIONS {
            return Ok(None);
        }
        self.verdict(path, shown)
    }

    /// The verdict of this moment on who asks for a path.
    fn verdict(&self, path: &str, shown: &Presented) -> Result<Option<VerifiedCaller>, Refusal> {
        let moment = self.now();
        match moment.judge.judge(shown.chain()?, self.0.clock.now_ms()) {
            Ok(identity) => Ok(Some(VerifiedCaller(identity))),
            Err(Refusal::Missing) if !moment.demand.covers(path) => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    fn now(&self) -> Arc<Moment> {
        let (moment, unusable) = self.0.watched.now();
        if let Some(error) = unusable {
            tracing::warn!(%error, "what judges callers changed and cannot be used; what was read last stays in force");
        }
        moment
    }
}

impl Edge {
    /// The configuration of a new connection; none where it is taken as it is.
    pub fn config(&self) -> Option<Arc<ServerConfig>> {
        match self {
            Self::Clear => None,
            Self::Tls(config) => Some(Arc::clone(config)),
            Self::Mutual(callers) => callers.now().config.clone(),
        }
    }

    /// Who judges its callers, if anybody does.
    pub fn callers(&self) -> Option<&Callers> {
        match self {
            Self::Mutual(callers) => Some(callers),
            Self::Clear | Self::Tls(_) => None,
        }
    }
}

impl Demand {
    fn covers(&self, path: &str) -> bool {
        match self {
            Self::Nobody => false,
            Self::Everybody => true,
            Self::Paths(paths) => paths.iter().any(|under| is_under(path, under)),
        }
    }

    /// Looks whether each path is one that a role has, or leads to one: a misspelt one would be demanded of nobody.
    ///
    /// # Errors
    /// The path, and what to write instead.
    pub fn check(&self, places: &[&str]) -> Result<(), String> {
        let Self::Paths(paths) = self else { return Ok(()) };
        match paths.iter().find(|path| !places.iter().any(|place| is_under(place, path))) {
            None if paths.is_empty() => Err(format!("name \"nobody\", \"everybody\", or paths: {places:?}")),
            None => Ok(()),
            Some(path) => {
                Err(format!("nothing is at {path:?} here: name {places:?}, or what they begin with"))
            }
        }
    }
}

/// Whether a path is this one, or below it. Routes are matched as they are written, and so is this.
fn is_under(path: &str, under: &str) -> bool {
    let under = under.trim_end_matches('/');
    path.strip_prefix(under).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn a_demand_ends_where_a_part_of_the_path_does() {
        let demand = Demand::Paths(vec!["/v1/funders/".to_owned(), "/auth".to_owned()]);
        for covered in ["/v1/funders", "/v1/funders/", "/v1/funders/1/encryption_key", "/auth/realms"] {
            assert!(demand.covers(covered), "{covered}");
        }
        for free in ["/v1/fundersx", "/v1", "/", "/v1/subscriptions", "/authx"] {
            assert!(!demand.covers(free), "{free}");
        }
        assert!(Demand::Everybody.covers("/") && !Demand::Nobody.covers("/auth"));
    }

    #[test]
    fn a_path_that_leads_nowhere_is_refused() {
        let places = ["/v1/funders", "/auth/realms/mcm/token"];
        let check =
            |paths: &[&str]| Demand::Paths(paths.iter().map(|&path| path.into()).collect()).check(&places);
        check(&["/v1/funders/", "/auth", "/v1"]).unwrap();
        for wrong in [&["/v1/funder"][..], &["/v1/funders/1"], &["v1/funders"], &[]] {
            check(wrong).unwrap_err();
        }
        Demand::Everybody.check(&places).unwrap();
    }
}
