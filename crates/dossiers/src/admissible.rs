//! Whether a manifest answers its scheme: decided from the documents alone, before anything is attested.

use sceau_element_api::documents::{AnswerValue, FieldKind, FormField, Manifest, Parsed, SchemeDocument};

use crate::code::Code;

/// Why a manifest cannot be accepted; the depositor's program is at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Inadmissible {
    /// The manifest answers another scheme, another organisation or an older form.
    #[error("the manifest does not answer the form as it stands; reload the page and send again")]
    AnotherForm,
    /// An answer is missing.
    #[error("the answer to {0:?} is missing")]
    Missing(String),
    /// An answer to a question that the form does not ask.
    #[error("the form has no question {0:?}")]
    Unknown(String),
    /// A sensitive answer was sent in clear. It was not kept.
    #[error("the answer to {0:?} is sensitive and must be sealed")]
    InClear(String),
    /// An answer has not the question's kind.
    #[error("the answer to {0:?} is not of the kind that the form asks for")]
    Kind(String),
    /// There is no file where the scheme asks for at least one.
    #[error("the scheme asks for documents and none was sent")]
    NoDocument,
}

impl Inadmissible {
    /// The stable code.
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::AnotherForm => Code::FormChanged,
            Self::Missing(_) => Code::AnswerMissing,
            Self::Unknown(_) => Code::AnswerUnknown,
            Self::InClear(_) => Code::AnswerInClear,
            Self::Kind(_) => Code::AnswerKind,
            Self::NoDocument => Code::DocumentMissing,
        }
    }
}

/// Checks `manifest` against the scheme that it names.
///
/// Sealed answers cannot be read here: that they answer each sensitive question is for the organisation to see.
///
/// # Errors
/// The first thing found wrong.
pub(crate) fn check(manifest: &Manifest, scheme: &Parsed<SchemeDocument>) -> Result<(), Inadmissible> {
    let form = &scheme.document;
    if manifest.scheme != form.scheme
        || manifest.organisation != form.organisation
        || manifest.form_hash != scheme.hash
    {
        return Err(Inadmissible::AnotherForm);
    }
    for name in manifest.answers.public.keys() {
        let Some(question) = form.form.iter().find(|question| question.name == *name) else {
            return Err(Inadmissible::Unknown(name.clone()));
        };
        if question.sensitive {
            return Err(Inadmissible::InClear(name.clone()));
        }
    }
    form.form.iter().try_for_each(|question| answered(question, manifest))?;
    let sealed_answers = usize::from(manifest.answers.sealed.is_some());
    let required = form.documents.iter().any(|document| document.required);
    if required && manifest.files.len() <= sealed_answers {
        return Err(Inadmissible::NoDocument);
    }
    Ok(())
}

fn answered(question: &FormField, manifest: &Manifest) -> Result<(), Inadmissible> {
    if question.sensitive {
        let missing = question.required && manifest.answers.sealed.is_none();
        return if missing { Err(Inadmissible::Missing(question.name.clone())) } else { Ok(()) };
    }
    match manifest.answers.public.get(&question.name) {
        None if question.required => Err(Inadmissible::Missing(question.name.clone())),
        None => Ok(()),
        Some(answer) if fits(question, answer) => Ok(()),
        Some(_) => Err(Inadmissible::Kind(question.name.clone())),
    }
}

pub(crate) fn fits(question: &FormField, answer: &AnswerValue) -> bool {
    match (question.kind, answer) {
        (FieldKind::Checkbox, AnswerValue::Flag(given)) => *given || !question.required,
        (FieldKind::Number, AnswerValue::Number(_)) => true,
        (FieldKind::Text, AnswerValue::Text(text)) => !question.required || !text.trim().is_empty(),
        (FieldKind::Date, AnswerValue::Text(text)) => is_date(text),
        (FieldKind::Choice, AnswerValue::Text(text)) => {
            question.choices.iter().any(|choice| choice.value == *text)
        }
        _ => false,
    }
}

