//! `sceau terminal sign`.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sceau_client::ClientError;
use sceau_client::terminal::{Signed, Storage, ToApprove, Visitor, sign, sign_with_face};
use sceau_element_api::{Base64Url, KeyringRequestId};
use sceau_keyring::Pin;
use sceau_pki::Certificate;
use serde_json::json;

use super::face::CaptureOptions;
use super::handed::hand_over;
use super::keypad::PinOptions;
use super::{show, warn};
use crate::command::input::read_small;
use crate::command::keyring::{LONGEST, NotDone, Opened, PlatformOptions, read_text, wait_for};
use crate::command::output::Access;
use crate::failure::{Exit, Failure};
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau terminal pending --folder ~/.keyring --at https://sceau.example.org
  sceau terminal sign --folder ~/.keyring --at https://sceau.example.org --request ID
  sceau terminal sign --folder ~/.keyring --at https://sceau.example.org lease.request \\
      --out lease.sig --certificate me.pem
  openssl x509 -in me.pem -pubkey -noout > me.pub
  openssl dgst -sha256 -verify me.pub -signature lease.sig lease.pdf

The whole request is shown before you are asked to agree. What waits at the host goes back to it, for the provider. Of several items, the signatures go to lease.sig.1, lease.sig.2 and so on.";

/// Which request, and where to.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SignOptions {
    /// The request, as the service provider gave it
    #[arg(value_name = "REQUEST", required_unless_present = "waiting", conflicts_with = "waiting")]
    request: Option<PathBuf>,
    /// In its place, a request that waits at the host, as `sceau terminal pending` names it
    #[arg(long = "request", value_name = "ID")]
    waiting: Option<KeyringRequestId>,
    /// The terminal's folder
    #[arg(long, value_name = "FOLDER")]
    folder: PathBuf,
    /// Where the signature goes; of a request that waited, to its provider alone unless this is said
    #[arg(long, value_name = "FILE", required_unless_present = "waiting")]
    out: Option<PathBuf>,
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
    capture: CaptureOptions,
    #[command(flatten)]
    pin: PinOptions,
    #[command(flatten)]
    platform: PlatformOptions,
}

pub(super) fn run(options: &SignOptions) -> Result<(), Failure> {
    let server = options.platform.server()?;
    let storage = Storage::at(&options.folder);
    let (width, picture) = (show::width()?, options.capture.read()?);
    let request = match (&options.request, options.waiting) {
        (Some(file), _) => read_text(file, "a request")?,
        (None, Some(id)) => wait_for(async { Visitor::at(&storage, &server).await?.fetch(id).await })?,
        (None, None) => return Err(Failure::new(Exit::Usage, "request_missing", "name a request")),
    };
    let mut outputs = None;
    let approve = |asked: &ToApprove| {
        outputs = Some(Outputs::open(options, asked.request.items.len(), &asked.certificates)?);
        Ok::<_, NotDone>(options.approve(asked, width)?)
    };
    let signed = match &picture {
        Some(picture) => {
            let camera = || picture.taken();
            wait_for(sign_with_face(&storage, &server, &request, approve, &camera))
        }
        None => wait_for(sign(&storage, &server, &request, approve)),
    }?;
    let write = || outputs.map_or(Ok(()), |outputs| outputs.write(&signed));
    match options.waiting {
        Some(id) => hand_over(&storage, &server, (id, (&signed).into()), write)?,
        None => write()?,
    }
    say::json(&json!({"index": signed.index, "signatures": signed.signatures.len()}))
}

