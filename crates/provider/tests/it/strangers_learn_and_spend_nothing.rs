//! Who types somebody's name learns not whether there is one, does not pester them, and leaves their own browsers their turn.

use std::sync::atomic::Ordering;

use axum::http::StatusCode;

use crate::stage::{Browser, Does, NOW, Stage, request};

/// What a stranger sees of a name, without what is drawn anew each time.
async fn seen(stage: &Stage, alias: &str) -> (StatusCode, String) {
    let mut browser = Browser::default();
    let wait = browser.begin(stage, &request(&[]), alias).await;
    let page = browser.get(stage, &wait).await;
    let digits =
        |text: &str| text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect::<String>();
    let id = wait.rsplit('/').next().unwrap().to_owned();
    (page.status, digits(&page.text.replace(&id, "ID")))
}

#[tokio::test]
async fn a_name_that_nobody_has_looks_like_one_that_somebody_has() {
    let stage = Stage::raise().await;
    let (known, unknown) = (seen(&stage, "m.curie").await, seen(&stage, "p.curie").await);
    assert_eq!(known, unknown);
    // And is asked as rarely.
    for alias in ["m.curie", "p.curie"] {
        let mut browser = Browser::default();
        let sealed = browser.get(&stage, &request(&[])).await.sealed();
        let answer = browser.post(&stage, "/login", &[("request", &sealed), ("alias", alias)]).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{alias}");
    }
    assert_eq!(stage.asked(1).await.len(), 1);
}

#[tokio::test]
async fn a_browser_that_is_remembered_has_its_own_turn() {
    let stage = Stage::raise().await;
    let mut own = Browser::default();
    own.log_in(&stage, &request(&[])).await;
    assert!(own.jar.contains_key("__Host-sceau-holder"));
    // A stranger asks; the holder's own browser still does.
    let mut stranger = Browser::default();
    stranger.begin(&stage, &request(&[]), "m.curie").await;
    let page = own.get(&stage, &request(&[])).await;
    assert!(page.text.contains("Go on as <b>m.curie</b>"), "{}", page.text);
    let began = own.post(&stage, "/login", &[("request", &page.sealed()), ("known", "1")]).await;
    assert_eq!(began.status, StatusCode::SEE_OTHER);
    assert_eq!(stage.asked(3).await.len(), 3);
    // What it keeps says nothing, is not made up, and is worth nothing once the name is gone.
    let kept = own.jar["__Host-sceau-holder"].clone();
    assert!(!kept.contains("curie"));
    stranger.jar.insert("__Host-sceau-holder".to_owned(), format!("A{kept}"));
    assert!(!stranger.get(&stage, &request(&[])).await.text.contains("Go on as"));
    stage.records.remove(&sceau_provider::Alias::parse("m.curie").unwrap()).await.unwrap();
    let page = own.get(&stage, &request(&[])).await;
    let answer = own.post(&stage, "/login", &[("request", &page.sealed()), ("known", "1")]).await;
    assert_eq!(
        answer.status,
        StatusCode::BAD_REQUEST,
        "as if nothing were remembered: a name is to be typed"
    );
    let page = own.get(&stage, &request(&[("prompt", "select_account")])).await;
    assert!(!page.text.contains("Go on as"));
}

#[tokio::test]
async fn an_address_that_a_holder_said_no_to_asks_them_no_more_and_others_do() {
    let stage = Stage::raise().await;
    let mut stranger = Browser::default();
    stage.holders.does.send_replace(Does::No);
    let wait = stranger.begin(&stage, &request(&[]), "m.curie").await;
    stranger.get(&stage, &format!("{wait}/state")).await;
    stage.settled().await;
    let again = Browser::default().tries(&stage, &request(&[]), "m.curie").await;
    assert_eq!(again.status, StatusCode::TOO_MANY_REQUESTS);
    // The holder's own new browser, elsewhere.
    stage.holders.does.send_replace(Does::Wait);
    let own = Browser::at(8).tries(&stage, &request(&[]), "m.curie").await;
    assert_eq!((own.status, stage.asked(2).await.len()), (StatusCode::SEE_OTHER, 2));
}

#[tokio::test]
async fn which_names_are_one_holder_shows_to_nobody() {
    let stage = Stage::raise().await;
    stage.records.add(&sceau_provider::Alias::parse("marie").unwrap(), stage.marie, NOW).await.unwrap();
    Browser::at(1).begin(&stage, &request(&[]), "m.curie").await;
    for alias in ["marie", "p.curie"] {
        let answer = Browser::at(2).tries(&stage, &request(&[]), alias).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{alias}");
    }
    assert_eq!(stage.asked(1).await.len(), 1, "and she is not asked twice at once");
}

#[tokio::test]
async fn an_application_leaves_its_holder_the_logins_elsewhere() {
    let stage = Stage::raise().await;
    let mut own = Browser::default();
    own.log_in(&stage, &request(&[])).await;
    let turns: Vec<_> =
        (0..6).filter_map(|_| stage.provider.turn_to_sign("notary", stage.marie, 300)).collect();
    assert_eq!(turns.len(), 2);
    let began = own.tries(&stage, &request(&[]), "m.curie").await;
    assert_eq!((began.status, stage.asked(2).await.len()), (StatusCode::SEE_OTHER, 2));
}

#[tokio::test]
async fn how_it_stands_is_asked_anew_whoever_asks_in_between() {
    let stage = Stage::raise().await;
    let check = async || Browser::default().get(&stage, "/check").await.status.as_u16();
    stage.holders.is_there.store(false, Ordering::Relaxed);
    assert_eq!(check().await, 503);
    stage.holders.is_there.store(true, Ordering::Relaxed);
    assert_eq!(check().await, 503, "not at each call");
    let mut last = 0;
    for _ in 0..2 {
        stage.clock.advance(4_000);
        last = check().await;
    }
    assert_eq!(last, 200);
}

#[tokio::test]
async fn one_address_begins_so_many_an_hour() {
    let stage = Stage::raise().await;
    let mut stopped = 0;
    for number in 0..32 {
        let mut browser = Browser::default();
        let sealed = browser.get(&stage, &request(&[])).await.sealed();
        let alias = format!("person{number}");
        let answer = browser.post(&stage, "/login", &[("request", &sealed), ("alias", &alias)]).await;
        stopped += usize::from(answer.status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(stopped, 2, "thirty in this plan");
}
