//! Where a gate stands, as its page reads it: `GET /state.json`. Times are Unix milliseconds.

use serde_json::{Value, json};

use super::{certificates::Dated, ledger::DoorTally, services::services};
use crate::{guard::Guard, issuing::Obtained, json::ascii, lists::Feed, plan::Plan};

/// At `now`.
pub(crate) fn state(plan: &Plan, now: u64) -> String {
    let state = json!({
        "now": now,
        "version": env!("CARGO_PKG_VERSION"),
        "readings": plan.ledger.readings.values(),
        "listeners": plan.listeners.iter().map(|it| listener(&it.place.to_string(), &it.tally)).collect::<Vec<_>>(),
        "clients": plan.guards.iter().map(|guard| clients(guard, now)).collect::<Vec<_>>(),
        "lists": plan.all_feeds().iter().map(|feed| lists(feed, now)).collect::<Vec<_>>(),
        "responders": responders(plan),
        "certificates": plan.certificates().iter().map(|it| certificate(it, now)).collect::<Vec<_>>(),
        "obtained": plan.obtained.iter().map(|it| obtained(it)).collect::<Vec<_>>(),
        "services": of_services(plan),
        "refusals": plan.ledger.recent.all(),
    });
    ascii(&state.to_string())
}

fn listener(place: &str, tally: &DoorTally) -> Value {
    json!({
        "address": place,
        "open": tally.opened.value().saturating_sub(tally.closed.value()),
        "connections": tally.opened.value(),
        "resumed": tally.resumed.value(),
        "failed": tally.failed.value() + tally.slow.value() + tally.crowded.value() + tally.balancer.value(),
    })
}

/// Verdicts of a guard, and the clients that the file names.
fn clients(guard: &Guard, now: u64) -> Value {
    let tally = guard.tally();
    let named: Vec<_> = guard
        .clients()
        .iter()
        .map(|client| {
            json!({
                "common_name": client.rule.common_name(),
                "organizational_units": client.rule.organizational_units(),
                "requests": client.tally.requests.value(),
                "last": client.tally.last.value(),
                "certificate_ends": client.tally.certificate_ends.value(),
            })
        })
        .collect();
    let refused: Vec<_> = tally
        .refused
        .values()
        .into_iter()
        .map(|(code, count)| json!({"code": code, "count": count}))
        .collect();
    json!({
        "name": guard.name(),
        "passed": tally.passed.value(),
        "unchecked": tally.unchecked.value(),
        "refused": refused,
        "stale": guard.stale(now).len(),
        "asks_lists": guard.asks_lists(),
        "fail_open": guard.fail_open_age(),
        "named": named,
    })
}

fn lists(feed: &Feed, now: u64) -> Value {
    let used: Vec<_> = feed
        .lists()
        .iter()
        .map(|list| {
            json!({
                "issuer": list.issuer().to_string(),
                "number": list.number(),
                "entries": list.len(),
                "this_update": list.this_update(),
                "next_update": list.next_update(),
                "current": list.is_current(now),
            })
        })
        .collect();
    let readings: Vec<_> = feed.tally.outcomes.values().into_iter().collect();
    json!({"source": feed.source.to_string(), "used": used, "good": feed.tally.good.value(), "readings": readings})
}

fn responders(plan: &Plan) -> Value {
    let all = plan.answers.responders.values();
    let shown = all.iter().map(|(responder, tally)| {
        let (_, asked, micros) = tally.took.values();
        json!({
            "responder": responder,
            "asked": asked,
            "mean_microseconds": micros.checked_div(asked),
            "outcomes": tally.outcomes.values(),
        })
    });
    shown.collect()
}

fn certificate(it: &Dated, now: u64) -> Value {
    json!({
        "place": it.setting,
        "subject": it.subject,
        "serial": it.serial,
        "not_before": it.not_before,
        "not_after": it.not_after,
        "days_left": it.days_left(now),
    })
}

/// A certificate that the gate gets by itself.
fn obtained(it: &Obtained) -> Value {
    let (current, standing) = (it.current(), it.standing());
    json!({
        "issuer": it.issuer,
        "names": it.names,
        "in_use": current.is_some(),
        "serial": current.map(|current| current.certificate().serial()),
        "renew_at": standing.renew_at,
        "failures": standing.failures,
        "code": standing.code,
        "again": (standing.failures > 0).then_some(standing.next_try.max(standing.held_until)),
        "outcomes": it.outcomes.values(),
    })
}

fn of_services(plan: &Plan) -> Value {
    let all = services(plan);
    let shown = all.into_iter().map(|(service, (up, tally))| {
        let (_, answered, micros) = tally.took.values();
        json!({
            "service": service,
            // Null: nobody asked it yet.
            "up": up,
            "checks": tally.checks.values(),
            "answered": answered,
            "mean_microseconds": micros.checked_div(answered),
            "failed": tally.failed.values(),
        })
    });
    shown.collect()
}
