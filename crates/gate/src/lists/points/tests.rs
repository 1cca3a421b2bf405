//! Places that certificates of OpenSSL name, at moments that the tests say.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what must hold")]
use std::{fs, path::Path, process::Command, time::Duration};

use super::*;
use crate::lists::{Cache, Keeping, Limits, Window, learnt::IDLE};

/// 2026-11-22.
const NOW: u64 = 1_795_305_600_000;

fn openssl(folder: &Path, words: &str) {
    let made = Command::new("openssl").args(words.split_whitespace()).current_dir(folder).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// Of an authority, and of one that names these places.
fn certificates(folder: &Path, places: &[&str]) -> (Certificate, Certificate) {
    let points = places.iter().map(|place| format!("URI:http://a/{place}")).collect::<Vec<_>>().join(",");
    let key = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    if !folder.join("ca.pem").exists() {
        openssl(folder, &format!("{key} -subj /CN=a -keyout ca.key -out ca.pem"));
    }
    let words = format!("{key} -subj /CN=b -addext crlDistributionPoints={points} -keyout b.key -out b.pem");
    openssl(folder, &words);
    let read = |name: &str| {
        let der = folder.join(format!("{name}.der"));
        openssl(folder, &format!("x509 -in {name}.pem -outform DER -out {name}.der"));
        Certificate::from_der(&fs::read(der).unwrap(), name).unwrap()
    };
    (read("ca"), read("b"))
}

/// Its authority's list, which names nobody and holds for two days from [`NOW`] on.
fn list(folder: &Path) -> Vec<u8> {
    fs::write(folder.join("index"), "").unwrap();
    fs::write(folder.join("number"), "01\n").unwrap();
    let settings = "[ca]\ndefault_ca=a\n[a]\ndatabase=index\ncrlnumber=number\ndefault_md=sha256\n";
    fs::write(folder.join("ca.cnf"), settings).unwrap();
    let dates = "-crl_lastupdate 20261122000000Z -crl_nextupdate 20261124000000Z";
    openssl(folder, &format!("ca -config ca.cnf -gencrl -cert ca.pem -keyfile ca.key -out list.pem {dates}"));
    fs::read(folder.join("list.pem")).unwrap()
}

fn points(folder: &Path) -> Points {
    of(&places(folder))
}

fn of(places: &Arc<Places>) -> Points {
    let hosts = Hosts::read(&["a".to_owned()]).unwrap();
    Points::new("here".to_owned(), hosts, (&[], &[]), places)
}

fn places(folder: &Path) -> Arc<Places> {
    let keeping = Keeping {
        cache: Cache::new(folder.join("cache")),
        window: Window { from: Duration::ZERO, within: Duration::ZERO },
        limits: Limits { octets: 100_000, time: Duration::from_secs(10) },
    };
    Arc::new(Places::new(&keeping, &[]))
}

fn followed(points: &Points) -> Vec<String> {
    points.feeds().iter().map(|feed| feed.source.to_string().replace("http://a/", "")).collect()
}

#[tokio::test]
async fn a_place_that_is_of_no_use_is_followed_for_a_day() {
    let folder = tempfile::tempdir().unwrap();
    let points = points(folder.path());
    let (authority, one) = certificates(folder.path(), &["1", "2", "3", "4"]);
    drop(points.learn(&one, &authority, NOW));
    assert_eq!(followed(&points), ["1", "2"], "two of one certificate");
    let good = list(folder.path());
    assert!(points.feeds().first().unwrap().offer(&good, NOW).is_ok());
    let mut epoch = points.epoch();
    // Until the list ends the place stays, and then as long as it is asked for.
    for (at, other, left) in [
        (NOW + IDLE - 1, "5", vec!["1", "2", "5"]),
        (NOW + IDLE, "6", vec!["1", "5", "6"]),
        (NOW + 3 * IDLE - 1, "9", vec!["1", "9"]),
        (NOW + 3 * IDLE - 1, "1", vec!["1", "9"]),
        (NOW + 4 * IDLE - 2, "7", vec!["1", "9", "7"]),
        (NOW + 4 * IDLE - 1, "8", vec!["7", "8"]),
    ] {
        let before = followed(&points);
        drop(points.learn(&certificates(folder.path(), &[other]).1, &authority, at));
        assert_eq!(followed(&points), left, "at {at}");
        assert_eq!(points.epoch() > epoch, before != left, "it does not come back to where it was");
        epoch = points.epoch();
    }
    assert_eq!(points.stale(&[], NOW + 4 * IDLE), Vec::new(), "what never gave a list is not missed");
    assert_eq!(points.stale(&[], NOW + 9 * IDLE), Vec::new());
    assert_eq!(followed(&points), [""; 0], "nor followed for ever, where nobody learns another");
    assert!(points.epoch() > epoch);
}

#[tokio::test]
async fn what_is_read_of_a_place_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let points = points(folder.path());
    let (authority, one) = certificates(folder.path(), &["1"]);
    let good = list(folder.path());
    // What the disk keeps is there when the test says so.
    let kept = Cache::new(folder.path().join("cache"));
    let source = Source::read("http://a/1", "".as_ref()).unwrap();
    kept.keep(&source, b"").unwrap();
    let pipe = fs::read_dir(kept.folder()).unwrap().next().unwrap().unwrap().path();
    fs::remove_file(&pipe).unwrap();
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let before = points.epoch();
    let loading = points.learn(&one, &authority, NOW);
    assert_eq!((loading.len(), followed(&points)), (1, vec!["1".to_owned()]));
    assert_eq!(points.learn(&one, &authority, NOW).len(), 1, "who comes meanwhile waits too");
    let meanwhile = points.epoch();
    assert!(meanwhile > before && points.feeds().iter().all(|feed| feed.lists().is_empty()));
    let waiting = points.learn(&one, &authority, NOW);
    assert!(!Loading::all(waiting, Duration::from_millis(10)).await, "nobody waits for ever");
    tokio::task::spawn_blocking(move || fs::write(pipe, good).unwrap()).await.unwrap();
    assert!(Loading::all(loading, Duration::from_secs(30)).await);
    assert!(points.feeds().iter().all(|feed| !feed.lists().is_empty()) && points.epoch() > meanwhile);
    assert!(points.learn(&one, &authority, NOW).is_empty(), "it is read once");
}

