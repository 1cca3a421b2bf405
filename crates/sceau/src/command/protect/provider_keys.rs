//! `sceau provider-keys`: what a provider of identities signs with, asked for on this machine, for the application's document that names it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use sceau_accounts::oidc::{Ask, Http as _, IssuerUrl, Metadata, WebClient};
use sceau_crypto::jose::PublicJwk;
use sceau_element_api::documents::{MOST_PROVIDER_KEYS, ProviderKey};
use sceau_element_api::protect::KeyMembers;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::failure::{Exit, Failure};
use crate::say;

/// The members that a public key has (RFC 7517, RFC 7518 section 6).
const PUBLIC: [&str; 6] = ["kty", "crv", "x", "y", "n", "e"];

const EXAMPLES: &str = "\
Examples:
  sceau provider-keys https://id.example.org/realms/staff > provider.json
  sceau provider-keys https://id.example.org/realms/staff --known provider.json

The first prints what an administrator pastes on the platform's page Applications. With --known it fails where the provider publishes a key that \
the file lacks, or no longer publishes one that the file has: run it each hour, have the new key registered before the provider signs with it, and one \
that is gone left out at once, for whoever stole it makes users until then. Compare thumbprints (RFC 7638) with the \
provider's own team.";

/// Whose keys.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ProviderKeysOptions {
    /// The provider's issuer, as its tokens say it
    #[arg(value_name = "ISSUER")]
    issuer: String,
    /// What this command printed before: a key that came or went since is an error
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,
    /// Authorities that vouch for the provider beside the system's, PEM
    #[arg(long, value_name = "FILE")]
    anchors: Option<PathBuf>,
}

/// The keys that ID tokens can verify under.
#[derive(Debug, Serialize, Deserialize)]
struct Published {
    issuer: String,
    keys: Vec<PublishedKey>,
}

#[derive(Debug, Serialize, Deserialize)]
struct PublishedKey {
    kid: String,
    alg: String,
    jwk: KeyMembers,
    thumbprint: String,
}

/// What a provider publishes: keys that a document takes, and what is published for the same and is not taken, in words.
#[derive(Debug, Default)]
struct Sifted {
    taken: Vec<PublishedKey>,
    left_out: Vec<String>,
}

pub(crate) fn provider_keys(options: &ProviderKeysOptions) -> Result<(), Failure> {
    let read = |path: &PathBuf| std::fs::read(path).map_err(|cause| Failure::file("read", path, &cause));
    let known = options.known.as_ref().map(read).transpose()?;
    let known: Option<Published> =
        known.map(|bytes| serde_json::from_slice(&bytes)).transpose().map_err(|_| {
            Failure::new(Exit::Input, "known_malformed", "--known takes what this command printed before")
        })?;
    let anchors = options.anchors.as_ref().map(read).transpose()?;
    let issuer = IssuerUrl::try_from(options.issuer.clone())
        .map_err(|error| Failure::new(Exit::Usage, "issuer_malformed", error))?;
    let client = WebClient::new(anchors.as_deref()).map_err(away)?;
    let published = super::wait_for(ask(&client, &issuer))?;
    say::json(&json!(published))?;
    known.map_or(Ok(()), |known| compare(&published, &known))
}

/// Whether both have the same keys of the same issuer, for the same algorithms.
fn compare(published: &Published, known: &Published) -> Result<(), Failure> {
    if known.issuer != published.issuer {
        let plain = sceau_client::name::plain(&known.issuer);
        let words = format!("the file of --known has the keys of {plain}, and not of {}", published.issuer);
        return Err(Failure::new(Exit::Input, "known_malformed", words));
    }
    let (gone, new) = (missing(known, published), missing(published, known));
    let issuer = &published.issuer;
    let came = format!(
        "{issuer} publishes what the file lacks: {}. Have an administrator register it before tokens are signed with it",
        new.join(", ")
    );
    let went = format!(
        "{issuer} publishes no more what the file has: {}. Have an administrator leave it out now: whoever has it makes users until then",
        gone.join(", ")
    );
    match (gone.is_empty(), new.is_empty()) {
        (true, true) => Ok(()),
        (true, false) => Err(Failure::new(Exit::Input, "provider_key_new", came)),
        (false, true) => Err(Failure::new(Exit::Input, "provider_key_gone", went)),
        (false, false) => Err(Failure::new(Exit::Input, "provider_key_gone", format!("{went}. {came}"))),
    }
}

