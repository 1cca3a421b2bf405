//! What a person, or a script, is told of a deposit.

use sceau_client::{Deposited, Step};
use sceau_element_api::documents::Document as _;
use sceau_element_api::documents::{FieldKind, FormField, Manifest, SchemeDocument};
use sceau_trace::Asserted;
use serde_json::json;

use super::kept::State;
use super::{Chosen, DepositOptions};
use crate::command::progress::Progress;
use crate::failure::Failure;
use crate::say;

/// Tells each step as it is done.
pub(super) struct Told {
    /// Sizes of the files, in the order of their turn.
    sizes: Vec<(String, u64)>,
    bar: Option<Progress>,
    quiet: bool,
    /// Whether a script reads the result: a person's remarks are not for it.
    scripted: bool,
}

impl Told {
    pub(super) fn new(files: &[Chosen], options: &DepositOptions) -> Self {
        let (quiet, scripted) = (options.quiet, options.json);
        let sizes = files.iter().map(|file| (file.parcel.name.clone(), file.size)).collect();
        Self { sizes, bar: None, quiet, scripted }
    }

    pub(super) fn hear(&mut self, step: &Step<'_>, state: &mut State) -> Result<(), Failure> {
        match step {
            Step::Kept(draft) => state.keep(draft)?,
            Step::RecipientVerified(key) => self.remark(&format!(
                "The recipient's key is proven: {}, stated by the root of its organisation (log entry {})",
                say::grouped(&key.key.key_id().to_string()),
                say::count(key.index)
            )),
            Step::Progress { name, bytes } => self.bar(name).at(*bytes),
            Step::Waiting { error, seconds } => {
                self.bar = None;
                if !self.quiet {
                    let wait = say::counted(*seconds, "second");
                    say::remark(&format!("{error}; trying again in {wait}"));
                }
            }
            Step::FileSent { name, sealed } => {
                self.bar = None;
                self.remark(&format!("Sealed and sent {name}: {}", say::size(sealed.size)));
            }
            _ => {}
        }
        Ok(())
    }

    fn bar(&mut self, name: &str) -> &Progress {
        let total = self.sizes.iter().find(|(other, _)| other == name).map(|(_, size)| *size);
        let quiet = self.quiet;
        self.bar.get_or_insert_with(|| Progress::bytes(name, total, quiet))
    }

    fn remark(&self, text: &str) {
        if !self.quiet && !self.scripted {
            say::remark(text);
        }
    }
}

/// The schemes on offer, with what each asks for.
pub(super) fn schemes(forms: &[SchemeDocument], as_json: bool) -> Result<(), Failure> {
    if as_json {
        return say::json(&json!(forms));
    }
    if forms.is_empty() {
        return say::result("No scheme is published here.");
    }
    let mut lines = Vec::new();
    for form in forms {
        lines.push(format!("{}  {}", form.scheme, form.title.en));
        for question in &form.form {
            let must = if question.required { "" } else { ", not required" };
            let sealed = if question.sensitive { "sealed" } else { "readable by the platform" };
            let kind = kind(question);
            lines.push(format!(
                "  --answer {}=…  {} ({kind}, {sealed}{must})",
                question.name, question.label.en
            ));
        }
        for document in &form.documents {
            let must = if document.required { "" } else { " (not required)" };
            lines.push(format!("  --document {}=…  {}{must}", document.name, document.label.en));
        }
    }
    say::result(&lines.join("\n"))
}

fn kind(question: &FormField) -> String {
    match question.kind {
        FieldKind::Text => "text".to_owned(),
        FieldKind::Number => "number".to_owned(),
        FieldKind::Date => "date, such as 2026-11-21".to_owned(),
        FieldKind::Choice => {
            let choices: Vec<&str> = question.choices.iter().map(|choice| choice.value.as_str()).collect();
            format!("one of: {}", choices.join(", "))
        }
        FieldKind::Checkbox => "yes or no".to_owned(),
    }
}

/// The end.
pub(super) fn deposited(
    deposited: &Deposited,
    files: &[Chosen],
    receipt: &str,
    options: &DepositOptions,
) -> Result<(), Failure> {
    let sealed = Manifest::parse(&deposited.manifest).map(|parsed| parsed.document.files).unwrap_or_default();
    if options.json {
        let files: Vec<_> = files
            .iter()
            .zip(&sealed)
            .map(|(file, sealed)| json!({"input": file.path, "file_id": sealed.file_id, "envelope_hash": sealed.envelope_hash, "size": sealed.size, "parts": sealed.parts}))
            .collect();
        return say::json(&json!({
            "dossier": deposited.dossier,
            "key_id": deposited.recipient.key.key_id(),
            "manifest_hash": sceau_trace::sha256(&deposited.manifest),
            "receipt": receipt,
            "index": deposited.receipt.index,
            "log_size": deposited.receipt.size,
            "asserted": deposited.receipt.asserted(),
            "files": files,
        }));
    }
    if options.quiet {
        return Ok(());
    }
    let word = if deposited.receipt.asserted() == Asserted::Platform {
        "on the platform's word, for you signed in with a password"
    } else {
        "signed by your passkey"
    };
    say::result(&format!(
        "Deposited {} in dossier {} ({word})\nReceipt verified and written: {receipt} (entry {} of the log)",
        say::counted(files.len() as u64, "file"),
        deposited.dossier,
        say::count(deposited.receipt.index)
    ))
}
