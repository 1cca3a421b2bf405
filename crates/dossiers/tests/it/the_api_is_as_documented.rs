//! The OpenAPI document is what clients are built from: it changes when the code does, under review.

use sceau_dossiers::Dossiers;
use sceau_element_api::Client;
use sceau_store::Objects;
use serde_json::Value;

use crate::reviewed::Reviewed;
use crate::support::{World, beside, plainly};

const REVIEWED: Reviewed = Reviewed("openapi.json");

fn written(document: &Value) -> String {
    serde_json::to_string_pretty(document).unwrap() + "\n"
}

#[tokio::test]
async fn the_document_is_what_the_platform_serves() {
    REVIEWED.assert(&written(&World::new().await.document));
}

#[tokio::test]
#[ignore = "writes docs/openapi.json anew: run it to accept a change, then read the difference"]
async fn accept_the_reviewed_openapi_document() {
    REVIEWED.accept(&written(&World::new().await.document));
}

/// Method and path of each operation, and the operation.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().iter();
            methods.map(move |(method, operation)| (method.to_uppercase(), path.clone(), operation.clone()))
        })
        .collect()
}

#[tokio::test]
async fn every_operation_says_who_may_call_it() {
    let world = World::new().await;
    let problem = &world.document["paths"]["/v1/me"]["get"]["responses"]["401"]["content"];
    let schema = &problem["application/problem+json"]["schema"]["$ref"];
    assert_eq!(schema, "#/components/schemas/Problem", "what a refusal looks like");
    assert!(world.document["components"]["schemas"]["Problem"].is_object());
    let schemes = &world.document["components"]["securitySchemes"];
    for (method, path, operation) in operations(&world.document) {
        let security = operation["security"].as_array().unwrap_or_else(|| panic!("{method} {path}"));
        assert_eq!(security.len(), 1, "{method} {path}");
        for scheme in security[0].as_object().unwrap().keys() {
            assert!(schemes[scheme].is_object(), "{method} {path}: {scheme}");
        }
    }
}

#[tokio::test]
async fn each_parameter_says_where_it_goes() {
    for (method, path, operation) in operations(&World::new().await.document) {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let (name, place) = (parameter["name"].as_str().unwrap(), &parameter["in"]);
            let of_path = path.contains(&format!("{{{name}}}"));
            assert_eq!(place == "path", of_path, "{method} {path} {name}");
        }
    }
}

#[test]
fn no_route_is_served_beside_the_document() {
    for folder in ["src/http", "../accounts/src/http"] {
        for file in std::fs::read_dir(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap()
        {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(
                !text.contains(".route("),
                "{}: routes!() puts a route into the document too",
                path.display()
            );
        }
    }
}

#[tokio::test]
async fn every_answer_has_the_default_headers() {
    let world = World::new().await;
    let mut asked: Vec<(String, String)> =
        operations(&world.document).into_iter().map(|(method, path, _)| (method, path)).collect();
    assert!(asked.len() > 50, "{}", asked.len());
    asked.extend([("GET".to_owned(), "/v1/nothing".to_owned()), ("DELETE".to_owned(), "/v1/me".to_owned())]);
    for (method, path) in asked {
        let path = path.replace("{path}", "entries/000.p/1").replace("{index}", "0").replace(['{', '}'], "");
        let path = path
            .replace("/consistency", "/consistency?from=0&to=1")
            .replace("/records", "/records?start=0&count=1");
        let (status, headers, _) = plainly(world.address(), &method, &path).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
            ("cross-origin-resource-policy", "same-origin"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(
                headers.get(name).map(String::as_str),
                Some(value),
                "{status} {method} {path}: {name}"
            );
        }
    }
}

#[tokio::test]
async fn a_platform_that_is_not_well_says_so_in_its_status() {
    let world = World::new().await;
    let (status, _, body) = plainly(world.address(), "GET", "/check").await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &body["status"], &body["checks"]["element"]), (200, &"pass".into(), &"pass".into()));

    let objects = Objects::folder(&world.folder.path().join("objects")).unwrap();
    let nowhere = Client::new(world.folder.path().join("nothing.sock"));
    let lonely = Dossiers::new(
        world.database.clone(),
        objects,
        world.outbox.clone(),
        nowhere,
        world.clock.clone(),
        &world.origin,
    );
    let address = beside(&world, lonely).await;
    let (status, _, body) = plainly(address, "GET", "/check").await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &body["status"], &body["checks"]["element"]), (503, &"fail".into(), &"fail".into()));
    assert_eq!(body["checks"]["records"], "pass");

    world.database.close().await;
    let (status, ..) = plainly(world.address(), "GET", "/check").await;
    assert_eq!(status, 200, "what was found a moment ago: nothing is asked again for whoever asks on and on");
    world.clock.advance(1_000);
    let (status, _, body) = plainly(world.address(), "GET", "/check").await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &body["checks"]["records"]), (503, &"fail".into()));
}
