//! The document's interactive form (ISO 32000-1 §12.7): its fields, of which some are signatures.

use std::collections::BTreeSet;

use sceau_crypto::sha256;

use crate::{
    document::Document,
    error::PdfError,
    object::{Dictionary, Object, Reference},
    source::Source,
    xref::Entry,
};

/// The most fields that are looked at, and how deep they stand in one another.
const MOST: usize = 50_000;
const DEPTH: usize = 32;
/// How long a field's name is at most, with those above it, in bytes.
pub(crate) const LONGEST_NAME: usize = 1024;
/// How many values the fields for signatures have at most, all together: they are kept.
const VALUES: usize = 500_000;

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
    /// What is in it, or in the field above it: a signature, if it is one.
    pub(crate) value: Option<Object>,
    /// Where it is shown: itself, or those below it.
    pub(crate) widgets: Vec<Dictionary>,
}

/// What is in a field for a signature.
pub(crate) enum Value {
    Empty,
    Signed(Signed),
    /// Something that other readers may take for a signature, where none can be judged.
    Unreadable,
}

/// The names of all fields.
#[derive(Debug, Default)]
pub(crate) struct Names(BTreeSet<[u8; 32]>);

impl Names {
    fn add(&mut self, name: &str) {
        self.0.insert(sha256(name.as_bytes()));
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains(&sha256(name.as_bytes()))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
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

    /// Every field for a signature, in the order of the form.
    pub(crate) fn signatures<S: Source>(
        &self,
        document: &Document<S>,
    ) -> Result<Vec<SignatureField>, PdfError> {
        self.fields(document).map(|(signatures, _)| signatures)
    }

    /// The same, and the names of all fields.
    pub(crate) fn fields<S: Source>(
        &self,
        document: &Document<S>,
    ) -> Result<(Vec<SignatureField>, Names), PdfError> {
        let mut walk = Walk {
            document,
            seen: BTreeSet::new(),
            kids: 0,
            shown: BTreeSet::new(),
            values: 0,
            found: Vec::new(),
            names: Names::default(),
        };
        for field in &self.fields {
            if let Some(reference) = listed(field)? {
                walk.field(reference, &Above::default(), 0)?;
            }
        }
        Ok((walk.found, walk.names))
    }
}

/// Every field for a signature that a document has, in the order of its form.
pub(crate) fn signatures<S: Source>(document: &Document<S>) -> Result<Vec<SignatureField>, PdfError> {
    let (_, catalog) = document.catalog()?;
    Form::of(document, &catalog)?.signatures(document)
}

/// A field as lists name it. One that stands in the list itself is one for some readers and nothing for others.
fn listed(field: &Object) -> Result<Option<Reference>, PdfError> {
    match field {
        Object::Dictionary(_) => Err(PdfError::damaged("a field stands in a list of fields itself", None)),
        field => Ok(field.reference()),
    }
}

/// What a field has of the one above it (ISO 32000-1 §12.7.3.1).
#[derive(Clone, Debug, Default)]
struct Above {
    name: String,
    signs: bool,
    value: Option<Object>,
}

struct Walk<'a, S> {
    document: &'a Document<S>,
    seen: BTreeSet<Reference>,
    /// How many were named below others.
    kids: usize,
    /// Those below that are no fields.
    shown: BTreeSet<Reference>,
    /// How many values those have that are kept.
    values: usize,
    found: Vec<SignatureField>,
    names: Names,
}

impl<S: Source> Walk<'_, S> {
    fn field(&mut self, reference: Reference, above: &Above, depth: usize) -> Result<(), PdfError> {
        if !self.seen.insert(reference) || depth > DEPTH {
            return Err(PdfError::damaged("its fields stand in a circle", None));
        }
        if self.seen.len() > MOST {
            return Err(PdfError::TooMuch("fields of its form"));
        }
        let Object::Dictionary(field) = self.document.object(reference)? else { return Ok(()) };
        let kind = self.document.get(&field, "FT")?;
        let own = field.get("V").filter(|value| **value != Object::Null);
        let it = Above {
            name: self.name(&field, above)?,
            signs: if kind == Object::Null { above.signs } else { kind.is_name("Sig") },
            value: own.or(above.value.as_ref()).cloned(),
        };
        self.keep(it.value.iter())?;
        self.names.add(&it.name);
        let (mut widgets, mut below) = (Vec::new(), Vec::new());
        for kid in self.document.array(&field, "Kids")? {
            let Some(kid) = listed(&kid)? else { continue };
            self.kids += 1;
            if self.kids > MOST {
                return Err(PdfError::TooMuch("fields of its form"));
            }
            // One that is named often is looked at once.
            if self.shown.contains(&kid) {
                continue;
            }
            match self.document.object(kid)? {
                Object::Dictionary(widget)
                    if ["T", "Kids", "V"].iter().all(|key| widget.get(key).is_none()) =>
                {
                    self.shown.insert(kid);
                    if it.signs {
                        self.keep(widget.iter().map(|(_, value)| value))?;
                        widgets.push(widget);
                    }
                }
                _ => below.push(kid),
            }
        }
        let is_named = field.get("T").is_some();
        if it.signs
            && (below.is_empty() && is_named || own.is_some() || below.is_empty() && it.value.is_some())
        {
            if field.has_name("Subtype", "Widget") {
                widgets.push(field.clone());
            }
            self.keep(field.iter().map(|(_, value)| value))?;
            let Above { name, value, .. } = it.clone();
            self.found.push(SignatureField { reference, dictionary: field, name, value, widgets });
        }
        below.into_iter().try_for_each(|kid| self.field(kid, &it, depth + 1))
    }

    /// Its name and those above it.
    fn name(&self, field: &Dictionary, above: &Above) -> Result<String, PdfError> {
        let own = self.document.get(field, "T")?;
        let long = || PdfError::TooMuch("the name of a field is longer than 1 KiB");
        if matches!(&own, Object::Text(text) if text.len() > LONGEST_NAME) {
            return Err(long());
        }
        let name = match (own.words(), above.name.as_str()) {
            (Some(own), "") => own,
            (Some(own), above) => format!("{above}.{own}"),
            (None, above) => above.to_owned(),
        };
        if name.len() > LONGEST_NAME { Err(long()) } else { Ok(name) }
    }

    /// Counts what is kept.
    fn keep<'o>(&mut self, all: impl Iterator<Item = &'o Object>) -> Result<(), PdfError> {
        self.values += all.map(Object::values).sum::<usize>();
        if self.values > VALUES {
            Err(PdfError::TooMuch("values in its fields for signatures"))
        } else {
            Ok(())
        }
    }
}

impl SignatureField {
    /// The signature in it.
    pub(crate) fn signed<S: Source>(&self, document: &Document<S>) -> Result<Value, PdfError> {
        let Some(value) = &self.value else { return Ok(Value::Empty) };
        let Some(reference) = value.reference() else { return Ok(Value::Unreadable) };
        if !matches!(document.sections.entry(reference.number), Entry::At { .. }) {
            let is_empty = document.object(reference)? == Object::Null;
            return Ok(if is_empty { Value::Empty } else { Value::Unreadable });
        }
        Ok(match document.placed(reference)? {
            None => Value::Unreadable,
            Some(found) => match (found.object, found.stream) {
                (Object::Dictionary(dictionary), None) => {
                    Value::Signed(Signed { dictionary, contents: found.contents })
                }
                (Object::Null, None) => Value::Empty,
                _ => Value::Unreadable,
            },
        })
    }
}

impl Signed {
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
