//! The servers that the platform's settings name: whether each lets us in and does its work.

use std::path::Path;
use std::time::Duration;

use super::peers::{self, Begin, Peer};
use super::{Finding, State, certificates, identity, outside, records, servers};
use crate::failure::Failure;
use crate::serve::bus::BusSettings;
use crate::serve::database::DatabaseSettings;
use crate::serve::mail::{MailSettings, Tls};
use crate::serve::mob::DANGERS;
use crate::serve::objects::ObjectsSettings;
use crate::serve::settings::Settings;

/// How long a server that was reached may say nothing to our login.
const SILENCE: Duration = Duration::from_secs(15);

/// The servers in words.
const DATABASE: &str = "PostgreSQL";
const OBJECTS: &str = "the object store";
const MAIL: &str = "the mail server";
const BROKER: &str = "the broker";
const MOB: servers::Role = ("mob", "MOB's host");

pub(super) async fn look(config: &Path, data: &Path, anchors: Option<&Path>, now_ms: u64) -> Vec<Finding> {
    let settings = match Settings::read(Some(config)) {
        Ok(settings) => settings,
        Err(failure) => {
            let advice = "mend that line; `sceau serve platform --config FILE --check` judges the file alone";
            return vec![Finding::trouble("settings", failure.to_string(), advice)];
        }
    };
    let mut findings = vec![Finding::well("settings", format!("{} is usable", config.display()))];
    let mut away = Vec::new();
    for peer in peers(&settings) {
        let seen = peers::look(&peer, now_ms).await;
        if seen.iter().any(|finding| finding.state == State::Trouble && finding.check != "clock") {
            away.push(peer.what);
        }
        findings.extend(seen);
        findings.extend(peer.authorities.iter().flat_map(|file| certificates::file(file, now_ms)));
    }
    // Who is away, or cannot be believed, is not asked more: that alone is to be mended first. A password that cannot be read is said anyway.
    let there = |what: &str| !away.contains(&what);
    if there(DATABASE) || settings.database.server().is_err() {
        findings.extend(records::look(&settings.database, now_ms).await);
    }
    if there(OBJECTS) || settings.objects.open(data).is_err() {
        findings.extend(objects(&settings, data).await);
    }
    if there(MAIL) || settings.mail.server().is_err() {
        findings.extend(mail(&settings.mail).await);
    }
    if there(BROKER) || settings.bus.as_ref().is_some_and(|bus| bus.broker().is_err()) {
        findings.extend(bus(&settings).await);
    }
    findings.extend(identity::look(&settings).await);
    findings.extend(mob(&settings, anchors, now_ms).await);
    findings.extend(outside::look(&settings, now_ms).await);
    findings
}

/// MOB's host, where the settings switch it on.
async fn mob(settings: &Settings, anchors: Option<&Path>, now_ms: u64) -> Vec<Finding> {
    let Some(table) = &settings.mob else { return Vec::new() };
    let mut findings = servers::role(MOB, table.url(), anchors, now_ms).await;
    let found = format!("mob-2022 is on, and gives up {}", DANGERS.join(", "));
    findings.push(Finding::notice(MOB.0, found, "what that means, and what remains: docs/mob-2022.md"));
    if settings.database.is_file() || !settings.objects.is_server() {
        let found = "records or objects are files of the platform's user, which MOB's host works on too";
        let advice = "to give the host a user of its own, keep records on PostgreSQL and objects in an S3 store: docs/deploy/mob.md";
        findings.push(Finding::notice(MOB.0, found, advice));
    }
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

/// Whether a mail server takes our login.
pub(super) async fn mail(settings: &MailSettings) -> Option<Finding> {
    const ADVICE: &str = "letters wait in the outbox until it is mended: host, port, kind of TLS, certificate (ca_file), user and password: \
                          docs/deploy/smtp.md";
    let server = match settings.server() {
        Ok(server) => server?,
        Err(failure) => return Some(refused("mail", &failure, ADVICE)),
    };
    Some(match tokio::time::timeout(SILENCE, server.probe()).await {
        Ok(Ok(())) => Finding::well("mail", "the mail server took TLS and login; nothing was sent"),
        Ok(Err(reason)) => Finding::trouble("mail", reason, ADVICE),
        Err(_) => Finding::trouble("mail", "the mail server is silent after TLS", ADVICE),
    })
}

async fn bus(settings: &Settings) -> Vec<Finding> {
    const ADVICE: &str = "messages wait in the outbox until it is mended: address, certificate (ca_file), password, and the definitions of \
                          `sceau bus definitions` imported: docs/deploy/rabbitmq.md";
    let Some(bus) = &settings.bus else { return Vec::new() };
    let broker = match bus.broker() {
        Ok(broker) => broker,
        Err(failure) => return vec![refused("bus", &failure, ADVICE)],
    };
    let mut findings = Vec::new();
    for vhost in bus.vhosts() {
        findings.push(match broker.connect(&vhost).await {
            Ok(_) => Finding::well("bus", format!("the broker lets us into {vhost}")),
            Err(error) => Finding::trouble("bus", format!("{vhost}: {error}"), ADVICE),
        });
    }
    findings
}

/// The servers of the settings that are spoken to over TLS.
fn peers(settings: &Settings) -> Vec<Peer> {
    let mut peers = Vec::new();
    if let DatabaseSettings::Postgresql { url, ca_file, .. } = &settings.database {
        // A socket, and a tunnel on loopback, have no TLS.
        let url = url::Url::parse(url)
            .ok()
            .filter(|url| !url.query().is_some_and(|query| query.contains("disable")));
        if let Some(host) = url.as_ref().and_then(url::Url::host_str).filter(|host| !host.is_empty()) {
            let port = url.as_ref().and_then(url::Url::port).unwrap_or(5432);
            let (what, host, begin) = (DATABASE, host.to_owned(), Begin::Postgresql);
            peers.push(Peer { what, host, port, begin, authorities: ca_file.clone() });
        }
    }
    if let ObjectsSettings::S3 { endpoint, ca_file, .. } = &settings.objects {
        peers.extend(Peer::of(OBJECTS, endpoint, ca_file.clone()));
    }
    peers.extend(mail_server(&settings.mail));
    if let Some((address, ca_file)) = settings.bus.as_ref().map(BusSettings::place) {
        let url = url::Url::parse(address).ok();
        if let Some((url, host)) = url.as_ref().and_then(|url| Some((url, url.host_str()?))) {
            let (host, port) = (host.trim_matches(['[', ']']).to_owned(), url.port().unwrap_or(5671));
            let authorities = Some(ca_file.to_owned());
            peers.push(Peer { what: BROKER, host, port, begin: Begin::Tls, authorities });
        }
    }
    peers
}

/// The mail server, where there is one.
pub(super) fn mail_server(settings: &MailSettings) -> Option<Peer> {
    let MailSettings::Smtp { host, port, tls, ca_file, .. } = settings else { return None };
    let (begin, usual) = match tls {
        Tls::Implicit => (Begin::Tls, 465),
        Tls::Starttls => (Begin::StartTls, 587),
    };
    let (what, host, port) = (MAIL, host.clone(), port.unwrap_or(usual));
    Some(Peer { what, host, port, begin, authorities: ca_file.clone() })
}

/// What settings or a password file of ours prevent says itself what to do.
fn refused(check: &'static str, failure: &Failure, advice: &str) -> Finding {
    Finding::trouble(check, failure.to_string(), advice)
}
