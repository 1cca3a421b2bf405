//! What a holder is warned of: what others tried with the keyring, terminals that were added, and that an end is for good.

use sceau_client::terminal::{Ended, Other, Others, ToApprove};
use sceau_element_api::keyring::BoundTerminal;

use crate::command::trace::words::moment;

const MORE: &str = "ATTENTION. More was done with this keyring since your last use of this terminal than is looked through here: whether somebody else tried it is not known. \
    Ask your registration authority for its history, or stop the keyring (`sceau terminal suspend`).";

/// What was tried since this terminal's last use, and not by it; none where nothing was.
pub(super) fn others(others: &Others) -> Option<String> {
    let Others { since, attempts, more, .. } = others;
    if attempts.is_empty() {
        // What cannot be looked through may hide what a copy tried.
        return more.then(|| MORE.to_owned());
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

/// Terminals that were added since this one was used last; none where none was.
pub(super) fn added(added: &[BoundTerminal]) -> Option<String> {
    let of = |one: &BoundTerminal| format!("  {}, on {}", one.terminal, moment(one.bound));
    let all: Vec<String> = added.iter().map(of).collect();
    let words = "If that was not you, somebody has your PIN and a terminal of yours. Stop the keyring now (`sceau terminal suspend`), and tell your registration authority.";
    (!added.is_empty()).then(|| {
        format!(
            "ATTENTION. Since this terminal was used last, the keyring has another terminal:\n{}\n{words}",
            all.join("\n")
        )
    })
}

/// All that a holder is warned of, before anything else; none where there is nothing.
pub(super) fn all(others: &Others, added: &[BoundTerminal]) -> Option<String> {
    let warnings: Vec<String> = [self::others(others), self::added(added), elsewhere(&others.elsewhere)]
        .into_iter()
        .flatten()
        .collect();
    (!warnings.is_empty()).then(|| warnings.join("\n\n"))
}

/// Wrong PINs on other terminals of the keyring since this one was used last: what they did with the right one is in its history.
fn elsewhere(others: &[Other]) -> Option<String> {
    let wrong = others.iter().filter(|other| matches!(other.ended, Ended::Wrong)).count();
    let words =
        "typed on another terminal of this keyring since this one was used last. They count here too.";
    match wrong {
        0 => None,
        1 => Some(format!("1 wrong PIN was {words}")),
        many => Some(format!("{many} wrong PINs were {words}")),
    }
}

/// That another terminal may come.
pub(super) fn to_roam(asked: &ToApprove) -> String {
    warned(
        format!(
            "This lets one other terminal come to your keyring {} ({}).\nYou are shown a code, which is good once and for five minutes. With it and the PIN, who has both signs as you. \
             Show it where nobody sees it, and type it at a terminal of your own.",
            asked.request.keyring, asked.provider
        ),
        asked,
    )
}

/// That a terminal is taken off.
pub(super) fn to_dissociate(asked: &ToApprove) -> String {
    let terminal = asked.request.terminal.map(|terminal| terminal.to_string()).unwrap_or_default();
    warned(
        format!(
            "This takes the terminal {terminal} off your keyring {} ({}). It does nothing with it any more.",
            asked.request.keyring, asked.provider
        ),
        asked,
    )
}

fn warned(text: String, asked: &ToApprove) -> String {
    match all(&asked.others, &asked.added) {
        Some(warning) => format!("{text}\n\n{warning}"),
        None => text,
    }
}

/// That a keyring is to end.
pub(super) fn to_destroy(asked: &ToApprove) -> String {
    let end = format!(
        "This ends your keyring {} ({}), for good.\nNothing brings it back: no PIN, nobody's word, no copy. What it signed stays good. \
         To sign again, you need another one from your registration authority.",
        asked.request.keyring, asked.provider
    );
    warned(end, asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_told_everything_is_told_that() {
        let of = |more| others(&Others { more, ..Others::default() });
        assert_eq!(of(false), None);
        assert!(of(true).is_some_and(|words| words.contains("More was done")));
    }
}
