//! `sceau terminal face`, and the picture that a shell gives where the policy asks for the face.

use std::path::{Path, PathBuf};

use sceau_client::ClientError;
use sceau_client::terminal::{Storage, ToApprove, enrol_face};
use sceau_keyring::Capture;
use serde_json::json;
use zeroize::Zeroizing;

use super::keypad::PinOptions;
use crate::command::input::read_small;
use crate::command::keyring::{NotDone, Opened, PlatformOptions, wait_for};
use crate::command::output::Access;
use crate::failure::{Exit, Failure};
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau terminal face --folder ~/.keyring --at https://sceau.example.org --capture me.ppm

The picture is of your face alone, cut out and scaled as the model takes it: a binary PPM (P6). It is sealed to the process that compares faces, which makes a template \
of it; this terminal alone keeps the template, sealed. Until it was used it may be made again, and never afterwards.";

const TOLD: &str = "\
A template is made of the picture of your face, by the operator of the element, and kept in this terminal's folder alone, sealed.
From then on your face is asked for besides the PIN. A face that is not yours counts as a wrong PIN does: three, and the keyring is blocked.
Remove the picture's file afterwards. `sceau terminal destroy` ends the keyring, and removes the template.";

/// As long as a picture of the largest size, and its head.
const LONGEST: u64 = 160 * 160 * 3 + 64;

/// Where a picture comes from.
#[derive(Debug, clap::Args)]
pub(super) struct CaptureOptions {
    /// A picture of your face (PPM), where the policy asks for it besides the PIN
    #[arg(long, value_name = "FILE")]
    capture: Option<PathBuf>,
}

impl CaptureOptions {
    /// Reads the picture, before anything is asked: an attempt that was begun and not ended would cool down.
    pub(super) fn read(&self) -> Result<Option<Picture>, Failure> {
        self.capture.as_deref().map(Picture::read).transpose()
    }
}

/// A picture that was read, and is a capture.
pub(super) struct Picture(Zeroizing<Vec<u8>>);

impl Picture {
    fn read(file: &Path) -> Result<Self, Failure> {
        let bytes = Zeroizing::new(read_small(file, LONGEST, "a picture")?);
        let told = |why: sceau_keyring::CaptureError| {
            Failure::new(Exit::Usage, why.code(), format!("{}: {why}", file.display()))
        };
        Capture::from_ppm(&bytes).map_err(told)?;
        Ok(Self(bytes))
    }

    /// As a camera gives it.
    pub(super) fn taken(&self) -> Result<Capture, ClientError> {
        let told = |why: sceau_keyring::CaptureError| ClientError::Keyring {
            code: "face_invalid",
            detail: why.to_string(),
        };
        Capture::from_ppm(&self.0).map_err(told)
    }
}

/// Which terminal, and which picture.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct FaceOptions {
    /// The terminal's folder
    #[arg(long, value_name = "FOLDER")]
    folder: PathBuf,
    /// A picture of your face (PPM)
    #[arg(long, value_name = "FILE")]
    capture: PathBuf,
    /// Where the element's proof of it goes
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
    /// Tell what went wrong in JSON, for scripts
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pin: PinOptions,
    #[command(flatten)]
    platform: PlatformOptions,
}

pub(super) fn run(options: &FaceOptions) -> Result<(), Failure> {
    let server = options.platform.server()?;
    let picture = Picture::read(&options.capture)?;
    let proof = options.proof.as_deref().map(|path| Opened::at(path, Access::Shared)).transpose()?;
    let approve = |_: &ToApprove| {
        say::remark(TOLD);
        options.pin.agreed("not agreed: no template is made").map_err(NotDone::from)
    };
    let camera = || picture.taken();
    let enrolled = wait_for(enrol_face(&Storage::at(&options.folder), &server, approve, &camera))?;
    if let Some(file) = proof {
        file.write(enrolled.proof.as_bytes())?;
    }
    say::json(&json!({"index": enrolled.index}))
}
