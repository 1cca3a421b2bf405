//! What `verify` says of documents as they were signed, and of those that somebody changed behind a signature.

use sceau_pades::{Addition, Document, Integrity, Report, Source as _, Terms, Verdict, verify};
use sceau_pki::{Anchors, RevocationLists};

use crate::documents::{Form, document, put_together};
use crate::outside::{NOW, P256, Stage, wish};

fn terms(stage: &Stage) -> Terms {
    let anchors =
        Anchors::from_pem(&std::fs::read_to_string(stage.path("ca.pem")).unwrap(), "ca.pem").unwrap();
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = u64::try_from(since.as_millis()).unwrap();
    Terms { anchors: Some(anchors), stamp_anchors: None, lists: RevocationLists::default(), now }
}

pub(crate) fn report(stage: &Stage, bytes: &Vec<u8>) -> Report {
    verify(&Document::open(bytes).unwrap(), &terms(stage)).unwrap()
}

/// One character for each byte.
fn plain(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { '?' }).collect()
}

/// Adds a version behind a document with a table: these objects, and this catalog where there is one.
pub(crate) fn add(bytes: &[u8], objects: &[(u32, &str)]) -> Vec<u8> {
    let text = plain(bytes);
    let last = text.rsplit("startxref\n").next().unwrap().lines().next().unwrap().to_owned();
    let size: u32 = text
        .rsplit("/Size ")
        .next()
        .unwrap()
        .split(|c: char| !c.is_ascii_digit())
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let mut out = bytes.to_vec();
    let mut table = String::from("xref\n");
    for (number, object) in objects {
        table.push_str(&format!("{number} 1\n{:010} 00000 n \n", out.len()));
        out.extend(format!("{number} 0 obj\n{object}\nendobj\n").bytes());
    }
    let start = out.size().unwrap();
    out.extend(
        format!(
            "{table}trailer\n<</Size {}/Root 1 0 R/Prev {last}>>\nstartxref\n{start}\n%%EOF\n",
            size + 10
        )
        .bytes(),
    );
    out
}

pub(crate) fn others(report: &Report, at: usize) -> Vec<String> {
    let added = &report.signatures[at].coverage.as_ref().unwrap().added;
    added
        .iter()
        .filter_map(|it| if let Addition::Other(words) = it { Some(words.clone()) } else { None })
        .collect()
}

#[test]
fn a_signature_holds_and_one_with_another_behind_it_was_added_to() {
    let stage = Stage::set(P256);
    for form in [Form::Table, Form::Stream] {
        let once = stage.sign(&document(form, 3), &wish());
        let said = report(&stage, &once);
        let [one] = said.signatures.as_slice() else { panic!("{said:?}") };
        assert_eq!(one.verdict(), Verdict::Holds, "{one:?}");
        assert!(one.coverage.as_ref().unwrap().is_whole && one.bound);
        assert_eq!(one.signer.as_deref(), Some("CN=Marie"));
        let twice = stage.sign(&once, &wish());
        let said = report(&stage, &twice);
        let verdicts: Vec<_> = said.signatures.iter().map(|one| one.verdict()).collect();
        assert_eq!(verdicts, [Verdict::AddedTo, Verdict::Holds], "{said:?}");
        let first = said.signatures[0].coverage.as_ref().unwrap();
        assert_eq!(first.added, [Addition::Signature { field: "Signature2".to_owned(), page: None }]);
    }
}

#[test]
fn nobody_is_trusted_who_was_not_named() {
    let stage = Stage::set(P256);
    let signed = stage.sign(&document(Form::Table, 1), &wish());
    assert_eq!(report(&Stage::set(P256), &signed).verdict(), Some(Verdict::Untrusted));
    let nobody = Terms { anchors: None, ..terms(&stage) };
    let said = verify(&Document::open(&signed).unwrap(), &nobody).unwrap();
    assert_eq!(said.verdict(), Some(Verdict::Untrusted));
    let later = Terms { now: NOW + 400 * 86_400_000, ..terms(&stage) };
    let said = verify(&Document::open(&signed).unwrap(), &later).unwrap();
    assert_eq!(said.verdict(), Some(Verdict::Untrusted), "its certificate has ended by then");
}

