//! Authorities outside that certify holders' keys, by the platform's settings: whether each answers this machine. Nothing is asked to be issued.

use sceau_keyrings::EstTrouble;

use super::{Finding, certificates};
use crate::serve::settings::Settings;

const CHECK: &str = "est";
const ADVICE: &str = "keyrings wait for their certificates until it is mended: url, certificate (ca_file), firewall between: docs/deploy/est.md";

pub(super) async fn look(settings: &Settings, now_ms: u64) -> Vec<Finding> {
    let mut findings = Vec::new();
    for table in settings.keyrings.iter().flat_map(|keyrings| keyrings.outside()) {
        findings.extend(table.files().flat_map(|file| certificates::file(file, now_ms)));
        let server = match table.open() {
            Ok(server) => server,
            Err(failure) => {
                findings.push(Finding::trouble(CHECK, failure.to_string(), ADVICE));
                continue;
            }
        };
        let url = server.url();
        findings.push(match server.check().await {
            Ok(count) => {
                Finding::well(CHECK, format!("the authority at {url} hands out {count} of its certificates"))
            }
            // Policies name labels, and settings do not.
            Err(EstTrouble::Refused(404)) => {
                let advice = "well where policies name a label of it; else mend url: docs/deploy/est.md";
                Finding::notice(CHECK, format!("{url} answers, and has no authority without a label"), advice)
            }
            Err(trouble) => Finding::trouble(CHECK, format!("{url}: {trouble}"), ADVICE),
        });
    }
    findings
}
