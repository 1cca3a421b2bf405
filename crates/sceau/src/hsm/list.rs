//! `sceau hsm list`.

use std::path::PathBuf;

use sceau_hsm::pkcs11::{self, KeyFacts, PinStanding, Pkcs11Uri, TokenFacts};
use serde_json::json;

use crate::cert::token::{must_be_address, of_token};
use crate::failure::Failure;
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau hsm list --module /usr/lib/softhsm/libsofthsm2.so
  sceau hsm list 'pkcs11:token=gate?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/sceau/pin'";

/// Of what.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ListOptions {
    /// The tokens of this PKCS#11 module
    #[arg(long, value_name = "FILE", conflicts_with = "token", required_unless_present = "token")]
    module: Option<PathBuf>,
    /// Print one line of JSON for each
    #[arg(long)]
    pub(super) json: bool,
    /// The keys of this token, by its address (RFC 7512)
    #[arg(value_name = "pkcs11:…")]
    token: Option<String>,
}

pub(super) fn run(options: &ListOptions) -> Result<(), Failure> {
    match (&options.token, &options.module) {
        (Some(address), _) => keys(&must_be_address(address)?, options.json),
        (None, module) => {
            let module = module.clone().unwrap_or_default();
            let all = pkcs11::tokens(&module).map_err(|error| of_token(&error))?;
            all.iter().try_for_each(|token| tell_token(token, options.json))
        }
    }
}

fn keys(uri: &Pkcs11Uri, as_json: bool) -> Result<(), Failure> {
    let all = pkcs11::keys(uri).map_err(|error| of_token(&error))?;
    if all.is_empty() && !as_json {
        say::remark("The token holds no key.");
    }
    all.iter().try_for_each(|key| tell_key(key, as_json))
}

fn tell_token(token: &TokenFacts, as_json: bool) -> Result<(), Failure> {
    let pin = match token.pin {
        PinStanding::None => "none",
        PinStanding::Set => "set",
        PinStanding::WasWrong => "was wrong",
        PinStanding::LastTry => "one try left",
        PinStanding::Locked => "locked",
    };
    if as_json {
        return say::json(&json!({
            "token": token.label, "manufacturer": token.manufacturer, "model": token.model, "serial": token.serial,
            "slot": token.slot, "initialised": token.is_initialised, "pin": pin,
        }));
    }
    let name =
        if token.is_initialised { format!("{:?}", token.label) } else { "(never initialised)".to_owned() };
    say::result(&format!(
        "{name}  {} {}, serial {}, slot {}, PIN {pin}",
        plain(&token.manufacturer),
        plain(&token.model),
        plain(&token.serial),
        token.slot
    ))
}

fn tell_key(key: &KeyFacts, as_json: bool) -> Result<(), Failure> {
    let id: String = key.id.iter().map(|octet| format!("{octet:02x}")).collect();
    if as_json {
        let value = json!({"object": key.label, "id": id, "kind": key.kind, "never_extractable": key.stays});
        return say::json(&value);
    }
    let stays = if key.stays { "cannot leave the token" } else { "may leave the token, or once could" };
    say::result(&format!("{:?}  {}, id {id}, {stays}", key.label, plain(&key.kind)))
}

/// What a token says of itself steers no terminal.
fn plain(text: &str) -> String {
    text.chars().map(|one| if one.is_control() { '?' } else { one }).collect()
}
