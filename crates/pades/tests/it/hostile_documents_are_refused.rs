//! Documents that are damaged, or made to hurt: a refusal, and never a panic, a circle or a hill of memory.

use proptest::prelude::*;
use sceau_pades::{Document, PdfError, Terms, Wish, prepare, unfinished, verify};
use sceau_pki::RevocationLists;

use crate::documents::{Form, document, put_together};
use crate::outside::{P256, Stage, wish};

fn nobody() -> Terms {
    Terms { anchors: None, stamp_anchors: None, lists: RevocationLists::default(), now: 0 }
}

/// All that is done with a document of anybody's.
fn everything(bytes: &Vec<u8>) -> Result<(), PdfError> {
    let document = Document::open(bytes)?;
    let _ = verify(&document, &nobody());
    let _ = unfinished(&document);
    let prepared = prepare(&document, &Wish { room: 64, ..Wish::default() })?;
    let mut written = Vec::new();
    prepared.write(&mut written)?;
    assert!(written.starts_with(bytes));
    unfinished(&Document::open(&written)?).map(|_| ())
}

#[test]
fn circles_and_hills_are_refused() {
    let catalog = "<</Type/Catalog/Pages 2 0 R>>".to_owned();
    let page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>".to_owned();
    let pages = |kids: &str| format!("<</Type/Pages/Count 1/Kids[{kids}]>>");
    let of =
        |objects: &[String]| everything(&put_together(Form::Table, objects)).map_err(|error| error.code());
    assert_eq!(of(&[catalog.clone(), pages("3 0 R"), page.clone()]), Ok(()));
    // Pages that contain themselves, a page that is none, no page at all.
    assert_eq!(of(&[catalog.clone(), pages("2 0 R"), page.clone()]), Err("pdf.damaged"));
    assert_eq!(of(&[catalog.clone(), pages("7"), page.clone()]), Err("pdf.damaged"));
    assert_eq!(of(&[catalog.clone(), pages(""), page.clone()]), Err("pdf.no_page"));
    // Fields that contain themselves, and deep ones.
    let form = "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[4 0 R]>>>>".to_owned();
    let field = "<</T(a)/Kids[4 0 R]>>".to_owned();
    assert_eq!(of(&[form.clone(), pages("3 0 R"), page.clone(), field]), Err("pdf.damaged"));
    let deep = (4..100).map(|number| format!("<</T(a)/Kids[{} 0 R]>>", number + 1));
    let all: Vec<String> = [form, pages("3 0 R"), page.clone()].into_iter().chain(deep).collect();
    assert_eq!(of(&all), Err("pdf.damaged"));
    // Arrays in arrays; a reference to itself; XFA.
    let nested = format!("<</Type/Catalog/Pages 2 0 R/X {}{}>>", "[".repeat(9999), "]".repeat(9999));
    assert_eq!(of(&[nested, pages("3 0 R"), page.clone()]), Err("pdf.damaged"));
    let itself = "<</Type/Catalog/Pages 2 0 R/AcroForm 4 0 R>>".to_owned();
    assert_eq!(of(&[itself, pages("3 0 R"), page.clone(), "4 0 R".to_owned()]), Err("pdf.damaged"));
    let xfa = "<</Type/Catalog/Pages 2 0 R/AcroForm<</XFA(x)>>>>".to_owned();
    assert_eq!(of(&[xfa, pages("3 0 R"), page]), Err("pdf.xfa"));
}

