//! Evidence whose record holds commitments, with openings that fit and openings that do not.

use super::*;

pub(super) fn openings(cases: &mut Cases) {
    let whole = committed_evidence(5);
    let all = whole.openings().clone();
    cases.opened("commitments, each opened", &whole);
    let actor = all.clone().only(|path| path == FieldPath::Actor);
    cases.opened(
        "commitments, the actor's opened, the dossier's withheld",
        &whole.clone().with_openings(actor).unwrap(),
    );
    cases.opened("commitments, none opened", &whole.clone().with_openings(Openings::default()).unwrap());
    let mut empty: Value = serde_json::from_str(&text(&evidence(5, 11))).unwrap();
    empty["openings"] = json!({});
    cases.good(
        "no commitment, and openings that are there but empty",
        sorted(empty).to_string(),
        true,
        5,
        11,
    );

    let foreign = committed_evidence(6).openings().clone();
    let foreign = |path| json!(foreign.get(path).unwrap());
    cases.reopened("another value", "opening.wrong", |openings| {
        openings["actor.id"]["value"] = "0d4ee4a0-54a4-4a7c-a2b4-7d5e3f2f0a12".into();
    });
    cases.reopened("another key", "opening.wrong", |openings| {
        openings["actor.id"]["key"] = "A".repeat(43).into();
    });
    cases.reopened("the opening of another record", "opening.wrong", |openings| {
        openings.insert("subjects.0.id".into(), foreign(FieldPath::Subject(0)));
    });
    cases.reopened("two openings swapped", "opening.wrong", |openings| {
        let (actor, subject) = (openings["actor.id"].clone(), openings["subjects.0.id"].clone());
        openings.insert("actor.id".into(), subject);
        openings.insert("subjects.0.id".into(), actor);
    });
    cases.reopened("an opening of a subject that is not there", "opening.superfluous", |openings| {
        openings.insert("subjects.1.id".into(), foreign(FieldPath::Subject(0)));
    });
    cases.reopened("an opening where nothing is attested", "opening.superfluous", |openings| {
        openings.insert("attested.id".into(), foreign(FieldPath::Actor));
    });
    cases.changed("an opening of a field in clear", "opening.superfluous", |file| {
        file.insert("openings".into(), json!({ "actor.id": foreign(FieldPath::Actor) }));
    });
    for field in ["openings", "attachments"] {
        cases.changed(&format!("{field} that are null"), "evidence.malformed", |file| {
            file.insert(field.into(), Value::Null);
        });
    }
    malformed_openings(cases);
    committed_records(cases);
}

fn malformed_openings(cases: &mut Cases) {
    for (name, path) in [
        ("an opening of no field", "actor.kind"),
        ("an opening of a subject beyond the 64th", "subjects.64.id"),
        ("an opening of a subject with a leading zero", "subjects.00.id"),
    ] {
        cases.reopened(name, "evidence.malformed", |openings| {
            let actor = openings["actor.id"].clone();
            openings.insert(path.into(), actor);
        });
    }
    for (name, field, value) in [
        ("an opening's key of 31 bytes", "key", "A".repeat(42)),
        ("an opening's key in padded base64", "key", "A".repeat(43) + "="),
        ("an opening's key with stray last bits", "key", "A".repeat(42) + "B"),
        ("an opened value that is no id", "value", "Jeanne Dupont".into()),
        ("an opened value that is empty", "value", String::new()),
        ("an opened value that is a commitment again", "value", format!("hmac:{}", "A".repeat(43))),
    ] {
        cases.reopened(name, "evidence.malformed", |openings| openings["actor.id"][field] = value.into());
    }
    cases.reopened("an unknown field in an opening", "evidence.malformed", |openings| {
        openings["actor.id"]["more"] = true.into();
    });
    cases.changed("openings that are no object", "evidence.malformed", |file| {
        file.insert("openings".into(), json!([]));
    });
}

fn committed_records(cases: &mut Cases) {
    let honest = String::from_utf8(record(5).to_bytes()).unwrap();
    let actor = &record(5).actor().id.clone();
    let logged = |id: String| {
        sorted(evidence_of(honest.replace(actor, &id).as_bytes(), 5, 11, |checkpoint| checkpoint)).to_string()
    };
    cases.bad(
        "logged, with a commitment of 31 bytes",
        "record.field",
        logged(format!("hmac:{}", "A".repeat(42))),
    );
    cases.bad(
        "logged, with a commitment that is padded",
        "record.field",
        logged(format!("hmac:{}=", "A".repeat(43))),
    );
    cases.bad(
        "logged, with a commitment of stray last bits",
        "record.field",
        logged(format!("hmac:{}B", "A".repeat(42))),
    );
    cases.bad("logged, with a commitment of another function", "record.field", logged("hmac:abc".into()));
}
