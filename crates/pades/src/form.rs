//! The document's interactive form (ISO 32000-1 §12.7): its fields, of which some are signatures.

use std::collections::BTreeSet;

use crate::{
    document::{Document, object_at},
    error::PdfError,
    object::{Dictionary, Object, Reference},
    source::Source,
    xref::Entry,
};

/// The most fields that are looked at, and how deep they stand in one another.
const MOST: usize = 50_000;
const DEPTH: usize = 32;

/// The form as it stands in the catalog.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form {
    /// The object that it is, unless it stands in the catalog itself.
    pub(crate) reference: Option<Reference>,
    pub(crate) dictionary: Dictionary,
    /// The object that the list of its fields is, unless it stands in the form itself.
    pub(crate) list: Option<Reference>,
    pub(crate) fields: Vec<Object>,
}

/// A field for a signature.
#[derive(Clone, Debug)]
pub(crate) struct SignatureField {
    pub(crate) reference: Reference,
    pub(crate) dictionary: Dictionary,
    /// Its name and those of the fields above it.
    pub(crate) name: String,
    /// The signature in it.
    pub(crate) value: Option<Reference>,
    /// Where it is shown: itself, or those below it.
    pub(crate) widgets: Vec<Dictionary>,
}

/// A signature as it stands in the document.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    pub(crate) dictionary: Dictionary,
    /// Where the value of `/Contents` is.
    pub(crate) contents: Option<(u64, u64)>,
}

impl Form {
    pub(crate) fn of<S: Source>(document: &Document<S>, catalog: &Dictionary) -> Result<Self, PdfError> {
        let reference = catalog.reference("AcroForm");
        let dictionary = document.dictionary(catalog, "AcroForm")?.unwrap_or_default();
        let list = dictionary.reference("Fields");
        let fields = document.array(&dictionary, "Fields")?;
        Ok(Self { reference, dictionary, list, fields })
    }

    /// Every field for a signature, in the order of the form; and the names of all fields.
    pub(crate) fn signatures<S: Source>(
        &self,
        document: &Document<S>,
    ) -> Result<(Vec<SignatureField>, BTreeSet<String>), PdfError> {
        let mut walk = Walk {
            document,
            seen: BTreeSet::new(),
            kids: 0,
            shown: BTreeSet::new(),
            found: Vec::new(),
            names: BTreeSet::new(),
        };
        for field in &self.fields {
            if let Some(reference) = field.reference() {
                walk.field(reference, "", false, 0)?;
            }
        }
        Ok((walk.found, walk.names))
    }
}

struct Walk<'a, S> {
    document: &'a Document<S>,
    seen: BTreeSet<Reference>,
    /// How many were named below others.
    kids: usize,
    /// Those below that are no fields.
    shown: BTreeSet<Reference>,
    found: Vec<SignatureField>,
    names: BTreeSet<String>,
}

impl<S: Source> Walk<'_, S> {
    fn field(
        &mut self,
        reference: Reference,
        above: &str,
        signs: bool,
        depth: usize,
    ) -> Result<(), PdfError> {
        if !self.seen.insert(reference) || depth > DEPTH {
            return Err(PdfError::damaged("its fields stand in a circle", self.document.end));
        }
        if self.seen.len() > MOST {
            return Err(PdfError::TooMuch("fields of its form"));
        }
        let Object::Dictionary(field) = self.document.object(reference)? else { return Ok(()) };
        let own = self.document.get(&field, "T")?.words();
        let name = match (&own, above) {
            (Some(own), "") => own.clone(),
            (Some(own), above) => format!("{above}.{own}"),
            (None, above) => above.to_owned(),
        };
        let kind = self.document.get(&field, "FT")?;
        let signs = if kind == Object::Null { signs } else { kind.is_name("Sig") };
        self.names.insert(name.clone());
        let (mut widgets, mut below) = (Vec::new(), Vec::new());
        for kid in self.document.array(&field, "Kids")? {
            let Some(kid) = kid.reference() else { continue };
            self.kids += 1;
            if self.kids > MOST {
                return Err(PdfError::TooMuch("fields of its form"));
            }
            // One that is named often is looked at once.
            if self.shown.contains(&kid) {
                continue;
            }
            match self.document.object(kid)? {
                Object::Dictionary(widget) if widget.get("T").is_none() => {
                    self.shown.insert(kid);
                    if signs {
                        widgets.push(widget);
                    }
                }
                _ => below.push(kid),
            }
        }
        if signs && below.is_empty() && own.is_some() {
            if field.has_name("Subtype", "Widget") {
                widgets.push(field.clone());
            }
            let value = field.reference("V");
            if value.is_none() && self.document.get(&field, "V")? != Object::Null {
                return Err(PdfError::NotTaken(
                    "a signature stands within its field, where it cannot be found",
                ));
            }
            self.found.push(SignatureField {
                reference,
                dictionary: field,
                name: name.clone(),
                value,
                widgets,
            });
        }
        below.into_iter().try_for_each(|kid| self.field(kid, &name, signs, depth + 1))
    }
}

impl Signed {
    /// A signature, where it is; none where its field is empty.
    pub(crate) fn at<S: Source>(
        document: &Document<S>,
        reference: Reference,
    ) -> Result<Option<Self>, PdfError> {
        let Entry::At { offset, generation } = document.sections.entry(reference.number) else {
            return Ok(None);
        };
        let (found, object, contents) = object_at(&document.source, offset, document.end)?;
        if found != reference || generation != reference.generation {
            return Err(PdfError::damaged("an object is not where its cross-reference says", offset));
        }
        let Object::Dictionary(dictionary) = object else { return Ok(None) };
        Ok(Some(Self { dictionary, contents }))
    }

    /// The four numbers of `/ByteRange`.
    pub(crate) fn byte_range(&self) -> Option<[u64; 4]> {
        let Some(Object::Array(all)) = self.dictionary.get("ByteRange") else { return None };
        let [a, b, c, d] = all.as_slice() else { return None };
        let number = |value: &Object| value.integer().and_then(|number| u64::try_from(number).ok());
        Some([number(a)?, number(b)?, number(c)?, number(d)?])
    }

    /// What certifies the document, or locks fields of it: the method and its parameters (ISO 32000-1 §12.8.2).
    pub(crate) fn transforms<S: Source>(
        &self,
        document: &Document<S>,
    ) -> Result<Vec<(Object, Dictionary)>, PdfError> {
        let mut all = Vec::new();
        for one in document.array(&self.dictionary, "Reference")?.iter().take(16) {
            if let Object::Dictionary(one) = document.resolved(one)? {
                let parameters = document.dictionary(&one, "TransformParams")?.unwrap_or_default();
                all.push((document.get(&one, "TransformMethod")?, parameters));
            }
        }
        Ok(all)
    }
}
