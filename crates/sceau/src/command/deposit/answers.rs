//! Answers, from text to what each question of the scheme takes.

use std::collections::BTreeMap;

use sceau_element_api::documents::{AnswerValue, FieldKind, FormField, SchemeDocument};

use crate::command::input;
use crate::failure::{Exit, Failure};

/// Bytes of an answer: 5,000 characters.
const LONGEST: u64 = 20_000;

/// The answers given as `NAME=VALUE`, each of the kind that its question takes, none missing.
pub(super) fn of_form(
    form: &SchemeDocument,
    given: &[String],
) -> Result<BTreeMap<String, AnswerValue>, Failure> {
    let mut answers = BTreeMap::new();
    for given in given {
        let Some((name, text)) = given.split_once('=') else {
            return Err(wrong("answer_malformed", "--answer: write NAME=VALUE".to_owned()));
        };
        let Some(question) = form.form.iter().find(|question| question.name == name) else {
            let names: Vec<&str> = form.form.iter().map(|question| question.name.as_str()).collect();
            let words = format!("the scheme has no question {name:?}; it asks for: {}", names.join(", "));
            return Err(wrong("answer_unknown", words));
        };
        if answers.insert(name.to_owned(), value(question, &text_of(text)?)?).is_some() {
            return Err(wrong("answer_twice", format!("{name} is answered twice")));
        }
    }
    match form.form.iter().find(|question| question.required && !answers.contains_key(&question.name)) {
        None => Ok(answers),
        Some(question) => {
            let FormField { name, label, .. } = question;
            let words =
                format!("the scheme asks for {name:?} ({}): give it with --answer {name}=…", label.en);
            Err(wrong("answer_missing", words))
        }
    }
}

/// The text, or what the file holds that it names as `@FILE`, without the line end.
fn text_of(text: &str) -> Result<String, Failure> {
    let Some(path) = text.strip_prefix('@') else { return Ok(text.to_owned()) };
    let bytes = input::read_small(path.as_ref(), LONGEST, "an answer")?;
    let text =
        String::from_utf8(bytes).map_err(|_| wrong("answer_not_text", format!("{path} is not text")))?;
    Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
}

fn value(question: &FormField, text: &str) -> Result<AnswerValue, Failure> {
    let name = &question.name;
    let kind = |words: String| wrong("answer_kind", words);
    match question.kind {
        FieldKind::Text => Ok(AnswerValue::Text(text.to_owned())),
        FieldKind::Number => text
            .parse()
            .map(AnswerValue::Number)
            .map_err(|_| kind(format!("{name} is a number, such as 12 or 12.5"))),
        FieldKind::Date => {
            let format = time::macros::format_description!("[year]-[month]-[day]");
            let date = time::Date::parse(text, format);
            let words = || kind(format!("{name} is a date, such as 2026-11-21"));
            date.map(|_| AnswerValue::Text(text.to_owned())).map_err(|_| words())
        }
        FieldKind::Choice if question.choices.iter().any(|choice| choice.value == text) => {
            Ok(AnswerValue::Text(text.to_owned()))
        }
        FieldKind::Choice => {
            let choices: Vec<&str> = question.choices.iter().map(|choice| choice.value.as_str()).collect();
            Err(kind(format!("{name} is one of: {}", choices.join(", "))))
        }
        FieldKind::Checkbox => match text {
            "yes" => Ok(AnswerValue::Flag(true)),
            "no" => Ok(AnswerValue::Flag(false)),
            _ => Err(kind(format!("{name} is yes or no"))),
        },
    }
}

fn wrong(code: &str, words: String) -> Failure {
    Failure::new(Exit::Usage, code, words)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what must hold")]
    use super::*;
    use sceau_element_api::SchemeId;
    use serde_json::json;

    fn form() -> SchemeDocument {
        let text = json!({"fr": "x", "en": "x"});
        let field = |name: &str, kind: &str, required: bool| json!({"name": name, "label": text, "kind": kind, "required": required, "sensitive": false});
        let mut bike = field("bike", "choice", false);
        bike["choices"] = json!([{"value": "city", "label": text}, {"value": "cargo", "label": text}]);
        serde_json::from_value(json!({
            "v": 1, "scheme": SchemeId::random(), "organisation": SchemeId::random(), "title": text, "description": text,
            "form": [field("km", "number", true), field("since", "date", false), bike, field("sure", "checkbox", false)],
            "documents": [],
        }))
        .unwrap()
    }

    fn answered(given: &[&str]) -> Result<BTreeMap<String, AnswerValue>, String> {
        let given: Vec<String> = given.iter().map(|text| (*text).to_owned()).collect();
        of_form(&form(), &given).map_err(|failure| failure.code)
    }

    #[test]
    fn each_answer_takes_the_kind_of_its_question() {
        let answers = answered(&["km=12.5", "since=2026-11-21", "bike=cargo", "sure=yes"]).unwrap();
        assert_eq!(json!(answers), json!({"km": 12.5, "since": "2026-11-21", "bike": "cargo", "sure": true}));
    }

    #[test]
    fn what_does_not_answer_the_form_is_named() {
        let code = |given: &[&str]| answered(given).unwrap_err();
        assert_eq!(code(&[]), "answer_missing");
        assert_eq!(code(&["km"]), "answer_malformed");
        assert_eq!(code(&["km=1", "km=2"]), "answer_twice");
        assert_eq!(code(&["km=1", "colour=red"]), "answer_unknown");
        for wrong in ["km=far", "since=2026-02-30", "bike=boat", "sure=perhaps"] {
            assert_eq!(code(&[wrong]), "answer_kind", "{wrong}");
        }
    }
}
