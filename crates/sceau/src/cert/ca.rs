//! `sceau cert ca`: an authority of one's own, to rehearse with before the platform's certificates come, or for one's own network.

mod answers;
mod ocsp;
mod sign;
mod state;

use std::path::{Path, PathBuf};

use sceau_pki::{
    Authority, AuthorityProfile, Certificate, GivenExtension, KeyAlgorithm, LeafPurpose, Material, Name, Oid,
    PrivateKey, Publication, RevocationReason, Revoked,
};

use super::csr::KeyKind;
use super::place::{self, KeyFolder};
use super::token::{self, AnyKey};
use super::{DAY_MS, fault};
use crate::command::input::read_small;
use crate::command::output::Access;
use crate::failure::{Exit, Failure};
use crate::say;
use state::State;

const EXAMPLES: &str = "\
Examples:
  sceau cert ca root --folder root --name 'CN=TEST AC RACINE,O=ESSAI,C=FR'
  sceau cert ca intermediate --issuer root --folder aci --name 'CN=TEST AC,O=ESSAI,C=FR'
  sceau cert ca issue --issuer aci --request a.csr --name 'CN=a,OU=1,C=FR' -o a.crt
  sceau cert ca sign --issuer aci --folder exchange --host api.example.org --watch
  sceau cert ca revoke --issuer aci a.crt
  sceau cert ca list --issuer aci -o ACI.crl
  sceau cert ca ocsp --issuer aci                       answers on 127.0.0.1:8888

The authority's key lies in its folder in clear, mode 0600, out of backups: it is for tests, and for networks where \
that is enough. With --key it is made in a token (an HSM), and the folder has its address.";

/// Certificates and requests are small; a mistaken file may not be.
const LONGEST: u64 = 1 << 20;
const KEY: &str = "authority.key";
/// In its place where the key is in a token.
const ADDRESS: &str = "authority.uri";
const CERTIFICATE: &str = "authority.cer";

/// What to do with an authority.
#[derive(Debug, clap::Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum CaCommand {
    /// Make an authority whom nobody vouches for
    Root(RootOptions),
    /// Make an authority below another
    Intermediate(IntermediateOptions),
    /// Issue a certificate for a request
    Issue(IssueOptions),
    /// Answer requests of servers that come through a folder, such as those of a gate
    Sign(sign::SignOptions),
    /// Take a certificate back
    Revoke(RevokeOptions),
    /// Make the list of what was taken back
    List(ListOptions),
    /// Answer, over HTTP, whether certificates were taken back (OCSP)
    Ocsp(ocsp::OcspOptions),
    /// Make one such answer ahead, for a server that hands it out itself (stapling)
    OcspResponse(ocsp::OcspResponseOptions),
}

/// A new authority.
#[derive(Debug, clap::Args)]
struct NewOptions {
    /// Its folder; made where it is not there
    #[arg(long, value_name = "FOLDER")]
    folder: PathBuf,
    /// Its name (RFC 4514, the last part first; a kind of part may be there twice): CN=…,OU=…,OU=…,O=…,C=FR
    #[arg(long, value_name = "DN")]
    name: Name,
    /// Kind of its key
    #[arg(long, value_enum, default_value_t = KeyKind::Rsa4096)]
    key_kind: KeyKind,
    /// Make its key in a token, under this address (RFC 7512)
    #[arg(long, value_name = "pkcs11:…")]
    key: Option<String>,
    /// Validity
    #[arg(long, value_name = "DAYS", default_value_t = 3653)]
    days: u32,
}

/// A root.
#[derive(Debug, clap::Args)]
pub(crate) struct RootOptions {
    #[command(flatten)]
    new: NewOptions,
}

/// An authority below another.
#[derive(Debug, clap::Args)]
pub(crate) struct IntermediateOptions {
    /// Folder of the authority that vouches for it
    #[arg(long, value_name = "FOLDER")]
    issuer: PathBuf,
    #[command(flatten)]
    new: NewOptions,
    #[command(flatten)]
    published: PublishedOptions,
}

