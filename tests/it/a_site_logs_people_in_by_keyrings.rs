//! Ordinary sites log people in by their keyrings: with a client library that we did not write, a real terminal, a real host, a real element.

use sceau_tests::keyrings::{Keyrings, PROVIDER_NAME, said};
use sceau_tests::provider::{LoginProvider, SECRET, over};
use serde_json::{Value, json};

const HOLDER: &str = "Marie Curie";

fn clients() -> String {
    let hash = hex::encode(sceau_crypto::sha256(SECRET.as_bytes()));
    format!(
        "[[provider.clients]]\nid = \"library\"\nname = \"Bibliothèque de Lyon\"\nredirect_uris = [\"https://site.example/callback\"]\n\
         auth = \"client_secret_basic\"\nsecret_sha256 = \"{hash}\"\nscopes = [\"openid\", \"profile\"]\ngrants = [\"authorization_code\", \"ciba\"]\n\
         [[provider.clients]]\nid = \"other\"\nname = \"Piscine\"\nredirect_uris = [\"https://site.example/callback\"]\n\
         auth = \"none\"\nsector = \"piscine.example\"\n"
    )
}

fn raised(name: &str) -> (Keyrings, LoginProvider, String, std::path::PathBuf) {
    let keyrings = Keyrings::start_with(name, json!({"discloses": "identity"}));
    let (keyring, folder) = keyrings.holder("k", HOLDER);
    let provider = LoginProvider::start(&keyrings, &clients());
    provider.tend(&["holder", "add", "M.Curie", &keyring.id]).success();
    (keyrings, provider, keyring.id, folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_logs_in_with_a_browser() {
    let (keyrings, provider, keyring, folder) = raised("provider-code");
    let mut site = provider.site(&keyrings, &json!({"pushed": true}));
    let number = site.said("/number").to_owned();
    let shown = keyrings.says_yes(&folder).success();
    for words in [PROVIDER_NAME, "Bibliothèque de Lyon", number.as_str(), "Your name", "your name"] {
        let shown = shown.stderr.to_lowercase();
        assert!(shown.contains(&words.to_lowercase()), "{words} is not shown:\n{shown}");
    }
    let end = over(&mut site);
    let subject =
        end["claims"]["sub"].as_str().unwrap_or_else(|| panic!("{end}\n{}", provider.log())).to_owned();
    assert!(subject.len() == 43 && !subject.contains(&keyring));
    assert_eq!(end["claims"]["amr"], json!(["pin", "swk", "mfa"]));
    assert_eq!(end["info"], json!({"sub": subject, "name": HOLDER}));
    // A code is good once; whoever uses it again ends what was handed out for it.
    assert_eq!((&end["again"], &end["after"]), (&json!("invalid_grant"), &json!(401)));

    // Another sector knows the same person by another name, and is told none where it asks for none.
    let mut other = provider
        .site(&keyrings, &json!({"client": "other", "secret": null, "parameters": {"scope": "openid"}}));
    let _ = other.said("/number");
    keyrings.says_yes(&folder).success();
    let end = over(&mut other);
    assert!(end["claims"]["sub"].as_str().is_some_and(|other| other != subject), "{end}");
    assert_eq!(end["info"].as_object().map(serde_json::Map::len), Some(1));

    // The provider can show who logged in, to anybody who has the element's key.
    let logins = provider.tend(&["logins", "--client", "library"]).success();
    let id = said(&logins, "/logins/0/id");
    let (request, proof) = (keyrings.scratch.join("kept.request"), keyrings.scratch.join("kept.proof"));
    let files = ["--request", request.to_str().unwrap(), "--proof", proof.to_str().unwrap()];
    provider.tend(&[&["evidence", &id], files.as_slice()].concat()).success();
    let verified = keyrings.verify(&request, &request, &[]).success();
    assert_eq!(
        (said(&verified, "/keyring"), said(&verified, "/kind")),
        (keyring.clone(), "authenticate".into())
    );
    // No name and no number of a keyring is in its log.
    let log = provider.log();
    assert!(log.contains("somebody logged in"));
    assert!(![HOLDER, "m.curie", &keyring, &subject].iter().any(|secret| log.contains(*secret)), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_says_no() {
    let (keyrings, provider, _, folder) = raised("provider-no");
    let mut site = provider.site(&keyrings, &json!({}));
    let _ = site.said("/number");
    let request = keyrings.waiting_request(&folder);
    keyrings.terminal("report", &folder).args(["--request", &request, "--why", "stranger"]).run().success();
    assert_eq!(over(&mut site)["error"], "access_denied");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_asks_without_a_browser() {
    let (keyrings, provider, _, folder) = raised("provider-ciba");
    let more = json!({"flow": "ciba", "parameters": {"binding_message": "Guichet 4, dossier W-118"}});
    let mut site = provider.site(&keyrings, &more);
    let shown = keyrings.says_yes(&folder).success();
    assert!(shown.stderr.contains("The site says: Guichet 4, dossier W-118"), "{}", shown.stderr);
    let end: Value = over(&mut site);
    assert_eq!(end["info"]["name"], HOLDER, "{end}\n{}", provider.log());
    assert_eq!(end["after"], 401, "a token that was taken back");
    // What reads as something else is not passed on.
    let more = json!({"flow": "ciba", "parameters": {"binding_message": "pay\u{202e}all"}});
    assert_eq!(over(&mut provider.site(&keyrings, &more))["error"], "invalid_binding_message");
}

#[test]
fn the_doctor_says_whether_anybody_could_be_asked() {
    let keyrings = Keyrings::start("provider-doctor");
    let provider = LoginProvider::start(&keyrings, &clients());
    let found = provider.doctor(&keyrings, ["", ""], "");
    assert!(found.troubles().is_empty(), "{found:#?}");
    found.say("provider", "well", &["the host of keyrings knows its certificate"]);
    // Another actor's certificate and key: the host knows it, and as no provider.
    let found = provider.doctor(&keyrings, ["/sp.", "/ra."], "");
    found.say("provider", "trouble", &["the host of keyrings:", "the security officer registers"]);
    let found = provider.doctor(&keyrings, ["name = \"Piscine\"", "name = \"Bibliothèque de lyon\""], "");
    found.say("provider", "trouble", &["another client has this name", "log-in-with-a-keyring.md"]);
    let folder = keyrings.scratch.join("csc");
    std::fs::create_dir(&folder).unwrap();
    let csc = format!(
        "[provider.csc]\ncredentials_folder = {folder:?}\nregion = \"FR\"\nlogo = \"https://example.org/logo.png\"\n"
    );
    let found = provider.doctor(&keyrings, ["", ""], &csc);
    found.say("provider", "notice", &["certificates of holders who sign: 0", "nobody can sign"]);
    std::fs::write(folder.join("somebody.pem"), "").unwrap();
    let found = provider.doctor(&keyrings, ["", ""], &csc);
    found.say("provider", "trouble", &["somebody.pem is no KEYRING.pem"]);
}
