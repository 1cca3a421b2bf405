//! Small documents, put together by hand.

use std::fmt::Write as _;

/// How a document says where its objects are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Table,
    Stream,
}

/// A document of so many pages. Its objects: 1 the catalog, 2 the pages, 3 a font, then for each page its dictionary and its content.
pub(crate) fn document(form: Form, pages: usize) -> Vec<u8> {
    let kids: Vec<String> = (0..pages).map(|page| format!("{} 0 R", 4 + 2 * page)).collect();
    let mut objects = vec![
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        format!("<</Type/Pages/Count {pages}/Kids[{}]/MediaBox[0 0 595 842]>>", kids.join(" ")),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".to_owned(),
    ];
    for page in 0..pages {
        let content = format!("BT /F1 24 Tf 72 700 Td (Page {}) Tj ET", page + 1);
        objects.push(format!(
            "<</Type/Page/Parent 2 0 R/Resources<</Font<</F1 3 0 R>>>>/Contents {} 0 R>>",
            5 + 2 * page
        ));
        objects.push(format!("<</Length {}>>\nstream\n{content}\nendstream", content.len()));
    }
    put_together(form, &objects)
}

/// Objects from number 1 on, the first of them the catalog.
pub(crate) fn put_together(form: Form, objects: &[String]) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut offsets = Vec::new();
    // Objects without a stream are packed where there are streams of cross-references.
    let (packed, plain): (Vec<_>, Vec<_>) = objects
        .iter()
        .enumerate()
        .map(|(at, object)| (at + 1, object))
        .partition(|(_, object)| form == Form::Stream && !object.contains("stream"));
    for (number, object) in plain {
        offsets.push((number, 1u8, out.len(), 0));
        out.extend(format!("{number} 0 obj\n{object}\nendobj\n").bytes());
    }
    let mut next = objects.len() + 1;
    if form == Form::Stream {
        let (mut index, mut body) = (String::new(), String::new());
        for (place, (number, object)) in packed.iter().enumerate() {
            write!(index, "{number} {} ", body.len()).unwrap();
            body.push_str(object);
            body.push('\n');
            offsets.push((*number, 2, next, place));
        }
        let raw = miniz_oxide::deflate::compress_to_vec_zlib(format!("{index}{body}").as_bytes(), 6);
        offsets.push((next, 1, out.len(), 0));
        let head = format!(
            "{next} 0 obj\n<</Type/ObjStm/N {}/First {}/Filter/FlateDecode/Length {}>>\nstream\n",
            packed.len(),
            index.len(),
            raw.len()
        );
        out.extend([head.as_bytes(), &raw, b"\nendstream\nendobj\n"].concat());
        next += 1;
    }
    offsets.sort_unstable();
    let start = out.len();
    match form {
        Form::Table => {
            out.extend(format!("xref\n0 {}\n0000000000 65535 f \n", offsets.len() + 1).bytes());
            for (_, _, offset, _) in &offsets {
                out.extend(format!("{offset:010} 00000 n \n").bytes());
            }
            out.extend(format!("trailer\n<</Size {next}/Root 1 0 R/ID[<0102><0304>]>>\n").bytes());
        }
        Form::Stream => {
            offsets.push((next, 1, start, 0));
            let mut rows = vec![0; 6];
            for (_, kind, offset, place) in &offsets {
                rows.push(*kind);
                rows.extend(&u32::try_from(*offset).unwrap().to_be_bytes());
                rows.push(u8::try_from(*place).unwrap());
            }
            // Rows as most writers have them: each minus the one above (PNG's Up).
            let mut up = Vec::new();
            for (at, row) in rows.chunks(6).enumerate() {
                up.push(2);
                let above = if at == 0 { &[0; 6][..] } else { &rows[6 * (at - 1)..6 * at] };
                up.extend(row.iter().zip(above).map(|(octet, above)| octet.wrapping_sub(*above)));
            }
            let raw = miniz_oxide::deflate::compress_to_vec_zlib(&up, 6);
            let head = format!(
                "{next} 0 obj\n<</Type/XRef/Size {}/Root 1 0 R/W[1 4 1]/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 6>>/Length {}>>\nstream\n",
                next + 1,
                raw.len()
            );
            out.extend([head.as_bytes(), &raw, b"\nendstream\nendobj\n"].concat());
        }
    }
    out.extend(format!("startxref\n{start}\n%%EOF\n").bytes());
    out
}
