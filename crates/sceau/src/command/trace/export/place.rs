//! Where an export goes. What has been sent has been taken once `send` returns.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sceau_client::{Server, Trust};
use sceau_pki::{Anchors, PrivateKey, TlsIdentity, client_config};
use sceau_trace::{LogEntry, otlp_logs};
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use url::Url;

use super::{EntryFormat, ExportOptions};
use crate::command::input;
use crate::failure::{Exit, Failure};

/// Syslog over TLS (RFC 5425 section 4.1).
const PORT: u16 = 6514;
const TIME_OUT: Duration = Duration::from_secs(30);

pub(super) enum Place {
    File { path: PathBuf, format: EntryFormat, enterprise: u32 },
    Syslog { receiver: Box<Receiver>, format: EntryFormat, enterprise: u32 },
    Collector(Box<Collector>),
}

pub(super) struct Receiver {
    host: String,
    port: u16,
    name: ServerName<'static>,
    connector: TlsConnector,
    demand_close: bool,
    runtime: Runtime,
}

pub(super) struct Collector {
    server: Server,
    path: String,
    runtime: Runtime,
}

impl Place {
    pub(super) fn of(options: &ExportOptions, format: EntryFormat) -> Result<Self, Failure> {
        let enterprise = options.enterprise;
        if let Some(address) = options.to.strip_prefix("tls://") {
            if format == EntryFormat::Otlp {
                return Err(usage("--format otlp goes to the https address of a collector, or into a file"));
            }
            return Ok(Self::Syslog {
                receiver: Box::new(Receiver::of(address, options)?),
                format,
                enterprise,
            });
        }
        if options.to.starts_with("https://") || options.to.starts_with("http://") {
            if format != EntryFormat::Otlp {
                return Err(usage(
                    "a collector takes --format otlp; the other formats go to tls://, or into a file",
                ));
            }
            return Ok(Self::Collector(Box::new(Collector::of(options)?)));
        }
        if options.to.contains("://") {
            return Err(usage("--to is tls://HOST[:PORT], https://HOST, or a file"));
        }
        Ok(Self::File { path: options.to.clone().into(), format, enterprise })
    }

    /// Sends entries, and waits until they are taken.
    pub(super) fn send(&self, entries: &[LogEntry]) -> Result<(), Failure> {
        match self {
            Self::File { path, format, enterprise } => {
                let lines = entries.iter().map(|entry| format.line(entry, *enterprise) + "\n");
                append(path, &lines.collect::<String>())
                    .map_err(|cause| Failure::file("add to", path, &cause))
            }
            Self::Syslog { receiver, format, enterprise } => {
                let messages = entries.iter().map(|entry| format.message(entry, *enterprise));
                // Each with its length in octets before it (RFC 5425 section 4.3).
                receiver.send(messages.map(|message| format!("{} {message}", message.len())).collect())
            }
            Self::Collector(collector) => collector.send(entries),
        }
    }
}

/// Durable once this returns. A line that an earlier run began and did not end is ended first.
pub(super) fn append(path: &Path, lines: &str) -> std::io::Result<()> {
    let mut file = File::options().read(true).append(true).create(true).open(path)?;
    if file.metadata()?.len() > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    file.write_all(lines.as_bytes())?;
    file.sync_data()
}

impl Receiver {
    fn of(address: &str, options: &ExportOptions) -> Result<Self, Failure> {
        let wrong = || usage("--to tls://HOST[:PORT]: a host, and a port if it is not 6514");
        let url = Url::parse(&format!("tls://{address}")).map_err(|_| wrong())?;
        let host = url.host_str().filter(|_| matches!(url.path(), "" | "/")).ok_or_else(wrong)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(host.clone()).map_err(|_| wrong())?;
        let anchors = options.to_anchors.as_deref();
        let anchors = anchors
            .ok_or_else(|| usage("tls:// wants --to-anchors: who issued the receiver's certificate"))?;
        let anchors = Anchors::from_pem(&text(anchors, "certificates")?, "--to-anchors")
            .map_err(|error| usage(&error.to_string()))?;
        let identity = options.to_identity.as_deref().map(identity).transpose()?;
        let mut config =
            client_config(&anchors, identity.as_ref()).map_err(|error| usage(&error.to_string()))?;
        // Syslog has no name among protocols.
        config.alpn_protocols.clear();
        let connector = TlsConnector::from(Arc::new(config));
        let (port, demand_close) = (url.port().unwrap_or(PORT), options.demand_close);
        Ok(Self { host, port, name, connector, demand_close, runtime: runtime()? })
    }

