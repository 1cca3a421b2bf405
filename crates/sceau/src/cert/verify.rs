//! `sceau cert verify`: would this certificate pass, and if not, why. The verdict is the gate's own.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use sceau_pki::{
    Anchors, Certificate, ChainJudge, Environment, Heard, Material, OcspStatus, Online, Preferred, Profile,
    ProfileAuthority, Refusal, RevocationLists, Vouched, naming_problems,
};
use serde_json::json;

use super::lists::{self, Source};
use super::online::Published;
use super::{fault, profile, unspoken};
use crate::command::input::read_small;
use crate::failure::{Exit, Failure};
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau cert verify --profile sas --env test --editor MonLogiciel sas/MonLogiciel_TEST.crt
  sceau cert verify --profile sas --env recette --online client.pem     who calls you; lists and OCSP are asked
  sceau cert verify --anchors racine.pem --intermediates ac.pem --list ac.crl client.pem

Ends with 0 where the certificate would pass, with 5 where it would be refused, with 1 where a list that is needed could not be fetched. The verdict is the one \
that `sceau gate` gives on each request; without a list and --online nothing is asked about revocation.";

/// Certificates are small; a mistaken file may not be.
const LONGEST: u64 = 4 << 20;

/// What to judge, and by whose rules.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct VerifyOptions {
    /// Authorities that are trusted, PEM or DER [default with a profile: its anchor's file in the folder]
    #[arg(long, value_name = "FILE", required_unless_present = "profile")]
    anchors: Vec<PathBuf>,
    /// Authorities between, PEM or DER [default with a profile: its issuer's file in the folder]
    #[arg(long, value_name = "FILE")]
    intermediates: Vec<PathBuf>,
    /// Revocation list: a file, or an address (http://…); may be given more than once
    #[arg(long, value_name = "FILE|URL")]
    list: Vec<String>,
    /// Fetch the lists, and ask the responders (OCSP), where the certificates say that they are
    #[arg(long)]
    online: bool,
    /// Names and issuer as a platform asks for them: a profile's name, or its file (./mine.toml)
    #[arg(long, value_name = "NAME|FILE", requires = "env")]
    profile: Option<String>,
    /// An environment of the platform (recette), or your own certificate for it (test, prod)
    #[arg(long, value_name = "ENV", requires = "profile")]
    env: Option<String>,
    /// Name of your software, for your own certificate
    #[arg(long, value_name = "NAME", requires = "profile")]
    editor: Option<String>,
    /// Folder with the authorities' files [default: the profile's name]
    #[arg(long, value_name = "FOLDER", requires = "profile")]
    folder: Option<PathBuf>,
    /// The address that the client calls from
    #[arg(long, value_name = "IP", requires = "profile")]
    address: Option<IpAddr>,
    /// Print the result as JSON
    #[arg(long)]
    pub(super) json: bool,
    /// The client's certificate, PEM or DER, and what it sends behind it
    file: PathBuf,
}

/// Who is judged, by what a profile says of it.
enum Expected {
    Anybody,
    /// The platform, as it calls.
    Platform(Box<Environment>),
    /// A publisher's own certificate.
    Own(Box<sceau_pki::ClientNaming>, Box<ProfileAuthority>),
}

struct Trusted {
    anchors: Vec<Certificate>,
    intermediates: Vec<Certificate>,
    issuer: Option<ProfileAuthority>,
    /// Authorities between at most, where the profile says it.
    depth: Option<usize>,
    expected: Expected,
}

/// Why it would be refused: the HTTP status, a stable code, and words.
struct Refused {
    status: u16,
    code: &'static str,
    words: String,
}

pub(super) fn run(options: &VerifyOptions) -> Result<(), Failure> {
    let chain = certificates(&options.file)?;
    let trusted = trusted(options)?;
    let given = options.list.iter().map(|from| lists::read(from)).collect::<Result<Vec<_>, _>>()?;
    let mut published = Published::default();
    let verdict = verdict(&chain, &trusted, &given, &mut published, options)?;
    tell(&chain, &given, &published, verdict.as_ref().err(), options)?;
    match verdict {
        Ok(()) => Ok(()),
        Err(refused) => {
            let unknown = refused.code == Refusal::RevocationUnknown.code();
            let missing = published.missing.into_iter().map(|(_, failure)| failure).find(|_| unknown);
            let words = format!("it would be refused: {}", refused.words);
            Err(missing.unwrap_or_else(|| Failure::new(Exit::Proof, refused.code, words)))
        }
    }
}

