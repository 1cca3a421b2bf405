//! Each command for certificates and gates that the documents show is one: its words, and each option.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests state what must hold")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::{Command, CommandFactory as _, error::ErrorKind};

use crate::Cli;

/// The Markdown files below a folder.
fn documents(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { documents(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|kind| kind == "md")).collect()
}

/// A line of a shell or a span of a sentence, from the program's name on, without a comment and what follows a pipe.
fn commands(text: &str) -> Vec<(String, bool)> {
    let (mut found, mut in_block) = (Vec::new(), false);
    for line in text.replace("\\\n", " ").lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
            continue;
        }
        let parts: Vec<_> = if in_block { vec![line] } else { line.split('`').skip(1).step_by(2).collect() };
        for part in parts {
            let begins = |name: &&str| {
                let rest = part.trim_start();
                // A line of a timer says first when.
                let rest = rest.strip_prefix("0 7 * * *").map_or(rest, str::trim_start);
                rest.starts_with(*name).then(|| rest.to_owned())
            };
            let command = ["sceau gate", "sceau cert", "sceau-gate "].iter().find_map(begins);
            let command = command.map(|it| it.replacen("sceau-gate ", "sceau gate ", 1));
            let bare = |it: String| {
                it.split([' ', '\t'])
                    .take_while(|word| !["|", "#", "&&"].contains(word))
                    .collect::<Vec<_>>()
                    .join(" ")
            };
            found.extend(command.map(|it| (bare(it), in_block)));
        }
    }
    found
}

/// As a shell takes it apart; what stands for something else is left out.
fn words(command: &str) -> Vec<String> {
    let (mut all, mut word, mut quote) = (Vec::new(), String::new(), None);
    for letter in command.chars().chain([' ']) {
        match (quote, letter) {
            (None, '\'' | '"') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            (None, ' ') => all.push(std::mem::take(&mut word)),
            _ => word.push(letter),
        }
    }
    all.retain(|word| !word.is_empty() && word != "…");
    all
}

/// What is wrong with the words, if anything.
fn unknown(words: &[String]) -> Option<String> {
    let mut root = Cli::command();
    root.build();
    let (mut command, mut rest): (&Command, _) = (&root, words.get(1..).unwrap_or_default());
    while let Some((first, after)) = rest.split_first() {
        let Some(found) = command.find_subcommand(first) else { break };
        (command, rest) = (found, after);
    }
    let is_word = |word: &&String| word.bytes().all(|octet| octet.is_ascii_lowercase() || octet == b'-');
    if let Some(first) = rest.first().filter(is_word).filter(|first| !first.starts_with('-'))
        && command.has_subcommands()
    {
        return Some(format!("{} has no {first}", command.get_name()));
    }
    let is_option = |word: &str| match word.strip_prefix("--") {
        Some(long) => {
            let long = long.split('=').next();
            command.get_arguments().any(|it| {
                it.get_long() == long
                    || it.get_all_aliases().unwrap_or_default().iter().any(|alias| Some(*alias) == long)
            })
        }
        None => command.get_arguments().any(|it| it.get_short() == word.chars().nth(1)),
    };
    let options = rest.iter().filter(|word| word.starts_with('-') && word.len() > 1);
    options.filter(|word| !is_option(word)).map(|word| format!("{} has no {word}", command.get_name())).next()
}

#[test]
fn each_command_that_the_documents_show_is_one() {
    let mut found = 0;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for path in documents(&root.join("docs")).into_iter().chain([root.join("README.md")]) {
        for (command, is_whole) in commands(&fs::read_to_string(&path).unwrap()) {
            found += 1;
            let words = words(&command);
            let said = |why: String| panic!("{}: {command}: {why}", path.display());
            unknown(&words).into_iter().for_each(said);
            // What stands for a value of the reader's may be no value.
            let wrong = Cli::command()
                .try_get_matches_from(&words)
                .err()
                .filter(|_| is_whole && !command.contains('…'));
            let values = [ErrorKind::InvalidValue, ErrorKind::ValueValidation];
            wrong.filter(|it| !values.contains(&it.kind())).into_iter().for_each(|it| said(it.to_string()));
        }
    }
    assert!(found >= 40, "they are found: {found}");
    for wrong in ["sceau cert csr --unknown", "sceau cert unknown", "sceau gate run -x"] {
        assert!(unknown(&words(wrong)).is_some(), "{wrong}");
    }
}
