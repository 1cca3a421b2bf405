//! A standby is taken over into another folder, whose name whoever followed it does not know: what that one still writes, or destroys, once it wakes, is in a folder
//! from which nobody serves.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::super::recover::{Extent, extent};
use super::super::with_private_mode;
use super::{JOURNAL, StandbyError, failed, keystore, synced, turn};

/// Makes what a standby has a state that may be served, in the folder `into`, and says what it has. First the turn ends for whoever served, which acknowledges nothing
/// from then on and does not start. Then the journal is copied and the keys after it, so that each key is there which an entry needs. At last the standby's keys are
/// destroyed: it opens nothing. May be done again where it was interrupted, into the same folder. `even_behind`: also where its element had not brought it all. The
/// caller has both folders for itself.
///
/// # Errors
/// [`StandbyError`].
pub(crate) fn take_over(standby: &Path, into: &Path, even_behind: bool) -> Result<Extent, StandbyError> {
    let under_way = into.join(turn::ENDED);
    let whole = into.canonicalize().map_err(failed(into, "naming it"))?;
    // Before anything is changed.
    let goes_on = under_way.exists() || is_done(standby, into, &whole)?;
    if !goes_on && !is_empty(into)? {
        return Err(StandbyError::Occupied(into.to_owned()));
    }
    turn::end(standby, even_behind, &whole)?;
    if !into.join(JOURNAL).exists() || under_way.exists() {
        copy_to(standby, into, &under_way)?;
    }
    keystore::destroy_all(standby)?;
    Ok(extent(&into.join(JOURNAL)))
}

/// Until it is whole, the folder has a file by which it is not served.
fn copy_to(standby: &Path, into: &Path, under_way: &Path) -> Result<(), StandbyError> {
    let (journal, copy) = (into.join(JOURNAL), into.join("journal.new"));
    let options = with_private_mode(File::options().write(true).create(true).truncate(true).clone());
    let mark = options.open(under_way).map_err(failed(under_way, "creating it"))?;
    mark.sync_all().map_err(failed(under_way, "syncing"))?;
    synced(under_way)?;
    let from = standby.join(JOURNAL);
    let mut target = options.open(&copy).map_err(failed(&copy, "creating it"))?;
    let mut source = File::open(&from).map_err(failed(&from, "opening it"))?;
    io::copy(&mut source, &mut target).map_err(failed(&copy, "writing"))?;
    target.sync_all().map_err(failed(&copy, "syncing"))?;
    keystore::bring_all(standby, into)?;
    std::fs::rename(&copy, &journal).map_err(failed(&journal, "naming it"))?;
    synced(&journal)?;
    std::fs::remove_file(under_way).map_err(failed(under_way, "removing it"))?;
    synced(under_way)
}

/// Whether it was done into this folder, but that the standby's keys may be left.
fn is_done(standby: &Path, into: &Path, whole: &Path) -> Result<bool, StandbyError> {
    Ok(into.join(JOURNAL).exists() && turn::ended_for(standby)?.as_deref() == Some(whole))
}

