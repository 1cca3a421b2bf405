//! `sceau cert config`: correct settings for those who keep their nginx, Apache, HAProxy or Traefik: exact names, one issuer, lists, one path.

mod apache;
mod haproxy;
mod nginx;
mod ocsp;
mod traefik;

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use sceau_pki::{AuthorityChain, Certificate, Material, Profile};

use super::{fault, profile};
use crate::command::input::read_small;
use crate::failure::{Exit, Failure};
use crate::say;
use ocsp::{Ocsp, OcspOptions};

const EXAMPLES: &str = "\
Examples:
  sceau cert config nginx --profile sas --env production --path /sas
  sceau cert config haproxy --profile sas --env recette --env preproduction --path /sas
  sceau cert config nginx --profile sas --env production --ocsp --resolver 127.0.0.53 --staple

What is printed goes into the server's own folder of settings. It was tried with the real nginx, Apache and HAProxy; of Traefik's, the form alone was checked. What each cannot do is said in the first lines.";

/// Which server, and what it guards.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ConfigOptions {
    /// The server
    #[arg(value_enum)]
    server: Server,
    /// Who may call: a profile's name, or its file (./mine.toml)
    #[arg(long, value_name = "NAME|FILE")]
    profile: String,
    /// Environment that calls; two may share an endpoint if their certificates are of the same chain
    #[arg(long, value_name = "ENV", required = true)]
    env: Vec<String>,
    /// The path that is guarded
    #[arg(long, value_name = "PATH", default_value = "/")]
    path: String,
    /// Where the service itself listens
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    upstream: url::Url,
    /// Port to listen on
    #[arg(long, default_value_t = 443)]
    port: u16,
    /// Name of the server
    #[arg(long, value_name = "HOST", default_value = "localhost")]
    server_name: String,
    /// Folder with the authorities' certificates and lists, in PEM (sceau cert convert)
    #[arg(long, value_name = "FOLDER", default_value = "/etc/ssl/sas")]
    folder: PathBuf,
    /// The server's own certificate and what stands between it and its anchor, in PEM; for HAProxy its key too
    #[arg(long, value_name = "FILE", default_value = "/etc/ssl/server.pem")]
    certificate: PathBuf,
    /// The server's own key
    #[arg(long, value_name = "FILE", default_value = "/etc/ssl/server.key")]
    key: PathBuf,
    /// Certificate of the authority that issues the clients: its whole name is then compared, and not what the profile knows of it
    #[arg(long, value_name = "FILE")]
    issuer: Option<PathBuf>,
    /// Let each environment in from its own addresses only
    #[arg(long)]
    filter_addresses: bool,
    #[command(flatten)]
    ocsp: OcspOptions,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Server {
    Nginx,
    Apache,
    Haproxy,
    Traefik,
}

/// What a configuration is to say.
struct Wanted {
    clients: Vec<Client>,
    chain: AuthorityChain,
    issuer: Issuer,
    depth: u8,
    /// Without a slash at its end: empty for everything.
    path: String,
    /// `host:port`
    upstream: String,
    port: u16,
    server_name: String,
    authorities: String,
    lists: String,
    certificate: String,
    key: String,
    filter_addresses: bool,
    ocsp: Ocsp,
}

/// Whose certificates are taken, as far as it is known.
enum Issuer {
    /// The whole subject (RFC 4514), and the common name in it.
    Whole(String, String),
    CommonName(String),
    /// Of the common name.
    Begins(String),
}

/// Who may call.
struct Client {
    id: String,
    common_name: String,
    units: Vec<String>,
    addresses: Vec<IpAddr>,
}

pub(super) fn run(options: &ConfigOptions) -> Result<(), Failure> {
    let profile = profile::named(&options.profile)?;
    let wanted = wanted(&profile, options)?;
    let text = match options.server {
        Server::Nginx => nginx::text(&wanted),
        Server::Apache => apache::text(&wanted),
        Server::Haproxy => haproxy::text(&wanted),
        Server::Traefik => traefik::text(&wanted),
    };
    say::bytes(text.as_bytes())
}