/// Incremental saving (ISA) and shadow attacks: what was signed is shown otherwise.
#[test]
fn what_was_signed_and_is_shown_otherwise_is_told() {
    let stage = Stage::set(P256);
    let signed = stage.sign(&document(Form::Table, 2), &wish());
    let content = "<</Length 41>>\nstream\nBT /F1 24 Tf 72 700 Td (Pay more) Tj ET   \nendstream";
    // The page's content, its dictionary, the pages, the catalog, a font.
    let attacks: [(&[(u32, &str)], &str); 6] = [
        (&[(5, content)], "another object 5"),
        (&[(4, "<</Type/Page/Parent 2 0 R/Contents 90 0 R>>"), (90, content)], "page 1: its /Contents"),
        (&[(2, "<</Type/Pages/Count 1/Kids[6 0 R]/MediaBox[0 0 595 842]>>")], "another object 2"),
        (
            &[
                (1, "<</Type/Catalog/Pages 90 0 R>>"),
                (90, "<</Type/Pages/Count 1/Kids[6 0 R]/MediaBox[0 0 5 8]>>"),
            ],
            "/Pages",
        ),
        (&[(3, "<</Type/Font/Subtype/Type1/BaseFont/Symbol>>")], "another object 3"),
        (
            &[
                (
                    6,
                    "<</Type/Page/Parent 2 0 R/Resources<</Font<</F1 3 0 R>>>>/Contents 7 0 R/Annots[90 0 R]>>",
                ),
                (90, "<</Type/Annot/Subtype/FreeText/Rect[0 0 500 800]>>"),
            ],
            "page 2: annotations that are no signatures",
        ),
    ];
    for (objects, told) in attacks {
        let attacked = add(&signed, objects);
        let open = report(&stage, &attacked);
        if told == "/Pages" {
            // The catalog that was put in its place has no form: then there is no signature at all.
            assert_eq!(open.verdict(), None);
            continue;
        }
        assert_eq!(open.verdict(), Some(Verdict::ChangedSince), "{told}: {open:?}");
        assert!(others(&open, 0).iter().any(|words| words.contains(told)), "{told}: {:?}", others(&open, 0));
    }
}

/// A shadow attack that was prepared before signing: the page refers to an object that comes later.
#[test]
fn an_object_that_comes_later_is_told() {
    let stage = Stage::set(P256);
    let prepared = put_together(
        Form::Table,
        &[
            "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
            "<</Type/Pages/Count 1/Kids[3 0 R]/MediaBox[0 0 595 842]>>".to_owned(),
            "<</Type/Page/Parent 2 0 R/Contents[4 0 R 99 0 R]>>".to_owned(),
            "<</Length 0>>\nstream\n\nendstream".to_owned(),
        ],
    );
    let signed = stage.sign(&prepared, &wish());
    assert_eq!(report(&stage, &signed).verdict(), Some(Verdict::Holds));
    let attacked = add(&signed, &[(99, "<</Length 2>>\nstream\n  \nendstream")]);
    let said = report(&stage, &attacked);
    assert_eq!(said.verdict(), Some(Verdict::ChangedSince));
    assert_eq!(others(&said, 0), ["object 99, which what was signed refers to and did not have"]);
}

/// Universal forgery and wrapping: what a signature says it covers is not what stands around its place.
#[test]
fn a_range_that_leaves_out_something_else_is_false() {
    let stage = Stage::set(P256);
    let signed = stage.sign(&document(Form::Table, 1), &wish());
    let text = plain(&signed);
    let start = text.find("/ByteRange [").unwrap() + "/ByteRange [".len();
    let range: Vec<usize> =
        text[start..].split(']').next().unwrap().split_whitespace().map(|it| it.parse().unwrap()).collect();
    for turned in [
        [0, 0, 0, 0],
        [0, range[1] - 1, range[2], range[3]],
        [0, range[1], range[2] + 1, range[3] - 1],
        [0, range[1], range[2], range[3] + 1],
        [1, range[1], range[2], range[3]],
        [0, range[2], range[1], range[3]],
    ] {
        let mut changed = signed.clone();
        let [first, before, from, length] = turned;
        let written = format!("{first} {before:010} {from:010} {length:010}");
        changed[start..start + written.len()].copy_from_slice(written.as_bytes());
        assert_eq!(report(&stage, &changed).verdict(), Some(Verdict::False), "{turned:?}");
    }
    // No place, another's signature, a broken one.
    let mut empty = signed.clone();
    empty[range[1] + 1..range[2] - 1].fill(b'0');
    assert_eq!(report(&stage, &empty).verdict(), Some(Verdict::False));
    let mut moved = signed.clone();
    let other =
        stage.sign(&document(Form::Table, 1), &sceau_pades::Wish { reason: Some("x".to_owned()), ..wish() });
    let text = plain(&other);
    let from = text.find("/Contents <").unwrap() + "/Contents ".len();
    let length = range[2] - range[1];
    moved[range[1]..range[2]].copy_from_slice(&other[from..from + length]);
    assert_eq!(report(&stage, &moved).verdict(), Some(Verdict::False));
}

