//! What the gate's own responder says, handed out with the gate's certificate (stapling, RFC 6066 §8): fetched and verified before it is used, and
//! again before it ends.

use std::{sync::Arc, time::Duration};

use rustls::ServerConfig;
use sceau_pki::{
    Anchors, CertificateFacts, Fingerprint, OcspAnswer, OcspStatus, RevocationLists, Staple, TlsIdentity,
    server_config, server_config_asking, server_config_stapling,
};
use tokio::task::JoinSet;

use super::{
    call::{Manner, Nonce},
    kept::{Kept, Response},
    pace, settings,
};
use crate::{clock::now, error::Error};

/// How long the responder may take: nobody waits for it.
const DEADLINE: Duration = Duration::from_secs(15);
/// Without a nonce: the response is handed out to others, and caches may give it.
const MANNER: Manner = Manner { responder: None, deadline: DEADLINE, nonce: Nonce::None };
/// A clock may be set while the gate waits: it is looked at again after so long.
const NAP: Duration = Duration::from_secs(60);

/// How a listener's certificate is shown, and what is handed out with it: where the file wants that, or says nothing and the certificate names its
/// responder.
pub(crate) fn server(
    identity: &TlsIdentity,
    anchors: &[&Anchors],
    wanted: Option<bool>,
    name: &str,
) -> Result<(ServerConfig, Option<Staple>), Error> {
    let facts = identity.certificate().and_then(|certificate| CertificateFacts::of(&certificate));
    let is_named =
        facts.map_err(Error::pki(name))?.ocsp.iter().any(|text| settings::http_address(text).is_some());
    if wanted == Some(true) && !is_named {
        return Err(Error::setting(
            format!("{name}, staple"),
            "the certificate names no responder at http://",
        ));
    }
    if wanted != Some(false) && is_named {
        match server_config_stapling(identity, anchors) {
            Ok((config, staple)) => return Ok((config, Some(staple))),
            Err(sceau_pki::Error::NoIssuer) if wanted.is_none() => {
                tracing::info!(
                    listener = name,
                    "no OCSP response is stapled: the issuer is not in the file of the certificate"
                );
            }
            Err(error) => return Err(Error::pki(&format!("{name}, staple"))(error)),
        }
    }
    let config =
        if anchors.is_empty() { server_config(identity) } else { server_config_asking(identity, anchors) };
    Ok((config.map_err(Error::pki(name))?, None))
}

/// Keeps responses current until it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Stapler {
    _tasks: JoinSet<()>,
}

impl Stapler {
    /// Begins. What is handed out already is used as long as it holds.
    pub(crate) fn start(staples: impl Iterator<Item = Staple>, kept: &Arc<Kept>) -> Self {
        let mut tasks = JoinSet::new();
        for staple in staples {
            tasks.spawn(keep(staple, Arc::clone(kept)));
        }
        Self { _tasks: tasks }
    }
}

async fn keep(staple: Staple, kept: Arc<Kept>) {
    let mut used = carried(&staple);
    if used.is_none() {
        staple.put(None);
    }
    let mut again = used.as_ref().map_or(0, |answer| pace::ahead(now(), answer, pace::chance()));
    let mut failures = 0;
    loop {
        let end = used.as_ref().map_or(u64::MAX, |answer| answer.until);
        wait_until(again.min(end)).await;
        if end <= now() {
            staple.put(None);
            used = None;
            alarm(&staple, "the stapled response ended, and there is no other");
            continue;
        }
        // What is handed out ends though the responder is slow.
        let fetched = tokio::select! {
            fetched = fetch(&staple, &kept) => fetched,
            () = wait_until(end) => continue,
        };
        if let Some(answer) = fetched {
            again = pace::ahead(now(), &answer, pace::chance());
            (used, failures) = (Some(answer), 0);
        } else {
            again = now().saturating_add(pace::pause(failures));
            failures = failures.saturating_add(1);
            if used.is_none() {
                alarm(&staple, "there is no response to staple");
            }
        }
    }
}

/// Hands out the response that was kept of a run before, where none is handed out yet and that one still holds; blocks.
pub(crate) fn recall(staple: &Staple, kept: &Kept) {
    if staple.response().is_some() {
        return;
    }
    if let Some(response) = kept.read(name(staple)).filter(|response| judge(staple, response).is_some()) {
        tracing::info!(subject = %staple.certificate().subject(), "an OCSP response that was kept is stapled");
        staple.put(Some(response.der));
    }
}

/// Under which its response is kept.
fn name(staple: &Staple) -> Fingerprint {
    Fingerprint::of(format!("staple\n{}", staple.certificate().fingerprint()).as_bytes())
}

/// What is handed out already, where it still holds.
fn carried(staple: &Staple) -> Option<OcspAnswer> {
    judge(staple, &Response { nonce: None, der: staple.response()? })
}

fn judge(staple: &Staple, response: &Response) -> Option<OcspAnswer> {
    let lists = RevocationLists::default();
    let answer = MANNER.judge(response, staple.certificate(), staple.issuer(), &lists, now()).ok()?;
    (answer.status == OcspStatus::Good).then_some(answer)
}

/// Another response, handed out from now on; the log says why there is none.
async fn fetch(staple: &Staple, kept: &Arc<Kept>) -> Option<OcspAnswer> {
    let subject = staple.certificate().subject();
    let responder = MANNER.address(staple.certificate())?;
    let lists = RevocationLists::default();
    match MANNER.ask(&responder, staple.certificate(), staple.issuer(), &lists).await {
        Ok((answer, response)) if answer.status == OcspStatus::Good => {
            staple.put(Some(response.der.clone()));
            tracing::info!(%responder, %subject, until = answer.until, "an OCSP response is stapled");
            let (kept, name, until) = (Arc::clone(kept), name(staple), answer.until);
            let keep = move || kept.keep(name, None, &response.der, until);
            drop(tokio::task::spawn_blocking(keep).await);
            Some(answer)
        }
        Ok((answer, _)) => {
            let revoked = matches!(answer.status, OcspStatus::Revoked { .. });
            tracing::error!(%responder, %subject, revoked, "the gate's own certificate is not called good by its responder");
            None
        }
        Err(cause) => {
            tracing::warn!(%responder, %subject, code = cause.code(), %cause, "no OCSP response to staple was had");
            None
        }
    }
}

/// Worse where clients that know the certificate's demand turn away.
fn alarm(staple: &Staple, words: &str) {
    let subject = staple.certificate().subject();
    if staple.is_demanded() {
        tracing::error!(%subject, "{words}, which the certificate demands (must-staple): clients may turn away");
    } else {
        tracing::warn!(%subject, "{words}");
    }
}

async fn wait_until(due: u64) {
    loop {
        let left = Duration::from_millis(due.saturating_sub(now()));
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(NAP)).await;
    }
}
