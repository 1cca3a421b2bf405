//! `sceau terminal sign`.

use std::path::{Path, PathBuf};

use sceau_client::ClientError;
use sceau_client::terminal::{Signed, Storage, ToApprove, sign};
use sceau_element_api::Base64Url;
use sceau_keyring::Pin;
use sceau_pki::Certificate;
use serde_json::json;

use super::keypad::{PinOptions, not_taken};
use super::show;
use crate::command::input::read_small;
use crate::command::keyring::{LONGEST, Opened, PlatformOptions, read_text, wait_for};
use crate::command::output::Access;
use crate::failure::{Exit, Failure};
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau terminal sign --folder ~/.keyring --at https://sceau.example.org lease.request \\
      --out lease.sig --certificate me.pem
  openssl x509 -in me.pem -pubkey -noout > me.pub
  openssl dgst -sha256 -verify me.pub -signature lease.sig lease.pdf

The whole request is shown before you are asked to agree. Of several items, the signatures go to lease.sig.1, lease.sig.2 and so on.";

/// Which request, and where to.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SignOptions {
    /// The request, as the service provider gave it
    #[arg(value_name = "REQUEST")]
    request: PathBuf,
    /// The terminal's folder
    #[arg(long, value_name = "FOLDER")]
    folder: PathBuf,
    /// Where the signature goes
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Where your certificate goes, and those above it, PEM
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Where the element's proof of the transaction goes
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

pub(super) fn run(options: &SignOptions) -> Result<(), Failure> {
    let request = read_text(&options.request, "a request")?;
    let server = options.platform.server()?;
    let storage = Storage::at(&options.folder);
    let width = show::width()?;
    let (mut outputs, mut unopened) = (None, None);
    let approve = |asked: &ToApprove| {
        match Outputs::open(options, asked) {
            Ok(opened) => outputs = Some(opened),
            Err(failure) => {
                let refused = not_taken(&failure);
                unopened = Some(failure);
                return Err(refused);
            }
        }
        options.approve(asked, width).map_err(|failure| not_taken(&failure))
    };
    let signed = wait_for(sign(&storage, &server, &request, approve));
    let signed = signed.map_err(|failure| unopened.unwrap_or(failure))?;
    if let Some(outputs) = outputs {
        outputs.write(&signed)?;
    }
    say::json(&json!({"index": signed.index, "signatures": signed.signatures.len()}))
}

impl SignOptions {
    /// Shows the request, and asks for agreement and PIN.
    fn approve(&self, asked: &ToApprove, width: usize) -> Result<Pin, Failure> {
        say::remark(&show::to_approve(asked, width));
        self.pin.agreed("not agreed: nothing is signed")
    }
}

/// Where signatures, certificates and proof go, opened before the holder agrees: a use whose signatures could not be kept would be spent.
struct Outputs {
    signatures: Vec<Opened>,
    certificate: Option<Opened>,
    proof: Option<Opened>,
}

impl Outputs {
    fn open(options: &SignOptions, asked: &ToApprove) -> Result<Self, Failure> {
        let numbered = |at: usize| match asked.request.items.len() {
            1 => options.out.clone(),
            _ => PathBuf::from(format!("{}.{}", options.out.display(), at + 1)),
        };
        let shared = |path: &Path| Opened::at(path, Access::Shared);
        let signatures = (0..asked.request.items.len()).map(|at| shared(&numbered(at)));
        let certificate = options.certificate.as_deref().filter(|path| !has(path, &asked.certificates));
        Ok(Self {
            signatures: signatures.collect::<Result<_, _>>()?,
            certificate: certificate.map(shared).transpose()?,
            proof: options.proof.as_deref().map(shared).transpose()?,
        })
    }

    fn write(self, signed: &Signed) -> Result<(), Failure> {
        for (output, signature) in self.signatures.into_iter().zip(&signed.signatures) {
            output.write(signature)?;
        }
        if let Some(proof) = self.proof {
            proof.write(signed.proof.as_bytes())?;
        }
        match self.certificate {
            Some(_) if signed.certificates.is_empty() => {
                let words = "the signature is made, and the element gave no certificate with it";
                Err(Failure::new(Exit::System, "certificate_missing", words))
            }
            Some(output) => output.write(pem(&signed.certificates)?.as_bytes()),
            None => Ok(()),
        }
    }
}

/// Whether a file has these certificates already: they are the same at each use.
fn has(path: &Path, certificates: &[Base64Url]) -> bool {
    let kept = read_small(path, LONGEST, "certificates").ok();
    !certificates.is_empty() && kept.is_some() && kept == pem(certificates).ok().map(String::into_bytes)
}

fn pem(certificates: &[Base64Url]) -> Result<String, Failure> {
    let read = |der: &Base64Url| {
        let read = Certificate::from_der(der, "the holder's certificate");
        read.map(|it| it.to_pem()).map_err(|_| ClientError::Answer)
    };
    Ok(certificates.iter().map(read).collect::<Result<String, _>>()?)
}
