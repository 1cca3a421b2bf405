//! A document, prepared: a field for the signature and the place that waits for it, added behind what is there.

mod appearance;
mod letters;

use time::{OffsetDateTime, macros::format_description};

use crate::{
    certified,
    document::Document,
    error::PdfError,
    form::{Form, LONGEST_NAME, SignatureField},
    ground::Ground,
    object::{Dictionary, Object, Reference},
    pages,
    source::{Extended, Source},
    update::Update,
    write,
};

pub use appearance::Appearance;

/// How a document is to be signed.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// When, in Unix milliseconds: what the signer says (`/M`).
    pub time: u64,
    /// Who, for people: the certificate says it.
    pub name: String,
    /// Why.
    pub reason: Option<String>,
    /// Where.
    pub location: Option<String>,
    /// In which field: an empty one of this name, or a new one; none: a new one of a name that nobody has.
    pub field: Option<String>,
    /// How it is shown; none: not at all.
    pub appearance: Option<Appearance>,
    /// How many bytes are kept for the signature, with its certificates and its time stamp.
    pub room: usize,
}

/// Adds a field and a place for the signature. The signature is of what comes back, but for that place.
///
/// # Errors
/// [`PdfError`]: the document is not taken, or nothing may be added to it; a wish that cannot be met.
pub fn prepare<'a, S: Source>(document: &'a Document<S>, wish: &Wish) -> Result<Extended<&'a S>, PdfError> {
    let (root, catalog) = document.catalog()?;
    let form = Form::of(document, &catalog)?;
    if document.get(&form.dictionary, "XFA")? != Object::Null {
        return Err(PdfError::Xfa);
    }
    let (fields, names) = form.fields(document)?;
    let name = wish.field.clone().unwrap_or_else(|| {
        let free = (1..=names.len() + 1).map(|at| format!("Signature{at}"));
        free.into_iter().find(|name| !names.has(name)).unwrap_or_default()
    });
    let waiting = fields.iter().find(|field| field.name == name);
    if waiting.is_none() && (name.is_empty() || name.contains('.') || name.len() > LONGEST_NAME) {
        return Err(PdfError::FieldName { name, most: LONGEST_NAME });
    }
    if names.has(&name) && waiting.is_none_or(|field| field.value.is_some()) {
        return Err(PdfError::Field(name));
    }
    certified::permits(document, &fields, &name, waiting.is_none() && wish.appearance.is_some())?;
    let ground = Ground::of(document, &catalog)?;
    let mut update = Update::of(document, ground.next);
    let signature = update.new_reference();
    let new = match waiting {
        Some(field) => fill(document, &mut update, field, signature, wish)?,
        None => Some(add(document, &ground, &mut update, &name, signature, wish)?),
    };
    enlist(document, &ground, &mut update, (root, catalog), form, new)?;
    let written = Written::of(wish);
    update.put_written(signature, written.bytes.clone());
    let base = document.end;
    let added = update.finish()?;
    let lost = || PdfError::damaged("nothing could be added", None);
    let start = added.content(signature, base).ok_or_else(lost)?;
    let mut tail = added.tail;
    let before = base + (start + written.contents) as u64;
    let from = before + 2 * wish.room as u64 + 2;
    let until = base + tail.len() as u64;
    let range = format!("{before:010} {from:010} {:010}", until - from);
    let place = tail.get_mut(start + written.range..).and_then(|rest| rest.get_mut(..range.len()));
    place.ok_or_else(lost)?.copy_from_slice(range.as_bytes());
    Ok(Extended::new(&document.source, base, tail))
}

/// Puts the signature into a field that waits.
fn fill<S: Source>(
    document: &Document<S>,
    update: &mut Update<'_, S>,
    field: &SignatureField,
    signature: Reference,
    wish: &Wish,
) -> Result<Option<Reference>, PdfError> {
    if wish.appearance.is_some() {
        return Err(PdfError::NotTaken(
            "a field that waits has its own place: a signature in it is shown nowhere else",
        ));
    }
    if document.plain(field.reference)?.is_none() {
        return Err(PdfError::NotTaken("the field is also something that is drawn: sign in a new one"));
    }
    update.put(field.reference, &field.dictionary.clone().with("V", signature.into()).into());
    Ok(None)
}

