//! `sceau seal`: files and pipes of any size, for one or more recipients.

use std::path::{Path, PathBuf};

use sceau_crypto::RecipientKey;
use sceau_crypto::envelope::Metadata;
use sceau_crypto::stream::{Sealed, StreamOptions, seal_stream};
use serde_json::json;

use super::input::{self, Input};
use super::output::{Access, Output};
use super::progress::Progress;
use sceau_client::name;

use super::{fault, keys};
use crate::failure::{Exit, Failure};
use crate::say;

/// What a sealed file's name ends with.
pub(super) const SUFFIX: &str = ".sceau";

const EXAMPLES: &str = "\
Examples:
  sceau seal --to camille.pub contract.pdf               makes contract.pdf.sceau beside it
  sceau seal --to camille.pub --to archive.pub *.pdf     two recipients, each can open alone
  sceau seal --to camille.pub -o /media/usb contract.pdf
  tar c dossier | sceau seal --to camille.pub --name dossier.tar > dossier.tar.sceau

A file appears whole or not at all. Its name and type are sealed too. Before sealing, compare the key's fingerprint \
(sceau keys show camille.pub) with its owner by voice.";

/// What to seal, for whom.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SealOptions {
    /// Public key of a recipient; once for each
    #[arg(long, value_name = "PUBLIC.pub", required = true)]
    to: Vec<PathBuf>,
    /// Where to write: a file, a folder, or - for standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Name that the recipient sees, instead of the file's own
    #[arg(long)]
    name: Option<String>,
    /// Media type that the recipient sees, instead of what the name suggests
    #[arg(long = "type", value_name = "TYPE")]
    media_type: Option<String>,
    /// Overwrite existing files
    #[arg(long)]
    force: bool,
    /// Print one JSON result per file, on standard error when the file itself goes to standard output
    #[arg(long)]
    pub(super) json: bool,
    /// Say nothing when all goes well
    #[arg(short, long)]
    quiet: bool,
    /// Files to seal; none or - for standard input
    #[arg(value_name = "INPUT")]
    inputs: Vec<PathBuf>,
}

pub(super) fn run(options: &SealOptions) -> Result<(), Failure> {
    let recipients = options.to.iter().map(|path| keys::public_key(path)).collect::<Result<Vec<_>, _>>()?;
    let inputs = input::or_standard_input(&options.inputs);
    if inputs.len() > 1 && options.name.is_some() {
        return Err(Failure::new(Exit::Usage, "one_name", "--name is for one file: seal the others apart"));
    }
    only_one_into_one(&inputs, options.output.as_deref())?;
    inputs.iter().try_for_each(|path| seal(path, &recipients, options))
}

/// Several files do not fit into one.
pub(super) fn only_one_into_one(inputs: &[PathBuf], output: Option<&Path>) -> Result<(), Failure> {
    let fits = inputs.len() == 1 || output.is_none_or(|output| output.is_dir());
    let words = "several files do not go into one: give a folder to -o, or nothing";
    if fits { Ok(()) } else { Err(Failure::new(Exit::Usage, "one_output", words)) }
}

fn seal(path: &Path, recipients: &[RecipientKey], options: &SealOptions) -> Result<(), Failure> {
    let input = Input::open(path)?;
    let mut output = destination(&input, options.output.as_deref(), options.force)?;
    let (from, to) = (input.label.clone(), output.label.clone());
    let progress = Progress::bytes(&from, input.size, options.quiet);
    let mut report = |done| progress.at(done);
    let stream = StreamOptions::new().with_progress(&mut report);
    let metadata = metadata(path, options.name.as_deref(), options.media_type.as_deref())?;
    // Hashing is slower than sealing: only who reads the hash waits for it.
    let stream = if options.json { stream.with_hash() } else { stream };
    let sealed = seal_stream(input, &mut output, recipients, metadata, stream)
        .map_err(|error| fault::stream(&error, &from, &to))?;
    let standard = output.is_standard();
    output.commit()?;
    drop(progress);
    tell(&sealed, &from, &to, standard, recipients, options)
}

/// Name and type of a file, unless said otherwise.
pub(super) fn metadata(
    path: &Path,
    name: Option<&str>,
    media_type: Option<&str>,
) -> Result<Metadata, Failure> {
    let name = match name {
        Some(name) => name.to_owned(),
        None if input::is_standard(path) => "document".to_owned(),
        None => name::for_envelope(path),
    };
    let media_type = media_type.unwrap_or_else(|| name::media_type(&name));
    Metadata::new(&name, media_type).map_err(|error| fault::seal(&error))
}

/// Where a sealed file goes: where it is said, or beside what it comes from.
pub(super) fn destination(input: &Input, output: Option<&Path>, force: bool) -> Result<Output, Failure> {
    let beside = |path: &Path| {
        let mut name = path.as_os_str().to_owned();
        name.push(SUFFIX);
        PathBuf::from(name)
    };
    let path = match (output, &input.path) {
        (Some(output), _) if input::is_standard(output) => return Output::standard(false),
        (Some(folder), source) if folder.is_dir() => {
            let name = source.as_deref().and_then(Path::file_name).unwrap_or("document".as_ref());
            beside(&folder.join(name))
        }
        (Some(file), _) => file.to_owned(),
        (None, Some(source)) => beside(source),
        (None, None) => return Output::standard(false),
    };
    Output::file(&path, Access::Shared, force)
}

fn tell(
    sealed: &Sealed,
    from: &str,
    to: &str,
    standard: bool,
    recipients: &[RecipientKey],
    options: &SealOptions,
) -> Result<(), Failure> {
    if options.json {
        let result = json!({
            "input": from,
            "output": to,
            "file_id": sealed.file_id,
            "envelope_hash": sealed.hash,
            "size": sealed.size,
            "parts": sealed.parts,
            "recipients": recipients.iter().map(|key| json!({"suite": key.suite(), "key_id": key.key_id()})).collect::<Vec<_>>(),
        });
        return say::json_beside(&result, standard);
    }
    // In a pipe, the next program has the word.
    if !options.quiet && !standard {
        let recipients = say::counted(recipients.len() as u64, "recipient");
        say::remark(&format!("Sealed {from} for {recipients}: {to}, {}", say::size(sealed.size)));
    }
    Ok(())
}
