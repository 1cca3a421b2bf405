//! `sceau sign` over a document of many pages beside one of few: it takes the same memory.

use std::io::Write as _;
use std::path::Path;

use sceau_tests::{Program, Scratch};

use crate::Settings;
use crate::processor::most_memory;
use crate::row::{Figure, Row, Target};

/// Octets of each page's content, which nothing makes smaller.
const PAGE: usize = 256 * 1024;
const MANY: usize = 200;
const FEW: usize = 2;

pub(crate) fn measure(_: Settings) -> Result<Vec<Row>, String> {
    let scratch = Scratch::new("signed-pdf");
    let (key, certificate) = (scratch.join("seal.key"), scratch.join("seal.pem"));
    Program::other("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-days", "2", "-subj", "/CN=Seal", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .run()
        .success();
    let peak = |pages: usize| {
        let [document, signed] =
            ["pdf", "signed.pdf"].map(|end| scratch.join(&format!("{pages}-pages.{end}")));
        document_of(&document, pages).map_err(|error| error.to_string())?;
        let program = Program::ours("sceau").path();
        let [program, document, signed, key, certificate] =
            [&program, &document, &signed, &key, &certificate].map(|path| path.as_os_str().to_owned());
        let [sign, by, with, into] = ["sign", "--certificate", "--key", "-o"].map(Into::into);
        most_memory(&[program, sign, document, by, certificate, with, key, into, signed])
    };
    let (many, few) = (peak(MANY)?, peak(FEW)?);
    let name = format!("sign: memory at {MANY} pages ({} MiB) beside {FEW} pages", MANY * PAGE / (1 << 20));
    Ok(vec![Row::ratio(name, Figure::new(many, "MiB"), Figure::new(few, "MiB"), Target::AtMost(1.1))])
}

/// A document of PDF 1.7 (ISO 32000-1) with so many pages, each with a content of its own.
fn document_of(path: &Path, pages: usize) -> std::io::Result<()> {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    let (mut at, mut places) = (0, Vec::new());
    let mut write = |parts: &[&[u8]]| {
        let begins = at;
        for part in parts {
            file.write_all(part)?;
            at += part.len();
        }
        Ok::<_, std::io::Error>(begins)
    };
    write(&[b"%PDF-1.7\n"])?;
    let kids: String = (0..pages).map(|page| format!("{} 0 R ", 3 + 2 * page)).collect();
    places.push(write(&[b"1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n"])?);
    let tree = format!("2 0 obj\n<</Type/Pages/Count {pages}/Kids[{kids}]>>\nendobj\n");
    places.push(write(&[tree.as_bytes()])?);
    for page in 0..pages {
        let (own, content) = (3 + 2 * page, 4 + 2 * page);
        let node = format!(
            "{own} 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents {content} 0 R>>\nendobj\n"
        );
        places.push(write(&[node.as_bytes()])?);
        let head = format!("{content} 0 obj\n<</Length {PAGE}>>\nstream\n");
        let drawn: Vec<u8> = (0..PAGE / 64).flat_map(|_| sceau_crypto::random::<64>()).collect();
        places.push(write(&[head.as_bytes(), &drawn, b"\nendstream\nendobj\n"])?);
    }
    let table: String = places.iter().map(|place| format!("{place:010} 00000 n \n")).collect();
    let size = places.len() + 1;
    let begins = write(&[format!("xref\n0 {size}\n0000000000 65535 f \n{table}").as_bytes()])?;
    write(&[format!("trailer\n<</Size {size}/Root 1 0 R>>\nstartxref\n{begins}\n%%EOF\n").as_bytes()])?;
    file.flush()
}
