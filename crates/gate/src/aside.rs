//! What a gate that was killed left of files that it was writing: none has its name yet, and nobody reads it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The files of a folder whose names are `ours` and end as those do that are being written or removed; none where there is no such folder.
pub(crate) fn left(folder: &Path, ours: impl Fn(&str) -> bool) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut left = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let is_aside = path.extension().is_some_and(|kind| kind == "new" || kind == "destroyed");
        let name = path.file_name().and_then(|name| name.to_str());
        if is_aside && name.is_some_and(&ours) && path.is_file() {
            left.push(path);
        }
    }
    Ok(left)
}

/// Removes what was being written to a folder of files that are named by a hash, as lists and responses are.
pub(crate) fn clear_hashed(folder: &Path) -> io::Result<()> {
    let is_hash = |text: &str| text.len() == 64 && text.bytes().all(|octet| octet.is_ascii_hexdigit());
    let ours = |name: &str| name.split('.').next().is_some_and(is_hash);
    left(folder, ours)?.iter().try_for_each(fs::remove_file)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn what_was_being_written_goes_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let hash = sceau_pki::Fingerprint::of(b"a source").to_string();
        let stays = [format!("{hash}.crl"), format!("{hash}.json"), "issuer.new".into(), "new".into()];
        let goes = [format!("{hash}.crl.4711.0.new"), format!("{hash}.new"), format!("{hash}.json.1.22.new")];
        for name in stays.iter().chain(&goes) {
            fs::write(folder.path().join(name), b"x").unwrap();
        }
        fs::create_dir(folder.path().join(format!("{hash}.folder.new"))).unwrap();
        clear_hashed(folder.path()).unwrap();
        assert!(stays.iter().all(|name| folder.path().join(name).exists()), "somebody else's, or whole");
        assert!(goes.iter().all(|name| !folder.path().join(name).exists()));
        clear_hashed(&folder.path().join("none")).unwrap();
    }
}
