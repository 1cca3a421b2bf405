//! The servers at the other end of TLS: whether somebody listens there, what certificate is shown, for whom and how long, and what time they have.
//! Nothing secret is said here; whether a server lets us in is another check.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sceau_pki::{Anchors, Certificate, ServerRefusal, judge_server, looking_config};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};

use super::{Finding, certificates, local};

/// How long a server may be silent.
const SILENCE: Duration = Duration::from_secs(5);
/// The request for PostgreSQL to begin TLS (its manual, 55.7: SSLRequest).
const POSTGRESQL_TLS: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// How TLS begins there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begin {
    /// With the connection, and HTTP is spoken in it.
    Https,
    /// There is none: HTTP in clear, on this machine.
    Http,
    /// With the connection.
    Tls,
    /// When PostgreSQL is asked to.
    Postgresql,
    /// When a mail server is asked to (RFC 3207).
    StartTls,
}

/// A server.
#[derive(Debug)]
pub(super) struct Peer {
    /// In words.
    pub(super) what: &'static str,
    /// Its name, as its certificate has it.
    pub(super) host: String,
    /// Its port.
    pub(super) port: u16,
    /// How TLS begins.
    pub(super) begin: Begin,
    /// The file of authorities that are trusted for it, where it is not the system's alone.
    pub(super) authorities: Option<PathBuf>,
}

/// What was seen of one.
#[derive(Debug, Default)]
struct Seen {
    chain: Vec<CertificateDer<'static>>,
    date: Option<OffsetDateTime>,
}

impl Peer {
    /// Of a web address.
    pub(super) fn of(what: &'static str, address: &str, authorities: Option<PathBuf>) -> Option<Self> {
        let url = url::Url::parse(address).ok()?;
        let begin = if url.scheme() == "https" { Begin::Https } else { Begin::Http };
        let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
        Some(Self { what, host, port: url.port_or_known_default()?, begin, authorities })
    }
}

pub(super) async fn look(peer: &Peer, now_ms: u64) -> Vec<Finding> {
    let Peer { what, host, port, .. } = peer;
    let place = format!("{what} at {host}:{port}");
    let seen = tokio::time::timeout(SILENCE, see(peer)).await;
    let seen = seen.unwrap_or_else(|_| {
        Err(("it is silent".to_owned(), "look at the firewall between, and whether this is its port"))
    });
    match seen {
        Err((why, advice)) => vec![Finding::trouble("reach", format!("{place}: {why}"), advice)],
        Ok(Seen { chain, date }) => {
            let mut findings = Vec::new();
            if peer.begin != Begin::Http {
                findings.push(judged(peer, &place, &chain, now_ms));
            }
            findings.extend(date.map(|date| local::clock(&place, date, now_ms)));
            findings
        }
    }
}