/// Each table follows a place for itself, or that one would be of no use for ever, and all verdicts be reached anew at each request.
#[tokio::test]
async fn a_place_of_two_tables_that_gives_nothing_moves_them_once_a_day() {
    let folder = tempfile::tempdir().unwrap();
    let places = places(folder.path());
    let two = [of(&places), of(&places)];
    let (authority, one) = certificates(folder.path(), &["1"]);
    let epochs = || two.each_ref().map(Points::epoch);
    for at in [NOW, NOW + IDLE, NOW + 2 * IDLE] {
        let before = epochs();
        two.iter().for_each(|points| drop(points.learn(&one, &authority, at)));
        let learnt = epochs();
        assert!(learnt.iter().zip(before).all(|(now, before)| *now > before), "another day");
        for _ in 0..3 {
            two.iter().for_each(|points| drop(points.learn(&one, &authority, at + IDLE - 1)));
        }
        assert_eq!(epochs(), learnt);
    }
    let feeds = two.each_ref().map(|points| points.feeds().remove(0));
    assert!(Arc::ptr_eq(&feeds[0], &feeds[1]), "and asked once");
}

#[tokio::test]
async fn a_table_that_is_read_again_follows_what_was_learnt_meanwhile() {
    let [folder, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    // The next one finds nothing on its disk.
    let [before, next] = [points(folder.path()), points(other.path())];
    let (authority, one) = certificates(folder.path(), &["1", "2"]);
    drop(before.learn(&one, &authority, NOW));
    let good = list(folder.path());
    before.feeds()[0].offer(&good, NOW).unwrap();
    next.adopt(&before, (Reads::Aside, NOW));
    assert_eq!(followed(&next), ["1", "2"]);
    let given =
        |points: &Points| points.feeds().iter().map(|feed| feed.lists().iter().count()).sum::<usize>();
    assert_eq!(given(&next), 1);
    // What comes later too, though it is followed already.
    before.feeds()[1].offer(&good, NOW).unwrap();
    assert_eq!(given(&next), 2);
    next.adopt(&before, (Reads::Aside, NOW));
    assert_eq!(followed(&next), ["1", "2"]);
}
