//! A login belongs to the browser that began it, by a form of our own page; what is shown holds itself to itself.

use axum::http::StatusCode;

use crate::stage::{Browser, Does, Stage, request};

#[tokio::test]
async fn the_number_is_on_both_and_only_the_registered_name_is_shown() {
    let stage = Stage::raise().await;
    let mut browser = Browser::default();
    let url = request(&[("login_hint", "M.Curie"), ("state", "<script>"), ("ui_locales", "de fr")]);
    let page = browser.get(&stage, &url).await;
    assert!(page.text.contains("<html lang=fr>") && page.text.contains("value=\"M.Curie\""), "{}", page.text);
    assert!(page.text.contains("Ville &lt;de&gt; Lyon") && !page.text.contains("<script>"));
    let wait = browser.begin(&stage, &url, " m.CURIE ").await;
    let page = browser.get(&stage, &wait).await;
    let number = page
        .text
        .split_once("<text class=number")
        .unwrap()
        .1
        .split_once('>')
        .unwrap()
        .1
        .get(..4)
        .unwrap()
        .to_owned();
    let asked = stage.asked(1).await;
    assert_eq!((asked.len(), asked[0].keyring), (1, stage.marie));
    let said = &asked[0].description;
    assert!(said.contains(&number) && said.contains("Site library") && said.contains("votre nom"), "{said}");
    // Without its script the page asks again by itself.
    assert!(page.text.contains("<noscript><meta http-equiv=refresh"));
}

#[tokio::test]
async fn every_answer_is_held_to_itself() {
    let stage = Stage::raise().await;
    for path in [request(&[]).as_str(), "/login/none", "/jwks", "/nothing", "/assets/login.css"] {
        let answer = Browser::default().get(&stage, path).await;
        let policy = &answer.headers["content-security-policy"];
        for rule in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "script-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(answer.headers["x-frame-options"], "DENY", "{path}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff", "{path}");
        let own = path.starts_with("/auth") || path.starts_with("/login");
        assert!(!own || answer.headers["cache-control"] == "no-store", "{path}");
    }
}

#[tokio::test]
async fn another_browser_sees_nothing_of_it() {
    let stage = Stage::raise().await;
    let (mut own, mut other) = (Browser::default(), Browser::default());
    let wait = own.begin(&stage, &request(&[]), "m.curie").await;
    other.get(&stage, &request(&[])).await;
    // Somebody is sent the address of a login that an attacker began: they neither go on with it nor end it.
    stage.holders.does.send_replace(Does::Yes);
    own.get(&stage, &format!("{wait}/state")).await;
    for browser in [&mut other, &mut Browser::default()] {
        let page = browser.get(&stage, &wait).await;
        assert!(page.status == StatusCode::BAD_REQUEST && !page.text.contains("code="), "{}", page.text);
        assert_eq!(browser.get(&stage, &format!("{wait}/state")).await.status, StatusCode::NOT_FOUND);
        assert_eq!(
            browser.post(&stage, &format!("{wait}/cancel"), &[]).await.status,
            StatusCode::BAD_REQUEST
        );
    }
    assert!(own.get(&stage, &wait).await.text.contains("code="));
    // A page that was made for one browser begins nothing in another.
    let sealed = own.get(&stage, &request(&[])).await.sealed();
    let fields = [("request", sealed.as_str()), ("alias", "m.curie")];
    assert_eq!(other.post(&stage, "/login", &fields).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_form_of_another_site_begins_nothing() {
    let stage = Stage::raise().await;
    let mut browser = Browser::default();
    let sealed = browser.get(&stage, &request(&[])).await.sealed();
    let fields = [("request", sealed.as_str()), ("alias", "m.curie")];
    for origin in
        ["https://evil.example", "null", "https://login.example.org.evil.example", "http://login.example.org"]
    {
        let answer = browser.post_from(&stage, "/login", origin, &fields).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{origin}");
    }
    assert!(stage.holders.asked.lock().unwrap().is_empty());
    // Five minutes later, not even its own.
    stage.clock.advance(300_001);
    assert_eq!(browser.post(&stage, "/login", &fields).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn who_gives_up_or_says_no_goes_back_with_that() {
    let stage = Stage::raise().await;
    let mut browser = Browser::default();
    let sealed = browser.get(&stage, &request(&[])).await.sealed();
    let page = browser.post(&stage, "/login", &[("request", &sealed), ("cancel", "1")]).await;
    assert_eq!(
        (page.status, page.told("error").as_str()),
        (StatusCode::OK, "access_denied"),
        "no redirect: the policy of forms"
    );
    let wait = browser.begin(&stage, &request(&[]), "m.curie").await;
    let cancelled = browser.post(&stage, &format!("{wait}/cancel"), &[]).await;
    assert_eq!(cancelled.headers["location"], wait);
    // What the holder says afterwards counts for nothing.
    stage.holders.does.send_replace(Does::Yes);
    browser.get(&stage, &format!("{wait}/state")).await;
    let page = browser.get(&stage, &wait).await;
    assert_eq!(
        (page.told("error").as_str(), page.told("state").as_str(), page.told("code").as_str()),
        ("access_denied", "st&ate", "")
    );
    stage.holders.does.send_replace(Does::Wait);
    let wait = browser.begin(&stage, &request(&[]), "m.curie").await;
    stage.holders.does.send_replace(Does::No);
    browser.get(&stage, &format!("{wait}/state")).await;
    let page = browser.get(&stage, &wait).await;
    assert!(page.text.contains("You said no") && page.told("error") == "access_denied", "{}", page.text);
    // Nobody at all: as if somebody did not answer.
    let wait = browser.begin(&stage, &request(&[]), "nobody.known").await;
    assert!(browser.get(&stage, &wait).await.text.contains("Look at your terminal"));
    stage.clock.advance(190_001);
    let page = browser.get(&stage, &wait).await;
    assert!(page.text.contains("No answer came") && page.told("error") == "access_denied", "{}", page.text);
}
