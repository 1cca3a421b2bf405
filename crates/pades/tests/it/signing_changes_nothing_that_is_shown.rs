//! Documents that are written so that they show something else once they are signed, or for as long as somebody likes: they are not signed, and no such signature holds.

use sceau_pades::{Appearance, Document, Integrity, PdfError, Verdict, prepare, unfinished};

use crate::documents::{Form, document, put_together};
use crate::outside::{P256, Stage, place, wish};
use crate::what_follows_a_signature_is_told::report;

const PAGES: &str = "<</Type/Pages/Count 1/Kids[3 0 R]/MediaBox[0 0 595 842]>>";
const PAGE: &str = "<</Type/Page/Parent 2 0 R/Resources<</XObject<</X 4 0 R>>>>/Contents 5 0 R>>";
const CONTENT: &str = "<</Length 5>>\nstream\n/X Do\nendstream";

fn put(objects: &[&str]) -> Vec<u8> {
    put_together(Form::Table, &objects.iter().map(|object| (*object).to_owned()).collect::<Vec<_>>())
}

/// Why a document is not signed.
#[track_caller]
fn refused(bytes: &[u8]) -> &'static str {
    let bytes = bytes.to_vec();
    let asked = Document::open(&bytes).and_then(|document| prepare(&document, &wish()).map(|_| ()));
    asked.map_err(|error| error.code()).unwrap_err()
}

fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|it| it == from.as_bytes()).unwrap();
    [&bytes[..at], to.as_bytes(), &bytes[at + from.len()..]].concat()
}

fn count(bytes: &[u8], word: &str) -> usize {
    bytes.windows(word.len()).filter(|it| *it == word.as_bytes()).count()
}

/// The place of a signature is signed by nobody: a picture of which it is a part is drawn at will.
#[test]
fn the_place_of_a_signature_is_a_part_of_nothing_else() {
    let stage = Stage::set(P256);
    // A picture that goes on into what signing adds, up to a word in the form's own text.
    let catalog = "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[]/DA(endstream endobj )>>>>";
    let picture = |length: usize| {
        format!("<</Type/XObject/Subtype/Image/Width 240/Height 80/Length {length}>>\nstream\nBT\nendstream")
    };
    assert_eq!(refused(&put(&[catalog, PAGES, PAGE, &picture(9000), CONTENT])), "pdf.damaged");
    let fine = put(&[catalog, PAGES, PAGE, &picture(2), CONTENT]);
    assert_eq!(report(&stage, &stage.sign(&fine, &wish())).verdict(), Some(Verdict::Holds));
    // A picture within whose bytes the signature's own object stands, completed by whoever is asked to.
    let catalog = "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[6 0 R]/SigFlags 3>>>>";
    let field = "<</FT/Sig/T(s)/V 7 0 R>>";
    let inside = format!("7 0 obj\n{}\nendobj\n", place());
    let around = format!("<</Length {}>>\nstream\n{inside}\nendstream", inside.len());
    let bytes = put(&[catalog, PAGES, PAGE, &around, CONTENT, field, "null"]);
    let text = String::from_utf8_lossy(&bytes).replace('\u{fffd}', "?");
    let offset = |word: &str| format!("{:010}", text.find(word).unwrap());
    let bytes = replaced(&bytes, &offset("7 0 obj\nnull"), &offset("7 0 obj\n<<"));
    let waits = unfinished(&Document::open(&bytes).unwrap());
    assert!(matches!(waits, Err(PdfError::Damaged { .. }) | Err(PdfError::NothingWaits)), "{waits:?}");
    let said = report(&stage, &stage.sign_by_hand(&bytes));
    assert!(said.verdict() >= Some(Verdict::ChangedSince), "{said:?}");
}

#[test]
fn the_digits_of_a_signature_say_nothing_by_their_case() {
    let stage = Stage::set(P256);
    let mut signed = stage.sign(&document(Form::Table, 1), &wish());
    let at = signed.windows(11).position(|it| it == b"/Contents <").unwrap() + 11;
    let letter = at + signed[at..].iter().position(u8::is_ascii_lowercase).unwrap();
    signed[letter].make_ascii_uppercase();
    assert_eq!(report(&stage, &signed).verdict(), Some(Verdict::False));
}

