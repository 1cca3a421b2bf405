//! Everything that is counted, as Prometheus reads it. Labels come from the file and from certificates and lists of authorities that it names.

use std::{collections::BTreeMap, sync::Arc};

use sceau_pki::RevocationList;

use super::{
    ledger::Ledger,
    services::services,
    text::{Labels, Text},
};
use crate::plan::Plan;

const CLASSES: [&str; 6] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];

/// At `now` (Unix milliseconds).
pub(crate) fn metrics(plan: &Plan, now: u64) -> String {
    let mut text = Text::default();
    let version = Labels::of([("version", env!("CARGO_PKG_VERSION"))]);
    text.gauge("sceau_gate_build_info", "The program that runs.").count(&version, 1);
    doors(&mut text, plan);
    routes(&mut text, plan);
    guards(&mut text, plan);
    named_clients(&mut text, plan);
    lists(&mut text, plan, now);
    feeds(&mut text, plan);
    responders(&mut text, plan);
    certificates(&mut text, plan, now);
    obtained(&mut text, plan);
    of_services(&mut text, plan);
    own(&mut text, &plan.ledger);
    text.into_string()
}

fn doors(text: &mut Text, plan: &Plan) {
    let listeners = plan.listeners.iter();
    let all: BTreeMap<_, _> =
        listeners.map(|it| (Labels::of([("listener", &it.place.to_string())]), &it.tally)).collect();
    let mut family = text.counter("sceau_gate_connections_total", "Connections taken.");
    all.iter().for_each(|(labels, tally)| family.count(labels, tally.opened.value()));
    let mut family = text.gauge("sceau_gate_connections_open", "Connections that are open.");
    for (labels, tally) in &all {
        family.count(labels, tally.opened.value().saturating_sub(tally.closed.value()));
    }
    let mut family = text.counter("sceau_gate_handshakes_total", "TLS handshakes by their outcome.");
    for (labels, tally) in &all {
        for (outcome, count) in [
            ("full", &tally.full),
            ("resumed", &tally.resumed),
            ("failed", &tally.failed),
            ("slow", &tally.slow),
            ("crowded", &tally.crowded),
            ("passed", &tally.passed),
            ("balancer_not_understood", &tally.balancer),
        ] {
            family.count(&labels.and("outcome", outcome), count.value());
        }
    }
}

fn routes(text: &mut Text, plan: &Plan) {
    let mut all = BTreeMap::new();
    for listener in &plan.listeners {
        let place = Labels::of([("listener", &listener.place.to_string())]);
        for route in listener.routes.iter() {
            let labels = place.and("host", route.host().unwrap_or_default()).and("route", route.path());
            all.insert(labels, &route.tally);
        }
    }
    let mut family = text.counter("sceau_gate_requests_total", "Requests that ended, by their status.");
    for (labels, tally) in &all {
        for (class, count) in CLASSES.iter().zip(&tally.classes) {
            family.count(&labels.and("status", class), count.value());
        }
    }
    let mut family = text.histogram("sceau_gate_request_seconds", "From its head to the end of its answer.");
    all.iter().for_each(|(labels, tally)| family.latency(labels, &tally.took));
    let mut family = text.counter("sceau_gate_body_bytes_total", "Octets of bodies, from and to clients.");
    for (labels, tally) in &all {
        family.count(&labels.and("way", "received"), tally.received.value());
        family.count(&labels.and("way", "sent"), tally.sent.value());
    }
}

fn guards(text: &mut Text, plan: &Plan) {
    let guards = plan.guards.iter();
    let all: Vec<_> = guards.map(|it| (Labels::of([("clients", it.name())]), it.tally())).collect();
    let mut family =
        text.counter("sceau_gate_verdicts_total", "Verdicts on requests, by the caller's code or `passed`.");
    for (labels, tally) in &all {
        family.count(&labels.and("code", "passed"), tally.passed.value());
        for (code, count) in tally.refused.values() {
            family.count(&labels.and("code", &code), count);
        }
    }
    let mut family =
        text.counter("sceau_gate_verdict_lookups_total", "Verdicts that were remembered, and reached.");
    for (labels, tally) in &all {
        family.count(&labels.and("result", "remembered"), tally.remembered.value());
        family.count(&labels.and("result", "judged"), tally.judged.value());
    }
    let mut family =
        text.counter("sceau_gate_unchecked_total", "Requests that passed though no current list speaks.");
    all.iter().for_each(|(labels, tally)| family.count(labels, tally.unchecked.value()));
}

