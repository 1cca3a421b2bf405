//! `sceau cert bundle`: key, certificate and issuer in one file, for programs that call with a certificate.

use std::path::{Path, PathBuf};

use sceau_pki::{
    Bundle, BundleProblem, Certificate, ClientNaming, Material, PrivateKey, Profile, Purpose, naming_problems,
};
use serde_json::json;

use super::{
    fault, place, profile,
    token::{self, AnyKey},
};
use crate::command::input::read_small;
use crate::command::output::Access;
use crate::failure::{Exit, Failure};
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau cert bundle --profile sas --editor MonLogiciel --env test
  sceau cert bundle --key api.key --certificate api.crt --intermediate ca.cer -o api.pem

With a key in a token (--key pkcs11:…) the bundle has certificate and issuer only: the key stays where it is.

With a profile the files are looked for under its names in the folder that `sceau cert csr` made; each can be given apart.";

/// Certificates are small; a mistaken file may not be.
const LONGEST: u64 = 1 << 20;

/// What to put together.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BundleOptions {
    /// Names of files, and who must have issued what to whom: a profile's name, or its file (./mine.toml)
    #[arg(long, value_name = "NAME|FILE", requires = "editor", requires = "env")]
    profile: Option<String>,
    /// Name of your software, as for the request
    #[arg(long, value_name = "NAME", requires = "profile")]
    editor: Option<String>,
    /// Which certificate: test or prod, or an environment of the profile
    #[arg(long, value_name = "ENV", requires = "profile")]
    env: Option<String>,
    /// Folder with the files [default: the profile's name]
    #[arg(long, value_name = "FOLDER", requires = "profile")]
    folder: Option<PathBuf>,
    /// The private key, PEM or DER, without a password; or its address in a token
    #[arg(long, value_name = "FILE|pkcs11:…", required_unless_present = "profile")]
    key: Option<PathBuf>,
    /// The certificate, PEM or DER
    #[arg(long, value_name = "FILE", required_unless_present = "profile")]
    certificate: Option<PathBuf>,
    /// The certificate of the authority that issued it, PEM or DER
    #[arg(long, value_name = "FILE", required_unless_present = "profile")]
    intermediate: Option<PathBuf>,
    /// Where to write [default: the profile's name for it, in the folder]
    #[arg(short, long, value_name = "FILE", required_unless_present = "profile")]
    output: Option<PathBuf>,
    /// Overwrite an existing bundle
    #[arg(long)]
    force: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub(super) json: bool,
}

struct Plan {
    key: PathBuf,
    certificate: PathBuf,
    intermediate: PathBuf,
    output: PathBuf,
    named: Option<(Profile, ClientNaming)>,
}

pub(super) fn run(options: &BundleOptions) -> Result<(), Failure> {
    let plan = plan(options)?;
    let key = match token::address(&plan.key)? {
        Some(uri) => AnyKey::InToken(token::find(&uri)?),
        None => {
            place::refuse_git(&plan.output)?;
            AnyKey::Here(private_key(&plan.key)?)
        }
    };
    let certificate = certificate(&plan.certificate, "the certificate")?;
    let intermediate = certificate_of_issuer(&plan)?;
    let mut problems = Vec::new();
    let mut purpose = Purpose::Any;
    if let Some((profile, naming)) = &plan.named {
        purpose = Purpose::Client;
        if let Some(chain) = profile.chain_of_client(naming) {
            problems = naming_problems(&certificate, naming, &chain.issuer);
        }
    }
    let is_in_token = matches!(key, AnyKey::InToken(_));
    let fitted = match key {
        AnyKey::Here(key) => Bundle::check(key, certificate, intermediate, purpose, super::now()),
        AnyKey::InToken(key) => {
            Bundle::check_with_key_elsewhere(&key, certificate, intermediate, purpose, super::now())
        }
    };
    match fitted.map_err(|error| fault::pki(&error))? {
        Ok(bundle) if problems.is_empty() => {
            let access = if is_in_token { Access::Shared } else { Access::Private };
            place::write(&plan.output, bundle.to_pem().as_bytes(), access, options.force)?;
            tell(&bundle, &plan, is_in_token, options)
        }
        Ok(_) => Err(refused(&problems)),
        Err(deeper) => Err(refused(&[deeper, problems].concat())),
    }
}

