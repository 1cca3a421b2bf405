//! The shipped profile against the platform's own description, value by value; and files that are no profile.

use sceau_pki::{Done, FlowRole, KeyAlgorithm, Name, Profile, ProfileError};

fn sas() -> Profile {
    Profile::read(include_str!("../../profiles/sas.toml")).unwrap()
}

/// What is the same in each text of the profile, with one part changed.
fn changed(from: &str, to: &str) -> ProfileError {
    let text = include_str!("../../profiles/sas.toml");
    assert!(text.contains(from), "{from}");
    Profile::read(&text.replacen(from, to, 1)).unwrap_err()
}

#[test]
fn each_environment_calls_under_its_own_name_from_its_own_address() {
    let sas = sas();
    let known = [
        ("recette", "sas-agregateur-recette", "499700234190004", "51.91.149.173", "integration", "test"),
        (
            "preproduction",
            "sas-aggregator-preproduction",
            "499700343942006",
            "37.59.26.69",
            "preproduction",
            "test",
        ),
        (
            "production",
            "sas-aggregator-production",
            "318751275100020",
            "51.68.88.222",
            "production",
            "production",
        ),
    ];
    assert_eq!(
        sas.environments.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(),
        known.map(|one| one.0)
    );
    for (id, name, unit, address, host, chain) in known {
        let environment = sas.environment(id).unwrap();
        assert_eq!(
            (environment.common_name().as_str(), environment.organizational_units()),
            (name, vec![unit.to_owned()])
        );
        assert_eq!(environment.addresses, [address.parse::<std::net::IpAddr>().unwrap()]);
        assert_eq!(environment.url, format!("https://sas-agregateur.{host}.santefr.esante.gouv.fr/"));
        assert_eq!(sas.chain_of(environment).unwrap().id, chain);
        assert!(environment.rule().permits(&environment.subject));
        let alike: Name = format!("CN={name}x,OU={unit}").parse().unwrap();
        assert!(!environment.rule().permits(&alike));
    }
    let subjects = [
        "CN=sas-agregateur-recette,OU=499700234190004,O=CABINET MLLE DENTISTE0023419,ST=Paris (75),C=FR",
        "CN=sas-aggregator-preproduction,OU=499700343942006,O=CABINET M. MASSEUR0034394,ST=Paris (75),C=FR",
        "CN=sas-aggregator-production,OU=318751275100020,O=AGENCE DU NUMERIQUE EN SANTE,ST=Paris (75),C=FR",
    ];
    assert_eq!(sas.environments.iter().map(|one| one.subject.to_string()).collect::<Vec<_>>(), subjects);
}

#[test]
fn chains_lists_and_the_state_of_one_certificate_are_where_they_are_published() {
    let sas = sas();
    let base = "http://igc-sante.esante.gouv.fr";
    for (id, page, folder, suffix) in
        [("recette", "PC%20TEST/", "AC%20TEST", "-TEST"), ("production", "PC/#ca", "AC", "")]
    {
        let chain = sas.chain_of(sas.environment(id).unwrap()).unwrap();
        assert_eq!(chain.page, format!("{base}/{page}"));
        for (authority, name) in [(&chain.anchor, "ACR-EL"), (&chain.issuer, "ACI-EL-ORG")] {
            assert_eq!(authority.file, format!("{name}{suffix}.cer"));
            assert_eq!(authority.certificate_url, format!("{base}/{folder}/{name}{suffix}.cer"));
            assert_eq!(authority.list_file, format!("{name}{suffix}.crl"));
            assert_eq!(authority.list_url, format!("{base}/CRL/{name}{suffix}.crl"));
        }
        assert_eq!(chain.lists_file, format!("ACR-ACI-EL-ORG{suffix}.crl.pem"));
        assert_eq!(chain.certificates_file, format!("ACI-ACR-EL-ORG{suffix}.cer.pem"));
    }
    assert_eq!(sas.ocsp.as_deref(), Some("http://ocsp.esante.gouv.fr"));
    assert_eq!(
        (sas.lists_renewed_from.as_deref(), sas.tls.depth, sas.tls.least.as_str()),
        (Some("07:00"), 10, "1.2")
    );
    assert_eq!((sas.check_path.as_str(), sas.check_available.as_str()), ("/check", "available"));
}

#[test]
fn requests_and_files_are_named_after_the_software() {
    let sas = sas();
    assert_eq!(sas.key, KeyAlgorithm::Rsa2048);
    for (id, same_as, small, large, chain) in
        [("test", "recette", "test", "TEST", "test"), ("prod", "production", "prod", "PROD", "production")]
    {
        let naming = sas.client(id).unwrap().of("MonLogiciel").unwrap();
        assert_eq!(naming.common_name, format!("sas-agregateur-{small}-MonLogiciel"));
        assert_eq!(
            naming.files(),
            [
                format!("MonLogiciel_{small}.key").as_str(),
                &format!("MonLogiciel_{small}.csr"),
                &format!("MonLogiciel_{large}.crt"),
                &format!("MonLogiciel_{large}.key.crt.ca.pem"),
            ]
        );
        assert_eq!(sas.chain_of_client(&naming).unwrap().id, chain);
        assert_eq!(sas.client(same_as).unwrap().id, id);
    }
    assert_eq!(sas.client("preproduction").unwrap().id, "test");
    let naming = sas.client("test").unwrap();
    for bad in ["", "a/b", "../x", ".cache", "-o", "mon logiciel", "é", "a\nb", &"x".repeat(45)] {
        assert!(matches!(naming.of(bad), Err(ProfileError::Editor(_))), "{bad:?}");
    }
}