/// Adds a field that is its own widget, on a page.
fn add<S: Source>(
    document: &Document<S>,
    ground: &Ground,
    update: &mut Update<'_, S>,
    name: &str,
    signature: Reference,
    wish: &Wish,
) -> Result<Reference, PdfError> {
    let page = pages::page(document, wish.appearance.as_ref().map_or(1, |it| it.page))?;
    let field = update.new_reference();
    let mut widget = Dictionary::of([
        ("Type", Object::name("Annot")),
        ("Subtype", Object::name("Widget")),
        ("FT", Object::name("Sig")),
        ("T", Object::text(name)),
        ("V", signature.into()),
        // Printed, and not moved (ISO 32000-1 §12.5.3).
        ("F", Object::Integer(132)),
        ("P", page.reference.into()),
    ]);
    match &wish.appearance {
        None => widget.set("Rect", Object::Array(vec![Object::Integer(0); 4])),
        Some(appearance) => {
            let drawn = appearance.drawn(&page)?;
            widget.set("Rect", drawn.rectangle.clone());
            let font = update.add(&appearance::font().into());
            let form = update.new_reference();
            update.put_stream(form, drawn.dictionary(font), &drawn.content);
            widget.set("AP", Dictionary::of([("N", form.into())]).into());
        }
    }
    update.put(field, &widget.into());
    if document.plain(page.reference)?.is_none() {
        return Err(PdfError::NotTaken(
            "a page is also something that is drawn: print it into a new PDF first",
        ));
    }
    let mut annotations = list(document, &page.dictionary, "Annots")?;
    annotations.push(field.into());
    // A list that is used elsewhere too stays as it is there.
    match ground.list(document, page.dictionary.reference("Annots"))? {
        Some(list) => update.put(list, &Object::Array(annotations)),
        None => {
            update.put(page.reference, &page.dictionary.with("Annots", Object::Array(annotations)).into())
        }
    }
    Ok(field)
}

/// A list, or nothing: what is something else would be gone.
fn list<S: Source>(
    document: &Document<S>,
    dictionary: &Dictionary,
    key: &str,
) -> Result<Vec<Object>, PdfError> {
    match document.get(dictionary, key)? {
        Object::Array(all) => Ok(all),
        Object::Null => Ok(Vec::new()),
        _ => Err(PdfError::damaged("a list of fields or annotations is none", None)),
    }
}

/// Puts the field into the form, and says that the document has signatures, which only additions leave whole (table 219).
fn enlist<S: Source>(
    document: &Document<S>,
    ground: &Ground,
    update: &mut Update<'_, S>,
    (root, catalog): (Reference, Dictionary),
    form: Form,
    field: Option<Reference>,
) -> Result<(), PdfError> {
    let mut fields = list(document, &form.dictionary, "Fields")?;
    let mut dictionary = form.dictionary.with("SigFlags", Object::Integer(3));
    if let Some(field) = field {
        fields.push(field.into());
        match ground.list(document, form.list)? {
            Some(list) => update.put(list, &Object::Array(fields)),
            None => dictionary.set("Fields", Object::Array(fields)),
        }
    }
    match form.reference {
        Some(reference) if ground.uses(reference) == 1 && document.plain(reference)?.is_some() => {
            update.put(reference, &dictionary.into());
        }
        Some(_) => {
            return Err(PdfError::NotTaken(
                "its form is also something else that it shows: print it into a new PDF first",
            ));
        }
        None => {
            ground.may_rewrite(root)?;
            let form = update.add(&dictionary.into());
            update.put(root, &catalog.with("AcroForm", form.into()).into());
        }
    }
    Ok(())
}

/// The signature's dictionary (ISO 32000-1 table 252; ETSI EN 319 142-1 §6.3), with the places of what is known later only.
struct Written {
    bytes: Vec<u8>,
    /// Where the second number of `/ByteRange` begins.
    range: usize,
    /// Where the value of `/Contents` begins.
    contents: usize,
}

impl Written {
    fn of(wish: &Wish) -> Self {
        let mut known = Dictionary::of([
            ("Type", Object::name("Sig")),
            ("Filter", Object::name("Adobe.PPKLite")),
            ("SubFilter", Object::name("ETSI.CAdES.detached")),
            ("M", Object::Text(date(wish.time).into_bytes())),
            ("Name", Object::text(&wish.name)),
        ]);
        for (key, value) in [("Reason", &wish.reason), ("Location", &wish.location)] {
            if let Some(value) = value {
                known.set(key, Object::text(value));
            }
        }
        let mut bytes = Vec::new();
        write::dictionary(&mut bytes, &known);
        bytes.truncate(bytes.len() - 2);
        bytes.extend(b"/ByteRange [0 ");
        let range = bytes.len();
        bytes.extend(b"0000000000 0000000000 0000000000]/Contents ");
        let contents = bytes.len();
        bytes.push(b'<');
        bytes.resize(bytes.len() + 2 * wish.room, b'0');
        bytes.extend(b">>>");
        Self { bytes, range, contents }
    }
}

/// A date (ISO 32000-1 §7.9.4), in UTC.
fn date(milliseconds: u64) -> String {
    let seconds = i64::try_from(milliseconds / 1000).unwrap_or_default();
    let moment = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let form = format_description!("D:[year][month][day][hour][minute][second]+00'00'");
    moment.format(form).unwrap_or_default() // numeric parts of an existing date
}
