//! `sceau cert guide`: what is done is seen in the folder, what is next is said, in both languages.

use std::fs;

use crate::support::Desk;

/// The steps that are done, and the one that is next.
fn stands(desk: &Desk) -> (Vec<String>, String) {
    let said = desk.run(&["cert", "guide", "sas", "--editor", "MonLogiciel", "--json"]).ok().json();
    let done = said["steps"].as_array().unwrap().iter().filter(|step| step["state"] == "done");
    (
        done.map(|step| step["id"].as_str().unwrap().to_owned()).collect(),
        said["next"].as_str().unwrap_or("none").to_owned(),
    )
}

#[test]
fn it_goes_on_as_files_come() {
    let desk = Desk::new();
    let (done, next) = stands(&desk);
    assert_eq!((done.len(), next.as_str()), (0, "test-request"));
    let words = desk.run(&["cert", "guide", "sas", "--language", "fr"]).ok().text();
    assert!(words.contains("Adhérer auprès de l'ANS") && words.contains("→  3. Faire la clé"), "{words}");
    assert!(
        words.contains("sceau cert csr --profile sas --editor <EDITEUR> --env test --folder sas"),
        "{words}"
    );

    // The command that it says is one that works.
    let words =
        desk.run(&["cert", "guide", "sas", "--editor", "MonLogiciel", "--language", "en"]).ok().text();
    let next = words.lines().skip_while(|line| !line.starts_with('→')).nth(1).unwrap().trim();
    let command: Vec<&str> = next.split(' ').skip(1).collect();
    desk.run(&command).ok();
    assert_eq!(stands(&desk), (vec!["test-request".to_owned()], "test-certificate".to_owned()));
    fs::write(desk.path("sas/MonLogiciel_TEST.crt"), b"x").unwrap();
    fs::write(desk.path("sas/ACI-EL-ORG-TEST.cer"), b"x").unwrap();
    assert_eq!(stands(&desk).1, "test-issuer", "the anchor is missing");
    fs::write(desk.path("sas/ACR-EL-TEST.cer.pem"), b"x").unwrap();
    assert_eq!(stands(&desk).1, "test-bundle");
    fs::write(desk.path("sas/MonLogiciel_TEST.key.crt.ca.pem"), b"x").unwrap();
    let (done, next) = stands(&desk);
    assert_eq!((done.len(), next.as_str()), (4, "prod-request"));
}

#[test]
fn the_language_is_the_sessions() {
    let desk = Desk::new();
    let said = |locale: &str| {
        let mut command = desk.sceau(&["cert", "guide", "sas"]);
        command.env_remove("LC_ALL").env_remove("LC_MESSAGES").env("LANG", locale);
        crate::support::finish(command).ok().text()
    };
    assert!(said("fr_FR.UTF-8").contains("Surveiller les échéances"));
    assert!(said("C.UTF-8").contains("Watch when they end"));
}