fn named_clients(text: &mut Text, plan: &Plan) {
    let mut all = BTreeMap::new();
    for guard in &plan.guards {
        for client in guard.clients() {
            let units = client.rule.organizational_units().join(",");
            let labels = Labels::of([("clients", guard.name()), ("common_name", client.rule.common_name())]);
            all.insert(labels.and("organizational_units", &units), &client.tally);
        }
    }
    let mut family =
        text.counter("sceau_gate_client_requests_total", "Requests of clients that the file names.");
    all.iter().for_each(|(labels, tally)| family.count(labels, tally.requests.value()));
    let name = "sceau_gate_client_certificate_end_timestamp_seconds";
    let mut family = text.gauge(name, "When the certificate that a client last showed ends.");
    for (labels, tally) in &all {
        if let Some(end) = tally.certificate_ends.value() {
            family.number(labels, seconds(end));
        }
    }
}

type Value = fn(&RevocationList, u64) -> f64;
const OF_LISTS: [(&str, &str, Value); 6] = [
    ("sceau_gate_list_entries", "Certificates that a list takes back.", |list, _| number(list.len() as u64)),
    ("sceau_gate_list_number", "The number of a list, as exact as a double is.", |list, _| {
        list.number().bytes().fold(0.0, |number, digit| {
            number * 16.0 + char::from(digit).to_digit(16).map_or(f64::NAN, f64::from)
        })
    }),
    ("sceau_gate_list_this_update_timestamp_seconds", "When a list was made.", |list, _| {
        seconds(list.this_update())
    }),
    ("sceau_gate_list_next_update_timestamp_seconds", "When a list ends.", |list, _| {
        seconds(list.next_update())
    }),
    ("sceau_gate_list_age_seconds", "How old a list is.", |list, now| {
        seconds(now.saturating_sub(list.this_update()))
    }),
    ("sceau_gate_list_current", "Whether a list speaks: 1 until it ends.", |list, now| {
        f64::from(u8::from(list.is_current(now)))
    }),
];

fn lists(text: &mut Text, plan: &Plan, now: u64) {
    let mut used: BTreeMap<Labels, Arc<RevocationList>> = BTreeMap::new();
    for feed in &plan.all_feeds() {
        let source = Labels::of([("source", &feed.source.to_string())]);
        for list in feed.lists().iter() {
            let last = used.entry(source.and("issuer", &list.issuer().to_string()));
            let last = last.or_insert_with(|| Arc::clone(list));
            if list.next_update() > last.next_update() {
                *last = Arc::clone(list);
            }
        }
    }
    for (name, help, value) in OF_LISTS {
        let mut family = text.gauge(name, help);
        used.iter().for_each(|(labels, list)| family.number(labels, value(list, now)));
    }
}

fn feeds(text: &mut Text, plan: &Plan) {
    let feeds = plan.all_feeds();
    let feeds = feeds.iter();
    let all: BTreeMap<_, _> =
        feeds.map(|feed| (Labels::of([("source", &feed.source.to_string())]), &feed.tally)).collect();
    let mut family = text.counter(
        "sceau_gate_list_readings_total",
        "What became of lists that were fetched or read: new, same, gone, or why none came or is used.",
    );
    for (labels, tally) in &all {
        for (outcome, count) in tally.outcomes.values() {
            family.count(&labels.and("outcome", &outcome), count);
        }
    }
    let name = "sceau_gate_list_good_timestamp_seconds";
    let mut family = text.gauge(name, "When a source last gave a list that could be used.");
    for (labels, tally) in &all {
        if let Some(good) = tally.good.value() {
            family.number(labels, seconds(good));
        }
    }
}

fn responders(text: &mut Text, plan: &Plan) {
    let all = plan.answers.responders.values();
    let all: Vec<_> =
        all.iter().map(|(responder, tally)| (Labels::of([("responder", responder)]), tally)).collect();
    let mut family = text.histogram("sceau_gate_ocsp_seconds", "Questions to a responder.");
    all.iter().for_each(|(labels, tally)| family.latency(labels, &tally.took));
    let name = "sceau_gate_ocsp_answers_total";
    let mut family =
        text.counter(name, "What responders said: good, revoked, unknown, kept where an answer of before the start holds, or why there is none.");
    for (labels, tally) in &all {
        for (outcome, count) in tally.outcomes.values() {
            family.count(&labels.and("outcome", &outcome), count);
        }
    }
}

