//! Small documents that name the same thing again and again, or unpack to a hill: refused before they cost time or memory.

use std::time::{Duration, Instant};

use sceau_pades::{Document, Integrity, PdfError, Terms, Wish, prepare, verify};
use sceau_pki::RevocationLists;

/// What none of these takes, on any machine, and each of them took many times over.
const LONG: Duration = Duration::from_secs(60);

fn judged(bytes: &Vec<u8>) -> Result<sceau_pades::Report, PdfError> {
    let terms = Terms { anchors: None, stamp_anchors: None, lists: RevocationLists::default(), now: 0 };
    verify(&Document::open(bytes)?, &terms)
}

/// Why a document is neither judged nor signed.
#[track_caller]
fn refused(bytes: &Vec<u8>) -> &'static str {
    let start = Instant::now();
    let signed = Document::open(bytes).and_then(|document| prepare(&document, &Wish::default()).map(|_| ()));
    let (signed, judged) = (signed.unwrap_err(), judged(bytes).unwrap_err());
    assert_eq!(signed.code(), judged.code(), "{signed}; {judged}");
    assert!(start.elapsed() < LONG);
    signed.code()
}

/// A document: its objects with numbers, and those that are packed in number 90, which stand at these places of it.
struct Made {
    out: Vec<u8>,
    entries: Vec<(u32, u8, usize, usize)>,
}

impl Made {
    fn of(catalog: &str) -> Self {
        let mut made = Self { out: b"%PDF-1.7\n".to_vec(), entries: Vec::new() };
        made.put(1, catalog);
        made.put(2, "<</Type/Pages/Count 1/Kids[3 0 R]>>");
        made.put(3, "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>");
        made
    }

    fn put(&mut self, number: u32, object: &str) {
        self.entries.push((number, 1, self.out.len(), 0));
        self.out.extend(format!("{number} 0 obj\n{object}\nendobj\n").bytes());
    }

    fn put_packed(&mut self, number: u32, dictionary: &str, bytes: &[u8]) {
        self.entries.push((number, 1, self.out.len(), 0));
        self.out.extend(packed(number, dictionary, bytes));
    }

    /// These objects, packed together.
    fn pack(&mut self, objects: &[(u32, String)]) {
        let (mut index, mut body) = (String::new(), String::new());
        for (at, (number, object)) in objects.iter().enumerate() {
            index.push_str(&format!("{number} {} ", body.len()));
            body.push_str(&format!("{object}\n"));
            self.entries.push((*number, 2, 90, at));
        }
        let dictionary = format!("/Type/ObjStm/N {}/First {}", objects.len(), index.len());
        self.put_packed(90, &dictionary, format!("{index}{body}").as_bytes());
    }

    fn end(mut self) -> Vec<u8> {
        let at = self.out.len();
        self.entries.push((91, 1, at, 0));
        self.entries.sort_unstable();
        let (mut index, mut rows) = (String::new(), Vec::new());
        for (number, kind, first, second) in &self.entries {
            index.push_str(&format!("{number} 1 "));
            rows.push(*kind);
            rows.extend(u32::try_from(*first).unwrap().to_be_bytes());
            rows.extend(u16::try_from(*second).unwrap().to_be_bytes());
        }
        let dictionary = format!("/Type/XRef/Size 70000/Root 1 0 R/W[1 4 2]/Index[{index}]");
        self.out.extend(packed(91, &dictionary, &rows));
        self.out.extend(format!("startxref\n{at}\n%%EOF\n").bytes());
        self.out
    }
}

fn packed(number: u32, dictionary: &str, bytes: &[u8]) -> Vec<u8> {
    let raw = miniz_oxide::deflate::compress_to_vec_zlib(bytes, 9);
    let head = format!("{number} 0 obj\n<<{dictionary}/Filter/FlateDecode/Length {}>>\nstream\n", raw.len());
    [head.as_bytes(), &raw, b"\nendstream\nendobj\n"].concat()
}

fn list(numbers: std::ops::Range<u32>) -> String {
    numbers.map(|number| format!("{number} 0 R ")).collect()
}

fn catalog(fields: &str) -> String {
    format!("<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[{fields}]>>>>")
}

#[test]
fn names_of_fields_in_fields_are_no_hill() {
    let mut made = Made::of(&catalog("100 0 R"));
    made.pack(&[(9, format!("({})", "a".repeat(4 << 20)))]);
    for number in 100..120 {
        made.put(number, &format!("<</T 9 0 R/Kids[{} 0 R]>>", number + 1));
    }
    made.put(120, "<</T(z)>>");
    let bytes = made.end();
    assert!(bytes.len() < 8000);
    assert_eq!(refused(&bytes), "pdf.too_much");
    // Short ones that become long.
    let mut made = Made::of(&catalog("100 0 R"));
    for number in 100..120 {
        made.put(number, &format!("<</T({})/Kids[{} 0 R]>>", "a".repeat(100), number + 1));
    }
    made.put(120, "<</T(z)>>");
    assert_eq!(refused(&made.end()), "pdf.too_much");
}

