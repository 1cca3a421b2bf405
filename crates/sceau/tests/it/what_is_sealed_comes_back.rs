//! Round trips: sizes at the edges, pipes, several recipients, several files, JSON.

use crate::support::{Desk, content, hybrid, rsa};

/// Plaintext bytes in the first segment, and in the others (docs/envelope.md).
const FIRST: usize = 1_048_520;
const OTHER: usize = 1_048_560;

#[test]
fn files_of_every_size_at_the_edges() {
    let desk = Desk::with_key();
    // The last ones are beyond what is done without threads.
    for size in
        [0, 1, FIRST - 1, FIRST, FIRST + 1, FIRST + OTHER, FIRST + OTHER + 1, FIRST + 17 * OTHER, 20 << 20]
    {
        let bytes = content(size);
        desk.write("f", &bytes);
        desk.run(&["seal", "--to", "k.pub", "--force", "f"]).ok();
        desk.open(&["-o", "back", "--force", "f.sceau"]).ok();
        assert!(desk.read("back") == bytes, "{size}");
    }
}

#[test]
fn pipes_of_every_size_at_the_edges() {
    let desk = Desk::with_key();
    for size in [0, 1, FIRST, FIRST + 1, FIRST + 2 * OTHER] {
        let bytes = content(size);
        let sealed = desk.pipe(&["seal", "--to", "k.pub"], &bytes).ok();
        assert_eq!(sealed.stderr, "", "a pipe is silent");
        let opened =
            desk.pipe(&["open", "--key", "k.key", "--passphrase-file", "passphrase"], &sealed.stdout).ok();
        assert!(opened.stdout == bytes, "{size}");
        assert_eq!(opened.stderr, "");
    }
    assert_eq!(desk.names(), ["k.key", "k.pub", "passphrase"], "pipes leave no file");
}

#[test]
fn each_recipient_opens_alone() {
    let desk = Desk::with_key();
    desk.pair("r", &rsa());
    desk.pair("other", &hybrid());
    desk.write("letter.txt", b"bonjour");
    desk.run(&["seal", "--to", "k.pub", "--to", "r.pub", "letter.txt"]).ok();
    for key in ["k.key", "r.key"] {
        let opened = desk
            .run(&["open", "--key", key, "--passphrase-file", "passphrase", "-o", "-", "letter.txt.sceau"])
            .ok();
        assert_eq!(opened.stdout, b"bonjour", "{key}");
    }
    desk.run(&[
        "open",
        "--key",
        "other.key",
        "--passphrase-file",
        "passphrase",
        "-o",
        "-",
        "letter.txt.sceau",
    ])
    .failed(4, "not sealed for this key");
}

#[test]
fn several_files_at_once_and_into_a_folder() {
    let desk = Desk::with_key();
    desk.write("a.pdf", b"a");
    desk.write("b.pdf", b"b");
    desk.run(&["seal", "--to", "k.pub", "a.pdf", "b.pdf"]).ok();
    std::fs::create_dir(desk.path("case")).unwrap();
    desk.open(&["-o", "case", "a.pdf.sceau", "b.pdf.sceau"]).ok();
    assert_eq!((desk.read("case/a.pdf"), desk.read("case/b.pdf")), (b"a".to_vec(), b"b".to_vec()));
    desk.run(&["seal", "--to", "k.pub", "-o", "case", "a.pdf"]).ok();
    assert!(desk.path("case/a.pdf.sceau").exists());
    desk.run(&["seal", "--to", "k.pub", "-o", "one", "a.pdf", "b.pdf"]).failed(2, "do not go into one");
    desk.run(&["seal", "--to", "k.pub", "--name", "x", "a.pdf", "b.pdf"]).failed(2, "--name is for one file");
}

#[test]
fn results_for_scripts_agree_with_each_other() {
    let desk = Desk::with_key();
    desk.write("photo.JPG", &content(FIRST + 1));
    let sealed = desk.run(&["seal", "--json", "--to", "k.pub", "photo.JPG"]).ok().json();
    assert_eq!((&sealed["size"], &sealed["parts"]), (&(FIRST + 1).into(), &2.into()));
    assert_eq!(sealed["output"], "photo.JPG.sceau");
    assert_eq!(sealed["recipients"][0]["suite"], "HPKE-X-Wing");
    let shown = desk.run(&["keys", "show", "--json", "k.pub"]).ok().json();
    assert_eq!(sealed["recipients"][0]["key_id"], shown["key_id"]);

    let opened = desk.open(&["--json", "--force", "photo.JPG.sceau"]).ok().json();
    let inspected = desk.run(&["inspect", "--json", "photo.JPG.sceau"]).ok().json();
    for field in ["file_id", "envelope_hash", "size"] {
        assert_eq!(opened[field], sealed[field], "{field}");
        assert_eq!(inspected[field], sealed[field], "{field}");
    }
    assert_eq!((&opened["name"], &opened["type"]), (&"photo.JPG".into(), &"image/jpeg".into()));
    assert_eq!((&inspected["name"], &inspected["verified"]), (&serde_json::Value::Null, &false.into()));
    let length = std::fs::metadata(desk.path("photo.JPG.sceau")).unwrap().len();
    assert_eq!(inspected["sealed_size"], length);

    let with_key =
        ["inspect", "--json", "--key", "k.key", "--passphrase-file", "passphrase", "photo.JPG.sceau"];
    let verified = desk.run(&with_key).ok().json();
    assert_eq!((&verified["name"], &verified["verified"]), (&"photo.JPG".into(), &true.into()));
    assert_eq!(verified["envelope_hash"], sealed["envelope_hash"]);

    let piped = desk.pipe(&["seal", "--json", "--to", "k.pub", "-o", "-"], b"x").ok();
    assert_eq!(piped.error_json()["size"], 1, "the result makes way for the bytes");
}

#[test]
fn what_is_sealed_is_what_the_library_opens() {
    let desk = Desk::new();
    let key = hybrid();
    desk.pair("k", &key);
    let bytes = content(3_000_000);
    let sealed = desk.pipe(&["seal", "--to", "k.pub", "--name", "x.pdf"], &bytes).ok().stdout;
    let mut back = Vec::new();
    let opened = sceau_crypto::stream::open_stream(&sealed[..], &mut back, &key, Default::default()).unwrap();
    assert!(back == bytes);
    assert_eq!((opened.metadata.name(), opened.metadata.media_type()), ("x.pdf", "application/pdf"));
}

#[test]
fn inspecting_says_what_it_could_not_verify() {
    let desk = Desk::with_key();
    desk.write("secret-name.pdf", b"content");
    desk.run(&["seal", "--to", "k.pub", "secret-name.pdf"]).ok();
    std::fs::rename(desk.path("secret-name.pdf.sceau"), desk.path("s")).unwrap();
    let without = desk.run(&["inspect", "s"]).ok().text();
    assert!(without.contains("Nothing of this is verified") && !without.contains("secret-name"), "{without}");
    let with = desk.run(&["inspect", "--key", "k.key", "--passphrase-file", "passphrase", "s"]).ok().text();
    assert!(with.contains("secret-name.pdf") && with.contains("whole and unaltered"), "{with}");
}
