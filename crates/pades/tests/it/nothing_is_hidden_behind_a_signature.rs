//! Documents that were prepared before somebody signed them, and changed afterwards so that another thing is shown: no such signature holds.

use sceau_pades::{Addition, Verdict};

use crate::documents::{Form, put_together};
use crate::outside::{P256, Stage, place};
use crate::what_follows_a_signature_is_told::{add, others, report};

const CONTENT: &str = "<</Length 2>>\nstream\nBT\nendstream";
const OTHER: &str = "<</Length 2>>\nstream\nET\nendstream";
const FONT: &str = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>";
const SYMBOL: &str = "<</Type/Font/Subtype/Type1/BaseFont/Symbol>>";
/// What is judged as a signature, and is none that is known.
const SIGNATURE: &str = "<</Type/Sig/SubFilter/x/Contents<00>>>";
const DRAWN: &str = "<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Length 2>>\nstream\nET\nendstream";

/// A document's objects: 1 the catalog, 2 the pages, 3 the page, 4 its content, 5 a font, 6 the form, 7 the list of its fields, 8 whatever. Signing it adds 9, the signature, and 10, its field.
fn objects() -> [String; 8] {
    [
        "<</Type/Catalog/Pages 2 0 R/AcroForm 6 0 R>>",
        "<</Type/Pages/Count 1/Kids[3 0 R]/MediaBox[0 0 595 842]>>",
        "<</Type/Page/Parent 2 0 R/Resources<</Font<</F1 5 0 R>>>>/Contents 4 0 R>>",
        CONTENT,
        FONT,
        "<</Fields 7 0 R>>",
        "[]",
        "null",
    ]
    .map(str::to_owned)
}

/// The page, with these resources and these annotations behind them.
fn page(resources: &str, annotations: &str) -> String {
    format!("<</Type/Page/Parent 2 0 R/Resources<<{resources}>>/Contents 4 0 R{annotations}>>")
}

/// Signs these objects and adds others: what is said of the first signature.
fn judged(
    stage: &Stage,
    form: Form,
    objects: &[String],
    added: &[(u32, &str)],
) -> (Verdict, Vec<String>, Vec<Addition>) {
    let signed = by_another(stage, form, objects);
    assert_eq!(report(stage, &signed).verdict(), Some(Verdict::Holds));
    let said = report(stage, &add(&signed, added));
    let coverage = said.signatures[0].coverage.as_ref().unwrap();
    (said.signatures[0].verdict(), others(&said, 0), coverage.added.clone())
}

/// These objects, signed by a program that does not look at what it signs.
fn by_another(stage: &Stage, form: Form, objects: &[String]) -> Vec<u8> {
    let first = if form == Form::Table { 9 } else { 11 };
    let and = |list: &str| format!("{} {} 0 R]", list.strip_suffix(']').unwrap(), first + 1);
    let field = format!(
        "<</Type/Annot/Subtype/Widget/FT/Sig/T(Signature1)/V {first} 0 R/F 132/P 3 0 R/Rect[0 0 0 0]>>"
    );
    let (fields, place) = (and(&objects[6]), place());
    let annotations = if objects[2].contains("/Annots 8 0 R") {
        (8, and(&objects[7]))
    } else {
        (3, format!("{}/Annots[{} 0 R]>>", objects[2].strip_suffix(">>").unwrap(), first + 1))
    };
    let added = [(first, place.as_str()), (first + 1, &field), (7, &fields), (annotations.0, &annotations.1)];
    stage.sign_by_hand(&add(&put_together(form, objects), &added))
}

#[track_caller]
fn told(stage: &Stage, objects: &[String], added: &[(u32, &str)], words: &str) {
    let (verdict, others, _) = judged(stage, Form::Table, objects, added);
    assert_eq!(verdict, Verdict::ChangedSince, "{words}: {others:?}");
    assert!(others.iter().any(|it| it.contains(words)), "{words}: {others:?}");
}

