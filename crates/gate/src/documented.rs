//! What the documents show of a gate's file is what the gate reads, and what they tell of headers is what it does.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests state what must hold")]

use std::{collections::BTreeSet, fs, path::Path};

use serde::{Deserialize as _, de::IntoDeserializer as _};
use toml::{Table, Value};

use crate::{
    forward::{CERTIFICATES_PARTS, NOT_A_CLIENTS},
    settings::Settings,
    told::{Part, USUAL},
};

/// The tables that a gate's file has and no other: pages of others are about their own `[clients]`.
const TABLES: [&str; 3] = ["acme", "listener", "outgoing"];

/// The Markdown files below a folder.
fn documents(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { documents(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|kind| kind == "md")).collect()
}

/// Its blocks of TOML, each with the number of its first line.
fn blocks(text: &str) -> Vec<(usize, String)> {
    let (mut found, mut open): (Vec<(usize, String)>, bool) = (Vec::new(), false);
    for (nth, line) in text.lines().enumerate() {
        match line.trim_start() {
            "```toml" => {
                open = true;
                found.push((nth + 2, String::new()));
            }
            rest if rest.starts_with("```") => open = false,
            _ if open => {
                let block = &mut found.last_mut().unwrap().1;
                block.push_str(line);
                block.push('\n');
            }
            _ => {}
        }
    }
    found
}

/// What a part of a file leaves to the rest of it.
fn complete(file: &mut Table) {
    let add = |table: &mut Value, name: &str, value: &str| {
        table.as_table_mut().unwrap().entry(name).or_insert_with(|| value.parse().unwrap());
    };
    let all = |value: Option<&mut Value>| -> Vec<Value> {
        value.map(|value| value.as_array().unwrap().clone()).unwrap_or_default()
    };
    let mut listeners = all(file.get_mut("listener"));
    for listener in &mut listeners {
        add(listener, "address", "\"127.0.0.1:0\"");
        add(listener, "route", "[]");
        for route in listener["route"].as_array_mut().unwrap() {
            add(route, "upstream", "\"http://127.0.0.1:9\"");
        }
    }
    if file.contains_key("listener") {
        file.insert("listener".to_owned(), Value::Array(listeners));
    }
}

/// Read as the gate does; none where it is no part of a gate's file, unless the page `is_the_gates`.
fn read(block: &str, is_the_gates: bool) -> Option<Result<Settings, String>> {
    // A route stands in a listener, which the text before it may have.
    let begins_within = block.lines().find(|line| line.starts_with("[[listener"));
    let within = begins_within.is_some_and(|line| !line.starts_with("[[listener]]"));
    let whole = if within { format!("[[listener]]\n{block}") } else { block.to_owned() };
    let mut file: Table = match toml::from_str(&whole) {
        Ok(file) => file,
        Err(error) => return Some(Err(error.to_string())),
    };
    if !is_the_gates && !file.keys().any(|name| TABLES.contains(&name.as_str())) {
        return None;
    }
    complete(&mut file);
    Some(Settings::deserialize(Value::Table(file)).map_err(|error| error.to_string()))
}

#[test]
fn each_part_of_a_file_that_the_documents_show_is_one() {
    let mut found = 0;
    for path in documents(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")) {
        let is_the_gates = path.ends_with("docs/gate.md") || path.ends_with("deploy/gate.md");
        for (line, block) in blocks(&fs::read_to_string(&path).unwrap()) {
            match read(&block, is_the_gates) {
                None => {}
                Some(Ok(_)) => found += 1,
                Some(Err(error)) => panic!("{}:{line}: {error}", path.display()),
            }
        }
    }
    assert!(found >= 18, "they are found: {found}");
    assert!(read("[[listener]]\nunknown = 1\n", true).unwrap().is_err(), "what is not known is refused");
}

/// What docs/gate.md has from this heading to the next one.
fn section(heading: &str) -> String {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/gate.md")).unwrap();
    let (_, after) = page.split_once(&format!("\n{heading}\n")).unwrap();
    after.split("\n#").next().unwrap().to_owned()
}

/// What stands between backticks, in small letters.
fn coded(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_ascii_lowercase).collect()
}

#[test]
fn each_header_that_is_dropped_is_named_and_no_other() {
    let told = coded(&section("## What the service is told"));
    let told: BTreeSet<_> = told.into_iter().collect();
    let whole = NOT_A_CLIENTS.map(|name| name.as_str().to_owned());
    let dropped: BTreeSet<_> = whole.into_iter().chain(CERTIFICATES_PARTS.map(str::to_owned)).collect();
    assert_eq!(told, dropped);
}

#[test]
fn each_part_of_headers_stands_in_its_table_as_it_is() {
    let section = section("### Names of your own");
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let told = rows.flat_map(|row| {
        let cells: Vec<_> = row.split(" | ").collect();
        let (parts, names, is_told) = (coded(cells[0]), coded(cells[1]), cells[2] == "yes");
        assert_eq!(parts.len(), names.len(), "{row}");
        let part = |text: String| {
            let read: Result<_, serde::de::value::Error> =
                Part::deserialize(text.as_str().into_deserializer());
            read.unwrap()
        };
        parts.into_iter().map(part).zip(names).map(move |(part, name)| (part, name, is_told))
    });
    let mut told: Vec<_> = told.collect();
    told.sort();
    let mut usual: Vec<_> = USUAL.map(|(part, name, is_told)| (part, name.to_owned(), is_told)).into();
    usual.sort();
    assert_eq!(told, usual);
}
