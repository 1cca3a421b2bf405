//! Objects: opaque bytes under a random name, written once.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use opendal::{ErrorKind, Operator, services::Fs};

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

/// Where objects are until they have their name.
const UNFINISHED: &str = ".part";

/// A store of objects. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Objects {
    operator: Operator,
    root: PathBuf,
}

impl Objects {
    /// A local folder, made readable by its owner only. Half-written objects stay in `.part` until they are renamed.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the folder cannot be made.
    pub fn folder(root: &Path) -> Result<Self, StoreError> {
        use std::os::unix::fs::DirBuilderExt as _;
        let mut builder = std::fs::DirBuilder::new();
        let action = format!("cannot make the object folder {}", root.display());
        builder.recursive(true).mode(0o700).create(root).map_err(StoreError::io(action))?;
        let unfinished = root.join(UNFINISHED);
        let fs = Fs::default().root(&root.to_string_lossy()).atomic_write_dir(&unfinished.to_string_lossy());
        let operator = Operator::new(fs).map_err(StoreError::objects("open"))?;
        Ok(Self { operator, root: root.to_owned() })
    }

    /// Keeps `bytes` under a new name. When it returns they are on disk, and so is their name.
    ///
    /// # Errors
    /// [`StoreError::Objects`] or [`StoreError::Io`]; nothing is kept under a name then.
    pub async fn put(&self, bytes: impl Into<Bytes>) -> Result<ObjectName, StoreError> {
        let name = ObjectName::random()?;
        let path = name.path();
        // The writer fsyncs the file before it renames it.
        self.operator.write(&path, bytes.into()).await.map_err(StoreError::objects("write"))?;
        self.sync_parents(&path).await?;
        Ok(name)
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
        match self.sync_parents(&path).await {
            Err(StoreError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
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

    /// Removes what was being written when a process was killed, if that was before `before_ms`; says how many files.
    ///
    /// # Errors
    /// [`StoreError::Objects`].
    pub async fn discard_unfinished(&self, before_ms: u64) -> Result<usize, StoreError> {
        let paths = self.files_older_than(&format!("{UNFINISHED}/"), before_ms).await?;
        for path in &paths {
            self.operator.delete(path).await.map_err(StoreError::objects("delete"))?;
        }
        Ok(paths.len())
    }

    /// The paths of the files below a folder that were last written before a time.
    async fn files_older_than(&self, folder: &str, before_ms: u64) -> Result<Vec<String>, StoreError> {
        let listed = match self.operator.list_with(folder).recursive(true).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            listed => listed.map_err(StoreError::objects("list"))?,
        };
        let mut old = Vec::new();
        for entry in listed.into_iter().filter(|entry| entry.metadata().is_file()) {
            let written = match self.operator.stat(entry.path()).await {
                // Somebody removed it meanwhile.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                stat => stat.map_err(StoreError::objects("look up"))?.last_modified(),
            };
            // A store that does not say when keeps everything.
            let written = written.and_then(|time| u64::try_from(time.into_inner().as_millisecond()).ok());
            if written.is_some_and(|written| written < before_ms) {
                old.push(entry.path().to_owned());
            }
        }
        Ok(old)
    }

    /// Makes the folders' entries durable, up to the root: without it a power cut forgets the rename.
    async fn sync_parents(&self, path: &str) -> Result<(), StoreError> {
        let file = self.root.join(path);
        let root = self.root.clone();
        let sync = move || {
            file.ancestors()
                .skip(1)
                .take_while(|folder| folder.starts_with(&root))
                .try_for_each(|folder| std::fs::File::open(folder)?.sync_all())
        };
        let done = tokio::task::spawn_blocking(sync).await;
        done.unwrap_or_else(|stopped| Err(std::io::Error::other(stopped)))
            .map_err(StoreError::io("cannot make a folder durable"))
    }
}
