use std::collections::BTreeSet;

use sceau_client::{ClientError, Server};
use sceau_element_api::Role;
use serde_json::{Value, json};

use crate::support::{Office, World, form, told};

const ROLES: [&str; 7] = [
    "nobody",
    "citizen",
    "case_officer",
    "supervisor",
    "organisation_admin",
    "platform_admin",
    "the organisation's client",
];

/// A body that its route cannot use: who reaches the route is told so, everybody else is told to stay out.
enum Body {
    None,
    Json(Value),
    Octets,
}

/// A client's session of the organisation's machine.
async fn machine(world: &World, office: &Office) -> Server {
    let server = world.nobody();
    let credentials = (office.credentials.client_id.as_str(), office.credentials.client_secret.as_str());
    let fields = [("grant_type", "client_credentials"), ("scope", "key_manager")];
    let token: Value = server.post_form("/v1/oauth/token", credentials, &fields).await.unwrap();
    server.set_bearer(token["access_token"].as_str().map(str::to_owned));
    server
}

async fn ask(server: &Server, method: &str, path: &str, body: &Body) -> Result<(), ClientError> {
    match (method, body) {
        ("GET", _) => server.get_bytes(path).await.map(drop),
        ("PUT", Body::Octets) => server.put_bytes(path, vec![1; 9], &sceau_crypto::sha256(&[1; 9])).await,
        ("PUT", Body::Json(body)) => server.put::<_, Value>(path, body).await.map(drop),
        (_, Body::Json(body)) => server.post::<_, Value>(path, body).await.map(drop),
        _ => server.post::<_, Value>(path, &json!({})).await.map(drop),
    }
}

