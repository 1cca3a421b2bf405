//! The page that says how revocation is checked, made of the file that is in force.

use sceau_gate::{Language, Plan};

use crate::{
    lists::{List, publish},
    outside::{chain, usual},
};

#[test]
fn it_names_who_by_what_and_what_happens_without() {
    let folder = tempfile::tempdir().unwrap();
    publish(&folder.path().join("clients.crl"), &List::of_clients("2B", &["revoked"]).make());
    let lists = [
        format!("{}/root.crl", chain().display()),
        "clients.crl".to_owned(),
        "http://127.0.0.1:9/<b>.crl".replace(['<', '>'], "_"),
    ];
    let settings = usual("127.0.0.1:9".parse().unwrap(), &lists);
    let file = folder.path().join("gate.toml");
    std::fs::write(&file, format!("{settings}[lists]\nfetch_from = \"23:00\"\nfetch_within = \"2h\"\n"))
        .unwrap();
    // 2026-11-21T22:00:00Z
    let page = |lang| Plan::read(&file).unwrap().statement(lang, 1_795_298_400_000);
    let french = page(Language::French);
    for part in [
        "<html lang=\"fr\">",
        "2026-11-21T22:00:00Z",
        "<code>recette</code>",
        "<td>/mtls-protect/</td>",
        "<td>sas-agregateur-recette</td><td>499700234190004</td><td>toute adresse</td>",
        "Adresses d’appel admises : 127.0.0.1.",
        "entre 23:00 et 01:00 UTC",
        "<td>2b</td>",
        "aucune encore",
        "Aucun débrayage n’est configuré.",
        "ancre de confiance",
        "Seuls les certificats émis par « ",
    ] {
        assert!(french.to_lowercase().contains(&part.to_lowercase()), "{part}: {french}");
    }
    assert!(!french.contains("<td>/</td>"), "the route that is anybody's is not theirs: {french}");
    assert!(french.contains("Aucun répondeur n’est interrogé."), "{french}");
    let open = "ocsp = { responder = \"http://ocsp.example/\", nonce = \"demanded\" }\nfail_open = { maximum_age = \"90m\", journal = \"unchecked.jsonl\" }\naddresses =";
    std::fs::write(&file, settings.replace("addresses =", open)).unwrap();
    let english = page(Language::English);
    assert!(
        english.contains("less than 1 h 30 min ago") && english.contains("between 07:00 and 11:00 UTC"),
        "{english}"
    );
    for part in ["asked: http://ocsp.example/. It has 2 seconds", "must repeat", "Its answer decides"] {
        assert!(english.contains(part), "{part}: {english}");
    }
    let besides = "policies = [\"1.2.250.1.71.1.2.50\"]\ndepth = 1\ntypes = [{ extension = \"1.2.250.1.71.1.2.2\", text = \"a\" }, { extension = \"1.2.250.1.71.1.2.1\", text = \"a\" }, { extension = \"1.2.250.1.71.1.2.2\", text = \"b\" }]\naddresses =";
    std::fs::write(&file, settings.replace("addresses =", besides)).unwrap();
    let french = page(Language::French);
    for part in [
        "entre un certificat et son ancre : 1.",
        "Tous les clients : le certificat doit être émis selon l’une de ces politiques : 1.2.250.1.71.1.2.50.",
        "dans l’une de ces extensions : 1.2.250.1.71.1.2.1, 1.2.250.1.71.1.2.2.",
    ] {
        assert!(french.contains(part), "{part}: {french}");
    }
    // Lists that certificates name alone, and of which none was learnt yet.
    let (before, rest) = settings.split_once("revocation_lists = ").unwrap();
    let after = rest.split_once('\n').unwrap().1;
    std::fs::write(&file, format!("{before}distribution_points = [\"lists.example\"]\n{after}")).unwrap();
    let (french, english) = (page(Language::French), page(Language::English));
    assert!(french.contains("à ces hôtes et à nul autre : lists.example."), "{french}");
    for page in [&french, &english] {
        assert!(!page.contains("<tbody>\n</tbody>") && page.contains("07:00"), "{page}");
    }
    assert!(!english.contains("<script") && english.contains("default-src 'none'"), "{english}");
}
