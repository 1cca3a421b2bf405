//! What the broker must have, as a file of definitions that RabbitMQ loads at its start or imports while it runs.
//!
//! Passwords stand in it as salted SHA-256, RabbitMQ's own form, over passwords that nobody chose.

use aws_lc_rs::digest::{Context, SHA256};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Company, EXCHANGE, MESSAGE_TYPE};
use crate::StoreError;

/// Times that a reply may come back unsettled before the broker puts it aside.
const DELIVERIES: u32 = 20;
/// Bytes of replies that a company may leave before we read them: beyond, its publishing is refused.
const REPLIES: u64 = 256 << 20;

/// A login and its password.
pub struct BusLogin<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its password.
    pub password: &'a str,
}

/// A company to be provisioned.
pub struct Provision<'a> {
    /// The company.
    pub company: &'a Company,
    /// Its login.
    pub login: BusLogin<'a>,
    /// Messages that its queue may hold: beyond, publishing is refused and waits in our outbox.
    pub limit: Option<u32>,
}

/// The definitions for these companies. `platform` is our own login, which may do everything in each virtual host.
///
/// # Errors
/// [`StoreError::Random`], if no salt can be drawn.
pub fn definitions(platform: &BusLogin<'_>, companies: &[Provision<'_>]) -> Result<Value, StoreError> {
    let mut all = Definitions { users: vec![user(platform)?], ..Definitions::default() };
    for provision in companies {
        all.add(platform.name, provision)?;
    }
    let Definitions { users, vhosts, permissions, policies, queues, exchanges, bindings } = all;
    Ok(json!({
        "users": users, "vhosts": vhosts, "permissions": permissions, "policies": policies,
        "queues": queues, "exchanges": exchanges, "bindings": bindings,
    }))
}

#[derive(Default)]
struct Definitions {
    users: Vec<Value>,
    vhosts: Vec<Value>,
    permissions: Vec<Value>,
    policies: Vec<Value>,
    queues: Vec<Value>,
    exchanges: Vec<Value>,
    bindings: Vec<Value>,
}

impl Definitions {
    fn add(&mut self, platform: &str, provision: &Provision<'_>) -> Result<(), StoreError> {
        let Provision { company, login, limit } = provision;
        let vhost = company.vhost();
        self.users.push(user(login)?);
        self.vhosts.push(json!({"name": vhost}));
        self.permissions.push(permission(platform, &vhost, ".*", ".*", ".*"));
        // It reads its queue; it writes through the exchange, or to its own queues by name. Both only exist in its own virtual host.
        let read = format!("^{}$", company.put_queue().replace('.', "\\."));
        self.permissions.push(permission(login.name, &vhost, "^$", "^(mob\\.headers|amq\\.default)$", &read));
        self.exchanges.push(json!({
            "name": EXCHANGE, "vhost": vhost, "type": "headers", "durable": true, "auto_delete": false,
            "internal": false, "arguments": {},
        }));
        let (put, status) = (company.put_queue(), company.status_queue());
        self.queues.push(queue(&vhost, &put, false));
        self.queues.push(queue(&vhost, &status, true));
        self.queues.push(queue(&vhost, &company.dead_queue(), false));
        self.bindings.push(binding(&vhost, &put, &company.put_type()));
        self.bindings.push(binding(&vhost, &status, &company.status_type()));
        self.policies.push(policy(&vhost, "replies", &status, &json!({
            "delivery-limit": DELIVERIES, "dead-letter-exchange": "", "dead-letter-routing-key": company.dead_queue(),
            "dead-letter-strategy": "at-least-once", "max-length-bytes": REPLIES, "overflow": "reject-publish",
        })));
        // Its company can write here by name, too.
        let dead = json!({"max-length-bytes": REPLIES, "overflow": "reject-publish"});
        self.policies.push(policy(&vhost, "dead", &company.dead_queue(), &dead));
        if let Some(limit) = limit {
            let full = json!({"max-length": limit, "overflow": "reject-publish"});
            self.policies.push(policy(&vhost, "subscriptions", &put, &full));
        }
        Ok(())
    }
}

fn queue(vhost: &str, name: &str, single: bool) -> Value {
    json!({
        "name": name, "vhost": vhost, "durable": true, "auto_delete": false,
        "arguments": {"x-queue-type": "quorum", "x-single-active-consumer": single},
    })
}

fn binding(vhost: &str, queue: &str, message_type: &str) -> Value {
    json!({
        "source": EXCHANGE, "vhost": vhost, "destination": queue, "destination_type": "queue", "routing_key": "",
        "arguments": {MESSAGE_TYPE: message_type, "x-match": "all"},
    })
}

fn permission(login: &str, vhost: &str, configure: &str, write: &str, read: &str) -> Value {
    json!({"user": login, "vhost": vhost, "configure": configure, "write": write, "read": read})
}

fn policy(vhost: &str, name: &str, queue: &str, definition: &Value) -> Value {
    let pattern = format!("^{}$", queue.replace('.', "\\."));
    json!({
        "vhost": vhost, "name": name, "pattern": pattern, "apply-to": "queues", "priority": 0,
        "definition": definition,
    })
}

/// `base64(salt ‖ SHA-256(salt ‖ password))`, four bytes of salt: RabbitMQ's `rabbit_password_hashing_sha256`.
fn user(login: &BusLogin<'_>) -> Result<Value, StoreError> {
    let mut salt = [0; 4];
    aws_lc_rs::rand::fill(&mut salt).map_err(|_| StoreError::Random)?;
    let mut hash = Context::new(&SHA256);
    hash.update(&salt);
    hash.update(login.password.as_bytes());
    let salted = [&salt[..], hash.finish().as_ref()].concat();
    Ok(json!({
        "name": login.name, "password_hash": STANDARD.encode(salted),
        "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": [], "limits": {},
    }))
}
