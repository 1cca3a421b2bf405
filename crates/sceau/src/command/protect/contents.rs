//! Files of the profile `cbc-rs256`, as the command names them; the work on them is the client's.

use std::fs::File;
use std::path::Path;

use sceau_client::name;
use sceau_client::protect::{Application, ContentError, ContentFile, NewDatum, SealedContent, User};
use sceau_crypto::envelope::Metadata;

use super::super::input::Input;
use super::super::open;
use super::super::output::Output;
use super::wait_for;
use crate::failure::{Exit, Failure};

/// Where an opened file goes: as of an envelope.
pub(super) type Destination<'a> = (Option<&'a Path>, bool, bool);

/// Encrypts a file under a new datum.
pub(super) fn seal(
    (input, output): (Input, &mut Output),
    (application, user): (&Application, &User),
    (datum, metadata): (NewDatum, &Metadata),
    report: &mut dyn FnMut(u64),
) -> Result<SealedContent, Failure> {
    let label = input.label.clone();
    wait_for(async {
        let sealed = application.seal_content(user, datum, metadata, (input, output), report).await;
        sealed.map_err(|error| match error {
            ContentError::Refused(refused) => Failure::new(Exit::System, "server", refused.to_string()),
            error => failed(error, &label),
        })
    })
}

/// The file of this profile that the input is, if it begins as one: read in its place, or kept in a file without a name where it comes by a pipe, since it is read twice.
pub(super) fn of(input: &mut Input) -> Result<Option<ContentFile<File>>, Failure> {
    if !ContentFile::<File>::begins(input.beginning()?) {
        return Ok(None);
    }
    let file = input.kept_to_read_twice()?;
    ContentFile::read(file).map(Some).map_err(|error| failed(error, &input.label))
}

/// How a file is called inside, once it is proven to be the one that was signed.
pub(super) fn name(
    file: ContentFile<File>,
    label: &str,
    (application, user): (&Application, &User),
) -> Result<String, Failure> {
    let opened =
        wait_for(async { file.open(application, user).await.map_err(|error| failed(error, label)) })?;
    Ok(name::for_disk(opened.metadata().name()))
}

/// Opens a file, and gives where it went, its name and type, and its size.
pub(super) fn unseal(
    file: ContentFile<File>,
    input: &Input,
    (application, user): (&Application, &User),
    to: Destination<'_>,
    report: &mut dyn FnMut(u64),
) -> Result<(Output, Metadata, u64), Failure> {
    let failed = |error| failed(error, &input.label);
    let opened = wait_for(async { file.open(application, user).await.map_err(failed) })?;
    let metadata = opened.metadata().clone();
    let mut output = open::named(input, &metadata, to)?;
    let written = opened.write_to(&mut output, report);
    let size = written.map_err(|error| match error {
        ContentError::Refused(_) if output.is_standard() => {
            failed(error).and("what came out so far was signed, but it is not the whole file: discard it")
        }
        error => failed(error),
    })?;
    Ok((output, metadata, size))
}

fn failed(error: ContentError, label: &str) -> Failure {
    match error {
        ContentError::Client(error) => error.into(),
        ContentError::Read(cause) => Failure::system("read the file", &cause),
        ContentError::Write(cause) => Failure::system("write the file", &cause),
        refused => {
            Failure::new(Exit::Input, "content_invalid", format!("{label}: {refused}; fetch it again"))
        }
    }
}
