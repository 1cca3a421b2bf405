//! What is added behind a document (ISO 32000-1 §7.5.6): objects, where they are, and what the newest version says of the whole.

use std::collections::BTreeMap;

use sceau_crypto::sha256;

use crate::{
    document::Document,
    error::PdfError,
    object::{Dictionary, Object, Reference},
    source::{Source, window},
    write,
    xref::HIGHEST,
};

/// The last byte that a table of cross-references can name.
const FURTHEST: u64 = 9_999_999_999;

/// Objects to be added, new ones and newer ones.
pub(crate) struct Update<'a, S> {
    document: &'a Document<S>,
    objects: BTreeMap<u32, (u16, Vec<u8>)>,
    next: u32,
}

/// What was added, and where each object of it is in the whole document.
pub(crate) struct Added {
    pub(crate) tail: Vec<u8>,
    offsets: BTreeMap<u32, u64>,
}

impl Added {
    /// Where the content of an object is in the tail.
    pub(crate) fn content(&self, reference: Reference, base: u64) -> Option<usize> {
        let head = self.offsets.get(&reference.number)?.checked_sub(base)?;
        Some(usize::try_from(head).ok()? + head_of(reference.number, reference.generation).len())
    }
}

fn head_of(number: u32, generation: u16) -> String {
    format!("{number} {generation} obj\n")
}

impl<'a, S: Source> Update<'a, S> {
    /// Behind this document, with numbers from `next` on, which nothing refers to.
    pub(crate) fn of(document: &'a Document<S>, next: u32) -> Self {
        Self { document, objects: BTreeMap::new(), next }
    }

    /// A number that nobody used.
    pub(crate) fn new_reference(&mut self) -> Reference {
        let number = self.next;
        self.next += 1;
        Reference { number, generation: 0 }
    }

    pub(crate) fn put(&mut self, reference: Reference, object: &Object) {
        let mut bytes = Vec::new();
        write::object(&mut bytes, object);
        self.put_written(reference, bytes);
    }

    pub(crate) fn put_written(&mut self, reference: Reference, bytes: Vec<u8>) {
        self.objects.insert(reference.number, (reference.generation, bytes));
    }

    pub(crate) fn put_stream(&mut self, reference: Reference, dictionary: Dictionary, content: &[u8]) {
        let length = Object::Integer(i64::try_from(content.len()).unwrap_or(i64::MAX));
        let mut bytes = Vec::new();
        write::dictionary(&mut bytes, &dictionary.with("Length", length));
        bytes.extend(b"\nstream\n");
        bytes.extend(content);
        bytes.extend(b"\nendstream");
        self.put_written(reference, bytes);
    }

    /// An object that is added as a new one.
    pub(crate) fn add(&mut self, object: &Object) -> Reference {
        let reference = self.new_reference();
        self.put(reference, object);
        reference
    }

    /// Writes it all.
    pub(crate) fn finish(mut self) -> Result<Added, PdfError> {
        let document = self.document;
        let newest = document.newest()?;
        let mut tail = Vec::new();
        if window(&document.source, document.end.saturating_sub(1)..document.end)? != b"\n" {
            tail.push(b'\n');
        }
        let mut offsets = BTreeMap::new();
        for (number, (generation, bytes)) in &self.objects {
            offsets.insert(*number, document.end + tail.len() as u64);
            tail.extend(head_of(*number, *generation).bytes());
            tail.extend(bytes);
            tail.extend(b"\nendobj\n");
        }
        let at = document.end + tail.len() as u64;
        if at > FURTHEST || self.next > HIGHEST {
            return Err(PdfError::TooMuch("bytes, or numbers of objects"));
        }
        let own = newest.is_stream.then(|| self.new_reference());
        let mut trailer = Dictionary::of([("Size", Object::Integer(i64::from(self.next)))]);
        for key in ["Root", "Info"] {
            if let Some(value) = newest.trailer.get(key) {
                trailer.set(key, value.clone());
            }
        }
        if let Some(id) = self.id(&newest.trailer, &tail)? {
            trailer.set("ID", id);
        }
        trailer.set("Prev", Object::Integer(i64::try_from(newest.at).unwrap_or(i64::MAX)));
        match own {
            Some(own) => self.stream(&mut tail, own, at, &offsets, trailer),
            None => self.table(&mut tail, &offsets, &trailer),
        }
        tail.extend(format!("startxref\n{at}\n%%EOF\n").bytes());
        Ok(Added { tail, offsets })
    }

    /// The document's own identifier stays, that of its version is new (ISO 32000-1 §14.4).
    fn id(&self, trailer: &Dictionary, tail: &[u8]) -> Result<Option<Object>, PdfError> {
        let Some(own @ Object::Text(_)) = self.document.array(trailer, "ID")?.first().cloned() else {
            return Ok(None);
        };
        let version = sha256(&[sha256(tail).as_slice(), &self.document.end.to_be_bytes()].concat());
        let version = Object::Text(version.get(..16).unwrap_or_default().to_vec());
        Ok(Some(Object::Array(vec![own, version])))
    }

    fn generation(&self, number: u32) -> u16 {
        self.objects.get(&number).map_or(0, |(generation, _)| *generation)
    }

    fn table(&self, tail: &mut Vec<u8>, offsets: &BTreeMap<u32, u64>, trailer: &Dictionary) {
        tail.extend(b"xref\n");
        for (first, run) in runs(offsets) {
            tail.extend(format!("{first} {}\n", run.len()).bytes());
            for (number, offset) in (first..).zip(run) {
                tail.extend(format!("{offset:010} {:05} n \n", self.generation(number)).bytes());
            }
        }
        tail.extend(b"trailer\n");
        write::dictionary(tail, trailer);
        tail.push(b'\n');
    }

    fn stream(
        &self,
        tail: &mut Vec<u8>,
        own: Reference,
        at: u64,
        offsets: &BTreeMap<u32, u64>,
        trailer: Dictionary,
    ) {
        let mut offsets = offsets.clone();
        offsets.insert(own.number, at);
        let (mut index, mut rows) = (Vec::new(), Vec::new());
        for (first, run) in runs(&offsets) {
            index.push(Object::Integer(i64::from(first)));
            index.push(Object::Integer(i64::try_from(run.len()).unwrap_or_default()));
            for (number, offset) in (first..).zip(run) {
                rows.push(1);
                rows.extend(offset.to_be_bytes());
                rows.extend(self.generation(number).to_be_bytes());
            }
        }
        let trailer = trailer
            .with("Type", Object::name("XRef"))
            .with("W", Object::Array([1, 8, 2].map(Object::Integer).to_vec()))
            .with("Index", Object::Array(index))
            .with("Length", Object::Integer(i64::try_from(rows.len()).unwrap_or_default()));
        tail.extend(head_of(own.number, 0).bytes());
        write::dictionary(tail, &trailer);
        tail.extend(b"\nstream\n");
        tail.extend(rows);
        tail.extend(b"\nendstream\nendobj\n");
    }
}

/// Consecutive numbers, as cross-references list them.
fn runs(offsets: &BTreeMap<u32, u64>) -> Vec<(u32, Vec<u64>)> {
    let mut runs: Vec<(u32, Vec<u64>)> = Vec::new();
    for (number, offset) in offsets {
        match runs.last_mut() {
            Some((first, run)) if first.checked_add(run.len() as u32) == Some(*number) => run.push(*offset),
            _ => runs.push((*number, vec![*offset])),
        }
    }
    runs
}
