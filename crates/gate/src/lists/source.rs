//! Where a list comes from.

use std::{
    fmt, fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use hyper::{Uri, http::uri::Scheme};

/// A file, or an address of the web.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    File(PathBuf),
    /// `http` only: a list is signed, and whoever needs it to trust a server could not fetch it from that one.
    Http(Uri),
}

/// What tells one state of a file from another: time of change, inode and length.
pub(crate) type Stamp = (i64, i64, u64, u64);

impl Source {
    /// A path, relative to `folder`; `file:` and a path; or an address that begins with `http://`.
    ///
    /// # Errors
    /// What to write instead.
    pub(crate) fn read(text: &str, folder: &Path) -> Result<Self, &'static str> {
        if let Some(path) = text.strip_prefix("file:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return Ok(Self::File(folder.join(path)));
        }
        match text.split_once("://") {
            None => Ok(Self::File(folder.join(text))),
            Some(("http", _)) => {
                let uri = text.parse::<Uri>().ok().filter(|uri| uri.scheme() == Some(&Scheme::HTTP));
                let plain = |uri: &Uri| uri.authority().is_some_and(|it| !it.as_str().contains('@'));
                uri.filter(plain).and_then(spelt).map(Self::Http).ok_or("this is no address of the web")
            }
            Some(_) => {
                Err("write a path, file:path or an address that begins with http:// (a list is signed)")
            }
        }
    }
}

impl Source {
    pub(crate) fn is_file(&self) -> bool {
        matches!(self, Self::File(_))
    }

    /// What may be said of it outside: an address, or a file's name without its folder.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::File(path) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            Self::Http(uri) => uri.to_string(),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Http(uri) => write!(f, "{uri}"),
        }
    }
}

/// Spelt in one way, since lists are kept under it: the host in small letters, and no port that is meant without it (RFC 3986 §6.2.2.1, §6.2.3).
fn spelt(uri: Uri) -> Option<Uri> {
    let mut parts = uri.into_parts();
    let authority = parts.authority.take()?.as_str().to_ascii_lowercase();
    parts.authority = Some(authority.strip_suffix(":80").unwrap_or(&authority).parse().ok()?);
    Uri::from_parts(parts).ok()
}

/// Of a file as it is now; none where there is none.
pub(crate) fn stamp(path: &Path) -> Option<Stamp> {
    let found = fs::metadata(path).ok()?;
    Some((found.mtime(), found.mtime_nsec(), found.ino(), found.len()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn paths_and_addresses_are_told_apart() {
        let folder = Path::new("/etc/sceau");
        let file = |path: &str| Ok(Source::File(PathBuf::from(path)));
        assert_eq!(Source::read("a.crl", folder), file("/etc/sceau/a.crl"));
        assert_eq!(Source::read("/srv/a.crl", folder), file("/srv/a.crl"));
        assert_eq!(Source::read("file:/srv/a.crl", folder), file("/srv/a.crl"));
        assert_eq!(Source::read("file:///srv/a.crl", folder), file("/srv/a.crl"));
        let address = "http://igc-sante.esante.gouv.fr/CRL/ACR-EL.crl";
        assert_eq!(Source::read(address, folder).unwrap().to_string(), address);
        for (written, kept) in [
            ("http://LISTS.Example:80/A.crl?B", "http://lists.example/A.crl?B"),
            ("http://[::80]/A", "http://[::80]/A"),
            ("http://a:8080/A", "http://a:8080/A"),
        ] {
            assert_eq!(Source::read(written, folder).unwrap().to_string(), kept);
        }
        for other in ["https://x/a.crl", "ldap://x/cn=a", "http://u:p@x/a.crl", "http://"] {
            assert!(Source::read(other, folder).is_err(), "{other}");
        }
    }
}
