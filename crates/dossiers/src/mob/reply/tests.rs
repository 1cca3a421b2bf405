#![allow(clippy::unwrap_used, clippy::panic, reason = "tests state what must hold")]

use serde_json::{Value, json};

use super::*;

/// 2026-12-31T12:00:00Z: two months on there is no 31st.
const NOW: u64 = 1_798_718_400_000;

fn parse(mut reply: Value) -> Result<Outcome, ReplyError> {
    reply["citizenId"] = json!("C1");
    reply["subscriptionId"] = json!("S1");
    let parsed = Reply::parse(reply.to_string().as_bytes(), NOW)?;
    assert_eq!((parsed.citizen_id.as_str(), parsed.subscription_id.as_str()), ("C1", "S1"));
    let kept = serde_json::to_string(&parsed).unwrap();
    assert_eq!(serde_json::from_str::<Reply>(&kept).unwrap(), parsed, "what is kept is read again");
    Ok(parsed.outcome)
}

/// Refused for this field with this code.
#[track_caller]
fn refused(reply: Value, code: u16, property: &str) {
    let error = parse(reply.clone()).expect_err("a refusal");
    assert_eq!((error.code, error.property.as_str()), (code, property), "{reply}");
    assert!(!error.message.is_empty());
}

#[test]
fn the_three_replies_of_the_protocol() {
    let unique =
        parse(json!({"status": "VALIDEE", "mode": "unique", "amount": 50, "comments": "ok"})).unwrap();
    let amount = Some(Amount(50.into()));
    let validation = Validation { payment: Payment::Unique { amount }, comments: Some("ok".into()) };
    assert_eq!(unique, Outcome::Validated(validation));
    let other = parse(json!({"status": "REJETEE", "type": "Autre", "other": "motif"})).unwrap();
    let rejection = Rejection { kind: RejectionType::Autre, other: Some("motif".into()), comments: None };
    assert_eq!(other, Outcome::Rejected(rejection));
    assert_eq!(parse(json!({"status": "ERREUR"})).unwrap(), Outcome::Failed);
}