/// No change of one byte makes a signature hold that is not the same, nor ends the program.
#[test]
fn no_changed_byte_is_overlooked() {
    let stage = Stage::set(P256);
    let signed = stage.sign(&document(Form::Table, 1), &wish());
    let text = plain(&signed);
    let place = text.find("/Contents <").unwrap() + "/Contents <".len();
    for at in 0..signed.len() {
        // In the place beyond the message there are zeros, which nothing is said of.
        if (place..place + 8192).contains(&at) && at % 64 != 0 {
            continue;
        }
        let mut changed = signed.clone();
        changed[at] ^= 1;
        if let Ok(document) = Document::open(&changed) {
            let said = verify(&document, &terms(&stage)).map(|report| report.verdict());
            assert!(!matches!(said, Ok(Some(Verdict::Holds))), "byte {at}");
        }
    }
}

/// Signatures that other readers list: none is passed over, wherever it stands.
#[test]
fn no_signature_is_passed_over() {
    let stage = Stage::set(P256);
    let bad =
        "<</Type/Sig/SubFilter/ETSI.CAdES.detached/ByteRange[0 100 200 300]/Contents<3000>/Name(Director)>>";
    let of = |form: Form, field: &str, others: &[&str]| {
        let page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>";
        let mut all = vec![
            format!("<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[{field}]/SigFlags 3>>>>"),
            "<</Type/Pages/Count 1/Kids[3 0 R]>>".to_owned(),
            page.to_owned(),
        ];
        all.extend(others.iter().map(|object| (*object).to_owned()));
        put_together(form, &all)
    };
    let widget = "/Type/Annot/Subtype/Widget/F 132/P 3 0 R/Rect[60 60 200 100]";
    let judged = |bytes: &[u8]| {
        let said = report(&stage, &stage.sign(bytes, &wish()));
        said.signatures.iter().map(|one| one.verdict()).collect::<Vec<_>>()
    };
    let both = [Verdict::False, Verdict::Holds];
    // Its field has no name; it is packed; it is inherited; it is no reference; it is a stream; another field stands below; a widget has it.
    let none = of(Form::Table, "4 0 R", &[&format!("<</FT/Sig/V 5 0 R{widget}>>"), bad]);
    assert_eq!(judged(&none), both);
    let named = format!("<</FT/Sig/T(D)/V 5 0 R{widget}>>");
    assert_eq!(judged(&of(Form::Stream, "4 0 R", &[&named, bad])), both);
    let above = "<</FT/Sig/T(D)/V 5 0 R/Kids[6 0 R]>>";
    let inherits = format!("<</T(irector)/Parent 4 0 R{widget}>>");
    let inherited = judged(&of(Form::Table, "4 0 R", &[above, bad, &inherits]));
    assert_eq!(inherited, [Verdict::False, Verdict::False, Verdict::Holds]);
    let within = format!("<</FT/Sig/T(D)/V {bad}{widget}>>");
    assert_eq!(judged(&of(Form::Table, "4 0 R", &[&within])), both);
    let stream = format!("{}/Length 2>>\nstream\nBT\nendstream", bad.strip_suffix(">>").unwrap());
    assert_eq!(judged(&of(Form::Table, "4 0 R", &[&named, &stream])), both);
    let below = of(Form::Table, "4 0 R", &[above, bad, "<</T(x)/FT/Tx/Parent 4 0 R>>"]);
    assert_eq!(judged(&below), both);
    let kid = format!("<</V 5 0 R/Parent 4 0 R{widget}>>");
    let of_widget = of(Form::Table, "4 0 R", &["<</FT/Sig/T(D)/Kids[6 0 R]>>", bad, &kid]);
    assert_eq!(judged(&of_widget), both);
    // In the list itself, it is a field for some and nothing for others.
    let listed = of(Form::Table, &named.replace("5 0 R", "4 0 R"), &[bad]);
    let said = verify(&Document::open(&listed).unwrap(), &terms(&stage));
    assert_eq!(said.unwrap_err().code(), "pdf.damaged");
}

/// Whether it is whole is one question, and who vouches for its signer another.
#[test]
fn what_nobody_vouches_for_is_not_hidden_by_what_was_added() {
    let (stage, stranger) = (Stage::set(P256), Stage::set(P256));
    let signed = stranger.sign(&document(Form::Table, 1), &wish());
    for bytes in [signed.clone(), stage.sign(&signed, &wish()), [signed.as_slice(), b"\n"].concat()] {
        let said = report(&stage, &bytes);
        assert_eq!(said.signatures[0].verdict(), Verdict::Untrusted);
        assert_eq!(said.verdict(), Some(Verdict::Untrusted));
        assert!(!said.signatures[0].vouched && said.signatures[0].integrity <= Integrity::AddedTo);
    }
}
