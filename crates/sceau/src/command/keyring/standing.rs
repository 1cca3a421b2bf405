//! `sceau keyring state`, and how a keyring's state and history read.

use sceau_client::keyring::{Actor, look};
use sceau_element_api::KeyringId;
use sceau_element_api::keyring::{BoundTerminal, KeyringPhase, Left};
use sceau_keyring::{Happening, Standing};
use sceau_trace::Outcome;
use serde_json::json;

use super::{ActorOptions, PinnedElement, PlatformOptions, wait_for};
use crate::command::trace::words;
use crate::failure::Failure;
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau keyring state KEYRING --at https://sceau.example.org --element element.json \\
      --certificate ra.pem --key ra.key

The registration authority that made it may, and support of its policy. That you looked is on record, where the holder sees it. No secret is told, and no name.";

/// Which keyring.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct StateOptions {
    /// The keyring
    #[arg(value_name = "KEYRING")]
    keyring: KeyringId,
    /// What was done before the record of this index alone, as `next` of the page before says
    #[arg(long, value_name = "INDEX")]
    before: Option<u64>,
    #[command(flatten)]
    element: PinnedElement,
    #[command(flatten)]
    actor: ActorOptions,
    #[command(flatten)]
    platform: PlatformOptions,
}

pub(super) fn run(options: &StateOptions) -> Result<(), Failure> {
    let (signer, element) = (options.actor.signer()?, options.element.read()?);
    let server = options.platform.server()?;
    let actor = Actor { carrier: &server, element: &element, key: &signer };
    let standing = wait_for(look(&actor, options.keyring, options.before))?;
    say::remark(&told(&standing));
    say::json(&json!(standing))
}

/// Where it stands, and what was done, for people.
pub(in crate::command) fn told(standing: &Standing) -> String {
    let mut lines = vec![format!(
        "Keyring {} is {}, since {}.",
        standing.keyring,
        phase(standing.phase),
        words::moment(standing.since)
    )];
    lines.extend(standing.suspended.map(|why| format!("  {why}.")));
    lines.extend(standing.blocked.map(|why| format!("  {why}.")));
    let tries = &standing.tries;
    let ended = standing.phase == KeyringPhase::Destroyed;
    if !ended && (tries.wrong > 0 || tries.unfinished > 0) {
        lines.push(format!(
            "  Wrong PINs since the last right one: {}, {} left. Attempts that were not ended: {}.",
            tries.wrong, tries.left, tries.unfinished
        ));
    }
    lines.extend(
        tries
            .cools_until
            .filter(|_| !ended)
            .map(|until| format!("  No PIN can be tried before {}.", words::moment(until))),
    );
    lines.extend(standing.terminals.iter().map(|terminal| bound(terminal, standing)));
    lines.extend(standing.former.iter().map(|terminal| {
        let left = match terminal.left {
            Left::Moved => "the keyring moved to another one",
            Left::Dissociated => "it was taken off",
        };
        let (since, until) = (words::moment(terminal.bound), words::moment(terminal.until));
        format!("  Terminal {}, from {since} to {until}: {left}.", terminal.terminal)
    }));
    lines.push("Done, the last first:".to_owned());
    lines.extend(standing.done.iter().map(done));
    lines.extend(standing.next.map(|next| format!("  … more before record {next}")));
    lines.join("\n")
}

fn bound(terminal: &BoundTerminal, standing: &Standing) -> String {
    let since = words::moment(terminal.bound);
    let ends = standing.roaming.as_ref().map_or(0, |roaming| roaming.ends);
    let how = match (terminal.provisional, terminal.parting) {
        (true, _) if ends <= standing.time => format!("came on {since}, and did not prove the PIN in time"),
        (true, _) => format!("came on {since} with a code, and tries until {}", words::moment(ends)),
        (false, Some(asked)) => {
            format!("since {since}; its holder asked on {} that it be taken off", words::moment(asked))
        }
        (false, None) => format!("since {since}"),
    };
    format!("  Terminal {}, {how}.", terminal.terminal)
}

fn done(one: &Happening) -> String {
    let (outcome, code) = match &one.refused {
        Some(code) => (Outcome::Refused, code.as_str()),
        None => (Outcome::Granted, ""),
    };
    let act = words::act(&one.action, outcome, code);
    let mut text = format!("  {}  {} {act}", words::moment(one.time), one.by);
    if let Some(provider) = one.provider {
        text += &format!(", for {provider}");
    }
    if let Some(other) = one.other {
        text += &format!(", {other}");
    }
    if let Some(count) = one.count {
        text += &format!(", {}", say::counted(count.into(), "signature"));
    }
    if let Some(reason) = &one.reason {
        text += &format!(" ({reason})");
    }
    text + &format!("  [{}]", one.index)
}

fn phase(phase: KeyringPhase) -> &'static str {
    match phase {
        KeyringPhase::Made => "made, of nobody yet",
        KeyringPhase::Delivered => "delivered, and not activated yet",
        KeyringPhase::Certifying => "waiting for its certificate",
        KeyringPhase::Active => "active",
        KeyringPhase::Suspended => "suspended",
        KeyringPhase::Blocked => "blocked",
        KeyringPhase::Destroyed => "destroyed",
    }
}
