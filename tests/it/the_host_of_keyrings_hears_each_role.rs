//! Each place of the host of keyrings hears whom its document says, and nobody else; support and registration authorities see their own policies, and of reports what is theirs to see.

use sceau_element_api::KeyringId;
use sceau_keyrings::{Hears, ROUTES};
use sceau_tests::keyrings::{Keyrings, POLICY, PROVIDER, refused, said};
use serde_json::{Value, json};

type IsHeard = fn(Hears) -> bool;

/// Every actor, and whether a place hears it.
const ACTORS: [(&str, IsHeard); 5] = [
    ("officer", |hears| matches!(hears, Hears::Anybody | Hears::Officer)),
    ("sp", |hears| matches!(hears, Hears::Anybody | Hears::Provider)),
    ("ra", |hears| matches!(hears, Hears::Anybody | Hears::Helper)),
    ("support", |hears| matches!(hears, Hears::Anybody | Hears::Helper)),
    ("stranger", |hears| hears == Hears::Anybody),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_place_hears_who_its_document_says() {
    let keyrings = Keyrings::start("keyring-roles");
    for route in ROUTES {
        let path = route.path.replace("{kind}", "keyring-policy").replace("{id}", POLICY);
        let path =
            path.replace("{policy}", POLICY).replace("{request}", "a3bb189e-8bf9-4c54-9d3f-1f2f6d8e0c01");
        let ask = async |actor| {
            let body = (route.method == "post").then(|| ("application/json", "{}".to_owned()));
            keyrings.ask_host(actor, (route.method, &path), body).await
        };
        let turned_away = |answer: &(u16, Value)| {
            let code = answer.1["code"].as_str().unwrap_or_default();
            matches!(code, "certificate_missing" | "role_other" | "actor_unknown")
        };
        let nobody = ask(None).await;
        assert_eq!(turned_away(&nobody), route.hears != Hears::Anybody, "{path}: {nobody:?}");
        if route.hears != Hears::Anybody {
            assert_eq!((nobody.0, &nobody.1["code"]), (401, &json!("certificate_missing")), "{path}");
        }
        for (actor, hears) in ACTORS {
            let answer = ask(Some(actor)).await;
            assert_eq!(turned_away(&answer), !hears(route.hears), "{path}, {actor}: {answer:?}");
            assert!(answer.0 != 404 || answer.1["code"] != "not_found", "{path}: {answer:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn support_sees_keyrings_and_reports_of_its_policies_and_no_words_of_them() {
    let keyrings = Keyrings::start("keyring-reports");
    let (keyring, folder) = keyrings.activated("k", "Marie Curie");
    keyrings.hand_over("waits", "Pierre Curie");
    let lease = keyrings.scratch.write("lease.pdf", b"x");
    let request = said(&keyrings.leave("sp", &keyring.id, &lease).success(), "/request");
    let why = ["--request", &request, "--why", "insistent"];
    keyrings.terminal("report", &folder).args(why).run().success();
    let get = async |actor, path: &str| keyrings.ask_host(Some(actor), ("get", path), None).await;

    let (_, kept) = get("sp", &format!("/v1/keyrings/requests/{request}")).await;
    assert_eq!(kept["state"], "rejected");
    let hash = sceau_trace::sha256(kept["jws"].as_str().unwrap().as_bytes());
    let hash = sceau_element_api::Base64Url::from(hash.as_bytes().as_slice()).encode();
    let reports = format!("/v1/keyrings/policies/{POLICY}/reports");
    let (status, seen) = get("support", &reports).await;
    assert_eq!(status, 200, "{seen}");
    let seen = seen["reports"].as_array().unwrap();
    assert_eq!(seen.len(), 1, "{seen:?}");
    let (report, of) =
        (seen[0].as_object().unwrap(), |name: &str| seen[0][name].as_str().unwrap().to_owned());
    assert_eq!(
        [of("request"), of("keyring"), of("reason"), of("hash")],
        [request, keyring.id.clone(), "insistent".to_owned(), hash]
    );
    assert_eq!(report.len(), 5, "and when: no word of what was asked, nor who asked: {report:?}");
    // The authority knows the holder, and is told who asked.
    let (_, seen) = get("ra", &reports).await;
    assert_eq!(seen["reports"][0]["provider"], PROVIDER);

    let (_, listed) = get("support", "/v1/keyrings/policies").await;
    assert_eq!(listed["policies"][0]["policy"], POLICY);
    let all = format!("/v1/keyrings/policies/{POLICY}/keyrings");
    let (_, listed) = get("support", &all).await;
    assert_eq!(listed["keyrings"].as_array().unwrap().len(), 2, "{listed}");
    let (_, listed) = get("support", &format!("{all}?phase=active")).await;
    assert_eq!(listed["keyrings"].as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(listed["keyrings"][0]["keyring"]["keyring"], keyring.id.as_str());
    assert!(!listed.to_string().contains("Curie"), "no person is in it: {listed}");
    // Of another policy nothing is told, whether there is one or not.
    for what in ["keyrings", "reports"] {
        let path = format!("/v1/keyrings/policies/9a1d7c52-0b0e-4c0f-8a52-51b8f0f1cfff/{what}");
        for actor in ["support", "ra"] {
            let (status, told) = get(actor, &path).await;
            assert_eq!((status, &told["code"]), (422, &json!("policy_unknown")), "{path}");
        }
    }
}

/// Who asks learns of no keyring while the element is away what they do not learn else: what is known is told, and what is not is not.
#[tokio::test(flavor = "multi_thread")]
async fn requests_are_judged_by_what_is_known_while_the_element_is_away() {
    let mut keyrings = Keyrings::start("keyring-away");
    let (keyring, _) = keyrings.activated("k", "Marie Curie");
    let lease = keyrings.scratch.write("lease.pdf", b"x");
    keyrings.leave("sp", &keyring.id, &lease).success();
    keyrings.stop_element();
    keyrings.leave("sp", &keyring.id, &lease).success();
    let nobodys = KeyringId::random().to_string();
    assert_eq!(refused(&keyrings.leave("sp", &nobodys, &lease)), "keyring_unknown");
}
