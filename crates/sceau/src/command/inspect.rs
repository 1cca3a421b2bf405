//! `sceau inspect`: what a sealed file tells anyone, and what it tells its recipient without being written out.

use std::io::Read;
use std::path::PathBuf;

use sceau_crypto::envelope::{EnvelopeHash, OpenError, PART, STREAM_HEADER, StreamLayout, UnverifiedHeader};
use sceau_crypto::stream::{StreamOptions, open_content};
use sceau_crypto::{RecipientSuite, Stanza};
use sceau_element_api::protect::DatumId;
use serde_json::{Value, json};

use super::input::{Input, or_standard_input};
use super::progress::Progress;
use sceau_client::name;

use super::{fault, keys, open};
use crate::failure::Failure;
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau inspect contract.pdf.sceau
  sceau inspect --key camille.key contract.pdf.sceau     also name and type, and every part is verified
  sceau inspect --json contract.pdf.sceau | jq .recipients

Without a recipient's key nobody can tell whether a sealed file was altered, nor what its name is.";

/// What to look at.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InspectOptions {
    /// A recipient's private key, to verify all of the file and show its name and type
    #[arg(long, value_name = "PRIVATE.key")]
    key: Option<PathBuf>,
    /// Read the key's passphrase from this file instead of asking
    #[arg(long, value_name = "FILE", requires = "key")]
    passphrase_file: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    pub(super) json: bool,
    /// A sealed file; none or - for standard input
    #[arg(value_name = "INPUT")]
    input: Option<PathBuf>,
}

struct Facts {
    header: UnverifiedHeader,
    layout: StreamLayout,
    hash: Option<EnvelopeHash>,
    /// Name and type, once all of the file was verified.
    verified: Option<(String, String)>,
}

pub(super) fn run(options: &InspectOptions) -> Result<(), Failure> {
    for path in or_standard_input(options.input.as_slice()) {
        let input = Input::open(&path)?;
        let label = input.label.clone();
        let facts = match &options.key {
            None => without_key(input)?,
            Some(key) => {
                let key = keys::private_key(key, options.passphrase_file.as_deref())?;
                with_key(input, &key)?
            }
        };
        if options.json {
            say::json(&facts.to_json(&label))?;
        } else {
            say::result(&facts.in_words(&label))?;
        }
    }
    Ok(())
}

fn without_key(mut input: Input) -> Result<Facts, Failure> {
    let header = open::read(&mut input)?;
    let progress = Progress::bytes(&input.label, input.size, false);
    let mut hasher = header.hasher();
    let mut part = Vec::with_capacity(PART);
    let mut stream = 0;
    loop {
        part.clear();
        let read = (&mut input).take(PART as u64).read_to_end(&mut part);
        let read = read.map_err(|cause| {
            fault::stream(&sceau_crypto::stream::StreamError::Read(cause), &input.label, "")
        })?;
        let refused = |error| fault::open(&error, &input.label);
        match part.first() {
            // The first byte says how long the stream header is.
            Some(&first) if stream == 0 && usize::from(first) != STREAM_HEADER => {
                return Err(refused(OpenError::StreamHeader));
            }
            None => break,
            Some(_) => {}
        }
        hasher.part(&part);
        stream += read as u64;
        progress.at(stream);
    }
    let layout = StreamLayout::of_stream(stream).map_err(|error| fault::open(&error, &input.label))?;
    Ok(Facts { header, layout, hash: Some(hasher.finish()), verified: None })
}

fn with_key(mut input: Input, key: &sceau_crypto::RecipientPrivateKey) -> Result<Facts, Failure> {
    let header = open::read(&mut input)?;
    let label = input.label.clone();
    let total = input.size.and_then(|size| open::plaintext(size, header.as_bytes().len()));
    let opened_header = header.clone().unlock(key).map_err(|error| fault::open(&error, &label))?;
    let progress = Progress::bytes(&label, total, false);
    let mut report = |done| progress.at(done);
    let stream = StreamOptions::new().with_hash().with_progress(&mut report);
    let opened = open_content(&opened_header, input, std::io::sink(), stream)
        .map_err(|error| fault::stream(&error, &label, ""))?;
    let layout = StreamLayout::of_plaintext(opened.size).map_err(|error| fault::seal(&error))?;
    let metadata = opened.metadata;
    let verified = Some((metadata.name().to_owned(), metadata.media_type().to_owned()));
    Ok(Facts { header, layout, hash: opened.hash, verified })
}

impl Facts {
    fn sealed_size(&self) -> u64 {
        self.header.as_bytes().len() as u64 + self.layout.stream()
    }

    fn to_json(&self, label: &str) -> Value {
        let recipient = |stanza: &Stanza| {
            let known = RecipientSuite::from_number(stanza.suite).map(RecipientSuite::name);
            match stanza.datum() {
                Some(datum) => {
                    json!({"suite": "datum", "suite_number": stanza.suite, "datum": DatumId::from(*datum)})
                }
                None => json!({"suite": known, "suite_number": stanza.suite, "key_id": stanza.key_id}),
            }
        };
        json!({
            "input": label,
            "version": 1,
            "content_suite": 1,
            "file_id": self.header.fixed().file_id(),
            "envelope_hash": self.hash,
            "sealed_size": self.sealed_size(),
            "size": self.layout.plaintext(),
            "parts": self.layout.parts(),
            "recipients": self.header.stanzas().iter().map(recipient).collect::<Vec<_>>(),
            "verified": self.verified.is_some(),
            "name": self.verified.as_ref().map(|(name, _)| name),
            "type": self.verified.as_ref().map(|(_, media_type)| media_type),
        })
    }

    fn in_words(&self, label: &str) -> String {
        let mut lines = vec![format!("{label} is a sealed file (sceau-1, AES-256-GCM in parts of 1 MiB).")];
        if let Some((name, media_type)) = &self.verified {
            // For a terminal: what misleads on a disk misleads here too.
            lines.push(format!("  Name           {}", name::for_disk(name)));
            lines.push(format!("  Type           {media_type}"));
        }
        lines.push(format!("  File           {}", say::size(self.layout.plaintext())));
        let parts = say::counted(self.layout.parts(), "part");
        lines.push(format!("  Sealed         {}, {parts}", say::size(self.sealed_size())));
        lines.push(format!("  File id        {}", self.header.fixed().file_id()));
        lines
            .push(format!("  Envelope hash  {}", self.hash.map(|hash| hash.to_string()).unwrap_or_default()));
        for (at, stanza) in self.header.stanzas().iter().enumerate() {
            let title = if at == 0 { "Sealed for" } else { "" };
            if let Some(datum) = stanza.datum() {
                lines.push(format!(
                    "  {title:<13}  whoever the element gives the key of datum {}",
                    DatumId::from(*datum)
                ));
                continue;
            }
            let suite = RecipientSuite::from_number(stanza.suite)
                .map_or_else(|| format!("suite {}, unknown here", stanza.suite), |suite| suite.to_string());
            lines.push(format!("  {title:<13}  {} ({suite})", stanza.key_id));
        }
        lines.push(match self.verified {
            Some(_) => "Every part was verified with your key: the file is whole and unaltered.".to_owned(),
            None if self.header.stanzas().iter().any(|stanza| stanza.datum().is_some()) => {
                "Nothing of this is verified: sceau unprotect verifies it, for whom may open it.".to_owned()
            }
            None => "Nothing of this is verified: that takes a recipient's key (--key).".to_owned(),
        });
        lines.join("\n")
    }
}
