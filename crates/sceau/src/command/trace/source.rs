//! Where a log's tiles are: a folder, or a server.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use sceau_client::{ClientError, Server, Trust};
use sceau_trace::{Bundle, TILE_WIDTH, Tile};
use url::Url;

use crate::command::{fault, input};
use crate::failure::{Exit, Failure};

/// A log as C2SP tlog-tiles lays it out.
pub(super) struct Source {
    place: Place,
    /// How messages name it.
    pub(super) label: String,
}

enum Place {
    Folder(PathBuf),
    Server(Box<Remote>),
}

struct Remote {
    server: Server,
    prefix: String,
    runtime: tokio::runtime::Runtime,
}

impl Source {
    /// The log that `what` names; nothing where it names a single file.
    pub(super) fn of(what: &str, anchors: Option<&Path>) -> Result<Option<Self>, Failure> {
        let place = if what.starts_with("http://") || what.starts_with("https://") {
            server(what, anchors)?
        } else if Path::new(what).is_dir() {
            Place::Folder(what.into())
        } else {
            return Ok(None);
        };
        Ok(Some(Self { place, label: what.to_owned() }))
    }

    /// The newest checkpoint.
    pub(super) fn checkpoint(&self) -> Result<String, Failure> {
        let bytes = self.get("checkpoint")?.ok_or_else(|| {
            let words = format!("{}: there is no log here, for it has no checkpoint", self.label);
            Failure::new(Exit::Input, "log_none", words)
        })?;
        self.text(bytes)
    }

    /// The last checkpoint that witnesses cosigned; where a log keeps none apart, the newest may carry their lines.
    pub(super) fn cosigned(&self) -> Result<String, Failure> {
        match self.get("cosigned")? {
            Some(bytes) => self.text(bytes),
            None => self.checkpoint(),
        }
    }

    fn text(&self, bytes: Vec<u8>) -> Result<String, Failure> {
        String::from_utf8(bytes).map_err(|_| {
            Failure::new(
                Exit::Input,
                "checkpoint.malformed",
                format!("{}: the checkpoint is not text", self.label),
            )
        })
    }

    /// The key that the server names as its own, which is worth what the server is worth.
    pub(super) fn own_key(&self) -> Result<Option<String>, Failure> {
        #[derive(serde::Deserialize)]
        struct Config {
            log_key: String,
        }
        let Place::Server(remote) = &self.place else { return Ok(None) };
        let config = remote.runtime.block_on(remote.server.get::<Config>("/v1/config"));
        config.map(|config| Some(config.log_key)).map_err(|error| error.into())
    }

    /// The bytes of a tile.
    pub(super) fn tile(&self, tile: &Tile) -> Result<Vec<u8>, Failure> {
        if let Some(bytes) = self.get(&tile.to_string())? {
            return Ok(bytes);
        }
        // A partial tile may be deleted once the full one is there.
        let end = (tile.index() + 1) * TILE_WIDTH;
        let size = end.checked_shl(8 * u32::from(tile.level())).unwrap_or(u64::MAX);
        let full = Tile::at(tile.level(), tile.index(), size).map(|full| self.get(&full.to_string()));
        let mut bytes = full.transpose()?.flatten().ok_or_else(|| self.missing(&tile.to_string()))?;
        bytes.truncate(usize::from(tile.width()) * 32);
        Ok(bytes)
    }

    /// The entries of a bundle.
    pub(super) fn entries(&self, bundle: &Bundle) -> Result<Vec<Vec<u8>>, Failure> {
        let malformed = |error: sceau_trace::TileError| {
            fault::log(error.code(), format!("{}: {bundle}: {error}", self.label))
        };
        if let Some(bytes) = self.get(&bundle.to_string())? {
            return bundle.parse_bytes(&bytes).map_err(malformed);
        }
        let full = Bundle::at(bundle.index(), (bundle.index() + 1) * TILE_WIDTH);
        let full = full.ok_or_else(|| self.missing(&bundle.to_string()))?;
        let bytes = self.get(&full.to_string())?.ok_or_else(|| self.missing(&bundle.to_string()))?;
        let mut entries = full.parse_bytes(&bytes).map_err(malformed)?;
        entries.truncate(bundle.width().into());
        Ok(entries)
    }

    fn missing(&self, path: &str) -> Failure {
        let words =
            format!("{}: {path} is missing: the copy is incomplete, or the log hides entries", self.label);
        fault::log("log_incomplete", words)
    }

    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, Failure> {
        match &self.place {
            Place::Folder(folder) => {
                let path = folder.join(path);
                match std::fs::read(&path) {
                    Ok(bytes) => Ok(Some(bytes)),
                    Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
                    Err(cause) => Err(Failure::file("read", &path, &cause)),
                }
            }
            Place::Server(remote) => {
                let path = format!("{}/{path}", remote.prefix);
                let answer = remote.runtime.block_on(remote.server.get_bytes(&path));
                match answer {
                    Ok(bytes) => Ok(Some(bytes.into())),
                    Err(ClientError::Refused { status: 404, .. }) => Ok(None),
                    Err(error) => Err(error.into()),
                }
            }
        }
    }
}

fn server(address: &str, anchors: Option<&Path>) -> Result<Place, Failure> {
    let url = Url::parse(address).map_err(|_| ClientError::Address(address.to_owned()))?;
    let anchors_pem = anchors.map(|path| input::read_small(path, 1 << 20, "certificates")).transpose()?;
    let trust = Trust { anchors_pem, ..Trust::default() };
    let server = Server::new(&url.origin().ascii_serialization(), &trust)?;
    // An origin alone is a platform's, whose log has its place.
    let prefix = match url.path().trim_end_matches('/') {
        "" => "/trace".to_owned(),
        path => path.to_owned(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| Failure::system("start the runtime", &cause))?;
    Ok(Place::Server(Box::new(Remote { server, prefix, runtime })))
}