fn plan(options: &BundleOptions) -> Result<Plan, Failure> {
    let given = |path: &Option<PathBuf>| path.clone().unwrap_or_default();
    let Some(text) = &options.profile else {
        return Ok(Plan {
            key: given(&options.key),
            certificate: given(&options.certificate),
            intermediate: given(&options.intermediate),
            output: given(&options.output),
            named: None,
        });
    };
    let profile = profile::named(text)?;
    let (editor, env) =
        (options.editor.as_deref().unwrap_or_default(), options.env.as_deref().unwrap_or_default());
    let naming = profile::naming(&profile, env, editor)?;
    let folder = options.folder.clone().unwrap_or_else(|| PathBuf::from(&profile.name));
    let issuer = profile.chain_of_client(&naming).map(|chain| chain.issuer.file.clone()).unwrap_or_default();
    let or = |path: &Option<PathBuf>, name: &str| path.clone().unwrap_or_else(|| folder.join(name));
    Ok(Plan {
        key: or(&options.key, &naming.key_file),
        certificate: or(&options.certificate, &naming.certificate_file),
        intermediate: or(&options.intermediate, &issuer),
        output: or(&options.output, &naming.bundle_file),
        named: Some((profile, naming)),
    })
}

/// The file, or the same in PEM beside it (`ACI-EL-ORG.cer.pem`); where neither is there, who publishes it.
fn certificate_of_issuer(plan: &Plan) -> Result<Certificate, Failure> {
    let mut in_pem = plan.intermediate.clone().into_os_string();
    in_pem.push(".pem");
    let found = [plan.intermediate.clone(), in_pem.into()].into_iter().find(|path| path.exists());
    match (found, &plan.named) {
        (None, Some((profile, naming))) => {
            let url = profile.chain_of_client(naming).map(|chain| chain.issuer.certificate_url.as_str());
            let words = format!(
                "{} is not there: fetch it from {}, and compare it with its publisher's page",
                plan.intermediate.display(),
                url.unwrap_or("its publisher")
            );
            Err(Failure::new(Exit::Usage, "no_such_file", words))
        }
        (found, _) => certificate(&found.unwrap_or_else(|| plan.intermediate.clone()), "the intermediate"),
    }
}

fn private_key(path: &Path) -> Result<PrivateKey, Failure> {
    let bytes = zeroize::Zeroizing::new(read_small(path, LONGEST, "a private key")?);
    let label = path.display().to_string();
    let all = Material::read(&bytes, &label).map_err(|error| fault::pki(&error))?;
    let mut keys = all.into_iter().filter_map(|one| match one {
        Material::Key(key) => Some(key),
        _ => None,
    });
    match (keys.next(), keys.next()) {
        (Some(key), None) => Ok(key),
        (None, _) => Err(Failure::new(Exit::Input, "no_key", format!("{label} holds no private key"))),
        (Some(_), Some(_)) => Err(Failure::new(
            Exit::Input,
            "several_keys",
            format!("{label} holds several private keys: give one"),
        )),
    }
}

fn certificate(path: &Path, what: &str) -> Result<Certificate, Failure> {
    let bytes = read_small(path, LONGEST, "a certificate")?;
    let label = path.display().to_string();
    let mut all = Material::certificates(&bytes, &label).map_err(|error| fault::pki(&error))?;
    if all.len() > 1 {
        let words =
            format!("{label} holds {} certificates, and {what} is one: give a file with it alone", all.len());
        return Err(Failure::new(Exit::Input, "several_certificates", words));
    }
    Ok(all.swap_remove(0))
}

/// What does not fit, one line each; the code of the first.
fn refused(problems: &[BundleProblem]) -> Failure {
    let code = problems.first().map_or("bundle", BundleProblem::code);
    let exit = if matches!(problems.first(), Some(BundleProblem::Key)) { Exit::Key } else { Exit::Proof };
    let lines: Vec<_> = problems.iter().map(|problem| format!("- {problem}")).collect();
    Failure::new(
        exit,
        code,
        format!("nothing was written, since these do not fit together:\n{}", lines.join("\n")),
    )
}

fn tell(bundle: &Bundle, plan: &Plan, is_in_token: bool, options: &BundleOptions) -> Result<(), Failure> {
    let certificate = bundle.certificate();
    let days = certificate.not_after().saturating_sub(super::now()) / super::DAY_MS;
    if options.json {
        return say::json(&json!({
            "bundle_file": plan.output,
            "subject": certificate.subject().to_string(),
            "issuer": certificate.issuer().to_string(),
            "sha256": certificate.fingerprint().to_string(),
            "not_after": say::day(certificate.not_after()),
            "days_left": days,
            "holds_key": !is_in_token,
        }));
    }
    say::result(&format!(
        "Bundle   {}  ({})\nSubject  {}\nIssuer   {}\nUntil    {}, {} left",
        plan.output.display(),
        if is_in_token {
            "certificate, intermediate; the key stays in its token"
        } else {
            "key, certificate, intermediate; mode 0600"
        },
        certificate.subject(),
        certificate.issuer(),
        say::day(certificate.not_after()),
        say::counted(days, "day"),
    ))?;
    let folder = plan.output.parent().unwrap_or(Path::new("."));
    if !is_in_token && !place::is_marked(folder) {
        say::remark(
            "The key is in the bundle, and the folder that it is in is not left out of backups: keep it in the folder that sceau cert csr made.",
        );
    }
    Ok(())
}
