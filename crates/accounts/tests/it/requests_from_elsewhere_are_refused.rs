use axum::body::Body;
use axum::http::{Method, Request};

use crate::support::{ORIGIN, World};

fn request(path: &str, origins: &[&str], cookie: &str) -> Request<Body> {
    let builder = Request::post(path).header("content-type", "application/json").header("cookie", cookie);
    let builder = origins.iter().fold(builder, |builder, origin| builder.header("origin", *origin));
    builder.body(Body::from("{}")).unwrap()
}

#[tokio::test]
async fn every_unsafe_route_of_people_demands_our_own_origin() {
    let world = World::new().await;
    let citizen = world.register("a@example.org", None).await;
    let routes = [
        "/v1/logout",
        "/v1/element/nonce",
        "/v1/passkeys/register/begin",
        "/v1/passkeys/register/finish",
        "/v1/passkeys/add/begin",
        "/v1/passkeys/add/prepare",
        "/v1/passkeys/add",
        "/v1/passkeys/login/begin",
        "/v1/passkeys/login/finish",
        "/v1/passwords/register",
        "/v1/passwords/login",
        "/v1/invitations/prepare",
        "/v1/invitations",
        "/v1/providers/id/begin",
        "/v1/providers/finish",
        "/v1/providers/id/link/begin",
        "/v1/providers/link/prepare",
        "/v1/providers/link",
        "/v1/providers/id/unlink",
    ];
    let foreign: [&[&str]; 7] = [
        &[],
        &["null"],
        &["https://evil.example"],
        &["http://sceau.localhost:8081"],
        &["https://sceau.localhost:8080"],
        &["http://sceau.localhost:8080.evil.example"],
        &[ORIGIN, "https://evil.example"],
    ];
    for path in routes {
        for origins in foreign {
            let answer = world.send(request(path, origins, &citizen.cookie)).await;
            assert_eq!(answer.code(), (403, "foreign_origin"), "{path} {origins:?}");
            assert_eq!(answer.headers["content-type"], "application/problem+json");
        }
    }
    assert_eq!(world.me(&citizen.cookie).await.status, 200, "still signed in");
    assert!(world.element.last(1)[0].starts_with("access refused"), "{:?}", world.element.last(1));
}

#[tokio::test]
async fn the_list_above_misses_no_route() {
    let world = World::new().await;
    let (_, document) = sceau_accounts::routes(world.accounts.clone()).split_for_parts();
    let unsafe_routes: Vec<_> = document
        .paths
        .paths
        .iter()
        .filter(|(_, item)| item.post.is_some())
        .map(|(path, _)| path.as_str())
        .collect();
    // The nineteen above, and the token endpoint, which takes no cookie.
    assert_eq!(unsafe_routes.len(), 20, "{unsafe_routes:?}");
    assert!(unsafe_routes.contains(&"/v1/oauth/token"));
}

#[tokio::test]
async fn bodies_that_are_not_what_they_should_be_get_a_problem_that_repeats_nothing() {
    let world = World::new().await;
    for body in ["", "{", "[]", r#"{"email":"secret@example.org"}"#, r#"{"email":1,"name":"secret"}"#] {
        let request = Request::post("/v1/passkeys/register/begin")
            .header("origin", ORIGIN)
            .header("content-type", "application/json");
        let answer = world.send(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(answer.code(), (400, "malformed"), "{body}");
        assert!(!answer.body.to_string().contains("secret"));
    }
    let huge = serde_json::json!({"email": "a".repeat(200_000), "name": "x"});
    let answer = world.call(Method::POST, "/v1/passkeys/register/begin", "", huge).await;
    assert_eq!(answer.code(), (413, "too_large"));
}
