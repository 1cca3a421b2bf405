//! Each code that a caller or the log reads, each setting and each metric stands in docs/gate.md.

use std::{collections::BTreeMap, fs, path::Path};

use crate::outside::{Stage, chain, run, usual};

/// Of roles, which a gate does not ask for.
const OF_OTHERS: [&str; 2] = ["certificate_wrong_role", "certificate_no_role"];
/// What `sceau cert` says of files, with these words before it; names of metrics, which have a table of their own.
const OF_FILES: [&str; 5] = ["pki_", "bundle_", "profile_", "name_", "sceau_gate"];

/// The Rust files below a folder of this repository, with what they say outside of tests and attributes.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path().display().to_string();
        if Path::new(&path).is_dir() {
            found.extend(sources(&path));
        } else if path.ends_with(".rs") && !path.ends_with("/tests.rs") {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            let lines = code.lines().filter(|line| !line.trim_start().starts_with(['/', '#']));
            found.push((path, lines.map(|line| format!("{line}\n")).collect()));
        }
    }
    found
}

/// The words in quotation marks that look like codes; not those before a colon, which are keys of JSON.
fn codes(source: &str) -> Vec<&str> {
    let parts: Vec<_> = source.split('"').collect();
    let words = parts.chunks(2).skip(1).zip(parts.iter().skip(1).step_by(2));
    let words = words.filter(|(after, _)| !after[0].starts_with(':')).map(|(_, word)| *word);
    let is_code = |word: &&str| {
        let letters = word.bytes().all(|octet| octet.is_ascii_lowercase() || octet == b'_');
        word.contains('_') && letters && !word.starts_with('_')
    };
    words.filter(is_code).collect()
}

fn at(path: &str) -> String {
    format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))
}

fn document() -> String {
    fs::read_to_string(at("../../docs/gate.md")).unwrap()
}

#[test]
fn each_code_stands_in_the_document() {
    let (document, mut found) = (document(), 0);
    for (file, source) in [sources(&at("src")), sources(&at("../pki/src"))].concat() {
        for code in codes(&source) {
            if OF_OTHERS.contains(&code) || OF_FILES.iter().any(|begin| code.starts_with(begin)) {
                continue;
            }
            found += 1;
            assert!(document.contains(&format!("`{code}`")), "{file}: {code}");
        }
    }
    assert!(found >= 100, "they are found: {found}");
}

/// Of each family, its kind, labels and what it says, as a row of the table has them.
type Families = BTreeMap<String, [String; 3]>;

/// As the gate tells them.
fn told(metrics: &str) -> Families {
    let mut all = Families::new();
    for line in metrics.lines() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            all.insert(name.to_owned(), [String::new(), String::new(), help.to_owned()]);
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' '))
        {
            all.get_mut(name).unwrap()[0] = kind.to_owned();
        } else if let Some((name, rest)) = line.split_once('{') {
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
            let name = family.filter(|family| all.contains_key(*family)).unwrap_or(name);
            let labels =
                rest.rsplit_once('}').unwrap().0.split("\",").filter_map(|label| label.split_once('='));
            let labels: Vec<_> = labels.map(|(name, _)| name).filter(|name| *name != "le").collect();
            all.get_mut(name).unwrap()[1] = labels.join(", ");
        }
    }
    all
}

/// As the table has them.
fn documented(document: &str) -> Families {
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `sceau_gate_"));
    let rows = rows.map(|row| row.trim_end_matches(" |").split(" | ").collect::<Vec<_>>());
    let plain = |text: &str| text.replace('`', "");
    rows.map(|row| {
        let [name, kind, labels, says] = row.as_slice() else { panic!("{row:?}") };
        (
            format!("sceau_gate_{}", plain(name)),
            [plain(kind), plain(labels).replace("none", ""), (*says).to_owned()],
        )
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_metric_stands_in_the_table_and_each_row_is_a_metric() {
    let lists = ["root", "authority"].map(|name| format!("{}/{name}.crl", chain().display()));
    let more = "[observe]\naddress = \"127.0.0.1:0\"\n[ca.house]\nfolder = \".\"\n\
         [[listener]]\naddress = \"127.0.0.1:0\"\nca = \"house\"\nnames = [\"a.example\"]\n\
         [[listener.route]]\nupstream = \"http://127.0.0.1:9\"\n";
    let stage = Stage::with(tempfile::tempdir().unwrap(), |upstream| usual(upstream, &lists) + more).await;
    let words = format!("-sS http://{}/metrics", stage.observed.unwrap());
    let said = tokio::task::spawn_blocking(move || run(chain(), "curl", &words)).await.unwrap();
    let (told, documented) = (told(&said), documented(&document()));
    for (name, [kind, labels, says]) in &told {
        let row =
            documented.get(name).unwrap_or_else(|| panic!("no row for {name}, {kind}, {labels}, {says}"));
        assert_eq!((kind, says), (&row[0], &row[2]), "{name}");
        // What did not happen yet has no sample.
        assert!(labels.is_empty() || *labels == row[1], "{name}: {labels}");
    }
    for name in documented.keys() {
        assert!(told.contains_key(name), "{name} is no metric");
    }
    drop(stage.stop().await);
}

/// The fields of tables, as the file writes them.
fn settings(source: &str) -> Vec<&str> {
    let fields = source.lines().filter_map(|line| line.strip_prefix("    "));
    let fields = fields.map(|line| line.strip_prefix("pub(crate) ").unwrap_or(line));
    let fields = fields.filter_map(|line| line.split_once(": ").map(|(name, _)| name));
    let is_name = |name: &&str| {
        !name.is_empty() && name.bytes().all(|octet| octet.is_ascii_lowercase() || octet == b'_')
    };
    fields.filter(is_name).collect()
}

#[test]
fn each_setting_stands_in_the_table() {
    let document = document();
    let (_, table) = document.split_once("## All settings").unwrap();
    let mut found = 0;
    for (file, _) in sources(&at("src")).iter().filter(|(file, _)| file.ends_with("/settings.rs")) {
        let source = fs::read_to_string(file).unwrap();
        for tables in source.split("Deserialize").skip(1).filter_map(|part| part.split_once("\n}")) {
            for setting in settings(tables.0) {
                found += 1;
                let names = ["lists", "observe", "identity", "listener", "outgoing", "route", "pass"];
                let is_named = names.contains(&setting) || table.contains(&format!("`{setting}`"));
                assert!(is_named, "{file}: {setting}");
            }
        }
    }
    assert!(found >= 40, "they are found: {found}");
}
