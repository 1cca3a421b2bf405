//! Dossiers are opened by a page of the organisation's key manager, at another origin than the platform's: that page may read the answers, and no
//! other page of the web.

use reqwest::{Client, Method, Response};

use crate::support::World;

/// What a page of `origin` is let do with an answer.
fn let_in(answer: &Response) -> Option<&str> {
    assert!(answer.headers()["vary"].to_str().unwrap().contains("origin"), "no cache mixes origins up");
    assert!(!answer.headers().contains_key("access-control-allow-credentials"), "a token, never a cookie");
    answer.headers().get("access-control-allow-origin").map(|origin| origin.to_str().unwrap())
}

#[tokio::test]
async fn of_an_organisation_that_is_enrolled() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    world.office(&administrator, "lyon").await;
    let http = Client::builder().no_proxy().build().unwrap();
    let url = |path: &str| format!("http://{}{path}", world.address());
    let page = "https://cles-lyon.localhost:8443";
    for (origin, expected) in [
        (page, Some(page)),
        ("https://cles-paris.localhost:8443", None),
        ("https://cles-lyon.localhost:8444", None),
        ("https://cles-lyon.localhost:8443.evil.example", None),
        ("null", None),
        ("*", None),
        (world.origin.as_str(), None),
    ] {
        for path in ["/v1/tickets/exchange", "/v1/reading/x/bundle"] {
            let asked = http.request(Method::OPTIONS, url(path)).header("origin", origin);
            let answer = asked.header("access-control-request-method", "GET").send().await.unwrap();
            assert_eq!(let_in(&answer), expected, "a preflight from {origin} to {path}");
            assert_eq!(answer.headers().contains_key("access-control-allow-headers"), expected.is_some());
        }
        let answer = http.get(url("/v1/reading/x/bundle")).header("origin", origin).send().await.unwrap();
        assert_eq!(let_in(&answer), expected, "an answer to {origin}");
    }
}