/// What a document says of itself at its front.
fn linearised(length: usize, front: &str) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n".to_vec();
    let mut offsets = vec![out.len()];
    out.extend(format!("1 0 obj\n<</Linearized 1/L {length:010}>>\nendobj\n").bytes());
    let first = out.len();
    // As long as the table that will stand here.
    let room = if front == "its own" { table(&[0; 5], 0).len() } else { 0 };
    out.extend(vec![b' '; room]);
    for (number, object) in (2..).zip([
        "<</Type/Catalog/Pages 3 0 R>>",
        "<</Type/Pages/Count 1/Kids[4 0 R]>>",
        "<</Type/Page/Parent 3 0 R/MediaBox[0 0 9 9]/Contents 5 0 R>>",
        "<</Length 2>>\nstream\nBT\nendstream",
    ]) {
        offsets.push(out.len());
        out.extend(format!("{number} 0 obj\n{object}\nendobj\n").bytes());
    }
    let start = if front == "its own" {
        out.splice(first..first + room, table(&offsets, 0).into_bytes());
        first
    } else {
        let at = out.len();
        out.extend(table(&offsets, 0).bytes());
        at
    };
    out.extend(format!("startxref\n{start}\n%%EOF\n").bytes());
    out
}

fn table(offsets: &[usize], first: u32) -> String {
    let entries: String = offsets.iter().map(|at| format!("{at:010} 00000 n \n")).collect();
    let free = "0000000000 65535 f \n";
    format!("xref\n{first} 6\n{free}{entries}trailer\n<</Size 6/Root 2 0 R>>\n")
}

/// Readers begin at the front of a linearised document as long as it has the length that it says.
#[test]
fn the_front_of_a_document_is_not_what_its_length_makes_of_it() {
    let stage = Stage::set(P256);
    let [own, another] = ["its own", "another"].map(|front| linearised(0, front).len());
    let fine = linearised(own, "its own");
    let signed = stage.sign(&fine, &wish());
    assert_eq!(report(&stage, &signed).verdict(), Some(Verdict::Holds), "as true ones are");
    assert_eq!(refused(&linearised(another, "another")), "pdf.damaged");
    assert_eq!(refused(&linearised(own + 30_000, "its own")), "pdf.damaged");
    assert_eq!(refused(&linearised(another + 30_000, "another")), "pdf.damaged");
    // Bytes behind the end are no part of what was signed, whatever they are.
    for blank in ["\n", "\r\n\r\n", &" ".repeat(15)] {
        let longer = [signed.as_slice(), blank.as_bytes()].concat();
        let said = report(&stage, &longer);
        assert_eq!(said.signatures[0].integrity, Integrity::AddedTo, "{blank:?}");
        assert_eq!(said.verdict(), Some(Verdict::AddedTo));
    }
}

/// What readers make of an end or a table that is not as the standard has it differs from one to the other.
#[test]
fn the_version_that_is_signed_is_the_one_that_readers_show() {
    let plain = document(Form::Table, 1);
    let text = String::from_utf8_lossy(&plain).into_owned();
    let (_, end) = text.rsplit_once("startxref\n").unwrap();
    let start = end.lines().next().unwrap();
    let written = |end: &str| {
        let body = &plain[..plain.windows(9).rposition(|it| it == b"startxref").unwrap()];
        [body, end.as_bytes()].concat()
    };
    let open = |bytes: &Vec<u8>| Document::open(bytes).map(|_| ()).map_err(|error| error.code());
    for fine in ["\n", "\r\n", "\r", ""] {
        assert_eq!(open(&written(&format!("startxref\n{start}\n%%EOF{fine}"))), Ok(()));
    }
    for wrong in [
        format!("startxref\n{start}\n%%EOF\n%xstartxref %c\n{start}\n%%EOF\n"),
        format!("startxref %c\n{start}\n%%EOF\n"),
        format!("startxref\n{start} %c\n%%EOF\n"),
        format!("startxref\n{start}\n%%EOF%\n"),
        format!("startxref\n{start}\n%%EOF\nx\n"),
        format!("startxref\n{start}\n"),
        format!("startxref\n+{start}\n%%EOF\n"),
        format!("startxref\n{start}\n{}%%EOF\n", " ".repeat(1024)),
        format!("%startxref\n{start}\n%%EOF\n"),
        format!("x startxref\n{start}\n%%EOF\n"),
    ] {
        assert_eq!(open(&written(&wrong)), Err("pdf.damaged"), "{wrong}");
    }
    for (from, to) in [
        ("xref\n0 6\n", "xref\n%x\n0 6\n"),
        ("xref\n0 6\n", "xref\n1 6\n"),
        (" 65535 f \n", " 65535 f\n"),
        (" 65535 f \n", " 65535 f %"),
        ("0000000000 65535 f \n", "0 65535 f \n"),
        ("trailer", "%\ntrailer"),
    ] {
        assert_eq!(open(&replaced(&plain, from, to)), Err("pdf.damaged"), "{to}");
    }
}

