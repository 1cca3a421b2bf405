//! A record in words.

use sceau_trace::{ActorKind, Asserted, Commitment, Outcome, Record, VerifierKey};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::say;

/// Each action: what somebody was about to do, and what was done.
const VERBS: &[(&str, &str, &str)] = &[
    ("deposit.begin", "begin a deposit", "began a deposit"),
    ("deposit.complete", "submit a deposit", "submitted a deposit"),
    ("dossier.list", "list dossiers", "listed dossiers"),
    ("dossier.view", "look at a dossier's state", "looked at a dossier's state"),
    ("ticket.issue", "issue a reading ticket", "issued a reading ticket"),
    ("ticket.exchange", "use a reading ticket", "used a reading ticket"),
    ("unwrap.intent", "release a document's key", "announced the release of a document's key"),
    ("transit.intent", "use a Transit key", "announced the use of a Transit key"),
    ("transit.outcome", "use a Transit key", "used a Transit key"),
    ("unwrap.outcome", "release a document's key", "released a document's key"),
    ("scan.intent", "have a document examined", "announced the examination of a document"),
    ("scan.outcome", "have a document examined", "had a document examined"),
    (
        "exception.intent",
        "let an officer open an infected document",
        "announced that an officer may open an infected document",
    ),
    (
        "exception.outcome",
        "let an officer open an infected document",
        "let an officer open an infected document",
    ),
    (
        "exception.revoke",
        "take back that an officer may open an infected document",
        "took back that an officer may open an infected document",
    ),
    (
        "rewrap.intent",
        "seal a dossier to another key of its own",
        "announced that it seals a dossier to another key of its own",
    ),
    (
        "rewrap.outcome",
        "seal a dossier to another key of its own",
        "sealed a dossier to another key of its own",
    ),
    ("document.fetch", "fetch a sealed document", "fetched a sealed document"),
    ("decision", "decide on a dossier", "decided on a dossier"),
    ("key.publish", "publish a recipient key", "published a recipient key"),
    ("organisation.enrol", "enrol an organisation", "enrolled an organisation"),
    ("account.enrol", "enrol an account", "enrolled an account"),
    ("credential.enrol", "enrol a passkey", "enrolled a passkey"),
    ("identity.enrol", "bind an identity of a provider", "bound an identity of a provider"),
    ("scheme.publish", "publish a scheme", "published a scheme"),
    ("login", "sign in", "signed in"),
    ("logout", "sign out", "signed out"),
    ("attest", "have something attested", "had something attested"),
    ("element.start", "start", "started"),
    ("access", "use what the database holds", "used what the database holds"),
    ("administer", "administer the key manager", "administered the key manager"),
    ("connector.change", "change the organisation's connectors", "changed the organisation's connectors"),
    (
        "delivery.change",
        "try again or discard a message that was given up",
        "tried again or discarded a message that was given up",
    ),
    ("certificate.issue", "issue a certificate", "issued a certificate"),
    ("certificate.withdraw", "withdraw a certificate", "withdrew a certificate"),
    ("key.destroy", "destroy a key", "destroyed a key"),
    ("key.make", "make a key", "made a key"),
    ("log.watch", "accept the platform's log", "accepted the platform's log"),
    ("platform.connect", "connect to a platform", "connected to a platform"),
    ("intake.scan", "scan a file at the intake", "scanned a file at the intake"),
    ("register.change", "change one of its registers", "changed one of its registers"),
    ("root.make", "make the organisation's next root", "made the organisation's next root"),
    ("root.take_over", "take up a root that the log enrolled", "took up a root that the log enrolled"),
    ("key.withdraw", "withdraw the keys in use", "withdrew the keys in use"),
    ("calendar.alert", "find everything in its calendar in time", "found everything in its calendar in time"),
    ("backup.make", "back up the key manager", "backed up the key manager"),
    ("backup.restore", "make the key manager anew from a backup", "made the key manager anew from a backup"),
    ("application.enrol", "register an application", "registered an application"),
    ("datum.call", "ask about a datum", "asked about a datum"),
    ("datum.create", "begin a datum", "began a datum"),
    ("datum.open", "take a datum's key", "took a datum's key"),
    ("datum.sign", "sign a content of a datum", "signed a content of a datum"),
    ("datum.activate", "activate a datum's key", "activated a datum's key"),
    ("datum.deactivate", "deactivate a datum's key", "deactivated a datum's key"),
    ("datum.agree", "agree to the opening of a datum", "agreed to the opening of a datum"),
    ("datum.act", "act on data of the organisation", "acted on data of the organisation"),
    ("datum.hold", "hold a datum's key", "held a datum's key"),
    ("datum.release", "let a held datum go", "let a held datum go"),
    ("datum.grant", "authorise somebody to open a datum", "authorised somebody to open a datum"),
    ("datum.revoke", "remove an authorisation from a datum", "removed an authorisation from a datum"),
    ("datum.grant.activate", "activate an authorisation", "activated an authorisation"),
    ("datum.grant.deactivate", "deactivate an authorisation", "deactivated an authorisation"),
    ("datum.describe", "read what is said of a datum", "read what is said of a datum"),
    ("datum.accesses", "list the accesses to a datum", "listed the accesses to a datum"),
    ("datum.rules", "change a datum's rules", "changed a datum's rules"),
    ("datum.validity", "change until when a datum opens", "changed until when a datum opens"),
    ("datum.erase", "erase a datum", "erased a datum"),
    ("datum.erasure", "have an erasure certified", "had an erasure certified"),
    ("epoch.begin", "begin an epoch of keys", "began an epoch of keys"),
    ("epoch.reseal", "seal salts under another epoch", "sealed salts under another epoch"),
    ("epoch.end", "destroy the key of an epoch", "destroyed the key of an epoch"),
    ("keyring.begin", "begin keyrings", "began keyrings"),
    ("keyring.policy", "publish a policy of keyrings", "published a policy of keyrings"),
    ("keyring.access", "say who acts on keyrings", "said who acts on keyrings"),
    ("keyring.make", "have a keyring made", "had a keyring made"),
    ("keyring.deliver", "deliver a keyring", "delivered a keyring"),
    ("keyring.activate", "activate a keyring", "activated a keyring"),
    ("keyring.certify", "take a keyring's certificate", "took a keyring's certificate"),
    ("keyring.block", "block a keyring", "blocked a keyring"),
    ("keyring.attempt", "try a PIN", "tried a PIN"),
    ("keyring.fail", "say that the PIN was wrong", "said that the PIN was wrong"),
    ("keyring.sign", "sign with a keyring", "signed with a keyring"),
    ("keyring.authenticate", "show who it is with a keyring", "showed who it is with a keyring"),
    ("keyring.read", "read where a keyring stands", "read where a keyring stands"),
    ("keyring.suspend", "suspend a keyring", "suspended a keyring"),
    ("keyring.resume", "let a keyring go on", "let a keyring go on"),
    ("keyring.destroy", "destroy a keyring", "destroyed a keyring"),
    ("keyring.roam", "let another terminal come to a keyring", "let another terminal come to a keyring"),
    ("keyring.arrive", "come to a keyring with a roaming code", "came to a keyring with a roaming code"),
    ("keyring.admit", "confirm the short code of a terminal", "confirmed the short code of a terminal"),
    ("keyring.withdraw", "take a roaming code back", "took a roaming code back"),
    ("keyring.join", "make a terminal one of a keyring", "made a terminal one of a keyring"),
    (
        "keyring.part",
        "ask that a terminal be taken off a keyring",
        "asked that a terminal be taken off a keyring",
    ),
    ("keyring.dissociate", "take a terminal off a keyring", "took a terminal off a keyring"),
    ("keyring.enrol", "enrol a face", "enrolled a face"),
    ("keyring.officer", "name the next security officer", "named the next security officer"),
    ("log.seen", "see another log", "saw another log"),
    ("retention.due", "announce that it forgets who asked", "announced that it forgets who asked in a month"),
    ("retention.end", "forget who asked in a month", "forgot who asked in a month"),
];

