//! Another user of the machine waits for a secret that is written into a folder of all.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use sceau_hsm::durable::write_secret;

#[test]
fn a_link_is_not_followed_and_a_file_that_others_read_is_not_written_to() {
    let folder = tempfile::tempdir().unwrap();
    let (trap, new) = (folder.path().join("trap"), folder.path().join("holder.new"));
    let target = folder.path().join("holder.p12");
    std::fs::write(&trap, "theirs").unwrap();
    std::os::unix::fs::symlink(&trap, &new).unwrap();
    write_secret(&target, b"key").unwrap();
    assert_eq!(std::fs::read(&trap).unwrap(), b"theirs");
    // A file that others can read keeps its mode when it is written to.
    std::fs::write(&new, "").unwrap();
    std::fs::set_permissions(&new, Permissions::from_mode(0o644)).unwrap();
    write_secret(&target, b"key").unwrap();
    assert_eq!(std::fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read(&target).unwrap(), b"key");
}
