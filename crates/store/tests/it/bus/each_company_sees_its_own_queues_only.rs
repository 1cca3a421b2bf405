//! A company's login, used against another company.

use serde_json::json;

use super::{Hr, judge};

#[test]
fn a_login_has_no_way_into_another_company() {
    for act in [
        json!({"act": "take", "queue": "mob.subscriptions.put.zeta"}),
        json!({"act": "send", "headers": {"message_type": "subscriptions.put.zeta"}, "body": "{}"}),
        json!({"act": "send", "headers": {"message_type": "subscriptions.status.zeta"}, "body": "{}"}),
    ] {
        let intruder = Hr::of("epsilon", "zeta");
        let answer = intruder.order(&act);
        assert!(answer.get("refused").is_some(), "{act} → {answer}");
    }
}

#[test]
fn at_home_it_reaches_nobody_else_and_makes_nothing() {
    let hr = Hr::of("epsilon", "epsilon");
    // Another company's names lead nowhere here.
    for kind in ["subscriptions.put.zeta", "subscriptions.status.zeta"] {
        let answer = hr.send(&json!({"message_type": kind}), "{}");
        assert_eq!(answer["refused"], 312, "{kind} → {answer}");
    }
    let by_name = json!({"act": "send", "headers": {}, "body": "{}", "exchange": "", "routing_key": "mob.subscriptions.put.zeta"});
    assert_eq!(hr.order(&by_name)["refused"], 312);
    // It does not read what it wrote, nor what was put aside.
    for queue in ["mob.subscriptions.status.epsilon", "mob.subscriptions.dead.epsilon"] {
        let answer = hr.take(queue);
        assert_eq!(answer["refused"], 403, "{queue} → {answer}");
    }
    // Nor does it speak in another's name.
    let headers = json!({"message_type": "subscriptions.status.epsilon"});
    let as_other = json!({"act": "send", "headers": headers, "body": "{}", "user_id": "hr-zeta"});
    let answer = hr.order(&as_other);
    assert_eq!(answer["refused"], 406, "{answer}");
}

#[test]
fn a_wrong_password_and_a_foreign_virtual_host_are_refused() {
    let count = json!({"act": "count", "queue": "mob.subscriptions.put.zeta"});
    for (login, password, vhost) in [
        ("hr-zeta", "not the password", "mob.zeta"),
        ("hr-epsilon", judge().login_of("epsilon").1, "mob.zeta"),
        ("hr-zeta", judge().login_of("zeta").1, "/"),
        ("guest", "guest", "mob.zeta"),
    ] {
        let answer = Hr::start(login, password, vhost).order(&count);
        assert!(answer.get("refused").is_some(), "{login} in {vhost} → {answer}");
    }
}
