//! Whether a form is complete, before any key is made. Pure.

use std::collections::BTreeMap;

use sceau_element_api::documents::{AnswerValue, SchemeDocument};

use crate::admissible::fits;

/// The longest text of an answer, in characters, as manifests have it: a deposit's answers are held until it is sent.
const LONGEST_TEXT: usize = 5_000;

/// The answers of a form, public and sensitive together.
pub(super) type Given = BTreeMap<String, AnswerValue>;

/// What is missing or wrong in the answers to `form`, in words; the name of the question is in it.
pub(super) fn missing_answer(form: &SchemeDocument, given: &Given) -> Option<String> {
    if let Some(name) = given.keys().find(|name| form.form.iter().all(|question| question.name != **name)) {
        return Some(format!("The form has no question {name:?}."));
    }
    form.form.iter().find_map(|question| match given.get(&question.name) {
        None if question.required => Some(format!("The answer to {:?} is missing.", question.name)),
        Some(AnswerValue::Text(text)) if text.chars().count() > LONGEST_TEXT => {
            Some(format!("The answer to {:?} is longer than {LONGEST_TEXT} characters.", question.name))
        }
        Some(answer) if !fits(question, answer) => {
            Some(format!("The answer to {:?} is not of the kind that is asked for.", question.name))
        }
        _ => None,
    })
}

/// A document that the scheme requires and that none of the files, each named by its slot, is.
pub(super) fn missing_document(form: &SchemeDocument, slots: &[Option<&str>]) -> Option<String> {
    let one = form.documents.len() == 1;
    form.documents
        .iter()
        .filter(|asked| asked.required)
        .find(|asked| !slots.iter().any(|slot| slot.map_or(one, |slot| slot == asked.name)))
        .map(|asked| format!("The document {:?} is missing.", asked.name))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use sceau_element_api::documents::Document as _;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_is_no_longer_than_a_manifest_takes() {
        let id = "0b0c9f5e-8d5c-4b43-9d39-6d2f3a0c1e77";
        let text = |text: &str| json!({"fr": text, "en": text});
        let form = json!({
            "v": 1, "scheme": id, "organisation": id, "title": text("Vélo"), "description": text("Aide"),
            "form": [{"name": "why", "label": text("why"), "kind": "text", "required": true, "sensitive": true}],
            "documents": [{"name": "invoice", "label": text("invoice"), "required": true}],
        });
        let form = SchemeDocument::parse(form.to_string().as_bytes()).unwrap().document;
        let wrong = |length: usize| {
            let given = Given::from([("why".to_owned(), AnswerValue::Text("é".repeat(length)))]);
            missing_answer(&form, &given)
        };
        assert_eq!(wrong(LONGEST_TEXT), None);
        assert!(wrong(LONGEST_TEXT + 1).unwrap().contains("longer"));
    }
}
