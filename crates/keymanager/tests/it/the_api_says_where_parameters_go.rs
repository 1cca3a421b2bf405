//! The OpenAPI document says of each parameter where it goes, so that clients that are built from it ask as they must.

use crate::support::World;

#[tokio::test]
async fn each_parameter_says_where_it_goes() {
    let world = World::connected().await;
    let document = world.browser(None).get("/v1/openapi.json").await.json();
    let mut of_queries = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            for (name, place) in parameters.map(|one| (one["name"].as_str().unwrap(), &one["in"])) {
                let of_path = path.contains(&format!("{{{name}}}"));
                assert_eq!(place, if of_path { "path" } else { "query" }, "{method} {path} {name}");
                if !of_path {
                    of_queries.push(format!("{path} {name}"));
                }
            }
        }
    }
    assert_eq!(
        of_queries,
        ["/v1/connector/decided after", "/v1/connector/manifests after", "/v1/records before"]
    );
}