/// What was done, by whom, when: one sentence.
pub(super) fn sentence(record: &Record) -> String {
    let act = act(record.action().as_str(), record.outcome(), record.code());
    format!("On {}, {} {act}.", moment(record.time()), actor(record.actor().kind))
}

/// What somebody did, was about to do, or was refused.
pub(crate) fn act(action: &str, outcome: Outcome, code: &str) -> String {
    let (verb, past) = verbs(action);
    let act = match (outcome, verb) {
        (Outcome::Granted, "") => format!("did “{action}”"),
        (_, "") => format!("“{action}”"),
        (Outcome::Granted, _) => past.to_owned(),
        (_, verb) => verb.to_owned(),
    };
    match outcome {
        Outcome::Granted => act,
        Outcome::Intent => format!("was about to {act}"),
        Outcome::Refused => format!("wanted to {act}, and was refused ({code})"),
    }
}

/// The other fields, a line each.
pub(super) fn details(record: &Record) -> Vec<String> {
    let mut lines = vec![
        line("Who", &format!("{}, id {}", actor(record.actor().kind), id(&record.actor().id))),
        line("Word", asserted(record.asserted())),
    ];
    for subject in record.subjects() {
        lines.push(line("About", &format!("{} {}", subject.kind, id(&subject.id))));
    }
    if let Some(organisation) = record.organisation() {
        lines.push(line("For", &format!("organisation {organisation}")));
    }
    if let Some(attested) = record.attested() {
        let version = say::count(attested.version);
        lines.push(line("Attests", &format!("{} {}, version {version}", attested.kind, id(&attested.id))));
        lines.push(line("", &format!("SHA-256 {}", attested.hash)));
    }
    for (name, value) in record.detail() {
        lines.push(line("Detail", &format!("{name} {value}")));
    }
    lines
}

