//! `sceau sign`: PDF documents signed by a key in a file, or prepared for a key elsewhere and completed with its signature; and evidence added for later.

mod evidence;
mod ready;
mod stamp;
pub(crate) mod verify;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use sceau_hsm::durable::check_secret;
use sceau_pades::{Appearance, Document, PdfError, Place, Source, Wish, prepare, unfinished};
use sceau_pki::{Certificate, CertificateKey as _, PrivateKey, SignedAttributes};
use serde_json::json;

use super::input::read_small;
use super::output::{Access, Output};
use crate::failure::{Exit, Failure};
use crate::say;

pub(crate) use ready::Prepared;

/// Longest file of certificates, keys and signatures.
const LONGEST: u64 = 256 * 1024;
/// What is kept for a signature beside its certificates: a time stamp brings some of its own.
const ROOM: usize = 14 * 1024;

const EXAMPLES: &str = "\
Examples:
  sceau sign lease.pdf --certificate seal.pem --key seal.key -o signed.pdf
  sceau sign lease.pdf --certificate me.pem --prepare -o prepared.pdf
  sceau sign prepared.pdf --certificate me.pem --signature lease.sig -o signed.pdf
  sceau sign signed.pdf --evidence roots.pem --evidence list.crl -o kept.pdf

What is in the PDF stays as it is, to the byte: the signature is added behind it. A key that is elsewhere, such as a keyring's, signs in two steps: the document is prepared, `sceau keyring request --prepared` asks, and the document is completed.";

/// What is signed, and how.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[command(group(clap::ArgGroup::new("how").required(true).args(["key", "prepare", "signature", "evidence"])))]
pub(crate) struct SignOptions {
    /// The PDF; several in one go too
    #[arg(value_name = "PDF", required = true)]
    files: Vec<PathBuf>,
    /// The signer's certificate, then those above it, PEM
    #[arg(long, value_name = "FILE", required_unless_present = "evidence", conflicts_with = "evidence")]
    certificate: Option<PathBuf>,
    /// Sign with this private key, PKCS#8 in PEM, that only you can read
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Keep a place for a signature by a key that is elsewhere
    #[arg(long)]
    prepare: bool,
    /// Put this signature into the place that was kept; once for each PDF, in their order
    #[arg(long, value_name = "FILE")]
    signature: Vec<PathBuf>,
    /// Add what signatures are judged by later: certificates, revocation lists, answers of responders (OCSP); once for each file
    #[arg(long, value_name = "FILE")]
    evidence: Vec<PathBuf>,
    /// Where the PDF goes; for several, a folder that is there
    #[arg(long, short, value_name = "FILE|FOLDER")]
    output: PathBuf,
    /// Why you sign
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["signature", "evidence"])]
    reason: Option<String>,
    /// Where you sign
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["signature", "evidence"])]
    location: Option<String>,
    /// Sign in the empty field of this name, or in a new one of it
    #[arg(long, value_name = "NAME", conflicts_with_all = ["signature", "evidence"])]
    field: Option<String>,
    /// Show the signature here: from the left, from the bottom, width and height, in points (1/72 inch)
    #[arg(long, value_name = "X,Y,WIDTH,HEIGHT", value_parser = rectangle, conflicts_with_all = ["signature", "evidence"])]
    rectangle: Option<[f64; 4]>,
    /// On which page it is shown
    #[arg(long, value_name = "NUMBER", default_value_t = 1, requires = "rectangle")]
    page: u32,
    /// A line of what is shown, in the place of name, date and reason; once for each
    #[arg(long, value_name = "LINE", requires = "rectangle")]
    text: Vec<String>,
    /// Address of an authority that stamps the time on the signature
    #[arg(long, value_name = "URL", requires = "stamp_anchors", conflicts_with_all = ["prepare", "evidence"])]
    stamp_authority: Option<url::Url>,
    /// Certificates (PEM) of the roots that vouch for that authority
    #[arg(long, value_name = "FILE", requires = "stamp_authority")]
    stamp_anchors: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

