//! What a shell is told when something is not done: who is at fault, a stable code, and words for people.

use sceau_client::ClientError;

/// Why something was not done. `code` is stable; `detail` is one sentence in English for people and logs, and has no secret in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
#[non_exhaustive]
pub enum TerminalError {
    /// The element refused, under its seal: codes of docs/problem-codes.md.
    #[error("{detail}")]
    Refused {
        /// Which.
        code: String,
        /// One sentence.
        detail: String,
        /// Whether the same may be done a moment later.
        again: bool,
    },
    /// The host refused, or what stands before it, in clear: codes of docs/problem-codes-keyrings.md. It is not the element's word, and no keyring is thrown away for it; what it says for
    /// people is not passed on.
    #[error("{detail}")]
    Host {
        /// Which: one of the few that are taken from a host.
        code: String,
        /// One sentence, of this terminal.
        detail: String,
        /// Whether the same may be done a moment later.
        again: bool,
    },
    /// This terminal itself does not do it: codes of docs/build-a-terminal.md.
    #[error("{detail}")]
    Local {
        /// Which.
        code: String,
        /// One sentence.
        detail: String,
    },
    /// What the shell supplies did not do what it is for: codes of docs/build-a-terminal.md.
    #[error("{detail}")]
    Shell {
        /// Which.
        code: String,
        /// One sentence.
        detail: String,
    },
    /// What was answered is not proven to be the element's. No keyring is thrown away for it.
    #[error("{detail}")]
    Unproven {
        /// `unproven`.
        code: String,
        /// One sentence.
        detail: String,
    },
    /// The host is not reached, or is none: try again later.
    #[error("{detail}")]
    Away {
        /// `unreachable`, or `server` where something else answers.
        code: String,
        /// One sentence.
        detail: String,
    },
}

/// Codes that this room and the terminal under it give themselves, each with what a shell does about it. docs/build-a-terminal.md has the same table.
pub const CODES: &[(&str, &str)] = &[
    ("actor_unknown", "Say that who asks is not registered, and offer to report it."),
    ("address", "Correct the address of the host: https, and no path."),
    ("anchors", "Give the host's authorities in PEM; on Android they have to be given."),
    ("code_malformed", "Have the code typed again."),
    ("environment_unknown", "The shell's `environment` failed or gave no fact: mend the shell."),
    (
        "fingerprint_missing",
        "Say that the keyring asks for the fingerprint: let people set the device's lock up; on a device without one it is of no use.",
    ),
    ("id_malformed", "Give ids as the terminal gave them."),
    ("invitation_malformed", "Ask the registration authority for the invitation again."),
    (
        "key_failed",
        "The shell's key failed, or does not sign as it should: let people try again, then mend the shell.",
    ),
    ("keyring_blocked", "Send people to their registration authority for another keyring."),
    ("keyring_cooling", "Show how long to wait."),
    ("keyring_destroyed", "Say so; there is nothing to do."),
    (
        "keyring_phase",
        "Say what came with it: it was activated before, and the registration authority is to be told now; or it waits for its certificate, and signs later.",
    ),
    ("keyring_suspended", "Say who suspended it and why; its registration authority alone lets it go on."),
    (
        "kind_not_served",
        "Say that the keyring asks for its holder's face, which this library does not take: it is activated by `sceau terminal`.",
    ),
    ("pin_invalid", "Say that the PIN is wrong and how many tries are left; draw another keypad."),
    ("pin_not_taken", "Show the rule of the PIN; draw two keypads."),
    ("pins_differ", "Say that the two PINs differ; draw two keypads."),
    ("place_unknown", "The shell touched a place that is none: mend the shell."),
    (
        "policy_changed",
        "Say that the keyring is not the one that was activated; ask the registration authority.",
    ),
    ("request_answered", "It was answered here: fetch what waits again."),
    ("request_invalid", "Say why, and that nothing can be agreed to; offer to report it."),
    ("request_kind", "Fetch it again."),
    ("request_unread", "Show what is left of it, and say so by `seen`."),
    ("roaming_over", "Show another roaming code."),
    ("second_missing", "Ask for the second factor."),
    ("second_unasked", "Leave the second factor out: this keyring has none."),
    ("server", "Say that something else than a host of keyrings answers at this address."),
    ("storage_failed", "The shell's storage failed: let people try again, then mend the shell."),
    (
        "terminal_busy",
        "Wait for the other page of the program; never call the terminal from within a callback.",
    ),
    ("terminal_changed", "Say that this is a copy or another device; have another keyring made."),
    ("terminal_damaged", "Say that what was kept is damaged; have another keyring made."),
    ("terminal_exists", "Use the keyring that is there, or destroy it first."),
    ("terminal_missing", "Offer to activate a keyring."),
    ("terminal_tampered", "Show the words; go on once the system warns of nothing any more."),
    ("unproven", "Say that what answers is not the element; keep the keyring."),
    ("unreachable", "Say that the host is not reached; try again later."),
];

