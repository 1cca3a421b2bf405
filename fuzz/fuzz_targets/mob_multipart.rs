//! A multipart form of MOB's HTTP interface: any bytes are walked through or refused with a code, the same in whatever pieces they come; and
//! what a form is made of comes out of it.
#![no_main]

use std::sync::LazyLock;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sceau_dossiers::mob::http::MobCode;
use sceau_dossiers::mob::http::parsers::{Form, form};
use tokio::runtime::{Builder, Runtime};

const TYPE: &str = "multipart/form-data; boundary=X";

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_time().build().expect("a runtime"));

fn walk(bytes: &[u8], lengths: &[u8]) -> Result<Form, MobCode> {
    let (mut rest, mut pieces) = (Bytes::copy_from_slice(bytes), Vec::new());
    for length in lengths {
        pieces.push(rest.split_to(usize::from(*length).min(rest.len())));
    }
    pieces.push(rest);
    RUNTIME.block_on(form(TYPE, pieces))
}

fuzz_target!(|input: (Vec<u8>, Vec<Vec<u8>>, &[u8])| {
    let (lengths, files, bytes) = input;
    if let Ok(media_type) = std::str::from_utf8(bytes) {
        let _ = RUNTIME.block_on(form(media_type, vec![Bytes::from_static(b"--X\r\n\r\n--X--")]));
    }
    let whole = walk(bytes, &[]);
    if let Err(code) = &whole {
        assert!((400..500).contains(&code.http_status()), "{}", code.as_str());
    }
    assert_eq!(walk(bytes, &lengths).ok(), whole.ok());
    // A good form.
    let delimiter = b"\r\n--X";
    if files.iter().any(|file| [b"\r\n", file.as_slice()].concat().windows(5).any(|part| part == delimiter)) {
        return;
    }
    let mut written = Vec::new();
    for (n, file) in files.iter().enumerate() {
        let head = format!(
            "--X\r\nContent-Disposition: form-data; name=\"f\"; filename=\"{n}.pdf\"\r\nContent-Type: application/pdf\r\n\r\n"
        );
        written.extend_from_slice(&[head.as_bytes(), file, b"\r\n"].concat());
    }
    written.extend_from_slice(b"--X--\r\n");
    let expected: Vec<(String, Vec<u8>)> =
        files.into_iter().enumerate().map(|(n, file)| (format!("{n}.pdf"), file)).collect();
    assert_eq!(walk(&written, &lengths), Ok(Form { files: expected, metadata: None }));
});
