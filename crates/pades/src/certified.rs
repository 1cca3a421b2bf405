//! What earlier signatures let be added to the document (ISO 32000-1 §12.8.2.2, §12.8.2.4).

use std::collections::BTreeSet;

use crate::{
    document::Document,
    error::PdfError,
    form::{SignatureField, Signed, Value},
    object::{Dictionary, Object},
    source::Source,
};

/// The most names of locked fields that are read, of all signatures.
const NAMES: usize = 50_000;

/// What may be done to a document behind a signature that certifies it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Permission {
    /// Nothing.
    Nothing,
    /// Filling in forms, and signing.
    Forms,
    /// Annotations too.
    Annotations,
}

/// The permission that a certifying signature gives; none where it does not certify.
pub(crate) fn permission<S: Source>(
    document: &Document<S>,
    signed: &Signed,
) -> Result<Option<Permission>, PdfError> {
    for (method, parameters) in signed.transforms(document)? {
        if method.is_name("DocMDP") {
            return Ok(Some(match document.get(&parameters, "P")?.integer() {
                Some(1) => Permission::Nothing,
                Some(3) => Permission::Annotations,
                _ => Permission::Forms,
            }));
        }
    }
    Ok(None)
}

/// Whether a signature in a field of this name may be added.
///
/// # Errors
/// [`PdfError::Certified`].
pub(crate) fn permits<S: Source>(
    document: &Document<S>,
    fields: &[SignatureField],
    name: &str,
    is_new_and_shown: bool,
) -> Result<(), PdfError> {
    let (mut seen, mut names) = (BTreeSet::new(), 0);
    for field in fields {
        if let Some(lock) = document.dictionary(&field.dictionary, "Lock")?
            && field.value.is_some()
            && document.get(&lock, "P")?.integer() == Some(1)
        {
            return Err(PdfError::Certified("lets nothing be added, not even a signature"));
        }
        // A signature that several fields name is asked once.
        if !field.value.as_ref().and_then(Object::reference).is_some_and(|value| seen.insert(value)) {
            continue;
        }
        let Value::Signed(signed) = field.signed(document)? else { continue };
        match permission(document, &signed)? {
            Some(Permission::Nothing) => {
                return Err(PdfError::Certified("lets nothing be added, not even a signature"));
            }
            Some(_) if is_new_and_shown => {
                return Err(PdfError::Certified(
                    "lets no signature be shown that has no field in it yet: sign without showing it, or in an empty field",
                ));
            }
            _ => {}
        }
        for (method, parameters) in signed.transforms(document)? {
            if method.is_name("FieldMDP") && locks(document, &parameters, name, &mut names)? {
                return Err(PdfError::Certified("locked the fields of its form, signatures too"));
            }
        }
    }
    Ok(())
}

fn locks<S: Source>(
    document: &Document<S>,
    parameters: &Dictionary,
    name: &str,
    counted: &mut usize,
) -> Result<bool, PdfError> {
    let names = document.array(parameters, "Fields")?;
    *counted += names.len();
    if *counted > NAMES {
        return Err(PdfError::TooMuch("names of fields that signatures lock"));
    }
    let named = names.iter().filter_map(Object::words).any(|one| {
        // A name stands for those below it too.
        name == one || name.strip_prefix(one.as_str()).is_some_and(|rest| rest.starts_with('.'))
    });
    Ok(match document.get(parameters, "Action")? {
        action if action.is_name("Include") => named,
        action if action.is_name("Exclude") => !named,
        _ => true,
    })
}