fn trusted(options: &VerifyOptions) -> Result<Trusted, Failure> {
    let read = |paths: &[PathBuf]| paths.iter().map(|path| certificates(path)).collect::<Result<Vec<_>, _>>();
    let (mut anchors, mut intermediates) =
        (read(&options.anchors)?.concat(), read(&options.intermediates)?.concat());
    let Some(text) = &options.profile else {
        return Ok(Trusted {
            anchors,
            intermediates,
            issuer: None,
            depth: None,
            expected: Expected::Anybody,
        });
    };
    let profile = profile::named(text)?;
    let (expected, chain) = expected(&profile, options)?;
    let folder = options.folder.clone().unwrap_or_else(|| PathBuf::from(&profile.name));
    if anchors.is_empty() {
        anchors = published(&folder, &chain.anchor)?;
    }
    if intermediates.is_empty() {
        intermediates = published(&folder, &chain.issuer)?;
    }
    let depth = Some(usize::from(profile.tls.depth));
    Ok(Trusted { anchors, intermediates, issuer: Some(chain.issuer), depth, expected })
}

fn expected(
    profile: &Profile,
    options: &VerifyOptions,
) -> Result<(Expected, sceau_pki::AuthorityChain), Failure> {
    let env = options.env.as_deref().unwrap_or_default();
    if let Some(environment) = profile.environment(env) {
        let chain = profile.chain_of(environment).cloned();
        let chain = chain.ok_or_else(|| fault::usage("profile_setting", "the environment has no chain"))?;
        return Ok((Expected::Platform(Box::new(environment.clone())), chain));
    }
    let Some(editor) = &options.editor else {
        let words = format!(
            "{env:?} is your own certificate: name your software with --editor, or give an environment of the platform with --env"
        );
        return Err(fault::usage("no_editor", words));
    };
    let naming = profile::naming(profile, env, editor)?;
    let chain = profile.chain_of_client(&naming).cloned();
    let chain = chain.ok_or_else(|| fault::usage("profile_setting", "the certificate has no chain"))?;
    Ok((Expected::Own(Box::new(naming), Box::new(chain.issuer.clone())), chain))
}