/// An id; what the evidence does not open is withheld.
fn id(text: &str) -> &str {
    if Commitment::parse(text).is_some() { "withheld" } else { text }
}

/// A titled line.
pub(in crate::command) fn line(title: &str, text: &str) -> String {
    format!("  {title:<9}{text}")
}

/// That a file was verified under the key in it, and what to do.
pub(in crate::command) fn not_pinned(log_key: &VerifierKey) -> String {
    format!(
        "NOT pinned: the file agrees with itself, but the key that signed it came along in the file. Anyone can make such a file\n\
         with a key of their own. Get the log's key through another channel, and verify again with --log-key. The file's key:\n  {log_key}"
    )
}

/// Unix milliseconds, for people.
pub(crate) fn moment(milliseconds: u64) -> String {
    let seconds = i64::try_from(milliseconds / 1000).unwrap_or(i64::MAX);
    OffsetDateTime::from_unix_timestamp(seconds)
        .ok()
        .and_then(|time| {
            time.format(format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC")).ok()
        })
        .unwrap_or_else(|| format!("{milliseconds} ms after 1970"))
}

fn actor(kind: ActorKind) -> &'static str {
    match kind {
        ActorKind::Citizen => "a citizen",
        ActorKind::CaseOfficer => "a case officer",
        ActorKind::Supervisor => "a supervisor",
        ActorKind::OrganisationAdmin => "an organisation's administrator",
        ActorKind::DataOfficer => "an officer of an organisation's protected data",
        ActorKind::PlatformAdmin => "an administrator of the platform",
        ActorKind::Client => "a machine client",
        ActorKind::KeyManager => "a key manager",
        ActorKind::Application => "an application",
        ActorKind::Officer => "the security officer",
        ActorKind::RegistrationAuthority => "a registration authority",
        ActorKind::Support => "support of keyrings",
        ActorKind::Holder => "a keyring's holder",
        ActorKind::Platform => "the platform",
        ActorKind::Element => "the element",
        _ => "someone",
    }
}

fn asserted(by: Asserted) -> &'static str {
    match by {
        Asserted::Platform => "the platform says so, nothing more",
        Asserted::Passkey => "signed with the actor's passkey",
        Asserted::Organisation => "signed with the organisation's key",
        Asserted::Application => "signed with the application's key",
        Asserted::Actor => "signed with the key of a registered certificate",
        Asserted::Terminal => "signed with the key of the holder's terminal",
        Asserted::Element => "the element saw it itself",
        _ => "in a way that this program does not know",
    }
}

/// “was about to …”, and what was done; empty for an action of a later program.
fn verbs(action: &str) -> (&'static str, &'static str) {
    let found = VERBS.iter().find(|(name, ..)| *name == action);
    found.map_or(("", ""), |(_, about_to, done)| (about_to, done))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    #![allow(clippy::disallowed_methods, reason = "an action that a later program records")]
    use super::*;
    use sceau_trace::{Action, Actor};

    #[test]
    fn each_registered_action_has_words() {
        for action in Action::REGISTERED {
            assert_ne!(verbs(action.as_str()), ("", ""), "{action}");
        }
    }

    #[test]
    fn what_is_not_opened_is_withheld() {
        let actor = Actor::new(ActorKind::CaseOfficer, "0a1b");
        let record = Record::builder(1, actor, Asserted::Passkey, Action::DECISION).subject("dossier", "d5");
        let lines = details(&record.build().unwrap().commit(|| [7; 32]).0).join("\n");
        assert!(
            lines.contains("a case officer, id withheld") && lines.contains("dossier withheld"),
            "{lines}"
        );
    }

    #[test]
    fn sentences_say_how_it_ended() {
        let record = |action: Action| {
            let actor = Actor::new(ActorKind::CaseOfficer, "0a1b");
            Record::builder(1_795_183_391_000, actor, Asserted::Passkey, action)
        };
        let said = |record: Result<Record, _>| sentence(&record.unwrap());
        assert_eq!(
            said(record(Action::DECISION).granted().build()),
            "On 2026-11-20 14:03:11 UTC, a case officer decided on a dossier."
        );
        assert_eq!(
            said(record(Action::UNWRAP_INTENT).build()),
            "On 2026-11-20 14:03:11 UTC, a case officer was about to release a document's key."
        );
        let later = Action::parse("dossier.merge").unwrap();
        assert_eq!(
            said(record(later.clone()).refused("quota").build()),
            "On 2026-11-20 14:03:11 UTC, a case officer wanted to “dossier.merge”, and was refused (quota)."
        );
        assert!(said(record(later).granted().build()).ends_with("did “dossier.merge”."));
    }
}