#[test]
fn fields_for_signatures_that_are_kept_are_no_hill() {
    let mut made = Made::of(&catalog(&list(100..110)));
    let value = format!("[{}]", "0 ".repeat(100_000));
    let fields: Vec<_> = (100..110).map(|at| (at, format!("<</FT/Sig/T(s{at})/Z {value}>>"))).collect();
    made.pack(&fields);
    assert_eq!(refused(&made.end()), "pdf.too_much");
}

#[test]
fn objects_that_stand_in_one_another_are_refused() {
    // By comments: each would be parsed as far as the end of all.
    let mut made = Made::of(&catalog(&list(100..5100)));
    for number in 100..5100 {
        made.entries.push((number, 1, made.out.len(), 0));
        made.out.extend(format!("{number} 0 obj%").bytes());
    }
    made.out.extend(format!("\n<</Z[{}]>>endobj\n", "0 ".repeat(450_000)).bytes());
    assert_eq!(refused(&made.end()), "pdf.damaged");
    // At one place of a stream of objects.
    let mut made = Made::of(&catalog(&list(100..5100)));
    let index: String = (100..5100).map(|number| format!("{number} 0 ")).collect();
    let body = format!("{index}<</Z[{}]>>", "0 ".repeat(450_000));
    made.entries.extend((100..5100).zip(0..).map(|(number, at)| (number, 2, 90, at)));
    made.put_packed(90, &format!("/Type/ObjStm/N 5000/First {}", index.len()), body.as_bytes());
    assert_eq!(refused(&made.end()), "pdf.damaged");
}

/// Two streams of objects, of which one alone is kept: each is unpacked again and again.
#[test]
fn what_is_long_and_named_often_ends() {
    let mut made = Made::of(&catalog(&list(100..300)));
    for (holder, parity) in [(90, 0), (92, 1)] {
        let numbers: Vec<u32> = (100..300).filter(|number| number % 2 == parity).collect();
        let (mut index, mut body) = (String::new(), String::new());
        for (at, number) in numbers.iter().enumerate() {
            index.push_str(&format!("{number} {} ", body.len()));
            body.push_str(&format!("<</FT/Tx/T(a{number})>>\n"));
            made.entries.push((*number, 2, holder, at));
        }
        body.push_str(&" ".repeat(30 << 20));
        let dictionary = format!("/Type/ObjStm/N {}/First {}", numbers.len(), index.len());
        made.put_packed(u32::try_from(holder).unwrap(), &dictionary, format!("{index}{body}").as_bytes());
    }
    let bytes = made.end();
    assert!(bytes.len() < 100_000);
    assert_eq!(refused(&bytes), "pdf.too_much");
}

#[test]
fn a_stream_of_cross_references_is_unpacked_once() {
    let mut out = b"%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n".to_vec();
    let hidden = out.len();
    out.extend(packed(9, "/Type/XRef/Size 1/W[8 8 8]/Index[]", &vec![0; (32 << 20) - 8]));
    let mut before = String::new();
    for _ in 0..400 {
        let at = out.len();
        out.extend(format!("xref\n0 0\ntrailer\n<</Size 20/Root 1 0 R/XRefStm {hidden}{before}>>\n").bytes());
        before = format!("/Prev {at}");
    }
    let at = before.strip_prefix("/Prev ").unwrap();
    out.extend(format!("startxref\n{at}\n%%EOF\n").bytes());
    assert_eq!(refused(&out), "pdf.damaged");
}

/// Whatever its place is worth, a signature that does not hold has its version opened by nobody.
#[test]
fn what_was_added_behind_a_signature_that_does_not_hold_is_not_looked_at() {
    let mut made = Made::of(&catalog("100 0 R"));
    made.put(100, "<</FT/Sig/T(s)/V 101 0 R>>");
    let head = "<</Type/Sig/SubFilter/ETSI.CAdES.detached/ByteRange[0 ";
    let before = made.out.len() + "101 0 obj\n".len() + head.len() + "0000 0000 0001]/Contents ".len();
    made.put(101, &format!("{head}{before:04} {:04} 0001]/Contents <3000>>>", before + 6));
    let said = judged(&made.end()).unwrap();
    assert_eq!(said.signatures[0].integrity, Integrity::False);
    assert!(said.signatures[0].coverage.is_err(), "{said:?}");
}

/// Fields that name one signature, which says sixteen times which fields it locks.
#[test]
fn what_a_signature_locks_is_read_once() {
    let mut made = Made::of(&catalog(&list(100..1100)));
    made.put(9, &format!("<</Type/Sig/Reference[{}]>>", "7 0 R ".repeat(16)));
    let mut all: Vec<_> = (100..1100).map(|at| (at, format!("<</FT/Sig/T(f{at})/V 9 0 R>>"))).collect();
    all.push((8, format!("[{}]", "(x)".repeat(400_000))));
    all.push((7, "<</TransformMethod/FieldMDP/TransformParams<</Action/Include/Fields 8 0 R>>>>".to_owned()));
    made.pack(&all);
    let (bytes, start) = (made.end(), Instant::now());
    let document = Document::open(&bytes).unwrap();
    assert_eq!(prepare(&document, &Wish::default()).unwrap_err().code(), "pdf.too_much");
    assert!(start.elapsed() < LONG);
}
