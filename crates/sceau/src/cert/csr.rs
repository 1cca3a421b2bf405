//! `sceau cert csr`: a key that stays where it is made, and the request that goes to the authority.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use sceau_hsm::pkcs11::{Pkcs11Uri, TokenKey};
use sceau_pki::{CertificateRequest, KeyAlgorithm, Name, Oid, PrivateKey, Profile, key_facts};
use serde_json::json;

use super::place::KeyFolder;
use super::{fault, profile, token};
use crate::command::output::{Access, Output};
use crate::failure::{Exit, Failure};
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau cert csr --profile sas --editor MonLogiciel --env test
  sceau cert csr --common-name api.example.org --san api.example.org --folder api
  sceau cert csr --common-name api.example.org --key 'pkcs11:token=gate;object=api?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/sceau/pin'

The private key never leaves this folder: nobody is sent it, and it is in no repository and no backup. Only the request, which ends in .csr, goes to \
the authority. With --key it is made in a token (an HSM), or the one that is there is taken, and it never is in a file.";

/// What to ask for.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CsrOptions {
    /// Names and kind of key as a platform asks for them: a profile's name, or its file (./mine.toml)
    #[arg(long, value_name = "NAME|FILE", requires = "editor", requires = "env")]
    profile: Option<String>,
    /// Name of your software, as the platform knows it
    #[arg(long, value_name = "NAME", requires = "profile")]
    editor: Option<String>,
    /// Which certificate: test or prod, or an environment of the profile
    #[arg(long, value_name = "ENV", requires = "profile")]
    env: Option<String>,
    /// Common name (CN), without a profile
    #[arg(long, value_name = "CN", conflicts_with = "profile", required_unless_present = "profile")]
    common_name: Option<String>,
    /// Organizational unit (OU); may be given more than once, in their order
    #[arg(long, value_name = "OU", conflicts_with = "profile")]
    organizational_unit: Vec<String>,
    /// Organization (O)
    #[arg(long, value_name = "O", conflicts_with = "profile")]
    organization: Option<String>,
    /// Country (C), two letters
    #[arg(long, value_name = "C", conflicts_with = "profile")]
    country: Option<String>,
    /// DNS name or IP address that the certificate is to be for; may be given more than once
    #[arg(long, value_name = "HOST", conflicts_with = "profile")]
    san: Vec<String>,
    /// Kind of key, without a profile [default: rsa-3072]
    #[arg(long, value_enum, conflicts_with = "profile")]
    key_kind: Option<KeyKind>,
    /// Make the key in a token, or take the one that is there: its address (RFC 7512)
    #[arg(long, value_name = "pkcs11:…")]
    key: Option<String>,
    /// Folder of its own for the key; made where it is not there [default: the profile's name, or the common name]
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum KeyKind {
    #[value(name = "rsa-2048")]
    Rsa2048,
    #[value(name = "rsa-3072")]
    Rsa3072,
    #[value(name = "rsa-4096")]
    Rsa4096,
    #[value(name = "ecdsa-p256")]
    P256,
    #[value(name = "ecdsa-p384")]
    P384,
}

impl From<KeyKind> for KeyAlgorithm {
    fn from(kind: KeyKind) -> Self {
        match kind {
            KeyKind::Rsa2048 => Self::Rsa2048,
            KeyKind::Rsa3072 => Self::Rsa3072,
            KeyKind::Rsa4096 => Self::Rsa4096,
            KeyKind::P256 => Self::EcdsaP256,
            KeyKind::P384 => Self::EcdsaP384,
        }
    }
}

/// What is made, decided before anything is.
struct Plan {
    subject: Name,
    hosts: Vec<String>,
    kind: KeyAlgorithm,
    folder: PathBuf,
    key_file: String,
    request_file: String,
    next: Vec<String>,
}

pub(super) fn run(options: &CsrOptions) -> Result<(), Failure> {
    let plan = match &options.profile {
        Some(text) => of_profile(&profile::named(text)?, text, options)?,
        None => of_options(options)?,
    };
    if let Some(address) = &options.key {
        return in_token(&plan, &token::must_be_address(address)?, options);
    }
    let folder = KeyFolder::make(&plan.folder)?;
    let (key_path, request_path) = (folder.join(&plan.key_file), folder.join(&plan.request_file));
    // Both places first: a key is never overwritten, and never made for nothing.
    let mut key_file = new_file(&key_path, Access::Private)?;
    let mut request_file = new_file(&request_path, Access::Shared)?;
    let key = PrivateKey::generate(plan.kind).map_err(|error| fault::pki(&error))?;
    let request =
        CertificateRequest::make(&plan.subject, &plan.hosts, &key).map_err(|error| fault::pki(&error))?;
    write(&mut key_file, key.to_pem().as_bytes(), &key_path)?;
    write(&mut request_file, request.to_pem().as_bytes(), &request_path)?;
    key_file.commit()?;
    request_file.commit()?;
    tell(&plan, &request, &Kept::File(&key_path), &request_path, options)
}

/// Where the private key is.
enum Kept<'a> {
    File(&'a Path),
    /// What is said of it.
    Token(&'a TokenKey, &'static str),
}