/// For each route: what nobody, citizen, case officer, supervisor, organisation and platform administrator, and client get.
#[rustfmt::skip]
fn matrix(office: &Office, sent: &str, draft: &str, index: u64) -> Vec<(&'static str, &'static str, String, Body, [u16; 7])> {
    let (organisation, scheme) = (office.id, office.scheme.id);
    let file = "00112233445566778899aabbccddeeff";
    let unproven = || Body::Json(json!({"payload": "e30", "proof": {"type": "platform-asserted"}}));
    let organisation_form = json!({"name": "X", "siret": null, "contact_email": "a@b.c", "root_fingerprint": "00".repeat(32)});
    let citizen = |status| [401, status, 403, 403, 403, 403, 401];
    let reader = |status| [401, 403, status, status, 403, 403, 401];
    let client = |status| [401, 401, 401, 401, 401, 401, status];
    let platform = |status| [401, 403, 403, 403, 403, status, 401];
    let chief = |status| [401, 403, 403, 403, status, 403, 401];
    // Another credential than the key manager's: see `a_connector_reaches_its_own_routes_and_no_others`.
    let connector = [401; 7];
    vec![
        ("GET", "/v1/deliveries", String::new(), Body::None, connector),
        ("POST", "/v1/deliveries/acknowledge", String::new(), Body::Json(json!({"through": 0})), connector),
        ("POST", "/v1/deliveries/{dossier}/reading", format!("/v1/deliveries/{sent}/reading"), Body::None, connector),
        ("GET", "/v1/organisation/webhook", String::new(), Body::None, chief(200)),
        ("PUT", "/v1/organisation/webhook", String::new(), Body::Json(json!({"url": "https://rh.example.org/sceau"})), chief(200)),
        ("POST", "/v1/organisation/webhook/end", String::new(), Body::None, chief(200)),
        ("POST", "/v1/organisation/webhook/dead-letters/{id}/replay", format!("/v1/organisation/webhook/dead-letters/{sent}/replay"), Body::None, chief(404)),
        ("POST", "/v1/organisation/webhook/dead-letters/{id}/discard", format!("/v1/organisation/webhook/dead-letters/{sent}/discard"),
            Body::Json(json!({"reason": "test"})), chief(404)),
        ("GET", "/v1/administration/deliveries", String::new(), Body::None, platform(200)),
        ("POST", "/v1/administration/deliveries/{id}/replay", format!("/v1/administration/deliveries/{sent}/replay"), Body::None, platform(404)),
        ("POST", "/v1/administration/deliveries/{id}/discard", format!("/v1/administration/deliveries/{sent}/discard"),
            Body::Json(json!({"reason": "test"})), platform(404)),
        ("GET", "/.well-known/http-message-signatures-directory", String::new(), Body::None, [200; 7]),
        ("GET", "/v1/organisation/connectors", String::new(), Body::None, chief(200)),
        ("POST", "/v1/organisation/connectors", String::new(), Body::Json(json!({"name": "Paie"})), chief(200)),
        ("POST", "/v1/organisation/connectors/{id}/end", format!("/v1/organisation/connectors/{sent}/end"), Body::None, chief(404)),
        ("POST", "/v1/organisations/prepare", String::new(), Body::Json(organisation_form), [401, 403, 403, 403, 403, 200, 401]),
        ("POST", "/v1/organisations", String::new(), unproven(), [401, 403, 403, 403, 403, 422, 401]),
        ("GET", "/v1/organisations", String::new(), Body::None, [200; 7]),
        ("GET", "/v1/organisations/{id}", format!("/v1/organisations/{organisation}"), Body::None, [200; 7]),
        ("POST", "/v1/organisations/{id}/root/prepare", format!("/v1/organisations/{organisation}/root/prepare"),
            Body::Json(json!({"root_fingerprint": "00".repeat(32)})), [401, 403, 403, 403, 403, 200, 401]),
        ("POST", "/v1/organisations/{id}/root", format!("/v1/organisations/{organisation}/root"), unproven(), [401, 403, 403, 403, 403, 422, 401]),
        ("POST", "/v1/schemes/prepare", String::new(), Body::Json(form()), [401, 403, 403, 403, 200, 403, 401]),
        ("POST", "/v1/schemes", String::new(), unproven(), [401, 403, 403, 403, 422, 403, 401]),
        ("GET", "/v1/schemes", String::new(), Body::None, [200; 7]),
        ("GET", "/v1/schemes/{id}", format!("/v1/schemes/{scheme}"), Body::None, [200; 7]),
        ("POST", "/v1/dossiers", String::new(), Body::Json(json!({"scheme": scheme})), citizen(200)),
        ("GET", "/v1/dossiers", String::new(), Body::None, citizen(200)),
        ("GET", "/v1/dossiers/{id}", format!("/v1/dossiers/{sent}"), Body::None, citizen(200)),
        ("GET", "/v1/dossiers/{id}/evidence/{index}", format!("/v1/dossiers/{sent}/evidence/{index}"), Body::None, citizen(200)),
        ("PUT", "/v1/dossiers/{id}/files/{file}/header", format!("/v1/dossiers/{draft}/files/{file}/header"), Body::Octets, citizen(422)),
        ("PUT", "/v1/dossiers/{id}/files/{file}/parts/{part}", format!("/v1/dossiers/{draft}/files/{file}/parts/0"), Body::Octets, citizen(409)),
        ("GET", "/v1/dossiers/{id}/files/{file}", format!("/v1/dossiers/{draft}/files/{file}"), Body::None, citizen(200)),
        // Nobody here is the intake; its grant is for a scheme that asks for it.
        ("POST", "/v1/dossiers/{id}/intake", format!("/v1/dossiers/{draft}/intake"), Body::None, citizen(409)),
        ("POST", "/v1/intake/sessions", String::new(), Body::Json(json!({"signed": "x"})), [409; 7]),
        ("PUT", "/v1/intake/files/{file}/header", format!("/v1/intake/files/{file}/header"), Body::Octets, [403; 7]),
        ("PUT", "/v1/intake/files/{file}/parts/{part}", format!("/v1/intake/files/{file}/parts/0"), Body::Octets, [403; 7]),
        ("POST", "/v1/intake/files/{file}/word", format!("/v1/intake/files/{file}/word"), Body::Json(json!({"signed": "x"})), [403; 7]),
        ("POST", "/v1/dossiers/{id}/manifest/prepare", format!("/v1/dossiers/{draft}/manifest/prepare"), Body::None, citizen(200)),
        ("POST", "/v1/dossiers/{id}/submit", format!("/v1/dossiers/{draft}/submit"),
            Body::Json(json!({"manifest": "e30", "proof": {"type": "platform-asserted"}})), citizen(422)),
        // Withdrawing a dossier that was sent is refused to its depositor as well, in other words.
        ("POST", "/v1/dossiers/{id}/withdraw", format!("/v1/dossiers/{sent}/withdraw"), Body::None, citizen(409)),
        ("GET", "/v1/organisation/dossiers", String::new(), Body::None, reader(200)),
        ("POST", "/v1/dossiers/{id}/ticket", format!("/v1/dossiers/{sent}/ticket"), Body::None, reader(200)),
        ("POST", "/v1/tickets/exchange", String::new(), Body::Json(json!({"ticket": "unknown"})), [403; 7]),
        ("GET", "/v1/reading/{dossier}/bundle", format!("/v1/reading/{sent}/bundle"), Body::None, [401; 7]),
        ("GET", "/v1/reading/{dossier}/files/{file}/parts/{part}", format!("/v1/reading/{sent}/files/{file}/parts/0"), Body::None, [401; 7]),
        ("GET", "/v1/organisations/{id}/key-statements", format!("/v1/organisations/{organisation}/key-statements"), Body::None, [200; 7]),
        ("PUT", "/v1/organisations/{id}/key-statements", format!("/v1/organisations/{organisation}/key-statements"), Body::Json(json!({"jws": "x"})), client(400)),
        ("POST", "/v1/organisations/{id}/records", format!("/v1/organisations/{organisation}/records"), Body::Json(json!({"jws": []})), client(200)),
        ("POST", "/v1/organisations/{id}/decisions", format!("/v1/organisations/{organisation}/decisions"), Body::Json(json!({"jws": "x"})), client(400)),
        ("GET", "/v1/organisations/{id}/open-dossiers", format!("/v1/organisations/{organisation}/open-dossiers"), Body::None, client(200)),
        ("GET", "/v1/organisations/{id}/dossiers/{dossier}/headers", format!("/v1/organisations/{organisation}/dossiers/{draft}/headers"), Body::None, client(404)),
        ("PUT", "/v1/organisations/{id}/dossiers/{dossier}/headers", format!("/v1/organisations/{organisation}/dossiers/{draft}/headers"), Body::Json(json!({"record": "x", "files": []})), client(404)),
        ("GET", "/check", String::new(), Body::None, [200; 7]),
        ("GET", "/v1/config", String::new(), Body::None, [200; 7]),
        ("GET", "/v1/openapi.json", String::new(), Body::None, [200; 7]),
        ("GET", "/trace/checkpoint", String::new(), Body::None, [200; 7]),
        ("GET", "/trace/cosigned", String::new(), Body::None, [404; 7]),
        ("GET", "/trace/policy", String::new(), Body::None, [404; 7]),
        ("GET", "/trace/stamp-anchors", String::new(), Body::None, [404; 7]),
        ("GET", "/trace/tile/{path}", "/trace/tile/entries/000.p/1".to_owned(), Body::None, [200; 7]),
        ("GET", "/v1/trace/evidence/{index}", format!("/v1/trace/evidence/{index}"), Body::None, [200; 7]),
        ("GET", "/v1/trace/consistency", "/v1/trace/consistency?from=1&to=2".to_owned(), Body::None, [200; 7]),
        ("GET", "/v1/trace/records", "/v1/trace/records?start=0&count=2".to_owned(), Body::None, [200; 7]),
    ]
}

