//! Threat 3.9.5.2, disclosing a holder's key: after it was made, kept and used it stands in clear in no file of element, host and terminal, nor in their logs.

use sceau_tests::keyrings::Keyrings;
use sceau_tests::{Needle, search};

/// What a private key of P-256 has before its number (RFC 5208, RFC 5915).
const BEFORE: [u8; 19] = [
    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01,
    0x04, 0x20,
];

#[tokio::test(flavor = "multi_thread")]
async fn no_key_of_a_holder_lies_around() {
    let keyrings = Keyrings::start("keyring-disclosed");
    let (keyring, folder) = keyrings.activated("k", "Marie Curie");
    let document = keyrings.scratch.write("document", b"x");
    for name in ["one", "two"] {
        let request = keyrings.request(name, &keyring, &document);
        keyrings.sign(&folder, &request, "pin").success();
    }
    let key = [Needle::new("a key", &BEFORE)];
    let (mut looked, mut known, mut folders) = (0, 0, vec![keyrings.scratch.path().to_owned()]);
    while let Some(folder) = folders.pop() {
        for file in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if file.is_dir() {
                folders.push(file);
            } else if file.is_file() {
                let found = search(&file.display().to_string(), &std::fs::read(&file).unwrap(), &key);
                // Keys of actors, of the host's certificate, and of the terminal: files of their owners.
                let owned =
                    ["key", "both", "p8"].iter().any(|end| file.extension().is_some_and(|is| is == *end));
                assert!(owned || found.is_empty(), "{found:?}");
                known += usize::from(file.ends_with("device.p8") && !found.is_empty());
                looked += 1;
            }
        }
    }
    assert!(looked > 20 && known == 1, "{looked} files were looked at, {known} keys found that are there");
}
