//! What documents point at: files that they name, and tests that `SECURITY.md` shows a defence by. What was renamed shows nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A path in a document begins at one of these.
const ROOTS: [&str; 8] = ["benches/", "crates/", "docs/", "fuzz/", "packaging/", "tests/", "web/", "xtask/"];
/// Where tests are named *room: file::function*.
const DEFENCES: &str = "SECURITY.md";

/// What a room has to be named by: files, folders, functions and modules.
struct Room {
    places: BTreeSet<String>,
    code: String,
}

/// Complaints about names in documents that nothing bears.
pub(super) fn examine(root: &Path, tracked: &[String]) -> Vec<String> {
    // What was deleted and not committed yet says nothing.
    compare(tracked, |name| std::fs::read_to_string(root.join(name)).unwrap_or_default())
}

fn compare(tracked: &[String], read: impl Fn(&str) -> String) -> Vec<String> {
    let mut complaints = Vec::new();
    for document in tracked.iter().filter(|name| name.ends_with(".md")) {
        for path in literals(&read(document)).filter(|text| is_path(text)) {
            let there = |name: &String| name == path || is_below(name, path);
            if !tracked.iter().any(there) {
                complaints.push(format!("{document} names {path}, which is not there"));
            }
        }
    }
    let mut rooms = BTreeMap::new();
    let text = read(DEFENCES);
    for (room, test) in literals(&text).filter_map(test_of) {
        let room_of = || Room::read(&folder(room), tracked, &read);
        if !rooms.entry(room).or_insert_with(room_of).has(test) {
            complaints.push(format!("{DEFENCES} names the test {room}: {test}, which is not there"));
        }
    }
    complaints
}

/// What stands between backticks.
fn literals(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn is_path(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    ROOTS.iter().any(|root| text.starts_with(root)) && text.chars().all(plain)
}

fn is_below(name: &str, folder: &str) -> bool {
    name.strip_prefix(folder.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'))
}

/// Room and test of `room: file::function`.
fn test_of(text: &str) -> Option<(&str, &str)> {
    let (room, test) = text.split_once(": ")?;
    let word = |text: &str, more: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || more.contains(c))
    };
    (word(room, "-") && word(test, "_:/0123456789")).then_some((room, test))
}

fn folder(room: &str) -> String {
    if room == "tests" { "tests/".to_owned() } else { format!("crates/{room}/") }
}

impl Room {
    fn read(folder: &str, tracked: &[String], read: &impl Fn(&str) -> String) -> Self {
        let files = tracked.iter().filter(|name| name.starts_with(folder) && name.ends_with(".rs"));
        let (mut places, mut code) = (BTreeSet::new(), String::new());
        for file in files {
            places.extend(file.trim_end_matches(".rs").split('/').map(str::to_owned));
            code += &read(file);
        }
        Self { places, code }
    }

    /// Whether each step of `file::function` is a file, a folder, a module or a function.
    fn has(&self, test: &str) -> bool {
        let there = |step: &str| {
            self.places.contains(step)
                || [format!("fn {step}("), format!("mod {step} "), format!("mod {step};")]
                    .iter()
                    .any(|item| self.code.contains(item))
        };
        test.split(['/', ':']).filter(|step| !step.is_empty()).all(there)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(security: &str) -> Vec<String> {
        let tracked = ["SECURITY.md", "crates/trace/tests/it/proofs.rs"].map(str::to_owned);
        compare(&tracked, |name| match name {
            "SECURITY.md" => security.to_owned(),
            _ => "#[test]\nfn a_log_only_grows() {}\n".to_owned(),
        })
    }

    #[test]
    fn what_is_there_is_named_in_peace() {
        let text = "`trace: proofs::a_log_only_grows`, `trace: proofs` (two), `crates/trace/`, `/etc/sceau`, `a: b c`";
        assert_eq!(complaints(text), Vec::<String>::new());
    }

    #[test]
    fn what_was_renamed_is_missed() {
        assert_eq!(complaints("`trace: proofs::a_log_grows`").len(), 1);
        assert_eq!(complaints("`trace: proof`").len(), 1);
        assert_eq!(complaints("`pki: proofs`").len(), 1);
        assert_eq!(complaints("`crates/trace/src/proofs.rs` and `crates/tra`").len(), 2);
    }
}