/// Certificates that the gate gets by itself; nothing is said where there are none.
fn obtained(text: &mut Text, plan: &Plan) {
    if plan.obtained.is_empty() {
        return;
    }
    let all: BTreeMap<_, _> = plan
        .obtained
        .iter()
        .map(|it| (Labels::of([("issuer", it.issuer.as_str()), ("names", &it.names.join(","))]), it))
        .collect();
    let mut family =
        text.counter("sceau_gate_issuance_total", "Attempts to get a certificate, by their outcome.");
    for (labels, it) in &all {
        for (outcome, count) in it.outcomes.values() {
            family.count(&labels.and("outcome", &outcome), count);
        }
    }
    let mut family =
        text.gauge("sceau_gate_issuance_failures", "Attempts that failed since the last certificate.");
    all.iter().for_each(|(labels, it)| family.count(labels, it.standing().failures.into()));
    let mut family = text.gauge("sceau_gate_certificate_in_use", "Whether there is one to show.");
    all.iter().for_each(|(labels, it)| family.count(labels, it.current().is_some().into()));
}

fn certificates(text: &mut Text, plan: &Plan, now: u64) {
    let (mut all, certificates) = (BTreeMap::new(), plan.certificates());
    for it in &certificates {
        let labels = [("place", &*it.setting), ("subject", &it.subject), ("serial", &it.serial)];
        all.insert(Labels::of(labels), it);
    }
    let name = "sceau_gate_certificate_end_timestamp_seconds";
    let mut family = text.gauge(name, "When a certificate that the file names ends.");
    all.iter().for_each(|(labels, it)| family.number(labels, seconds(it.not_after)));
    let name = "sceau_gate_certificate_days_left";
    let mut family = text.gauge(name, "Whole days until it ends; below nought where it ended.");
    all.iter().for_each(|(labels, it)| family.number(labels, it.days_left(now) as f64));
}

fn of_services(text: &mut Text, plan: &Plan) {
    let all: Vec<_> =
        services(plan).into_iter().map(|(name, it)| (Labels::of([("service", name)]), it)).collect();
    let mut family =
        text.gauge("sceau_gate_service_up", "Whether a service serves; no sample before anybody asked it.");
    for (labels, (up, _)) in &all {
        up.iter().for_each(|up| family.count(labels, u64::from(*up)));
    }
    let name = "sceau_gate_service_seconds";
    let mut family = text.histogram(name, "From a request's head to the head of the service's answer.");
    all.iter().for_each(|(labels, (_, tally))| family.latency(labels, &tally.took));
    let name = "sceau_gate_service_failures_total";
    let mut family = text.counter(name, "Requests that a service did not answer, by the caller's code.");
    for (labels, (_, tally)) in &all {
        for (code, count) in tally.failed.values() {
            family.count(&labels.and("code", &code), count);
        }
    }
    let name = "sceau_gate_service_checks_total";
    let mut family = text.counter(name, "Checks of a service, good or why it failed.");
    for (labels, (_, tally)) in &all {
        for (outcome, count) in tally.checks.values() {
            family.count(&labels.and("outcome", &outcome), count);
        }
    }
}

fn own(text: &mut Text, ledger: &Ledger) {
    let mut family = text.counter("sceau_gate_answers_total", "Answers of the gate's own, by their code.");
    for (code, count) in ledger.answers.values() {
        family.count(&Labels::of([("code", &code)]), count);
    }
    let name = "sceau_gate_access_log_lost_lines_total";
    let mut family = text.counter(name, "Lines of the access log that were not written.");
    family.count(&Labels::default(), ledger.lost_lines.value());
    for (name, help, counts) in [
        ("sceau_gate_spans_total", "Spans of traces, sent to the collector and lost.", &*ledger.spans),
        ("sceau_gate_configuration_readings_total", "Readings of the file while it runs.", &ledger.readings),
    ] {
        let mut family = text.counter(name, help);
        for (outcome, count) in counts.values() {
            family.count(&Labels::of([("outcome", &outcome)]), count);
        }
    }
}

fn seconds(millis: u64) -> f64 {
    number(millis) / 1000.0
}

#[allow(clippy::cast_precision_loss)] // what is shown has fewer digits
fn number(value: u64) -> f64 {
    value as f64
}
