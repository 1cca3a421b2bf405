//! Objects: opaque bytes under a random name, written once. In a folder of this machine, or in an S3 store.
//!
//! Neither is trusted with more than keeping: what is read is compared with the SHA-256 that its row names, by whoever reads
//! (`crates/dossiers/src/uploads.rs`), so that half an object, an old one or another one is never passed on.

mod folder;
mod s3;

use std::path::Path;

use bytes::Bytes;
use opendal::{ErrorKind, Operator, services::Fs};

pub use s3::{S3Limits, S3Store};

use self::folder::Folder;
use crate::{FromValue, StoreError, Value};

/// The name of an object: 32 random bytes, in lower-case hexadecimal. It says nothing of what is inside.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectName(String);

impl ObjectName {
    fn random() -> Result<Self, StoreError> {
        let mut bytes = [0; 32];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| StoreError::Random)?;
        Ok(Self(hex::encode(bytes)))
    }

    /// Reads a name back, for example from a row.
    ///
    /// # Errors
    /// [`StoreError::ObjectName`] for anything but 64 lower-case hexadecimal digits, path tricks included.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if text.len() == 64 && digits { Ok(Self(text.to_owned())) } else { Err(StoreError::ObjectName) }
    }

    /// The 64 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Two levels of folders, so that none grows past what a file system likes: `ab/cd/abcd…`.
    fn path(&self) -> String {
        let (first, second) = (self.0.get(0..2).unwrap_or(""), self.0.get(2..4).unwrap_or(""));
        format!("{first}/{second}/{}", self.0)
    }
}

impl From<&ObjectName> for Value {
    fn from(name: &ObjectName) -> Self {
        Value::Text(name.0.clone())
    }
}

impl FromValue for ObjectName {
    const EXPECTED: &'static str = "an object name";
    fn from_value(value: &Value) -> Option<Self> {
        String::from_value(value).and_then(|text| Self::parse(&text).ok())
    }
}

/// The first byte of an object's name: the shelf that it is on.
pub const SHELVES: std::ops::RangeInclusive<u8> = 0..=u8::MAX;

/// A store of objects. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Objects {
    operator: Operator,
    place: Place,
}

/// What is particular to a kind of store.
#[derive(Debug, Clone)]
enum Place {
    /// What is written there is made durable by us.
    Folder(Folder),
    /// The server answers when it has kept a name, and refuses to write it twice.
    Server,
}

impl Objects {
    /// A local folder, made readable by its owner only.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the folder cannot be made.
    pub fn folder(root: &Path) -> Result<Self, StoreError> {
        let place = Place::Folder(Folder::open(root)?);
        let fs = Fs::default().root(&root.to_string_lossy());
        let operator = Operator::new(fs).map_err(StoreError::objects("open"))?;
        Ok(Self { operator, place })
    }

    /// An S3 store. Nothing is asked of it yet.
    ///
    /// # Errors
    /// [`StoreError::Settings`] for an endpoint that is not HTTPS (or loopback), certificates that cannot be read; [`StoreError::Objects`].
    pub fn s3(store: &S3Store) -> Result<Self, StoreError> {
        Ok(Self { operator: store.operator()?, place: Place::Server })
    }

    /// Keeps `bytes` under a new name. When it returns they are on disk, and so is their name; or the server has said so.
    ///
    /// # Errors
    /// [`StoreError::Objects`] or [`StoreError::Io`]; nothing is kept under a name then.
    pub async fn put(&self, bytes: impl Into<Bytes>) -> Result<ObjectName, StoreError> {
        let name = ObjectName::random()?;
        let path = name.path();
        let bytes = bytes.into();
        match &self.place {
            Place::Folder(folder) => folder.keep(path, bytes).await?,
            Place::Server => self.create(&path, bytes).await?,
        }
        Ok(name)
    }

