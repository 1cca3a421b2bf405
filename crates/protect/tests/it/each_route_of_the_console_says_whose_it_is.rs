//! The console's routes: what clients are built from, under review, and closed to whoever shows no session. Each handler takes the proof of an
//! administrator or a data officer as an argument; `tests/browser/protected-data.test.mjs` has one at work.

use std::path::PathBuf;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use sceau_element_api::Client;
use sceau_element_api::protect::DatumId;
use sceau_protect::routes;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::certificates_are_their_organisations::console;

/// The routes and their document, on a database without anybody and an element that is not there.
async fn routed(folder: &tempfile::TempDir) -> (Router, Value) {
    let (console, _) = console(folder, &Client::new(folder.path().join("nobody.sock"))).await;
    let (router, document) = routes(console).split_for_parts();
    let mut document = serde_json::to_value(document).unwrap();
    document["info"] = serde_json::json!({
        "title": "Sceau: the console of protected data", "version": env!("CARGO_PKG_VERSION"),
    });
    (router, document)
}

fn reviewed() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi-console.json")
}

fn written(document: &Value) -> String {
    serde_json::to_string_pretty(document).unwrap() + "\n"
}

#[tokio::test]
async fn the_document_is_what_the_platform_serves() {
    let (_, document) = routed(&tempfile::tempdir().unwrap()).await;
    let kept = std::fs::read_to_string(reviewed()).unwrap_or_default();
    assert!(
        kept == written(&document),
        "docs/openapi-console.json is not what the code says; if the change is meant, run\n  \
         cargo test -p sceau-protect --test it accept_the_reviewed -- --ignored"
    );
}

#[tokio::test]
#[ignore = "writes docs/openapi-console.json anew: run it to accept a change, then read the difference"]
async fn accept_the_reviewed_document() {
    let (_, document) = routed(&tempfile::tempdir().unwrap()).await;
    std::fs::write(reviewed(), written(&document)).unwrap();
}

#[tokio::test]
async fn nobody_without_a_session_reaches_any_of_it_and_each_route_says_whose_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (router, document) = routed(&folder).await;
    let mut asked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let (name, place) = (parameter["name"].as_str().unwrap(), &parameter["in"]);
                let of_path = path.contains(&format!("{{{name}}}"));
                assert_eq!(place, if of_path { "path" } else { "query" }, "{method} {path} {name}");
            }
            let session = &operation["security"][0]["session"];
            // To officers of data belongs all but that applications are registered.
            let administrators = (method.as_str(), path.as_str()) == ("post", "/v1/protect/applications");
            let whose: &[&str] = if administrators {
                &["organisation_admin"]
            } else {
                &["organisation_admin", "data_officer"]
            };
            assert_eq!(session, &serde_json::json!(whose), "{method} {path}");
            let at = path.replace("{id}", &DatumId::random().to_string()).replace("{index}", "7");
            let request = Request::builder().method(method.to_uppercase().as_str()).uri(&at);
            let request = request.header("content-type", "application/json").body(Body::from("{}")).unwrap();
            let answer = router.clone().oneshot(request).await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{method} {path}");
            asked += 1;
        }
    }
    assert_eq!(asked, 10);
}
