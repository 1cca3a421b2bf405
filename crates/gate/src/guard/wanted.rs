//! What a table of clients asks for: what it writes, and what its profile says where it writes nothing.

use std::path::{Path, PathBuf};

use sceau_pki::{
    AuthorityChain, Certificate, CertificateType, DEPTH_MAX, Demands, Environment, NotAType, Profile,
    ProfileAuthority, SubjectRule,
};

use super::{Addresses, Permit, Rules};
use crate::{
    error::Error,
    files::certificates,
    profiles,
    settings::{AddressesTable, AllowTable, ClientsTable, TypeTable},
};

/// A table, whole.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) anchors: Files,
    pub(crate) intermediates: Files,
    /// One certificate.
    pub(crate) issuer: Option<Files>,
    /// How many authorities may stand between a client and an anchor; none: as many as ever are looked at.
    pub(crate) depth: Option<usize>,
    pub(crate) lists: Vec<String>,
    /// Where responders are asked (OCSP), unless the table names another.
    pub(crate) responder: Option<String>,
    pub(crate) rules: Rules,
}

/// Certificates, and whose they must be.
#[derive(Debug)]
pub(crate) struct Files {
    paths: Vec<PathBuf>,
    of: Option<ProfileAuthority>,
}

impl Wanted {
    /// # Errors
    /// [`Error::Setting`], [`Error::Profile`], [`Error::File`] of a profile.
    pub(crate) fn of(folder: &Path, name: &str, table: &ClientsTable) -> Result<Self, Error> {
        let at = |setting: &str| format!("clients.{name}, {setting}");
        if let Some(profile) = &table.profile {
            let profile = profiles::read(folder, &at("profile"), profile)?;
            return Self::by(&profile, &format!("clients.{name}"), &at, table);
        }
        if table.environment.is_some() {
            return Err(Error::setting(
                at("environment"),
                "environments are a profile's: name one as `profile`",
            ));
        }
        let unnamed = |paths: Vec<PathBuf>| Files { paths, of: None };
        let anchors = table.anchors.clone();
        let anchors = anchors.ok_or_else(|| Error::setting(at("anchors"), "name one, or a `profile`"))?;
        let permit = |(nth, one): (usize, &AllowTable)| {
            Ok(Permit {
                name: SubjectRule::new(&one.common_name, &one.organizational_units),
                addresses: one.addresses.clone().map_or(Addresses::Any, Addresses::These),
                demands: demands(&at(&format!("allow {}", nth + 1)), &one.policies, &one.types)?,
                environment: None,
            })
        };
        let permits = table.allow.as_ref().map(|allowed| allowed.iter().enumerate().map(permit));
        let names = permits.map(|permits| permits.collect::<Result<_, Error>>());
        Ok(Self {
            anchors: unnamed(anchors),
            intermediates: unnamed(table.intermediates.clone().unwrap_or_default()),
            issuer: table.issuer.clone().map(|path| unnamed(vec![path])),
            depth: depth(&at, table)?,
            lists: table.revocation_lists.clone().unwrap_or_default(),
            responder: None,
            rules: Rules {
                names: names.transpose()?,
                addresses: addresses(table),
                demands: demands(&format!("clients.{name}"), &table.policies, &table.types)?,
            },
        })
    }

    fn by(
        profile: &Profile,
        name: &str,
        at: &dyn Fn(&str) -> String,
        table: &ClientsTable,
    ) -> Result<Self, Error> {
        let (chain, environments) = environments(profile, at, table)?;
        if table.allow.is_some() {
            let reason =
                "the profile's environments say whose names pass: leave it out, or leave `profile` out";
            return Err(Error::setting(at("allow"), reason));
        }
        let issuer = table.issuer.clone().unwrap_or_else(|| PathBuf::from(&chain.issuer.file));
        let anchors = table.anchors.clone().unwrap_or_else(|| vec![PathBuf::from(&chain.anchor.file)]);
        let issuers = Files { paths: vec![issuer.clone()], of: Some(chain.issuer.clone()) };
        let intermediates = match &table.intermediates {
            Some(paths) => Files { paths: paths.clone(), of: None },
            None => Files { paths: vec![issuer], of: Some(chain.issuer.clone()) },
        };
        let published = || vec![chain.anchor.list_url.clone(), chain.issuer.list_url.clone()];
        let lists = table.revocation_lists.clone().unwrap_or_else(published);
        if lists.is_empty() && table.distribution_points.is_none() {
            let reason =
                "with a profile certificates that were taken back are refused: name lists, or leave it out";
            return Err(Error::setting(at("revocation_lists"), reason));
        }
        let own = table.addresses.is_none();
        let permits = environments.iter().map(|environment| {
            let addresses = own.then(|| environment.addresses.clone()).filter(|it| !it.is_empty());
            let addresses = addresses.map_or(Addresses::Any, Addresses::These);
            Permit {
                name: environment.rule(),
                addresses,
                demands: environment.demands.clone(),
                environment: Some(environment.id.clone()),
            }
        });
        Ok(Self {
            anchors: Files { paths: anchors, of: Some(chain.anchor.clone()) },
            intermediates,
            issuer: Some(issuers),
            // What the profile allows is more than is ever looked at: see [`DEPTH_MAX`].
            depth: depth(at, table)?.or(Some(usize::from(profile.tls.depth))),
            lists,
            responder: profile.ocsp.clone(),
            rules: Rules {
                names: Some(permits.collect()),
                addresses: addresses(table),
                demands: demands(name, &table.policies, &table.types)?,
            },
        })
    }
}

