//! What is signed here, OpenSSL and pdfsig find valid, on documents of both forms, with keys of both kinds, and with one signature behind another.

use sceau_pades::{Appearance, Verdict};

use crate::documents::{Form, document};
use crate::outside::{P256, RSA, Stage, wish};
use crate::what_follows_a_signature_is_told::report;

/// The numbers of the last `/ByteRange`, and the message in the place that it leaves.
fn taken_apart(signed: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let text = String::from_utf8_lossy(signed);
    let range = text.rsplit("/ByteRange [").next().unwrap().split(']').next().unwrap().to_owned();
    let numbers: Vec<usize> = range.split_whitespace().map(|number| number.parse().unwrap()).collect();
    let (before, from, length) = (numbers[1], numbers[2], numbers[3]);
    let covered = [&signed[..before], &signed[from..from + length]].concat();
    let place = hex::decode(&signed[before + 1..from - 1]).unwrap();
    (covered, sceau_pki::first_element(&place).unwrap().to_vec())
}

fn judged(stage: &Stage, name: &str, signed: &[u8]) -> String {
    let (covered, message) = taken_apart(signed);
    stage.write("covered", &covered);
    stage.write("message", &message);
    stage.openssl("cms -verify -cades -binary -inform DER -in message -content covered -CAfile ca.pem -purpose any -out same");
    stage.write(name, signed);
    let said = stage.run("pdfsig", name);
    assert!(said.contains("Signature is Valid"), "{said}");
    said
}

#[test]
fn a_signature_is_valid_and_changes_nothing_before_it() {
    for key in [P256, RSA] {
        let stage = Stage::set(key);
        for form in [Form::Table, Form::Stream] {
            let plain = document(form, 2);
            let signed = stage.sign(&plain, &wish());
            assert!(signed.starts_with(&plain), "what was there is there as it was");
            let said = judged(&stage, "signed.pdf", &signed);
            assert!(said.contains("Total document signed"), "{said}");
            assert!(said.contains("ETSI.CAdES.detached"), "{said}");
            let text = stage.run("pdftotext", "signed.pdf -");
            assert!(text.contains("Page 1") && text.contains("Page 2"), "{text}");
        }
    }
}

#[test]
fn a_second_signature_leaves_the_first_valid() {
    let stage = Stage::set(P256);
    for form in [Form::Table, Form::Stream] {
        let once = stage.sign(&document(form, 1), &wish());
        let mut second = wish();
        second.appearance = Some(Appearance {
            page: 1,
            rectangle: [300.0, 50.0, 200.0, 60.0],
            lines: vec!["Signé par Marie Curie".to_owned(), "à Paris".to_owned()],
        });
        let twice = stage.sign(&once, &second);
        assert!(twice.starts_with(&once));
        let said = judged(&stage, "twice.pdf", &twice);
        assert_eq!(said.matches("Signature is Valid").count(), 2, "{said}");
        let text = stage.run("pdftotext", "twice.pdf -");
        assert!(text.contains("Signé par Marie Curie") && text.contains("à Paris"), "{text}");
    }
}

#[test]
fn one_changed_byte_is_seen() {
    let stage = Stage::set(P256);
    let mut signed = stage.sign(&document(Form::Table, 1), &wish());
    let at = signed.windows(6).position(|window| window == b"Page 1").unwrap();
    signed[at + 5] = b'2';
    assert_eq!(report(&stage, &signed).verdict(), Some(Verdict::False));
    stage.write("changed.pdf", &signed);
    let said = stage.run("pdfsig", "changed.pdf");
    assert!(said.contains("Digest Mismatch"), "{said}");
}

/// What qpdf and cairo write is read as strictly as anything, and signed.
#[test]
fn what_other_programs_write_is_signed() {
    let stage = Stage::set(P256);
    for form in [Form::Table, Form::Stream] {
        stage.write("in.pdf", &document(form, 3));
        for words in [
            "qpdf --linearize --object-streams=disable in.pdf out.pdf",
            "qpdf --linearize --object-streams=generate in.pdf out.pdf",
            "qpdf --object-streams=generate in.pdf out.pdf",
            "pdftocairo -pdf in.pdf out.pdf",
        ] {
            let (program, rest) = words.split_once(' ').unwrap();
            stage.run(program, rest);
            let signed = stage.sign(&std::fs::read(stage.path("out.pdf")).unwrap(), &wish());
            judged(&stage, "signed.pdf", &signed);
            stage.run("qpdf", "--check signed.pdf");
            let verdict = report(&stage, &signed).verdict();
            assert_eq!(verdict, Some(Verdict::Holds), "{words}");
            let again = stage.sign(&signed, &wish());
            let said = report(&stage, &again);
            let verdicts: Vec<_> = said.signatures.iter().map(|one| one.verdict()).collect();
            assert_eq!(verdicts, [Verdict::AddedTo, Verdict::Holds], "{words}");
        }
    }
}