    /// Syslog acknowledges nothing. So each lot has a connection of its own, whose end we announce; that the receiver then ends it too says that it has read all
    /// (RFC 5425 section 4.4: by a `close_notify`, which not every receiver sends). One that falls before resets the connection, and is sent the lot again.
    fn send(&self, messages: Vec<String>) -> Result<(), Failure> {
        let sending = async {
            let tcp = TcpStream::connect((self.host.as_str(), self.port)).await?;
            let mut tls = self.connector.connect(self.name.clone(), tcp).await?;
            for message in &messages {
                tls.write_all(message.as_bytes()).await?;
            }
            tls.shutdown().await?;
            match ended(&mut tls).await {
                // Ended by the transport alone, without a reset: what was sent has been read.
                Err(cause) if cause.kind() == ErrorKind::UnexpectedEof && !self.demand_close => Ok(()),
                ended => ended,
            }
        };
        let timed = self.runtime.block_on(async { tokio::time::timeout(TIME_OUT, sending).await });
        let sent = timed.unwrap_or_else(|_| Err(std::io::Error::other("it does not answer in time")));
        sent.map_err(|cause| away(&format!("{}:{}", self.host, self.port), &cause.to_string()))
    }
}

/// Until the other side says no more.
async fn ended(tls: &mut TlsStream<TcpStream>) -> std::io::Result<()> {
    let mut said = [0; 512];
    while tls.read(&mut said).await? > 0 {}
    Ok(())
}

impl Collector {
    fn of(options: &ExportOptions) -> Result<Self, Failure> {
        let url = Url::parse(&options.to).map_err(|_| usage("--to: not an address"))?;
        let anchors_pem =
            options.to_anchors.as_deref().map(|path| input::read_small(path, 1 << 20, "certificates"));
        let trust = Trust { anchors_pem: anchors_pem.transpose()?, ..Trust::default() };
        let server = Server::new(&url.origin().ascii_serialization(), &trust)?;
        // Where logs go below a collector's address (OTLP/HTTP).
        let path = if url.path() == "/" { "/v1/logs".to_owned() } else { url.path().to_owned() };
        Ok(Self { server, path, runtime: runtime()? })
    }

    fn send(&self, entries: &[LogEntry]) -> Result<(), Failure> {
        let body = otlp_logs(entries).to_string();
        let answered = self.server.post_text::<Answer>(&self.path, "application/json", body);
        let answered = self
            .runtime
            .block_on(answered)
            .map_err(|error| away(&self.server.origin(), &error.to_string()))?;
        let partial = answered.partial_success;
        // What it will not take now, it will not take later: to go on would lose it.
        if partial.rejected_log_records.0 > 0 {
            let words = format!(
                "{} rejected {} entries: {}",
                self.server.origin(),
                partial.rejected_log_records.0,
                partial.error_message
            );
            return Err(Failure::new(Exit::Input, "rejected", words));
        }
        Ok(())
    }
}

/// `ExportLogsServiceResponse`.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Answer {
    partial_success: Partial,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Partial {
    rejected_log_records: Count,
    error_message: String,
}

/// A number of 64 bits: proto3's JSON has it in quotation marks, and readers take both.
#[derive(Deserialize, Default)]
#[serde(try_from = "serde_json::Value")]
struct Count(u64);

impl TryFrom<serde_json::Value> for Count {
    type Error = &'static str;

    fn try_from(value: serde_json::Value) -> Result<Self, Self::Error> {
        let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
        number.map(Self).ok_or("a number")
    }
}

fn identity(path: &Path) -> Result<TlsIdentity, Failure> {
    let pem = text(path, "a certificate and its key")?;
    let key = PrivateKey::from_pem(&pem).map_err(|error| usage(&format!("{}: {error}", path.display())))?;
    TlsIdentity::new(&pem, key).map_err(|error| usage(&format!("{}: {error}", path.display())))
}

fn text(path: &Path, what: &str) -> Result<String, Failure> {
    Ok(String::from_utf8_lossy(&input::read_small(path, 1 << 20, what)?).into_owned())
}

pub(super) fn runtime() -> Result<Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|cause| Failure::system("start the runtime", &cause))
}

fn usage(words: &str) -> Failure {
    Failure::new(Exit::Usage, "export", words)
}

fn away(place: &str, cause: &str) -> Failure {
    Failure::new(Exit::System, "place_away", format!("{place} did not take what was sent: {cause}"))
}