/// The same with a key in a token: the folder is for the request, which everybody may see.
fn in_token(plan: &Plan, uri: &Pkcs11Uri, options: &CsrOptions) -> Result<(), Failure> {
    if let Err(cause) = std::fs::create_dir(&plan.folder)
        && cause.kind() != std::io::ErrorKind::AlreadyExists
    {
        return Err(Failure::file("make the folder", &plan.folder, &cause));
    }
    let path = plan.folder.join(&plan.request_file);
    // The place first: no key is made for nothing.
    let mut file = new_file(&path, Access::Shared)?;
    let (key, is_new) = token::find_or_make(uri, plan.kind)?;
    let request =
        CertificateRequest::make(&plan.subject, &plan.hosts, &key).map_err(|error| fault::pki(&error))?;
    write(&mut file, request.to_pem().as_bytes(), &path)?;
    file.commit()?;
    let how = if is_new { "made in the token, which it cannot leave" } else { token::stays(&key)? };
    tell(plan, &request, &Kept::Token(&key, how), &path, options)
}

fn of_profile(profile: &Profile, given: &str, options: &CsrOptions) -> Result<Plan, Failure> {
    // clap asks for both beside --profile.
    let (editor, env) =
        (options.editor.as_deref().unwrap_or_default(), options.env.as_deref().unwrap_or_default());
    let naming = profile::naming(profile, env, editor)?;
    let folder = options.folder.clone().unwrap_or_else(|| PathBuf::from(&profile.name));
    let issuer = profile.chain_of_client(&naming).map(|chain| chain.issuer.file.as_str()).unwrap_or_default();
    let page = profile.chain_of_client(&naming).map(|chain| chain.page.as_str()).unwrap_or_default();
    let next = vec![
        format!(
            "Order the certificate with {}: `sceau cert guide {}` tells each step.",
            naming.request_file, profile.name
        ),
        format!(
            "Put the certificate that you are sent into {} as {}",
            folder.display(),
            naming.certificate_file
        ),
        format!("and {issuer} beside it (its page: {page}).",),
        format!(
            "Then: sceau cert bundle --profile {given} --editor {editor} --env {env} --folder {}{}",
            folder.display(),
            if options.key.is_some() { " --key …" } else { "" }
        ),
    ];
    Ok(Plan {
        subject: Name::default().with(Oid::COMMON_NAME, &naming.common_name),
        hosts: Vec::new(),
        kind: profile.key,
        folder,
        key_file: naming.key_file,
        request_file: naming.request_file,
        next,
    })
}

fn of_options(options: &CsrOptions) -> Result<Plan, Failure> {
    let common_name = options.common_name.as_deref().unwrap_or_default();
    let mut subject = Name::default();
    if let Some(country) = &options.country {
        if country.len() != 2 || !country.bytes().all(|octet| octet.is_ascii_uppercase()) {
            return Err(fault::usage("country", "--country takes two capital letters, for instance FR"));
        }
        subject = subject.with(Oid::COUNTRY, country);
    }
    if let Some(organization) = &options.organization {
        subject = subject.with(Oid::ORGANIZATION, organization);
    }
    for unit in &options.organizational_unit {
        subject = subject.with(Oid::ORGANIZATIONAL_UNIT, unit);
    }
    let subject = subject.with(Oid::COMMON_NAME, common_name);
    let file = sceau_client::name::for_disk(common_name);
    Ok(Plan {
        subject,
        hosts: options.san.clone(),
        kind: options.key_kind.unwrap_or(KeyKind::Rsa3072).into(),
        folder: options.folder.clone().unwrap_or_else(|| PathBuf::from(&file)),
        key_file: format!("{file}.key"),
        request_file: format!("{file}.csr"),
        next: vec![
            match &options.key {
                None => format!("Send {file}.csr to your authority; keep {file}.key where it is."),
                Some(_) => format!("Send {file}.csr to your authority."),
            },
            "Then: sceau cert bundle --key … --certificate … --intermediate … --output …".to_owned(),
        ],
    })
}

fn new_file(path: &Path, access: Access) -> Result<Output, Failure> {
    Output::file(path, access, false).map_err(|failure| match failure.code.as_str() {
        "exists" => {
            let words = format!(
                "{} exists already, and neither keys nor their requests are overwritten: a certificate may be in use with it. Choose \
                 another folder with --folder, or move it away",
                path.display()
            );
            Failure::new(Exit::Usage, "exists", words)
        }
        _ => failure,
    })
}

fn write(output: &mut Output, content: &[u8], path: &Path) -> Result<(), Failure> {
    output.write_all(content).map_err(|cause| Failure::file("write", path, &cause))
}

fn tell(
    plan: &Plan,
    request: &CertificateRequest,
    key: &Kept<'_>,
    file: &Path,
    options: &CsrOptions,
) -> Result<(), Failure> {
    let public = key_facts(request.public_key_info());
    if options.json {
        let mut told = json!({
            "subject": request.subject().to_string(),
            "common_name": request.subject().common_name(),
            "hosts": request.hosts(),
            "key": plan.kind.as_str(),
            "public_key_sha256": public.sha256,
            "request_file": file,
        });
        let (name, value) = match key {
            Kept::File(path) => ("private_key_file", json!(path)),
            Kept::Token(key, _) => ("private_key", json!(key.uri().to_string())),
        };
        if let Some(fields) = told.as_object_mut() {
            fields.insert(name.to_owned(), value);
        }
        return say::json(&told);
    }
    let kept = match key {
        Kept::File(path) => {
            format!("{}  (stays here: mode 0600, folder left out of backups)", path.display())
        }
        Kept::Token(key, how) => format!("{}  ({how})", key.uri().short()),
    };
    say::result(&format!(
        "Private key  {kept}\nRequest      {}  (for the authority)\nSubject      {}\n\
         Key          {}, SHA-256 {}",
        file.display(),
        request.subject(),
        plan.kind.as_str(),
        public.sha256
    ))?;
    say::remark(&format!("\nNext:\n  {}", plan.next.join("\n  ")));
    Ok(())
}