#[tokio::test]
async fn every_route_for_every_role() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let office = world.office(&administrator, "lyon").await;
    let citizen = world.citizen("citizen@example.org").await;
    let deposited = office.deposit(&citizen, world.clock_now()).await;
    let draft: Value =
        citizen.server().post("/v1/dossiers", &json!({"scheme": office.scheme.id})).await.unwrap();
    let (nobody, client) = (world.nobody(), machine(&world, &office).await);
    let servers: [&Server; 7] = [
        &nobody,
        citizen.server(),
        office.officer.server(),
        office.supervisor.server(),
        office.chief.server(),
        administrator.server(),
        &client,
    ];
    let sent = deposited.dossier.to_string();
    let matrix = matrix(&office, &sent, draft["id"].as_str().unwrap(), deposited.receipt.index);
    for (method, route, path, body, expected) in &matrix {
        let path = if path.is_empty() { route } else { path.as_str() };
        for ((role, server), status) in ROLES.iter().zip(servers).zip(expected) {
            let answer = ask(server, method, path, body).await;
            assert_eq!(told(&answer).0, *status, "{role} {method} {path}: {answer:?}");
        }
    }
    // Data officers reach what everybody does, and nothing else.
    let officer = world.invited(&office.chief, Role::DataOfficer, None, "data@lyon").await;
    for (method, route, path, body, expected) in &matrix {
        let path = if path.is_empty() { route } else { path.as_str() };
        let status = if expected.contains(&403) { 403 } else { expected[1] };
        let answer = ask(officer.server(), method, path, body).await;
        assert_eq!(told(&answer).0, status, "data_officer {method} {path}: {answer:?}");
    }
    for (method, route, _, _, expected) in &matrix {
        let security = &world.document["paths"][route][method.to_lowercase()]["security"];
        assert!(says(security, expected), "{method} {route} is documented as {security}");
    }
    // No route escapes the matrix; a new one must say who reaches it. Those of people are in a matrix of the accounts.
    let listed: BTreeSet<(String, String)> =
        matrix.iter().map(|(method, route, ..)| (method.to_lowercase(), (*route).to_owned())).collect();
    let (_, people) = sceau_accounts::routes(world.accounts.clone()).split_for_parts();
    let served = world.document["paths"].as_object().unwrap().iter();
    let served =
        served.filter(|(path, _)| !people.paths.paths.contains_key(*path)).flat_map(|(path, methods)| {
            methods.as_object().unwrap().keys().map(|method| (method.clone(), path.clone()))
        });
    assert_eq!(served.collect::<BTreeSet<_>>(), listed);
}

