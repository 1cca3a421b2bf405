//! Threat 3.9.2.5, reading what a terminal keeps: neither PIN nor activation code is in any file of terminal, element and host after a keyring was activated and used, nor in their logs.

use sceau_tests::keyrings::{Keyrings, PIN, refused, tiny_model};
use sceau_tests::{Needle, memory_of, search};

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

/// Of B2: the picture of a face is in no file and no log of element, host, biometric process and terminal, and in no memory of theirs: of the biometric process's neither, once it answered.
#[test]
fn no_face_lies_around() {
    let keyrings = Keyrings::start_with_faces("keyring-face-kept");
    let (keyring, folder) = keyrings.activated("k", "Marie Curie");
    let document = keyrings.scratch.write("document", b"x");
    keyrings.enrol(&folder, 1).success();
    let request = keyrings.request("one", &keyring, &document);
    keyrings.sign_as(&folder, &request, 1).success();

    let pixels = |noise: u64| tiny_model::picture(1, noise)[11..].to_vec();
    let faces = [1, 2].map(|noise| Needle::new("picture", &pixels(noise)[..48]));
    let [element, host] = keyrings.pids();
    for pid in [element, host, keyrings.biometric_id()] {
        for (place, bytes) in memory_of(pid).unwrap() {
            assert!(search(&place, &bytes, &faces).is_empty(), "a face is in {place} of {pid}");
        }
    }
    let (mut looked, mut canaries, mut folders) = (0, 0, vec![keyrings.scratch.path().to_owned()]);
    while let Some(folder) = folders.pop() {
        for file in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if file.is_dir() {
                folders.push(file);
            } else if file.is_file() {
                let found = search(&file.display().to_string(), &std::fs::read(&file).unwrap(), &faces);
                let given = file.extension().is_some_and(|end| end == "ppm");
                assert!(given || found.is_empty(), "{found:?}");
                canaries += usize::from(given && !found.is_empty());
                looked += 1;
            }
        }
    }
    assert!(looked > 20 && canaries == 2, "{looked} files were looked at, {canaries} canaries found");
}
