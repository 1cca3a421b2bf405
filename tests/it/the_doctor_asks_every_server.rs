//! `sceau doctor` before an installation on real servers: all is well; then each server is spoilt in turn, and it says which, why, and what to do.

use sceau_tests::{House, OwnAuthority, Program};
use serde_json::Value;

/// What the doctor finds: the check, how it is, what it says.
fn findings(house: &House, more: &[&str]) -> Vec<(String, String, String)> {
    let ran = Program::sceau("doctor")
        .args(["--json", "--config"])
        .arg(house.scratch.join("platform.toml"))
        .arg("--data")
        .arg(house.scratch.join("platform"))
        .arg("--element")
        .arg(house.socket())
        .args(more)
        .run();
    let found: Value = serde_json::from_str(ran.text().lines().next().unwrap()).unwrap();
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    let one = |finding: &Value| {
        let words = format!("{} → {}", text(finding, "found"), text(finding, "advice"));
        (text(finding, "check"), text(finding, "state"), words)
    };
    found["findings"].as_array().unwrap().iter().map(one).collect()
}

fn troubles(findings: &[(String, String, String)]) -> Vec<&(String, String, String)> {
    findings.iter().filter(|(_, state, _)| state == "trouble").collect()
}

#[track_caller]
fn says(findings: &[(String, String, String)], check: &str, words: &[&str]) {
    let found = findings.iter().any(|(name, state, said)| {
        name == check && state == "trouble" && words.iter().all(|word| said.contains(word))
    });
    assert!(found, "{check} {words:?} is not in {findings:#?}");
}

#[test]
fn all_is_well_and_each_server_that_is_not_is_named_with_why() {
    let mut house = House::start_on_servers("doctor");
    let origin = house.origin.clone();
    let platform = ["--platform", &origin];
    let well = findings(&house, &platform);
    assert!(troubles(&well).is_empty(), "{well:#?}");
    let of = |check: &str| well.iter().filter(|(name, _, _)| name == check).count();
    // Four servers show a certificate or have a file of who issued it; all that say a time have ours.
    assert!(of("certificate") >= 6 && of("clock") >= 3 && of("space") == 1, "{well:#?}");
    for check in ["settings", "objects", "mail", "records", "element", "platform"] {
        assert_eq!(of(check), 1, "{check}: {well:#?}");
    }

    // Another authority than the one that issued their certificates.
    let stranger = OwnAuthority::found(&house.scratch.join("stranger"));
    let own = house.servers.authority.as_ref().unwrap().root();
    let settings = std::fs::read_to_string(house.scratch.join("platform.toml")).unwrap();
    let path = |path: &std::path::Path| path.display().to_string();
    house.scratch.write("platform.toml", settings.replace(&path(&own), &path(&stranger.root())));
    let found = findings(&house, &[]);
    for server in ["PostgreSQL", "the object store", "the mail server"] {
        says(&found, "certificate", &[server, "no authority that is trusted here issued it", "put the root"]);
    }
    let asked = found.iter().any(|(check, _, _)| ["records", "objects", "mail"].contains(&check.as_str()));
    assert!(!asked, "who cannot be believed is told no password: {found:#?}");
    house.scratch.write("platform.toml", &settings);

    // Nobody listens; somebody refuses; a list is over.
    house.servers.s3 = None;
    house.servers.smtp.as_ref().unwrap().ask("login");
    house.servers.postgresql.as_mut().unwrap().stop().unwrap();
    let certificate = house.scratch.write("broken.pem", "no certificate");
    let found = findings(&house, &["--certificate", &path(&certificate)]);
    says(&found, "reach", &["the object store", "nobody listens there", "start it"]);
    says(&found, "reach", &["PostgreSQL", "nobody listens there"]);
    says(&found, "mail", &["refuses the login (535)"]);
    says(&found, "certificate", &["broken.pem", "PEM"]);
    house.servers.postgresql.as_mut().unwrap().go_on().unwrap();
    house.element.take().unwrap().stop();
    let found = findings(&house, &platform);
    says(&found, "element", &["does not answer"]);
    says(&found, "platform", &["is not well"]);
}
