//! What was added behind a signature: allowed is what is listed here, and everything else may show something that was not signed.
//!
//! Two versions are compared: the document that ends where the signature's bytes end, and the whole. What the signed version leads to must be where it was, but for the
//! objects that a signature, or evidence for one, cannot be added without: catalog, form, list of fields, a page's list of annotations, an empty field.

use std::collections::{BTreeMap, BTreeSet};

use super::{Addition, found::Found};
use crate::{
    certified::Permission,
    document::Document,
    error::PdfError,
    form::{Form, SignatureField, Value},
    object::{Dictionary, Object, Reference},
    pages::{self, rectangle},
    parse::is_space,
    source::Source,
    walk::{self, Reached},
    xref::Entry,
};

/// What a field for a signature has. What it does when it is clicked is not among that.
const KNOWN: [&str; 22] = [
    "Type",
    "Subtype",
    "FT",
    "T",
    "V",
    "F",
    "P",
    "Rect",
    "AP",
    "AS",
    "Lock",
    "SV",
    "Ff",
    "TU",
    "TM",
    "MK",
    "DA",
    "NM",
    "M",
    "Parent",
    "Kids",
    "StructParent",
];

pub(super) fn since<S: Source>(
    document: &Document<S>,
    until: u64,
    permission: Option<Permission>,
) -> Result<Found, PdfError> {
    let other = |words: &str| Ok(Found::only(words));
    // That it cannot be read as it was is for the report, not an end of it.
    let signed = match document.as_of(until) {
        Ok(signed) => signed,
        Err(error @ (PdfError::Io(_) | PdfError::TooMuch(_))) => return Err(error),
        Err(_) => return other("the bytes that are covered are no document by themselves"),
    };
    let later: Vec<_> = document.sections.all.iter().take_while(|section| section.at >= until).collect();
    if later.is_empty() {
        // No longer than what a document may end with.
        let behind = document.reading().window(until, document.end)?;
        if behind.iter().all(|octet| is_space(*octet)) {
            let mut found = Found::default();
            found.harmless(Addition::Blank);
            return Ok(found);
        }
        return other("bytes behind the end that no version names");
    }
    let before = document.sections.all.iter().skip(later.len()).map(|section| section.at);
    if !before.eq(signed.sections.all.iter().map(|section| section.at)) {
        return other("a version that does not go on from the one that was signed");
    }
    let all = signed.sections.all.iter().flat_map(|section| &section.entries);
    if all.into_iter().any(|(_, entry)| matches!(entry, Entry::At { offset, .. } if *offset >= until)) {
        return other("objects that the signed version has behind its own end");
    }
    let numbers = later.iter().flat_map(|section| section.entries.iter().map(|(number, _)| *number));
    let moved = |number: &u32| document.sections.entry(*number) != signed.sections.entry(*number);
    let changed: BTreeSet<u32> = numbers.filter(moved).collect();
    match Compared::of(document, &signed, changed).and_then(Compared::additions) {
        Ok(mut found) => {
            if permission == Some(Permission::Nothing) && found.is_more_than_evidence() {
                found.other("its signer certified that nothing would be added");
            }
            Ok(found)
        }
        // As above: one of the versions is damaged where the other may not be.
        Err(error @ (PdfError::Io(_) | PdfError::TooMuch(_))) => Err(error),
        Err(_) => other("something that cannot be read"),
    }
}

/// Two versions of a document.
struct Compared<'a, 'b, S> {
    new: &'a Document<S>,
    old: &'a Document<&'b S>,
    /// The objects that are elsewhere now, and are not yet explained.
    unexplained: BTreeSet<u32>,
    /// What the signed version leads to.
    reached: Reached,
    found: Found,
    /// Fields for signatures that are new.
    added: BTreeMap<Reference, SignatureField>,
    pages: BTreeMap<Reference, u32>,
}

