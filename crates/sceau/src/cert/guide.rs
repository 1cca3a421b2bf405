//! `sceau cert guide`: a platform's procedure in the person's words, with what is done and what is next.

use std::path::{Path, PathBuf};

use sceau_pki::{ClientNaming, Done, Profile, Step, StepWords};
use serde_json::json;

use super::{fault, profile};
use crate::failure::Failure;
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau cert guide sas
  sceau cert guide sas --editor MonLogiciel --folder /srv/sas --language fr

A step is marked as done where its file is in the folder; what only you know is left open.";

/// Which procedure, and how far it has come.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct GuideOptions {
    /// A profile's name, or its file (./mine.toml)
    #[arg(value_name = "NAME|FILE")]
    profile: String,
    /// Name of your software
    #[arg(long, value_name = "NAME")]
    editor: Option<String>,
    /// Folder with the files [default: the profile's name]
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Language of the steps [default: the session's]
    #[arg(long, value_enum)]
    language: Option<Language>,
    /// Print the steps as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Language {
    Fr,
    En,
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Done,
    Open,
    /// Only the person knows.
    Yours,
}

pub(super) fn run(options: &GuideOptions) -> Result<(), Failure> {
    let profile = profile::named(&options.profile)?;
    let folder = options.folder.clone().unwrap_or_else(|| PathBuf::from(&profile.name));
    let namings: Vec<ClientNaming> = match &options.editor {
        None => Vec::new(),
        Some(editor) => {
            let named = profile.clients.iter().map(|client| client.of(editor));
            named.collect::<Result<_, _>>().map_err(|error| fault::profile(&error, &profile.name))?
        }
    };
    let language = options.language.unwrap_or_else(of_session);
    let states: Vec<_> = profile.steps.iter().map(|step| state(step, &profile, &namings, &folder)).collect();
    let next = states.iter().position(|state| *state == State::Open);
    if options.json {
        let steps: Vec<_> =
            profile.steps.iter().zip(&states).map(|(step, state)| in_json(step, *state)).collect();
        let next = next.and_then(|at| profile.steps.get(at)).map(|step| step.id.as_str());
        return say::json(&json!({"profile": profile.name, "steps": steps, "next": next}));
    }
    say::result(&in_words(&profile, &states, next, language, options, &folder))
}

fn state(step: &Step, profile: &Profile, namings: &[ClientNaming], folder: &Path) -> State {
    let Some(done) = step.done else { return State::Yours };
    let Some(naming) = namings.iter().find(|naming| step.of.as_ref() == Some(&naming.id)) else {
        return State::Open;
    };
    let there = |name: &str| folder.join(name).exists();
    let is_done = match done {
        Done::Request => there(&naming.key_file) && there(&naming.request_file),
        Done::Certificate => there(&naming.certificate_file),
        Done::Issuer => profile.chain_of_client(naming).is_some_and(|chain| {
            [&chain.anchor, &chain.issuer]
                .iter()
                .all(|one| there(&one.file) || there(&format!("{}.pem", one.file)))
        }),
        Done::Bundle => there(&naming.bundle_file),
    };
    if is_done { State::Done } else { State::Open }
}

fn in_json(step: &Step, state: State) -> serde_json::Value {
    let state = match state {
        State::Done => "done",
        State::Open => "open",
        State::Yours => "yours",
    };
    json!({"id": step.id, "of": step.of, "state": state, "title": {"fr": step.fr.title, "en": step.en.title}})
}

fn in_words(
    profile: &Profile,
    states: &[State],
    next: Option<usize>,
    language: Language,
    options: &GuideOptions,
    folder: &Path,
) -> String {
    let folder = folder.display().to_string();
    let editor = options.editor.as_deref().unwrap_or("<EDITEUR>");
    let french = language == Language::Fr;
    let mut lines = vec![format!("{} ({})", profile.title, profile.source), String::new()];
    for (at, (step, state)) in profile.steps.iter().zip(states).enumerate() {
        let words: &StepWords = if french { &step.fr } else { &step.en };
        let mark = match state {
            State::Done => "✓",
            State::Open if next == Some(at) => "→",
            State::Open => " ",
            State::Yours => "·",
        };
        lines.push(format!("{mark} {:>2}. {}", at + 1, words.title));
        if *state != State::Done {
            lines.push(format!(
                "      {}",
                words.text.replace("<EDITEUR>", editor).replace("<FOLDER>", &folder)
            ));
        }
    }
    lines.push(String::new());
    lines.push(legend(french, options.editor.is_some()).to_owned());
    lines.join("\n")
}

fn legend(french: bool, named: bool) -> &'static str {
    match (french, named) {
        (true, true) => "✓ fait (le fichier est là)   → à faire maintenant   · vous seul le savez",
        (false, true) => "✓ done (its file is there)   → next   · only you know",
        (true, false) => {
            "→ à faire maintenant   · vous seul le savez   (avec --editor NOM, ce qui est fait est reconnu)"
        }
        (false, false) => "→ next   · only you know   (with --editor NAME, what is done is recognised)",
    }
}

/// As the session's locale says (POSIX: LC_ALL, LC_MESSAGES, LANG).
fn of_session() -> Language {
    let set = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    if set.is_some_and(|value| value.starts_with("fr")) { Language::Fr } else { Language::En }
}
