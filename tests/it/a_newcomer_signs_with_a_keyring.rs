//! `sceau up --demonstration` leaves a keyring to try, and the commands for it: they end with a PDF that holds. The next start leaves it as it is, and a folder of before keyrings gets one.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use sceau_tests::keyrings::said;
use sceau_tests::{Program, Running, Scratch, own_ports};

fn up(data: &Path, logs: &Path) -> (Running, PathBuf) {
    let up = Program::sceau("up").arg("--data").arg(data).arg("--demonstration").start(logs);
    let folder = PathBuf::from(up.said("/demonstration/keyring"));
    (up, folder)
}

#[tokio::test]
async fn a_newcomer_signs_with_a_keyring() {
    let scratch = Scratch::new("newcomer");
    let data = scratch.join("data");
    own_ports(&data);
    let (running, folder) = up(&data, scratch.path());
    for secret in ["ra.key", "sp.key", "support.key", "code"] {
        assert_eq!(
            fs::metadata(folder.join(secret)).unwrap().permissions().mode() & 0o777,
            0o600,
            "{secret}"
        );
    }
    let officer = fs::metadata(data.join("keyrings").join("officer.key")).unwrap();
    assert_eq!(officer.permissions().mode() & 0o777, 0o600);
    // Whatever work tree the folder is made in.
    let git = |words: &[&str]| Program::other("git").args(words.iter().copied()).within(scratch.path()).run();
    git(&["init", "--quiet"]).success();
    let seen = git(&["status", "--porcelain", "--untracked-files=all"]).success().text();
    assert!(!seen.contains("data/"), "{seen}");

    // As they are printed, but that nobody is there to type.
    let steps = fs::read_to_string(folder.join("steps")).unwrap();
    fs::write(folder.join("pin"), "402917").unwrap();
    fs::set_permissions(folder.join("pin"), fs::Permissions::from_mode(0o600)).unwrap();
    let typed = steps
        .replace("sceau terminal activate", "sceau terminal activate --code-file code --pin-file pin")
        .replace("sceau terminal sign", "sceau terminal sign --pin-file pin");
    assert_eq!(typed.matches("--pin-file").count(), 3, "{steps}");
    let walked = Program::other("sh").args(["-euc", &typed]).within(&folder).run().success();
    assert!(walked.text().contains("HOLDS"), "{}", walked.text());
    let pdfsig = Program::other("pdfsig").arg(folder.join("signed.pdf")).run().success().text();
    assert!(pdfsig.contains("Signature is Valid"), "{pdfsig}");
    assert!(running.stop().success());

    // What an earlier start made stands, and the terminal goes on.
    let known = fs::read(folder.join("keyring.json")).unwrap();
    let (running, folder) = up(&data, scratch.path());
    assert_eq!(fs::read(folder.join("keyring.json")).unwrap(), known);
    let state = ["terminal", "state", "--folder", "terminal", "--anchors", "host.pem", "--at"];
    let (words, address) = (state.iter().skip(1).copied(), running.said("/keyrings/url").to_owned());
    let state = Program::sceau("terminal").args(words).arg(address).within(&folder).run().success();
    assert_eq!(said(&state, "/standing/phase"), "active");
    assert!(running.stop().success());
}

#[tokio::test]
async fn a_folder_of_before_keyrings_gets_one() {
    let scratch = Scratch::new("before-keyrings");
    let data = scratch.join("data");
    own_ports(&data);
    // As without them: settings that do not switch them on, and no demonstration of them.
    let before = scratch.write("settings.toml", "[protect]\n");
    let up_before =
        Program::sceau("up").arg("--data").arg(&data).args(["--demonstration", "--config"]).arg(before);
    let running = up_before.start(scratch.path());
    assert!(running.ready()["keyrings"].is_null() && running.ready()["demonstration"]["keyring"].is_null());
    assert!(running.stop().success());
    let (running, folder) = up(&data, scratch.path());
    assert!(folder.join("invitation").exists());
    assert!(running.stop().success());
}
