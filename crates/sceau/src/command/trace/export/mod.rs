//! `sceau trace export`: a log's entries, verified, to the systems of a security operations centre.

mod follow;
mod lines;
mod place;
mod position;

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use sceau_trace::LogEntry;
use serde_json::json;

use super::source::Source;
use crate::failure::{Exit, Failure};
use crate::say;
use follow::Follower;
use place::Place;
use position::Position;

const EXAMPLES: &str = "\
Examples:
  sceau trace export https://sceau.example.org --log-key @log.vkey --to tls://siem.example.org --to-anchors siem.pem --position soc.json
  sceau trace export https://sceau.example.org --log-key @log.vkey --format cef --to tls://siem.example.org:6514 --to-anchors siem.pem \
--position soc.json --every 10
  sceau trace export https://sceau.example.org --log-key @log.vkey --format otlp --to https://collector.example.org:4318 --position soc.json

Each entry is verified before it is sent: it is in the log that the checkpoint signs, and that log extends what was exported before. The file \
given with --position says how far that is, and is written once what was sent has been taken: after a broken connection the last \
entries may come twice, at most 256 of them, and none is left out. What comes out is what the public log says: no person, commitments only. \
With --format dws it is what the element alone can say: who was given or denied the key of which datum, into a file.";

/// What to export, from where to where.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExportOptions {
    /// A folder of tiles, or the address of a log; with --format dws the element's socket
    #[arg(value_name = "FOLDER_OR_URL")]
    log: String,
    /// The log's public key, or @FILE that holds it
    #[arg(long, value_name = "VKEY|@FILE")]
    log_key: String,
    /// How an entry is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Where to: tls://HOST[:6514] (syslog), https://HOST (an OpenTelemetry collector), or a file that is added to
    #[arg(long, value_name = "PLACE")]
    to: String,
    /// The file that says how far the export is
    #[arg(long, value_name = "FILE")]
    position: PathBuf,
    /// Where there is no such file yet, begin with what comes from now on
    #[arg(long)]
    from_now: bool,
    /// Go on, and look for new entries after so many seconds; without it, stop at the log's end
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    every: Option<u64>,
    /// Certificates (PEM) to trust for the log's address, instead of the system's
    #[arg(long, value_name = "FILE")]
    anchors: Option<PathBuf>,
    /// Certificates (PEM) to trust for the place; needed for tls://
    #[arg(long, value_name = "FILE")]
    to_anchors: Option<PathBuf>,
    /// A certificate (PEM, with its key) to show to a tls:// place that asks for one
    #[arg(long, value_name = "FILE")]
    to_identity: Option<PathBuf>,
    /// Take nothing for received over tls:// unless the receiver ends the connection by `close_notify` (RFC 5425 section 4.4), which rsyslog with GnuTLS does not
    #[arg(long)]
    demand_close: bool,
    /// The private enterprise number of syslog's structured data; 32473 is the one for examples (RFC 5612)
    #[arg(long, value_name = "NUMBER", default_value_t = 32473)]
    enterprise: u32,
    /// Print the result as JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// How an entry is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Format {
    /// RFC 5424, fields as structured data
    #[default]
    Syslog,
    /// Common Event Format; over tls:// in a syslog message
    Cef,
    /// Open Cybersecurity Schema Framework, JSON; over tls:// in a syslog message
    Ocsf,
    /// OpenTelemetry's logs, JSON
    Otlp,
    /// Who was given the key of which datum or denied it, with names, under the element's HMAC: see docs/trace-lines.md
    Dws,
}

/// How an entry of the log is written: what `--format` says, but for lines of `dws`, which are no entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EntryFormat {
    Syslog,
    Cef,
    Ocsf,
    Otlp,
}

impl Format {
    /// None of lines that come another way.
    fn of_entries(self) -> Option<EntryFormat> {
        match self {
            Self::Syslog => Some(EntryFormat::Syslog),
            Self::Cef => Some(EntryFormat::Cef),
            Self::Ocsf => Some(EntryFormat::Ocsf),
            Self::Otlp => Some(EntryFormat::Otlp),
            Self::Dws => None,
        }
    }
}

impl EntryFormat {
    /// One line each, without its end.
    fn line(self, entry: &LogEntry, enterprise: u32) -> String {
        match self {
            Self::Syslog => entry.to_syslog(enterprise),
            Self::Cef => entry.to_cef(),
            Self::Ocsf => entry.to_ocsf().to_string(),
            Self::Otlp => sceau_trace::otlp_logs(std::slice::from_ref(entry)).to_string(),
        }
    }

    /// The message that a syslog receiver takes.
    fn message(self, entry: &LogEntry, enterprise: u32) -> String {
        match self {
            Self::Syslog => entry.to_syslog(enterprise),
            _ => entry.in_syslog(&self.line(entry, enterprise)),
        }
    }
}

pub(super) use lines::verify as verify_lines;

pub(super) fn run(options: &ExportOptions) -> Result<(), Failure> {
    let Some(format) = options.format.of_entries() else { return lines::run(options) };
    let key = super::log_key(&options.log_key)?;
    let place = Place::of(options, format)?;
    let source = Source::of(&options.log, options.anchors.as_deref())?.ok_or_else(|| {
        let words = format!("{}: neither a folder of tiles nor the address of a log", options.log);
        Failure::new(Exit::Usage, "log_none", words)
    })?;
    let position = Position::read(&options.position, &key)?;
    let mut follower = Follower::new(source, key, position);
    if options.from_now {
        follower.begin_at_end(&options.position)?;
    }
    let pauses = place::runtime()?;
    let mut sent = 0;
    loop {
        let round = follower.round(|entries| place.send(entries), &options.position, &mut sent);
        let Some(every) = options.every else {
            round?;
            return tell(&follower, sent, options);
        };
        match round {
            // What the system or another program is at fault for may be over in a moment; what is forged stays so.
            Err(failure) if failure.exit == Exit::System => {
                say::remark(&format!("{failure}; trying again in {every} s"))
            }
            round => round?,
        }
        pauses.block_on(tokio::time::sleep(Duration::from_secs(every)));
    }
}

fn tell(follower: &Follower, sent: u64, options: &ExportOptions) -> Result<(), Failure> {
    if options.json {
        return say::json(
            &json!({"sent": sent, "next": follower.next(), "log": follower.origin(), "to": options.to}),
        );
    }
    say::remark(&format!(
        "Exported {} to {}; the next is {}",
        say::counted(sent, "entry"),
        options.to,
        follower.next()
    ));
    Ok(())
}
