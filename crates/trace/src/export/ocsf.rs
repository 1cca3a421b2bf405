//! The Open Cybersecurity Schema Framework (OCSF), version 1.3.0: Authentication, Entity Management, API Activity.

use serde_json::{Map, Value, json};

use super::{LogEntry, PRODUCT, VERSION};
use crate::{ActorKind, Outcome, Record};

const SCHEMA: &str = "1.3.0";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Authentication = 3002,
    EntityManagement = 3004,
    ApiActivity = 6003,
}

/// What the last word of an action says of it, by the numbers that entities and interfaces share.
const ACTIVITIES: [(&str, u32, &[&str]); 4] = [
    ("Create", 1, &["begin", "complete", "create", "enrol", "issue", "make", "publish"]),
    (
        "Read",
        2,
        &["accesses", "describe", "erasure", "exchange", "fetch", "list", "open", "read", "view", "watch"],
    ),
    (
        "Update",
        3,
        &[
            "act",
            "activate",
            "block",
            "change",
            "deactivate",
            "grant",
            "hold",
            "release",
            "reseal",
            "resume",
            "revoke",
            "rules",
            "suspend",
            "validity",
            "take_over",
        ],
    ),
    ("Delete", 4, &["destroy", "end", "erase", "withdraw"]),
];

impl LogEntry {
    /// As one event.
    pub fn to_ocsf(&self) -> Value {
        let class = self.class();
        let (activity, activity_id) = self.activity(class);
        let notable = self.is_notable();
        let (status, status_id) = match self.outcome() {
            Some(Outcome::Granted) => ("Success", 1),
            Some(Outcome::Refused) => ("Failure", 2),
            Some(Outcome::Intent) => ("Intent", 99),
            None => ("Unknown", 0),
        };
        let iam = class != Class::ApiActivity;
        let uid = class as u32;
        let mut event = json!({
            "activity_id": activity_id, "activity_name": activity,
            "category_uid": if iam { 3 } else { 6 },
            "category_name": if iam { "Identity & Access Management" } else { "Application Activity" },
            "class_uid": uid, "class_name": class.name(), "type_uid": uid * 100 + activity_id,
            "type_name": format!("{}: {activity}", class.name()),
            "time": self.time(),
            "severity_id": if notable { 2 } else { 1 }, "severity": if notable { "Low" } else { "Informational" },
            "status_id": status_id, "status": status,
            "message": self.words(),
            "metadata": {
                "version": SCHEMA, "product": {"name": PRODUCT, "vendor_name": PRODUCT, "version": VERSION},
                "uid": format!("{}#{}", self.origin, self.index()), "sequence": self.index(),
                "log_name": &*self.origin, "logged_time": self.observed, "event_code": self.action(),
            },
            "actor": {"user": self.user()},
            "raw_data": self.raw,
            "unmapped": self.unmapped(),
        });
        if let Some(event) = event.as_object_mut() {
            event.extend(self.of_class(class));
            if let Some(code) = self.record.as_ref().map(Record::code).filter(|code| !code.is_empty()) {
                event.insert("status_code".to_owned(), json!(code));
            }
        }
        event
    }

    /// Where the log attests a new version of something, that is what it is about; data are an interface's.
    fn class(&self) -> Class {
        let attests = self.record.as_ref().is_some_and(|record| record.attested().is_some());
        match self.action() {
            "login" | "logout" => Class::Authentication,
            action if attests && !action.starts_with("datum.") => Class::EntityManagement,
            _ => Class::ApiActivity,
        }
    }

    fn activity(&self, class: Class) -> (&'static str, u32) {
        match (class, self.action()) {
            (Class::Authentication, "login") => return ("Logon", 1),
            (Class::Authentication, _) => return ("Logoff", 2),
            _ => {}
        }
        let version =
            self.record.as_ref().and_then(|record| record.attested()).map(|attested| attested.version);
        if class == Class::EntityManagement && version.is_some_and(|version| version > 1) {
            return ("Update", 3);
        }
        let last = self.action().rsplit('.').next().unwrap_or_default();
        let found = ACTIVITIES.iter().find(|(_, _, words)| words.contains(&last));
        found.map_or(("Other", 99), |(name, id, _)| (*name, *id))
    }

    /// What a class demands besides.
    fn of_class(&self, class: Class) -> Map<String, Value> {
        let members = match class {
            Class::Authentication => json!({"user": self.user(), "service": self.service()}),
            Class::EntityManagement => json!({"entity": self.entity()}),
            // From where is a commitment, if the log has it at all: what calls is all that can be said.
            Class::ApiActivity => json!({
                "api": {"operation": self.action(), "service": self.service()},
                "src_endpoint": {"svc_name": self.kind()},
                "resources": self.resources(),
            }),
        };
        members.as_object().cloned().unwrap_or_default()
    }

    fn service(&self) -> Value {
        json!({"name": &*self.origin, "uid": &*self.origin, "version": VERSION})
    }

    fn kind(&self) -> &'static str {
        self.record.as_ref().map_or("unknown", |record| record.actor().kind.as_str())
    }

    fn user(&self) -> Value {
        let Some(record) = &self.record else {
            return json!({"name": "unknown", "type_id": 0, "type": "Unknown"});
        };
        let (of, type_id) = match record.actor().kind {
            ActorKind::Citizen | ActorKind::CaseOfficer | ActorKind::Supervisor => ("User", 1),
            ActorKind::OrganisationAdmin | ActorKind::DataOfficer | ActorKind::PlatformAdmin => ("Admin", 2),
            _ => ("System", 3),
        };
        let mut user = json!({"uid": record.actor().id, "type": of, "type_id": type_id});
        if let (Some(user), Some(organisation)) = (user.as_object_mut(), record.organisation()) {
            user.insert("org".to_owned(), json!({"uid": organisation}));
        }
        user
    }

    fn entity(&self) -> Value {
        let attested = self.record.as_ref().and_then(|record| record.attested());
        attested.map_or_else(
            || json!({"name": "unknown"}),
            |attested| json!({"uid": attested.id, "type": attested.kind, "version": attested.version.to_string()}),
        )
    }

    fn resources(&self) -> Vec<Value> {
        let subjects = self.record.iter().flat_map(|record| record.subjects());
        subjects.map(|subject| json!({"uid": subject.id, "type": subject.kind})).collect()
    }

    fn unmapped(&self) -> Value {
        let mut all = json!({
            "leaf_hash": self.leaf().to_string(), "index": self.index(), "checkpoint_size": self.size(), "actor_kind": self.kind(),
        });
        if let (Some(all), Some(record)) = (all.as_object_mut(), &self.record) {
            all.insert("asserted".to_owned(), json!(record.asserted().as_str()));
            all.insert("subjects".to_owned(), json!(self.subjects()));
            all.insert("detail".to_owned(), json!(record.detail()));
        }
        all
    }
}

impl Class {
    fn name(self) -> &'static str {
        match self {
            Self::Authentication => "Authentication",
            Self::EntityManagement => "Entity Management",
            Self::ApiActivity => "API Activity",
        }
    }
}