/// What is written again is nothing else beside.
#[test]
fn what_is_written_again_is_nothing_that_is_drawn() {
    let stage = Stage::set(P256);
    let catalog = "<</Type/Catalog/Pages 2 0 R/AcroForm 4 0 R>>";
    let covers = "<</Fields[]/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Length 2>>\nstream\nBT\nendstream";
    assert_eq!(refused(&put(&[catalog, PAGES, PAGE, covers, CONTENT])), "pdf.not_taken");
    let covers = "<</Fields[]/Type/XObject/Subtype/Form/BBox[0 0 9 9]>>";
    assert_eq!(refused(&put(&[catalog, PAGES, PAGE, covers, CONTENT])), "pdf.not_taken");
    // The list of fields is also how something is packed: it stays as it is.
    let catalog = "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields 6 0 R>>>>";
    let covers = "<</Filter 6 0 R/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Length 2>>\nstream\nBT\nendstream";
    let signed = stage.sign(&put(&[catalog, PAGES, PAGE, covers, CONTENT, "[]"]), &wish());
    assert_eq!(count(&signed, "\n6 0 obj\n"), 1);
    assert_eq!(report(&stage, &signed).verdict(), Some(Verdict::Holds));
    // A list of annotations of two pages: the signature is shown on one.
    let pages = "<</Type/Pages/Count 2/Kids[3 0 R 4 0 R]/MediaBox[0 0 595 842]>>";
    let page = "<</Type/Page/Parent 2 0 R/Annots 5 0 R>>";
    let catalog = "<</Type/Catalog/Pages 2 0 R>>";
    let bytes = put(&[catalog, pages, page, page, "[6 0 R]", "<</Type/Annot/Subtype/Link/Rect[0 0 1 1]>>"]);
    let mut shown = wish();
    shown.appearance =
        Some(Appearance { page: 1, rectangle: [9.0, 9.0, 90.0, 30.0], lines: vec!["Me".to_owned()] });
    let signed = stage.sign(&bytes, &shown);
    assert_eq!((count(&signed, "\n5 0 obj\n"), count(&signed, "\n3 0 obj\n")), (1, 2));
}

/// A number, or a place, that what signing adds would have.
#[test]
fn nothing_waits_for_what_signing_adds() {
    let stage = Stage::set(P256);
    let catalog = "<</Type/Catalog/Pages 2 0 R/OCProperties 8 0 R/AcroForm<</Fields[]/OCGs[]>>>>";
    let covers = "<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Length 2>>\nstream\nBT\nendstream";
    let bytes = put(&[catalog, PAGES, PAGE, covers, CONTENT]);
    let signed = stage.sign(&bytes, &wish());
    assert_eq!(count(&signed, "\n8 0 obj\n"), 0);
    assert!(count(&signed, "\n9 0 obj\n") == 1, "the next one is free");
    let bytes = put(&[catalog, PAGES, PAGE, covers, CONTENT, "null", "null", "null"]);
    let text = String::from_utf8_lossy(&bytes).replace('\u{fffd}', "?");
    let there = format!("{:010}", text.find("8 0 obj").unwrap());
    assert_eq!(refused(&replaced(&bytes, &there, "0000009999")), "pdf.damaged");
}