/// So many signatures that what else was added is the last of a long list.
#[test]
fn a_long_list_of_what_is_harmless_hides_nothing() {
    let stage = Stage::set(P256);
    let fields: Vec<String> = (20..41).map(|at| format!("<</FT/Sig/T(s{at})/V {} 0 R>>", at + 30)).collect();
    let list: String = (20..41).map(|at| format!(" {at} 0 R")).collect();
    let list = format!("[10 0 R{list}]");
    let mut added: Vec<(u32, &str)> = vec![(7, &list)];
    added.extend((20..41).zip(fields.iter().map(String::as_str)));
    added.extend((50..71).map(|number| (number, SIGNATURE)));
    let (verdict, others, _) = judged(&stage, Form::Table, &objects(), &added);
    assert_eq!((verdict, others), (Verdict::AddedTo, vec![]));
    added.push((4, OTHER));
    told(&stage, &objects(), &added, "another object 4");
}

/// The stream is replaced that others are packed in: none of them is elsewhere, and all may be others.
#[test]
fn objects_that_are_packed_are_as_new_as_their_stream() {
    let stage = Stage::set(P256);
    let (mut index, mut body) = (String::new(), String::new());
    let mut all = objects();
    all[4] = SYMBOL.to_owned();
    for (at, object) in all.iter().enumerate().filter(|(at, _)| *at != 3) {
        index.push_str(&format!("{} {} ", at + 1, body.len()));
        body.push_str(&format!("{object}\n"));
    }
    let (first, length) = (index.len(), index.len() + body.len());
    let stream =
        format!("<</Type/ObjStm/N 7/First {first}/Length {length}>>\nstream\n{index}{body}\nendstream");
    let (verdict, others, _) = judged(&stage, Form::Stream, &objects(), &[(9, &stream)]);
    assert_eq!(verdict, Verdict::ChangedSince);
    assert!(others.iter().any(|it| it.contains("object 9")), "{others:?}");
}

/// A reference that leads nowhere, by its generation, does not hide what the other leads to.
#[test]
fn a_reference_to_another_generation_hides_nothing() {
    let stage = Stage::set(P256);
    let mut all = objects();
    all[2] = page("/XObject<</X 8 0 R>>/Zzz 8 1 R", "");
    all[7] = "<</Type/XObject/Resources<</Font<</F 5 0 R>>>>/Length 2>>\nstream\nBT\nendstream".to_owned();
    told(&stage, &all, &[(5, SYMBOL)], "another object 5");
}

#[test]
fn a_field_is_no_excuse_for_another_annotation() {
    let stage = Stage::set(P256);
    let with = |field: &str| {
        let page = page("/Font<</F1 5 0 R>>", "/Annots[10 0 R 20 0 R]");
        let added =
            [(7, "[10 0 R 20 0 R]"), (3, &page), (20, field), (21, DRAWN), (50, SIGNATURE), (51, DRAWN)];
        judged(&stage, Form::Table, &objects(), &added)
    };
    for field in [
        "<</FT/Sig/T(x)/Subtype/Widget/Rect[0 0 500 800]>>",
        "<</FT/Sig/T(x)/Subtype/Widget/Rect[0 0 500 800]/AP<</N 21 0 R>>>>",
        "<</FT/Sig/T(x)/Subtype/FreeText/Rect[0 0 500 800]/AP<</N 21 0 R>>>>",
        "<</FT/Sig/T(x)/V 50 0 R/Subtype/Stamp/Rect[0 0 500 800]/AP<</N 21 0 R>>>>",
        "<</FT/Sig/T(x)/V 50 0 R/Subtype 22 0 R/Rect[0 0 500 800]/AP<</N 21 0 R>>>>",
        "<</FT/Sig/T(x)/V 50 0 R/AP<</N 21 0 R>>/Rect[0 0 500 800]>>",
        "<</FT/Sig/T(x)/V 50 0 R/Subtype/Widget/Rect[0 0 9 9]/P 2 0 R>>",
        "<</FT/Sig/T(x)/V 51 0 R/Subtype/Widget/Rect[0 0 0 0]>>",
        "<</FT/Sig/T(x)/V 9 0 R/Subtype/Widget/Rect[0 0 0 0]>>",
        "<</FT/Sig/T(x)/V 50 0 R/Subtype/Widget/Rect[0 0 0 0]/Length 2>>\nstream\nET\nendstream",
    ] {
        let (verdict, others, _) = with(field);
        assert_eq!(verdict, Verdict::ChangedSince, "{field}");
        assert!(others.iter().any(|it| it.contains("field") || it.contains("annotation")), "{others:?}");
    }
    // A signature that has an appearance is shown, whatever its rectangle says.
    for rectangle in ["[0 0 0 0]", "[0 0 9 9]"] {
        let field =
            format!("<</FT/Sig/T(x)/V 50 0 R/P 3 0 R/Subtype/Widget/Rect{rectangle}/AP<</N 21 0 R>>>>");
        let (verdict, _, added) = with(&field);
        assert_eq!(verdict, Verdict::AddedTo);
        assert_eq!(added, [Addition::Signature { field: "x".to_owned(), page: Some(1) }]);
    }
}

