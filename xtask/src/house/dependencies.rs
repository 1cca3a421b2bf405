//! Dependencies that nothing uses: each one is code that we fetch, build and watch.

use std::collections::BTreeSet;
use std::path::Path;

/// A crate of the workspace: where it is, what its manifest says, and all of its code.
struct Member {
    folder: String,
    manifest: toml::Table,
    code: String,
}

/// Complaints about entries of `[workspace.dependencies]` that no crate names, and of a crate that its code does not.
pub(super) fn examine(root: &Path, tracked: &[String]) -> Result<Vec<String>, String> {
    let read = |name: &str| std::fs::read_to_string(root.join(name)).map_err(|e| format!("{name}: {e}"));
    let parse = |name: &str| read(name)?.parse::<toml::Table>().map_err(|e| format!("{name}: {e}"));
    let mut members = Vec::new();
    // The fuzz targets are a workspace of their own.
    for name in tracked.iter().filter(|name| name.ends_with("/Cargo.toml") && !name.starts_with("fuzz/")) {
        let folder = name.trim_end_matches("Cargo.toml");
        let mut code = String::new();
        for file in tracked.iter().filter(|file| file.starts_with(folder) && file.ends_with(".rs")) {
            // What was deleted and not committed yet says nothing.
            let text = read(file).unwrap_or_default();
            let beside = Path::new(file).parent().unwrap_or(Path::new(""));
            for borrowed in borrowed(&text) {
                code += &read(&beside.join(borrowed).display().to_string())?;
            }
            code += &text;
        }
        members.push(Member { folder: folder.to_owned(), manifest: parse(name)?, code });
    }
    Ok(unused(&parse("Cargo.toml")?, &members))
}

/// Files that a crate takes from another: `#[path = "…"]`.
fn borrowed(code: &str) -> impl Iterator<Item = &str> {
    code.lines().filter_map(|line| line.trim().strip_prefix("#[path = \"")?.strip_suffix("\"]"))
}

fn unused(workspace: &toml::Table, members: &[Member]) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut named = BTreeSet::new();
    for Member { folder, manifest, code } in members {
        for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for name in names(manifest.get(table)) {
                named.insert(name);
                if !mentions(code, &name.replace('-', "_")) {
                    complaints.push(format!("{folder}Cargo.toml: nothing in its code uses {name}"));
                }
            }
        }
    }
    let offered = workspace.get("workspace").and_then(|workspace| workspace.get("dependencies"));
    let idle = names(offered).filter(|name| !named.contains(name));
    complaints.extend(idle.map(|name| format!("Cargo.toml: no crate uses {name}")));
    complaints
}

fn names(table: Option<&toml::Value>) -> impl Iterator<Item = &str> {
    table.and_then(toml::Value::as_table).into_iter().flat_map(|table| table.keys().map(String::as_str))
}

/// Whether a crate is named as code names one: `name::`, `name as`, `name;` or `name!`.
fn mentions(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let before = code.get(..at).and_then(|text| text.chars().next_back());
        let after = code.get(at + name.len()..).unwrap_or_default();
        let whole = before.is_none_or(|c| !c.is_alphanumeric() && c != '_');
        whole && ["::", " as ", ";", "!"].iter().any(|end| after.starts_with(end))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(dependencies: &str, code: &str) -> Vec<String> {
        let workspace = "[workspace.dependencies]\nserde = \"1\"\ntokio-util = \"1\"\nhttp = \"1\"";
        let member = Member {
            folder: "crates/a/".to_owned(),
            manifest: dependencies.parse().unwrap(),
            code: code.to_owned(),
        };
        unused(&workspace.parse().unwrap(), &[member])
    }

    #[test]
    fn what_no_code_names_is_a_complaint() {
        let manifest =
            "[dependencies]\nserde.workspace = true\n[dev-dependencies]\ntokio-util.workspace = true";
        let idle = "Cargo.toml: no crate uses http";
        assert_eq!(complaints(manifest, "use serde::Serialize;\nuse tokio_util as util;"), [idle]);
        let found = complaints(manifest, "use serde_json::Value; // my serde, and tokio_util.");
        let missing = |name: &str| format!("crates/a/Cargo.toml: nothing in its code uses {name}");
        assert_eq!(found, [missing("serde"), missing("tokio-util"), idle.to_owned()]);
    }

    #[test]
    fn a_borrowed_file_is_found() {
        assert_eq!(borrowed("#[path = \"../b/key.rs\"]\nmod key;").collect::<Vec<_>>(), ["../b/key.rs"]);
    }
}
