//! Calls by tokens, as docs/protect-by-tokens.md has them: RS256 of 2,048 bits under the call, and an answer that the element signs by RS256 of 3,072 bits.
//!
//! The target is the one of RS256 under the other profile, though each answer costs this signature besides. An encrypted call has the element's key of
//! 3,072 bits decrypt too, four at once and no more, and is told.

use sceau_crypto::jose::jwe::{EncryptionKey, KeyAlgorithm, KeyKind, PrivateKey};
use sceau_element_api::documents::{ApplicationKey, KeyPurpose, KeyStanding};
use sceau_element_api::protect::KeyMembers;
use serde_json::Value;

use super::bodies::published;
use super::caller::{Key, Load, Pace, Profile, bring};
use super::ground::Ground;
use super::{CONNECTIONS, DATA, LENGTH, QUICK, RS256, count, quiet, runtime};
use crate::Settings;
use crate::row::{Figure, Row, Target};
use crate::timing::quantile;

/// Encrypted calls a second that a load is made for; its length follows.
const ENCRYPTED: f64 = 300.0;
/// Of each address 32 encrypted calls may wait, and four are opened meanwhile: what is beyond is refused.
const ENCRYPTED_AT_ONCE: usize = 32;

pub(crate) fn measure(settings: Settings) -> Result<Vec<Row>, String> {
    let length = if settings.quick { QUICK } else { LENGTH };
    let (signed, encrypted) = runtime()?.block_on(async {
        let ground = Ground::prepare(None).await?;
        let mut application = ground.register_with(Key::rs256()?, Some(opens()?)).await?;
        application.profile = Profile::Tokens(None);
        let warm = application.creates(DATA)?;
        bring(ground.address, warm, CONNECTIONS, Pace::Full).await?;
        let requests = application.creates(count(RS256, length))?;
        let signed = bring(ground.address, requests, CONNECTIONS, Pace::Full).await?;

        application.profile = Profile::Tokens(Some(calls_key(&ground).await?));
        let requests = application.creates(count(ENCRYPTED, length))?;
        let encrypted = bring(ground.address, requests, ENCRYPTED_AT_ONCE, Pace::Full).await?;
        for running in [&ground.element, &ground.keyfront] {
            quiet(running)?;
        }
        Ok::<_, String>((signed, encrypted))
    })?;
    let rate = |rate| Figure::new(rate, "a second");
    let p99 = |mut load: Load| Figure::new(quantile(&mut load.times, 0.99), "ms");
    let name = |what, connections| format!("create by a token, {what}, RS256, {connections} connections");
    Ok(vec![
        Row::figure(name("signed", CONNECTIONS), rate(signed.rate), Target::AtLeast(RS256)),
        Row::told(format!("{}, 99 of 100", name("signed", CONNECTIONS)), p99(signed)),
        Row::told(name("encrypted both ways", ENCRYPTED_AT_ONCE), rate(encrypted.rate)),
        Row::told(format!("{}, 99 of 100", name("encrypted both ways", ENCRYPTED_AT_ONCE)), p99(encrypted)),
    ])
}

/// A key of the application's that answers are encrypted to: RSA of 3,072 bits. Nobody opens them here.
fn opens() -> Result<ApplicationKey, String> {
    let key =
        PrivateKey::generate(KeyKind::Rsa, KeyAlgorithm::RsaOaep256).map_err(|error| error.to_string())?;
    let jwk: Value =
        serde_json::from_str(&key.public().jwk().to_json()).map_err(|error| error.to_string())?;
    let part = |name: &str| jwk.get(name).and_then(Value::as_str).map(str::to_owned);
    Ok(ApplicationKey {
        kid: "opens".into(),
        purpose: KeyPurpose::Encryption,
        alg: KeyAlgorithm::RsaOaep256.name().into(),
        jwk: KeyMembers { kty: "RSA".into(), crv: None, x: None, y: None, n: part("n"), e: part("e") },
        status: KeyStanding::Active,
    })
}

/// The element's key that calls are encrypted to: of those that the keyfront publishes, the one that does not sign.
async fn calls_key(ground: &Ground) -> Result<EncryptionKey, String> {
    let said = published(ground.address, "/v1/protect/jwks").await?;
    let keys = said.get("keys").and_then(Value::as_array).ok_or("no keys")?;
    let key = keys.iter().find(|key| key.get("use").is_some_and(|of| of == "enc")).ok_or("none encrypts")?;
    EncryptionKey::parse(key.to_string().as_bytes(), KeyAlgorithm::HOUSE).map_err(|error| error.to_string())
}
