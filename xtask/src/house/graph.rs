//! Which crate leans on which: the arrows of the house point down only.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Ban, Expression};

/// Each room with the rooms that it may use. A new room is given its line, and so its floor, here.
const ARROWS: &[(&str, &[&str])] = &[
    ("sceau-crypto", &[]),
    ("sceau-pki", &["crypto"]),
    ("sceau-trace", &["crypto"]),
    ("sceau-pades", &["crypto", "pki"]),
    ("sceau-hsm", &["crypto", "pki", "trace"]),
    ("sceau-store", &["crypto", "pki", "trace"]),
    ("sceau-element-api", &["crypto", "pki", "trace", "hsm"]),
    ("sceau-keyring", &["crypto", "pki", "trace", "element-api"]),
    ("sceau-biometric", &["crypto", "trace", "hsm", "element-api", "keyring"]),
    ("sceau-client", &["crypto", "pki", "trace", "element-api", "keyring"]),
    ("sceau-terminal-sdk", &["crypto", "trace", "element-api", "keyring", "client"]),
    ("sceau-accounts", &["crypto", "pki", "trace", "hsm", "store", "element-api"]),
    ("sceau-element", &["crypto", "pki", "trace", "hsm", "element-api", "keyring"]),
    ("sceau-gate", &["crypto", "pki", "trace", "hsm"]),
    ("sceau-keymanager", &["crypto", "pki", "trace", "hsm", "store", "element-api", "accounts", "client"]),
    ("sceau-protect", &["crypto", "pki", "trace", "hsm", "store", "element-api", "accounts"]),
    ("sceau-dossiers", &["crypto", "pki", "trace", "hsm", "store", "element-api", "accounts", "client"]),
    ("sceau-keyrings", &["crypto", "pki", "trace", "hsm", "store", "element-api", "accounts", "keyring"]),
    ("sceau-csc", &["crypto", "pki", "pades", "store", "element-api", "keyring", "client"]),
    ("sceau-provider", &["crypto", "pki", "hsm", "store", "element-api", "accounts", "keyring", "client"]),
    (
        "sceau",
        &[
            "crypto",
            "pki",
            "pades",
            "trace",
            "hsm",
            "store",
            "element-api",
            "accounts",
            "client",
            "gate",
            "keymanager",
            "dossiers",
            "protect",
            "keyring",
            "keyrings",
            "provider",
            "csc",
        ],
    ),
];

/// What is built beside the product and never shipped: it may use any room.
const BESIDE: &[&str] = &["xtask", "sceau-tests", "sceau-benches"];

/// Packages and what they use, by cargo's package ids.
pub(super) struct Graph {
    packages: BTreeMap<String, Package>,
}

struct Package {
    name: String,
    version: String,
    licence: Option<String>,
    ours: bool,
    /// Ids used in the program itself or to build it (not by its tests).
    uses: BTreeSet<String>,
    /// Ids used by its tests only.
    tests_use: BTreeSet<String>,
}

impl Graph {
    /// Reads `cargo metadata --format-version 1`.
    pub(super) fn read(metadata: &Value) -> Result<Self, String> {
        Self::parse(metadata).ok_or_else(|| "cargo metadata has not the shape that is expected".to_owned())
    }

    fn parse(metadata: &Value) -> Option<Self> {
        let members: BTreeSet<&str> =
            metadata.get("workspace_members")?.as_array()?.iter().filter_map(Value::as_str).collect();
        let mut packages = BTreeMap::new();
        for package in metadata.get("packages")?.as_array()? {
            let id = package.get("id")?.as_str()?;
            let text = |key: &str| package.get(key).and_then(Value::as_str).map(str::to_owned);
            packages.insert(
                id.to_owned(),
                Package {
                    name: text("name")?,
                    version: text("version")?,
                    licence: text("license"),
                    ours: members.contains(id),
                    uses: BTreeSet::new(),
                    tests_use: BTreeSet::new(),
                },
            );
        }
        for node in metadata.get("resolve")?.get("nodes")?.as_array()? {
            let package = packages.get_mut(node.get("id")?.as_str()?)?;
            for dependency in node.get("deps")?.as_array()? {
                let id = dependency.get("pkg")?.as_str()?.to_owned();
                let kinds = dependency.get("dep_kinds")?.as_array()?;
                let only_tests =
                    kinds.iter().all(|kind| kind.get("kind").and_then(Value::as_str) == Some("dev"));
                if only_tests {
                    package.tests_use.insert(id)
                } else {
                    package.uses.insert(id)
                };
            }
        }
        Some(Self { packages })
    }

