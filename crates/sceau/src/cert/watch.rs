//! `sceau cert watch`: how long certificates and lists still hold, for a timer that writes a letter when something ends soon.

use std::path::{Path, PathBuf};

use sceau_pki::Material;
use serde::Serialize;
use serde_json::json;

use super::inspect::days_left;
use crate::command::input::read_small;
use crate::failure::{Exit, Failure};
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau cert watch sas
  sceau cert watch --days 60 --json sas /etc/nginx/certs
  0 7 * * *  sceau cert watch --quiet --days 45 /srv/sas       (in a crontab)

Ends with 0 where everything holds for as long as --days says, with 1 where something ends sooner or is over. Lists are told too, and count once they are \
over: they are renewed each day.";

/// A list of many years may be long.
const LONGEST: u64 = 256 << 20;

/// What to watch.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct WatchOptions {
    /// How long before its end a certificate is to be told
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    days: u32,
    /// Print the result as JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Say nothing of what holds long enough
    #[arg(short, long)]
    quiet: bool,
    /// Files, and folders whose certificates and lists are read, PEM or DER
    #[arg(value_name = "FILE|FOLDER", required = true)]
    places: Vec<PathBuf>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Certificate,
    RevocationList,
}

/// One thing that ends.
#[derive(Debug, Serialize)]
struct Watched {
    file: PathBuf,
    kind: Kind,
    name: String,
    not_after: u64,
    days_left: i64,
    /// Whether somebody has to do something.
    soon: bool,
}

pub(super) fn run(options: &WatchOptions) -> Result<(), Failure> {
    let now = super::now();
    let mut all = Vec::new();
    for place in &options.places {
        if place.is_dir() {
            for file in files(place)? {
                // What else is in a folder is no certificate.
                all.extend(read(&file, options.days, now).unwrap_or_default());
            }
        } else {
            all.extend(read(place, options.days, now)?);
        }
    }
    if all.is_empty() {
        let words = "there is no certificate and no list: nothing would be watched";
        return Err(Failure::new(Exit::Input, "nothing_to_watch", words));
    }
    all.sort_by(|one, other| (one.not_after, &one.file).cmp(&(other.not_after, &other.file)));
    tell(&all, options)?;
    let soon = all.iter().filter(|one| one.soon).count() as u64;
    if soon == 0 {
        return Ok(());
    }
    let what = if soon == 1 { "1 is".to_owned() } else { format!("{} are", say::count(soon)) };
    Err(Failure::new(Exit::System, "ends_soon", format!("{what} to be renewed")))
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |cause| Failure::file("read the folder", folder, &cause);
    let entries = std::fs::read_dir(folder).map_err(failed)?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read(path: &Path, days: u32, now: u64) -> Result<Vec<Watched>, Failure> {
    let bytes = zeroize::Zeroizing::new(read_small(path, LONGEST, "a certificate or a list")?);
    let all =
        Material::read(&bytes, &path.display().to_string()).map_err(|error| super::fault::pki(&error))?;
    let watched = |kind: Kind, name: String, not_after: u64, least: i64| {
        let days_left = days_left(not_after, now);
        Watched { file: path.to_owned(), kind, name, not_after, days_left, soon: days_left < least }
    };
    let one = |one: &Material| match one {
        Material::Certificate(certificate) => {
            let name = certificate.subject().to_string();
            Some(watched(Kind::Certificate, name, certificate.not_after(), days.into()))
        }
        Material::List(list, _) => {
            Some(watched(Kind::RevocationList, list.issuer().to_string(), list.next_update(), 0))
        }
        _ => None,
    };
    Ok(all.iter().filter_map(one).collect())
}

fn tell(all: &[Watched], options: &WatchOptions) -> Result<(), Failure> {
    if options.json {
        return say::json(&json!({"watched": all}));
    }
    let shown = all.iter().filter(|one| one.soon || !options.quiet);
    let lines: Vec<_> = shown
        .map(|one| {
            let left = match one.days_left {
                days if days < 0 => format!("over since {}", say::day(one.not_after)),
                days => format!("{} left", say::counted(days.unsigned_abs(), "day")),
            };
            let kind = match one.kind {
                Kind::Certificate => "certificate",
                Kind::RevocationList => "list of",
            };
            format!(
                "{} {left:>22}  {kind} {} ({})",
                if one.soon { "!" } else { " " },
                one.name,
                one.file.display()
            )
        })
        .collect();
    if lines.is_empty() { Ok(()) } else { say::result(&lines.join("\n")) }
}
