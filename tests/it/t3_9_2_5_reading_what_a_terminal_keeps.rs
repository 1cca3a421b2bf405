//! Threat 3.9.2.5, reading what a terminal keeps: neither PIN nor activation code is in any file of terminal, element and host after a keyring was activated and used, nor in their logs.

use sceau_tests::keyrings::{Keyrings, PIN, refused};
use sceau_tests::{Needle, search};

#[tokio::test(flavor = "multi_thread")]
async fn neither_pin_nor_code_lies_around() {
    let keyrings = Keyrings::start("keyring-kept");
    keyrings.scratch.write("wrong", "111222333444");
    let (keyring, folder) = keyrings.activated("k", "Marie Curie");
    let document = keyrings.scratch.write("document", b"x");
    for name in ["one", "two"] {
        let request = keyrings.request(name, &keyring, &document);
        assert_eq!(refused(&keyrings.sign(&folder, &request, "wrong")), "pin_invalid");
        keyrings.sign(&folder, &request, "pin").success();
    }
    nothing_secret_lies_around(&keyrings);
}

/// PIN and code are in no file of element, host and terminal, nor in their logs; and the search finds them where the people of this test were given them.
fn nothing_secret_lies_around(keyrings: &Keyrings) {
    let code = std::fs::read_to_string(keyrings.scratch.join("k.code")).unwrap();
    let secrets =
        [Needle::text("PIN", PIN), Needle::text("code", &code), Needle::text("code", &code.replace('-', ""))];
    let (mut looked, mut canaries, mut folders) = (0, 0, vec![keyrings.scratch.path().to_owned()]);
    while let Some(folder) = folders.pop() {
        for file in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if file.is_dir() {
                folders.push(file);
            } else if file.is_file() {
                let found = search(&file.display().to_string(), &std::fs::read(&file).unwrap(), &secrets);
                let given = ["k.code", "k.package", "pin"].iter().any(|name| file.ends_with(name));
                assert!(given || found.is_empty(), "{found:?}");
                canaries += usize::from(given && !found.is_empty());
                looked += 1;
            }
        }
    }
    assert!(looked > 20 && canaries == 3, "{looked} files were looked at, {canaries} canaries found");
}
