//! What was added behind a signature: allowed is what is listed here, and everything else may show something that was not signed.
//!
//! Two versions are compared: the document that ends where the signature's bytes end, and the whole. What the signed version leads to must be where it was, but for the
//! objects that a signature, or evidence for one, cannot be added without: catalog, form, list of fields, a page's list of annotations, an empty field.

use std::collections::{BTreeMap, BTreeSet};

use super::{Addition, walk};
use crate::{
    certified::Permission,
    document::Document,
    error::PdfError,
    form::{Form, SignatureField},
    object::{Dictionary, Object, Reference},
    pages::{self, rectangle},
    source::Source,
    xref::Entry,
};

/// The most that is told of one signature.
const MOST: usize = 20;

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
) -> Result<Vec<Addition>, PdfError> {
    let other = |words: &str| Ok(vec![Addition::Other(words.to_owned())]);
    // That it cannot be read as it was is for the report, not an end of it.
    let Ok(signed) = Document::ending_at(&document.source, until) else {
        return other("the bytes that are covered are no document by themselves");
    };
    let later: Vec<_> = document.sections.all.iter().take_while(|section| section.at >= until).collect();
    if later.is_empty() {
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
            if permission == Some(Permission::Nothing) && found.iter().any(|it| *it != Addition::Evidence) {
                found.push(Addition::Other("its signer certified that nothing would be added".to_owned()));
            }
            found.dedup();
            found.truncate(MOST);
            Ok(found)
        }
        // As above: one of the versions is damaged where the other may not be.
        Err(PdfError::Io(cause)) => Err(PdfError::Io(cause)),
        Err(_) => other("something that cannot be read"),
    }
}

/// Two versions of a document.
struct Compared<'a, 'b, S> {
    new: &'a Document<S>,
    old: &'a Document<&'b S>,
    /// The objects that are elsewhere now, and are not yet explained.
    unexplained: BTreeSet<u32>,
    found: Vec<Addition>,
    /// Fields for signatures that are new.
    added: BTreeMap<Reference, SignatureField>,
    pages: BTreeMap<Reference, u32>,
}

impl<'a, 'b, S: Source> Compared<'a, 'b, S> {
    fn of(new: &'a Document<S>, old: &'a Document<&'b S>, changed: BTreeSet<u32>) -> Result<Self, PdfError> {
        Ok(Self {
            new,
            old,
            unexplained: changed,
            found: Vec::new(),
            added: BTreeMap::new(),
            pages: pages::numbers(old)?,
        })
    }

    fn additions(mut self) -> Result<Vec<Addition>, PdfError> {
        let (old_root, old_catalog) = self.old.catalog()?;
        let (new_root, new_catalog) = self.new.catalog()?;
        if old_root != new_root {
            self.other("another catalog");
            return Ok(self.found);
        }
        let shown = old_catalog.iter().filter(|(key, _)| !matches!(*key, b"DSS" | b"Metadata"));
        let mut reached = walk::reached(self.old, shown.map(|(_, value)| value))?;
        reached.also(old_root.number);
        self.unexplained.retain(|number| reached.has(*number));
        self.fields((old_root, &old_catalog), (new_root, &new_catalog))?;
        self.catalog(old_root, &old_catalog, &new_catalog);
        self.annotations()?;
        for number in std::mem::take(&mut self.unexplained) {
            let words = match self.old.sections.entry(number) {
                Entry::Free => format!("object {number}, which what was signed refers to and did not have"),
                _ => format!("another object {number}, which what was signed refers to"),
            };
            self.found.push(Addition::Other(words));
        }
        if self.information()? {
            self.found.push(Addition::Metadata);
        }
        Ok(self.found)
    }

    fn other(&mut self, words: impl Into<String>) {
        self.found.push(Addition::Other(words.into()));
    }

    /// Keys whose values differ.
    fn differing(old: &Dictionary, new: &Dictionary) -> BTreeSet<Vec<u8>> {
        let keys = old.iter().chain(new.iter()).map(|(key, _)| key.to_vec());
        keys.filter(|key| {
            let text = String::from_utf8_lossy(key);
            old.get(&text) != new.get(&text)
        })
        .collect()
    }

    fn catalog(&mut self, root: Reference, old: &Dictionary, new: &Dictionary) {
        self.unexplained.remove(&root.number);
        for key in Self::differing(old, new) {
            match key.as_slice() {
                b"AcroForm" | b"Extensions" => {}
                b"DSS" => self.found.push(Addition::Evidence),
                b"Metadata" => self.found.push(Addition::Metadata),
                key => self.other(format!("the catalog's /{}", String::from_utf8_lossy(key))),
            }
        }
    }

