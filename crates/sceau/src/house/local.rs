//! Certificates for servers of this machine, of an authority that vouches for this machine alone.

use std::fs;
use std::path::{Path, PathBuf};

use sceau_hsm::durable::{self, write_public, write_secret};
use sceau_pki::{Authority, AuthorityProfile, PrivateKey, ServerProfile};
use sceau_store::{Clock as _, SystemClock};

use super::Layout;
use crate::failure::Failure;

/// By what names they are called.
const HOSTS: [&str; 2] = ["localhost", "127.0.0.1"];
/// The longest key that is read, in bytes.
const LONGEST: usize = 64 * 1024;

/// A file in this folder with chain and key of a server, new at each start.
pub(super) fn server(layout: &Layout, folder: &Path) -> Result<PathBuf, Failure> {
    let profile = ServerProfile::for_hosts(HOSTS);
    let issued = authority(layout)?.issue_server(&profile, SystemClock.now_ms()).map_err(failed)?;
    let path = folder.join("tls.pem");
    let both = zeroize::Zeroizing::new(format!("{}{}", issued.chain_pem(), *issued.key().to_pem()));
    write_secret(&path, both.as_bytes())?;
    Ok(path)
}

/// Makes somebody's certificate and key, `NAME.pem` and `NAME.key` in this folder, unless they are there. They vouch for themselves: who acts on
/// keyrings is who the security officer registered.
pub(crate) fn actor(folder: &Path, name: &str, called: &str) -> Result<(), Failure> {
    let (shown, key) = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
    if shown.exists() && key.exists() {
        return Ok(());
    }
    let made = Authority::create(&AuthorityProfile::of(called), SystemClock.now_ms()).map_err(failed)?;
    write_secret(&key, made.key().to_pem().as_bytes())?;
    write_public(&shown, made.certificate().to_pem().as_bytes())?;
    Ok(())
}

/// The authority; made the first time.
fn authority(layout: &Layout) -> Result<Authority, Failure> {
    let (shown, key) = (layout.local_authority(), layout.keyfront().join("authority.key"));
    if let (Ok(shown), true) = (fs::read_to_string(&shown), key.exists()) {
        durable::check_secret(&key)?;
        let text = durable::read_secret(&key, LONGEST)?;
        let key = PrivateKey::from_pem(&String::from_utf8_lossy(&text)).map_err(failed)?;
        return Authority::load(&shown, key).map_err(failed);
    }
    let permitted_hosts = HOSTS.map(str::to_owned).to_vec();
    let profile = AuthorityProfile { permitted_hosts, ..AuthorityProfile::of("sceau up") };
    let authority = Authority::create(&profile, SystemClock.now_ms()).map_err(failed)?;
    write_secret(&key, authority.key().to_pem().as_bytes())?;
    write_public(&shown, authority.certificate().to_pem().as_bytes())?;
    Ok(authority)
}

fn failed(error: sceau_pki::Error) -> Failure {
    Failure::role("authority of this machine", &error)
}
