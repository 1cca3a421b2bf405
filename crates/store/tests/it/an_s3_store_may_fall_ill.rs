//! Objects in a real S3 server, behind a line that answers 503, cuts bodies, loses answers or is silent.

use std::time::Duration;

use sceau_store::judge::StandIn;
use sceau_store::{Clock as _, ObjectName, Objects, S3Limits, S3Store, StoreError, SystemClock};

fn store(server: &StandIn) -> S3Store {
    let (attempt, first_delay) = (Duration::from_secs(5), Duration::from_millis(1));
    S3Store {
        endpoint: format!("http://127.0.0.1:{}", server.port()),
        bucket: "sceau".to_owned(),
        region: "us-east-1".to_owned(),
        access_key_id: "sceau".to_owned(),
        secret_access_key: "secret-of-the-store".to_owned().into(),
        authorities: None,
        limits: S3Limits { connect: attempt, attempt, first_delay, again: 3 },
    }
}

fn started() -> (StandIn, Objects) {
    let server = StandIn::start("servers_s3.py", &["sceau"]).unwrap();
    let objects = Objects::s3(&store(&server)).unwrap();
    (server, objects)
}

fn bytes() -> Vec<u8> {
    (0..1_048_576_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

async fn kept(objects: &Objects) -> ObjectName {
    let name = objects.put(bytes()).await.unwrap();
    assert_eq!(objects.get(&name).await.unwrap().unwrap(), bytes());
    name
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_come_back_are_swept_and_go() {
    let (server, objects) = started();
    let name = kept(&objects).await;
    assert!(objects.exists(&name).await.unwrap());
    let shelf = u8::from_str_radix(&name.as_str()[..2], 16).unwrap();
    let later = SystemClock.now_ms() + 60_000;
    assert_eq!(objects.older_than(shelf, later).await.unwrap(), std::slice::from_ref(&name));
    assert!(objects.older_than(shelf, 1_000).await.unwrap().is_empty(), "it is not that old");
    assert!(objects.older_than(shelf.wrapping_add(1), later).await.unwrap().is_empty());
    objects.delete(&name).await.unwrap();
    objects.delete(&name).await.unwrap();
    assert!(objects.get(&name).await.unwrap().is_none());
    objects.probe().await.unwrap();
    assert_eq!(server.ask("count"), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_for_a_while_is_asked_again() {
    let (server, objects) = started();
    server.ask("away 3");
    let name = objects.put(bytes()).await.unwrap();
    server.ask("away 3");
    assert_eq!(objects.get(&name).await.unwrap().unwrap(), bytes());
    // For longer than we ask, it is an error: never a missing object.
    server.ask("away 100");
    assert!(matches!(objects.get(&name).await, Err(StoreError::Objects { .. })));
    assert!(matches!(objects.put(bytes()).await, Err(StoreError::Objects { .. })));
    server.ask("well");
    assert_eq!(server.ask("count"), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_body_is_never_taken_for_the_whole() {
    let (server, objects) = started();
    let name = kept(&objects).await;
    server.ask("half 2");
    assert_eq!(objects.get(&name).await.unwrap().unwrap(), bytes(), "it is asked again");
    server.ask("half 100");
    match objects.get(&name).await {
        // What was cut may have been put together from pieces: then it is the whole.
        Ok(read) => assert_eq!(read.unwrap(), bytes()),
        Err(error) => assert!(matches!(error, StoreError::Objects { .. }), "{error}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_whose_answer_is_lost_is_kept_once() {
    let (server, objects) = started();
    server.ask("lost 1");
    let name = objects.put(bytes()).await.unwrap();
    assert_eq!(objects.get(&name).await.unwrap().unwrap(), bytes());
    assert_eq!(server.ask("count"), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_silent_is_given_up() {
    let (server, objects) = started();
    let name = kept(&objects).await;
    server.ask("silent 100");
    let mut hasty = store(&server);
    hasty.limits = S3Limits { attempt: Duration::from_millis(50), again: 1, ..hasty.limits };
    let hasty = Objects::s3(&hasty).unwrap();
    assert!(matches!(hasty.get(&name).await, Err(StoreError::Objects { .. })));
    assert!(matches!(hasty.put(bytes()).await, Err(StoreError::Objects { .. })));
}

#[test]
fn only_a_store_on_this_machine_is_spoken_to_without_tls() {
    let named = |endpoint: &str| {
        Objects::s3(&S3Store {
            endpoint: endpoint.to_owned(),
            bucket: "b".to_owned(),
            region: "r".to_owned(),
            access_key_id: "a".to_owned(),
            secret_access_key: "s".to_owned().into(),
            authorities: None,
            limits: S3Limits::default(),
        })
    };
    assert!(named("https://s3.example.org").is_ok());
    assert!(named("http://[::1]:9000").is_ok());
    for endpoint in
        ["http://s3.example.org", "http://10.0.0.1", "http://127.0.0.1.example.org", "ftp://127.0.0.1", "s3"]
    {
        assert!(matches!(named(endpoint), Err(StoreError::Settings(_))), "{endpoint}");
    }
}
