//! The recipient keys that the platform hands out now: whether there is one, for how long, and where its private half can be.

use sceau_client::Server;
use sceau_crypto::Fingerprint;
use sceau_element_api::documents::{KeyStatement, KeySuite};
use serde::Deserialize;

use super::Finding;
use crate::say;

const DAY_MS: u64 = 86_400_000;
/// The key manager publishes the next key two weeks before: later, it did not.
const LATE: u64 = 13;

#[derive(Deserialize)]
struct Organisation {
    name: String,
    root_fingerprint: Fingerprint,
    current_key: Option<CurrentKey>,
}

#[derive(Deserialize)]
struct CurrentKey {
    statement_jws: String,
}

pub(super) async fn look(platform: &Server, now: u64) -> Vec<Finding> {
    match platform.get::<Vec<Organisation>>("/v1/organisations").await {
        Ok(organisations) => organisations.iter().flat_map(|organisation| of(organisation, now)).collect(),
        // Why it does not answer is said already.
        Err(_) => Vec::new(),
    }
}

fn of(organisation: &Organisation, now: u64) -> Vec<Finding> {
    let name = &organisation.name;
    let Some(current) = &organisation.current_key else {
        let advice = "nobody can deposit for it: start and connect its key manager, which publishes one";
        return vec![Finding::trouble("recipient_key", format!("{name} has no current key"), advice)];
    };
    let Ok(statement) = KeyStatement::verify(&current.statement_jws, &organisation.root_fingerprint) else {
        let advice = "seal nothing for it; the platform or its database was altered";
        let found = format!("the root of {name} did not sign the key that the platform hands out");
        return vec![Finding::trouble("recipient_key", found, advice)];
    };
    let statement = statement.into_document();
    let mut findings = vec![validity(name, &statement, now)];
    if statement.suite == KeySuite::XWing {
        let found = format!("{name}: the private half of the hybrid key is kept in software");
        let advice = "no HSM does ML-KEM yet: guard the key manager’s machine, passphrase and backups; RSA-OAEP-256 is the suite of HSMs";
        findings.push(Finding::notice("key_custody", found, advice));
    }
    findings
}

fn validity(name: &str, statement: &KeyStatement, now: u64) -> Finding {
    let days = |later: u64, sooner: u64| later.saturating_sub(sooner) / DAY_MS;
    if now >= statement.not_after {
        let found =
            format!("the key of {name} expired {} ago", say::counted(days(now, statement.not_after), "day"));
        return Finding::trouble(
            "recipient_key",
            found,
            "start its key manager, which publishes the next one",
        );
    }
    if now < statement.not_before {
        let found = format!("the key of {name} is not valid yet");
        return Finding::trouble("recipient_key", found, "set the clocks of both machines (timedatectl)");
    }
    let left = days(statement.not_after, now);
    let found = format!("the key of {name} is valid for {} more", say::counted(left, "day"));
    if left < LATE {
        let advice = "its key manager should have published the next one: look whether it runs and reaches the platform";
        return Finding::notice("recipient_key", found, advice);
    }
    Finding::well("recipient_key", found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what must hold")]
    use super::super::State;
    use super::*;
    use sceau_crypto::{KeyId, SigningKey, Typ, XWingPrivateKey, jws};
    use sceau_element_api::documents::{Document as _, KeyUse};
    use sceau_element_api::{Base64Url, OrganisationId};

    const BEGAN: u64 = 1_000 * DAY_MS;

    fn organisation(root: &SigningKey, signer: &SigningKey) -> Organisation {
        let recipient = XWingPrivateKey::generate().unwrap();
        let public = recipient.recipient_key();
        let key_id: KeyId = public.key_id();
        let statement = KeyStatement {
            v: 1,
            organisation: OrganisationId::random(),
            key_use: KeyUse::Encrypt,
            suite: KeySuite::XWing,
            key_id,
            public_key: Base64Url(public.public().to_vec()),
            not_before: BEGAN,
            not_after: BEGAN + 180 * DAY_MS,
            predecessor: None,
            serial: 1,
            key_manager: "https://cles.example.org".to_owned(),
            root_key: Base64Url(signer.verifying_key().as_bytes().to_vec()),
            withdraws_predecessor: false,
        };
        let statement_jws = jws::sign(signer, Typ::KeyStatement, &statement.to_bytes().unwrap());
        let root_fingerprint = root.verifying_key().fingerprint();
        Organisation {
            name: "Métropole".to_owned(),
            root_fingerprint,
            current_key: Some(CurrentKey { statement_jws }),
        }
    }

    #[test]
    fn a_key_is_well_then_late_then_expired() {
        let root = SigningKey::generate();
        let organisation = organisation(&root, &root);
        let state = |day: u64| of(&organisation, BEGAN + day * DAY_MS)[0].state;
        assert_eq!(state(0), State::Well);
        assert_eq!(state(166), State::Well);
        assert_eq!(state(170), State::Notice);
        assert_eq!(state(180), State::Trouble);
        assert_eq!(of(&organisation, BEGAN - 1)[0].state, State::Trouble);
        let custody = &of(&organisation, BEGAN)[1];
        assert_eq!((custody.check, custody.state), ("key_custody", State::Notice));
    }

    #[test]
    fn no_key_and_another_roots_key_are_trouble() {
        let (root, other) = (SigningKey::generate(), SigningKey::generate());
        let mut organisation = organisation(&root, &other);
        assert_eq!(of(&organisation, BEGAN)[0].state, State::Trouble);
        organisation.current_key = None;
        assert_eq!(of(&organisation, BEGAN)[0].state, State::Trouble);
    }
}