/// Its configuration (OpenID Connect Discovery 1.0 section 4), and the keys that this leads to.
async fn ask(client: &WebClient, issuer: &IssuerUrl) -> Result<Published, Failure> {
    let address = issuer.configuration().parse();
    let address = address.map_err(|_| Failure::new(Exit::Usage, "issuer_malformed", "not an address"))?;
    let fetch = async |address| {
        let answer = client.ask(Ask::get(address)).await.map_err(away)?;
        if answer.status == 200 {
            Ok(answer.body)
        } else {
            Err(away(format!("it answers with status {}", answer.status)))
        }
    };
    let metadata = Metadata::parse(&fetch(address).await?, issuer)
        .map_err(|error| Failure::new(Exit::Input, "provider_refused", error.to_string()))?;
    let set = fetch(metadata.keys).await?;
    let Sifted { taken: keys, left_out } = sift(&set)?;
    for key in left_out {
        say::remark(&format!("Left out, since no document takes it: {key}"));
    }
    if keys.len() > MOST_PROVIDER_KEYS {
        say::remark(&format!(
            "A document takes {MOST_PROVIDER_KEYS} of these keys at most: keep those that sign"
        ));
    }
    Ok(Published { issuer: issuer.as_str().to_owned(), keys })
}

/// Those of a set that verify signatures by an algorithm that the element takes.
fn sift(set: &[u8]) -> Result<Sifted, Failure> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<Map<String, Value>>,
    }
    let malformed = |words: &str| Failure::new(Exit::Input, "provider_keys_malformed", words);
    let Set { keys } =
        serde_json::from_slice(set).map_err(|_| malformed("the provider publishes no JSON Web Key Set"))?;
    let mut sifted = Sifted::default();
    for (key, thumbprint) in keys.into_iter().filter_map(signing) {
        match thumbprint {
            Some(thumbprint) if key.is_taken() => {
                sifted.taken.push(PublishedKey { kid: key.kid, alg: key.alg, jwk: key.jwk, thumbprint });
            }
            thumbprint => {
                let bits =
                    key.jwk.modulus_bytes().map(|bytes| format!(", {} bits", bytes * 8)).unwrap_or_default();
                let plain = sceau_client::name::plain;
                let why = thumbprint.as_deref().unwrap_or("which verifies nothing here");
                sifted.left_out.push(format!("{} ({}{bits}, {why})", plain(&key.kid), plain(&key.alg)));
            }
        }
    }
    if sifted.taken.is_empty() {
        let left_out = sifted.left_out.join(", ");
        let words = "the provider publishes no key for RS256, PS256, ES256 or EdDSA that a document takes";
        return Err(malformed(&if left_out.is_empty() {
            words.to_owned()
        } else {
            format!("{words}: {left_out}")
        }));
    }
    Ok(sifted)
}

/// A key that is there to sign, by one of the four algorithms, and its thumbprint (RFC 7638) where it can be used at all.
fn signing(key: Map<String, Value>) -> Option<(ProviderKey, Option<String>)> {
    let text = |name: &str| key.get(name).and_then(Value::as_str);
    let of_type = match (text("kty")?, text("crv")) {
        ("RSA", _) => "RS256",
        ("EC", Some("P-256")) => "ES256",
        ("OKP", Some("Ed25519")) => "EdDSA",
        _ => return None,
    };
    let alg = text("alg").unwrap_or(of_type);
    let ours = alg == of_type || (alg == "PS256" && of_type == "RS256");
    if !ours || text("use").is_some_and(|purpose| purpose != "sig") {
        return None;
    }
    let public = PUBLIC.iter().filter_map(|name| Some(((*name).to_owned(), key.get(*name)?.clone())));
    let public = Value::Object(public.collect());
    let parsed = PublicJwk::parse(public.to_string().as_bytes()).ok();
    let thumbprint = parsed.map(|key| key.thumbprint().to_string());
    let kid = text("kid").or(thumbprint.as_deref()).unwrap_or("a key without a name").to_owned();
    let jwk = serde_json::from_value(public).ok()?;
    Some((ProviderKey { kid, alg: alg.to_owned(), jwk }, thumbprint))
}