impl<'a, 'b, S: Source> Compared<'a, 'b, S> {
    fn of(new: &'a Document<S>, old: &'a Document<&'b S>, changed: BTreeSet<u32>) -> Result<Self, PdfError> {
        let (root, catalog) = old.catalog()?;
        let shown = catalog.iter().filter(|(key, _)| !matches!(*key, b"DSS" | b"Metadata"));
        // The catalog itself, where it is packed, is what its stream says that it is.
        let holder = match old.sections.entry(root.number) {
            Entry::In { stream, .. } => Some(Object::Reference(Reference { number: stream, generation: 0 })),
            _ => None,
        };
        let reached = walk::reached(old, shown.map(|(_, value)| value).chain(&holder))?;
        let mut unexplained = changed;
        unexplained.retain(|number| *number == root.number || reached.uses(*number) > 0);
        let mut found = Found::default();
        for number in &reached.endless {
            found.other(format!("object {number}, a stream that does not end where it says"));
        }
        let pages = pages::numbers(old)?;
        Ok(Self { new, old, unexplained, reached, found, added: BTreeMap::new(), pages })
    }

    fn additions(mut self) -> Result<Found, PdfError> {
        let (old_root, old_catalog) = self.old.catalog()?;
        let (new_root, new_catalog) = self.new.catalog()?;
        if old_root != new_root {
            self.found.other("another catalog");
            return Ok(self.found);
        }
        self.fields(&old_catalog, &new_catalog)?;
        self.catalog(old_root, &old_catalog, &new_catalog)?;
        self.annotations()?;
        for number in std::mem::take(&mut self.unexplained) {
            let words = match self.old.sections.entry(number) {
                Entry::Free => format!("object {number}, which what was signed refers to and did not have"),
                _ => format!("another object {number}, which what was signed refers to"),
            };
            self.found.other(words);
        }
        if self.information()? {
            self.found.harmless(Addition::Metadata);
        }
        Ok(self.found)
    }

    fn other(&mut self, words: impl Into<String>) {
        self.found.other(words);
    }

    /// Keys whose values differ.
    fn differing(old: &Dictionary, new: &Dictionary) -> BTreeSet<Vec<u8>> {
        let (before, now): (BTreeMap<_, _>, BTreeMap<_, _>) = (old.iter().collect(), new.iter().collect());
        let keys = before.keys().chain(now.keys());
        keys.filter(|key| before.get(*key) != now.get(*key)).map(|key| key.to_vec()).collect()
    }

