//! `sceau cert inspect`: what a file holds, in words or for a script. Nothing of it is judged, and no private key is shown.

use std::path::{Path, PathBuf};

use sceau_hsm::pkcs11::TokenKey;
use sceau_pki::{
    CertificateFacts, CertificateKey as _, CertificateRequest, Material, NamePart, PrivateKey,
    RevocationList, key_facts, name_parts,
};
use serde_json::{Value, json};

use super::{DAY_MS, fault, token};
use crate::command::input::{or_standard_input, read_small};
use crate::failure::Failure;
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau cert inspect MonLogiciel_TEST.crt
  sceau cert inspect --json ACR-EL.crl | jq .next_update

What a certificate says is shown, not believed: `sceau cert verify` judges it.";

/// A list of many years may be long.
const LONGEST: u64 = 256 << 20;

/// What to look at.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InspectOptions {
    /// Print one line of JSON for each thing that is found
    #[arg(long)]
    pub(super) json: bool,
    /// Files, PEM or DER; none or - for standard input; or keys in tokens, by their address
    #[arg(value_name = "FILE|pkcs11:…")]
    files: Vec<PathBuf>,
}

pub(super) fn run(options: &InspectOptions) -> Result<(), Failure> {
    let now = super::now();
    for path in or_standard_input(&options.files) {
        if let Some(uri) = token::address(&path)? {
            in_token(&token::find(&uri)?, options.json)?;
            continue;
        }
        for one in read(&path)? {
            if options.json {
                say::json(&in_json(&one, &path, now)?)?;
            } else {
                say::result(&in_words(&one, &path, now)?.join("\n"))?;
            }
        }
    }
    Ok(())
}

/// What a token tells of a key.
fn in_token(key: &TokenKey, as_json: bool) -> Result<(), Failure> {
    let facts = key_facts(&key.public_key_info().map_err(|error| fault::pki(&error))?);
    let stays = key.stays().map_err(|error| token::of_token(&error))?;
    let address = key.uri();
    if as_json {
        let value = json!({"kind": "private_key", "key": facts, "token": address.to_string(), "never_extractable": stays});
        return say::json(&value);
    }
    let bits = facts.bits.map(|bits| format!(", {bits} bits")).unwrap_or_default();
    let lines = [
        format!("{}: private key in a token; {}", address.short(), token::stays(key)?),
        line("Key", &format!("{}{bits}", facts.kind)),
        line("", &format!("public key SHA-256 {}", facts.sha256)),
    ];
    say::result(&lines.join("\n"))
}

fn read(path: &Path) -> Result<Vec<Material>, Failure> {
    let bytes = zeroize::Zeroizing::new(read_small(path, LONGEST, "a certificate or a list")?);
    Material::read(&bytes, &path.display().to_string()).map_err(|error| fault::pki(&error))
}

fn in_json(one: &Material, path: &Path, now: u64) -> Result<Value, Failure> {
    let mut value = match one {
        Material::Certificate(certificate) => {
            let facts = CertificateFacts::of(certificate).map_err(|error| fault::pki(&error))?;
            let mut value = json!(facts);
            if let Some(fields) = value.as_object_mut() {
                fields.insert("kind".to_owned(), json!("certificate"));
                fields.insert("days_left".to_owned(), json!(days_left(facts.not_after, now)));
            }
            value
        }
        Material::Request(request) => json!({
            "kind": "request",
            "subject": name_parts(request.subject()),
            "hosts": request.hosts(),
            "key": key_facts(request.public_key_info()),
        }),
        Material::List(list, _) => json!({
            "kind": "revocation_list",
            "issuer": name_parts(list.issuer()),
            "this_update": list.this_update(),
            "next_update": list.next_update(),
            "number": list.number(),
            "entries": list.len(),
            "current": list.is_current(now),
        }),
        Material::Key(key) => json!({"kind": "private_key", "key": key_facts(&public(key)?)}),
    };
    if let Some(fields) = value.as_object_mut() {
        fields.insert("file".to_owned(), json!(path));
    }
    Ok(value)
}

fn in_words(one: &Material, path: &Path, now: u64) -> Result<Vec<String>, Failure> {
    let path = path.display();
    match one {
        Material::Certificate(certificate) => {
            let facts = CertificateFacts::of(certificate).map_err(|error| fault::pki(&error))?;
            Ok([vec![format!("{path}: certificate")], certificate_in_words(&facts, now)].concat())
        }
        Material::Request(request) => Ok([
            vec![format!("{path}: request for a certificate, signed by its own key")],
            request_in_words(request),
        ]
        .concat()),
        Material::List(list, _) => {
            Ok([vec![format!("{path}: revocation list")], list_in_words(list, now)].concat())
        }
        Material::Key(key) => {
            let facts = key_facts(&public(key)?);
            let bits = facts.bits.map(|bits| format!(", {bits} bits")).unwrap_or_default();
            Ok(vec![
                format!("{path}: private key, without a password (it is not shown)"),
                line("Key", &format!("{}{bits}", facts.kind)),
                line("", &format!("public key SHA-256 {}", facts.sha256)),
            ])
        }
    }
}