#[test]
fn ids_and_status_are_demanded() {
    for (text, code, property) in [
        (r#"{"subscriptionId":"S","status":"ERREUR"}"#, 422, "citizenId"),
        (r#"{"citizenId":"C","status":"ERREUR"}"#, 422, "subscriptionId"),
        (r#"{"citizenId":"C","subscriptionId":"S"}"#, 422, "status"),
        (r#"{"citizenId":7,"subscriptionId":"S","status":"ERREUR"}"#, 422, "citizenId"),
        (r#"{"citizenId":"","subscriptionId":"S","status":"ERREUR"}"#, 422, "citizenId"),
        (r#"{"citizenId":"C","citizenId":"D","subscriptionId":"S","status":"ERREUR"}"#, 400, ""),
        (r#"{"citizenId":"C","subscriptionId":"S","status":"ERREUR"} more"#, 400, ""),
        ("[]", 400, ""),
        ("", 400, ""),
        ("\u{feff}{}", 400, ""),
    ] {
        let error = Reply::parse(text.as_bytes(), NOW).unwrap_err();
        assert_eq!((error.code, error.property.as_str()), (code, property), "{text}");
    }
    let long = format!(r#"{{"citizenId":"{}"}}"#, "c".repeat(65_536));
    assert_eq!(Reply::parse(long.as_bytes(), NOW).unwrap_err().code, 400);
    for status in ["A_TRAITER", "BROUILLON", "validee", ""] {
        refused(json!({"status": status, "mode": "aucun"}), 422, "status");
    }
}

#[test]
fn no_payment_takes_no_amount_frequency_or_date() {
    assert!(parse(json!({"status": "VALIDEE", "mode": "aucun", "comments": "plus tard"})).is_ok());
    for (name, value) in
        [("amount", json!(1)), ("frequency", json!("mensuelle")), ("lastPayment", json!(null))]
    {
        refused(json!({"status": "VALIDEE", "mode": "aucun", name: value}), 422, name);
    }
}

#[test]
fn one_payment_takes_an_amount_and_nothing_else() {
    assert!(parse(json!({"status": "VALIDEE", "mode": "unique"})).is_ok());
    assert!(parse(json!({"status": "VALIDEE", "mode": "unique", "amount": 0.5})).is_ok());
    for amount in [json!(0), json!(-5), json!("50"), json!(null), json!([50])] {
        refused(json!({"status": "VALIDEE", "mode": "unique", "amount": amount}), 422, "amount");
    }
    refused(json!({"status": "VALIDEE", "mode": "unique", "frequency": "mensuelle"}), 422, "frequency");
    refused(json!({"status": "VALIDEE", "mode": "unique", "lastPayment": "2030-01-01"}), 422, "lastPayment");
}

#[test]
fn several_payments_need_a_frequency_and_a_last_date() {
    let reply = |frequency: Value, last: Value| json!({"status": "VALIDEE", "mode": "multiple", "amount": 50, "frequency": frequency, "lastPayment": last});
    for frequency in ["mensuelle", "trimestrielle"] {
        assert!(parse(reply(json!(frequency), json!("2027-06-01"))).is_ok());
    }
    refused(reply(json!("annuelle"), json!("2027-06-01")), 422, "frequency");
    refused(json!({"status": "VALIDEE", "mode": "multiple", "lastPayment": "2027-06-01"}), 422, "frequency");
    refused(json!({"status": "VALIDEE", "mode": "multiple", "frequency": "mensuelle"}), 422, "lastPayment");
    for last in [json!("01/06/2027"), json!("2027-02-30"), json!("2027-6-1"), json!(20270601), json!("")] {
        refused(reply(json!("mensuelle"), last), 422, "lastPayment");
    }
}

#[test]
fn the_last_payment_comes_more_than_two_months_ahead() {
    let last = |day: &str| {
        parse(json!({"status": "VALIDEE", "mode": "multiple", "frequency": "mensuelle", "lastPayment": day}))
    };
    // Now is noon of 31 December: two months on is noon of 28 February.
    assert!(last("2027-03-01").is_ok());
    for soon in ["2027-02-28", "2026-12-31", "1990-01-01"] {
        let error = last(soon).unwrap_err();
        assert_eq!((error.code, error.property.as_str()), (400, "lastPayment"), "{soon}");
    }
}

#[test]
fn a_mode_is_demanded_and_known() {
    refused(json!({"status": "VALIDEE"}), 422, "mode");
    refused(json!({"status": "VALIDEE", "mode": "double"}), 422, "mode");
    refused(json!({"status": "VALIDEE", "mode": 1}), 422, "mode");
}

#[test]
fn each_reason_of_the_list_and_no_other() {
    for (name, kind) in RejectionType::ALL {
        let outcome = parse(json!({"status": "REJETEE", "type": name, "other": "x"})).unwrap();
        let Outcome::Rejected(rejection) = outcome else { panic!("{name}") };
        assert_eq!((rejection.kind, rejection.other.is_some()), (kind, name == "Autre"));
    }
    refused(json!({"status": "REJETEE"}), 422, "type");
    refused(json!({"status": "REJETEE", "type": "PasEnvie"}), 422, "type");
}

#[test]
fn other_is_demanded_with_autre_and_has_eighty_characters() {
    refused(json!({"status": "REJETEE", "type": "Autre"}), 422, "other");
    refused(json!({"status": "REJETEE", "type": "Autre", "other": "é".repeat(81)}), 422, "other");
    refused(json!({"status": "REJETEE", "type": "Autre", "other": " "}), 422, "other");
    assert!(parse(json!({"status": "REJETEE", "type": "Autre", "other": "é".repeat(80)})).is_ok());
    refused(
        json!({"status": "REJETEE", "type": "Autre", "other": "x", "comments": "c".repeat(2001)}),
        422,
        "comments",
    );
}

#[test]
fn names_that_nobody_knows_mean_nothing() {
    let extra = json!({"status": "VALIDEE", "mode": "aucun", "priority": 7, "amounts": [1]});
    assert!(parse(extra).is_ok());
}

#[test]
fn ids_of_a_refused_reply_are_named_if_they_can_be() {
    let named = |text: &str| Reply::named_ids(text.as_bytes());
    assert_eq!(named(r#"{"citizenId":"C","subscriptionId":"S","status":"?"}"#), ("C".into(), "S".into()));
    assert_eq!(named(r#"{"citizenId":3}"#), Default::default());
    assert_eq!(named("no"), Default::default());
}
