//! The pages come from this origin with the policy that their build asks for; the API with none that lets it be a page.

use crate::support::World;

#[tokio::test]
async fn every_answer_is_hardened() {
    let world = World::connected().await;
    let browser = world.browser(None);
    for path in ["/check", "/v1/config", "/v1/nothing", "/trace/checkpoint", "/v1/openapi.json", "/nothing"] {
        let answer = browser.get(path).await;
        assert_eq!(
            answer.header("content-security-policy"),
            Some("default-src 'none'; frame-ancestors 'none'"),
            "{path}"
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), None, "{path}");
    }
    assert_eq!(browser.get("/v1/nothing").await.code(), "not_found");
    assert_eq!(browser.get("/headers.json").await.code(), "not_found");
    assert_eq!(browser.send("POST", "/open", b"").await.code(), "not_found");
    assert_eq!(browser.get("/../../etc/passwd").await.code(), "not_found");
}

#[tokio::test]
async fn a_page_may_call_the_platform_and_nobody_else_and_may_not_be_framed() {
    let world = World::connected().await;
    let browser = world.browser(None);
    let page = browser.get("/open").await;
    if page.status == 503 {
        // Built without the pages: it says what to do, and serves none without its policy.
        assert!(String::from_utf8_lossy(&page.body).contains("npm"));
        return;
    }
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = page.header("content-security-policy").unwrap();
    let connect = format!("connect-src 'self' {};", world.platform.origin);
    assert!(policy.contains(&connect), "{policy}");
    for rule in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'none'"] {
        assert!(policy.contains(rule), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    let viewer = browser.get("/viewer.html").await;
    let policy = viewer.header("content-security-policy").unwrap();
    assert!(
        policy.contains("sandbox allow-scripts") && policy.contains("frame-ancestors 'self'"),
        "{policy}"
    );
    assert!(!policy.contains("connect-src"), "{policy}");
    let text = String::from_utf8_lossy(&page.body).into_owned();
    let script = text.split('"').find(|part| part.starts_with("/assets/")).unwrap();
    let asset = browser.get(script).await;
    assert_eq!(asset.status, 200);
    assert!(asset.header("cache-control").unwrap().contains("immutable"));
}

#[tokio::test]
async fn the_configuration_says_that_nothing_is_scanned() {
    let world = World::connected().await;
    let config = world.browser(None).get("/v1/config").await.json();
    assert!(config["scanner"].is_null());
    assert_eq!(config["platform_origin"], world.platform.origin);
    assert_eq!(config["log_key"], world.platform.log_key().to_string());
    assert_eq!(config["organisation"]["root_fingerprint"], world.manager.root_fingerprint().to_string());
}

#[tokio::test]
async fn it_does_not_listen_for_everyone() {
    let world = World::unconnected(sceau_keymanager::Settings::default()).await;
    let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    let served = world.manager.serve(listener, std::future::pending()).await;
    assert!(matches!(served, Err(sceau_keymanager::Error::PublicAddress(_))));
}
