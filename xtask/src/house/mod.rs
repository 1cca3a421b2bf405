//! What must be true of the house itself: which room may lean on which, what may enter the tree, how big files are, what documents point at.

mod dependencies;
mod documents;
mod files;
mod graph;
mod licences;

use std::collections::BTreeSet;

use crate::process::{asked, cargo, root};
use crate::test::stages::Log;
use graph::Graph;
use licences::Expression;

/// Runs every check, writes each complaint to the log, and fails on the first kind that has any.
pub(crate) fn stage(log: &Log) -> Result<(), String> {
    let graph = Graph::read(&metadata()?)?;
    let rules = Rules::read()?;
    let tracked = files::tracked(&asked("git", &["-C", &root().display().to_string(), "ls-files", "-z"]));
    let mut complaints = Vec::new();
    complaints.extend(graph.arrows());
    complaints.extend(graph.bans(&rules.bans, &shipped()?));
    complaints.extend(graph.licences(&rules.licences));
    match tracked {
        Some(tracked) => {
            let findings = files::examine(&root(), &tracked);
            findings.warnings.iter().for_each(|warning| log.say(&format!("warning: {warning}")));
            complaints.extend(findings.errors);
            complaints.extend(dependencies::examine(&root(), &tracked)?);
            complaints.extend(documents::examine(&root(), &tracked));
        }
        None => complaints.push("git ls-files says nothing: the tracked files could not be read".to_owned()),
    }
    complaints.iter().for_each(|complaint| log.say(&format!("error: {complaint}")));
    if complaints.is_empty() {
        Ok(())
    } else {
        Err(format!("{} complaint(s) about the house", complaints.len()))
    }
}

/// What `deny.toml` says, so that each rule is written once.
struct Rules {
    licences: BTreeSet<String>,
    bans: Vec<Ban>,
}

/// A crate that may not be used, or only by those named.
struct Ban {
    name: String,
    wrappers: Vec<String>,
    reason: String,
}

impl Rules {
    fn read() -> Result<Self, String> {
        let text =
            std::fs::read_to_string(root().join("deny.toml")).map_err(|e| format!("deny.toml: {e}"))?;
        Self::parse(&text).ok_or_else(|| "deny.toml has not the shape that is expected".to_owned())
    }

    fn parse(text: &str) -> Option<Self> {
        let deny: toml::Table = text.parse().ok()?;
        let strings = |value: &toml::Value| {
            value
                .as_array()
                .map(|all| all.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect::<Vec<_>>())
        };
        let licences = strings(deny.get("licenses")?.get("allow")?)?.into_iter().collect();
        let bans = deny.get("bans")?.get("deny")?.as_array()?.iter().map(|ban| {
            Some(Ban {
                name: ban.get("crate")?.as_str()?.to_owned(),
                wrappers: ban.get("wrappers").and_then(strings).unwrap_or_default(),
                reason: ban.get("reason")?.as_str()?.to_owned(),
            })
        });
        Some(Self { licences, bans: bans.collect::<Option<_>>()? })
    }
}

/// Cargo's own account of the workspace and everything that it builds, for the machines we ship to.
fn metadata() -> Result<serde_json::Value, String> {
    let output = cargo()
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--filter-platform",
            "x86_64-unknown-linux-gnu",
        ])
        .output()
        .map_err(|e| format!("cargo metadata cannot start: {e}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)));
    }
    serde_json::from_slice(&output.stdout).map_err(|e| format!("cargo metadata: {e}"))
}

/// `name version` of everything that the shipped programs link or are built by, with the features really asked for.
fn shipped() -> Result<BTreeSet<String>, String> {
    let output = cargo()
        .args([
            "tree",
            "--package",
            "sceau",
            "--package",
            "sceau-element",
            "--package",
            "sceau-gate",
            "--package",
            "sceau-biometric",
            "--edges",
            "normal,build",
        ])
        .args(["--target", "x86_64-unknown-linux-gnu", "--prefix", "none", "--no-dedupe", "--format", "{p}"])
        .output()
        .map_err(|e| format!("cargo tree cannot start: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let found: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.split_once(" v"))
        .map(|(name, rest)| format!("{name} {}", rest.split(' ').next().unwrap_or_default()))
        .collect();
    if found.contains(concat!("sceau-element ", env!("CARGO_PKG_VERSION"))) {
        Ok(found)
    } else {
        Err(format!("cargo tree does not list our own programs: {}", String::from_utf8_lossy(&output.stderr)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deny_toml_is_read() {
        let rules = Rules::read().unwrap();
        assert!(rules.licences.contains("MIT") && !rules.licences.contains("GPL-3.0"));
        assert!(rules.bans.iter().any(|b| b.name == "ring" && b.wrappers.is_empty()));
        assert!(rules.bans.iter().any(|b| b.name == "sqlx" && b.wrappers == ["sceau-store"]));
    }
}
