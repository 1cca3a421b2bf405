//! The scheme that the demonstration organisation publishes, and what its citizen answers.

use std::collections::BTreeMap;

use sceau_element_api::documents::AnswerValue;
use serde_json::{Value, json};

/// The body of `POST /v1/schemes/prepare`.
pub(crate) fn form() -> Value {
    json!({
        "title": {"fr": "Aide à l’achat d’un vélo", "en": "Bicycle purchase grant"},
        "description": {
            "fr": "La métropole rembourse une partie du prix d’un vélo neuf ou d’occasion.\nVos pièces sont scellées \
                   sur votre appareil : seuls les gestionnaires de la métropole peuvent les ouvrir.",
            "en": "The metropolis refunds part of the price of a new or used bicycle.\nYour documents are sealed on your \
                   device: only the metropolis’s case officers can open them.",
        },
        "form": [
            {"name": "bicycle", "label": {"fr": "Type de vélo", "en": "Kind of bicycle"}, "kind": "choice",
             "required": true, "sensitive": false, "choices": [
                {"value": "city", "label": {"fr": "Vélo de ville", "en": "City bicycle"}},
                {"value": "electric", "label": {"fr": "Vélo électrique", "en": "Electric bicycle"}},
                {"value": "cargo", "label": {"fr": "Vélo cargo", "en": "Cargo bicycle"}},
             ]},
            {"name": "price", "label": {"fr": "Prix payé, en euros", "en": "Price paid, in euros"}, "kind": "number",
             "required": true, "sensitive": false},
            {"name": "income", "label": {"fr": "Revenu fiscal de référence", "en": "Reference tax income"},
             "kind": "number", "required": true, "sensitive": true},
        ],
        "documents": [
            {"name": "identity", "label": {"fr": "Pièce d’identité", "en": "Identity document"}, "required": true},
            {"name": "invoice", "label": {"fr": "Facture acquittée", "en": "Paid invoice"}, "required": true},
        ],
    })
}

/// The body for the scheme whose documents come in through `intake`, its address and key, where there is one.
pub(crate) fn scanned_form(intake: &Value) -> Value {
    json!({
        "title": {"fr": "Forfait mobilités", "en": "Mobility allowance"},
        "description": {
            "fr": "La métropole participe à vos trajets. Vos pièces sont contrôlées par un antivirus, puis scellées.",
            "en": "The metropolis pays part of your journeys. Your documents are checked by an antivirus, then sealed.",
        },
        "form": [
            {"name": "days", "label": {"fr": "Jours de trajet par mois", "en": "Days of travel a month"},
             "kind": "number", "required": true, "sensitive": false},
        ],
        "documents": [
            {"name": "proof", "label": {"fr": "Justificatif", "en": "Supporting document"}, "required": true},
        ],
        "intake": "scanned",
        "intake_host": intake,
    })
}

/// What the demonstration's citizen answers.
pub(crate) fn answers() -> BTreeMap<String, AnswerValue> {
    BTreeMap::from([
        ("bicycle".to_owned(), AnswerValue::Text("cargo".to_owned())),
        ("price".to_owned(), AnswerValue::Number(3200.into())),
        ("income".to_owned(), AnswerValue::Number(18500.into())),
    ])
}