fn is_empty(folder: &Path) -> Result<bool, StandbyError> {
    let failed = |source| failed(folder, "reading")(source);
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        if entry.map_err(failed)?.file_name() != "lock" {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A path that was written down.
pub(super) fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::{Claimed, Following};
    use super::*;

    fn folder(parent: &Path, name: &str) -> PathBuf {
        let path = parent.canonicalize().unwrap().join(name);
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o700)).unwrap();
        path
    }

    /// A state with a journal and a key, and its standby that follows it.
    fn followed(parent: &Path) -> ([PathBuf; 3], Following) {
        let [state, standby, into] = ["state", "standby", "into"].map(|name| folder(parent, name));
        std::fs::write(state.join(JOURNAL), b"a journal").unwrap();
        let keys = folder(&folder(&state, "keys"), "keys");
        sceau_hsm::durable::write_secret(&keys.join("one.key"), b"a key").unwrap();
        let following = Claimed::claim(&standby, &state).unwrap().catch_up().unwrap();
        ([state, standby, into], following)
    }

    #[test]
    fn what_a_first_that_wakes_writes_or_destroys_is_not_in_what_is_served() {
        let parent = tempfile::tempdir().unwrap();
        let ([state, standby, into], mut following) = followed(parent.path());
        let waiting = Claimed::claim(&standby, &state).unwrap();
        assert!(matches!(following.append(b"?"), Err(StandbyError::TakenOver(_))), "another term");
        super::super::refuse_standby(&state).unwrap();
        take_over(&standby, &into, true).unwrap();
        let keys = into.join("keys/keys");
        assert!(keys.join("one.key").exists() && !standby.join("keys/keys/one.key").exists());
        // The second makes a key, and destroys one; then the first goes on where it was.
        sceau_hsm::durable::write_secret(&keys.join("two.key"), b"another").unwrap();
        sceau_hsm::durable::destroy(&keys.join("one.key")).unwrap();
        assert!(matches!(waiting.catch_up(), Err(StandbyError::TakenOver(_))));
        let kept = super::super::refuse_standby(&state);
        assert!(matches!(kept, Err(StandbyError::Lost(_))), "it does not serve without its standby either");
        keystore::bring_all(&state, &standby).unwrap();
        keystore::take_all_away(&state, &standby).unwrap();
        let _ = following.append(b"!");
        assert!(keys.join("two.key").exists() && !keys.join("one.key").exists());
        assert_eq!(std::fs::read(into.join(JOURNAL)).unwrap(), b"a journal?");
    }

    #[test]
    fn it_goes_on_into_the_folder_where_it_began_and_into_no_other() {
        let parent = tempfile::tempdir().unwrap();
        let ([_, standby, into], _following) = followed(parent.path());
        let other = folder(parent.path(), "other");
        std::fs::write(other.join("something"), b"").unwrap();
        assert!(matches!(take_over(&standby, &other, false), Err(StandbyError::Occupied(_))));
        std::fs::remove_file(other.join("something")).unwrap();
        // Interrupted within the copy.
        turn::end(&standby, false, &into).unwrap();
        std::fs::write(into.join(turn::ENDED), b"").unwrap();
        std::fs::write(into.join("journal.new"), b"a jour").unwrap();
        assert!(super::super::refuse_standby(&into).is_err());
        assert!(matches!(take_over(&standby, &other, false), Err(StandbyError::Elsewhere { .. })));
        take_over(&standby, &into, false).unwrap();
        assert_eq!(std::fs::read(into.join(JOURNAL)).unwrap(), b"a journal");
        super::super::refuse_standby(&into).unwrap();
        // Done again it touches nothing that is served, and the standby stays what it is.
        std::fs::write(into.join(JOURNAL), b"a journal and more").unwrap();
        take_over(&standby, &into, false).unwrap();
        assert_eq!(std::fs::read(into.join(JOURNAL)).unwrap(), b"a journal and more");
        assert!(super::super::refuse_standby(&standby).is_err());
    }

    #[test]
    fn a_frame_of_another_process_is_found_before_more_is_called_even_and_at_the_next_batch() {
        let parent = tempfile::tempdir().unwrap();
        let ([state, standby, _], _) = followed(parent.path());
        let append = |bytes: &[u8]| {
            let mut file = File::options().append(true).open(standby.join(JOURNAL)).unwrap();
            io::Write::write_all(&mut file, bytes).unwrap();
        };
        let waiting = Claimed::claim(&standby, &state).unwrap();
        append(b"F");
        assert!(matches!(waiting.catch_up(), Err(StandbyError::Disturbed(_))));
        assert!(matches!(Claimed::claim(&standby, &state), Err(StandbyError::Ahead(_))));
        std::fs::write(standby.join(JOURNAL), b"a journal").unwrap();
        let mut following = Claimed::claim(&standby, &state).unwrap().catch_up().unwrap();
        following.append(b" and").unwrap();
        append(b"F");
        assert!(matches!(following.append(b" more"), Err(StandbyError::Disturbed(_))));
    }

    #[test]
    fn one_key_is_brought_where_one_was_made() {
        let parent = tempfile::tempdir().unwrap();
        let ([state, standby, _], following) = followed(parent.path());
        for name in ["epoch-1.key", "epoch-12.key"] {
            sceau_hsm::durable::write_secret(&state.join("keys/keys").join(name), b"new").unwrap();
        }
        following.bring_key(&sceau_hsm::KeyLabel::new("epoch-1").unwrap()).unwrap();
        let there = |name: &str| standby.join("keys/keys").join(name).exists();
        assert!(there("epoch-1.key") && !there("epoch-12.key"));
    }
}
