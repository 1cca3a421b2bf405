use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Method, Request};
use axum::routing::post;
use sceau_accounts::{
    Accounts, Authorised, CaseOfficer, Citizen, DataSteward, Inviter, OrganisationAdmin, OrganisationStaff,
    PlatformAdmin, Reader, Supervisor,
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::{ORIGIN, World};

const ROLES: [&str; 7] = [
    "nobody",
    "citizen",
    "case_officer",
    "supervisor",
    "organisation_admin",
    "data_officer",
    "platform_admin",
];

/// A world with one person of each role; cookies in the order of [`ROLES`].
async fn everybody() -> (World, [String; 7], sceau_element_api::OrganisationId) {
    let world = World::new().await;
    let mut admin = world.first_administrator().await;
    let citizen = world.register("citizen@example.org", None).await;
    let organisation = world.organisation(&mut admin, "Ville de Lyon").await;
    let mut boss =
        world.staff(&mut admin, "organisation_admin", Some(organisation), "boss@example.org").await;
    let officer = world.staff(&mut boss, "case_officer", None, "officer@example.org").await;
    let supervisor = world.staff(&mut boss, "supervisor", Some(organisation), "supervisor@example.org").await;
    let data = world.staff(&mut boss, "data_officer", None, "data@example.org").await;
    let staff = [officer.cookie, supervisor.cookie, boss.cookie, data.cookie, admin.cookie];
    let [officer, supervisor, boss, data, admin] = staff;
    let cookies = [String::new(), citizen.cookie, officer, supervisor, boss, data, admin];
    (world, cookies, organisation)
}

#[tokio::test]
async fn every_route_for_every_role() {
    let (world, cookies, organisation) = everybody().await;
    let whom = |role: &str| json!({"role": role, "organisation": organisation, "email": "new@example.org"});
    let wrong_step = json!({"payload": "e30", "proof": {"type": "platform-asserted"}});
    // For each route: what nobody, citizen, case officer, supervisor, organisation administrator, data officer and platform administrator get.
    let matrix = [
        (Method::GET, "/v1/me", Value::Null, [401, 200, 200, 200, 200, 200, 200]),
        (Method::POST, "/v1/element/nonce", Value::Null, [200; 7]),
        (Method::POST, "/v1/passkeys/login/begin", Value::Null, [200; 7]),
        (Method::POST, "/v1/invitations/prepare", whom("case_officer"), [401, 403, 403, 403, 200, 403, 403]),
        (Method::POST, "/v1/invitations/prepare", whom("supervisor"), [401, 403, 403, 403, 200, 403, 403]),
        (Method::POST, "/v1/invitations/prepare", whom("data_officer"), [401, 403, 403, 403, 200, 403, 200]),
        (
            Method::POST,
            "/v1/invitations/prepare",
            whom("organisation_admin"),
            [401, 403, 403, 403, 403, 403, 200],
        ),
        (
            Method::POST,
            "/v1/invitations/prepare",
            whom("platform_admin"),
            [401, 403, 403, 403, 403, 403, 200],
        ),
        (Method::POST, "/v1/invitations/prepare", whom("citizen"), [401, 403, 403, 403, 403, 403, 403]),
        // Only who may invite learns that the step before is missing.
        (Method::POST, "/v1/invitations", wrong_step.clone(), [401, 403, 403, 403, 409, 403, 409]),
        (Method::POST, "/v1/passkeys/add/begin", Value::Null, [401, 200, 200, 200, 200, 200, 200]),
        (Method::POST, "/v1/passkeys/add", wrong_step.clone(), [401, 409, 409, 409, 409, 409, 409]),
        (Method::GET, "/v1/providers", Value::Null, [200; 7]),
        (Method::POST, "/v1/providers/link/prepare", Value::Null, [401, 409, 409, 409, 409, 409, 409]),
        (Method::POST, "/v1/providers/link", wrong_step.clone(), [401, 409, 409, 409, 409, 409, 409]),
        (Method::POST, "/v1/logout", Value::Null, [401, 204, 204, 204, 204, 204, 204]),
    ];
    let mut seen: BTreeMap<(String, &str), [bool; 7]> = BTreeMap::new();
    for (method, path, body, expected) in matrix {
        let reach = seen.entry((method.to_string().to_lowercase(), path)).or_default();
        for (at, ((role, cookie), status)) in ROLES.iter().zip(&cookies).zip(expected).enumerate() {
            let answer = world.call(method.clone(), path, cookie, body.clone()).await;
            assert_eq!(answer.status.as_u16(), status, "{role} {method} {path}: {}", answer.body);
            reach[at] |= !matches!(status, 401 | 403);
        }
    }
    let (_, document) = sceau_accounts::routes(world.accounts.clone()).split_for_parts();
    let document = serde_json::to_value(document).unwrap();
    for ((method, path), reach) in seen {
        let security = &document["paths"][path][method]["security"];
        assert!(says(security, reach), "{path} is documented as {security}");
    }
}

/// Whether the document says of a route who was seen to reach it.
fn says(security: &Value, seen: [bool; 7]) -> bool {
    let Some(names) = security[0].get("session") else {
        return security == &json!([{}]) && seen == [true; 7];
    };
    let names: Vec<&str> = names.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let anybody = |role: &str| names.is_empty() && role != "nobody";
    ROLES.iter().zip(seen).all(|(role, reaches)| reaches == (anybody(role) || names.contains(role)))
}

#[tokio::test]
async fn every_role_type_admits_its_roles() {
    let (world, cookies, organisation) = everybody().await;
    async fn place<R: sceau_accounts::RoleSet>(_: State<Accounts>, who: Authorised<R>) -> String {
        format!("{:?}", who.place)
    }
    let router = axum::Router::new()
        .route("/citizen", post(place::<Citizen>))
        .route("/officer", post(place::<CaseOfficer>))
        .route("/supervisor", post(place::<Supervisor>))
        .route("/reader", post(place::<Reader>))
        .route("/staff", post(place::<OrganisationStaff>))
        .route("/boss", post(place::<OrganisationAdmin>))
        .route("/steward", post(place::<DataSteward>))
        .route("/inviter", post(place::<Inviter>))
        .route("/admin", post(place::<PlatformAdmin>))
        .with_state(world.accounts.clone());
    let matrix = [
        ("/citizen", [401, 200, 403, 403, 403, 403, 403]),
        ("/officer", [401, 403, 200, 403, 403, 403, 403]),
        ("/supervisor", [401, 403, 403, 200, 403, 403, 403]),
        ("/reader", [401, 403, 200, 200, 403, 403, 403]),
        ("/staff", [401, 403, 200, 200, 200, 403, 403]),
        ("/boss", [401, 403, 403, 403, 200, 403, 403]),
        ("/steward", [401, 403, 403, 403, 200, 200, 403]),
        ("/inviter", [401, 403, 403, 403, 200, 403, 200]),
        ("/admin", [401, 403, 403, 403, 403, 403, 200]),
    ];
    for (path, expected) in matrix {
        for ((role, cookie), status) in ROLES.iter().zip(&cookies).zip(expected) {
            let request = Request::post(path).header("origin", ORIGIN).header("cookie", cookie);
            let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
            assert_eq!(response.status().as_u16(), status, "{role} {path}");
            if path == "/reader" && status == 200 {
                use http_body_util::BodyExt as _;
                let body = response.into_body().collect().await.unwrap().to_bytes();
                assert!(String::from_utf8_lossy(&body).contains(&organisation.to_string()));
            }
        }
    }
    let refusals = world.element.records().into_iter().filter(|r| r.code() == "not_authorised").count();
    assert_eq!(refusals, 54 - 14, "each refusal of somebody signed in is recorded");
}
