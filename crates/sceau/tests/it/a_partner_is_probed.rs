//! `sceau cert probe` against a real nginx, a port without TLS, and nobody.

use std::process::Command;

use crate::authorities::openssl;
use crate::others::{free_port, nginx, service, stage};
use crate::support::Desk;

/// The steps of a probe, each with its state.
fn probed(desk: &Desk, port: u16, more: &[&str]) -> (i32, Vec<(String, String, String)>) {
    let url = format!("https://127.0.0.1:{port}/sas");
    let ran = desk.run(&[&["cert", "probe", &url, "--json", "--anchors", "root.pem"], more].concat());
    let said = ran.json();
    let text = |step: &serde_json::Value, name: &str| step[name].as_str().unwrap_or_default().to_owned();
    let steps = said["steps"].as_array().unwrap();
    (
        ran.code,
        steps.iter().map(|step| (text(step, "step"), text(step, "state"), text(step, "found"))).collect(),
    )
}

#[test]
fn a_probe_says_of_each_step_what_was_found() {
    let (desk, port, upstream) = (stage(), free_port(), service());
    let _nginx = nginx(&desk, port, upstream, &[]);
    openssl(
        &desk,
        "req -x509 -newkey rsa:2048 -nodes -keyout x.key -out other-root.pem -days 9 -subj /CN=other",
    );
    std::fs::set_permissions(desk.path("unit.key"), std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .unwrap();
    for name in ["recette", "longer", "self", "taken"] {
        for ending in ["key", "pem"] {
            let set = Command::new("chmod")
                .args(["600", &format!("{name}.{ending}")])
                .current_dir(desk.path(""))
                .status();
            assert!(set.unwrap().success());
        }
    }
    let with = |name: &str| {
        probed(&desk, port, &["--cert", &format!("{name}.pem"), "--key", &format!("{name}.key")])
    };
    let (code, steps) = with("recette");
    let found: Vec<_> = steps.iter().map(|(step, state, _)| (step.as_str(), state.as_str())).collect();
    let wanted =
        ["name", "connection", "tls", "server", "asks", "answer", "check"].map(|step| (step, "well"));
    assert_eq!((code, found), (0, wanted.to_vec()), "{steps:?}");
    assert!(steps[2].2.starts_with("TLS 1.3"), "{steps:?}");
    assert!(steps[4].2.contains("CN=TEST AC RACINE,OU=IGC-SANTE TEST,OU=0002 187512751"), "{steps:?}");

    for (name, words) in [
        ("longer", "403: our certificate is believed"),
        ("self", "403: our certificate is not believed (it says FAILED"),
        ("taken", "403: our certificate is not believed (it says FAILED:certificate revoked"),
    ] {
        let (code, steps) = with(name);
        let (step, state, found) = steps.last().unwrap();
        // `/check` answers 403 to every failed authentication: what else it says tells them apart.
        assert_eq!((code, step.as_str(), state.as_str()), (5, "certificate", "refused"), "{name}");
        assert!(found.starts_with(words), "{name}: {found}");
    }
    let (code, steps) = probed(&desk, port, &[]);
    assert!(code == 5 && steps.last().unwrap().2.contains("which is in order"), "{steps:?}");

    // A server whose certificate nobody vouches for is told nothing of ours.
    let url = format!("https://127.0.0.1:{port}/sas");
    let ran = desk.run(&[
        "cert",
        "probe",
        &url,
        "--anchors",
        "other-root.pem",
        "--cert",
        "recette.pem",
        "--key",
        "recette.key",
    ]);
    ran.failed(5, "no authority that is trusted here issued it");
    desk.run(&["cert", "probe", &url, "--anchors", "root.pem", "--cert", "unit.pem", "--key", "unit.key"])
        .failed(2, "unit.key");
}

#[test]
fn a_probe_names_what_is_wrong_on_the_way() {
    let desk = stage();
    let nobody = free_port();
    let (code, steps) = probed(&desk, nobody, &[]);
    assert_eq!((code, steps.len()), (1, 2));
    assert!(steps[1].2.contains("refuses connections"), "{steps:?}");
    // No TLS there.
    let (code, steps) = probed(&desk, service(), &[]);
    assert!(code == 1 && steps[2].2.starts_with("no TLS"), "{steps:?}");
    desk.run(&["cert", "probe", "http://127.0.0.1/"]).failed(2, "https://");
    let ran = desk.run(&["cert", "probe", "https://nobody.invalid/", "--anchors", "root.pem"]);
    ran.failed(1, "nobody.invalid is not found");
}
