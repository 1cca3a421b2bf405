//! The providers of identities that the settings name: whether each answers as one, and what time it has.

use std::sync::Arc;

use sceau_accounts::oidc::{LEEWAY_MS, Provider};
use sceau_store::{Clock, SystemClock};

use super::Finding;
use crate::serve::mob::MobTable;
use crate::serve::settings::Settings;

/// The check of every finding here.
const CHECK: &str = "identity";
const ADVICE: &str = "people sign in another way until it is mended: issuer, certificate (ca_file) and firewall: docs/deploy/openid-connect.md";

pub(super) async fn look(settings: &Settings) -> Vec<Finding> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let providers = match settings.identity.open(&clock) {
        Ok(providers) => providers,
        Err(failure) => return vec![Finding::trouble(CHECK, failure.to_string(), ADVICE)],
    };
    let mut findings = Vec::new();
    for party in providers.all() {
        findings.push(provider(&party.settings().name.to_string(), party.provider(), &*clock).await);
    }
    match settings.mob.as_ref().map(MobTable::provider).transpose() {
        Ok(given) => {
            if let Some((issuer, given)) = given.flatten() {
                findings.push(provider(&issuer, &given, &*clock).await);
            }
        }
        Err(failure) => findings.push(Finding::trouble(CHECK, failure.to_string(), ADVICE)),
    }
    findings
}

async fn provider(name: &str, provider: &Provider, clock: &dyn Clock) -> Finding {
    let known = match provider.known().await {
        Ok(known) => known,
        Err(error) => return Finding::trouble(CHECK, format!("{name}: {error}"), ADVICE),
    };
    let keys = known.keys.len();
    let Some(theirs) = known.clocks(clock.now_ms()).theirs_ms else {
        let words = format!("{name} answers with {keys} keys, and does not say what time it has");
        return Finding::well(CHECK, words);
    };
    let ours = clock.now_ms();
    let apart = ours.abs_diff(theirs);
    if apart > LEEWAY_MS {
        let way = if ours > theirs { "ahead of" } else { "behind" };
        let words = format!("this machine's clock is {} s {way} that of {name}", apart / 1000);
        let advice = "compare both with a time server (timedatectl, chronyc tracking): nobody signs in by it until they agree to a minute";
        return Finding::trouble(CHECK, words, advice);
    }
    Finding::well(CHECK, format!("{name} answers with {keys} keys, and has our time"))
}
