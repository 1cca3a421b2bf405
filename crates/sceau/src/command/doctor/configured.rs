//! The servers that the platform's settings name: whether each lets us in and does its work.

use std::path::Path;

use super::{Finding, identity};
use crate::failure::Failure;
use crate::serve::settings::Settings;

pub(super) async fn look(config: &Path, data: &Path) -> Vec<Finding> {
    let settings = match Settings::read(Some(config)) {
        Ok(settings) => settings,
        Err(failure) => {
            let advice = "mend that line; `sceau serve platform --config FILE --check` judges the file alone";
            return vec![Finding::trouble("settings", failure.to_string(), advice)];
        }
    };
    let mut findings = vec![Finding::well("settings", format!("{} is usable", config.display()))];
    findings.extend(objects(&settings, data).await);
    findings.extend(mail(&settings).await);
    findings.extend(identity::look(&settings).await);
    findings
}

async fn objects(settings: &Settings, data: &Path) -> Option<Finding> {
    const ADVICE: &str = "403: mend the access key or its rights (PutObject, GetObject, DeleteObject, ListBucket); 404: make the bucket; else \
                          endpoint, certificate (ca_file) and firewall: docs/deploy/s3.md";
    if !settings.objects.is_server() {
        return None;
    }
    let objects = match settings.objects.open(data) {
        Ok(objects) => objects,
        Err(failure) => return Some(refused("objects", &failure, ADVICE)),
    };
    Some(match objects.probe().await {
        Ok(()) => Finding::well("objects", "a probe was written, read and removed"),
        Err(error) => Finding::trouble("objects", error.to_string(), ADVICE),
    })
}

async fn mail(settings: &Settings) -> Option<Finding> {
    const ADVICE: &str = "letters wait in the outbox until it is mended: host, port, kind of TLS, certificate (ca_file), user and password: \
                          docs/deploy/smtp.md";
    let server = match settings.mail.server() {
        Ok(server) => server?,
        Err(failure) => return Some(refused("mail", &failure, ADVICE)),
    };
    Some(match server.probe().await {
        Ok(()) => Finding::well("mail", "the mail server took TLS and login; nothing was sent"),
        Err(reason) => Finding::trouble("mail", reason, ADVICE),
    })
}

/// What settings or a password file of ours prevent says itself what to do.
fn refused(check: &'static str, failure: &Failure, advice: &str) -> Finding {
    Finding::trouble(check, failure.to_string(), advice)
}
