//! OpenTelemetry's logs: `ExportLogsServiceRequest` of OTLP, in JSON.

use serde_json::{Value, json};

use super::{LogEntry, VERSION};

/// `SEVERITY_NUMBER_INFO` and `_WARN`.
const INFO: u8 = 9;
const WARN: u8 = 13;

/// One request with these entries of one log.
pub fn otlp_logs(entries: &[LogEntry]) -> Value {
    let origin = entries.first().map(|entry| &*entry.origin).unwrap_or_default();
    let resource = [
        attribute("service.name", "sceau"),
        attribute("service.version", VERSION),
        attribute("sceau.log", origin),
    ];
    let records: Vec<Value> = entries.iter().map(LogEntry::to_otlp).collect();
    json!({"resourceLogs": [{
        "resource": {"attributes": resource},
        "scopeLogs": [{"scope": {"name": "sceau-trace", "version": VERSION}, "logRecords": records}],
    }]})
}

/// A key and a text, as OTLP writes them in JSON.
fn attribute(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

/// A key and a number: those of 64 bits stand in quotation marks (proto3's JSON).
fn number(key: &str, value: u64) -> Value {
    json!({"key": key, "value": {"intValue": value.to_string()}})
}

impl LogEntry {
    fn to_otlp(&self) -> Value {
        let nanoseconds = |milliseconds: u64| (u128::from(milliseconds) * 1_000_000).to_string();
        json!({
            "timeUnixNano": nanoseconds(self.time()),
            "observedTimeUnixNano": nanoseconds(self.observed),
            "severityNumber": if self.is_notable() { WARN } else { INFO },
            "severityText": if self.is_notable() { "WARN" } else { "INFO" },
            "body": {"stringValue": self.words()},
            "attributes": self.attributes(),
        })
    }

    fn attributes(&self) -> Vec<Value> {
        let mut all = vec![
            attribute("event.name", &format!("sceau.{}", self.action())),
            number("sceau.index", self.index()),
            number("sceau.checkpoint.size", self.size()),
            attribute("sceau.leaf", &self.leaf().to_string()),
            attribute("sceau.action", self.action()),
        ];
        let Some(record) = &self.record else { return all };
        all.push(attribute("sceau.outcome", record.outcome().as_str()));
        all.push(attribute("sceau.actor.kind", record.actor().kind.as_str()));
        all.push(attribute("sceau.actor.id", &record.actor().id));
        all.push(attribute("sceau.asserted", record.asserted().as_str()));
        all.extend((!record.code().is_empty()).then(|| attribute("sceau.code", record.code())));
        all.extend(record.organisation().map(|organisation| attribute("sceau.organisation", organisation)));
        all.extend(self.attested().map(|attested| attribute("sceau.attested", &attested)));
        let subjects: Vec<Value> =
            self.subjects().iter().map(|subject| json!({"stringValue": subject})).collect();
        all.extend(
            (!subjects.is_empty())
                .then(|| json!({"key": "sceau.subjects", "value": {"arrayValue": {"values": subjects}}})),
        );
        all.extend(
            record.detail().iter().map(|(name, value)| attribute(&format!("sceau.detail.{name}"), value)),
        );
        all
    }
}