fn rectangle(text: &str) -> Result<[f64; 4], String> {
    let numbers: Result<Vec<f64>, _> = text.split(',').map(|number| number.trim().parse()).collect();
    let numbers = numbers.ok().and_then(|numbers| <[f64; 4]>::try_from(numbers).ok());
    numbers.ok_or_else(|| "four numbers with commas between, such as 60,60,200,50".to_owned())
}

/// Signs.
pub(super) fn run(options: &SignOptions) -> Result<(), Failure> {
    if !options.signature.is_empty() && options.signature.len() != options.files.len() {
        let words = "give one --signature for each PDF, in their order";
        return Err(Failure::new(Exit::Usage, "signatures_differ", words));
    }
    let mut done = Vec::new();
    for (at, file) in options.files.iter().enumerate() {
        let output = options.output_of(file)?;
        if options.evidence.is_empty() {
            Signing::begin(options, file)?.end(options.signature.get(at), &output)?;
        } else {
            evidence::add(file, &options.evidence, &output)?;
        }
        done.push(output);
    }
    if options.json {
        return say::json(&json!({"files": done}));
    }
    done.iter().try_for_each(|path| say::result(&path.display().to_string()))
}

impl SignOptions {
    fn output_of(&self, file: &Path) -> Result<PathBuf, Failure> {
        if self.output == Path::new("-") {
            let words = "a signed PDF goes into a file or a folder: name one with -o";
            return Err(Failure::new(Exit::Usage, "not_a_file", words));
        }
        if self.output.is_dir() {
            return Ok(self.output.join(file.file_name().unwrap_or_default()));
        }
        if self.files.len() > 1 {
            let words = format!("{}: several PDFs go into a folder that is there", self.output.display());
            return Err(Failure::new(Exit::Usage, "not_a_folder", words));
        }
        Ok(self.output.clone())
    }

    fn wish(&self, certificates: &[Certificate]) -> Wish {
        let name = certificates.first().map(name_of).unwrap_or_default();
        let time = now();
        let mut lines = self.text.clone();
        if lines.is_empty() {
            lines.push(format!("Signed by {name}"));
            lines.push(format!("on {}", super::trace::words::moment(time)));
            lines.extend(self.reason.clone());
        }
        let shown = |rectangle| Appearance { page: self.page, rectangle, lines };
        Wish {
            time,
            name,
            reason: self.reason.clone(),
            location: self.location.clone(),
            field: self.field.clone(),
            appearance: self.rectangle.map(shown),
            room: ROOM + certificates.iter().map(|it| it.der().len()).sum::<usize>(),
        }
    }
}

/// One document that is being signed.
struct Signing<'a> {
    options: &'a SignOptions,
    certificates: Vec<Certificate>,
    file: File,
    label: String,
}

impl<'a> Signing<'a> {
    fn begin(options: &'a SignOptions, file: &Path) -> Result<Self, Failure> {
        let path = options.certificate.as_deref().unwrap_or(Path::new(""));
        let certificates = certificates(path)?;
        Ok(Self { options, certificates, file: open(file)?, label: file.display().to_string() })
    }

    fn end(&self, signature: Option<&PathBuf>, output: &Path) -> Result<(), Failure> {
        let document = self.told(Document::open(&self.file))?;
        if let Some(signature) = signature {
            let place = self.told(unfinished(&document))?;
            let signature = read_small(signature, LONGEST, "a signature")?;
            return self.complete(&self.file, place, &signature, output);
        }
        let prepared = self.told(prepare(&document, &self.options.wish(&self.certificates)))?;
        let Some(key) = &self.options.key else {
            self.attributes(&[0; 32])?;
            let mut out = Output::file(output, Access::Private, false)?;
            prepared.write(&mut out).map_err(|cause| Failure::file("write", output, &cause))?;
            return out.commit();
        };
        let place = self.told(Document::open(&prepared).and_then(|document| unfinished(&document)))?;
        let attributes = self.attributes(&self.told(place.hash(&prepared))?)?;
        let key = key_in(key)?;
        let signature = key.sign(attributes.kind().signing(), attributes.to_be_signed());
        let signature =
            signature.map_err(|error| Failure::new(Exit::Usage, error.code(), error.to_string()))?;
        self.complete(&prepared, place, &signature, output)
    }

