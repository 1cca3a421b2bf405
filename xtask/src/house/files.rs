//! Tracked files: small enough to hold in the head, and silent about the machine that they were written on.

use std::path::Path;

const WARN_ABOVE: usize = 400;
const REFUSE_ABOVE: usize = 600;

/// What people read, and so what must stay small.
const READ_BY_PEOPLE: &[&str] = &["rs", "ts", "svelte", "mjs", "js", "py", "sh", "css"];

/// Places that exist on one machine only. Written in two parts, so that this file does not complain about itself.
const MACHINE_PATHS: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/home", "/user")];

#[derive(Default)]
pub(super) struct Findings {
    pub(super) warnings: Vec<String>,
    pub(super) errors: Vec<String>,
}

/// The names in `git ls-files -z`.
pub(super) fn tracked(listing: &Option<String>) -> Option<Vec<String>> {
    let names: Vec<String> =
        listing.as_ref()?.split('\0').filter(|n| !n.is_empty()).map(str::to_owned).collect();
    (!names.is_empty()).then_some(names)
}

pub(super) fn examine(root: &Path, names: &[String]) -> Findings {
    let mut findings = Findings::default();
    for name in names {
        // What is not there was deleted and not committed yet; what is not text has no lines.
        if let Some(text) =
            std::fs::read(root.join(name)).ok().and_then(|bytes| String::from_utf8(bytes).ok())
        {
            look(name, &text, &mut findings);
        }
    }
    findings
}

fn look(name: &str, text: &str, findings: &mut Findings) {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let lines = text.lines().count();
    if READ_BY_PEOPLE.contains(&extension) && lines > WARN_ABOVE {
        let line = format!("{name} has {lines} lines; {WARN_ABOVE} is where it should be two files");
        if lines > REFUSE_ABOVE { findings.errors.push(line) } else { findings.warnings.push(line) }
    }
    for path in MACHINE_PATHS.iter().filter(|path| names_path(text, path)) {
        findings.errors.push(format!("{name} names a place on one machine: {path}"));
    }
    if name.ends_with("package-lock.json") && text.contains("\"resolved\": \"http") {
        findings
            .errors
            .push(format!("{name} names a host: set omit-lockfile-registry-resolved=true in .npmrc"));
    }
    let settings = name.ends_with(".npmrc") || name.ends_with("pip.conf") || name.contains("requirements");
    if settings && ["registry=", "index-url"].iter().any(|word| text.contains(word)) {
        findings.errors.push(format!("{name} names a registry: that belongs to the machine"));
    }
}

/// Whether the text names the path from its beginning: within a longer one, as of an address of our own API, it is another's part.
fn names_path(text: &str, path: &str) -> bool {
    let goes_on = |before: char| before.is_alphanumeric() || "}-_.".contains(before);
    text.match_indices(path).any(|(at, _)| !text.get(..at).is_some_and(|before| before.ends_with(goes_on)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(name: &str, text: &str) -> usize {
        let mut findings = Findings::default();
        look(name, text, &mut findings);
        findings.errors.len()
    }

    #[test]
    fn a_long_file_is_a_warning_and_a_very_long_one_an_error() {
        let mut findings = Findings::default();
        look("a.rs", &"line\n".repeat(401), &mut findings);
        assert_eq!((findings.warnings.len(), findings.errors.len()), (1, 0));
        assert_eq!(errors("a.rs", &"line\n".repeat(601)), 1);
        assert_eq!(errors("a.json", &"line\n".repeat(601)), 0);
    }

    #[test]
    fn machine_paths_and_hosts_are_found() {
        assert_eq!(errors("a.md", concat!("see /wo", "rk/there")), 1);
        assert_eq!(errors("a.rs", concat!("\"/ro", "ot/.cargo\"")), 1);
        assert_eq!(errors("a.rs", concat!("/v1/organisations/{id}/ro", "ot/prepare")), 0);
        assert_eq!(errors("web/package-lock.json", r#"{"resolved": "https://registry.example/a.tgz"}"#), 1);
        assert_eq!(errors("web/package-lock.json", r#"{"resolved": "packages/app"}"#), 0);
        assert_eq!(errors("web/.npmrc", "registry=https://registry.example"), 1);
        assert_eq!(errors("web/.npmrc", "omit-lockfile-registry-resolved=true"), 0);
    }
}
