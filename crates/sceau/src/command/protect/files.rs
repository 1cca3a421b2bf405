//! Sealing a file under a datum's key, and opening it.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use sceau_client::protect::{Application, NewDatum, Protected, SealedContent, User};
use sceau_crypto::envelope::{Metadata, NewEnvelope};
use sceau_crypto::stream::{StreamError, StreamOptions, open_content, seal_content};
use sceau_element_api::protect::{Authorisation, DatumId, Grantee, UserId};
use serde_json::json;

use super::super::input::{self, Input};
use super::super::progress::Progress;
use super::super::{fault, open, seal};
use super::contents;
use super::{CallerOptions, wait_for};
use crate::failure::{Exit, Failure};
use crate::say;

const PROTECT_EXAMPLES: &str = "\
Examples:
  sceau protect --application hr.toml --user alice payslip.pdf     makes payslip.pdf.sceau beside it
  sceau protect --application hr.toml --user alice --grant-group payroll --tag 2026 payslip.pdf

The file is encrypted on this machine, under a key that is asked for this file alone. Who may open it is judged each time by the \
element, which records it; what is said here of the datum (owner, label, tags, grants) is known there, the file and its name are not.";

const UNPROTECT_EXAMPLES: &str = "\
Examples:
  sceau unprotect --application hr.toml --user bob --in-group payroll payslip.pdf.sceau

A file appears only once its last byte is verified. In a pipe every byte that comes out was verified, but the file is \
whole only if the exit code is 0.";

/// What to protect, for whom.
#[derive(Debug, clap::Args)]
#[command(after_help = PROTECT_EXAMPLES)]
pub(crate) struct ProtectOptions {
    #[command(flatten)]
    by: CallerOptions,
    /// Whose it is, if not the user's
    #[arg(long, value_name = "NAME")]
    owner: Option<UserId>,
    /// A user who may open it too; once for each
    #[arg(long, value_name = "NAME")]
    grant_user: Vec<UserId>,
    /// A group whose users may open it too; once for each
    #[arg(long, value_name = "GROUP")]
    grant_group: Vec<UserId>,
    /// What the application calls the datum; it is known to the element, not sealed
    #[arg(long, value_name = "TEXT", default_value = "")]
    label: String,
    /// A word to find it by, known to the element; once for each
    #[arg(long, value_name = "WORD")]
    tag: Vec<String>,
    /// How the file is kept: an envelope, or AES-256-CBC under a signature of the element's keystore
    #[arg(long, value_enum, default_value = "sceau-1")]
    profile: Profile,
    #[command(flatten)]
    to: WrittenOptions,
    /// Files to protect; none or - for standard input
    #[arg(value_name = "INPUT")]
    inputs: Vec<PathBuf>,
}

/// How a file is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Profile {
    // No documentation of these: the help of every option would take three lines.
    #[value(name = "sceau-1")]
    Envelope,
    #[value(name = "cbc-rs256")]
    CbcRs256,
}

/// What to open, as whom.
#[derive(Debug, clap::Args)]
#[command(after_help = UNPROTECT_EXAMPLES)]
pub(crate) struct UnprotectOptions {
    #[command(flatten)]
    by: CallerOptions,
    #[command(flatten)]
    to: WrittenOptions,
    /// Protected files; none or - for standard input
    #[arg(value_name = "INPUT")]
    inputs: Vec<PathBuf>,
}

/// Where results go, and how.
#[derive(Debug, clap::Args)]
struct WrittenOptions {
    /// Where to write: a file, a folder, or - for standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Overwrite existing files
    #[arg(long)]
    force: bool,
    /// Print one JSON result per file, on standard error when the file itself goes to standard output
    #[arg(long)]
    json: bool,
    /// Say nothing when all goes well
    #[arg(short, long)]
    quiet: bool,
}

impl ProtectOptions {
    pub(crate) fn json(&self) -> bool {
        self.to.json
    }
}

impl UnprotectOptions {
    pub(crate) fn json(&self) -> bool {
        self.to.json
    }
}

pub(crate) fn protect(options: &ProtectOptions) -> Result<(), Failure> {
    let inputs = input::or_standard_input(&options.inputs);
    seal::only_one_into_one(&inputs, options.to.output.as_deref())?;
    let (application, user) = options.by.read()?;
    inputs.iter().try_for_each(|path| protect_one(path, &application, &user, options))
}