/// What one has and the other lacks, in words.
fn missing(one: &Published, other: &Published) -> Vec<String> {
    fn named(key: &PublishedKey) -> [&str; 3] {
        [&key.kid, &key.alg, &key.thumbprint]
    }
    let listed: BTreeSet<_> = other.keys.iter().map(named).collect();
    let all = one.keys.iter().filter(|key| !listed.contains(&named(key)));
    let plain = sceau_client::name::plain;
    all.map(|key| format!("{} ({}, {})", plain(&key.kid), plain(&key.alg), key.thumbprint)).collect()
}

fn away(cause: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::System, "provider_away", format!("the provider does not answer: {cause}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    fn of(keys: Value) -> Result<Published, Failure> {
        let keys = sift(json!({ "keys": keys }).to_string().as_bytes())?.taken;
        Ok(Published { issuer: "https://id.example.org".to_owned(), keys })
    }

    #[test]
    fn keys_that_id_tokens_verify_under_are_told_and_new_ones_are_missing() {
        // RFC 8037 appendix A.3: the key and its thumbprint.
        let ed = json!({"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        let mut encrypts = ed.clone();
        encrypts["use"] = json!("enc");
        let p521 = json!({"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA"});
        let first = of(json!([ed, encrypts, p521, {"kty": "oct", "k": "AA"}])).unwrap();
        let told: Vec<_> = first.keys.iter().map(|key| (&*key.kid, &*key.alg, &*key.thumbprint)).collect();
        assert_eq!(told, [("a", "EdDSA", "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")]);
        assert!(compare(&first, &first).is_ok());
        let mut renamed = ed.clone();
        renamed["kid"] = json!("b");
        let next = of(json!([renamed])).unwrap();
        let print = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
        assert_eq!(missing(&next, &first), [format!("b (EdDSA, {print})")]);
        let both = of(json!([ed, renamed])).unwrap();
        let code = |now, known| compare(now, known).map_err(|told| told.code).err().unwrap_or_default();
        assert_eq!(code(&both, &first), "provider_key_new");
        assert_eq!(code(&first, &both), "provider_key_gone", "the one that was stolen, say");
        assert_eq!(code(&next, &first), "provider_key_gone");
        // The same key, for another algorithm.
        let mut turned = of(json!([ed])).unwrap();
        turned.keys[0].alg = "ES256".into();
        assert_eq!(code(&turned, &first), "provider_key_gone");
        let another = Published { issuer: "https://id.example.net".to_owned(), ..of(json!([ed])).unwrap() };
        assert_eq!(code(&another, &first), "known_malformed", "the same keys, of another issuer");
        assert!(of(json!([])).is_err());
    }

    #[test]
    fn what_no_document_takes_is_left_out_and_told() {
        let rsa = |bytes: usize, kid: &str| {
            let n = sceau_element_api::Base64Url(vec![0xd3; bytes]).encode();
            json!({"kty": "RSA", "kid": kid, "use": "sig", "n": n, "e": "AQAB"})
        };
        let keys = json!([
            rsa(128, "short"),
            rsa(256, "good"),
            rsa(256, "with a space"),
            rsa(256, &"k".repeat(129))
        ]);
        let sifted = sift(json!({ "keys": keys }).to_string().as_bytes()).unwrap();
        assert_eq!(sifted.taken.iter().map(|key| key.kid.as_str()).collect::<Vec<_>>(), ["good"]);
        assert_eq!(sifted.left_out.len(), 3);
        assert!(sifted.left_out[0].starts_with("short (RS256, 1024 bits, "), "{:?}", sifted.left_out);
        let alone = sift(json!({ "keys": [rsa(128, "short")] }).to_string().as_bytes()).unwrap_err();
        assert!(alone.to_string().contains("short (RS256, 1024 bits"), "{alone}");
    }

    #[test]
    fn what_is_private_never_comes_along() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let told = of(json!([{"kty": "OKP", "crv": "Ed25519", "x": x, "d": "AAAA"}])).unwrap();
        assert!(!json!(told).to_string().contains("AAAA"));
    }
}