fn wanted(profile: &Profile, options: &ConfigOptions) -> Result<Wanted, Failure> {
    let (mut clients, mut chains): (Vec<Client>, Vec<AuthorityChain>) = (Vec::new(), Vec::new());
    for env in &options.env {
        let environment = profile::environment(profile, env)?;
        chains.extend(profile.chain_of(environment).cloned());
        clients.push(Client {
            id: environment.id.clone(),
            common_name: environment.common_name(),
            units: environment.organizational_units(),
            addresses: environment.addresses.clone(),
        });
    }
    let Some(chain) = chains.first().cloned().filter(|first| chains.iter().all(|chain| chain.id == first.id))
    else {
        let words = "these environments have certificates of different authorities: give each a server, or a port, of its own";
        return Err(fault::usage("different_chains", words));
    };
    let upstream = match (
        options.upstream.scheme(),
        options.upstream.host_str(),
        options.upstream.port_or_known_default(),
    ) {
        ("http", Some(host), Some(port)) => format!("{host}:{port}"),
        _ => return Err(fault::usage("upstream", "--upstream is written http://host:port")),
    };
    let places =
        [&options.folder, &options.certificate, &options.key].map(|path| path.to_string_lossy().into_owned());
    let plain = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-~".contains(c))
    };
    let texts = places.iter().map(String::as_str).chain([options.server_name.as_str()]);
    if !options.path.starts_with('/') || !plain(&options.path) || !texts.into_iter().all(plain) {
        let words = "paths, files and names take letters, digits, dots, hyphens, underscores and slashes here, so that no server reads them otherwise";
        return Err(fault::usage("plain_names", words));
    }
    let [folder, certificate, key] = places;
    let issuer = issuer(&chain, options.issuer.as_deref())?;
    Ok(Wanted {
        clients,
        depth: profile.tls.depth,
        path: options.path.trim_end_matches('/').to_owned(),
        upstream,
        port: options.port,
        server_name: options.server_name.clone(),
        authorities: format!("{folder}/{}", chain.certificates_file),
        lists: format!("{folder}/{}", chain.lists_file),
        chain,
        issuer,
        certificate,
        key,
        filter_addresses: options.filter_addresses,
        ocsp: options.ocsp.read(options.server, profile)?,
    })
}

fn issuer(chain: &AuthorityChain, file: Option<&Path>) -> Result<Issuer, Failure> {
    let Some(path) = file else {
        let described = chain.issuer.described();
        return Ok(match described.strip_suffix('…') {
            Some(start) => Issuer::Begins(start.to_owned()),
            None => Issuer::CommonName(described),
        });
    };
    let bytes = read_small(path, 1 << 20, "a certificate")?;
    let all =
        Material::certificates(&bytes, &path.display().to_string()).map_err(|error| fault::pki(&error))?;
    let named = all.iter().find(|one| chain.issuer.is_named_in(one)).map(Certificate::subject);
    let common = named.and_then(|name| name.common_name());
    match (named.map(ToString::to_string), common) {
        // Servers write other letters in forms of their own.
        (Some(whole), Some(common)) if whole.is_ascii() => Ok(Issuer::Whole(whole, common.into_owned())),
        _ => {
            let words = format!("{} holds no certificate of {}", path.display(), chain.issuer.described());
            Err(Failure::new(Exit::Input, "another_issuer", words))
        }
    }
}

/// A text as a regular expression that fits nothing else.
fn quoted(text: &str) -> String {
    let one = |c: char| {
        if c.is_ascii_alphanumeric() || c == ' ' || c == '-' || !c.is_ascii() {
            c.to_string()
        } else {
            format!("\\{c}")
        }
    };
    text.chars().map(one).collect()
}

impl Wanted {
    /// A regular expression (PCRE) of whole subjects as OpenSSL writes them (RFC 2253): this common name and these units, each once and exactly, and any
    /// parts of other types around them. What has several attributes in one part, or a comma that is not escaped, does not fit.
    fn subject(client: &Client) -> String {
        let other = r"(?!(?:CN|OU)=)[A-Za-z0-9.]+=(?:[^,+\\]|\\.)*";
        let name = format!("CN={}", quoted(&client.common_name));
        // Written from the last part to the first.
        let units: Vec<_> = client.units.iter().rev().map(|unit| format!("OU={}", quoted(unit))).collect();
        let units = units.join(&format!("(?:,{other})*,"));
        let [one, other_order] = match units.as_str() {
            "" => [name.clone(), name],
            units => [format!("{name}(?:,{other})*,{units}"), format!("{units}(?:,{other})*,{name}")],
        };
        format!("^(?:{other},)*(?:{one}|{other_order})(?:,{other})*$")
    }

    /// A regular expression of whole issuers.
    fn issuer(&self) -> String {
        match &self.issuer {
            Issuer::Whole(name, _) => format!("^{}$", quoted(name)),
            Issuer::CommonName(name) => format!("^CN={}(?:,|$)", quoted(name)),
            Issuer::Begins(start) => format!("^CN={}", quoted(start)),
        }
    }

    /// Said where only the beginning of its name is known.
    fn remark(&self) -> &'static str {
        match &self.issuer {
            Issuer::Begins(_) => {
                "# The profile knows only how the issuer's name begins: with --issuer FILE the whole name is compared.\n"
            }
            _ => "",
        }
    }

    /// `/sas/check`
    fn check(&self) -> String {
        format!("{}/check", self.path)
    }
}
