//! Lists change while the gate runs: whom a new one names is refused at once, and a bad one changes nothing.

use std::{fs, io::Write as _, time::Instant};

use crate::{
    kept::Kept,
    lists::{List, Publisher, publish},
    outside::{Stage, chain, run, until, usual},
};

fn of_root() -> String {
    format!("{}/root.crl", chain().display())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_acts_on_connections_that_are_kept_and_on_sessions_that_are_taken_up() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clients.crl");
    publish(&file, &List::of_clients("01", &["revoked"]).make());
    let lists = [of_root(), "clients.crl".to_owned()];
    let stage = Stage::with(folder, |upstream| usual(upstream, &lists)).await;
    let session = |version: &str| stage.folder().join(version).display().to_string();
    let mut kept = Kept::open(stage.address, "known", "-tls1_3");
    assert_eq!(kept.get("/mtls-protect/a").await.0, "200");
    for version in ["tls1_2", "tls1_3"] {
        let mut first =
            Kept::open(stage.address, "known", &format!("-{version} -sess_out {}", session(version)));
        assert_eq!(first.get("/mtls-protect/a").await.0, "200");
    }
    publish(&file, &List::of_clients("02", &["revoked", "known"]).make());
    let changed = Instant::now();
    let last = loop {
        let (status, head) = kept.get("/mtls-protect/a").await;
        if status != "200" {
            break head;
        }
        assert!(changed.elapsed().as_secs() < 10, "the new list is not used");
    };
    assert!(last.starts_with("HTTP/1.1 401") && last.contains("sceau-code: certificate_revoked"), "{last}");
    for version in ["tls1_2", "tls1_3"] {
        let mut again =
            Kept::open(stage.address, "known", &format!("-{version} -sess_in {}", session(version)));
        assert_eq!(again.get("/mtls-protect/a").await.0, "401", "{version}");
        assert!(again.is_resumed(), "{version}: no certificate was shown again");
    }
    publish(&file, &List::of_clients("03", &["revoked"]).make());
    while kept.get("/mtls-protect/a").await.0 != "200" {
        assert!(changed.elapsed().as_secs() < 20, "whoever is no longer named passes again");
    }
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_fetched_and_a_restart_without_its_server_judges_as_before() {
    let publisher =
        Publisher::open(Publisher::good(&List::of_clients("01", &["revoked"]).make(), "one")).await;
    let lists = [of_root(), format!("http://{}/CRL/clients.crl?a=b", publisher.address)];
    let stage = Stage::with(tempfile::tempdir().unwrap(), |upstream| usual(upstream, &lists)).await;
    let mut kept = Kept::open(stage.address, "known", "");
    let started = Instant::now();
    loop {
        let (status, head) = kept.get("/mtls-protect/a").await;
        if status == "200" {
            break;
        }
        assert!(
            head.contains("certificate_revocation_unknown"),
            "nobody passes before the list is there: {head}"
        );
        assert!(started.elapsed().as_secs() < 10, "the list is not fetched");
    }
    // What the server said of it is noted once the list is in use.
    let is_note = |path: std::path::PathBuf| path.extension().is_some_and(|it| it == "json");
    while !fs::read_dir(stage.folder().join("cache")).unwrap().any(|kept| is_note(kept.unwrap().path())) {
        assert!(started.elapsed().as_secs() < 10, "nothing is noted");
    }
    let asked = publisher.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(asked[0].starts_with("get /crl/clients.crl?a=b http/1.1\r\n"), "{asked:?}");
    assert!(asked[0].contains("connection: close") && !asked[0].contains("if-"), "{asked:?}");
    // Asked again: with the tag, and whoever a newer list names is out.
    publisher.says(Publisher::good(&List::of_clients("02", &["revoked", "unknown"]).make(), "two"));
    stage.reload.ask().await.unwrap();
    let mut other = Kept::open(stage.address, "unknown", "");
    while other.get("/mtls-protect/a").await.0 != "401" {
        assert!(started.elapsed().as_secs() < 20, "the newer list is not fetched");
    }
    let asked = publisher.asked();
    assert!(asked.len() == 2 && asked[1].contains("if-none-match: \"one\""), "{asked:?}");
    let folder = stage.stop().await;
    publisher.close().await;

    let again = Stage::with(folder, |upstream| usual(upstream, &lists)).await;
    for (client, status) in [("known", "200"), ("revoked", "401")] {
        assert_eq!(Kept::open(again.address, client, "").get("/mtls-protect/a").await.0, status, "{client}");
    }
    let folder = again.stop().await;
    for kept in fs::read_dir(folder.path().join("cache")).unwrap() {
        let path = kept.unwrap().path();
        let mut octets = fs::read(&path).unwrap();
        if let Some(last) = octets.last_mut() {
            *last ^= 1;
        }
        fs::write(&path, octets).unwrap();
    }
    let damaged = Stage::with(folder, |upstream| usual(upstream, &lists)).await;
    let (_, head) = Kept::open(damaged.address, "known", "").get("/mtls-protect/a").await;
    assert!(
        head.contains("certificate_revocation_unknown"),
        "what the disk says is not believed unverified: {head}"
    );
    drop(damaged.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_comes_while_the_file_is_read_is_not_lost() {
    let publisher =
        Publisher::open(Publisher::good(&List::of_clients("01", &["revoked"]).make(), "one")).await;
    let lists = [of_root(), format!("http://{}/clients.crl", publisher.address)];
    let certificate = chain().join("server.pem").display().to_string();
    let text = |upstream| usual(upstream, &lists).replace(&certificate, "server.pem");
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("server.pem");
    fs::copy(&certificate, &own).unwrap();
    let stage = Stage::with(folder, text).await;
    let mut kept = Kept::open(stage.address, "known", "");
    until("the first list", async || kept.get("/mtls-protect/a").await.0 == "200").await;
    // A question is under way.
    let held = publisher.hold().await;
    stage.reload.ask().await.unwrap();
    until("the question", async || publisher.asked().len() == 2).await;
    // And the file is read again, up to the certificate, which comes when the test says so.
    let pipe = stage.folder().join("pipe");
    run(stage.folder(), "mkfifo", "pipe");
    fs::rename(&pipe, &own).unwrap();
    let reload = stage.reload.clone();
    let reading = tokio::spawn(async move { reload.ask().await.unwrap() });
    let opened = own.clone();
    let mut opened = tokio::task::spawn_blocking(move || fs::File::create(opened).unwrap()).await.unwrap();
    publisher.says(Publisher::good(&List::of_clients("02", &["revoked", "known"]).make(), "two"));
    drop(held);
    until("the second list", async || kept.get("/mtls-protect/a").await.0 == "401").await;
    // Whatever is asked from now on is answered by the tag alone, as a server does whose list did not change.
    publisher.says(b"HTTP/1.1 304 Not Modified\r\n\r\n".to_vec());
    fs::copy(&certificate, stage.folder().join("aside")).unwrap();
    fs::rename(stage.folder().join("aside"), &own).unwrap();
    opened.write_all(&fs::read(&certificate).unwrap()).unwrap();
    drop(opened);
    reading.await.unwrap();
    let (status, head) = kept.get("/mtls-protect/a").await;
    assert!(status == "401" && head.contains("certificate_revoked"), "{head}");
    drop(stage.stop().await);
    publisher.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_change_under_load_and_no_request_fails_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clients.crl");
    let numbers: Vec<String> = (0x10..0x18).map(|number| format!("{number:02X}")).collect();
    // Every other one names one client more, who is then refused: so each is seen in use before the next comes.
    let named = |turn: usize| if turn.is_multiple_of(2) { &["revoked"][..] } else { &["revoked", "unknown"] };
    let made = numbers.iter().enumerate().map(|(turn, number)| List::of_clients(number, named(turn)).make());
    let made: Vec<_> = made.collect();
    publish(&file, &made[0]);
    let lists = [of_root(), "clients.crl".to_owned()];
    let stage = Stage::with(folder, |upstream| usual(upstream, &lists)).await;
    let (swapping, swapped) = tokio::sync::watch::channel(false);
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (mut kept, swapped) = (Kept::open(stage.address, "known", ""), swapped.clone());
            tokio::spawn(async move {
                let mut answered = 0_u32;
                while !*swapped.borrow() {
                    assert_eq!(kept.get("/mtls-protect/a").await.0, "200", "after {answered}");
                    answered += 1;
                }
                while kept.get("/mtls-protect/a").await.0 == "200" {}
                answered
            })
        })
        .collect();
    let mut unknown = Kept::open(stage.address, "unknown", "");
    for (turn, list) in made.iter().enumerate().skip(1) {
        publish(&file, list);
        let expected = if turn.is_multiple_of(2) { "403" } else { "401" };
        let since = Instant::now();
        while unknown.get("/mtls-protect/a").await.0 != expected {
            assert!(since.elapsed().as_secs() < 20, "list {turn}");
        }
    }
    swapping.send(true).unwrap();
    publish(&file, &List::of_clients("20", &["known"]).make());
    for caller in callers {
        assert!(caller.await.unwrap() > 0);
    }
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_fetched_again_though_the_clock_was_once_ahead() {
    let publisher =
        Publisher::open(Publisher::good(&List::of_clients("01", &["revoked"]).make(), "one")).await;
    let lists = [of_root(), format!("http://{}/clients.crl", publisher.address)];
    let stage = Stage::with(tempfile::tempdir().unwrap(), |upstream| usual(upstream, &lists)).await;
    let (started, cache) = (Instant::now(), stage.folder().join("cache"));
    let note = loop {
        let kept = fs::read_dir(&cache).into_iter().flatten().map(|kept| kept.unwrap().path());
        if let Some(note) = kept.into_iter().find(|it| it.extension().is_some_and(|it| it == "json")) {
            break note;
        }
        assert!(started.elapsed().as_secs() < 10, "nothing is noted");
        tokio::task::yield_now().await;
    };
    let folder = stage.stop().await;
    let noted = fs::read_to_string(&note).unwrap();
    let fetched = noted.split_once("\"fetched\":").unwrap().1.split(',').next().unwrap();
    fs::write(&note, noted.replace(fetched, "18446744073709551615")).unwrap();
    let again = Stage::with(folder, |upstream| usual(upstream, &lists)).await;
    while publisher.asked().len() < 2 {
        assert!(started.elapsed().as_secs() < 20, "nobody asks before the end of time");
        tokio::task::yield_now().await;
    }
    drop(again.stop().await);
    publisher.close().await;
}
