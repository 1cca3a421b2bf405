//! `sceau cert convert`: certificates and revocation lists from DER into PEM and back, several into one file.

use std::path::{Path, PathBuf};

use sceau_pki::Material;

use super::{fault, place};
use crate::command::input::read_small;
use crate::command::output::Access;
use crate::failure::{Exit, Failure};
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau cert convert ACR-EL.cer ACI-EL-ORG.cer          ACR-EL.cer.pem, ACI-EL-ORG.cer.pem
  sceau cert convert ACR-EL.crl ACI-EL-ORG.crl -o ACR-ACI-EL-ORG.crl.pem
  sceau cert convert --to der ACR-EL.cer.pem            ACR-EL.cer

Private keys are not converted: they stay in the file in which they were made.";

/// A list of many years may be long.
const LONGEST: u64 = 256 << 20;

/// What to convert.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ConvertOptions {
    /// The form that is wanted
    #[arg(long, value_enum, default_value_t = Form::Pem)]
    to: Form,
    /// One file for all of them, instead of one beside each
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Overwrite existing files
    #[arg(long)]
    force: bool,
    /// Files of certificates, requests or revocation lists, PEM or DER
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    Pem,
    Der,
}

pub(super) fn run(options: &ConvertOptions) -> Result<(), Failure> {
    match &options.output {
        Some(output) => {
            let mut all = Vec::new();
            for path in &options.files {
                all.extend(read(path)?);
            }
            write(output, &all, options)
        }
        None => {
            // All of them first: nothing is written of what is wrong in part.
            let planned: Result<Vec<_>, Failure> =
                options.files.iter().map(|path| Ok((beside(path, options.to)?, read(path)?))).collect();
            planned?.iter().try_for_each(|(path, parts)| write(path, parts, options))
        }
    }
}

/// DER and PEM of one part.
struct Part {
    der: Vec<u8>,
    pem: String,
}

fn read(path: &Path) -> Result<Vec<Part>, Failure> {
    let label = path.display().to_string();
    let bytes = zeroize::Zeroizing::new(read_small(path, LONGEST, "a certificate or a list")?);
    let all = Material::read(&bytes, &label).map_err(|error| fault::pki(&error))?;
    all.into_iter().map(|one| part(&one, &label)).collect()
}

fn part(one: &Material, label: &str) -> Result<Part, Failure> {
    match one.public_form() {
        Some((der, pem)) => Ok(Part { der, pem }),
        None => {
            let words =
                format!("{label} holds a private key, which is not copied: give the certificate alone");
            Err(Failure::new(Exit::Usage, "private_key", words))
        }
    }
}

/// `X.pem` beside X, X beside `X.pem`.
fn beside(path: &Path, to: Form) -> Result<PathBuf, Failure> {
    let text = path.as_os_str().to_string_lossy();
    match to {
        Form::Pem if text.ends_with(".pem") => {
            let words = format!("{text} has the name of a file in PEM already: say where with -o");
            Err(fault::usage("name", words))
        }
        Form::Pem => {
            let mut name = path.as_os_str().to_owned();
            name.push(".pem");
            Ok(name.into())
        }
        Form::Der => match text.strip_suffix(".pem") {
            Some(stem) if !stem.is_empty() => Ok(PathBuf::from(stem)),
            _ => Err(fault::usage("name", format!("{text} does not end in .pem: say where with -o"))),
        },
    }
}

fn write(path: &Path, parts: &[Part], options: &ConvertOptions) -> Result<(), Failure> {
    let content = match (options.to, parts) {
        (Form::Pem, parts) => parts.iter().map(|part| part.pem.as_str()).collect::<String>().into_bytes(),
        (Form::Der, [part]) => part.der.clone(),
        (Form::Der, _) => {
            let words =
                format!("{} would be of {} parts, and DER holds one: use PEM", path.display(), parts.len());
            return Err(fault::usage("one_der", words));
        }
    };
    place::write(path, &content, Access::Shared, options.force)?;
    say::remark(&format!("{}: {}", path.display(), say::counted(parts.len() as u64, "part")));
    Ok(())
}