fn judged(peer: &Peer, place: &str, chain: &[CertificateDer<'static>], now_ms: u64) -> Finding {
    let leaf = chain.first().and_then(|leaf| Certificate::from_der(leaf, place).ok());
    let Some(leaf) = leaf else {
        let advice = "look at the server: what it shows is no certificate";
        return Finding::trouble("certificate", format!("{place} shows none that can be read"), advice);
    };
    let text = peer.authorities.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
    let anchors = text.and_then(|text| Anchors::from_pem(&text, "ca_file").ok());
    let refused = anchors.and_then(|anchors| judge_server(&anchors, &peer.host, chain, now_ms).err());
    let issuer = leaf.issuer();
    match refused {
        None | Some(ServerRefusal::Expired) => certificates::validity(place, &leaf, now_ms),
        Some(why) => {
            let advice = match &why {
                ServerRefusal::Untrusted => {
                    "put the root of that issuer into ca_file, and let the server send the intermediates with its certificate"
                }
                ServerRefusal::AnotherHost(_) => {
                    "write the host as its certificate has it, or have one issued for this name"
                }
                ServerRefusal::NotYetValid => "compare the clocks of both machines (timedatectl)",
                _ => "have another certificate issued for that server",
            };
            Finding::trouble("certificate", format!("{place} shows a certificate of {issuer}: {why}"), advice)
        }
    }
}

type Why = (String, &'static str);

async fn see(peer: &Peer) -> Result<Seen, Why> {
    let mut stream = connect(peer).await?;
    let told = |error: std::io::Error| {
        (format!("it answers, but not with TLS: {error}"), "look at the port and at how TLS begins there")
    };
    match peer.begin {
        Begin::Http => return Ok(Seen { chain: Vec::new(), date: date(&mut stream, &peer.host).await }),
        Begin::Postgresql => begin_postgresql(&mut stream).await.map_err(told)?,
        Begin::StartTls => begin_mail(&mut stream).await.map_err(told)?,
        Begin::Https | Begin::Tls => {}
    }
    let config = looking_config().map_err(|error| (error.to_string(), "this program cannot speak TLS"))?;
    let name = ServerName::try_from(peer.host.clone());
    let name =
        name.map_err(|_| ("no certificate is made for such a name".to_owned(), "write its host name"))?;
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(told)?;
    let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
    let chain = chain.iter().map(|one| one.clone().into_owned()).collect();
    let date = if peer.begin == Begin::Https { date(&mut stream, &peer.host).await } else { None };
    Ok(Seen { chain, date })
}

async fn connect(peer: &Peer) -> Result<TcpStream, Why> {
    let (host, port) = (peer.host.as_str(), peer.port);
    // A name under localhost is this machine (RFC 6761 §6.3), whatever a resolver says.
    let host = if host.ends_with(".localhost") { "localhost" } else { host };
    let found = tokio::net::lookup_host((host, port)).await;
    let addresses: Vec<_> = match found {
        Ok(addresses) => addresses.collect(),
        Err(error) => {
            return Err((
                format!("its name is not found ({error})"),
                "mend the name, or the resolver of this machine",
            ));
        }
    };
    TcpStream::connect(&addresses[..]).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::ConnectionRefused => {
            ("nobody listens there".to_owned(), "start it, or mend its port")
        }
        _ => (error.to_string(), "look at the network and the firewall between"),
    })
}

/// The `Date` of an answer to HEAD (RFC 9110 §6.6.1).
async fn date(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), host: &str) -> Option<OffsetDateTime> {
    let asked = format!("HEAD / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(asked.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    // Whoever ends the connection without saying so has said enough.
    let _ = stream.take(16 * 1024).read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    let line = answer
        .lines()
        .find_map(|line| line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("date")))?;
    OffsetDateTime::parse(line.1.trim(), &Rfc2822).ok()
}

async fn begin_postgresql(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(&POSTGRESQL_TLS).await?;
    match stream.read_u8().await? {
        b'S' => Ok(()),
        _ => Err(std::io::Error::other("the server has none (ssl = off)")),
    }
}

async fn begin_mail(stream: &mut TcpStream) -> std::io::Result<()> {
    for (order, wanted) in [("", "220"), ("EHLO doctor.invalid\r\n", "250"), ("STARTTLS\r\n", "220")] {
        stream.write_all(order.as_bytes()).await?;
        let last = reply(stream).await?;
        if !last.starts_with(wanted) {
            return Err(std::io::Error::other(format!(
                "the server answers {}",
                last.get(..3).unwrap_or("nothing")
            )));
        }
    }
    Ok(())
}

/// The last line of a reply (RFC 5321 §4.2): the one without a hyphen after its code.
async fn reply(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut line = Vec::new();
    loop {
        let byte = stream.read_u8().await?;
        if byte != b'\n' {
            line.push(byte);
            continue;
        }
        if line.get(3) != Some(&b'-') || line.len() > 1000 {
            return Ok(String::from_utf8_lossy(&line).into_owned());
        }
        line.clear();
    }
}
