//! What a site may ask, and where people are sent: nowhere that is not registered, and back with an error where it is.

use axum::http::StatusCode;

use crate::stage::{Browser, Does, REDIRECT, Stage, claims, request};

#[tokio::test]
async fn people_are_sent_nowhere_that_is_not_registered() {
    let stage = Stage::raise().await;
    for (name, value) in [
        ("client_id", "nobody"),
        ("client_id", ""),
        ("redirect_uri", ""),
        ("redirect_uri", "https://evil.example/callback"),
        ("redirect_uri", "https://library.example.org/callback"),
        ("redirect_uri", "https://library.example.org/callback?from=sceau&x"),
        ("redirect_uri", "https://library.example.org/callback/../?from=sceau"),
        ("redirect_uri", "https://LIBRARY.example.org/callback?from=sceau"),
        ("request_uri", "https://evil.example/request"),
        ("request_uri", "urn:ietf:params:oauth:request_uri:made-up"),
    ] {
        let page = Browser::default().get(&stage, &request(&[(name, value)])).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{name} {value}");
        assert!(
            page.text.contains("This link leads nowhere") && !page.text.contains("evil"),
            "{}",
            page.text
        );
        assert!(!page.text.contains("<a class=\"button") && !page.headers.contains_key("location"));
    }
    // A parameter that is there twice is two readers' two requests.
    let twice = format!("{}&redirect_uri=https%3A%2F%2Fevil.example", request(&[]));
    assert_eq!(Browser::default().get(&stage, &twice).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_cannot_be_asked_is_told_to_the_site() {
    let stage = Stage::raise().await;
    for (name, value, error) in [
        ("response_type", "token", "unsupported_response_type"),
        ("response_type", "", "invalid_request"),
        ("response_mode", "fragment", "invalid_request"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge", "short", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("code_challenge_method", "", "invalid_request"),
        ("scope", "email", "invalid_scope"),
        ("prompt", "none", "login_required"),
        ("prompt", "none login", "invalid_request"),
        ("max_age", "soon", "invalid_request"),
        ("request", "e30.e30.", "request_not_supported"),
        ("registration", "{}", "registration_not_supported"),
        ("id_token_hint", "e30.e30.e30", "invalid_request"),
        ("authorization_details", "[{\"type\":\"credential\"}]", "invalid_authorization_details"),
        ("authorization_details", "{}", "invalid_authorization_details"),
    ] {
        let sent = Browser::default().get(&stage, &request(&[(name, value)])).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{name} {value}: {sent:?}");
        assert!(sent.to().as_str().starts_with(REDIRECT), "{name} {value}");
        let told = ["error", "state", "iss"].map(|member| sent.told(member));
        assert_eq!(told, [error, "st&ate", "https://login.example.org"], "{name} {value}");
    }
    assert!(stage.holders.asked.lock().unwrap().is_empty(), "nobody is asked");
}

#[tokio::test]
async fn what_was_pushed_is_one_clients_and_used_once() {
    let stage = Stage::raise().await;
    let url = request(&[]);
    let fields: Vec<(String, String)> =
        url::form_urlencoded::parse(url.split_once('?').unwrap().1.as_bytes()).into_owned().collect();
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let pushed = stage.post("/par", &fields).await;
    assert_eq!((pushed.status.as_u16(), pushed.json()["expires_in"].as_u64()), (201, Some(300)));
    let uri = pushed.json()["request_uri"].as_str().unwrap().to_owned();
    let by = |client: &str| {
        format!("/authorize?{}", crate::stage::form(&[("client_id", client), ("request_uri", &uri)]))
    };
    let mut browser = Browser::default();
    assert_eq!(browser.get(&stage, &by("public")).await.status, StatusCode::BAD_REQUEST);
    // What stands beside it in the address counts for nothing.
    let url = format!("{}&scope=email&redirect_uri=https%3A%2F%2Fevil.example", by("library"));
    let back = browser.log_in(&stage, &url).await;
    assert_eq!(stage.redeem(&back.told("code")).await.status, StatusCode::OK);
    assert_eq!(browser.get(&stage, &by("library")).await.status, StatusCode::BAD_REQUEST, "used");
    let wrong: Vec<_> = fields
        .iter()
        .map(
            |(name, value)| {
                if *name == "redirect_uri" { (*name, "https://evil.example") } else { (*name, *value) }
            },
        )
        .collect();
    assert_eq!(stage.post("/par", &wrong).await.error(), "invalid_request");
    // Who must push is not heard otherwise.
    let sent = browser.get(&stage, &request(&[("client_id", "keys")])).await;
    assert_eq!(sent.told("error"), "invalid_request");
}

/// What a client pushes, as its form has it.
fn pushed_by(client: &str) -> Vec<(String, String)> {
    let url = request(&[("client_id", client)]);
    url::form_urlencoded::parse(url.split_once('?').unwrap().1.as_bytes()).into_owned().collect()
}

#[tokio::test]
async fn a_client_without_a_proof_does_not_push_others_out() {
    let stage = Stage::raise().await;
    let public = pushed_by("public");
    let fields: Vec<_> = public.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut taken = 0;
    for _ in 0..40 {
        taken += usize::from(stage.post_as("/par", None, &fields).await.status == StatusCode::CREATED);
    }
    let keys = pushed_by("keys");
    stage.clock.advance(10_000);
    let statement = stage.assertion(&serde_json::json!({}));
    let proof = [
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", statement.as_str()),
    ];
    let fields = keys.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(proof);
    let pushed = stage.post_as("/par", None, &fields.collect::<Vec<_>>()).await;
    assert_eq!((pushed.status, taken), (StatusCode::CREATED, 30), "thirty of an address in this plan");
}

#[tokio::test]
async fn a_request_is_short_and_what_is_not_read_is_not_kept() {
    let stage = Stage::raise().await;
    let long = "x".repeat(15 * 1024);
    let sent = Browser::default().get(&stage, &request(&[("unread", &long)])).await;
    assert_eq!(sent.status, StatusCode::OK);
    let sent = Browser::default().get(&stage, &request(&[("login_hint", &long)])).await;
    assert_eq!((sent.status, sent.told("error").as_str()), (StatusCode::SEE_OTHER, "invalid_request"));
}

#[tokio::test]
async fn a_form_of_another_site_takes_nobody_their_login() {
    let stage = Stage::raise().await;
    let mut own = Browser::default();
    let wait = own.begin(&stage, &request(&[]), "m.curie").await;
    // A browser keeps a cookie that is `SameSite=Lax` back from such a form, and takes what is set in the answer.
    let jar = own.jar.clone();
    own.jar.clear();
    let url = request(&[("client_id", "library")]);
    let fields = pushed_by("library");
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let sent = own.post_from(&stage, "/authorize", "https://evil.example", &fields).await;
    assert_eq!((sent.status, sent.headers["location"].as_str()), (StatusCode::SEE_OTHER, url.as_str()));
    own.jar = jar.into_iter().chain(own.jar).collect();
    assert!(own.get(&stage, &wait).await.text.contains("Look at your terminal"));
    // It goes on by itself, with the cookie.
    assert_eq!(own.get(&stage, &url).await.status, StatusCode::OK);
    assert!(own.get(&stage, &wait).await.text.contains("Look at your terminal"));
}

#[tokio::test]
async fn who_may_ask_for_signatures_says_so_on_the_terminal() {
    let stage = Stage::raise().await;
    for (lang, words) in [("en", ["your name", "signatures"]), ("fr", ["votre nom", "signatures"])] {
        let url = request(&[("client_id", "archive"), ("scope", "service"), ("ui_locales", lang)]);
        Browser::default().begin(&stage, &url, "m.curie").await;
        let asked = stage.asked(1).await;
        let said = &asked.last().unwrap().description;
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
        stage.holders.asked.lock().unwrap().clear();
        stage.holders.does.send_replace(Does::Yes);
        stage.settled().await;
        stage.holders.does.send_replace(Does::Wait);
    }
}

#[tokio::test]
async fn a_site_that_names_somebody_gets_nobody_else() {
    let stage = Stage::raise().await;
    let mut browser = Browser::default();
    let code = browser.log_in(&stage, &request(&[])).await.told("code");
    let tokens = stage.redeem(&code).await;
    let hint = tokens.json()["id_token"].as_str().unwrap().to_owned();
    let same = browser.log_in(&stage, &request(&[("id_token_hint", &hint)])).await;
    let same = stage.redeem(&same.told("code")).await;
    assert_eq!(claims(&same)["sub"], claims(&tokens)["sub"]);
    let pierre = sceau_element_api::KeyringId::random().to_string();
    let mut other = Browser::default();
    let wait = other.begin(&stage, &request(&[("id_token_hint", &hint)]), &pierre).await;
    stage.holders.does.send_replace(Does::Yes);
    other.get(&stage, &format!("{wait}/state")).await;
    let page = other.get(&stage, &wait).await;
    assert!(page.text.contains("somebody else") && page.told("error") == "login_required", "{}", page.text);
    // Another client's token says nothing here.
    let sent = browser.get(&stage, &request(&[("client_id", "public"), ("id_token_hint", &hint)])).await;
    assert_eq!(sent.told("error"), "invalid_request");
}
