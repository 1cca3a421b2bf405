use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use base64::Engine as _;
use sceau_accounts::{Accounts, AuthorisedClient, ClientCredentials, ForDeposits, ForKeyManager, Scope};
use sceau_element_api::OrganisationId;
use tower::ServiceExt as _;

use crate::support::{Answer, World};

async fn client(world: &World, organisation: OrganisationId) -> ClientCredentials {
    let mut transaction = world.database.begin().await.unwrap();
    let scopes = &[Scope::KeyManager];
    let credentials = world.accounts.create_client(&mut transaction, organisation, scopes).await.unwrap();
    transaction.commit().await.unwrap();
    credentials
}

async fn token(world: &World, form: &str, basic: Option<&str>) -> Answer {
    let mut request =
        Request::post("/v1/oauth/token").header("content-type", "application/x-www-form-urlencoded");
    if let Some(pair) = basic {
        let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
        request = request.header("authorization", format!("Basic {encoded}"));
    }
    world.send(request.body(Body::from(form.to_owned())).unwrap()).await
}

/// What a route that wants the scope answers.
async fn reach(world: &World, path: &str, bearer: &str) -> (StatusCode, String) {
    async fn who<S: sceau_accounts::ScopeMarker>(_: State<Accounts>, client: AuthorisedClient<S>) -> String {
        client.organisation.to_string()
    }
    let router = axum::Router::new()
        .route("/keys", get(who::<ForKeyManager>))
        .route("/deposits", get(who::<ForDeposits>))
        .with_state(world.accounts.clone());
    let request = Request::get(path).header("authorization", format!("Bearer {bearer}"));
    let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    use http_body_util::BodyExt as _;
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn a_secret_becomes_a_token_of_ten_minutes_for_its_scope_and_organisation() {
    let world = World::new().await;
    let organisation = OrganisationId::random();
    let ClientCredentials { client_id, client_secret } = client(&world, organisation).await;
    let (id, secret) = (client_id.to_string(), client_secret.as_str());

    let in_body = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let by_basic = token(&world, "grant_type=client_credentials", Some(&format!("{id}:{secret}"))).await;
    for answer in [token(&world, &in_body, None).await, by_basic] {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert_eq!((&answer.body["token_type"], &answer.body["expires_in"]), (&"Bearer".into(), &600.into()));
        assert_eq!(answer.headers["cache-control"], "no-store");
        let bearer = answer.body["access_token"].as_str().unwrap();
        assert_eq!(reach(&world, "/keys", bearer).await, (StatusCode::OK, organisation.to_string()));
        assert_eq!(reach(&world, "/deposits", bearer).await.0, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(world.element.last(1), ["login granted"]);

    let answer = token(&world, &in_body, None).await;
    let bearer = answer.body["access_token"].as_str().unwrap();
    world.clock.advance(600_000);
    assert_eq!(reach(&world, "/keys", bearer).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn wrong_requests_get_the_errors_of_oauth() {
    let world = World::new().await;
    let ClientCredentials { client_id, client_secret } = client(&world, OrganisationId::random()).await;
    let (id, secret) = (client_id.to_string(), client_secret.as_str());
    let wrong_secret = "A".repeat(43);
    let grant = "grant_type=client_credentials";
    let other = OrganisationId::random();
    let cases = [
        (format!("{grant}&client_id={id}&client_secret={wrong_secret}"), None, 401, "invalid_client"),
        (format!("{grant}&client_id={other}&client_secret={secret}"), None, 401, "invalid_client"),
        (format!("{grant}&client_id=x&client_secret={secret}"), None, 401, "invalid_client"),
        (format!("{grant}&client_id={id}"), None, 400, "invalid_request"),
        (grant.to_owned(), None, 401, "invalid_client"),
        (grant.to_owned(), Some("nonsense".to_owned()), 401, "invalid_client"),
        (
            format!("{grant}&client_id={id}&client_secret={secret}"),
            Some(format!("{id}:{secret}")),
            400,
            "invalid_request",
        ),
        (
            format!("grant_type=password&client_id={id}&client_secret={secret}"),
            None,
            400,
            "unsupported_grant_type",
        ),
        (format!("{grant}&scope=deposits&client_id={id}&client_secret={secret}"), None, 400, "invalid_scope"),
        (format!("{grant}&scope=&client_id={id}&client_secret={secret}"), None, 400, "invalid_scope"),
        (String::new(), None, 400, "invalid_request"),
    ];
    for (form, basic, status, error) in cases {
        let answer = token(&world, &form, basic.as_deref()).await;
        let got = (answer.status.as_u16(), answer.body["error"].as_str().unwrap_or(""));
        assert_eq!(got, (status, error), "{form}");
    }
}

#[tokio::test]
async fn a_changed_secret_and_a_revoked_client_end_their_tokens() {
    let world = World::new().await;
    let first = client(&world, OrganisationId::random()).await;
    let form = |credentials: &ClientCredentials| {
        let (id, secret) = (credentials.client_id, credentials.client_secret.as_str());
        format!("grant_type=client_credentials&client_id={id}&client_secret={secret}")
    };
    let answer = token(&world, &form(&first), None).await;
    let bearer = answer.body["access_token"].as_str().unwrap().to_owned();
    let second = world.accounts.change_client_secret(first.client_id).await.unwrap().unwrap();
    assert_eq!(reach(&world, "/keys", &bearer).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(token(&world, &form(&first), None).await.status, StatusCode::UNAUTHORIZED);

    let answer = token(&world, &form(&second), None).await;
    let bearer = answer.body["access_token"].as_str().unwrap().to_owned();
    world.accounts.revoke_client(first.client_id).await.unwrap();
    assert_eq!(reach(&world, "/keys", &bearer).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(token(&world, &form(&second), None).await.status, StatusCode::UNAUTHORIZED);
    assert!(world.accounts.change_client_secret(first.client_id).await.unwrap().is_none());
}

#[tokio::test]
async fn a_cookie_is_no_bearer_and_a_bearer_no_cookie() {
    let world = World::new().await;
    let citizen = world.register("a@example.org", None).await;
    let session = citizen.cookie.split_once('=').unwrap().1;
    assert_eq!(reach(&world, "/keys", session).await.0, StatusCode::UNAUTHORIZED);
    let credentials = client(&world, OrganisationId::random()).await;
    let (id, secret) = (credentials.client_id, credentials.client_secret.as_str());
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let answer = token(&world, &form, None).await;
    let cookie = format!("sceau_session={}", answer.body["access_token"].as_str().unwrap());
    assert_eq!(world.me(&cookie).await.code(), (401, "not_signed_in"));
}

/// The id of a key manager's client stands in the public log.
#[tokio::test]
async fn a_stranger_who_knows_an_id_does_not_keep_its_client_out() {
    let world = World::new().await;
    let ClientCredentials { client_id, client_secret } = client(&world, OrganisationId::random()).await;
    let wrong = sceau_element_api::Base64Url(vec![7; 32]).encode();
    for _ in 0..40 {
        let form = format!("grant_type=client_credentials&client_id={client_id}&client_secret={wrong}");
        assert_eq!(token(&world, &form, None).await.status, StatusCode::UNAUTHORIZED);
    }
    let secret = client_secret.as_str();
    let form = format!("grant_type=client_credentials&client_id={client_id}&client_secret={secret}");
    assert_eq!(token(&world, &form, None).await.status, StatusCode::OK);
}