    fn complete(
        &self,
        prepared: &(impl Source + ?Sized),
        place: Place,
        signature: &[u8],
        output: &Path,
    ) -> Result<(), Failure> {
        let attributes = self.attributes(&self.told(place.hash(prepared))?)?;
        if !attributes.is_signed_by(signature) {
            let words = format!(
                "{}: the signature is not of this document by the holder of the certificate",
                self.label
            );
            return Err(Failure::new(Exit::Proof, "signature.false", words));
        }
        let stamp = stamp::of(self.options, signature)?;
        let above = self.certificates.get(1..).unwrap_or_default();
        let message = attributes.complete(signature, above, stamp.as_deref());
        let message = message.map_err(|error| Failure::new(Exit::Input, error.code(), error.to_string()))?;
        let mut out = Output::file(output, Access::Private, false)?;
        self.told(place.fill(prepared, &message, &mut out))?;
        out.commit()
    }

    fn attributes(&self, hash: &[u8; 32]) -> Result<SignedAttributes, Failure> {
        attributes(&self.certificates, hash)
    }

    fn told<T>(&self, outcome: Result<T, PdfError>) -> Result<T, Failure> {
        outcome.map_err(|error| told(&error, &self.label))
    }
}

/// What is signed of a document, by the first of these certificates.
fn attributes(certificates: &[Certificate], hash: &[u8; 32]) -> Result<SignedAttributes, Failure> {
    let made = certificates.first().and_then(|certificate| SignedAttributes::new(certificate, hash));
    made.ok_or_else(|| {
        let words = "documents are signed by keys on P-256, or RSA of 2048 bits or more: the certificate's is neither";
        Failure::new(Exit::Usage, "certificate_key", words)
    })
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, Failure> {
    let label = path.display().to_string();
    let text = read_small(path, LONGEST, "certificates")?;
    let all = Certificate::all_from_pem(&String::from_utf8_lossy(&text), &label);
    all.map_err(|error| Failure::new(Exit::Usage, error.code(), error.to_string()))
}

fn key_in(path: &Path) -> Result<PrivateKey, Failure> {
    check_secret(path)?;
    let text = zeroize::Zeroizing::new(read_small(path, LONGEST, "a private key")?);
    let read = std::str::from_utf8(&text).ok().and_then(|text| PrivateKey::from_pem(text).ok());
    read.ok_or_else(|| {
        let words = format!("{}: {}", path.display(), sceau_pki::Error::NotAPrivateKey);
        Failure::new(Exit::Usage, "key", words)
    })
}

fn open(path: &Path) -> Result<File, Failure> {
    // Asked before it is opened: opening a pipe waits for whoever writes into it.
    let metadata = std::fs::metadata(path).map_err(|cause| match cause.kind() {
        std::io::ErrorKind::NotFound => {
            Failure::new(Exit::Usage, "no_such_file", format!("there is no file {}", path.display()))
        }
        _ => Failure::file("open", path, &cause),
    })?;
    if !metadata.is_file() {
        let words = format!("{}: a PDF is read at many places, so it must be a file", path.display());
        return Err(Failure::new(Exit::Usage, "not_a_file", words));
    }
    File::open(path).map_err(|cause| Failure::file("open", path, &cause))
}

/// The common name of whoever a certificate is of.
fn name_of(certificate: &Certificate) -> String {
    let subject = certificate.subject();
    subject.common_name().map_or_else(|| subject.to_string(), |name| name.into_owned())
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// By whose fault a document is not taken.
fn told(error: &PdfError, label: &str) -> Failure {
    let exit = match error {
        PdfError::Io(_) => Exit::System,
        PdfError::NoPage { .. }
        | PdfError::NotOnPage { .. }
        | PdfError::TooSmall
        | PdfError::Character(_)
        | PdfError::Field(_)
        | PdfError::FieldName { .. }
        | PdfError::PlaceTooSmall { .. }
        | PdfError::Certified(_) => Exit::Usage,
        _ => Exit::Input,
    };
    Failure::new(exit, error.code(), format!("{label}: {error}"))
}