fn certificate_in_words(facts: &CertificateFacts, now: u64) -> Vec<String> {
    let mut lines = name_in_words("Subject", &facts.subject);
    lines.extend(name_in_words("Issuer", &facts.issuer));
    lines.push(line("Serial", &facts.serial));
    lines.push(line(
        "Valid",
        &format!("{} to {}, {}", say::day(facts.not_before), say::day(facts.not_after), left(facts, now)),
    ));
    if let Some(key) = &facts.key {
        let bits = key.bits.map(|bits| format!(", {bits} bits")).unwrap_or_default();
        lines.push(line("Key", &format!("{}{bits}, SHA-256 {}", key.kind, key.sha256)));
    }
    lines.push(line("Signature", &facts.signature));
    let below = facts.path_length.map(|most| format!(", {most} below it")).unwrap_or_default();
    lines.push(line("Authority", &if facts.authority { format!("yes{below}") } else { "no".to_owned() }));
    let usages: Vec<String> = facts.key_usages.iter().map(|usage| (*usage).to_owned()).collect();
    for (title, values) in [
        ("Key usage", &usages),
        ("Purposes", &facts.purposes),
        ("Names", &facts.alternative_names),
        ("CRL", &facts.revocation_lists),
        ("Delta CRL", &facts.freshest_lists),
        ("OCSP", &facts.ocsp),
        ("Issuer at", &facts.issuer_certificates),
        ("Policies", &facts.policies),
    ] {
        lines.extend(
            values.iter().enumerate().map(|(at, value)| line(if at == 0 { title } else { "" }, value)),
        );
    }
    if let Some(period) = facts.private_key_usage {
        let day = |moment: Option<u64>| moment.map_or_else(|| "…".to_owned(), say::day);
        lines.push(line("Key signs", &format!("{} to {}", day(period.not_before), day(period.not_after))));
    }
    for (at, other) in facts.others.iter().enumerate() {
        let critical = if other.critical { ", critical" } else { "" };
        lines.push(line(if at == 0 { "Others" } else { "" }, &format!("{}{critical}", other.oid)));
    }
    lines.push(line("SHA-256", &facts.sha256));
    lines
}

fn request_in_words(request: &CertificateRequest) -> Vec<String> {
    let mut lines = name_in_words("Subject", &name_parts(request.subject()));
    lines.extend(
        request.hosts().iter().enumerate().map(|(at, host)| line(if at == 0 { "Names" } else { "" }, host)),
    );
    let key = key_facts(request.public_key_info());
    let bits = key.bits.map(|bits| format!(", {bits} bits")).unwrap_or_default();
    lines.push(line("Key", &format!("{}{bits}, SHA-256 {}", key.kind, key.sha256)));
    lines
}

fn list_in_words(list: &RevocationList, now: u64) -> Vec<String> {
    let state = match (now < list.this_update(), now < list.next_update()) {
        (true, _) => "not yet in force",
        (false, true) => "current",
        (false, false) => "over: fetch its successor",
    };
    let mut lines = name_in_words("Issuer", &name_parts(list.issuer()));
    let number = list.number();
    lines.push(line("Number", if number.is_empty() { "none" } else { &number }));
    lines.push(line(
        "Valid",
        &format!("{} to {}, {state}", say::day(list.this_update()), say::day(list.next_update())),
    ));
    lines.push(line("Revoked", &say::counted(list.len() as u64, "certificate")));
    lines
}

fn name_in_words(title: &str, parts: &[NamePart]) -> Vec<String> {
    let one = |(at, part): (usize, &NamePart)| {
        let value = part.value.as_deref().unwrap_or("(a string type that is not read)");
        line(if at == 0 { title } else { "" }, &format!("{} = {value}", part.kind))
    };
    parts.iter().enumerate().map(one).collect()
}

fn left(facts: &CertificateFacts, now: u64) -> String {
    match days_left(facts.not_after, now) {
        _ if now < facts.not_before => "not valid yet".to_owned(),
        days if days < 0 => format!("expired {} ago", say::counted(days.unsigned_abs(), "day")),
        days => format!("{} left", say::counted(days.unsigned_abs(), "day")),
    }
}

/// Whole days until a moment; negative once it is over.
pub(super) fn days_left(until: u64, now: u64) -> i64 {
    let days = |milliseconds: u64| i64::try_from(milliseconds / DAY_MS).unwrap_or(i64::MAX);
    if until >= now { days(until - now) } else { -days(now - until) - 1 }
}

/// What a certificate says may hold anything: nothing of it steers a terminal.
fn line(title: &str, value: &str) -> String {
    let mut shown = String::with_capacity(value.len());
    for character in value.chars() {
        let reverses = matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        if character.is_control() || reverses {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    format!("  {title:<10} {shown}")
}

fn public(key: &PrivateKey) -> Result<Vec<u8>, Failure> {
    key.public_key_info().map_err(|error| fault::pki(&error))
}
