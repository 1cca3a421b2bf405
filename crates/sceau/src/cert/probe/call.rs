//! The steps of one call: name, connection, TLS, the server's certificate, what it asks of clients, and its answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sceau_pki::{
    Anchors, Certificate, Name, ServerRefusal, TlsIdentity, asking_config, client_config, judge_server,
};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ProtocolVersion;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::{TlsConnector, rustls::ClientConfig};

use super::{State, Step, answer, staple};
use crate::say;

/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whom to call, and as whom.
pub(super) struct Plan {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) path: String,
    pub(super) anchors: Anchors,
    pub(super) identity: Option<TlsIdentity>,
    pub(super) now: u64,
}

/// What went before the first step that failed, and that step.
pub(super) async fn steps(plan: &Plan) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Err(failed) = walk(plan, &mut steps).await {
        steps.push(failed);
    }
    steps
}

async fn walk(plan: &Plan, steps: &mut Vec<Step>) -> Result<(), Step> {
    let addresses = resolved(plan).await?;
    let told: Vec<_> = addresses.iter().map(|one| one.ip().to_string()).collect();
    steps.push(Step::well("name", format!("{} is {}", plan.host, told.join(", "))));
    let stream = connected(plan, &addresses).await?;
    let peer = stream.peer_addr().map(|peer| peer.to_string()).unwrap_or_default();
    steps.push(Step::well("connection", format!("{peer} takes connections")));

    // First without our certificate, to look: a server that is not the one that is meant gets nothing of ours.
    let (config, wish) =
        asking_config().map_err(|error| Step::new("tls", State::Trouble, error.to_string()))?;
    let looked = handshake(plan, stream, config).await;
    let shown = wish.chain();
    steps.push(match &looked {
        Ok(looked) => version(looked),
        // In TLS 1.2, who demands a certificate ends the handshake of who has none. What it showed and asked before is known.
        Err(_) if !shown.is_empty() && wish.authorities().is_some() => {
            Step::well("tls", "TLS 1.2, which the server finishes with nobody who shows no certificate")
        }
        Err(why) => {
            return Err(Step::new("tls", State::Trouble, format!("no TLS: {why}"))
                .but("look at the port, and whether the server speaks TLS 1.2 or 1.3"));
        }
    });
    drop(looked);
    steps.push(server(plan, &shown)?);
    steps.extend(staple::step(&shown, wish.stapled().as_deref(), plan.now));
    let asked = wish.authorities();
    steps.push(asks(plan, asked.as_deref()));

    let mut config = client_config(&plan.anchors, plan.identity.as_ref())
        .map_err(|error| Step::new("certificate", State::Trouble, error.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let stream = connected(plan, &addresses).await?;
    let stream = handshake(plan, stream, config).await.map_err(|why| answer::refused_in_tls(plan, &why))?;
    answer::ask(plan, stream, asked.is_some(), steps).await
}

async fn resolved(plan: &Plan) -> Result<Vec<SocketAddr>, Step> {
    // A name under localhost is this machine (RFC 6761 §6.3), whatever a resolver says.
    let host = if plan.host.ends_with(".localhost") { "localhost" } else { &plan.host };
    let failed = |why: String| {
        Step::new("name", State::Trouble, format!("{} is not found: {why}", plan.host)).but(
            "mend the name, or the resolver of this machine; a private name needs the partner's own network",
        )
    };
    let found = tokio::time::timeout(PATIENCE, tokio::net::lookup_host((host, plan.port))).await;
    let found = found.map_err(|_| failed("the resolver is silent".to_owned()))?;
    let found: Vec<_> = found.map_err(|error| failed(error.to_string()))?.collect();
    if found.is_empty() { Err(failed("it has no address".to_owned())) } else { Ok(found) }
}

async fn connected(plan: &Plan, addresses: &[SocketAddr]) -> Result<TcpStream, Step> {
    let tried = tokio::time::timeout(PATIENCE, TcpStream::connect(addresses)).await;
    let failed = |why: &str, advice: &str| {
        Step::new("connection", State::Trouble, format!("{}:{} {why}", plan.host, plan.port)).but(advice)
    };
    match tried {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            Err(failed("refuses connections", "is it the right port, and does the service run?"))
        }
        Ok(Err(error)) => {
            Err(failed(&format!("cannot be reached: {error}"), "look at the routes and firewalls between"))
        }
        Err(_) => Err(failed(
            "is silent",
            "a firewall drops the packets: has the partner let this machine's public address in?",
        )),
    }
}

async fn handshake(
    plan: &Plan,
    stream: TcpStream,
    config: ClientConfig,
) -> Result<TlsStream<TcpStream>, String> {
    let name = ServerName::try_from(plan.host.clone()).map_err(|error| error.to_string())?;
    let shaken = TlsConnector::from(Arc::new(config)).connect(name, stream);
    match tokio::time::timeout(PATIENCE, shaken).await {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(_) => Err("the server is silent".to_owned()),
    }
}

fn version(looked: &TlsStream<TcpStream>) -> Step {
    let (_, connection) = looked.get_ref();
    let version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
        Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
        _ => "another version of TLS",
    };
    let suite =
        connection.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite())).unwrap_or_default();
    Step::well("tls", format!("{version}, {suite}"))
}

fn server(plan: &Plan, shown: &[CertificateDer<'_>]) -> Result<Step, Step> {
    let leaf = shown.first().and_then(|leaf| Certificate::from_der(leaf, "the server's certificate").ok());
    let Some(leaf) = leaf else {
        return Err(Step::new("server", State::Refused, "it shows no certificate that can be read"));
    };
    let named = format!(
        "{} by {}, until {}, {} sent",
        leaf.subject(),
        leaf.issuer(),
        say::day(leaf.not_after()),
        shown.len()
    );
    match judge_server(&plan.anchors, &plan.host, shown, plan.now) {
        Ok(()) => Ok(Step::well("server", named)),
        Err(why) => {
            let advice = match &why {
                ServerRefusal::Untrusted => {
                    "the partner's server must send its intermediate certificates; a private authority is given with --anchors"
                }
                ServerRefusal::AnotherHost(_) => {
                    "call it by a name that is in its certificate, or have one issued for this name"
                }
                ServerRefusal::NotYetValid => "compare the clocks of both machines (timedatectl)",
                _ => "the partner has to install another certificate",
            };
            Err(Step::new("server", State::Refused, format!("{named}: {why}")).but(advice))
        }
    }
}

/// Whether it asks for a certificate, and whether ours would be one of those that it names.
fn asks(plan: &Plan, authorities: Option<&[Name]>) -> Step {
    let Some(authorities) = authorities else {
        return Step::new(
            "asks",
            State::Notice,
            "the server asks no client for a certificate in the handshake",
        )
        .but("it may do so for one path or host name only, later; else its mutual TLS is off");
    };
    let named = match authorities {
        [] => "of any authority".to_owned(),
        some => some.iter().map(|name| format!("of {name}")).collect::<Vec<_>>().join("; "),
    };
    let step = Step::well("asks", format!("the server asks for a client certificate {named}"));
    let Some(identity) = &plan.identity else { return step };
    let ours = identity.issuers();
    if authorities.is_empty() || ours.iter().any(|issuer| authorities.contains(issuer)) {
        return step;
    }
    let issuer = ours.first().map(ToString::to_string).unwrap_or_default();
    Step { state: State::Notice, ..step }.but(format!(
        "ours is of {issuer}, which it does not name: is it the other chain (test, production)?"
    ))
}
