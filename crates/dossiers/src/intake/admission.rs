//! Whether a form is complete, before any key is made. Pure.

use std::collections::BTreeMap;

use sceau_element_api::documents::{AnswerValue, SchemeDocument};

use crate::admissible::fits;

/// The answers of a form, public and sensitive together.
pub(super) type Given = BTreeMap<String, AnswerValue>;

/// What is missing or wrong in the answers to `form`, in words; the name of the question is in it.
pub(super) fn missing_answer(form: &SchemeDocument, given: &Given) -> Option<String> {
    if let Some(name) = given.keys().find(|name| form.form.iter().all(|question| question.name != **name)) {
        return Some(format!("The form has no question {name:?}."));
    }
    form.form.iter().find_map(|question| match given.get(&question.name) {
        None if question.required => Some(format!("The answer to {:?} is missing.", question.name)),
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