fn protect_one(
    path: &Path,
    application: &Application,
    user: &User,
    options: &ProtectOptions,
) -> Result<(), Failure> {
    let input = Input::open(path)?;
    let mut output = seal::destination(&input, options.to.output.as_deref(), options.to.force)?;
    let (from, to) = (input.label.clone(), output.label.clone());
    let metadata = seal::metadata(path, None, None)?;
    let datum = new_datum(options);
    if options.profile == Profile::CbcRs256 {
        let progress = Progress::bytes(&from, input.size, options.to.quiet);
        let mut report = |done| progress.at(done);
        let SealedContent { datum, index, size } =
            contents::seal((input, &mut output), (application, user), (datum, &metadata), &mut report)?;
        let standard = output.is_standard();
        output.commit()?;
        drop(progress);
        let said = json!({"input": from, "output": to, "datum": datum, "record": index, "size": size, "profile": "cbc-rs256"});
        return tell_protected((said, size), datum, (&from, &to, standard), options);
    }
    let Protected { datum, index, wrapped_key, key } =
        wait_for(async { Ok(application.create(user, datum).await?) })?;
    let envelope = NewEnvelope::under(key.into_cek(), *datum.as_bytes(), wrapped_key, metadata)
        .map_err(|error| Failure::new(Exit::System, "server", error.to_string()))?;
    let progress = Progress::bytes(&from, input.size, options.to.quiet);
    let mut report = |done| progress.at(done);
    let stream = StreamOptions::new().with_progress(&mut report);
    let header = envelope.header.as_bytes();
    let sealed = output
        .write_all(header)
        .map_err(StreamError::Write)
        .and_then(|()| seal_content(envelope, input, &mut output, stream))
        .map_err(|error| fault::stream(&error, &from, &to))?;
    let standard = output.is_standard();
    output.commit()?;
    drop(progress);
    let said = json!({
        "input": from, "output": to, "datum": datum, "record": index, "file_id": sealed.file_id,
        "size": sealed.size, "parts": sealed.parts,
    });
    tell_protected((said, sealed.size), datum, (&from, &to, standard), options)
}

fn new_datum(options: &ProtectOptions) -> NewDatum {
    let users = options.grant_user.iter().cloned().map(Grantee::User);
    let all = users.chain(options.grant_group.iter().cloned().map(Grantee::Group));
    let grants = all.map(|to| Authorisation { to, from: None, until: None }).collect();
    NewDatum {
        owner: options.owner.clone(),
        name: options.label.clone(),
        tags: options.tag.clone(),
        grants,
        ..NewDatum::default()
    }
}

fn tell_protected(
    (said, size): (serde_json::Value, u64),
    datum: DatumId,
    (from, to, standard): (&str, &str, bool),
    options: &ProtectOptions,
) -> Result<(), Failure> {
    if options.to.json {
        return say::json_beside(&said, standard);
    }
    if !options.to.quiet && !standard {
        say::remark(&format!("Protected {from}: {to}, {}, datum {datum}", say::size(size)));
    }
    Ok(())
}

pub(crate) fn unprotect(options: &UnprotectOptions) -> Result<(), Failure> {
    let inputs = input::or_standard_input(&options.inputs);
    seal::only_one_into_one(&inputs, options.to.output.as_deref())?;
    let (application, user) = options.by.read()?;
    inputs.iter().try_for_each(|path| unprotect_one(path, &application, &user, options))
}

fn unprotect_one(
    path: &Path,
    application: &Application,
    user: &User,
    options: &UnprotectOptions,
) -> Result<(), Failure> {
    let mut input = Input::open(path)?;
    let from = input.label.clone();
    let at = (options.to.output.as_deref(), options.to.force, options.to.quiet);
    if let Some(file) = contents::of(&mut input)? {
        let datum = file.datum();
        let progress = Progress::bytes(&from, input.size, options.to.quiet);
        let mut report = |done| progress.at(done);
        let (output, metadata, size) = contents::unseal(file, &input, (application, user), at, &mut report)?;
        let (to, standard) = (output.label.clone(), output.is_standard());
        output.commit()?;
        drop(progress);
        return tell_opened((&metadata, size), datum, (&from, &to, standard), options);
    }
    let header = open::read(&mut input)?;
    let (datum, wrapped) = datum_of(&header, &from)?;
    let key = wait_for(async { Ok(application.open(user, datum, wrapped).await?) })?;
    let header = header.open_with(key.into_cek()).map_err(|error| fault::open(&error, &from))?;
    let total = input.size.and_then(|size| open::plaintext(size, header.as_bytes().len()));
    let mut output = open::destination(&input, &header, at)?;
    let to = output.label.clone();
    let progress = Progress::bytes(&from, total, options.to.quiet);
    let mut report = |done| progress.at(done);
    let stream = StreamOptions::new().with_progress(&mut report);
    let standard = output.is_standard();
    let opened = open_content(&header, input, &mut output, stream)
        .map_err(|error| open::not_whole(fault::stream(&error, &from, &to), &error, standard))?;
    output.commit()?;
    drop(progress);
    tell_opened((&opened.metadata, opened.size), datum, (&from, &to, standard), options)
}

/// The datum under whose key a file is, and the key as the element wrapped it.
pub(super) fn datum_of<'a>(
    header: &'a sceau_crypto::envelope::UnverifiedHeader,
    label: &str,
) -> Result<(DatumId, &'a [u8]), Failure> {
    let of_datum = header.stanzas().iter().find_map(|stanza| stanza.datum().map(|datum| (datum, stanza)));
    let (datum, stanza) = of_datum.ok_or_else(|| {
        let words =
            format!("{label} is sealed for recipients, and not under a datum's key: open it with sceau open");
        Failure::new(Exit::Key, "envelope_not_a_datum", words)
    })?;
    Ok(((*datum).into(), &stanza.wrapped))
}

fn tell_opened(
    (metadata, size): (&Metadata, u64),
    datum: DatumId,
    (from, to, standard): (&str, &str, bool),
    options: &UnprotectOptions,
) -> Result<(), Failure> {
    if options.to.json {
        let result = json!({
            "input": from, "output": to, "datum": datum, "name": metadata.name(), "type": metadata.media_type(),
            "size": size,
        });
        return say::json_beside(&result, standard);
    }
    if !options.to.quiet && !standard {
        say::remark(&format!("Opened {from}: {to}, {}", say::size(size)));
    }
    Ok(())
}