/// Codes of what a shell supplies.
const OF_SHELL: [&str; 3] = ["environment_unknown", "key_failed", "storage_failed"];

/// A refusal of this terminal, within the protocol.
pub(crate) fn refused(code: &'static str, detail: impl Into<String>) -> ClientError {
    ClientError::Keyring { code, detail: detail.into() }
}

/// A refusal of this terminal.
pub(crate) fn local(code: &'static str, detail: impl Into<String>) -> TerminalError {
    refused(code, detail).into()
}

impl From<ClientError> for TerminalError {
    fn from(error: ClientError) -> Self {
        let (again, detail) = (error.is_passing(), error.to_string());
        let code = |code: &str| code.to_owned();
        match error {
            ClientError::Refused { code, detail, .. } => Self::Refused { code, detail, again },
            ClientError::InClear { code, .. } => {
                let detail = format!("the host of the keyring does not do it ({code})");
                Self::Host { code, detail, again }
            }
            ClientError::Keyring { code, detail } if OF_SHELL.contains(&code) => {
                Self::Shell { code: code.to_owned(), detail }
            }
            ClientError::Keyring { code, detail } => Self::Local { code: code.to_owned(), detail },
            ClientError::Signs(_) => Self::Shell { code: code("key_failed"), detail },
            ClientError::File { .. } => Self::Shell { code: code("storage_failed"), detail },
            ClientError::Unproven(_) => Self::Unproven { code: code("unproven"), detail },
            ClientError::Transport(_) => Self::Away { code: code("unreachable"), detail },
            ClientError::Address(_) | ClientError::Clear(_) => Self::Local { code: code("address"), detail },
            ClientError::Anchors | ClientError::Identity => Self::Local { code: code("anchors"), detail },
            _ => Self::Away { code: code("server"), detail },
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn here(path: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
    }

    #[test]
    fn what_a_host_says_in_clear_is_not_the_elements_and_its_words_are_not_passed_on() {
        let error =
            ClientError::InClear { status: 503, code: "busy".to_owned(), detail: "call 01 23 45".to_owned() };
        let detail = "the host of the keyring does not do it (busy)".to_owned();
        assert_eq!(
            TerminalError::from(error),
            TerminalError::Host { code: "busy".to_owned(), detail, again: true }
        );
    }

    /// Words in lower case that stand in quotes where a code is given.
    fn given(folder: &str) -> BTreeSet<String> {
        let mut codes = BTreeSet::new();
        for file in std::fs::read_dir(here(folder)).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap();
            for call in ["refused(", "local(", "code(", "rule("] {
                for rest in text.split(call).skip(1) {
                    let word = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next());
                    codes.extend(
                        word.filter(|word| word.contains('_') || CODES.iter().any(|(code, _)| code == word))
                            .map(str::to_owned),
                    );
                }
            }
        }
        codes
    }

    #[test]
    fn each_code_that_a_terminal_gives_is_in_the_table_once_and_on_the_page() {
        let table: Vec<&str> = CODES.iter().map(|(code, _)| *code).collect();
        assert!(table.is_sorted_by(|one, next| one < next), "in order, each once");
        let all: BTreeSet<String> = table.iter().map(|code| (*code).to_owned()).collect();
        let mut found = given("../client/src/terminal");
        found.extend(given("src"));
        // Of a folder, which a shell has none of, and of the face, which is refused at the activation.
        for other in ["terminal_open", "face_missing", "face_invalid"] {
            found.remove(other);
        }
        assert_eq!(found, all);
        let page = std::fs::read_to_string(here("../../docs/build-a-terminal.md")).unwrap();
        for (code, what) in CODES {
            assert!(
                page.contains(&format!("| `{code}` | {what} |")),
                "docs/build-a-terminal.md lacks {code}"
            );
        }
    }
}