/// Whose dictionary is as it was, and which is drawn.
#[test]
fn a_stream_is_no_dictionary() {
    let stage = Stage::set(P256);
    let mut all = objects();
    let form = "/Fields 7 0 R/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Length 2";
    all[5] = format!("<<{form}>>");
    all[2] = page("/XObject<</X 6 0 R>>", "");
    let stream = format!("<<{form}/SigFlags 3>>\nstream\nET\nendstream");
    told(&stage, &all, &[(6, &stream)], "object 6");
    // Also where nothing else uses it.
    all[2] = page("", "");
    told(&stage, &all, &[(6, &stream)], "object 6");
}

#[test]
fn what_is_used_for_something_else_too_is_not_explained() {
    let stage = Stage::set(P256);
    let field = "<</FT/Sig/T(x)/V 50 0 R/Subtype/Widget/Rect[0 0 0 0]>>";
    // The list of fields is the list of pages.
    let mut all = objects();
    all[1] = "<</Type/Pages/Count 1/Kids 7 0 R/MediaBox[0 0 595 842]>>".to_owned();
    all[6] = "[3 0 R]".to_owned();
    told(&stage, &all, &[(7, "[3 0 R 10 0 R 20 0 R]"), (20, field), (50, SIGNATURE)], "object 7");
    // The list of a page's annotations is something else in its resources.
    let mut all = objects();
    all[2] = page("/ColorSpace<</C 8 0 R>>", "/Annots 8 0 R");
    all[7] = "[5 0 R]".to_owned();
    let added = [(7, "[10 0 R 20 0 R]"), (8, "[5 0 R 10 0 R 20 0 R]"), (20, field), (50, SIGNATURE)];
    told(&stage, &all, &added, "object 8");
    // The catalog is a page's drawings, of which one is called as evidence is.
    let mut all = objects();
    all[2] = page("/XObject 1 0 R", "");
    let catalog = "<</Type/Catalog/Pages 2 0 R/AcroForm 6 0 R/DSS 21 0 R>>";
    told(&stage, &all, &[(1, catalog), (21, DRAWN)], "object 1");
}

/// A stream that ends behind what was signed: its end is whatever comes there. Nor does what was signed hold before anything comes.
#[test]
fn a_stream_that_goes_on_behind_what_was_signed_is_told() {
    let stage = Stage::set(P256);
    for length in ["20000", "8 0 R", "1", "99 0 R"] {
        let mut all = objects();
        all[3] = format!("<</Length {length}>>\nstream\nBT\nendstream");
        all[7] = "20000".to_owned();
        let signed = by_another(&stage, Form::Table, &all);
        for bytes in [add(&signed, &[(90, OTHER)]), signed] {
            let said = report(&stage, &bytes);
            assert_eq!(said.verdict(), Some(Verdict::ChangedSince), "{length}");
            assert!(others(&said, 0).iter().any(|it| it.contains("object 4")), "{:?}", others(&said, 0));
        }
    }
}