    /// The form: what was there stays, and signatures come.
    fn fields(
        &mut self,
        (_, old_catalog): (Reference, &Dictionary),
        (_, new_catalog): (Reference, &Dictionary),
    ) -> Result<(), PdfError> {
        let (old, new) = (Form::of(self.old, old_catalog)?, Form::of(self.new, new_catalog)?);
        for reference in [old.reference, old.list].into_iter().flatten() {
            self.unexplained.remove(&reference.number);
        }
        for key in Self::differing(&old.dictionary, &new.dictionary) {
            if !matches!(key.as_slice(), b"Fields" | b"SigFlags" | b"DR" | b"DA") {
                self.other(format!("the form's /{}", String::from_utf8_lossy(&key)));
            }
        }
        let kept: Vec<&Object> = new.fields.iter().filter(|field| old.fields.contains(field)).collect();
        if !kept.into_iter().eq(old.fields.iter()) {
            self.other("fields of the form that are gone");
        }
        let (before, _) = old.signatures(self.old)?;
        let (now, _) = new.signatures(self.new)?;
        let before: BTreeMap<_, _> = before.into_iter().map(|field| (field.reference, field)).collect();
        for field in now {
            match before.get(&field.reference) {
                None => {
                    self.signature(&field)?;
                    self.added.insert(field.reference, field);
                }
                Some(earlier) => self.filled(earlier, &field)?,
            }
        }
        let came = new.fields.iter().filter(|field| !old.fields.contains(field));
        let strange =
            came.filter(|field| field.reference().is_none_or(|it| !self.added.contains_key(&it))).count();
        if strange > 0 {
            self.other("fields of the form that are no signatures");
        }
        Ok(())
    }

    /// A field that was there: an empty one may have been signed in, and nothing else.
    fn filled(&mut self, old: &SignatureField, new: &SignatureField) -> Result<(), PdfError> {
        let differing = Self::differing(&old.dictionary, &new.dictionary);
        if differing.is_empty() {
            return Ok(());
        }
        self.unexplained.remove(&old.reference.number);
        let fine = differing.iter().all(|key| matches!(key.as_slice(), b"V" | b"AP" | b"M"));
        if old.value.is_none() && new.value.is_some() && fine {
            self.signature(new)
        } else {
            self.other(format!("the field of the signature {}", new.name));
            Ok(())
        }
    }

    fn signature(&mut self, field: &SignatureField) -> Result<(), PdfError> {
        for (key, _) in
            field.dictionary.iter().filter(|(key, _)| !KNOWN.contains(&String::from_utf8_lossy(key).as_ref()))
        {
            self.found.push(Addition::Other(format!(
                "the /{} of the field of the signature {}",
                String::from_utf8_lossy(key),
                field.name
            )));
        }
        let mut page = None;
        for widget in &field.widgets {
            let bounds = widget.get("Rect").map_or(Ok(None), |value| rectangle(self.new, value))?;
            if bounds.is_none_or(|[left, bottom, right, top]| right > left && top > bottom) {
                page =
                    Some(widget.reference("P").and_then(|page| self.pages.get(&page).copied()).unwrap_or(0));
            }
        }
        self.found.push(Addition::Signature { field: field.name.clone(), page });
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
            let (before, now) = (self.old.array(&old, "Annots")?, self.new.array(&new, "Annots")?);
            let kept = now.iter().filter(|one| before.contains(one));
            if !kept.eq(before.iter()) {
                self.other(format!("page {number}: annotations that are gone"));
            }
            let came = now.iter().filter(|one| !before.contains(one));
            let strange =
                came.filter(|one| one.reference().is_none_or(|it| !self.added.contains_key(&it))).count();
            if strange > 0 {
                self.other(format!("page {number}: annotations that are no signatures"));
            }
            self.unexplained.remove(&reference.number);
            if let Some(list) = list {
                self.unexplained.remove(&list.number);
            }
        }
        Ok(())
    }

    /// Whether what is said of the document is said otherwise.
    fn information(&self) -> Result<bool, PdfError> {
        let (old, new) = (&self.old.newest()?.trailer, &self.new.newest()?.trailer);
        let said = |document: Option<Reference>| document.map(|it| self.new.sections.entry(it.number));
        let was = |document: Option<Reference>| document.map(|it| self.old.sections.entry(it.number));
        Ok(said(new.reference("Info")) != was(old.reference("Info")))
    }
}
