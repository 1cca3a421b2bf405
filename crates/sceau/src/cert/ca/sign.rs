//! `sceau cert ca sign`: answers requests that come through a folder, so that who asks never sees the authority's key, nor the authority's machine who asks.
//!
//! Whoever may write into `requests/` may ask; for which hosts, the authority's own command line says. What comes is foreign: no link is followed, nothing
//! large is read, and a request's name must be the hash of its key.

use std::collections::VecDeque;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sceau_hsm::durable;
use sceau_pki::{Authority, CertificateRequest, Fingerprint, LeafPurpose, Material, Name, Oid};
use serde_json::json;

use super::state::State;
use super::{PublishedOptions, authority, published};
use crate::cert::token::AnyKey;
use crate::cert::{DAY_MS, now};
use crate::failure::{Exit, Failure};
use crate::say;
use crate::serve::{asked_to_end, say_ready};

const LONGEST: usize = 64 << 10;
/// Certificates in a day: who has more to ask for has gone astray, or is somebody else.
const A_DAY: usize = 50;
/// How often it is looked whether somebody asks.
const LOOK: Duration = Duration::from_secs(1);

/// Which requests, and what for.
#[derive(Debug, clap::Args)]
pub(crate) struct SignOptions {
    /// Folder of the authority
    #[arg(long, value_name = "FOLDER")]
    issuer: PathBuf,
    /// The folder through which requests and answers pass: requests/ and answers/ in it
    #[arg(long, value_name = "FOLDER")]
    folder: PathBuf,
    /// A host (DNS name) that may be asked for; may be given more than once
    #[arg(long = "host", value_name = "NAME", required = true)]
    hosts: Vec<String>,
    /// Validity
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=397))]
    days: u32,
    /// Go on, and answer each request within a second
    #[arg(long)]
    watch: bool,
    /// End when the parent process ends
    #[arg(long, hide = true)]
    die_with_parent: bool,
    #[command(flatten)]
    published: PublishedOptions,
}

pub(super) fn sign(options: &SignOptions) -> Result<(), Failure> {
    if options.die_with_parent {
        sceau_hsm::hardening::die_with_parent()?;
    }
    let mut desk = Desk { options, authority: authority(&options.issuer)?, issued: VecDeque::new() };
    for part in ["requests", "answers"] {
        let path = options.folder.join(part);
        if !path.is_dir() {
            let words = format!("there is no folder {}: make it, {part}/ for its one writer", path.display());
            return Err(Failure::new(Exit::Usage, "no_exchange", words));
        }
    }
    if !options.watch {
        let (issued, refused) = desk.answer_all()?;
        return say::result(&format!("Issued   {issued}\nRefused  {refused}"));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| Failure::system("start the runtime", &cause))?;
    runtime.block_on(async {
        let end = asked_to_end()?;
        tokio::pin!(end);
        say_ready(&json!({"ready": "sign"}))?;
        loop {
            desk.answer_all()?;
            tokio::select! {
                () = &mut end => return Ok(()),
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    })
}

struct Desk<'a> {
    options: &'a SignOptions,
    authority: Authority<AnyKey>,
    /// When (Unix milliseconds), within the last day.
    issued: VecDeque<u64>,
}

impl Desk<'_> {
    /// How many were issued and refused; what was answered before is left alone.
    fn answer_all(&mut self) -> Result<(usize, usize), Failure> {
        let asked = self.options.folder.join("requests");
        let entries =
            fs::read_dir(&asked).map_err(|cause| Failure::file("read the folder", &asked, &cause))?;
        let (mut issued, mut refused) = (0, 0);
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(id) = name.to_str().and_then(|name| name.strip_suffix(".csr")).filter(|id| is_id(id))
            else {
                continue;
            };
            if self.place(id, "pem").exists() || self.place(id, "refused").exists() {
                continue;
            }
            match self.answer(id, &entry.path())? {
                Ok(subject) => {
                    issued += 1;
                    say::remark(&format!("Issued for {subject}"));
                }
                Err(reason) => {
                    refused += 1;
                    durable::write_public(&self.place(id, "refused"), format!("{reason}\n").as_bytes())?;
                    say::remark(&format!("Refused {id}: {reason}"));
                }
            }
        }
        Ok((issued, refused))
    }

    fn place(&self, id: &str, kind: &str) -> PathBuf {
        self.options.folder.join("answers").join(format!("{id}.{kind}"))
    }

    /// The reason of a refusal is within the `Ok`.
    fn answer(&mut self, id: &str, path: &Path) -> Result<Result<Name, String>, Failure> {
        let request = match read(path).and_then(|request| self.judge(id, request)) {
            Ok(request) => request,
            Err(reason) => return Ok(Err(reason)),
        };
        // The request's own subject is not what counts: the first host is.
        let first = request.hosts().first().map(String::as_str).unwrap_or_default();
        let subject =
            Name::default().with(Oid::COMMON_NAME, first.get(..first.len().min(64)).unwrap_or_default());
        let (days, published) = (self.options.days, published(&self.options.published));
        let purpose = LeafPurpose::Server;
        let issued = self.authority.certify_request(&request, &subject, purpose, days, &published, now());
        let issued = match issued {
            Ok(issued) => issued,
            Err(error) => return Ok(Err(error.to_string())),
        };
        // Remembered first: what is not known to be issued is not vouched for.
        let mut state = State::read(&self.options.issuer)?;
        state.issue(&issued.serial());
        state.write(&self.options.issuer)?;
        self.issued.push_back(now());
        let chain = issued.to_pem() + &self.authority.certificate().to_pem();
        durable::write_public(&self.place(id, "pem"), chain.as_bytes())?;
        Ok(Ok(subject))
    }

    fn judge(&mut self, id: &str, request: CertificateRequest) -> Result<CertificateRequest, String> {
        if Fingerprint::of(request.public_key_info()).to_string() != id {
            return Err("the request's name is not the hash of its key".to_owned());
        }
        let may = |host: &&String| self.options.hosts.iter().any(|own| own.eq_ignore_ascii_case(host));
        if let Some(other) = request.hosts().iter().find(|host| !may(host)) {
            return Err(format!("{other:?} may not be asked for here: --host says what may"));
        }
        if request.hosts().is_empty() {
            return Err("it asks for no host".to_owned());
        }
        let day_ago = now().saturating_sub(DAY_MS);
        while self.issued.front().is_some_and(|at| *at < day_ago) {
            self.issued.pop_front();
        }
        if self.issued.len() >= A_DAY {
            return Err(format!("{A_DAY} certificates were issued within a day"));
        }
        Ok(request)
    }
}

/// 64 lower-case hexadecimal digits.
fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|octet| matches!(octet, b'0'..=b'9' | b'a'..=b'f'))
}

/// A plain file of little size: what is foreign leads nowhere else, and holds nobody up.
fn read(path: &Path) -> Result<CertificateRequest, String> {
    let bytes = durable::read_foreign(path, LONGEST).map_err(|cause| match cause.kind() {
        ErrorKind::InvalidInput => "the request is no file".to_owned(),
        _ => "the request cannot be read".to_owned(),
    })?;
    let read = Material::read(&bytes, "the request").map_err(|error| error.to_string())?;
    match read.into_iter().next() {
        Some(Material::Request(request)) => Ok(request),
        _ => Err("it holds no request (PKCS#10)".to_owned()),
    }
}