#[test]
fn each_flow_says_who_calls() {
    let sas = sas();
    let codes =
        |role| sas.flows.iter().filter(move |flow| flow.publisher == role).map(|flow| flow.code.as_str());
    assert_eq!(codes(FlowRole::Server).collect::<Vec<_>>(), ["R01", "R04", "SOS1", "R02"]);
    assert_eq!(codes(FlowRole::Client).collect::<Vec<_>>(), ["R03"]);
}

#[test]
fn an_authority_is_known_by_its_name() {
    let sas = sas();
    let issuer = &sas.chain_of(sas.environment("production").unwrap()).unwrap().issuer;
    let name = |text: &str| text.parse::<Name>().unwrap();
    assert!(issuer.names(&name(
        "CN=AC IGC-SANTE ELEMENTAIRE ORGANISATIONS,OU=IGC-SANTE,OU=0002 187512751,O=ASIP-SANTE,C=FR"
    )));
    assert!(!issuer.names(&name("CN=AC IGC-SANTE ELEMENTAIRE ORGANISATIONS,OU=AUTRE,C=FR")));
    assert!(!issuer.names(&name("CN=AC IGC-SANTE ELEMENTAIRE PERSONNES,OU=IGC-SANTE,C=FR")));
    let test = &sas.chain_of(sas.environment("recette").unwrap()).unwrap().issuer;
    assert!(test.names(&name("CN=TEST AC IGC-SANTE ELEMENTAIRE ORGANISATIONS,OU=IGC-SANTE TEST,C=FR")));
    assert!(!test.names(&name("CN=AC IGC-SANTE ELEMENTAIRE ORGANISATIONS,OU=IGC-SANTE,C=FR")));
}

#[test]
fn what_is_no_profile_is_refused_with_its_place() {
    for (from, to) in [
        ("title = \"Plateforme", "titel = \"Plateforme"),
        ("depth = 10", "depth = 10\nwidth = 3"),
        ("addresses = [\"51.91.149.173\"]", "addresses = [\"51.91.149.1730\"]"),
        ("publisher = \"client\"", "publisher = \"both\""),
    ] {
        assert_eq!(changed(from, to).code(), "profile_malformed", "{to}");
    }
    for (from, to, place) in [
        ("rsa-2048", "rsa-1024", "key.kind"),
        ("chain = \"test\"\nclient", "chain = \"tset\"\nclient", "environment recette, chain"),
        ("client = \"prod\"", "client = \"live\"", "environment production, client"),
        ("id = \"preproduction\"", "id = \"recette\"", "environment recette"),
        ("subject = \"CN=sas-agregateur-recette,", "subject = \"", "environment recette, subject"),
        ("sas-agregateur-test-<EDITEUR>", "sas-agregateur-test", "client test, common_name"),
        ("key_file = \"<EDITEUR>", "key_file = \"../<EDITEUR>", "client test"),
        ("common_name_begins = \"TEST AC\"", "", "chain test, anchor"),
        ("of = \"test\"", "of = \"tset\"", "step test-cards, of"),
        ("of = \"test\"\ndone", "done", "step test-request, of"),
    ] {
        let error = changed(from, to);
        assert!(
            matches!(&error, ProfileError::Setting { place: found, .. } if found.starts_with(place)),
            "{error}"
        );
    }
}

#[test]
fn each_step_is_told_in_both_languages_and_names_files_as_the_profile_does() {
    let sas = sas();
    assert_eq!(sas.steps.len(), 15);
    for step in &sas.steps {
        for words in [&step.fr, &step.en] {
            assert!(!words.title.is_empty() && words.text.len() > 40, "{}", step.id);
            for word in words.text.split([' ', ',', ';']).filter(|word| word.starts_with("<EDITEUR>")) {
                let known = |client: &sceau_pki::ClientNaming| {
                    client.files().iter().any(|file| word.trim_end_matches('.') == *file)
                };
                assert!(word == "<EDITEUR>" || sas.clients.iter().any(known), "{}: {word}", step.id);
            }
        }
    }
    for client in &sas.clients {
        let done: Vec<_> = sas
            .steps
            .iter()
            .filter(|step| step.of.as_deref() == Some(&client.id))
            .filter_map(|step| step.done)
            .collect();
        assert_eq!(done, [Done::Request, Done::Certificate, Done::Issuer, Done::Bundle], "{}", client.id);
    }
}

#[test]
fn what_is_shipped_can_be_read() {
    assert_eq!(Profile::shipped_names().collect::<Vec<_>>(), ["sas"]);
    assert!(
        Profile::shipped_names()
            .all(|name| Profile::shipped(name).is_some_and(|profile| profile.name == name))
    );
    assert!(Profile::shipped("nobody").is_none());
}
