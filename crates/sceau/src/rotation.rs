//! `sceau keymanager keys`, `rotate` and `rewrap`: what the organisation's keys are, and changing them, in the folder of a key manager that is
//! stopped or at one that runs (`--at`).

use std::time::Duration;

use sceau_client::Server;
use sceau_keymanager::WithdrawalReason;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::running::Running;
use crate::say;
use crate::serve::keymanager::KeyManagerState;

/// How often a re-wrapping is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// A change of keys that does not wait for its time.
#[derive(Debug, clap::Args)]
pub(crate) struct RotateOptions {
    #[command(flatten)]
    state: KeyManagerState,
    #[command(flatten)]
    running: Running,
    /// Withdraw the keys in use: nothing more that is sealed to them, or signed with them, is taken. Needs --reason
    #[arg(long, requires = "reason")]
    now: bool,
    /// Why they are withdrawn: compromised, suspected, lost or departure
    #[arg(long, requires = "now", value_parser = reason)]
    reason: Option<WithdrawalReason>,
}

/// A re-wrapping of what was deposited.
#[derive(Debug, clap::Args)]
pub(crate) struct RewrapOptions {
    #[command(flatten)]
    state: KeyManagerState,
    #[command(flatten)]
    running: Running,
}

/// The calendar of keys.
#[derive(Debug, clap::Args)]
pub(crate) struct KeysOptions {
    #[command(flatten)]
    state: KeyManagerState,
    #[command(flatten)]
    running: Running,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Changes the recipient key, or withdraws both keys in use. The platform must answer; what it did not take is sent again when the key manager runs.
pub(crate) async fn rotate(options: RotateOptions) -> Result<(), Failure> {
    if let Some(server) = options.running.server()? {
        let shown: Value = match options.reason {
            Some(reason) => server.post("/v1/keys/withdraw", &json!({"reason": reason.as_str()})).await?,
            None => server.post("/v1/keys/rotate", &json!({})).await?,
        };
        return say::json(&json!({"keys": shown.get("keys")}));
    }
    let key_manager = options.state.open().await?;
    match options.reason {
        Some(reason) => key_manager.withdraw_keys(reason).await?,
        None => key_manager.rotate().await?,
    }
    say::json(&json!({"keys": key_manager.calendar().await?}))
}

/// Shows every key, and what is due.
pub(crate) async fn keys(options: KeysOptions) -> Result<(), Failure> {
    let shown: Value = match options.running.server()? {
        Some(server) => server.get("/v1/keys").await?,
        None => {
            let manager = options.state.open().await?;
            let (keys, alerts) = (manager.calendar().await?, manager.alerts().await?);
            json!({"keys": keys, "alerts": alerts, "backup": manager.last_backup().await?})
        }
    };
    if options.json {
        let of = |name: &str| shown.get(name).cloned().unwrap_or_default();
        return say::json(&json!({"keys": of("keys"), "alerts": of("alerts"), "backup": of("backup")}));
    }
    say::bytes(calendar_text(&shown).as_bytes())
}

/// Seals what was deposited to the key in use, and waits for the end of it.
pub(crate) async fn rewrap(options: RewrapOptions) -> Result<(), Failure> {
    let rewrapped = match options.running.server()? {
        Some(server) => rewrapped(&server).await?,
        None => json!(options.state.open().await?.rewrap().await?),
    };
    say::json(&json!({"rewrapped": rewrapped}))
}

/// Waits until the re-wrapping under way has ended; how it went.
async fn rewrapped(server: &Server) -> Result<Value, Failure> {
    let mut shown: Value = server.post("/v1/keys/rewrap", &json!({})).await?;
    loop {
        let rewrapped = shown.get("rewrapped").cloned().unwrap_or_default();
        if rewrapped.get("running") != Some(&Value::Bool(true)) {
            return Ok(rewrapped);
        }
        tokio::time::sleep(LOOK).await;
        shown = server.get("/v1/keys").await?;
    }
}

/// The same text, whether the folder or the running key manager was asked.
fn calendar_text(shown: &Value) -> String {
    let each = |name: &str| shown.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let word = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let number = |of: &Value, name: &str| of.get(name).and_then(Value::as_u64);
    let on = |of: &Value, name: &str| number(of, name).map_or_else(|| "-".to_owned(), say::day);
    let mut text = String::new();
    for key in each("keys") {
        let (key_use, state, id) = (word(&key, "use"), word(&key, "state"), word(&key, "key_id"));
        let (from, until, taken) = (on(&key, "not_before"), on(&key, "not_after"), on(&key, "acknowledged"));
        let open = number(&key, "open_manifests").or_else(|| number(&key, "open_dossiers"));
        let open = open.map_or_else(|| "?".to_owned(), |open| open.to_string());
        let serial = number(&key, "serial").unwrap_or_default();
        text.push_str(&format!(
            "{key_use:7} {serial:>3}  {state:9}  {from} to {until}  acknowledged {taken}  {open} open  {id:.16}\n"
        ));
    }
    for alert in each("alerts") {
        let (kind, by, about) = (word(&alert, "kind"), on(&alert, "by"), word(&alert, "subject"));
        text.push_str(&format!("due: {kind} by {by} {about:.16}\n"));
    }
    let backup = shown.get("backup").filter(|backup| !backup.is_null());
    let backup = backup.map_or_else(|| "none".to_owned(), |backup| on(backup, "made"));
    text.push_str(&format!("last backup: {backup}\n"));
    text
}

fn reason(text: &str) -> Result<WithdrawalReason, String> {
    WithdrawalReason::parse(text).ok_or_else(|| "compromised, suspected, lost or departure".to_owned())
}
