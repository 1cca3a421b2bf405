//! `sceau open`: files and pipes of any size, with a private key.

use std::path::{Path, PathBuf};

use sceau_crypto::RecipientPrivateKey;
use sceau_crypto::envelope::{Metadata, OpenedHeader, StreamLayout, UnverifiedHeader};
use sceau_crypto::stream::{Opened, StreamError, StreamOptions, open_content, read_header};
use serde_json::json;

use super::input::{self, Input};
use super::output::{Access, Output};
use super::progress::Progress;
use super::seal::only_one_into_one;
use sceau_client::name;

use super::{fault, keys};
use crate::failure::Failure;
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau open --key camille.key contract.pdf.sceau        writes contract.pdf beside it
  sceau open --key camille.key -o /tmp/case *.sceau
  sceau open --key camille.key < dossier.tar.sceau | tar x

A file appears only once its last byte is verified. In a pipe every byte that comes out was verified, but the file is \
whole only if the exit code is 0. Names are those that the sender gave, with path tricks and invisible characters \
made harmless.";

/// What to open, with which key.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct OpenOptions {
    /// Your private key
    #[arg(long, value_name = "PRIVATE.key")]
    key: PathBuf,
    /// Read the key's passphrase from this file instead of asking
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Where to write: a file, a folder, or - for standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Overwrite existing files
    #[arg(long)]
    force: bool,
    /// Print one JSON result per file, on standard error when the file itself goes to standard output
    #[arg(long)]
    pub(super) json: bool,
    /// Say nothing when all goes well
    #[arg(short, long)]
    quiet: bool,
    /// Sealed files; none or - for standard input
    #[arg(value_name = "INPUT")]
    inputs: Vec<PathBuf>,
}

pub(super) fn run(options: &OpenOptions) -> Result<(), Failure> {
    let inputs = input::or_standard_input(&options.inputs);
    only_one_into_one(&inputs, options.output.as_deref())?;
    let key = keys::private_key(&options.key, options.passphrase_file.as_deref())?;
    inputs.iter().try_for_each(|path| open(path, &key, options))
}

fn open(path: &Path, key: &RecipientPrivateKey, options: &OpenOptions) -> Result<(), Failure> {
    let mut input = Input::open(path)?;
    let from = input.label.clone();
    let header = unlock(&mut input, key)?;
    let total = input.size.and_then(|size| plaintext(size, header.as_bytes().len()));
    let mut output = destination(&input, &header, (options.output.as_deref(), options.force, options.quiet))?;
    let to = output.label.clone();
    let progress = Progress::bytes(&from, total, options.quiet);
    let mut report = |done| progress.at(done);
    let stream = StreamOptions::new().with_progress(&mut report);
    let stream = if options.json { stream.with_hash() } else { stream };
    let standard = output.is_standard();
    let opened = open_content(&header, input, &mut output, stream)
        .map_err(|error| not_whole(fault::stream(&error, &from, &to), &error, standard))?;
    output.commit()?;
    drop(progress);
    tell(&opened, &header, &from, &to, standard, options)
}

/// Reads the header and proves it with the key.
pub(super) fn unlock(input: &mut Input, key: &RecipientPrivateKey) -> Result<OpenedHeader, Failure> {
    let header = read(input)?;
    header.unlock(key).map_err(|error| fault::open(&error, &input.label))
}

/// Reads the header; the input then stands at the content.
pub(super) fn read(input: &mut Input) -> Result<UnverifiedHeader, Failure> {
    let label = input.label.clone();
    read_header(input).map_err(|error| fault::stream(&error, &label, ""))
}

/// Bytes of the file in an envelope of `size` bytes; unknown where no envelope has that size.
pub(super) fn plaintext(size: u64, header: usize) -> Option<u64> {
    let stream = size.checked_sub(header as u64)?;
    StreamLayout::of_stream(stream).ok().map(|layout| layout.plaintext())
}

/// Where an opened file goes: where it is said, or beside what it comes from, under the name that its sender gave.
pub(super) fn destination(
    input: &Input,
    header: &OpenedHeader,
    to: (Option<&Path>, bool, bool),
) -> Result<Output, Failure> {
    named(input, header.metadata(), to)
}

/// The same of a file that is called so inside.
pub(super) fn named(
    input: &Input,
    metadata: &Metadata,
    (output, force, quiet): (Option<&Path>, bool, bool),
) -> Result<Output, Failure> {
    let sealed_name = metadata.name();
    let safe = name::for_disk(sealed_name);
    let folder = match (output, &input.path) {
        (Some(output), _) if input::is_standard(output) => return Output::standard(true),
        (Some(output), _) if !output.is_dir() => return Output::file(output, Access::Private, force),
        (Some(folder), _) => folder,
        (None, Some(source)) => source.parent().unwrap_or(Path::new("")),
        (None, None) => return Output::standard(true),
    };
    if safe != sealed_name && !quiet {
        say::remark(&format!("The sender's name for the file could mislead; it is written as {safe}"));
    }
    Output::file(&folder.join(safe), Access::Private, force)
}

/// In a pipe, whoever reads it has bytes already.
pub(super) fn not_whole(failure: Failure, error: &StreamError, standard: bool) -> Failure {
    match error {
        StreamError::Open(_) if standard => {
            failure.and("what came out so far is authentic, but it is not the whole file: discard it")
        }
        _ => failure,
    }
}

fn tell(
    opened: &Opened,
    header: &OpenedHeader,
    from: &str,
    to: &str,
    standard: bool,
    options: &OpenOptions,
) -> Result<(), Failure> {
    if options.json {
        let result = json!({
            "input": from,
            "output": to,
            "name": opened.metadata.name(),
            "type": opened.metadata.media_type(),
            "size": opened.size,
            "file_id": header.fixed().file_id(),
            "envelope_hash": opened.hash,
        });
        return say::json_beside(&result, standard);
    }
    // In a pipe, the next program has the word.
    if !options.quiet && !standard {
        say::remark(&format!("Opened {from}: {to}, {}", say::size(opened.size)));
    }
    Ok(())
}
