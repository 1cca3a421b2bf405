//! The sender chooses the name; the reader's disk decides.

use crate::support::Desk;

#[test]
fn tricks_become_visible_and_unicode_stays() {
    let desk = Desk::with_key();
    for (name, written) in [
        ("Décision n°12 — été.pdf", "Décision n°12 — été.pdf"),
        ("決定書.pdf", "決定書.pdf"),
        ("می‌خواهم.pdf", "می‌خواهم.pdf"),
        (".bashrc", "_bashrc"),
        ("..evil", "_.evil"),
        ("-rf", "_rf"),
        ("invoice\u{202e}fdp.exe", "invoice_fdp.exe"),
        ("a\u{2066}b\u{200b}", "a_b_"),
        ("CON", "_CON"),
        ("lpt1.pdf", "_lpt1.pdf"),
        ("a:b.txt", "a_b.txt"),
        ("end. ", "end"),
    ] {
        let folder = desk.path("in");
        std::fs::create_dir(&folder).unwrap();
        let sealed = desk.pipe(&["seal", "--to", "k.pub", &format!("--name={name}")], b"x").ok().stdout;
        desk.write("in/s", &sealed);
        let ran = desk.open(&["in/s"]).ok();
        let mut files = crate::support::names(&folder);
        files.retain(|file| file != "s");
        assert_eq!(files, [written], "{name:?}");
        assert_eq!(ran.stderr.contains("could mislead"), name != written, "{name:?}: {}", ran.stderr);
        std::fs::remove_dir_all(&folder).unwrap();
    }
    assert_eq!(desk.names(), ["k.key", "k.pub", "passphrase"], "nothing outside the folder");
}

#[test]
fn long_names_keep_their_extension() {
    let desk = Desk::with_key();
    // As long as the format takes, and longer once a reserved name has got its mark.
    let name = format!("CON.{}.pdf", "é".repeat(123));
    desk.write("s", &desk.pipe(&["seal", "--to", "k.pub", "--name", &name], b"x").ok().stdout);
    let opened = desk.open(&["--json", "s"]).ok().json();
    assert_eq!(opened["name"], name, "what the sender said");
    let output = opened["output"].as_str().unwrap();
    assert!(output.len() <= 255 && output.starts_with("_CON.é") && output.ends_with("é.pdf"), "{output}");
    assert_eq!(desk.read(output), b"x");
}

#[test]
fn what_no_name_may_be_is_refused_when_sealing() {
    let desk = Desk::with_key();
    for name in ["", ".", "..", "../x", "a/b", "a\\b", "a\nb", &"x".repeat(256)] {
        let seal = ["seal", "--to", "k.pub", "--name", name];
        desk.pipe(&seal, b"x").failed(2, "not a file name");
    }
    desk.pipe(&["seal", "--to", "k.pub", "--type", "é"], b"x").failed(2, "not a media type");
}

#[test]
fn a_file_whose_own_name_the_format_refuses_is_sealed_under_a_corrected_one() {
    let desk = Desk::with_key();
    desk.write("a\\b\n.txt", b"x");
    desk.run(&["seal", "--to", "k.pub", "-o", "s", "a\\b\n.txt"]).ok();
    assert_eq!(desk.open(&["--json", "s"]).ok().json()["name"], "a_b_.txt");
}
