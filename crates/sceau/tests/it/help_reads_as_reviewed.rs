//! Help texts are read more often than any other page: each change is reviewed as a snapshot.

use crate::support::Desk;

#[test]
fn of_each_tool() {
    let desk = Desk::new();
    for words in [
        "seal",
        "open",
        "inspect",
        "sign",
        "verify",
        "deposit",
        "protect",
        "unprotect",
        "grant",
        "revoke",
        "rules",
        "renew",
        "agree",
        "erase",
        "accesses",
        "provider-keys",
        "cert",
        "cert csr",
        "cert bundle",
        "cert inspect",
        "cert convert",
        "cert verify",
        "cert watch",
        "cert probe",
        "cert config",
        "cert guide",
        "cert ca",
        "cert ca issue",
        "cert ca ocsp",
        "cert ca sign",
        "hsm",
        "hsm list",
        "hsm check",
        "hsm init",
        "hsm move",
        "hsm rotate",
        "keyring",
        "keyring policy",
        "keyring access",
        "keyring show",
        "keyring officer",
        "keyring element",
        "keyring fabricate",
        "keyring deliver",
        "keyring request",
        "keyring outcome",
        "keyring verify",
        "keyring state",
        "keyring suspend",
        "keyring resume",
        "keyring destroy",
        "keyring dissociate",
        "provider",
        "provider holder",
        "provider logins",
        "provider evidence",
        "terminal",
        "terminal activate",
        "terminal sign",
        "terminal pending",
        "terminal reject",
        "terminal report",
        "terminal authenticate",
        "terminal face",
        "terminal state",
        "terminal suspend",
        "terminal destroy",
        "terminal roam",
        "terminal confirm",
        "terminal withdraw",
        "terminal join",
        "terminal dissociate",
        "doctor",
        "keys",
        "keys new",
        "keys show",
        "trace",
        "trace verify",
        "trace stamp",
        "trace seen",
        "trace export",
        "witness",
        "witness init",
        "witness run",
        "completions",
    ] {
        let arguments: Vec<&str> = words.split(' ').chain(["--help"]).collect();
        let help = desk.run(&arguments).ok().text();
        insta::assert_snapshot!(words.replace(' ', "-"), help);
    }
}

#[test]
fn of_the_program_lists_tools_and_exit_codes() {
    let help = Desk::new().run(&["--help"]).ok().text();
    for tool in [
        "seal",
        "open",
        "inspect",
        "sign",
        "verify",
        "deposit",
        "protect",
        "unprotect",
        "cert",
        "hsm",
        "keyring",
        "terminal",
        "doctor",
        "keys",
        "trace",
        "completions",
    ] {
        assert!(help.lines().any(|line| line.trim_start().starts_with(tool)), "{tool}");
    }
    let documented = include_str!("../../../../docs/command-line.md");
    let (_, codes) = help.split_once("Exit codes:\n").unwrap();
    assert_eq!(codes.lines().count(), 6);
    for line in codes.lines() {
        let (code, meaning) = line.trim().split_once("  ").unwrap();
        assert!(documented.contains(&format!("| {code} | {meaning} |")), "docs/command-line.md lacks {line}");
    }
}

/// What a script of keyrings calls is found in the page, with what it prints.
#[test]
fn of_keyrings_and_terminals_has_no_command_that_the_page_lacks() {
    let page = include_str!("../../../../docs/command-line.md");
    let (_, of_keyrings) = page.split_once("## Keyrings and terminals").unwrap();
    for group in ["keyring", "terminal"] {
        let help = Desk::new().run(&[group, "--help"]).ok().text();
        let (_, listed) = help.split_once("Commands:\n").unwrap();
        let (listed, _) = listed.split_once("\n\n").unwrap();
        // A line that is further in goes on with the words of the one before.
        let named =
            listed.lines().filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '));
        let commands: Vec<&str> = named.filter_map(|line| line.split_whitespace().next()).collect();
        assert!(commands.len() > 10, "{listed}");
        for command in commands.into_iter().filter(|command| *command != "help") {
            let name = format!("`{group} {command}`");
            assert!(of_keyrings.contains(&name), "docs/command-line.md lacks {name}");
        }
    }
}

#[test]
fn completions_are_of_this_program() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = desk.run(&["completions", shell]).ok().text();
        assert!(script.contains("passphrase-file") && script.contains("sceau"), "{shell}");
    }
    desk.run(&["completions", "tcsh"]).failed(2, "bash");
}