/// What certificates must say besides their names, as this table writes it.
fn demands(table: &str, policies: &[String], types: &[TypeTable]) -> Result<Demands, Error> {
    let no_policy = |_| {
        let reason = "a policy is an object identifier: write it in numbers and dots";
        Error::setting(format!("{table}, policies"), reason)
    };
    let policies = policies.iter().map(|text| text.parse().map_err(no_policy)).collect::<Result<_, _>>()?;
    let no_type = |reason: NotAType| Error::setting(format!("{table}, types"), reason.words());
    let read = |one: &TypeTable| {
        let [text, oid, der] = [&one.text, &one.oid, &one.der].map(Option::as_deref);
        CertificateType::read(&one.extension, text, oid, der).map_err(no_type)
    };
    Ok(Demands::new(policies, types.iter().map(read).collect::<Result<_, _>>()?))
}

/// How many authorities this table allows between a client and an anchor.
fn depth(at: &dyn Fn(&str) -> String, table: &ClientsTable) -> Result<Option<usize>, Error> {
    let depth = table.depth.map(usize::from);
    if depth.is_some_and(|depth| depth > DEPTH_MAX) {
        let reason = "at most six authorities between a client and an anchor are ever looked at: a longer chain costs more than a stranger may spend";
        return Err(Error::setting(at("depth"), reason));
    }
    Ok(depth)
}

/// From where all of its clients call.
fn addresses(table: &ClientsTable) -> Addresses {
    match &table.addresses {
        Some(AddressesTable::These(these)) => Addresses::These(these.clone()),
        Some(AddressesTable::Any(_)) | None => Addresses::Any,
    }
}

/// Those that a table names, and the chain below which all of them are issued.
fn environments<'a>(
    profile: &'a Profile,
    at: &dyn Fn(&str) -> String,
    table: &ClientsTable,
) -> Result<(&'a AuthorityChain, Vec<&'a Environment>), Error> {
    let ids = table.environment.as_ref().map(|ids| ids.texts()).unwrap_or_default();
    let found = ids.iter().map(|id| profile.environment(id));
    let found: Vec<_> = found.collect::<Option<_>>().unwrap_or_default();
    let chains: Vec<_> = found.iter().filter_map(|environment| profile.chain_of(environment)).collect();
    let Some((chain, others)) = chains.split_first() else {
        return Err(Error::setting(
            at("environment"),
            "name one of the profile's, or several: [\"…\", \"…\"]",
        ));
    };
    if others.iter().any(|other| other.id != chain.id) {
        let reason =
            "these are below different authorities: each wants a table, and a path or host, of its own";
        return Err(Error::setting(at("environment"), reason));
    }
    // Whoever calls under that name would be told to be of either, and let in from the addresses of both.
    let is_alike = |(nth, one): (usize, &&Environment)| {
        found.iter().skip(nth + 1).any(|other| other.rule() == one.rule())
    };
    if found.iter().enumerate().any(is_alike) {
        let reason = "two of these have the same name and units, so nothing tells who calls of which one: each wants a table, and a path or host, of its own";
        return Err(Error::setting(at("environment"), reason));
    }
    Ok((chain, found))
}

impl Files {
    /// Reads them.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Published`], [`Error::Pki`], [`Error::Authority`].
    pub(crate) fn load(&self, folder: &Path, setting: &str) -> Result<Vec<Certificate>, Error> {
        let mut all = Vec::new();
        for path in &self.paths {
            let found = certificates(folder, std::slice::from_ref(path), setting);
            let found = found.map_err(|error| self.is_published(error))?;
            for certificate in &found {
                self.permit(certificate, path, setting)?;
            }
            all.extend(found);
        }
        Ok(all)
    }

    fn permit(&self, certificate: &Certificate, path: &Path, setting: &str) -> Result<(), Error> {
        match &self.of {
            Some(authority) if !authority.is_named_in(certificate) => Err(Error::Authority {
                setting: setting.to_owned(),
                path: path.display().to_string(),
                found: certificate.subject().to_string(),
                wanted: authority.described(),
            }),
            _ => Ok(()),
        }
    }

    /// Says where to find what is not there.
    fn is_published(&self, error: Error) -> Error {
        match (error, &self.of) {
            (Error::File { setting, path, cause }, Some(authority))
                if cause.kind() == std::io::ErrorKind::NotFound =>
            {
                Error::Published { setting, path, address: authority.certificate_url.clone() }
            }
            (other, _) => other,
        }
    }
}