impl SignOptions {
    /// Shows the request, and asks for agreement and PIN.
    fn approve(&self, asked: &ToApprove, width: usize) -> Result<Pin, Failure> {
        say::remark(&show::to_approve(asked, width));
        // After the request, which may be long: what is read last is seen.
        if let Some(warning) = warn::all(&asked.others, &asked.added) {
            say::remark(&format!("\n{warning}"));
        }
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
    fn open(options: &SignOptions, items: usize, certificates: &[Base64Url]) -> Result<Self, Failure> {
        let numbered = |out: &Path, at: usize| match items {
            1 => out.to_owned(),
            _ => PathBuf::from(format!("{}.{}", out.display(), at + 1)),
        };
        let out = options.out.iter().flat_map(|out| (0..items).map(move |at| (out, at)));
        let signatures: Vec<PathBuf> = out.map(|(out, at)| numbered(out, at)).collect();
        let given = [&options.certificate, &options.proof].into_iter().flatten();
        apart(signatures.iter().chain(given))?;
        let shared = |path: &Path| Opened::at(path, Access::Shared);
        let certificate = options.certificate.as_deref().filter(|path| !has(path, certificates));
        Ok(Self {
            signatures: signatures.iter().map(|path| shared(path)).collect::<Result<_, _>>()?,
            certificate: certificate.map(shared).transpose()?,
            proof: options.proof.as_deref().map(shared).transpose()?,
        })
    }

    /// Keeps all that can be kept: it was signed, and is not signed again. What could not be kept is in the failure's words.
    fn write(self, signed: &Signed) -> Result<(), Failure> {
        let mut failed: Option<Failure> = None;
        let mut keep = |output: Opened, bytes: &[u8]| {
            let Err(failure) = output.write(bytes) else { return };
            let failure = failure.and(&format!("what belongs there, in base64: {}", STANDARD.encode(bytes)));
            failed = Some(match failed.take() {
                Some(before) => before.and(&failure.to_string()),
                None => failure,
            });
        };
        for (output, signature) in self.signatures.into_iter().zip(&signed.signatures) {
            keep(output, signature);
        }
        if let Some(proof) = self.proof {
            keep(proof, signed.proof.as_bytes());
        }
        let certificate = self.certificate.map(|output| pem(&signed.certificates).map(|pem| (output, pem)));
        if let Some((output, pem)) = certificate.transpose()? {
            keep(output, pem.as_bytes());
        }
        failed.map_or(Ok(()), |failure| Err(failure.and(&format!("it is signed, as entry {}", signed.index))))
    }
}

/// That no two files are one: the second would find the name taken, after all was signed.
fn apart<'a>(paths: impl Iterator<Item = &'a PathBuf>) -> Result<(), Failure> {
    let mut names = HashSet::new();
    for path in paths {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        if !names.insert(folder.join(path.file_name().unwrap_or_default())) {
            let words = format!("{} is named for two things: give each a file of its own", path.display());
            return Err(Failure::new(Exit::Usage, "exists", words));
        }
    }
    Ok(())
}

/// Whether a file has these certificates already: they are the same at each use.
fn has(path: &Path, certificates: &[Base64Url]) -> bool {
    let kept = read_small(path, LONGEST, "certificates").ok();
    !certificates.is_empty() && kept.is_some() && kept == pem(certificates).ok().map(String::into_bytes)
}

fn pem(certificates: &[Base64Url]) -> Result<String, Failure> {
    if certificates.is_empty() {
        let words = "the signature is made, and the element gave no certificate with it";
        return Err(Failure::new(Exit::System, "certificate_missing", words));
    }
    let read = |der: &Base64Url| {
        let read = Certificate::from_der(der, "the holder's certificate");
        read.map(|it| it.to_pem()).map_err(|_| ClientError::Answer)
    };
    Ok(certificates.iter().map(read).collect::<Result<String, _>>()?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use std::fs;

    use clap::Parser as _;

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Parsed {
        #[command(flatten)]
        options: SignOptions,
    }

    fn options(folder: &Path, given: &[(&str, &str)]) -> SignOptions {
        let fixed = ["sign", "x.request", "--folder", "terminal", "--at", "http://127.0.0.1:1"];
        let given =
            given.iter().flat_map(|(name, file)| [(*name).into(), folder.join(file).into_os_string()]);
        Parsed::parse_from(fixed.into_iter().map(Into::into).chain(given)).options
    }

    #[test]
    fn no_two_things_go_to_one_file() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("in")).unwrap();
        for (items, given) in [
            (1, [("--out", "a"), ("--proof", "a")]),
            (1, [("--out", "a"), ("--certificate", "a")]),
            (2, [("--out", "a"), ("--proof", "a.1")]),
            (1, [("--out", "a"), ("--proof", "in/../a")]),
        ] {
            let opened = Outputs::open(&options(folder.path(), &given), items, &[]);
            assert_eq!(opened.err().map(|failure| failure.code), Some("exists".to_owned()), "{given:?}");
        }
        Outputs::open(&options(folder.path(), &[("--out", "a"), ("--proof", "a")]), 2, &[]).unwrap();
    }

    #[test]
    fn a_name_that_another_program_took_meanwhile_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let given = [("--out", "a"), ("--proof", "proof")];
        let outputs = Outputs::open(&options(folder.path(), &given), 3, &[]).unwrap();
        fs::write(at("a.1"), b"of somebody").unwrap();
        let signatures = [b"one".as_slice(), b"two", b"three"].map(Base64Url::from).to_vec();
        let signed = Signed { signatures, certificates: Vec::new(), proof: "word".to_owned(), index: 7 };
        let failure = outputs.write(&signed).unwrap_err();
        assert_eq!(failure.code, "exists");
        assert!(failure.to_string().contains(&STANDARD.encode("one")), "{failure}");
        assert!(failure.to_string().contains("entry 7"), "{failure}");
        let kept = ["a.1", "a.2", "a.3", "proof"].map(|name| fs::read_to_string(at(name)).unwrap());
        assert_eq!(kept, ["of somebody", "two", "three", "word"]);
    }
}