    /// What came to a list in which everything stays that was there, in its order; none where something is gone.
    fn came<'x>(before: &[Object], now: &'x [Object]) -> Option<Vec<&'x Object>> {
        let mut left = before.iter().peekable();
        let came = now.iter().filter(|one| left.next_if(|kept| kept == one).is_none()).collect();
        left.peek().is_none().then_some(came)
    }

    /// Whether any of what came is no new signature, or one that is said to be on another page than this.
    fn strange(&self, came: &[&Object], page: Option<Reference>) -> bool {
        came.iter().any(|one| {
            let field = one.reference().and_then(|it| self.added.get(&it));
            let says = field.and_then(|field| field.dictionary.get("P"));
            field.is_none() || page.is_some() && says.is_some_and(|it| it.reference() != page)
        })
    }

    /// Whether a dictionary is one in both versions, and no stream: one that is drawn may have other bytes under the same keys.
    fn is_plain(&self, reference: Reference) -> Result<bool, PdfError> {
        Ok(self.old.plain(reference)?.is_some() && self.new.plain(reference)?.is_some())
    }

    /// Takes a list as explained, if it is one in both versions and nothing else refers to it.
    fn explain_list(&mut self, list: Option<Reference>) -> Result<(), PdfError> {
        let Some(list) = list.filter(|list| self.reached.uses(list.number) == 1) else { return Ok(()) };
        let (old, new) = (self.old.object_and_stream(list)?, self.new.object_and_stream(list)?);
        if matches!((old, new), ((Object::Array(_), None), (Object::Array(_), None))) {
            self.unexplained.remove(&list.number);
        }
        Ok(())
    }

    /// Whether a key holds a list, or nothing, in both versions.
    fn is_list(&self, old: &Dictionary, new: &Dictionary, key: &str) -> Result<bool, PdfError> {
        let is_list = |value| matches!(value, Object::Array(_) | Object::Null);
        Ok(is_list(self.old.get(old, key)?) && is_list(self.new.get(new, key)?))
    }

    fn catalog(&mut self, root: Reference, old: &Dictionary, new: &Dictionary) -> Result<(), PdfError> {
        if self.reached.uses(root.number) == 0 && self.is_plain(root)? {
            self.unexplained.remove(&root.number);
        }
        for key in Self::differing(old, new) {
            match key.as_slice() {
                b"AcroForm" | b"Extensions" => {}
                b"DSS" => self.found.harmless(Addition::Evidence),
                b"Metadata" => self.found.harmless(Addition::Metadata),
                key => self.other(format!("the catalog's /{}", String::from_utf8_lossy(key))),
            }
        }
        Ok(())
    }

    /// The form: what was there stays, and signatures come.
    fn fields(&mut self, old_catalog: &Dictionary, new_catalog: &Dictionary) -> Result<(), PdfError> {
        let (old, new) = (Form::of(self.old, old_catalog)?, Form::of(self.new, new_catalog)?);
        if let Some(form) = old.reference
            && self.reached.uses(form.number) == 1
            && self.is_plain(form)?
        {
            self.unexplained.remove(&form.number);
        }
        self.explain_list(old.list)?;
        // By these, fields are drawn whose appearance is not kept.
        let is_drawn = old.dictionary.get("NeedAppearances").is_some();
        for key in Self::differing(&old.dictionary, &new.dictionary) {
            match key.as_slice() {
                b"Fields" | b"SigFlags" => {}
                b"DR" | b"DA" if !is_drawn => {}
                key => self.other(format!("the form's /{}", String::from_utf8_lossy(key))),
            }
        }
        if !self.is_list(&old.dictionary, &new.dictionary, "Fields")? {
            self.other("fields of the form that are no list");
        }
        let (before, now) = (old.signatures(self.old)?, new.signatures(self.new)?);
        let before: BTreeMap<_, _> = before.into_iter().map(|field| (field.reference, field)).collect();
        for field in now {
            match before.get(&field.reference) {
                None => {
                    self.signature(&field, true)?;
                    self.added.insert(field.reference, field);
                }
                Some(earlier) => self.filled(earlier, &field)?,
            }
        }
        match Self::came(&old.fields, &new.fields) {
            None => self.other("fields of the form that are gone"),
            Some(came) if self.strange(&came, None) => {
                self.other("fields of the form that are no signatures")
            }
            Some(_) => {}
        }
        Ok(())
    }

    /// A field that was there: an empty one may have been signed in, and nothing else.
    fn filled(&mut self, old: &SignatureField, new: &SignatureField) -> Result<(), PdfError> {
        let differing = Self::differing(&old.dictionary, &new.dictionary);
        if differing.is_empty() {
            return Ok(());
        }
        if self.is_plain(old.reference)? {
            self.unexplained.remove(&old.reference.number);
        }
        let fine = differing.iter().all(|key| matches!(key.as_slice(), b"V" | b"AP" | b"M"));
        let drawn = differing.iter().any(|key| key == b"AP") && !new.dictionary.has_name("Subtype", "Widget");
        if old.value.is_none() && fine && !drawn {
            self.signature(new, false)
        } else {
            self.other(format!("the field of the signature {}", new.name));
            Ok(())
        }
    }

    /// Whether there is a new signature in a field: one that was there signs what was there.
    fn is_signed(&self, field: &SignatureField) -> Result<bool, PdfError> {
        let Some(value) = field.value.as_ref().and_then(Object::reference) else { return Ok(false) };
        let entry = self.new.sections.entry(value.number);
        let is_new = matches!(entry, Entry::At { offset, .. } if offset >= self.old.end);
        Ok(is_new && matches!(field.signed(self.new)?, Value::Signed(_)))
    }

    /// Whether a field is shown as fields are, or not at all.
    fn is_plainly_shown(&self, field: &SignatureField) -> Result<bool, PdfError> {
        let dictionary = &field.dictionary;
        let appearance = match dictionary.get("AP") {
            None | Some(Object::Dictionary(_)) => true,
            Some(Object::Reference(appearance)) => self.new.plain(*appearance)?.is_some(),
            Some(_) => false,
        };
        let is_bare = ["Subtype", "AP", "Rect", "MK", "DA"].iter().all(|key| dictionary.get(key).is_none());
        let is_widget = dictionary.has_name("Subtype", "Widget");
        let is_plain = self.new.plain(field.reference)?.is_some() && dictionary.get("Kids").is_none();
        Ok(appearance && is_plain && (is_bare || is_widget))
    }

    fn signature(&mut self, field: &SignatureField, is_new: bool) -> Result<(), PdfError> {
        let name = &field.name;
        for (key, _) in field.dictionary.iter() {
            let key = String::from_utf8_lossy(key);
            if !KNOWN.contains(&key.as_ref()) {
                self.found.other(format!("the /{key} of the field of the signature {name}"));
            }
        }
        if !self.is_signed(field)? {
            self.found.other(format!("the field {name}, in which there is no new signature"));
        }
        if is_new && !self.is_plainly_shown(field)? {
            self.found.other(format!("the field {name}, whose annotation is not that of a signature"));
        }
        let mut page = None;
        for widget in &field.widgets {
            let bounds = widget.get("Rect").map_or(Ok(None), |value| rectangle(self.new, value))?;
            // What has an appearance may be drawn, whatever its rectangle is.
            let is_drawn = widget.get("AP").is_some();
            if is_drawn || bounds.is_none_or(|[left, bottom, right, top]| right > left && top > bottom) {
                page =
                    Some(widget.reference("P").and_then(|page| self.pages.get(&page).copied()).unwrap_or(0));
            }
        }
        self.found.harmless(Addition::Signature { field: name.clone(), page });
        Ok(())
    }

    /// Pages that differ: by annotations that are new signatures, and by nothing else.
    fn annotations(&mut self) -> Result<(), PdfError> {
        for (reference, number) in self.pages.clone() {
            let Object::Dictionary(old) = self.old.object(reference)? else { continue };
            let list = old.reference("Annots");
            let page_changed = self.unexplained.contains(&reference.number);
            let list_changed = list.is_some_and(|list| self.unexplained.contains(&list.number));
            if !page_changed && !list_changed {
                continue;
            }
            let Object::Dictionary(new) = self.new.object(reference)? else { continue };
            for key in Self::differing(&old, &new).into_iter().filter(|key| key != b"Annots") {
                self.other(format!("page {number}: its /{}", String::from_utf8_lossy(&key)));
            }
            if !self.is_list(&old, &new, "Annots")? {
                self.other(format!("page {number}: annotations that are no list"));
            }
            let (before, now) = (self.old.array(&old, "Annots")?, self.new.array(&new, "Annots")?);
            match Self::came(&before, &now) {
                None => self.other(format!("page {number}: annotations that are gone")),
                Some(came) if self.strange(&came, Some(reference)) => {
                    self.other(format!("page {number}: annotations that are no signatures"));
                }
                Some(_) => {}
            }
            if self.is_plain(reference)? {
                self.unexplained.remove(&reference.number);
            }
            self.explain_list(list)?;
        }
        Ok(())
    }

    /// Whether what is said of the document is said otherwise.
    fn information(&self) -> Result<bool, PdfError> {
        let (old, new) = (&self.old.newest()?.trailer, &self.new.newest()?.trailer);
        let now = new.reference("Info").map(|it| self.new.sections.entry(it.number));
        let before = old.reference("Info").map(|it| self.old.sections.entry(it.number));
        Ok(now != before)
    }
}
