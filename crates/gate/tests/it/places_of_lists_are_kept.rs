//! Places of lists that certificates name: what they gave is not forgotten, and each is asked once.

use std::{fs, net::SocketAddr};

use crate::{
    lists::{Publisher, publish},
    outside::{Stage, run, until},
    own::{AUTHORITY, CLIENT, Own, SUBJECT, allowing, becomes, code, points, turns},
};

/// A gate whose file names the lists of both authorities, of which that of clients ended, and these lines besides.
fn with_an_ended_list(own: &Own, publisher: &Publisher, besides: &str) -> String {
    fs::write(own.at().join("root.crl"), own.list("root", "01", &[])).unwrap();
    publish(&own.at().join("authority.crl"), &own.ended("authority", "01"));
    let [root, authority] = ["root", "authority"].map(|name| own.at().join(format!("{name}.crl")));
    format!(
        "revocation_lists = [{root:?}, {authority:?}]\n{}{besides}",
        allowing(&[publisher.address.to_string()])
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_a_list_on_the_disk_takes_back_does_not_pass_unchecked_first() {
    let own = Own::with("http://127.0.0.1:9/root.crl");
    let publisher = Publisher::open(Vec::new()).await;
    own.client("revoked", &[&format!("http://{}/clients.crl", publisher.address)]);
    publisher.says(Publisher::good(&own.list("authority", "02", &["revoked"]), "one"));
    let open = "fail_open = { maximum_age = \"48h\", journal = \"unchecked.jsonl\" }\n";
    let lists = with_an_ended_list(&own, &publisher, open);
    let text = |upstream| own.text(upstream, &lists);
    let stage = Stage::with(tempfile::tempdir().unwrap(), text).await;
    turns(&stage, &own.shown("revoked"), "200", "certificate_revoked").await;
    let folder = stage.stop().await;
    publisher.close().await;
    let journal = || fs::read_to_string(folder.path().join("unchecked.jsonl")).unwrap();
    let before = journal();
    let stage = Stage::with(tempfile::tempdir().unwrap(), |upstream| {
        text(upstream) + &format!("[lists]\ncache = {:?}\n", folder.path().join("cache"))
    });
    let stage = stage.await;
    assert_eq!(code(&stage, &own.shown("revoked")).await, "certificate_revoked", "the first request");
    assert_eq!(journal(), before);
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_reading_of_the_file_remembers_whom_a_place_took_back() {
    let own = Own::with("http://127.0.0.1:9/root.crl");
    let publisher = Publisher::open(Vec::new()).await;
    own.client("revoked", &[&format!("http://{}/clients.crl", publisher.address)]);
    publisher.says(Publisher::good(&own.list("authority", "03", &["revoked"]), "one"));
    let lists = with_an_ended_list(&own, &publisher, "");
    let stage = Stage::with(tempfile::tempdir().unwrap(), |upstream| own.text(upstream, &lists)).await;
    becomes(&stage, &own.shown("revoked"), "certificate_revoked").await;
    // An older one is offered where the file names it, and speaks well of everybody.
    publish(&own.at().join("authority.crl"), &own.list("authority", "02", &[]));
    publisher.close().await;
    for _ in 0..2 {
        stage.reload.ask().await.unwrap();
        assert_eq!(code(&stage, &own.shown("revoked")).await, "certificate_revoked");
    }
    own.client("known", &[]);
    assert_eq!(code(&stage, &own.shown("known")).await, "200", "the file's list is in use");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_of_one_caller_that_gives_nothing_is_no_trouble_of_others() {
    let own = Own::with("http://127.0.0.1:9/root.crl");
    let publisher = Publisher::open(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec()).await;
    own.client("known", &[]);
    own.make("beside", Some("root"), "/CN=beside", AUTHORITY);
    let dead = points(&[&format!("http://{}/none.crl", publisher.address)]);
    own.make("lone", Some("beside"), SUBJECT, &format!("{CLIENT}{dead}"));
    let [lone, beside] =
        ["lone", "beside"].map(|name| fs::read_to_string(own.at().join(format!("{name}.pem"))).unwrap());
    fs::write(own.at().join("lone.pem"), lone + &beside).unwrap();
    let lists = with_an_ended_list(&own, &publisher, "");
    fs::write(own.at().join("authority.crl"), own.list("authority", "02", &[])).unwrap();
    let text = |upstream| own.text(upstream, &lists).replace("issuer = ", "# ");
    let stage = Stage::with(tempfile::tempdir().unwrap(), text).await;
    assert_eq!(code(&stage, &own.shown("lone")).await, "certificate_revocation_unknown");
    let check = stage.curl("/mtls-protect/check", &own.shown("known")).await;
    assert!(check.contains(" 200"), "{check}");
    // Once it gave a list, that one is missed where it ended.
    publisher.says(Publisher::good(&own.ended("beside", "01"), "one"));
    stage.reload.ask().await.unwrap();
    until("503", async || stage.curl("/mtls-protect/check", &own.shown("known")).await.contains(" 503"))
        .await;
    drop(stage.stop().await);
}

/// Authorities ask for one question a day.
#[tokio::test(flavor = "multi_thread")]
async fn each_place_is_asked_once_whoever_follows_it() {
    let own = Own::with("http://127.0.0.1:9/root.crl");
    let publisher = Publisher::open(Vec::new()).await;
    let place = format!("http://{}/clients.crl", publisher.address);
    own.client("known", &[&place]);
    publisher.says(Publisher::good(&own.list("authority", "01", &[]), "one"));
    fs::write(own.at().join("root.crl"), own.list("root", "01", &[])).unwrap();
    let named = |also: &str| {
        format!(
            "revocation_lists = [\"{}/root.crl\"{also}]\n{}",
            own.at().display(),
            allowing(&[publisher.address.to_string()])
        )
    };
    let two = |upstream: SocketAddr| {
        let text = own.text(upstream, &named(""));
        let (before, clients) = text.split_once("[clients.recette]\n").unwrap();
        let route = format!(
            "[[listener.route]]\npath = \"/two/\"\nupstream = \"http://{upstream}\"\nclients = \"two\"\n"
        );
        let second = clients.replace("clients.recette", "clients.two");
        format!("{before}{route}[clients.recette]\n{clients}[clients.two]\n{second}")
    };
    let stage = Stage::with(tempfile::tempdir().unwrap(), two).await;
    becomes(&stage, &own.shown("known"), "200").await;
    let second = stage.curl("/two/a", &own.shown("known")).await;
    assert!(second.contains(" 200"), "it has the list that the other table had fetched: {second}");
    assert_eq!(publisher.asked().len(), 1, "{:?}", publisher.asked());
    drop(stage.stop().await);
    // What the table names itself is not followed again because a certificate names it too, while its list is not there.
    publisher.says(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec());
    let observe = "[observe]\naddress = \"127.0.0.1:0\"\n";
    let both = |upstream| own.text(upstream, &named(&format!(", \"{place}\""))) + observe;
    let stage = Stage::with(tempfile::tempdir().unwrap(), both).await;
    assert_eq!(code(&stage, &own.shown("known")).await, "certificate_revocation_unknown");
    let state = stage.call(&format!("http://{}/state.json", stage.observed.unwrap())).await;
    let followed = state.matches(&format!("\"source\":\"{place}\"")).count();
    assert_eq!(followed, 1, "{state}");
    until("the question", async || publisher.asked().len() >= 2).await;
    publisher.says(Publisher::good(&own.list("authority", "01", &[]), "one"));
    stage.reload.ask().await.unwrap();
    becomes(&stage, &own.shown("known"), "200").await;
    assert_eq!(publisher.asked().len(), 3, "{:?}", publisher.asked());
    drop(stage.stop().await);
}

/// A certificate says its issuer's name, and another authority of the file's may have the same.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_authorities_of_one_name_the_one_that_signed_has_its_list_taken() {
    let publisher = Publisher::open(Vec::new()).await;
    let own = Own::with(&format!("http://{}/root.crl", publisher.address));
    own.make("namesake", None, "/CN=root", AUTHORITY);
    own.client("known", &[]);
    publisher.says(Publisher::good(&own.list("root", "01", &[]), "one"));
    fs::write(own.at().join("authority.crl"), own.list("authority", "01", &[])).unwrap();
    let [root, namesake] = ["root", "namesake"].map(|name| own.at().join(format!("{name}.pem")));
    let lists = format!(
        "revocation_lists = [{:?}]\n{}",
        own.at().join("authority.crl"),
        allowing(&[publisher.address.to_string()])
    );
    let text = |upstream| {
        let text = own.text(upstream, &lists);
        text.replace(&format!("anchors = [{root:?}]"), &format!("anchors = [{namesake:?}, {root:?}]"))
    };
    let stage = Stage::with(tempfile::tempdir().unwrap(), text).await;
    becomes(&stage, &own.shown("known"), "200").await;
    assert_eq!(
        publisher.asked().len(),
        1,
        "no list of the namesake's is looked for: {:?}",
        publisher.asked()
    );
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_does_not_answer_holds_nobody_up_for_ever_and_lets_nobody_pass() {
    let own = Own::with("http://127.0.0.1:9/root.crl");
    let publisher = Publisher::open(Vec::new()).await;
    own.client("revoked", &[&format!("http://{}/clients.crl", publisher.address)]);
    let list = own.list("authority", "02", &["revoked"]);
    publisher.says(Publisher::good(&list, "one"));
    let open = "fail_open = { maximum_age = \"48h\", journal = \"unchecked.jsonl\" }\n";
    let lists = with_an_ended_list(&own, &publisher, open);
    let text = |upstream| own.text(upstream, &lists);
    let stage = Stage::with(tempfile::tempdir().unwrap(), text).await;
    turns(&stage, &own.shown("revoked"), "200", "certificate_revoked").await;
    let folder = stage.stop().await;
    publisher.close().await;
    let kept = fs::read_dir(folder.path().join("cache")).unwrap().map(|it| it.unwrap().path());
    let kept = kept.into_iter().find(|it| fs::read(it).unwrap() == list).unwrap();
    fs::remove_file(&kept).unwrap();
    run(folder.path(), "mkfifo", &kept.display().to_string());
    let journal = || fs::read_to_string(folder.path().join("unchecked.jsonl")).unwrap();
    let before = journal();
    let stage = Stage::with(tempfile::tempdir().unwrap(), |upstream| {
        text(upstream) + &format!("[lists]\ncache = {:?}\n", folder.path().join("cache"))
    });
    let stage = stage.await;
    assert_eq!(code(&stage, &own.shown("revoked")).await, "certificate_revocation_unknown");
    assert_eq!(journal(), before);
    // The disk answers after all.
    tokio::task::spawn_blocking(move || fs::write(kept, list).unwrap()).await.unwrap();
    becomes(&stage, &own.shown("revoked"), "certificate_revoked").await;
    drop(stage.stop().await);
}