/// Whether the document says of a route who was seen to reach it.
fn says(security: &Value, seen: &[u16; 7]) -> bool {
    let [only] = security.as_array().unwrap().as_slice() else { return false };
    let Some((scheme, names)) = only.as_object().unwrap().iter().next() else {
        return seen.iter().all(|status| *status == seen[0]);
    };
    // There is no intake in this world: everybody is as far from being one.
    if scheme == "intake" {
        return seen.iter().all(|status| *status == seen[0] && *status >= 400);
    }
    let names: Vec<&str> = names.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let reach = |role: &str| match scheme.as_str() {
        "session" => names.contains(&role),
        "client" => role == "the organisation's client" && names == ["key_manager"],
        // Nobody in the matrix holds such a token.
        "reading" => false,
        other => panic!("{other}"),
    };
    ROLES.iter().zip(seen).all(|(role, status)| reach(role) != matches!(status, 401 | 403))
}

#[tokio::test]
async fn what_is_anothers_is_as_good_as_absent() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let (lyon, lille) =
        (world.office(&administrator, "lyon").await, world.office(&administrator, "lille").await);
    let citizen = world.citizen("citizen@example.org").await;
    let other = world.citizen("other@example.org").await;
    let deposited = lyon.deposit(&citizen, world.clock_now()).await;
    let path = format!("/v1/dossiers/{}", deposited.dossier);
    let file = "00112233445566778899aabbccddeeff";
    let nobodys = "/v1/dossiers/0b0c9f5e-8d5c-4b43-9d39-6d2f3a0c1e77";
    for path in [path.as_str(), nobodys] {
        let server = other.server();
        assert_eq!(told(&server.get::<Value>(path).await), (404, "not_found"));
        let evidence = server.get::<Value>(&format!("{path}/evidence/{}", deposited.receipt.index)).await;
        assert_eq!(told(&evidence), (404, "not_found"));
        assert_eq!(told(&server.get::<Value>(&format!("{path}/files/{file}")).await), (404, "not_found"));
        for (method, path, body) in [
            ("PUT", format!("{path}/files/{file}/header"), Body::Octets),
            ("PUT", format!("{path}/files/{file}/parts/0"), Body::Octets),
            ("POST", format!("{path}/manifest/prepare"), Body::None),
        ] {
            assert_eq!(told(&ask(server, method, &path, &body).await), (404, "not_found"), "{path}");
        }
        assert_eq!(
            told(&lille.officer.server().post::<_, Value>(&format!("{path}/ticket"), &json!({})).await),
            (404, "not_found")
        );
    }
    let proven = json!({"manifest": sceau_element_api::Base64Url(deposited.manifest.clone()), "proof": {"type": "platform-asserted"}});
    let submitted = other.server().post::<_, Value>(&format!("{path}/submit"), &proven).await;
    assert_eq!(told(&submitted), (404, "not_found"));
    assert!(other.server().get::<Vec<Value>>("/v1/dossiers").await.unwrap().is_empty());
    assert!(lille.officer.server().get::<Vec<Value>>("/v1/organisation/dossiers").await.unwrap().is_empty());
    assert_eq!(lyon.officer.server().get::<Vec<Value>>("/v1/organisation/dossiers").await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_client_acts_for_its_own_organisation_only() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let (lyon, lille) =
        (world.office(&administrator, "lyon").await, world.office(&administrator, "lille").await);
    let client = machine(&world, &lyon).await;
    for (method, what, body) in [
        ("PUT", "key-statements", json!({"jws": "x"})),
        ("POST", "records", json!({"jws": []})),
        ("POST", "decisions", json!({"jws": "x"})),
        ("GET", "open-dossiers", Value::Null),
        ("GET", "dossiers/0d4ee4a0-54a4-4a7c-a2b4-7d5e3f2f0a11/headers", Value::Null),
        ("PUT", "dossiers/0d4ee4a0-54a4-4a7c-a2b4-7d5e3f2f0a11/headers", json!({"record": "x", "files": []})),
    ] {
        let path = format!("/v1/organisations/{}/{what}", lille.id);
        let answer = ask(&client, method, &path, &Body::Json(body)).await;
        assert_eq!(told(&answer), (403, "foreign_organisation"), "{method} {path}");
    }
}

#[tokio::test]
async fn an_id_that_is_none_is_a_problem_like_any_other() {
    let world = World::new().await;
    for path in ["/v1/organisations/..%2F..%2Fetc", "/v1/schemes/NOT-A-UUID", "/v1/trace/evidence/-1"] {
        assert_eq!(told(&world.nobody().get::<Value>(path).await), (404, "not_found"), "{path}");
    }
    assert_eq!(told(&world.nobody().get::<Value>("/v1/trace/records?start=x").await), (400, "malformed"));
}