    /// Complaints about rooms that lean on what they may not, tests included.
    pub(super) fn arrows(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        for room in self.packages.values().filter(|p| p.ours && !BESIDE.contains(&p.name.as_str())) {
            let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == room.name) else {
                complaints
                    .push(format!("{} has no floor: give it a line in xtask/src/house/graph.rs", room.name));
                continue;
            };
            let may = |used: &Package| {
                used.name == room.name || allowed.contains(&used.name.trim_start_matches("sceau-"))
            };
            // Who calls the element may start a real one in tests, and only there.
            let tests_may = |used: &Package| used.name == "sceau-element" && allowed.contains(&"element-api");
            let wrong = self.rooms(&room.uses).filter(|used| !may(used));
            let wrong =
                wrong.chain(self.rooms(&room.tests_use).filter(|used| !may(used) && !tests_may(used)));
            let words =
                |used: &Package| format!("{} may not use {}: arrows point down only", room.name, used.name);
            complaints.extend(wrong.map(words));
        }
        complaints
    }

    /// Those of our own rooms that are among `ids`.
    fn rooms<'g>(&'g self, ids: &'g BTreeSet<String>) -> impl Iterator<Item = &'g Package> {
        ids.iter().filter_map(|id| self.packages.get(id)).filter(|package| package.ours)
    }

    /// Complaints about banned crates in `shipped`: there at all, or used directly by a crate that is not a wrapper.
    ///
    /// `shipped` holds `name version` of what the programs really link. Cargo's metadata says more than that: it
    /// lists optional dependencies that no feature asked for.
    pub(super) fn bans(&self, bans: &[Ban], shipped: &BTreeSet<String>) -> Vec<String> {
        let links = |p: &Package| shipped.contains(&format!("{} {}", p.name, p.version));
        let mut complaints = Vec::new();
        for ban in bans {
            for user in self.packages.values().filter(|p| links(p)) {
                let used = user.uses.iter().filter_map(|id| self.packages.get(id));
                let uses = used.filter(|p| links(p)).any(|p| p.name == ban.name);
                let family = user.name == ban.name || user.name.starts_with(&format!("{}-", ban.name));
                if uses && !family && !ban.wrappers.contains(&user.name) {
                    complaints
                        .push(format!("{} uses {}, which is banned: {}", user.name, ban.name, ban.reason));
                }
            }
        }
        complaints
    }

    /// Complaints about crates of others, anywhere in the tree, whose licence leaves no allowed choice.
    pub(super) fn licences(&self, allowed: &BTreeSet<String>) -> Vec<String> {
        let fits = |p: &Package| {
            p.licence.as_deref().is_some_and(|text| Expression::parse(text).is_some_and(|e| e.fits(allowed)))
        };
        self.packages
            .values()
            .filter(|p| !p.ours && !fits(p))
            .map(|p| {
                format!(
                    "{} {}: licence {} is not allowed",
                    p.name,
                    p.version,
                    p.licence.as_deref().unwrap_or("(none)")
                )
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A tree from lines `user -> used[ (dev)]`; names that start with `sceau` are ours.
    fn graph(edges: &[&str]) -> Graph {
        let mut names = BTreeSet::new();
        let mut deps: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        for edge in edges {
            let (user, used) = edge.split_once(" -> ").unwrap();
            let (used, kind) =
                used.strip_suffix(" (dev)").map_or((used, Value::Null), |used| (used, json!("dev")));
            names.extend([user, used]);
            deps.entry(user).or_default().push(json!({"pkg": used, "dep_kinds": [{"kind": kind}]}));
        }
        let packages: Vec<_> =
            names.iter().map(|n| json!({"id": n, "name": n, "version": "1.0.0", "license": "MIT"})).collect();
        let nodes: Vec<_> =
            names.iter().map(|n| json!({"id": n, "deps": deps.remove(n).unwrap_or_default()})).collect();
        let members: Vec<_> = names.iter().filter(|n| n.starts_with("sceau")).collect();
        Graph::read(&json!({"workspace_members": members, "packages": packages, "resolve": {"nodes": nodes}}))
            .unwrap()
    }

    #[test]
    fn a_service_that_imports_a_service_is_refused() {
        let complaints = graph(&["sceau-keymanager -> sceau-dossiers"]).arrows();
        assert_eq!(complaints, ["sceau-keymanager may not use sceau-dossiers: arrows point down only"]);
    }

    #[test]
    fn a_pure_room_that_leans_upward_is_refused_even_in_its_tests() {
        assert_eq!(graph(&["sceau-crypto -> sceau-store"]).arrows().len(), 1);
        assert_eq!(graph(&["sceau-crypto -> sceau-store (dev)"]).arrows().len(), 1);
        assert_eq!(graph(&["sceau-element -> sceau-store"]).arrows().len(), 1);
        assert!(graph(&["sceau-store -> sceau-crypto"]).arrows().is_empty());
    }

    #[test]
    fn the_element_is_linked_by_nobody_but_may_be_started_by_tests() {
        assert_eq!(graph(&["sceau-accounts -> sceau-element"]).arrows().len(), 1);
        assert!(graph(&["sceau-accounts -> sceau-element (dev)"]).arrows().is_empty());
        assert_eq!(graph(&["sceau-store -> sceau-element (dev)"]).arrows().len(), 1);
    }

    #[test]
    fn a_room_without_a_floor_is_refused() {
        assert!(
            graph(&["sceau-cellar -> sceau-crypto"])
                .arrows()
                .iter()
                .any(|c| c.starts_with("sceau-cellar has no floor"))
        );
    }

    #[test]
    fn a_banned_crate_is_found_through_others_when_it_is_linked() {
        let ban = |wrappers: &[&str]| {
            let wrappers = wrappers.iter().map(|w| (*w).to_owned()).collect();
            [Ban { name: "ring".into(), wrappers, reason: "no".into() }]
        };
        let linked = |names: &[&str]| names.iter().map(|n| format!("{n} 1.0.0")).collect();
        let graph = graph(&["sceau -> tls", "tls -> ring"]);
        let all = linked(&["sceau", "tls", "ring"]);
        assert_eq!(graph.bans(&ban(&[]), &all), ["tls uses ring, which is banned: no"]);
        assert!(graph.bans(&ban(&["tls"]), &all).is_empty());
        assert!(graph.bans(&ban(&[]), &linked(&["sceau", "tls"])).is_empty());
    }

    #[test]
    fn a_licence_outside_the_list_is_refused() {
        let graph = graph(&["sceau -> tls"]);
        assert!(graph.licences(&BTreeSet::from(["MIT".to_owned()])).is_empty());
        assert_eq!(
            graph.licences(&BTreeSet::from(["ISC".to_owned()])),
            ["tls 1.0.0: licence MIT is not allowed"]
        );
    }
}