/// What is said around a certificate.
#[derive(Debug, clap::Args)]
struct PublishedOptions {
    /// Where the list that speaks of it is (http, ldap); may be given more than once
    #[arg(long, value_name = "URL")]
    list_url: Vec<String>,
    /// Where the changes of the list are (freshestCRL); may be given more than once
    #[arg(long, value_name = "URL")]
    delta_url: Vec<String>,
    /// Where its state is asked (OCSP)
    #[arg(long, value_name = "URL")]
    ocsp_url: Option<String>,
    /// Where its issuer's certificate is
    #[arg(long, value_name = "URL")]
    issuer_url: Option<String>,
    /// A policy under which it is issued, in numbers (2.5.29.32.0 is any); may be given more than once
    #[arg(long, value_name = "OID")]
    policy: Vec<Oid>,
    /// For how many of its days its key may sign (privateKeyUsagePeriod)
    #[arg(long, value_name = "DAYS")]
    key_days: Option<u32>,
    /// An extension besides, such as a platform's own: its value's DER in hexadecimal digits, or utf8:TEXT; may be given more than once
    #[arg(long, value_name = "OID=DER[,critical]")]
    extension: Vec<GivenExtension>,
}

/// A certificate for a request.
#[derive(Debug, clap::Args)]
pub(crate) struct IssueOptions {
    /// Folder of the authority
    #[arg(long, value_name = "FOLDER")]
    issuer: PathBuf,
    /// The request (PKCS#10), PEM or DER
    #[arg(long, value_name = "FILE")]
    request: PathBuf,
    /// Its subject (RFC 4514, the last part first) [default: the request's]
    #[arg(long, value_name = "DN")]
    name: Option<Name>,
    /// For a server (the hosts are those of the request) instead of a client
    #[arg(long)]
    server: bool,
    /// Validity [default: 1095, for a server 397]
    #[arg(long, value_name = "DAYS")]
    days: Option<u32>,
    #[command(flatten)]
    published: PublishedOptions,
    /// Where to write it, in DER, as authorities send it (sceau cert convert makes PEM of it)
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

/// What to take back.
#[derive(Debug, clap::Args)]
pub(crate) struct RevokeOptions {
    /// Folder of the authority
    #[arg(long, value_name = "FOLDER")]
    issuer: PathBuf,
    /// Why: unspecified, key-compromise, affiliation-changed, superseded, cessation-of-operation
    #[arg(long, default_value = "unspecified")]
    reason: String,
    /// The certificate
    certificate: PathBuf,
}

/// Which list.
#[derive(Debug, clap::Args)]
pub(crate) struct ListOptions {
    /// Folder of the authority
    #[arg(long, value_name = "FOLDER")]
    issuer: PathBuf,
    /// How long it holds
    #[arg(long, value_name = "DAYS", default_value_t = 7)]
    days: u32,
    /// Where to write it, in DER; one that is there is overwritten
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub(super) fn run(command: &CaCommand) -> Result<(), Failure> {
    match command {
        CaCommand::Root(options) => {
            let profile = profile(&options.new, 1);
            made(&options.new, |key| {
                Authority::create_with(&profile, key, super::now()).map_err(|error| fault::pki(&error))
            })
        }
        CaCommand::Intermediate(options) => {
            let issuer = authority(&options.issuer)?;
            let published = published(&options.published);
            let mut state = State::read(&options.issuer)?;
            made(&options.new, |key| {
                let profile = profile(&options.new, 0);
                let below = issuer.issue_authority_with(&profile, &published, key, super::now());
                let below = below.map_err(|error| fault::pki(&error))?;
                state.issue(&below.certificate().serial());
                state.write(&options.issuer)?;
                Ok(below)
            })
        }
        CaCommand::Issue(options) => issue(options),
        CaCommand::Sign(options) => sign::sign(options),
        CaCommand::Revoke(options) => revoke(options),
        CaCommand::List(options) => list(options),
        CaCommand::Ocsp(options) => ocsp::respond(options),
        CaCommand::OcspResponse(options) => ocsp::ahead(options),
    }
}

fn profile(options: &NewOptions, path_length: u8) -> AuthorityProfile {
    AuthorityProfile {
        name: options.name.clone(),
        algorithm: KeyAlgorithm::from(options.key_kind),
        days: options.days,
        path_length,
        permitted_hosts: Vec::new(),
    }
}

fn made(
    options: &NewOptions,
    make: impl FnOnce(AnyKey) -> Result<Authority<AnyKey>, Failure>,
) -> Result<(), Failure> {
    let folder = KeyFolder::make(&options.folder)?;
    if options.name.is_empty() {
        return Err(fault::pki(&sceau_pki::Error::BadSubject));
    }
    if folder.join(KEY).exists() || folder.join(ADDRESS).exists() {
        let words = format!(
            "{} has an authority already, and its key is not overwritten: choose another folder",
            options.folder.display()
        );
        return Err(Failure::new(Exit::Usage, "exists", words));
    }
    let kind = KeyAlgorithm::from(options.key_kind);
    let (key, file, content, said) = match &options.key {
        None => {
            let key = PrivateKey::generate(kind).map_err(|error| fault::pki(&error))?;
            let pem = key.to_pem();
            (AnyKey::Here(key), KEY, pem, "mode 0600, in clear")
        }
        Some(address) => {
            let uri = token::must_be_address(address)?;
            let key = token::make(&uri, kind)?;
            let line = zeroize::Zeroizing::new(format!("{uri}\n"));
            (AnyKey::InToken(key), ADDRESS, line, "its address: the key cannot leave the token")
        }
    };
    let authority = make(key)?;
    let certificate = authority.certificate();
    place::write(&folder.join(file), content.as_bytes(), Access::Private, false)?;
    place::write(&folder.join(CERTIFICATE), certificate.der(), Access::Shared, false)?;
    State::new().write(&options.folder)?;
    say::result(&format!(
        "Authority    {}\nCertificate  {}, until {}\nKey          {}  ({said})",
        certificate.subject(),
        folder.join(CERTIFICATE).display(),
        say::day(certificate.not_after()),
        folder.join(file).display(),
    ))
}

fn authority(folder: &Path) -> Result<Authority<AnyKey>, Failure> {
    let key = key_of(folder)?;
    let certificate = one_certificate(&folder.join(CERTIFICATE))?;
    Authority::load(&certificate.to_pem(), key).map_err(|error| fault::pki(&error))
}

fn key_of(folder: &Path) -> Result<AnyKey, Failure> {
    let (key, address) = (folder.join(KEY), folder.join(ADDRESS));
    if address.exists() {
        let text = read_small(&address, LONGEST, "an address of a key")?;
        let text = String::from_utf8(text).unwrap_or_default();
        return Ok(AnyKey::InToken(token::find(&token::must_be_address(text.trim_end())?)?));
    }
    if !key.exists() {
        let words = format!(
            "{} is no authority's folder: sceau cert ca root or intermediate makes one",
            folder.display()
        );
        return Err(Failure::new(Exit::Usage, "no_authority", words));
    }
    sceau_hsm::durable::check_secret(&key)?;
    let text = zeroize::Zeroizing::new(read_small(&key, LONGEST, "a private key")?);
    let text = std::str::from_utf8(&text).map_err(|_| fault::pki(&sceau_pki::Error::NotAPrivateKey))?;
    PrivateKey::from_pem(text).map(AnyKey::Here).map_err(|error| fault::pki(&error))
}

fn published(options: &PublishedOptions) -> Publication {
    Publication {
        lists: options.list_url.clone(),
        freshest_lists: options.delta_url.clone(),
        ocsp: options.ocsp_url.clone(),
        issuer_certificate: options.issuer_url.clone(),
        policies: options.policy.clone(),
        private_key_days: options.key_days,
        extensions: options.extension.clone(),
    }
}

fn issue(options: &IssueOptions) -> Result<(), Failure> {
    let authority = authority(&options.issuer)?;
    let label = options.request.display().to_string();
    let bytes = read_small(&options.request, LONGEST, "a request")?;
    let request = Material::read(&bytes, &label).map_err(|error| fault::pki(&error))?;
    let Some(Material::Request(request)) = request.into_iter().next() else {
        return Err(fault::pki(&sceau_pki::Error::NotARequest { what: label }));
    };
    let (purpose, days) =
        if options.server { (LeafPurpose::Server, 397) } else { (LeafPurpose::Client, 1095) };
    let subject = options.name.as_ref().unwrap_or(request.subject());
    let days = options.days.unwrap_or(days);
    let issued = authority.certify_request(
        &request,
        subject,
        purpose,
        days,
        &published(&options.published),
        super::now(),
    );
    let issued = issued.map_err(|error| fault::pki(&error))?;
    // Remembered first: what is not known to be issued is not vouched for.
    let mut state = State::read(&options.issuer)?;
    state.issue(&issued.serial());
    state.write(&options.issuer)?;
    place::write(&options.output, issued.der(), Access::Shared, false)?;
    say::result(&format!(
        "Certificate  {}\nSubject      {}\nUntil        {}",
        options.output.display(),
        issued.subject(),
        say::day(issued.not_after())
    ))
}

fn revoke(options: &RevokeOptions) -> Result<(), Failure> {
    let reason = RevocationReason::parse(&options.reason).ok_or_else(|| {
        let known: Vec<_> = RevocationReason::ALL.iter().map(|reason| reason.as_str()).collect();
        fault::usage("reason", format!("--reason is one of {}", known.join(", ")))
    })?;
    let authority = authority(&options.issuer)?;
    let certificate = one_certificate(&options.certificate)?;
    if certificate.issuer() != authority.certificate().subject() {
        let words = format!(
            "{} is of {}, and only its issuer takes it back",
            options.certificate.display(),
            certificate.issuer()
        );
        return Err(Failure::new(Exit::Input, "another_issuer", words));
    }
    let mut state = State::read(&options.issuer)?;
    let serial = certificate.serial();
    if !state.revoke(&serial, super::now(), reason) {
        return Err(Failure::new(Exit::Usage, "revoked_already", format!("{serial} was taken back already")));
    }
    state.write(&options.issuer)?;
    say::result(&format!("Taken back  {}, {}", certificate.subject(), serial))?;
    say::remark("It counts once the next list is made and fetched: sceau cert ca list");
    Ok(())
}

fn list(options: &ListOptions) -> Result<(), Failure> {
    let authority = authority(&options.issuer)?;
    let mut state = State::read(&options.issuer)?;
    let number = state.next_number();
    let revoked: Vec<Revoked> = state.revoked()?;
    let der = authority.revocation_list(&revoked, number, options.days, super::now());
    let der = der.map_err(|error| fault::pki(&error))?;
    // The number first: one that was given is never given again.
    state.write(&options.issuer)?;
    place::write(&options.output, &der, Access::Shared, true)?;
    say::result(&format!(
        "List     {}, number {number}\nRevoked  {}\nUntil    {}",
        options.output.display(),
        say::counted(revoked.len() as u64, "certificate"),
        say::day(super::now() + u64::from(options.days) * DAY_MS)
    ))
}

fn one_certificate(path: &Path) -> Result<Certificate, Failure> {
    let bytes = read_small(path, LONGEST, "a certificate")?;
    let all =
        Material::certificates(&bytes, &path.display().to_string()).map_err(|error| fault::pki(&error))?;
    all.into_iter().next().ok_or_else(|| fault::pki(&sceau_pki::Error::NoAnchor))
}