    /// Writes a name that must not exist. That it does exist is the end of an attempt of ours whose answer was lost, or it is another's:
    /// the bytes tell.
    async fn create(&self, path: &str, bytes: Bytes) -> Result<(), StoreError> {
        let Err(error) = self.operator.write_with(path, bytes.clone()).if_not_exists(true).await else {
            return Ok(());
        };
        let ours = error.kind() == ErrorKind::ConditionNotMatch
            && self.operator.read(path).await.is_ok_and(|there| there.to_bytes() == bytes);
        if ours { Ok(()) } else { Err(StoreError::objects("write")(error)) }
    }

    /// The bytes of an object, if it is there.
    ///
    /// # Errors
    /// [`StoreError::Objects`].
    pub async fn get(&self, name: &ObjectName) -> Result<Option<Bytes>, StoreError> {
        match self.operator.read(&name.path()).await {
            Ok(buffer) => Ok(Some(buffer.to_bytes())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::objects("read")(error)),
        }
    }

    /// Whether an object is there.
    ///
    /// # Errors
    /// [`StoreError::Objects`].
    pub async fn exists(&self, name: &ObjectName) -> Result<bool, StoreError> {
        self.operator.exists(&name.path()).await.map_err(StoreError::objects("look up"))
    }

    /// Removes an object; one that is not there is as good as removed.
    ///
    /// # Errors
    /// [`StoreError::Objects`].
    pub async fn delete(&self, name: &ObjectName) -> Result<(), StoreError> {
        let path = name.path();
        self.operator.delete(&path).await.map_err(StoreError::objects("delete"))?;
        match &self.place {
            Place::Folder(folder) => folder.forgotten(&path).await,
            Place::Server => Ok(()),
        }
    }

    /// Writes, reads and removes an object of its own: whether the store does its work, and does it with these credentials.
    ///
    /// # Errors
    /// [`StoreError::Objects`] with what failed; [`StoreError::Altered`] where it gives back something else.
    pub async fn probe(&self) -> Result<(), StoreError> {
        let bytes = Bytes::from_static(b"sceau doctor was here");
        let name = self.put(bytes.clone()).await?;
        let read = self.get(&name).await;
        // Whatever was read, nothing is left behind.
        self.delete(&name).await?;
        if read? == Some(bytes) { Ok(()) } else { Err(StoreError::Altered) }
    }

    /// The objects of one shelf that were last written before `before_ms`, in Unix milliseconds. All objects are on [`SHELVES`] shelves,
    /// so that no list grows past what memory holds.
    ///
    /// # Errors
    /// [`StoreError::Objects`].
    pub async fn older_than(&self, shelf: u8, before_ms: u64) -> Result<Vec<ObjectName>, StoreError> {
        let paths = self.files_older_than(&format!("{shelf:02x}/"), before_ms).await?;
        let name = |path: &String| path.rsplit('/').next().and_then(|name| ObjectName::parse(name).ok());
        Ok(paths.iter().filter_map(name).collect())
    }

    /// The paths of the files below a folder that were last written before a time.
    async fn files_older_than(&self, folder: &str, before_ms: u64) -> Result<Vec<String>, StoreError> {
        let listed = match self.operator.list_with(folder).recursive(true).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            listed => listed.map_err(StoreError::objects("list"))?,
        };
        let mut old = Vec::new();
        for entry in listed.into_iter().filter(|entry| entry.metadata().is_file()) {
            let written = match entry.metadata().last_modified() {
                Some(listed) => Some(listed),
                None => match self.operator.stat(entry.path()).await {
                    // Somebody removed it meanwhile.
                    Err(error) if error.kind() == ErrorKind::NotFound => continue,
                    stat => stat.map_err(StoreError::objects("look up"))?.last_modified(),
                },
            };
            // A store that does not say when keeps everything.
            let written = written.and_then(|time| u64::try_from(time.into_inner().as_millisecond()).ok());
            if written.is_some_and(|written| written < before_ms) {
                old.push(entry.path().to_owned());
            }
        }
        Ok(old)
    }
}
