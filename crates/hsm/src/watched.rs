//! What is made of files, and made again when one of them changes.

use std::{
    fmt, fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

/// Something that stands in files. To look whether they changed costs a `stat` for each.
pub struct Watched<T, E> {
    make: Make<T, E>,
    current: RwLock<Current<T>>,
}

/// Makes it, naming each file before it is read.
pub type Make<T, E> = Box<dyn Fn(&mut Files) -> Result<T, E> + Send + Sync>;

/// Files as they were when they were read.
#[derive(Debug, Default)]
pub struct Files {
    read: Vec<(PathBuf, Stamp)>,
    again: Option<Instant>,
}

/// What tells one state of a file from another: time of change, inode and length; none where there is no file.
type Stamp = Option<(i64, i64, u64, u64)>;

struct Current<T> {
    files: Files,
    made: Arc<T>,
}

impl<T, E> Watched<T, E> {
    /// Makes it for the first time.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn open(make: Make<T, E>) -> Result<Self, E> {
        let mut files = Files::default();
        let made = Arc::new(make(&mut files)?);
        Ok(Self { make, current: RwLock::new(Current { files, made }) })
    }

    /// As the files are now. Where they cannot be used, what was made last stays, and each change that is not used is told once.
    pub fn now(&self) -> (Arc<T>, Option<E>) {
        {
            let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
            if current.files.are_of_now() {
                return (Arc::clone(&current.made), None);
            }
        }
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.files.are_of_now() {
            return (Arc::clone(&current.made), None);
        }
        let mut files = Files::default();
        let made = (self.make)(&mut files);
        current.files = files;
        match made {
            Ok(made) => {
                current.made = Arc::new(made);
                (Arc::clone(&current.made), None)
            }
            Err(error) => (Arc::clone(&current.made), Some(error)),
        }
    }
}

impl<T, E> fmt::Debug for Watched<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").finish_non_exhaustive()
    }
}

impl Files {
    /// This one is read next: what changes from now on is seen.
    pub fn note(&mut self, path: &Path) {
        self.read.push((path.to_owned(), stamp(path)));
    }

    /// They are read again after so long, whether they change or not.
    pub fn again_after(&mut self, time: Duration) {
        self.again = Instant::now().checked_add(time);
    }

    fn are_of_now(&self) -> bool {
        let is_time = self.again.is_some_and(|again| again <= Instant::now());
        !is_time && self.read.iter().all(|(path, then)| stamp(path) == *then)
    }
}

fn stamp(path: &Path) -> Stamp {
    let found = fs::metadata(path).ok()?;
    Some((found.mtime(), found.mtime_nsec(), found.ino(), found.len()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn it_is_made_again_when_a_file_changes_and_stays_where_that_fails() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("number");
        let replace = |text: &str| {
            let next = folder.path().join("next");
            fs::write(&next, text).unwrap();
            fs::rename(next, &path).unwrap();
        };
        replace("1");
        let read = path.clone();
        let watched = Watched::open(Box::new(move |files: &mut Files| {
            files.note(&read);
            let text = fs::read_to_string(&read).map_err(|cause| cause.to_string())?;
            text.parse::<u32>().map_err(|cause| cause.to_string())
        }));
        let watched = watched.unwrap();
        let first = watched.now().0;
        assert!(Arc::ptr_eq(&first, &watched.now().0) && *first == 1, "it is not made in vain");
        replace("2");
        assert_eq!(watched.now(), (Arc::new(2), None));
        replace("two");
        let (stays, why) = watched.now();
        assert!(*stays == 2 && why.is_some());
        assert_eq!(watched.now(), (Arc::new(2), None), "it is told once");
        fs::remove_file(&path).unwrap();
        assert!(watched.now().1.is_some() && *watched.now().0 == 2);
        replace("3");
        assert_eq!(watched.now(), (Arc::new(3), None));
    }
}