/// A calendar date as ISO 8601 writes it, `2026-11-20`.
fn is_date(text: &str) -> bool {
    let format = time::macros::format_description!("[year]-[month]-[day]");
    text.len() == 10 && time::Date::parse(text, format).is_ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what must hold")]
    use super::*;
    use sceau_element_api::documents::Document as _;
    use serde_json::json;

    const SCHEME: &str = "0b0c9f5e-8d5c-4b43-9d39-6d2f3a0c1e77";
    const ORGANISATION: &str = "1b0c9f5e-8d5c-4b43-9d39-6d2f3a0c1e77";

    fn scheme() -> Parsed<SchemeDocument> {
        let text = |text: &str| json!({"fr": text, "en": text});
        let field = |name: &str, kind: &str, required: bool, sensitive: bool| json!({"name": name, "label": text(name), "kind": kind, "required": required, "sensitive": sensitive});
        let document = json!({
            "v": 1, "scheme": SCHEME, "organisation": ORGANISATION, "title": text("Vélo"), "description": text("Aide"),
            "form": [
                field("km", "number", true, false),
                field("since", "date", false, false),
                field("income", "number", true, true),
                {"name": "bike", "label": text("bike"), "kind": "choice", "required": false, "sensitive": false,
                 "choices": [{"value": "new", "label": text("new")}]},
            ],
            "documents": [{"name": "invoice", "label": text("invoice"), "required": true}],
        });
        SchemeDocument::parse(document.to_string().as_bytes()).unwrap()
    }

    fn manifest(public: serde_json::Value) -> Manifest {
        let hash = |n: u8| hex::encode([n; 32]);
        let file =
            |n: u8| json!({"file_id": hex::encode([n; 16]), "envelope_hash": hash(n), "size": 1, "parts": 1});
        let document = json!({
            "v": 1, "dossier": SCHEME, "organisation": ORGANISATION, "scheme": SCHEME,
            "form_hash": scheme().hash.to_string(),
            "answers": {"public": public, "sealed": {"envelope_hash": hash(9)}},
            "files": [file(1), file(9)], "key_id": hash(3), "created": 1,
        });
        Manifest::parse(document.to_string().as_bytes()).unwrap().document
    }

    #[test]
    fn a_whole_answer_is_admissible() {
        let whole = json!({"km": 12.5, "since": "2026-02-28", "bike": "new"});
        assert_eq!(check(&manifest(whole), &scheme()), Ok(()));
    }

    #[test]
    fn each_fault_is_named() {
        let code = |public| check(&manifest(public), &scheme()).unwrap_err().code();
        assert_eq!(code(json!({})), Code::AnswerMissing);
        assert_eq!(code(json!({"km": "far"})), Code::AnswerKind);
        assert_eq!(code(json!({"km": 1, "since": "2026-02-30"})), Code::AnswerKind);
        assert_eq!(code(json!({"km": 1, "bike": "old"})), Code::AnswerKind);
        assert_eq!(code(json!({"km": 1, "shoe_size": 42})), Code::AnswerUnknown);
    }

    #[test]
    fn a_sensitive_answer_in_clear_is_refused() {
        let fault = check(&manifest(json!({"km": 1, "income": 20000})), &scheme()).unwrap_err();
        assert_eq!(fault, Inadmissible::InClear("income".to_owned()));
    }

    #[test]
    fn sealed_answers_and_documents_are_both_needed() {
        let mut none_sealed = manifest(json!({"km": 1}));
        none_sealed.answers.sealed = None;
        assert_eq!(check(&none_sealed, &scheme()).unwrap_err().code(), Code::AnswerMissing);
        let mut no_document = manifest(json!({"km": 1}));
        no_document.files.remove(0);
        assert_eq!(check(&no_document, &scheme()).unwrap_err().code(), Code::DocumentMissing);
    }

    #[test]
    fn a_form_that_changed_is_refused() {
        let mut older = manifest(json!({"km": 1}));
        older.form_hash = sceau_trace::sha256(b"an older form");
        assert_eq!(check(&older, &scheme()), Err(Inadmissible::AnotherForm));
    }
}