/// Short documents that name the same thing again and again.
#[test]
fn what_is_named_too_often_is_refused() {
    let of = |form: &str, kids: &str, rest: &[&str]| {
        let mut objects = vec![
            format!("<</Type/Catalog/Pages 2 0 R{form}>>"),
            format!("<</Type/Pages/Count 1/Kids[{kids}]>>"),
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>".to_owned(),
        ];
        objects.extend(rest.iter().map(|object| (*object).to_owned()));
        put_together(Form::Table, &objects)
    };
    let refused = |bytes: &Vec<u8>| everything(bytes).map_err(|error| error.code());
    assert_eq!(refused(&of("", &"3 0 R ".repeat(200_001), &[])), Err("pdf.too_much"));
    let field = format!("<</T(a)/FT/Tx/Kids[{}]>>", "5 0 R ".repeat(50_001));
    assert_eq!(
        refused(&of("/AcroForm<</Fields[4 0 R]>>", "3 0 R", &[&field, "<</Subtype/Widget>>"])),
        Err("pdf.too_much")
    );
    // Evidence: the same is read once, and not a hill of it.
    let piece = format!("<</Length 14000000>>\nstream\n{}\nendstream", "a".repeat(14_000_000));
    let judged = |certificates: &str| {
        let bytes = of(
            &format!("/DSS<</Certs[{certificates}]/CRLs[{certificates}]>>"),
            "3 0 R",
            &[piece.as_str(); 5],
        );
        verify(&Document::open(&bytes).unwrap(), &nobody()).map(|_| ()).map_err(|error| error.code())
    };
    assert_eq!(judged(&"4 0 R ".repeat(128)), Ok(()));
    assert_eq!(judged("4 0 R 5 0 R 6 0 R 7 0 R 8 0 R"), Err("pdf.too_much"));
}

#[test]
fn cross_references_that_lie_are_refused() {
    let plain = document(Form::Table, 1);
    let text: String =
        plain.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { '?' }).collect();
    let replaced = |from: &str, to: &str| {
        let at = text.find(from).unwrap();
        let bytes = [&plain[..at], to.as_bytes(), &plain[at + from.len()..]].concat();
        everything(&bytes).map_err(|error| error.code())
    };
    let start: usize = text.rsplit("startxref\n").next().unwrap().lines().next().unwrap().parse().unwrap();
    assert_eq!(
        replaced("/Root", &format!("/Prev {start}/Root")),
        Err("pdf.damaged"),
        "it goes on from itself"
    );
    assert_eq!(replaced("/Root", "/Prev -1/Root"), Err("pdf.damaged"));
    assert_eq!(replaced("/Root", "/Encrypt 3 0 R/Root"), Err("pdf.encrypted"));
    assert_eq!(replaced("0 6\n", "0 4000000000\n"), Err("pdf.damaged"));
    assert_eq!(replaced("0 6\n", "4294967295 6\n"), Err("pdf.too_much"));
    assert_eq!(replaced("0000000015", "0000000016"), Err("pdf.damaged"), "an object is elsewhere");
    assert_eq!(everything(&b"%PDF-1.7\n".to_vec()).map_err(|error| error.code()), Err("pdf.damaged"));
    assert_eq!(everything(&b"GIF89a".to_vec()).map_err(|error| error.code()), Err("pdf.not_a_pdf"));
}

#[test]
fn a_stream_of_cross_references_that_unpacks_to_a_hill_is_refused() {
    let rows = miniz_oxide::deflate::compress_to_vec_zlib(&vec![0; 64 << 20], 9);
    let head = format!(
        "%PDF-1.7\n1 0 obj\n<</Type/XRef/Size 2/Root 1 0 R/W[1 8 1]/Filter/FlateDecode/Length {}>>\nstream\n",
        rows.len()
    );
    let bytes = [head.as_bytes(), &rows, b"\nendstream\nendobj\nstartxref\n9\n%%EOF\n"].concat();
    assert!(bytes.len() < 128 << 10);
    assert_eq!(everything(&bytes).map_err(|error| error.code()), Err("pdf.too_much"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_mutation_ends_the_program(
        form in any::<bool>(),
        signed in any::<bool>(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0..4u8, any::<u8>()), 1..6),
    ) {
        static SIGNED: std::sync::OnceLock<[Vec<u8>; 2]> = std::sync::OnceLock::new();
        let form = if form { Form::Table } else { Form::Stream };
        let mut bytes = if signed {
            let both = SIGNED.get_or_init(|| {
                let stage = Stage::set(P256);
                [Form::Table, Form::Stream].map(|form| stage.sign(&document(form, 2), &wish()))
            });
            both[usize::from(form == Form::Stream)].clone()
        } else {
            document(form, 2)
        };
        for (at, kind, value) in edits {
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = value,
                1 => bytes.insert(at, value),
                2 => drop(bytes.remove(at)),
                // A digit, where there is one: offsets, counts and lengths that lie.
                _ => {
                    let digit = bytes[at..].iter().position(u8::is_ascii_digit);
                    if let Some(digit) = digit {
                        bytes[at + digit] = b'0' + value % 10;
                    }
                }
            }
        }
        let _ = everything(&bytes);
    }
}
