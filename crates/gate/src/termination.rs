//! How a listener ends TLS: with the certificate of a file, with one that the gate gets by itself, or not at all.

use std::{path::Path, sync::Arc};

use sceau_pki::{Anchors, Staple};

use crate::{
    error::Error,
    files::identity,
    issuing::{Gathering, Ours, Way},
    ocsp,
    settings::ListenerTable,
};

/// Of one listener.
#[derive(Debug)]
pub(crate) enum Termination {
    /// Plain HTTP, for this machine alone.
    Plain,
    /// With the certificate of a file, and what is handed out with it.
    File(Arc<rustls::ServerConfig>, Option<Staple>),
    /// With one that the gate gets by itself.
    Ours(Box<Ours>),
}

impl Termination {
    /// Reads what a listener called `name` says of it; `anchors` are those of its clients.
    ///
    /// # Errors
    /// [`Error`] of the setting at fault.
    pub(crate) fn read(
        folder: &Path,
        name: &str,
        table: &ListenerTable,
        anchors: &[&Anchors],
        gathering: &mut Gathering<'_>,
    ) -> Result<Self, Error> {
        let at = |setting: &str| format!("{name}, {setting}");
        if table.plain {
            return plain(name, table);
        }
        if table.acme.is_some() || table.ca.is_some() {
            if table.certificate.is_some() || table.key.is_some() {
                let reason = "it comes from an issuer, or from a file: leave one out";
                return Err(Error::setting(at("certificate"), reason));
            }
            let obtained = gathering.of(name, (table.acme.as_deref(), table.ca.as_deref()), &table.names)?;
            return Ok(Self::Ours(Box::new(Ours::new(obtained, anchors, table.staple, name)?)));
        }
        if !table.names.is_empty() {
            let reason = "only with `acme` or `ca`: a file's certificate has its own";
            return Err(Error::setting(at("names"), reason));
        }
        let reason = "a listener that is not `plain` needs one, or `acme`, or `ca`";
        let needed = |setting| move || Error::setting(at(setting), reason);
        let certificate = table.certificate.as_ref().ok_or_else(needed("certificate"))?;
        let key = table.key.as_ref().ok_or_else(needed("key"))?;
        let identity = identity(folder, [certificate, key], [&at("certificate"), &at("key")])?;
        let (tls, staple) = ocsp::server(&identity, anchors, table.staple, name)?;
        Ok(Self::File(Arc::new(tls), staple))
    }

    /// How a connection begins now.
    pub(crate) fn way(&self) -> Way {
        match self {
            Self::Plain => Way::Plain,
            Self::File(config, _) => Way::Tls(Arc::clone(config)),
            Self::Ours(ours) => ours.way(),
        }
    }

    /// The certificate that the gate gets by itself.
    pub(crate) fn ours(&self) -> Option<&Ours> {
        match self {
            Self::Plain | Self::File(..) => None,
            Self::Ours(ours) => Some(ours),
        }
    }

    /// What is handed out with the certificate.
    pub(crate) fn staple(&self) -> Option<Staple> {
        match self {
            Self::Plain => None,
            Self::File(_, staple) => staple.clone(),
            Self::Ours(ours) => ours.staple(),
        }
    }
}

/// Without TLS: whoever is not on this machine is not answered, and nobody can show a certificate.
fn plain(name: &str, table: &ListenerTable) -> Result<Termination, Error> {
    let refuse = |setting: &str, why| Err(Error::setting(format!("{name}, {setting}"), why));
    if !table.address.ip().is_loopback() {
        return refuse(
            "plain",
            "only an address of loopback is answered without TLS, such as 127.0.0.1:8080",
        );
    }
    let of_tls = [
        ("certificate", table.certificate.is_some()),
        ("key", table.key.is_some()),
        ("staple", table.staple.is_some()),
        ("acme", table.acme.is_some()),
        ("ca", table.ca.is_some()),
        ("pass", !table.pass.is_empty()),
    ];
    if let Some((setting, _)) = of_tls.iter().find(|(_, is_set)| *is_set) {
        return refuse(setting, "a `plain` listener speaks no TLS");
    }
    match table.route.iter().position(|route| route.clients.is_some()) {
        Some(at) => refuse(
            &format!("route {}, clients", at + 1),
            "nobody can show a certificate to a `plain` listener",
        ),
        None => Ok(Termination::Plain),
    }
}
