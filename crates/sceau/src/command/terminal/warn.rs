//! What a holder is warned of: what others tried with the keyring, and that an end is for good.

use sceau_client::terminal::{Ended, Other, Others, ToApprove};

use crate::command::trace::words::moment;

/// What was tried since this terminal's last use, and not by it; none where nothing was.
pub(super) fn others(others: &Others) -> Option<String> {
    let Others { since, attempts, more } = others;
    if attempts.is_empty() {
        return None;
    }
    let since = since.map_or_else(
        || "Since this terminal was activated".to_owned(),
        |since| format!("Since your last use of this terminal, on {}", moment(since)),
    );
    let count = |ended: fn(&Ended) -> bool| attempts.iter().filter(|other| ended(&other.ended)).count();
    let kinds = [
        (count(|ended| matches!(ended, Ended::Wrong)), "with a wrong PIN"),
        (count(|ended| matches!(ended, Ended::Unfinished)), "not ended"),
        (count(|ended| matches!(ended, Ended::Refused(_))), "WITH THE RIGHT PIN, and refused"),
        (count(|ended| matches!(ended, Ended::Done)), "WITH THE RIGHT PIN, and done"),
    ];
    let kinds = kinds.iter().filter(|(count, _)| *count > 0);
    let kinds: Vec<String> = kinds.map(|(count, what)| format!("{count} {what}")).collect();
    let at_least = if *more { "at least " } else { "" };
    let last = attempts.last().map(|Other { time, .. }| moment(*time)).unwrap_or_default();
    let noun = if attempts.len() == 1 { "attempt was" } else { "attempts were" };
    Some(format!(
        "ATTENTION. {since}, {at_least}{} {noun} made with this keyring that this terminal did not make: {}. The last one: {last}.\n\
         If that was not you, somebody has a copy of this terminal. Stop the keyring now (`sceau terminal suspend`), and tell your registration authority.",
        attempts.len(),
        kinds.join(", "),
    ))
}

/// That a keyring is to end.
pub(super) fn to_destroy(asked: &ToApprove) -> String {
    let end = format!(
        "This ends your keyring {} ({}), for good.\nNothing brings it back: no PIN, nobody's word, no copy. What it signed stays good. \
         To sign again, you need another one from your registration authority.",
        asked.request.keyring, asked.provider
    );
    match others(&asked.others) {
        Some(warning) => format!("{end}\n\n{warning}"),
        None => end,
    }
}
