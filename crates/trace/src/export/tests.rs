#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what must hold")]
use std::collections::BTreeSet;

use super::*;
use crate::{Action, Actor, ActorKind, Asserted, Attested, sha256};

const ORGANISATION: &str = "9d3c1f0e-5d0e-4b43-9d39-6d2f3a0c1e77";

fn entry(record: &Record) -> LogEntry {
    LogEntry::read(&"log.example.org/log".into(), 41, 45, &record.to_bytes(), 1_795_183_400_000)
}

fn refused() -> LogEntry {
    let actor = Actor::new(ActorKind::Application, "0a1b");
    let record = Record::builder(1_795_183_391_007, actor, Asserted::Application, Action::DATUM_OPEN)
        .subject("datum", "d5=")
        .organisation(ORGANISATION)
        .detail("signer", "es256=2026")
        .refused("user_not_authorised");
    entry(&record.build().unwrap())
}

#[test]
fn syslog_is_as_rfc_5424_says() {
    let leaf = refused().leaf();
    assert_eq!(
        refused().to_syslog(32473),
        format!(
            "<108>1 2026-11-20T14:03:11.007Z log.example.org sceau - datum.open [origin software=\"sceau\" swVersion=\"{VERSION}\"]\
             [meta sequenceId=\"42\"][sceau@32473 log=\"log.example.org/log\" index=\"41\" checkpointSize=\"45\" leaf=\"{leaf}\" action=\"datum.open\" \
             outcome=\"refused\" actorKind=\"application\" actor=\"0a1b\" asserted=\"application\" code=\"user_not_authorised\" \
             organisation=\"{ORGANISATION}\" subject=\"datum:d5=\" detail=\"signer=es256=2026\"] \
             application datum.open refused (user_not_authorised)"
        )
    );
}

#[test]
fn cef_escapes_what_it_must() {
    let leaf = refused().leaf();
    assert_eq!(
        refused().to_cef(),
        format!(
            "CEF:0|Sceau|Sceau|{VERSION}|datum.open|application datum.open refused (user_not_authorised)|6|rt=1795183391007 \
             dvchost=log.example.org deviceExternalId=log.example.org/log externalId=41 act=datum.open cn1Label=checkpointSize cn1=45 outcome=refused suid=0a1b \
             spriv=application reason=user_not_authorised cs1Label=leafHash cs1={leaf} cs2Label=asserted cs2=application \
             cs3Label=organisation cs3={ORGANISATION} cs4Label=subjects cs4=datum:d5\\= cs5Label=detail cs5=signer\\=es256\\=2026"
        )
    );
}

#[test]
fn an_application_whose_users_are_not_proven_any_more_is_notable() {
    let registered = |users: &str, before: Option<&str>| {
        let actor = Actor::new(ActorKind::OrganisationAdmin, "0a1b");
        let record =
            Record::builder(1, actor, Asserted::Passkey, Action::APPLICATION_ENROL).detail("users", users);
        let record = before.into_iter().fold(record, |record, before| record.detail("users_before", before));
        entry(&record.granted().build().unwrap())
    };
    let notable = [
        registered("asserted", Some("proven")),
        registered("proven", Some("asserted")),
        registered("asserted", None),
    ]
    .map(|entry| {
        (
            entry.to_ocsf()["severity_id"] == 2,
            entry.to_syslog(1).starts_with("<108>"),
            entry.to_cef().contains("|6|"),
        )
    });
    assert_eq!(notable, [(true, true, true), (false, false, false), (false, false, false)]);
}

#[test]
fn ocsf_has_the_class_of_what_was_done() {
    let refused = refused().to_ocsf();
    assert_eq!(refused["class_uid"], 6003);
    assert_eq!((&refused["activity_id"], &refused["type_uid"]), (&2.into(), &600_302.into()));
    assert_eq!((&refused["status_id"], &refused["status_code"]), (&2.into(), &"user_not_authorised".into()));
    assert_eq!(
        (&refused["unmapped"]["index"], &refused["unmapped"]["checkpoint_size"]),
        (&41.into(), &45.into())
    );
    let person = || Actor::new(ActorKind::CaseOfficer, "0a1b");
    let login = Record::builder(1, person(), Asserted::Passkey, Action::LOGIN).granted().build().unwrap();
    let login = entry(&login).to_ocsf();
    assert_eq!((&login["class_uid"], &login["type_uid"]), (&3002.into(), &300_201.into()));
    assert_eq!(
        (&login["user"]["uid"], &login["service"]["name"]),
        (&"0a1b".into(), &"log.example.org/log".into())
    );
    let enrolled = |version, previous| {
        let attested =
            Attested { kind: "scheme".into(), id: "s1".into(), version, hash: sha256(b"x"), previous };
        let record = Record::builder(1, person(), Asserted::Passkey, Action::SCHEME_PUBLISH)
            .granted()
            .attested(attested);
        entry(&record.build().unwrap()).to_ocsf()
    };
    assert_eq!(enrolled(1, None)["type_uid"], 300_401);
    let update = enrolled(2, Some(sha256(b"y")));
    assert_eq!((&update["type_uid"], &update["entity"]["version"]), (&300_403.into(), &"2".into()));
}

#[test]
fn an_entry_that_cannot_be_read_is_told_all_the_same() {
    let strange = LogEntry::read(&"log.example.org/log".into(), 7, 8, b"\xff{\"v\":2}", 1_795_183_400_000);
    assert!(strange.to_syslog(1).contains(" unknown [origin"), "{}", strange.to_syslog(1));
    assert!(strange.to_syslog(1).contains(&format!("leaf=\"{}\"", leaf_hash(b"\xff{\"v\":2}"))));
    assert!(strange.to_cef().starts_with("CEF:0|Sceau|Sceau|"));
    assert_eq!(strange.to_ocsf()["activity_id"], 99);
    assert_eq!(
        otlp_logs(&[strange])["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["severityNumber"],
        9
    );
}

/// Registered actions that no activity of the schema says: what is neither made, read, changed nor ended.
const OTHER: [&str; 39] = [
    "access",
    "administer",
    "attest",
    "backup.restore",
    "calendar.alert",
    "datum.agree",
    "datum.call",
    "datum.sign",
    "decision",
    "element.start",
    "exception.intent",
    "exception.outcome",
    "intake.scan",
    "keyring.access",
    "keyring.admit",
    "keyring.arrive",
    "keyring.attempt",
    "keyring.authenticate",
    "keyring.certify",
    "keyring.deliver",
    "keyring.dissociate",
    "keyring.fail",
    "keyring.join",
    "keyring.officer",
    "keyring.part",
    "keyring.policy",
    "keyring.roam",
    "keyring.sign",
    "log.seen",
    "platform.connect",
    "retention.due",
    "rewrap.intent",
    "rewrap.outcome",
    "scan.intent",
    "scan.outcome",
    "transit.intent",
    "transit.outcome",
    "unwrap.intent",
    "unwrap.outcome",
];

#[test]
fn each_registered_action_has_an_activity_but_for_these() {
    let mut other = BTreeSet::new();
    for action in Action::REGISTERED {
        let record =
            Record::builder(1, Actor::new(ActorKind::Element, "e"), Asserted::Element, action.clone())
                .build();
        let event = entry(&record.unwrap()).to_ocsf();
        assert_eq!(event["metadata"]["event_code"], action.as_str());
        if event["activity_id"] == 99 {
            other.insert(action.as_str());
        }
    }
    assert_eq!(other, BTreeSet::from(OTHER));
}