/// An authority's certificate, under its publisher's name for the file, in DER or, with `.pem` behind, in PEM.
fn published(folder: &Path, authority: &ProfileAuthority) -> Result<Vec<Certificate>, Failure> {
    let names = [authority.file.clone(), format!("{}.pem", authority.file)];
    let found = names.iter().map(|name| folder.join(name)).find(|path| path.exists());
    let Some(path) = found else {
        let words = format!(
            "{} is not there: fetch it from {}, and compare it with its publisher's page",
            folder.join(&authority.file).display(),
            authority.certificate_url
        );
        return Err(Failure::new(Exit::Usage, "no_such_file", words));
    };
    certificates(&path)
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, Failure> {
    // A bundle has the key as well, which is read and wiped.
    let bytes = zeroize::Zeroizing::new(read_small(path, LONGEST, "a certificate")?);
    Material::certificates(&bytes, &path.display().to_string()).map_err(|error| fault::pki(&error))
}

fn verdict(
    chain: &[Certificate],
    trusted: &Trusted,
    given: &[Source],
    published: &mut Published,
    options: &VerifyOptions,
) -> Result<Result<(), Refused>, Failure> {
    let judge = judge(trusted)?;
    let shown: Vec<_> = chain.iter().map(|one| one.der().clone()).collect();
    let lists = all(given);
    // Without any list first: what a chain names that nobody vouches for is not called.
    let vouched = match judge.vouch(Some(&shown), super::now(), 0) {
        Ok(vouched) => vouched,
        Err(refusal) => return Ok(Err(by_certificate(&refusal))),
    };
    if options.online {
        *published = Published::fetch(&vouched, &lists)?;
    }
    let lists = lists.and(all(&published.lists));
    let asked = !lists.is_empty() || published.names_lists();
    let judge = if asked { judge.asking(lists.clone()) } else { judge };
    let heard = |certificate: &Certificate, _: &Certificate| match published.status(certificate) {
        Some((OcspStatus::Good, until)) => Heard::Good { until },
        Some((OcspStatus::Revoked { .. }, _)) => Heard::Revoked,
        Some((OcspStatus::Unknown, _)) | None => Heard::Nothing { ended: None, again: u64::MAX },
    };
    let online = options.online.then_some(Online { preferred: Preferred::Ocsp, heard: &heard });
    let judged = judge.vouch_online(Some(&shown), super::now(), 0, online);
    let taken = published.asked.iter().any(|asked| heard(&asked.about, &asked.about) == Heard::Revoked);
    match judged {
        Ok(_) if taken => Ok(Err(by_certificate(&Refusal::Revoked))),
        Ok(vouched) => Ok(by_expectation(chain, trusted, &vouched, options.address)),
        Err(refusal) => {
            let mut refused = by_certificate(&refusal);
            if refusal == Refusal::RevocationUnknown {
                refused.words =
                    format!("{}: {}", refused.words, unspoken::words(&vouched, &lists, super::now()));
            }
            Ok(Err(refused))
        }
    }
}

fn all(sources: &[Source]) -> RevocationLists {
    sources.iter().fold(RevocationLists::default(), |all, one| all.and(one.lists.clone()))
}

/// Who asks no list yet.
fn judge(trusted: &Trusted) -> Result<ChainJudge, Failure> {
    let anchors = Anchors::new(trusted.anchors.iter().cloned()).map_err(|error| fault::pki(&error))?;
    let mut judge = ChainJudge::new(anchors).with_intermediates(&trusted.intermediates);
    if let Some(depth) = trusted.depth {
        judge = judge.within(depth);
    }
    let Some(issuer) = &trusted.issuer else { return Ok(judge) };
    let named = trusted.intermediates.iter().find(|one| issuer.is_named_in(one)).ok_or_else(|| {
        let words = format!(
            "none of the intermediates is {}, whose certificates this profile takes",
            issuer.described()
        );
        Failure::new(Exit::Input, "another_issuer", words)
    })?;
    Ok(judge.issued_by(named.subject().clone()))
}

fn by_expectation(
    chain: &[Certificate],
    trusted: &Trusted,
    vouched: &Vouched,
    address: Option<IpAddr>,
) -> Result<(), Refused> {
    let identity = &vouched.identity;
    match &trusted.expected {
        Expected::Anybody => Ok(()),
        Expected::Platform(environment) if !environment.rule().permits(&identity.subject) => {
            Err(by_name(&format!(
                "it is {}, and this environment calls as CN={} with OU={}",
                identity.subject,
                environment.common_name(),
                environment.organizational_units().join(", ")
            )))
        }
        Expected::Platform(environment) => match (environment.demands.check(&vouched.path), address) {
            (Err(unmet), _) => Err(Refused { status: 403, code: unmet.code(), words: unmet.to_string() }),
            (Ok(()), Some(address)) if !environment.addresses.contains(&address) => Err(Refused {
                status: 403,
                code: "address_not_allowed",
                words: format!("{address} is not an address of this environment"),
            }),
            _ => Ok(()),
        },
        Expected::Own(naming, issuer) => {
            match chain.first().map(|leaf| naming_problems(leaf, naming, issuer)) {
                Some(problems) if !problems.is_empty() => {
                    Err(by_name(&problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))
                }
                _ => Ok(()),
            }
        }
    }
}

fn by_certificate(refusal: &Refusal) -> Refused {
    Refused { status: 401, code: refusal.code(), words: refusal.to_string() }
}

fn by_name(words: &str) -> Refused {
    Refused { status: 403, code: "client_unknown", words: words.to_owned() }
}

fn tell(
    chain: &[Certificate],
    given: &[Source],
    published: &Published,
    refused: Option<&Refused>,
    options: &VerifyOptions,
) -> Result<(), Failure> {
    let Some(leaf) = chain.first() else { return Ok(()) };
    let now = super::now();
    let sources: Vec<_> = given.iter().chain(&published.lists).collect();
    let until = sources.iter().filter_map(|one| one.lists.next_update()).min();
    if options.json {
        let (missing, answers) = published.json();
        return say::json(&json!({
            "passes": refused.is_none(),
            "code": refused.map(|refused| refused.code),
            "status": refused.map_or(200, |refused| refused.status),
            "reason": refused.map(|refused| refused.words.clone()),
            "subject": leaf.subject().to_string(),
            "issuer": leaf.issuer().to_string(),
            "sha256": leaf.fingerprint().to_string(),
            "not_after": leaf.not_after(),
            "lists": sources.iter().map(|one| json!({"from": one.from, "next_update": one.lists.next_update()})).collect::<Vec<_>>(),
            "missing_lists": missing,
            "ocsp": answers,
        }));
    }
    let mut lines = vec![
        format!("Certificate  {}", leaf.subject()),
        format!("Issuer       {}", leaf.issuer()),
        format!("Until        {}", say::day(leaf.not_after())),
    ];
    for one in &sources {
        let next = one.lists.next_update().map(say::day).unwrap_or_default();
        lines.push(format!("List         {}, until {next}", one.from));
    }
    lines.extend(published.words());
    lines.push(match refused {
        None if sources.is_empty() && !published.asked.is_empty() => "It would pass.".to_owned(),
        None if sources.is_empty() => {
            "It would pass. No list was asked whether it was taken back (--list, --online).".to_owned()
        }
        None => {
            let days = until.unwrap_or(now).saturating_sub(now) / super::DAY_MS;
            format!("It would pass; its lists hold for {} more.", say::counted(days, "day"))
        }
        Some(refused) => format!("It would be refused with {}, {}.", refused.status, refused.code),
    });
    say::result(&lines.join("\n"))
}
